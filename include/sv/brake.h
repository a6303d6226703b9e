/* A brake: how many domains may be looked at once while the store answers slowly. More of them
 * would only lengthen its queue, and a check that waits for its commit keeps its domain from
 * others. Pure. */
#ifndef SV_BRAKE_H
#define SV_BRAKE_H

#include "sv/time.h"

enum {
    SV_BRAKE_SLOW_MS = 1000, /* a store call that takes this long halves the room */
    SV_BRAKE_QUICK_MS = 250, /* one that takes no longer gives room back */
    SV_BRAKE_STEP_MS = 500,  /* room is doubled once in this time */
    SV_BRAKE_DEPTH = 16,     /* at least this part of the full room is left */
};

struct sv_brake {     /* all zero = not braking */
    unsigned room;    /* 0 = all of it */
    sv_ms changed_at; /* when it last changed */
};

/* One store call that was answered, or that timed out, at `now` after `took_ms`. `full` is the room
 * when all is well, at least 1. A call that began before the last change tells nothing about it and
 * is not counted: ten slow ones side by side are one reason to brake. */
void sv_brake_note(struct sv_brake *brake, unsigned full, sv_ms took_ms, sv_ms now);

/* Domains that may be under way now: 1 to `full`. */
unsigned sv_brake_room(const struct sv_brake *brake, unsigned full);

#endif
