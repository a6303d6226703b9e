#include "clock.h"

void sb_clock_init(struct sb_clock *clock, double speed)
{
    *clock = (struct sb_clock){.system = sv_clock_system(), .speed = speed};
    clock->base = clock->system->wall(clock->system->context);
    clock->base_mono = sb_clock_mono(clock);
}

sv_ms sb_clock_mono(const struct sb_clock *clock)
{
    return clock->system->monotonic(clock->system->context);
}

sv_ms sb_clock_wall(const struct sb_clock *clock)
{
    return clock->system->wall(clock->system->context) + clock->skew_ms;
}

sv_ms sb_clock_virtual(const struct sb_clock *clock)
{
    double passed = (double)(sb_clock_mono(clock) - clock->base_mono) * clock->speed;

    return clock->base + (sv_ms)passed;
}

sv_ms sb_clock_wait_ms(const struct sb_clock *clock, sv_ms at)
{
    sv_ms left = at - sb_clock_virtual(clock);
    double wait;

    if (left <= 0)
        return 0;
    if (clock->speed <= 0)
        return SV_HOUR;
    wait = (double)left / clock->speed + 1; /* rounded up: never early */
    return wait > (double)SV_HOUR ? SV_HOUR : (sv_ms)wait;
}

void sb_clock_set_speed(struct sb_clock *clock, double speed)
{
    clock->base = sb_clock_virtual(clock);
    clock->base_mono = sb_clock_mono(clock);
    clock->speed = speed;
}

void sb_clock_advance(struct sb_clock *clock, sv_ms ms)
{
    clock->base += ms;
}
