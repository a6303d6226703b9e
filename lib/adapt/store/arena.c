#include "arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/require.h"

enum { CHUNK_BYTES = 4096 };

struct sv_store_chunk {
    struct sv_store_chunk *next;
    size_t used, cap;
    alignas(max_align_t) char bytes[];
};

static struct sv_store_chunk *chunk_new(struct sv_store_arena *arena, size_t bytes)
{
    size_t cap = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
    struct sv_store_chunk *chunk = sv_alloc(1, sizeof(*chunk) + cap);

    chunk->cap = cap;
    /* A big piece goes behind the chunk that still has room. */
    if (bytes > CHUNK_BYTES && arena->chunks != NULL) {
        chunk->next = arena->chunks->next;
        arena->chunks->next = chunk;
    } else {
        chunk->next = arena->chunks;
        arena->chunks = chunk;
    }
    return chunk;
}

void *sv_store_arena_alloc(struct sv_store_arena *arena, size_t count, size_t bytes)
{
    size_t align = alignof(max_align_t);
    struct sv_store_chunk *chunk = arena->chunks;
    size_t total;
    void *piece;

    SV_REQUIRE(bytes == 0 || count <= (SIZE_MAX / 2) / bytes);
    total = (count * bytes + align - 1) / align * align;
    if (chunk == NULL || chunk->cap - chunk->used < total)
        chunk = chunk_new(arena, total);
    piece = chunk->bytes + chunk->used;
    chunk->used += total;
    return piece;
}

char *sv_store_arena_strndup(struct sv_store_arena *arena, const char *text, size_t len)
{
    char *copy = sv_store_arena_alloc(arena, len + 1, 1);

    if (len > 0)
        memcpy(copy, text, len);
    return copy;
}

const char *sv_store_arena_printf(struct sv_store_arena *arena, const char *format, ...)
{
    char usual[256]; /* most are short: formatted once */
    va_list args, again;
    char *text;
    int len;

    va_start(args, format);
    va_copy(again, args);
    len = vsnprintf(usual, sizeof usual, format, args);
    va_end(args);
    SV_REQUIRE(len >= 0);
    text = sv_store_arena_alloc(arena, (size_t)len + 1, 1);
    if ((size_t)len < sizeof usual)
        memcpy(text, usual, (size_t)len + 1);
    else
        (void)vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return text;
}

void sv_store_arena_fini(struct sv_store_arena *arena)
{
    while (arena->chunks != NULL) {
        struct sv_store_chunk *next = arena->chunks->next;

        free(arena->chunks);
        arena->chunks = next;
    }
}
