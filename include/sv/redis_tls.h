/* How connections to Redis are encrypted: what we trust and who we are. One object serves any
 * number of connections, to any number of hosts. */
#ifndef SV_REDIS_TLS_H
#define SV_REDIS_TLS_H

#include "sv/err.h"

/* Paths are copied; NULL or "" = none. */
struct sv_redis_tls_settings {
    const char *ca_file;   /* PEM; only what it holds is trusted. None: the system's authorities */
    const char *cert_file; /* PEM, our certificate and what leads to its authority */
    const char *key_file;  /* PEM without passphrase, not readable by others */
    const char
        *server_name; /* what the server's certificate must be for; none: the address's host */
};

struct sv_redis_tls;

/* Reads no file yet: that is done for each connection, so that rotated ones count from the next one
 * on. Free it after the last connection is closed. */
struct sv_redis_tls *sv_redis_tls_new(const struct sv_redis_tls_settings *settings);

/* Whether the files can be used as they are now: SV_EDENIED (the key is readable by others, or not
 * by us), SV_EINVALID (missing, not PEM, key and certificate do not belong together); `info` names
 * the file. */
enum sv_err sv_redis_tls_check(struct sv_redis_tls *tls, struct sv_errinfo *info)
    __attribute__((warn_unused_result));

void sv_redis_tls_free(struct sv_redis_tls *tls); /* NULL is fine */

#endif
