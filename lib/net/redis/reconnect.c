#include "reconnect.h"

enum { STEADY_MS = 5000 };

sv_ms sv_redis_backoff_next(struct sv_redis_backoff *backoff, struct sv_rand *rand)
{
    sv_ms reach_ms = backoff->first_ms;

    for (unsigned i = 0; i < backoff->attempt && reach_ms < backoff->cap_ms; i++)
        reach_ms *= 2;
    if (reach_ms >= backoff->cap_ms)
        reach_ms = backoff->cap_ms;
    else
        backoff->attempt++; /* at the cap it stays where it is, so it never overflows */
    return (sv_ms)sv_rand_below(rand, (uint64_t)reach_ms + 1);
}

sv_ms sv_redis_backoff_slow(struct sv_redis_backoff *backoff, struct sv_rand *rand)
{
    sv_ms half_ms = backoff->cap_ms / 2;

    return half_ms + (sv_ms)sv_rand_below(rand, (uint64_t)half_ms + 1);
}

void sv_redis_backoff_held(struct sv_redis_backoff *backoff, sv_ms held_ms)
{
    if (held_ms >= STEADY_MS)
        backoff->attempt = 0;
}
