/* The sandbox's three clocks: monotonic for rates, real for signatures, virtual for what SES does
 * over days. */
#ifndef SB_CLOCK_H
#define SB_CLOCK_H

#include "sv/time.h"

enum { SB_SPEED_MAX = 10 * 1000 * 1000 };

struct sb_clock {
    const struct sv_clock *system;
    double speed;    /* virtual seconds per real second; 0 stands still */
    sv_ms base;      /* the virtual instant at `base_mono` */
    sv_ms base_mono; /* monotonic */
    sv_ms skew_ms;   /* added to the real clock: the server's clock is wrong by this much */
};

/* Starts the virtual clock at the real time. */
void sb_clock_init(struct sb_clock *clock, double speed);

sv_ms sb_clock_mono(const struct sb_clock *clock);

/* Unix milliseconds as the server sees them: the machine's clock plus the skew. */
sv_ms sb_clock_wall(const struct sb_clock *clock);

/* The virtual instant, Unix milliseconds. */
sv_ms sb_clock_virtual(const struct sb_clock *clock);

/* Real milliseconds until the virtual clock reads `at`: 0 when it does already, at most one hour;
 * one hour while the clock stands still. */
sv_ms sb_clock_wait_ms(const struct sb_clock *clock, sv_ms at);

/* Changes the speed from now on. */
void sb_clock_set_speed(struct sb_clock *clock, double speed);

/* Jumps forward by `ms` virtual milliseconds. */
void sb_clock_advance(struct sb_clock *clock, sv_ms ms);

#endif
