/* A binary min-heap of nodes embedded in their owners: the driver's due times and the transports'
 * deadlines. */
#ifndef SV_HEAP_H
#define SV_HEAP_H

#include <stdbool.h>
#include <stddef.h>

#include "sv/time.h"

struct sv_heap_node {
    sv_ms at;
    size_t place; /* private: index + 1 in the heap, 0 when outside */
    void *owner;  /* yours, untouched */
};

struct sv_heap {
    struct sv_heap_node **nodes;
    size_t count;
    size_t cap;
};

void sv_heap_init(struct sv_heap *heap);
void sv_heap_fini(struct sv_heap *heap); /* the nodes stay their owners' */

/* Inserts, or moves a node that is inside already. O(log n). */
void sv_heap_set(struct sv_heap *heap, struct sv_heap_node *node, sv_ms at);

/* Takes a node out; fine when it is outside. */
void sv_heap_remove(struct sv_heap *heap, struct sv_heap_node *node);

/* The earliest node, or NULL. Stays inside. */
struct sv_heap_node *sv_heap_first(const struct sv_heap *heap);

bool sv_heap_has(const struct sv_heap_node *node);

#endif
