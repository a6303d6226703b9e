#include "sv/brake.h"

unsigned sv_brake_room(const struct sv_brake *brake, unsigned full)
{
    return brake->room == 0 || brake->room > full ? full : brake->room;
}

void sv_brake_note(struct sv_brake *brake, unsigned full, sv_ms took_ms, sv_ms now)
{
    unsigned room = sv_brake_room(brake, full);
    unsigned least = full / SV_BRAKE_DEPTH > 0 ? full / SV_BRAKE_DEPTH : 1;

    if (now - took_ms < brake->changed_at)
        return;
    if (took_ms >= SV_BRAKE_SLOW_MS && room > least) {
        brake->room = room / 2 > least ? room / 2 : least;
        brake->changed_at = now;
    } else if (took_ms <= SV_BRAKE_QUICK_MS && room < full &&
               now - brake->changed_at >= SV_BRAKE_STEP_MS) {
        brake->room = room >= full - room ? 0 : room * 2;
        brake->changed_at = now;
    }
}
