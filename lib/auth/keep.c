#include "keep.h"

#include <stdlib.h>

#include "sv/alloc.h"

enum { BLOCK_BYTES = 4096, ALIGN = 16 };

struct sv_keep_block {
    struct sv_keep_block *next;
    size_t used, room;
    _Alignas(ALIGN) char bytes[];
};

void *sv_keep_take(struct sv_keep *keep, size_t bytes, size_t limit)
{
    struct sv_keep_block *block = keep->blocks;
    size_t wanted = (bytes + ALIGN - 1) / ALIGN * ALIGN;
    void *taken;

    if (block == NULL || block->room - block->used < wanted) {
        size_t room = wanted > BLOCK_BYTES ? wanted : BLOCK_BYTES;
        if (room > limit || keep->bytes > limit - room)
            return NULL;
        block = sv_alloc(1, sizeof(*block) + room);
        block->room = room;
        block->next = keep->blocks;
        keep->blocks = block;
        keep->bytes += room;
    }
    taken = block->bytes + block->used;
    block->used += wanted;
    return taken;
}

void sv_keep_fini(struct sv_keep *keep)
{
    while (keep->blocks != NULL) {
        struct sv_keep_block *next = keep->blocks->next;
        free(keep->blocks);
        keep->blocks = next;
    }
    keep->bytes = 0;
}
