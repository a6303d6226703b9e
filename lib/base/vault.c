#include "sv/vault.h"

#include <sys/resource.h>

#include <openssl/crypto.h>

#include "sv/alloc.h"

enum {
    BYTES_MAX = 1 << 20, /* 32 accounts with session tokens of 8 KiB, and the rest is small */
    BYTES_MIN = 1 << 14, /* one of them */
    BLOCK_BYTES = 64,
};

/* A power of two that we may lock: containers often allow 64 KiB. */
static size_t size_allowed(void)
{
    struct rlimit limit = {.rlim_cur = BYTES_MAX};
    size_t bytes = BYTES_MAX;

    (void)getrlimit(RLIMIT_MEMLOCK, &limit);
    while (bytes > BYTES_MIN && bytes > limit.rlim_cur)
        bytes /= 2;
    return bytes;
}

bool sv_vault_open(void)
{
    enum { LOCKED = 1 }; /* 2: it is there, but not all of its protection; 0: it is not there */

    return CRYPTO_secure_malloc_init(size_allowed(), BLOCK_BYTES) == LOCKED;
}

void *sv_vault_alloc(size_t bytes)
{
    void *fresh = OPENSSL_secure_zalloc(bytes);

    return fresh != NULL ? fresh : sv_alloc(1, bytes);
}

void sv_vault_free(void *secret, size_t bytes)
{
    OPENSSL_secure_clear_free(secret, bytes);
}
