#include "sv/heap.h"

#include <stdlib.h>

#include "sv/alloc.h"
#include "sv/require.h"

enum { CAP_MIN = 16 };

void sv_heap_init(struct sv_heap *heap)
{
    *heap = (struct sv_heap){.nodes = NULL};
}

void sv_heap_fini(struct sv_heap *heap)
{
    for (size_t i = 0; i < heap->count; i++)
        heap->nodes[i]->place = 0;
    free(heap->nodes);
    sv_heap_init(heap);
}

static void put(struct sv_heap *heap, size_t index, struct sv_heap_node *node)
{
    heap->nodes[index] = node;
    node->place = index + 1;
}

static void sift_up(struct sv_heap *heap, size_t index)
{
    struct sv_heap_node *node = heap->nodes[index];

    while (index > 0) {
        size_t parent = (index - 1) / 2;

        if (heap->nodes[parent]->at <= node->at)
            break;
        put(heap, index, heap->nodes[parent]);
        index = parent;
    }
    put(heap, index, node);
}

static void sift_down(struct sv_heap *heap, size_t index)
{
    struct sv_heap_node *node = heap->nodes[index];

    for (;;) {
        size_t child = 2 * index + 1;

        if (child >= heap->count)
            break;
        if (child + 1 < heap->count && heap->nodes[child + 1]->at < heap->nodes[child]->at)
            child++;
        if (node->at <= heap->nodes[child]->at)
            break;
        put(heap, index, heap->nodes[child]);
        index = child;
    }
    put(heap, index, node);
}

/* The node at `index` may be too early or too late for its place; at most one of the two moves it.
 */
static void settle(struct sv_heap *heap, size_t index)
{
    struct sv_heap_node *node = heap->nodes[index];

    sift_up(heap, index);
    sift_down(heap, node->place - 1);
}

void sv_heap_set(struct sv_heap *heap, struct sv_heap_node *node, sv_ms at)
{
    node->at = at;
    if (node->place == 0) {
        if (heap->count == heap->cap) {
            heap->cap = heap->cap == 0 ? CAP_MIN : 2 * heap->cap;
            heap->nodes = sv_realloc(heap->nodes, heap->cap * sizeof(struct sv_heap_node *));
        }
        put(heap, heap->count++, node);
    }
    SV_REQUIRE(node->place <= heap->count && heap->nodes[node->place - 1] == node);
    settle(heap, node->place - 1);
}

void sv_heap_remove(struct sv_heap *heap, struct sv_heap_node *node)
{
    size_t index = node->place - 1;
    struct sv_heap_node *last;

    if (node->place == 0)
        return;
    SV_REQUIRE(node->place <= heap->count && heap->nodes[index] == node);
    last = heap->nodes[--heap->count];
    node->place = 0;
    if (last == node)
        return;
    put(heap, index, last);
    settle(heap, index);
}

struct sv_heap_node *sv_heap_first(const struct sv_heap *heap)
{
    return heap->count == 0 ? NULL : heap->nodes[0];
}

bool sv_heap_has(const struct sv_heap_node *node)
{
    return node->place != 0;
}
