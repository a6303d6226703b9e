/* How the program gets to Redis: where it is, over what, and as whom. */
#ifndef SV_WORKER_REDIS_ACCESS_H
#define SV_WORKER_REDIS_ACCESS_H

#include "config.h"
#include "sv/redis_place.h"

struct sv_redis_access {
    /* private */
    const struct sv_config *config;
    char *const *environment;
    struct sv_redis_tls *tls;
};

/* Fills `out` and `place` from the configuration: address, deadlines, TLS, and a login that reads
 * the secret anew for each connection (L3: $CREDENTIALS_DIRECTORY/redis_password,
 * redis.password_file, SESVERIFY_REDIS_PASSWORD, then the URL's own). `log` and `rand` are left to
 * the caller. Everything given is borrowed until the last connection is closed, and `access` must
 * stay put until then. SV_EXIT_OK, or the code to leave with after a message on stderr: what cannot
 * be read now is told now. sv_redis_access_close has to follow in both cases. */
int sv_redis_access_open(struct sv_redis_access *access, const struct sv_config *config,
                         char *const *environment, struct sv_redis_options *out,
                         struct sv_redis_place *place);

void sv_redis_access_close(struct sv_redis_access *access); /* a zeroed one is fine */

#endif
