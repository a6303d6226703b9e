#include "sv/vault.h"

#include <sys/resource.h>

#include <openssl/crypto.h>

#include "sv/alloc.h"

enum {
    BYTES_MAX = 1 << 20, /* 32 accounts with session tokens of 8 KiB, and the rest is small */
    BYTES_MIN = 1 << 16, /* what containers often allow to be locked; OpenSSL needs a good part */
    BLOCK_BYTES = 64,
    OUR_SHARE = 2, /* a half of it */
};

/* A power of two that we may lock. What is too small is of no use: then nothing is locked. */
static size_t size_allowed(void)
{
    struct rlimit limit = {.rlim_cur = BYTES_MAX};
    size_t bytes = BYTES_MAX;

    (void)getrlimit(RLIMIT_MEMLOCK, &limit);
    while (bytes > BYTES_MIN && bytes > limit.rlim_cur)
        bytes /= 2;
    return bytes > limit.rlim_cur ? BYTES_MAX : bytes;
}

bool sv_vault_open(void)
{
    enum { LOCKED = 1 }; /* 2: it is there, but not all of its protection; 0: it is not there */

    return CRYPTO_secure_malloc_init(size_allowed(), BLOCK_BYTES) == LOCKED;
}

/* OpenSSL takes from there as well, for random numbers, keys and each SSL_CTX, and where it gets
 * nothing it has no other memory but fails: what is ours must not fill it. */
void *sv_vault_alloc(size_t bytes)
{
    bool has_room = CRYPTO_secure_malloc_initialized() &&
                    CRYPTO_secure_used() + bytes <= size_allowed() / OUR_SHARE;
    void *fresh = has_room ? OPENSSL_secure_zalloc(bytes) : NULL;

    return fresh != NULL ? fresh : sv_alloc(1, bytes);
}

void sv_vault_free(void *secret, size_t bytes)
{
    OPENSSL_secure_clear_free(secret, bytes);
}
