/* A clock for tests that use real timers: it goes with the real one, but a pause of the machine
 * counts for little, so that a deadline passes only after the loop has looked at its sockets a few
 * times. */
#ifndef SV_TEST_SLOW_CLOCK_H
#define SV_TEST_SLOW_CLOCK_H

#include <uv.h>

#include "sv/time.h"

enum { SLOW_CLOCK_STEP_MS = 20 };

struct slow_clock {
    struct sv_clock clock; /* hand this out */
    sv_ms now, real;
};

/* Moves on in the loop's own prepare phase; call it from a uv_prepare_t, or once a turn. */
void slow_clock_init(struct slow_clock *slow);
void slow_clock_turn(struct slow_clock *slow);

#endif
