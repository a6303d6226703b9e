/* The mirror in C of the rate limiter that lives in Redis (lib/adapt/store/lua/gcra.lua): the
 * generic cell rate algorithm with burst 1, which slows down when SES throttles and lets workers in
 * by turns. Pure. */
#ifndef SV_GCRA_H
#define SV_GCRA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sv/time.h"

enum {
    SV_GCRA_SLOWEST = 32, /* times the configured interval */
    SV_GCRA_RECOVER = 32, /* each permit takes this part off the interval: 22 permits heal one
                             throttle, a quarter of an hour the slowest pace at one a second */
    SV_GCRA_GRACE = 16,   /* this part of an interval is how long a free permit waits for the worker
                             whose turn it is */
    SV_GCRA_WORKERS_MAX = 64, /* in the line; more of them get permits by luck */
    SV_GCRA_LATE_MS = 500, /* no permit is late before: above one call a second, which SES does not
                              grant, intervals are as short as what a busy machine takes */
};

struct sv_gcra_turn {
    uint64_t worker; /* any digest of its name */
    int64_t since_us;
};

struct sv_gcra {         /* all zero = nobody asked yet */
    int64_t arrival_us;  /* from when on the next permit is free */
    int64_t interval_us; /* as adapted; below the configured one it means that one */
    int64_t slowed_us;   /* when the last throttle was believed; 0 = never */
    size_t turns_count;
    struct sv_gcra_turn turns[SV_GCRA_WORKERS_MAX]; /* refused since their last permit, in order */
};

struct sv_gcra_ask {
    uint64_t worker;
    int64_t now_us;      /* microseconds, above 0; may be earlier than seen before */
    int64_t interval_us; /* as configured */
    bool throttled;      /* SES throttled this worker's last call */
    /* out */
    int64_t wait_us;    /* 0 = granted, otherwise ask again after this */
    int64_t adapted_us; /* the interval now */
    unsigned workers;   /* in the line, the asking one included */
};

/* Asks for one permit. Over any window of T seconds at most 1 + T / interval are granted, slowed
 * down or not. Whoever is refused stands in line; a free permit is the first one's, and after the
 * grace, in which that one did not come, the next one's. A clock that went back costs one interval
 * at most: a free instant further ahead than that is taken for the work of such a jump.
 *
 * Throttled: the interval doubles at once, at most to SV_GCRA_SLOWEST times the configured one, and
 * nobody is let through for that long. Throttles within one interval of the last believed one are
 * the same episode: three workers throttled together slow down once. */
void sv_gcra_take(struct sv_gcra *limit, struct sv_gcra_ask *ask);

/* Whether a permit that was asked for `age_ms` ago, and came with `interval_ms`, is too late to be
 * used: half of its interval is over. Who holds it lets it go, asks again and says that it was
 * throttled: where the machine is slow, calls become fewer and permits are good for longer. But
 * never two in a row, so that calls are made however slow the store is.
 *
 * A call that begins within the interval of its permit begins before the next permit can be given,
 * so that any window of T seconds holds at most 2 + T / interval of them; the other half is for the
 * way to SES. A worker by itself keeps to that anyhow, because it asks when the call before has
 * begun; several workers that are held up with a permit each do not. */
bool sv_gcra_is_late(sv_ms age_ms, sv_ms interval_ms);

/* The interval for a rate in calls per 1,000 s: one percent longer than the rate allows, because
 * calls that left evenly arrive unevenly, and SES counts arrivals. */
int64_t sv_gcra_interval_us(unsigned rate_millihertz);

#endif
