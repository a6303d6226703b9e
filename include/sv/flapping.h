/* Flapping: a domain that goes to and fro between good and bad more often than anybody wants to be
 * told. After so many changes one summary is told, and then nothing until it is quiet; what it came
 * to is told last. For messages to people only: events themselves are never held back. Pure. */
#ifndef SV_FLAPPING_H
#define SV_FLAPPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sv/time.h"

enum {
    SV_FLAPPING_CHANGES_MAX = 8, /* of one domain that are remembered */
    SV_FLAPPING_DOMAINS_MAX = 1024,
};

/* The worse, the larger. */
enum sv_flapping_level { SV_FLAPPING_GOOD, SV_FLAPPING_AT_RISK, SV_FLAPPING_FAILED };

struct sv_flapping_policy {
    unsigned changes; /* more than so many ... 1 .. SV_FLAPPING_CHANGES_MAX - 1 */
    sv_ms window_ms;  /* ... within this time is flapping */
    sv_ms quiet_ms;   /* and it is over after so long without a change */
};

/* 4 within an hour; quiet after half an hour. */
struct sv_flapping_policy sv_flapping_policy_default(void);

enum sv_flapping_verdict {
    SV_FLAPPING_TELL,      /* as always */
    SV_FLAPPING_SUMMARIZE, /* told as flapping; what follows is held back */
    SV_FLAPPING_HOLD,      /* not to be told before `until` */
};

struct sv_flapping_answer {
    enum sv_flapping_verdict verdict;
    unsigned changes; /* SUMMARIZE: within the window */
    sv_ms until;      /* HOLD: when it is quiet, if nothing else happens; it is asked again then */
};

/* One domain. All zero = nothing is known of it. */
struct sv_flapping_domain {
    uint64_t key; /* 0 = a free place */
    sv_ms changes_at[SV_FLAPPING_CHANGES_MAX];
    uint8_t changes; /* of them; the newest last */
    bool is_known;   /* `level` is */
    bool is_flapping;
    enum sv_flapping_level level; /* now */
    enum sv_flapping_level told;  /* the worst that was told since it flaps */
    sv_ms told_at;                /* the event it was told by, and how: it may fail to arrive */
    struct sv_flapping_answer told_how;
};

/* Those that changed lately; the one that is quiet for longest makes room. */
struct sv_flapping {
    struct sv_flapping_policy policy;
    struct sv_flapping_domain domains[SV_FLAPPING_DOMAINS_MAX];
};

/* The domain `key` (not 0) has come to `level` at `at`, by an event that is to be told at `now`.
 * The same event may be asked about again, with a later `now`: `at` tells it apart, and what was to
 * be told still is. An event that is worse than everything told since it began to flap is told,
 * too. */
struct sv_flapping_answer sv_flapping_note(struct sv_flapping *flapping, uint64_t key,
                                           enum sv_flapping_level level, sv_ms at, sv_ms now);

#endif
