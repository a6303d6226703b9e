#include "libraries.h"

#include <stdlib.h>

#include <jansson.h>
#include <openssl/crypto.h>
#include <uv.h>

#include "sv/alloc.h"

/* As malloc: most of what they ask for they fill at once, so that zeroes would be for nothing. */
static void *get(size_t bytes)
{
    void *fresh = malloc(bytes);

    if (fresh == NULL)
        sv_out_of_memory("malloc");
    return fresh;
}

/* OpenSSL names the line that asks, and takes NULL for nothing. */
static void *get_crypto(size_t bytes, const char *file, int line)
{
    (void)file;
    (void)line;
    return bytes > 0 ? get(bytes) : NULL;
}

static void free_crypto(void *old, const char *file, int line)
{
    (void)file;
    (void)line;
    free(old);
}

static void *get_more_crypto(void *old, size_t bytes, const char *file, int line)
{
    if (bytes > 0)
        return sv_realloc(old, bytes);
    free_crypto(old, file, line);
    return NULL;
}

void sv_libraries_init(void)
{
    (void)uv_replace_allocator(get, sv_realloc, sv_alloc, free);
    json_set_alloc_funcs(get, free);
    /* Refused only where OpenSSL was in use before, in a test. */
    (void)CRYPTO_set_mem_functions(get_crypto, get_more_crypto, free_crypto);
}
