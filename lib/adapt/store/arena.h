/* Memory of one call: taken piece by piece, given back whole. Bounded by what bounds the pieces:
 * the call's own inputs and the transport's reply limit. */
#ifndef SV_STORE_ARENA_H
#define SV_STORE_ARENA_H

#include <stddef.h>

struct sv_store_chunk;

struct sv_store_arena {
    struct sv_store_chunk *chunks; /* NULL while empty */
};

/* Zeroed, aligned for any struct; lives until fini. */
void *sv_store_arena_alloc(struct sv_store_arena *arena, size_t count, size_t bytes);
char *sv_store_arena_strndup(struct sv_store_arena *arena, const char *text, size_t len);
const char *sv_store_arena_printf(struct sv_store_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void sv_store_arena_fini(struct sv_store_arena *arena);

#endif
