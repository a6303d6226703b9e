/* The store in memory, for tests and the simulator: the same semantics as the one on Redis, through
 * the mirrors of its scripts in the core; a clock that can be set, errors that can be scripted. */
#ifndef SV_FAKE_STORE_H
#define SV_FAKE_STORE_H

#include <uv.h>

#include "sv/store.h"

/* Every call ends in a later turn of `loop`. Starts with the system's clock. */
struct sv_store *sv_fake_store_new(uv_loop_t *loop, unsigned shards);

/* The store's clock stands still at `now` from now on; a TAKE or EVENTS that waits still waits for
 * real time. */
void sv_fake_store_set_now(struct sv_store *store, sv_ms now);

/* The next `pass` calls of `op` (SV_STORE_OP_COUNT = of any) go well, the `fail` calls behind them
 * end with `err`; with `applied` they do their work all the same: the answer was lost. One script
 * at a time; fail = 0 ends it. */
struct sv_fake_fault {
    enum sv_store_op op;
    unsigned pass, fail;
    enum sv_err err;
    bool applied;
};

void sv_fake_store_fail(struct sv_store *store, const struct sv_fake_fault *fault);

/* While held, calls of one operation (SV_STORE_OP_COUNT = of any) arrive and wait; canceled ones
 * end. */
void sv_fake_store_hold(struct sv_store *store, enum sv_store_op op, bool held);

/* A call that is canceled has done its work all the same, as one that is on its way to a server. */
void sv_fake_store_set_hasty(struct sv_store *store, bool hasty);

/* How many calls a script has failed so far. */
uint64_t sv_fake_store_faults(const struct sv_store *store);

/* Not connected: start answers SV_ECONNECT, is_ready false. */
void sv_fake_store_set_ready(struct sv_store *store, bool ready);

/* Calls started so far, of one operation. */
uint64_t sv_fake_store_calls(const struct sv_store *store, enum sv_store_op op);

/* Whether a call of this operation is under way. */
bool sv_fake_store_waits(const struct sv_store *store, enum sv_store_op op);

/* Event number i of a shard's outbox, from 0; NULL behind the last. Lives as long as the store. */
const char *sv_fake_store_event(const struct sv_store *store, unsigned shard, size_t i);

/* Puts an event into the outbox, as a commit does. */
void sv_fake_store_add_event(struct sv_store *store, unsigned shard, const char *event);

/* The earliest due time or lease end of a shard; -1 = none: how far a simulator may jump. */
sv_ms sv_fake_store_next_at(const struct sv_store *store, unsigned shard);

#endif
