/* Where a store is: one Redis server, the primary that Sentinels name, or the nodes of a Cluster.
 */
#ifndef SV_REDIS_PLACE_H
#define SV_REDIS_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#include "sv/err.h"
#include "sv/redis.h"

enum {
    SV_REDIS_HOSTS_MAX = 16,      /* in one URL */
    SV_REDIS_PRIMARY_BYTES = 128, /* the name under which Sentinels know a primary */
};

enum sv_redis_kind {
    SV_REDIS_ONE, /* also a proxy or a DNS name that follows the primary by itself */
    SV_REDIS_SENTINEL,
    SV_REDIS_CLUSTER,
};

struct sv_redis_host {
    char host[SV_REDIS_HOST_BYTES]; /* name or address, an IPv6 address without brackets */
    unsigned port;
};

/* What a URL says beyond one server's address. Plain value without secrets; all zero = one server.
 */
struct sv_redis_place {
    enum sv_redis_kind kind;
    char primary[SV_REDIS_PRIMARY_BYTES]; /* Sentinel only */
    size_t hosts_count;                   /* 0 for one server */
    struct sv_redis_host hosts[SV_REDIS_HOSTS_MAX];
};

/* Everything that sv_redis_address_parse takes, and
 * redis+sentinel://[user[:password]@]host[:port][,host[:port]...]/primary-name[/db] (port 26379),
 * redis+cluster://[user[:password]@]host[:port][,host[:port]...] (port 6379; database 0 only);
 * rediss+... for TLS. `address` gets what is true of every server (user, password, database, TLS)
 * and the first host. SV_EINVALID names what is wrong without repeating a password. */
enum sv_err sv_redis_place_parse(const char *url, struct sv_redis_address *address,
                                 struct sv_redis_place *place, struct sv_errinfo *info)
    __attribute__((warn_unused_result));

/* For people: "/run/redis.sock", "127.0.0.1:6379", "[::1]:6379", or "a:26379,b:26379/name". Cut
 * where it does not fit; never a user or password. */
void sv_redis_place_describe(const struct sv_redis_address *address,
                             const struct sv_redis_place *place, char *out, size_t bytes);

bool sv_redis_host_equals(const struct sv_redis_host *one, const struct sv_redis_host *other);

#endif
