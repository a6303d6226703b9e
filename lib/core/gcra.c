#include "sv/gcra.h"

#include "sv/require.h"

/* Burst 1: the next permit becomes free one interval after the last was granted. A clock that went
 * back must not stall the callers for longer than one interval: a free instant further ahead than
 * that can only come from such a jump. */
int64_t sv_gcra_take(int64_t *arrival_us, int64_t now_us, int64_t interval_us)
{
    SV_REQUIRE(interval_us >= 0);
    if (*arrival_us - now_us > interval_us)
        *arrival_us = now_us + interval_us;
    if (*arrival_us > now_us)
        return *arrival_us - now_us;
    *arrival_us = now_us + interval_us;
    return 0;
}

int64_t sv_gcra_interval_us(unsigned rate_millihertz)
{
    SV_REQUIRE(rate_millihertz > 0);
    return (int64_t)1010000000 / (int64_t)rate_millihertz;
}
