/* The mirror in C of the rate limiter that lives in Redis: the generic cell rate algorithm with
 * burst 1. Pure. */
#ifndef SV_GCRA_H
#define SV_GCRA_H

#include "sv/time.h"

/* Asks for one permit at `now_us`; `interval_us` between permits. Returns 0 and moves *arrival_us
 * when granted, otherwise the microseconds to wait. Over any window of T seconds at most 1 + T /
 * interval permits are granted. A clock that went back costs one interval at most: a free instant
 * further ahead than that is taken for the work of such a jump. */
int64_t sv_gcra_take(int64_t *arrival_us, int64_t now_us, int64_t interval_us);

/* The interval for a rate in calls per 1,000 s: one percent longer than the rate allows, because
 * calls that left evenly arrive unevenly, and SES counts arrivals. */
int64_t sv_gcra_interval_us(unsigned rate_millihertz);

#endif
