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
};

const char *sv_store_op_name(enum sv_store_op op)
{
    return (unsigned)op < SV_STORE_OP_COUNT ? op_names[op] : "invalid";
}
