/* The calls of sv/store.h by which workers know of each other: BEAT, RETIRE. */
#ifndef SV_STORE_FLEET_H
#define SV_STORE_FLEET_H

#include <stdbool.h>
#include <stddef.h>

#include "sv/time.h"

enum {
    SV_STORE_WORKERS_MAX = 257,       /* that BEAT names */
    SV_STORE_BEAT_MS_MAX = 60 * 1000, /* a beat never counts for longer than this */
    SV_STORE_WORKER_BYTES = 129,
};

/* BEAT: this worker lives for `expiry_ms` from now on, unless it beats again. Not bound to a shard.
 * Who is told is a matter of efficiency: nothing is safe or unsafe by it. */
struct sv_store_beat {
    const char *worker; /* name and nonce of this process: fewer than SV_STORE_WORKER_BYTES */
    sv_ms expiry_ms;    /* 1 .. SV_STORE_BEAT_MS_MAX; 0 = it leaves */
    /* out: who lives, this one included; borrowed until done returns. More than
     * SV_STORE_WORKERS_MAX are not named. */
    size_t count;
    const char *const *workers;
};

/* RETIRE: deletes consumers of the shard's inbox for which nothing is pending: a consumer that has
 * entries keeps them until they are taken over. */
struct sv_store_retire {
    bool own;       /* only this process's own consumer, however long it has been idle */
    sv_ms idle_ms;  /* otherwise all others that did nothing for longer than this */
    size_t retired; /* out */
};

#endif
