/* How long to wait before the next attempt to connect. */
#ifndef SV_NET_REDIS_RECONNECT_H
#define SV_NET_REDIS_RECONNECT_H

#include "sv/rand.h"
#include "sv/time.h"

struct sv_redis_backoff {
    sv_ms first_ms;
    sv_ms cap_ms;
    unsigned attempt; /* attempts since the last connection that held */
};

/* first x 2^attempt up to the cap, then anything from 0 to that (full jitter), so that many workers
 * do not come back in step. Counts the attempt. */
sv_ms sv_redis_backoff_next(struct sv_redis_backoff *backoff, struct sv_rand *rand);

/* For refusals that only a person can mend (a password): half the cap to the cap. */
sv_ms sv_redis_backoff_slow(struct sv_redis_backoff *backoff, struct sv_rand *rand);

void sv_redis_backoff_reset(struct sv_redis_backoff *backoff);

#endif
