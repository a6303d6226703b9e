/* A breaker: whoever refuses us for a reason that asking again does not mend is left alone for a
 * while, longer each time, and then tried with one call. Pure. */
#ifndef SV_BREAKER_H
#define SV_BREAKER_H

#include <stdbool.h>

#include "sv/time.h"

struct sv_breaker_rule {
    unsigned failures_max; /* in a row; the next one opens it */
    sv_ms first_ms;        /* open for so long, doubling with each trial that fails */
    sv_ms cap_ms;
};

struct sv_breaker { /* all zero = closed */
    unsigned failures;
    sv_ms wait_ms; /* 0 = closed */
    sv_ms until;   /* open until then; on whatever clock the caller uses */
    bool trying;   /* half open, and the one call is under way */
};

enum sv_breaker_answer {
    SV_BREAKER_REFUSE,
    SV_BREAKER_WAIT,  /* somebody is trying: the outcome is near */
    SV_BREAKER_TRY,   /* half open: the call that is made now is the trial, see sv_breaker_try */
    SV_BREAKER_CLOSED /* call as usual */
};

enum sv_breaker_answer sv_breaker_ask(const struct sv_breaker *breaker, sv_ms now);

/* The caller makes the trial that sv_breaker_ask allowed; one of the three below ends it. */
void sv_breaker_try(struct sv_breaker *breaker);

/* `is_trial`: it was the trial that failed. Calls that were under way when the breaker opened say
 * nothing new. */
void sv_breaker_fail(struct sv_breaker *breaker, const struct sv_breaker_rule *rule, bool is_trial,
                     sv_ms now);
void sv_breaker_succeed(struct sv_breaker *breaker);
/* The trial ended without telling anything: the next call is one. */
void sv_breaker_forget_trial(struct sv_breaker *breaker);

#endif
