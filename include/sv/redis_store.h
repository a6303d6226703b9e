/* The store on Redis 7: keys and Lua scripts (lib/adapt/store/lua/, embedded at build). Keeps one
 * connection for commands and one per shard for blocking reads. */
#ifndef SV_REDIS_STORE_H
#define SV_REDIS_STORE_H

#include "sv/redis.h"
#include "sv/store.h"

struct sv_redis_store_options {
    struct sv_redis_options
        redis;            /* address, deadlines, log, rand; client_name is set per connection */
    const char *prefix;   /* copied; NULL = "sv" */
    unsigned shards;      /* a power of two, 1 .. 64; must equal the installation's */
    const char *consumer; /* copied: name in the consumer group, unique per process */
    bool read_only;       /* for commands that only look: no group, no blocking connection */
};

/* Connects in the background; `on_state` as in sv_redis_new, for the command connection. */
struct sv_store *sv_redis_store_new(uv_loop_t *loop, const struct sv_redis_store_options *options,
                                    sv_redis_state_fn *on_state, void *context);

#endif
