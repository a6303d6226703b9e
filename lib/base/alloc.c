#include "sv/alloc.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sv/require.h"

_Noreturn void sv_out_of_memory(const char *what)
{
    (void)fprintf(stderr, "out of memory: %s\n", what);
    _exit(SV_ALLOC_EXIT); /* no handler, no buffer: they might want memory */
}

void *sv_alloc(size_t count, size_t bytes)
{
    void *fresh;

    SV_REQUIRE(bytes == 0 || count <= SIZE_MAX / bytes);
    /* calloc may answer NULL to a request for nothing; one byte keeps "never NULL" true. */
    fresh = count == 0 || bytes == 0 ? calloc(1, 1) : calloc(count, bytes);
    if (fresh == NULL)
        sv_out_of_memory("calloc");
    return fresh;
}

void *sv_realloc(void *old, size_t bytes)
{
    void *fresh = realloc(old, bytes == 0 ? 1 : bytes);

    if (fresh == NULL)
        sv_out_of_memory("realloc");
    return fresh;
}

void sv_alloc_reserve(size_t bytes)
{
    void *volatile block = malloc(bytes); /* volatile: a compiler leaves the pair out otherwise */

    if (block == NULL)
        sv_out_of_memory("malloc");
    free(block); /* glibc keeps it for the next ones, or could have it again */
}

char *sv_strndup(const char *text, size_t len)
{
    char *copy;

    SV_REQUIRE(len < SIZE_MAX);
    copy = sv_alloc(len + 1, 1);
    if (len > 0)
        memcpy(copy, text, len);
    return copy;
}

char *sv_strdup(const char *text)
{
    return sv_strndup(text, strlen(text));
}
