#include "cmocka_all.h"

#include <string.h>

#include "sv/heap.h"
#include "sv/rand.h"

enum { NODES = 300, TURNS = 20000, SEED = 20260101 };

/* Against the plainest possible model: look through all nodes. */
static void behaves_like_a_sorted_list(void **state)
{
    static struct sv_heap_node nodes[NODES];
    struct sv_heap heap;
    struct sv_rand dice;

    (void)state;
    print_message("seed %d\n", SEED);
    sv_rand_seeded_init(&dice, SEED);
    sv_heap_init(&heap);
    for (size_t turn = 0; turn < TURNS; turn++) {
        struct sv_heap_node *node = &nodes[sv_rand_below(&dice, NODES)];
        const struct sv_heap_node *first;
        sv_ms earliest = INT64_MAX;
        size_t count = 0;

        if (sv_rand_below(&dice, 3) == 0)
            sv_heap_remove(&heap, node);
        else
            sv_heap_set(&heap, node, (sv_ms)sv_rand_below(&dice, 1000) - 500);
        for (size_t i = 0; i < NODES; i++) {
            count += sv_heap_has(&nodes[i]);
            if (sv_heap_has(&nodes[i]) && nodes[i].at < earliest)
                earliest = nodes[i].at;
        }
        first = sv_heap_first(&heap);
        assert_int_equal(heap.count, count);
        assert_int_equal(first != NULL, count > 0);
        if (first != NULL)
            assert_int_equal(first->at, earliest);
    }
    sv_heap_fini(&heap);
    for (size_t i = 0; i < NODES; i++)
        assert_false(sv_heap_has(&nodes[i]));
}

static void comes_out_in_order(void **state)
{
    static const sv_ms in[] = {5, 3, 9, 3, INT64_MIN, INT64_MAX, 0};
    static const sv_ms out[] = {INT64_MIN, 0, 3, 3, 5, 9, INT64_MAX};
    struct sv_heap_node nodes[7] = {{.at = 0}};
    struct sv_heap heap;

    (void)state;
    sv_heap_init(&heap);
    assert_null(sv_heap_first(&heap));
    for (size_t i = 0; i < 7; i++) {
        nodes[i].owner = &nodes[i];
        sv_heap_set(&heap, &nodes[i], in[i]);
    }
    for (size_t i = 0; i < 7; i++) {
        struct sv_heap_node *first = sv_heap_first(&heap);

        assert_int_equal(first->at, out[i]);
        assert_ptr_equal(first->owner, first);
        sv_heap_remove(&heap, first);
        sv_heap_remove(&heap, first); /* fine when outside */
    }
    assert_null(sv_heap_first(&heap));
    sv_heap_fini(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(behaves_like_a_sorted_list),
        cmocka_unit_test(comes_out_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
