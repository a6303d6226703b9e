/* When an event is sent to a sink again, and when it is given up. Pure; the schedule is that of
 * Standard Webhooks 1.0. */
#ifndef SV_DELIVERY_H
#define SV_DELIVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sv/sink_outcome.h"
#include "sv/time.h"

enum {
    SV_DELIVERY_ATTEMPTS_MAX = 16,
    SV_DELIVERY_PARALLEL_MAX = 64, /* attempts under way at once, per shard and sink */
    SV_DELIVERY_ASKED_MS_MAX = 24 * 60 * 60 * 1000, /* Retry-After is obeyed up to a day */
};

/* How long each attempt waits after the one before; the first after the event. */
struct sv_delivery_plan {
    size_t attempts; /* 1 .. SV_DELIVERY_ATTEMPTS_MAX */
    sv_ms waits_ms[SV_DELIVERY_ATTEMPTS_MAX];
};

enum sv_delivery_step {
    SV_DELIVERY_DONE,
    SV_DELIVERY_WAIT,    /* again after `wait_ms` */
    SV_DELIVERY_DEAD,    /* to the dead letters of the sink */
    SV_DELIVERY_DISABLE, /* nothing goes there any more until somebody enables it; the event stays
                          */
};

struct sv_delivery_next {
    enum sv_delivery_step step;
    sv_ms wait_ms;
};

/* 0, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h. */
struct sv_delivery_plan sv_delivery_plan_default(void);

/* What follows from the outcome of attempt number `attempt`, from 1. `asked_ms` is what the target
 * asked for, 0 = nothing; the wait is never shorter than that. `dice` is any number: up to a tenth
 * is added to each wait, so that many that failed together do not come back together. */
struct sv_delivery_next sv_delivery_judge(const struct sv_delivery_plan *plan, size_t attempt,
                                          enum sv_sink_outcome outcome, sv_ms asked_ms,
                                          uint32_t dice);

/* All waits together: an event that is older has had its time. */
sv_ms sv_delivery_total_ms(const struct sv_delivery_plan *plan);

enum { SV_DELIVERY_STREAK = 3, SV_DELIVERY_QUIET_MS_MAX = 30 * 1000 };

/* How long a sink is left alone after so many failures in a row, of whatever events: not at all
 * before SV_DELIVERY_STREAK, then a fifth of the plan's second wait, doubling up to a tenth of its
 * third: 1 s to 30 s. */
sv_ms sv_delivery_pause_ms(const struct sv_delivery_plan *plan, unsigned streak);

/* How long all events are left alone after a failure: what an overloaded target asked for, 0 =
 * nothing, up to SV_DELIVERY_QUIET_MS_MAX, and never shorter than the pause above. One answer in
 * error must not silence a sink for a day. */
sv_ms sv_delivery_quiet_ms(const struct sv_delivery_plan *plan, unsigned streak, sv_ms asked_ms);

/* How bad an event is. */
enum sv_delivery_severity {
    SV_DELIVERY_ANY,
    SV_DELIVERY_INFO,
    SV_DELIVERY_WARNING,
    SV_DELIVERY_ERROR,
};

/* What a sink wants; lists may be empty, which means all. Texts are borrowed. */
struct sv_delivery_filter {
    const char *const *kinds; /* "verified", "job_finished" ... */
    size_t kinds_count;
    const char *const *clients;
    size_t clients_count;
    const char *const *accounts;
    size_t accounts_count;
    enum sv_delivery_severity least;
};

/* What the filter is held against. */
struct sv_delivery_facts {
    const char *kind;    /* the word in the middle of the type: "verified"; "job_finished" */
    const char *client;  /* "" = the event tells none, as that of a job nobody could read */
    const char *account; /* likewise */
    enum sv_delivery_severity worst; /* of its findings; ANY = there are none */
};

/* `failed` counts as an error and `at_risk` as a warning at least; verified, restored and removed
 * pass every `least`, since they close what another event opened. */
bool sv_delivery_wants(const struct sv_delivery_filter *filter,
                       const struct sv_delivery_facts *facts);

#endif
