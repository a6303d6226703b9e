/* RESP2 on a byte stream: hiredis makes the objects, our own scanner looks at every byte first and
 * refuses what is malformed, too large or too deep before hiredis may allocate for it (F07). */
#ifndef SV_NET_REDIS_CODEC_H
#define SV_NET_REDIS_CODEC_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sv/buf.h"
#include "sv/err.h"
#include "sv/redis.h"

enum {
    SV_REDIS_DEPTH_MAX = 7,   /* open arrays; hiredis 0.14 itself ends at 8 */
    SV_REDIS_NODE_BYTES = 96, /* a redisReply, its pointer and what malloc adds, rounded up */
};

enum sv_redis_scan_at {
    SV_REDIS_AT_TYPE,
    SV_REDIS_AT_TEXT,    /* inside + or - */
    SV_REDIS_AT_NUMBER,  /* inside : $ or * */
    SV_REDIS_AT_LINE_LF, /* the \n after the \r of a line */
    SV_REDIS_AT_BULK,
    SV_REDIS_AT_BULK_CR,
    SV_REDIS_AT_BULK_LF,
};

/* Where the scanner stands in a stream of replies. Plain value, allocates nothing. */
struct sv_redis_scan {
    size_t bytes_max;
    size_t cost;      /* of this reply: bytes seen or announced plus SV_REDIS_NODE_BYTES a node */
    uint64_t offset;  /* bytes since the connection began, for messages */
    size_t bulk_left; /* bytes of the bulk string still to come */
    size_t depth;
    size_t left[SV_REDIS_DEPTH_MAX]; /* elements still to come of each open array */
    enum sv_redis_scan_at at;
    char type;
    bool negative;
    unsigned digits;
    uint64_t number;
};

void sv_redis_scan_init(struct sv_redis_scan *scan, size_t bytes_max);

/* Looks at `len` bytes up to the end of the first whole reply. `used` tells how many belong to it,
 * `whole` whether it ended there. SV_EMALFORMED or SV_ETOOBIG; after an error the stream is lost.
 */
enum sv_err sv_redis_scan_feed(struct sv_redis_scan *scan, const char *bytes, size_t len,
                               size_t *used, bool *whole, struct sv_errinfo *info)
    __attribute__((warn_unused_result));

struct sv_redis_codec {
    struct sv_redis_scan scan;
    redisReader *reader;
};

void sv_redis_codec_init(struct sv_redis_codec *codec, size_t reply_bytes_max);
void sv_redis_codec_fini(struct sv_redis_codec *codec);

/* Takes bytes up to the end of the first whole reply. `reply` is NULL when more bytes are needed,
 * otherwise the caller frees it with freeReplyObject. Errors as in sv_redis_scan_feed. */
enum sv_err sv_redis_codec_read(struct sv_redis_codec *codec, const char *bytes, size_t len,
                                size_t *used, redisReply **reply, struct sv_errinfo *info)
    __attribute__((warn_unused_result));

/* Appends one command to `out` if it takes no more than `room` bytes. SV_EINVALID (number of
 * words), SV_ETOOBIG (would never fit into `out`), SV_EBUSY (does not fit now); `out` is unchanged
 * then. */
enum sv_err sv_redis_codec_write(struct sv_buf *out, size_t room,
                                 const struct sv_redis_words *words, struct sv_errinfo *info)
    __attribute__((warn_unused_result));

#endif
