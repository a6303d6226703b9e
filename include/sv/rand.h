/* Random numbers from one replaceable source: the operating system's, or a printed seed's in tests.
 */
#ifndef SV_RAND_H
#define SV_RAND_H

#include <stddef.h>
#include <stdint.h>

enum { SV_RAND_POOL_BYTES = 256 }; /* what getrandom(2) gives at once, never interrupted */

struct sv_rand {
    void (*fill)(struct sv_rand *source, void *out, size_t bytes);
    uint64_t state[4]; /* of the seeded source; untouched by the system's */
    /* of the system's source: bytes drawn and not yet given out, the last pool_left of the pool */
    uint8_t pool[SV_RAND_POOL_BYTES];
    size_t pool_left;
};

/* getrandom(2) behind a small buffer; a failure ends the process. Not for sharing between
 * threads, nor with a child that fork(2) made.
 */
void sv_rand_system_init(struct sv_rand *source);

/* xoshiro256** seeded through splitmix64: the same seed gives the same run on every machine. */
void sv_rand_seeded_init(struct sv_rand *source, uint64_t seed);

uint64_t sv_rand_u64(struct sv_rand *source);

/* Uniform in 0 .. limit-1 without modulo bias; limit > 0. */
uint64_t sv_rand_below(struct sv_rand *source, uint64_t limit);

/* `bytes` random bytes as lower-case hex with a 0 behind them: out holds 2 * bytes + 1. */
void sv_rand_hex(struct sv_rand *source, char *out, size_t bytes);

#endif
