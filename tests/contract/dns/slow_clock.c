#include "slow_clock.h"

static sv_ms wall(void *context)
{
    const struct sv_clock *system = sv_clock_system();

    (void)context;
    return system->wall(system->context);
}

static sv_ms monotonic(void *context)
{
    const struct slow_clock *slow = context;

    return slow->now;
}

static sv_ms real_now(void)
{
    return (sv_ms)(uv_hrtime() / 1000000);
}

void slow_clock_init(struct slow_clock *slow, sv_ms step_ms)
{
    slow->clock = (struct sv_clock){.wall = wall, .monotonic = monotonic, .context = slow};
    slow->step_ms = step_ms;
    slow->now = 1000;
    slow->real = real_now();
}

void slow_clock_turn(struct slow_clock *slow)
{
    sv_ms real = real_now();
    sv_ms passed = real - slow->real;

    slow->real = real;
    slow->now += passed < slow->step_ms ? passed : slow->step_ms;
}
