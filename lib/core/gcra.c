#include "sv/gcra.h"

#include <string.h>

#include "sv/require.h"

static void slow_down(struct sv_gcra *limit, const struct sv_gcra_ask *ask)
{
    int64_t slowest_us = ask->interval_us * SV_GCRA_SLOWEST;
    bool again = limit->slowed_us != 0 && ask->now_us - limit->slowed_us < limit->interval_us;

    if (again)
        return;
    limit->interval_us *= 2;
    if (limit->interval_us > slowest_us)
        limit->interval_us = slowest_us;
    limit->slowed_us = ask->now_us;
    limit->arrival_us = ask->now_us + limit->interval_us;
}

static void leave_line(struct sv_gcra *limit, size_t place)
{
    limit->turns_count--;
    (void)memmove(&limit->turns[place], &limit->turns[place + 1],
                  (limit->turns_count - place) * sizeof limit->turns[0]);
}

static size_t place_of(const struct sv_gcra *limit, uint64_t worker)
{
    size_t place = 0;

    while (place < limit->turns_count && limit->turns[place].worker != worker)
        place++;
    return place;
}

static void refuse(struct sv_gcra *limit, struct sv_gcra_ask *ask, int64_t wait_us)
{
    if (place_of(limit, ask->worker) == limit->turns_count &&
        limit->turns_count < SV_GCRA_WORKERS_MAX)
        limit->turns[limit->turns_count++] =
            (struct sv_gcra_turn){.worker = ask->worker, .since_us = ask->now_us};
    ask->wait_us = wait_us;
    ask->workers = (unsigned)limit->turns_count;
}

static void grant(struct sv_gcra *limit, struct sv_gcra_ask *ask)
{
    size_t place = place_of(limit, ask->worker);

    if (place < limit->turns_count)
        leave_line(limit, place);
    limit->interval_us -= limit->interval_us / SV_GCRA_RECOVER;
    if (limit->interval_us < ask->interval_us)
        limit->interval_us = ask->interval_us;
    limit->arrival_us = ask->now_us + limit->interval_us;
    ask->wait_us = 0;
    ask->workers = (unsigned)limit->turns_count + 1;
}

/* What is kept may be of another configuration, or from before the clock went back. */
static void mend(struct sv_gcra *limit, const struct sv_gcra_ask *ask)
{
    if (limit->interval_us < ask->interval_us)
        limit->interval_us = ask->interval_us;
    if (limit->interval_us > ask->interval_us * SV_GCRA_SLOWEST)
        limit->interval_us = ask->interval_us * SV_GCRA_SLOWEST;
    if (limit->slowed_us > ask->now_us)
        limit->slowed_us = 0;
    if (limit->arrival_us - ask->now_us > limit->interval_us)
        limit->arrival_us = ask->now_us + limit->interval_us;
}

void sv_gcra_take(struct sv_gcra *limit, struct sv_gcra_ask *ask)
{
    int64_t grace_us;

    SV_REQUIRE(ask->interval_us >= 0);
    mend(limit, ask);
    if (ask->throttled)
        slow_down(limit, ask);
    grace_us = limit->interval_us / SV_GCRA_GRACE;
    if (limit->arrival_us > ask->now_us) {
        refuse(limit, ask, limit->arrival_us - ask->now_us);
    } else if (limit->turns_count == 0 || limit->turns[0].worker == ask->worker) {
        grant(limit, ask);
    } else if (ask->now_us - limit->arrival_us < grace_us) {
        refuse(limit, ask, limit->arrival_us + grace_us - ask->now_us);
    } else { /* the first in line did not come: the next one's grace begins */
        leave_line(limit, 0);
        limit->arrival_us = ask->now_us;
        if (limit->turns_count == 0 || limit->turns[0].worker == ask->worker || grace_us == 0)
            grant(limit, ask);
        else
            refuse(limit, ask, grace_us);
    }
    ask->adapted_us = limit->interval_us;
}

bool sv_gcra_is_late(sv_ms age_ms, sv_ms interval_ms)
{
    return age_ms > SV_GCRA_LATE_MS && age_ms > interval_ms / 2;
}

int64_t sv_gcra_interval_us(unsigned rate_millihertz)
{
    SV_REQUIRE(rate_millihertz > 0);
    return (int64_t)1010000000 / (int64_t)rate_millihertz;
}
