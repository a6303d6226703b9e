#include "sv/rand.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "sv/digest.h"
#include "sv/require.h"

static void refill(struct sv_rand *source)
{
    ssize_t got;

    do
        got = getrandom(source->pool, sizeof(source->pool), 0);
    while (got < 0 && errno == EINTR); /* only while the kernel's pool is not ready yet */
    SV_REQUIRE(got == (ssize_t)sizeof(source->pool));
    source->pool_left = sizeof(source->pool);
}

static void fill_from_system(struct sv_rand *source, void *out, size_t bytes)
{
    uint8_t *to = out;

    while (bytes > 0) {
        size_t take;
        uint8_t *from;

        if (source->pool_left == 0)
            refill(source);
        take = bytes < source->pool_left ? bytes : source->pool_left;
        from = source->pool + sizeof(source->pool) - source->pool_left;
        memcpy(to, from, take);
        explicit_bzero(from, take); /* what was given out is not kept */
        source->pool_left -= take;
        to += take;
        bytes -= take;
    }
}

void sv_rand_system_init(struct sv_rand *source)
{
    *source = (struct sv_rand){.fill = fill_from_system};
}

static uint64_t rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

/* xoshiro256** 1.0 by Blackman and Vigna (public domain): https://prng.di.unimi.it/ */
static uint64_t xoshiro(uint64_t state[4])
{
    uint64_t result = rotate(state[1] * 5, 7) * 9;
    uint64_t shifted = state[1] << 17;

    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotate(state[3], 45);
    return result;
}

/* Each call starts a fresh 64-bit number, low byte first, whatever the machine. */
static void fill_from_seed(struct sv_rand *source, void *out, size_t bytes)
{
    uint8_t *to = out;
    uint64_t number = 0;

    for (size_t i = 0; i < bytes; i++) {
        if (i % 8 == 0)
            number = xoshiro(source->state);
        to[i] = (uint8_t)(number & 0xff);
        number >>= 8;
    }
}

void sv_rand_seeded_init(struct sv_rand *source, uint64_t seed)
{
    *source = (struct sv_rand){.fill = fill_from_seed};
    for (size_t i = 0; i < 4; i++) {
        uint64_t mixed = seed += 0x9e3779b97f4a7c15u;

        mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
        mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
        source->state[i] = mixed ^ mixed >> 31;
    }
}

uint64_t sv_rand_u64(struct sv_rand *source)
{
    uint8_t bytes[8];
    uint64_t number = 0;

    source->fill(source, bytes, sizeof(bytes));
    for (size_t i = 8; i > 0; i--)
        number = number << 8 | bytes[i - 1];
    return number;
}

uint64_t sv_rand_below(struct sv_rand *source, uint64_t limit)
{
    uint64_t number;
    uint64_t uneven;

    SV_REQUIRE(limit > 0);
    uneven =
        (0 - limit) % limit; /* 2^64 mod limit: so many numbers would favour the small results */
    do
        number = sv_rand_u64(source);
    while (number < uneven);
    return number % limit;
}

void sv_rand_hex(struct sv_rand *source, char *out, size_t bytes)
{
    uint8_t chunk[32];

    *out = '\0';
    while (bytes > 0) {
        size_t take = bytes < sizeof(chunk) ? bytes : sizeof(chunk);

        source->fill(source, chunk, take);
        sv_hex(chunk, take, out);
        out += 2 * take;
        bytes -= take;
    }
}
