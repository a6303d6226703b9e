#include "libraries.h"

#include <stdlib.h>

#include <jansson.h>
#include <openssl/crypto.h>
#include <uv.h>

#include "sv/alloc.h"

static void *or_end(void *fresh)
{
    if (fresh == NULL)
        sv_out_of_memory("a library");
    return fresh;
}

static void *get(size_t bytes)
{
    return or_end(malloc(bytes));
}

static void *get_zeroed(size_t count, size_t bytes)
{
    return or_end(calloc(count, bytes));
}

static void *get_more(void *old, size_t bytes)
{
    return or_end(realloc(old, bytes));
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
        return get_more(old, bytes);
    free_crypto(old, file, line);
    return NULL;
}

void sv_libraries_init(void)
{
    (void)uv_replace_allocator(get, get_more, get_zeroed, free);
    json_set_alloc_funcs(get, free);
    /* Refused only where OpenSSL was in use before, in a test. */
    (void)CRYPTO_set_mem_functions(get_crypto, get_more_crypto, free_crypto);
}
