/* A sink that adds events to a stream of another Redis, one field `event` each. */
#ifndef SV_REDIS_SINK_H
#define SV_REDIS_SINK_H

#include "sv/redis.h"
#include "sv/sink.h"

struct sv_redis_sink_options {
    const char *name;                     /* of the sink; copied */
    const struct sv_redis_options *redis; /* where, as whom; copied as sv_redis_new does */
    struct sv_redis_tls *tls; /* taken: freed with the sink; for addresses with TLS; else NULL */
    uv_loop_t *loop;          /* borrowed */
    const char *stream;       /* key; copied */
    uint64_t entries_max; /* about so many are kept (MAXLEN ~); 0 = the stream's reader deletes */
};

/* Connects at once. Every failure is LATER: what is wrong with the target may be put right. An
 * event whose answer was lost is added again: readers go by its id. Never NULL. */
struct sv_sink *sv_redis_sink_new(const struct sv_redis_sink_options *options);

#endif
