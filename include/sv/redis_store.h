/* The store on Redis 7: keys and Lua scripts (lib/adapt/store/lua/, embedded at build). Keeps one
 * connection per server for commands and one per shard for blocking reads. */
#ifndef SV_REDIS_STORE_H
#define SV_REDIS_STORE_H

#include "sv/redis_group.h"
#include "sv/store.h"

struct sv_redis_store_options {
    struct sv_redis_options
        redis; /* address, deadlines, log, rand; client_name is set per connection */
    struct sv_redis_place place; /* all zero = one server */
    const char *prefix;          /* copied; NULL = "sv" */
    unsigned shards;             /* a power of two, 1 .. 64; must equal the installation's */
    const char *consumer;        /* copied: name in the consumer group, unique per process */
    bool refuse_unsafe; /* PREPARE ends in SV_EINVALID where the server may lose work by its
                           settings */
    bool has_sinks;     /* PARCELS go over connections of their own, one per shard: each read of
                           them may wait for a replica */
    bool read_only;     /* for commands that only look: no group, no blocking connection */
};

/* Connects in the background; `on_state` as in sv_redis_new, for the
 * connections that commands go over. */
struct sv_store *sv_redis_store_new(uv_loop_t *loop, const struct sv_redis_store_options *options,
                                    sv_redis_state_fn *on_state, void *context);

#endif
