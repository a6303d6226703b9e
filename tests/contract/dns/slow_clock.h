/* A clock for tests that use real timers: it goes with the real one, but a pause of the machine
 * counts for little, so that a deadline passes only after the loop has looked at its sockets a few
 * times. */
#ifndef SV_TEST_SLOW_CLOCK_H
#define SV_TEST_SLOW_CLOCK_H

#include <uv.h>

#include "sv/time.h"

struct slow_clock {
    struct sv_clock clock; /* hand this out */
    sv_ms step_ms;         /* the most that one turn of the loop counts */
    sv_ms now, real;
};

void slow_clock_init(struct slow_clock *slow, sv_ms step_ms);

/* Moves it on; once for each turn of the loop. */
void slow_clock_turn(struct slow_clock *slow);

#endif
