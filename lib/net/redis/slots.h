/* The arithmetic of Redis Cluster: which slot a key has, and what a node says about who serves it.
 * (https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/) Knows no sockets. */
#ifndef SV_NET_REDIS_SLOTS_H
#define SV_NET_REDIS_SLOTS_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>

#include "sv/redis_place.h"

enum { SV_REDIS_SLOTS = 16384 };

/* CRC16 (XMODEM) of what stands between the first '{' and the next '}' of the key, or of the whole
 * key when nothing stands there, modulo SV_REDIS_SLOTS. */
unsigned sv_redis_slot_of(const char *key, size_t len);

/* A host and a port as a server tells them, both as text. False when they are none. */
bool sv_redis_host_read(struct sv_redis_host *out, const char *host, size_t host_len,
                        const char *port, size_t port_len);

/* One element of a reply to CLUSTER SLOTS. */
struct sv_redis_range {
    unsigned first, last;
    struct sv_redis_host primary;
};

/* Reads element `index`. A node that does not know its own host leaves it empty: then it is the one
 * that was asked. False when the element is none. */
bool sv_redis_range_read(const redisReply *reply, size_t index, const struct sv_redis_host *asked,
                         struct sv_redis_range *out);

/* Reads "MOVED 3999 127.0.0.1:6381" or "ASK ...": an error's text. An empty host is the one that
 * answered. False when it is neither. */
bool sv_redis_redirect_read(const char *text, const struct sv_redis_host *answered, bool *is_ask,
                            unsigned *slot, struct sv_redis_host *to);

#endif
