/* The seam between the Redis connection and its bytes: plain TCP and unix sockets, and TLS behind
 * the same operations. One stream is one attempt to connect; it is never used again. */
#ifndef SV_NET_REDIS_STREAM_H
#define SV_NET_REDIS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "sv/buf.h"
#include "sv/err.h"
#include "sv/redis.h"

struct sv_redis_stream;

typedef void sv_redis_stream_closed_fn(void *context);

/* What a stream tells its owner. Never from inside connect or write, never after close. */
struct sv_redis_stream_events {
    void (*connected)(void *context);
    void (*bytes)(void *context, const char *bytes, size_t len); /* borrowed; len > 0 */
    void (*written)(void *context); /* what write could not hand over at once is gone now */
    void (*lost)(void *context, const struct sv_errinfo *why); /* once; the owner closes it then */
};

struct sv_redis_stream_ops {
    /* Begins; `connected` or `lost` follows. `turn` rotates the addresses of a name, so that one
     * black hole among them does not stop every attempt. */
    enum sv_err (*connect)(struct sv_redis_stream *stream, const struct sv_redis_address *address,
                           unsigned turn, struct sv_errinfo *info);
    /* Takes all of `out` (at least a byte) and leaves it empty. Not while is_writing. */
    enum sv_err (*write)(struct sv_redis_stream *stream, struct sv_buf *out,
                         struct sv_errinfo *info);
    /* Ends everything and frees the stream, then calls `closed`; that may happen before close
     * returns. */
    void (*close)(struct sv_redis_stream *stream, sv_redis_stream_closed_fn *closed);
};

/* An implementation begins with this struct. */
struct sv_redis_stream {
    const struct sv_redis_stream_ops *ops;
    const struct sv_redis_stream_events *events;
    void *context;       /* the owner's, given to every event and to `closed` */
    bool is_writing;     /* true from a write that was not done at once until `written` */
    size_t writing_left; /* bytes of that write, an upper bound */
};

/* Plain bytes over TCP or a unix socket, as the address says. */
struct sv_redis_stream *sv_redis_stream_plain_new(uv_loop_t *loop,
                                                  const struct sv_redis_stream_events *events,
                                                  void *context);

/* The same over TLS 1.2 or newer: connected means that the server's certificate was found right.
 * `tls` is borrowed until closed. What is refused ends in `lost`, or in connect's error, with the
 * reason (sv_redis_tls_failure); nothing is ever sent in the clear. */
struct sv_redis_stream *sv_redis_stream_tls_new(uv_loop_t *loop, struct sv_redis_tls *tls,
                                                const struct sv_redis_stream_events *events,
                                                void *context);

#endif
