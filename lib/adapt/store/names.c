#include "sv/store.h"

static const char *const op_names[SV_STORE_OP_COUNT] = {
    [SV_STORE_PREPARE] = "prepare",
    [SV_STORE_TAKE] = "take",
    [SV_STORE_TAKE_PENDING] = "take_pending",
    [SV_STORE_ADMIT] = "admit",
    [SV_STORE_BURY] = "bury",
    [SV_STORE_OWN] = "own",
    [SV_STORE_CLAIM] = "claim",
    [SV_STORE_RENEW] = "renew",
    [SV_STORE_COMMIT] = "commit",
    [SV_STORE_RELEASE] = "release",
    [SV_STORE_REAP] = "reap",
    [SV_STORE_PERMIT] = "permit",
    [SV_STORE_READ] = "read",
    [SV_STORE_LIST] = "list",
    [SV_STORE_ENQUEUE] = "enqueue",
    [SV_STORE_EVENTS] = "events",
    [SV_STORE_COUNTERS] = "counters",
    [SV_STORE_OWNERS] = "owners",
    [SV_STORE_HURRY] = "hurry",
    [SV_STORE_SWEEP] = "sweep",
    [SV_STORE_TRIM] = "trim",
    [SV_STORE_LETTERS] = "letters",
    [SV_STORE_LETTER_END] = "letter_end",
    [SV_STORE_BEAT] = "beat",
    [SV_STORE_RETIRE] = "retire",
    [SV_STORE_LOOK] = "look",
    [SV_STORE_PLACES] = "places",
    [SV_STORE_PAUSE] = "pause",
    [SV_STORE_PAUSES] = "pauses",
    [SV_STORE_SINK] = "sink",
    [SV_STORE_PARCELS] = "parcels",
    [SV_STORE_SETTLE] = "settle",
    [SV_STORE_SINK_DEAD] = "sink_dead",
    [SV_STORE_REPLAY] = "replay",
    [SV_STORE_MOVE] = "move",
    [SV_STORE_STRAYS] = "strays",
};

const char *sv_store_op_name(enum sv_store_op op)
{
    return (unsigned)op < SV_STORE_OP_COUNT ? op_names[op] : "invalid";
}
