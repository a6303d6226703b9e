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

/* A connection was ready for `held_ms`. After 5 s the waiting starts anew; one that broke sooner
 * may break again, and must not be made ten times a second. */
void sv_redis_backoff_held(struct sv_redis_backoff *backoff, sv_ms held_ms);

#endif
