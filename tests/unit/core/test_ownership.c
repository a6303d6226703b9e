#include "cmocka_all.h"

#include <stdint.h>
#include <stdio.h>

#include "sv/ownership.h"

enum { FLEET_MAX = 64, NAME_BYTES = 32 };

struct fleet {
    char names[FLEET_MAX][NAME_BYTES];
    const char *list[FLEET_MAX];
    size_t count;
};

/* Names as workers have them: host, process, nonce; `seed` makes other ones. */
static void make(struct fleet *fleet, size_t count, unsigned seed)
{
    fleet->count = count;
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(fleet->names[i], NAME_BYTES, "host%u-%zu.%04x", seed % 3, 100 + i,
                       (seed * 2654435761u + (unsigned)i * 40503u) & 0xffffu);
        fleet->list[i] = fleet->names[i];
    }
}

static uint64_t shards_of(const struct fleet *fleet, size_t i, unsigned shards)
{
    return sv_ownership_shards(fleet->list, fleet->count, fleet->list[i], shards);
}

static unsigned bits(uint64_t mask)
{
    unsigned count = 0;

    for (; mask != 0; mask &= mask - 1)
        count++;
    return count;
}

static const unsigned shard_numbers[] = {1, 2, 4, 8, 16, 32, 64};
static const size_t fleet_sizes[] = {1, 2, 3, 4, 5, 7, 8, 10, 13, 16, 17, 20, 32, 49, 50, 64};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void check_shares(const struct fleet *fleet, unsigned shards)
{
    size_t width = sv_ownership_width(fleet->count, shards);
    unsigned parts = (unsigned)width * shards;
    unsigned served[SV_OWNERSHIP_SHARDS_MAX] = {0};

    for (size_t i = 0; i < fleet->count; i++) {
        uint64_t mine = shards_of(fleet, i, shards);
        unsigned count = bits(mine);

        for (unsigned shard = 0; shard < SV_OWNERSHIP_SHARDS_MAX; shard++)
            served[shard] += (unsigned)(mine >> shard & 1);
        if (10 * count * fleet->count < 8 * parts || 10 * count * fleet->count > 12 * parts)
            fail_msg("%zu workers, %u shards: one serves %u of %u parts", fleet->count, shards,
                     count, parts);
    }
    for (unsigned shard = 0; shard < SV_OWNERSHIP_SHARDS_MAX; shard++)
        assert_int_equal(served[shard], shard < shards ? width : 0);
}

/* F48: everybody's share is within a fifth of the average, and every shard is served by as many as
 * it should be. */
static void shares_are_fair(void **state)
{
    struct fleet fleet;

    (void)state;
    for (size_t s = 0; s < COUNT(shard_numbers); s++) {
        for (size_t w = 0; w < COUNT(fleet_sizes); w++) {
            for (unsigned seed = 0; seed < 8; seed++) {
                make(&fleet, fleet_sizes[w], seed);
                check_shares(&fleet, shard_numbers[s]);
            }
        }
    }
}

static const struct {
    size_t workers;
    unsigned shards;
    size_t width;
} widths[] = {
    {1, 1, 1},  {2, 1, 2},   {50, 1, 50}, {1, 16, 1},  {2, 16, 1},  {3, 16, 1},  {4, 16, 1},
    {8, 16, 1}, {16, 16, 1}, {10, 16, 3}, {64, 64, 1}, {20, 64, 2}, {50, 64, 4}, {32, 16, 2},
};

static void a_shard_is_served_by_as_few_as_is_fair(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(widths); i++)
        assert_int_equal(sv_ownership_width(widths[i].workers, widths[i].shards), widths[i].width);
}

static void the_order_of_the_list_does_not_matter(void **state)
{
    struct fleet fleet, turned;

    (void)state;
    make(&fleet, 10, 5);
    turned = fleet;
    for (size_t i = 0; i < fleet.count; i++)
        turned.list[i] = fleet.list[(3 * i + 4) % fleet.count];
    for (size_t i = 0; i < fleet.count; i++)
        assert_true(sv_ownership_shards(turned.list, turned.count, fleet.list[i], 64) ==
                    shards_of(&fleet, i, 64));
}

/* Parts that the workers of `before` lose when one more joins; what it gets must come from them. */
static void check_join(size_t workers, unsigned shards, unsigned *lost, unsigned *share)
{
    struct fleet before, after;

    assert_int_equal(sv_ownership_width(workers, shards), sv_ownership_width(workers + 1, shards));
    for (unsigned seed = 0; seed < 16; seed++) {
        make(&after, workers + 1, seed);
        before = after;
        before.count = workers;
        for (size_t i = 0; i < workers; i++)
            *lost += bits(shards_of(&before, i, shards) & ~shards_of(&after, i, shards));
        *share += bits(shards_of(&after, workers, shards));
    }
}

/* A worker joins, or leaves again, and as many as before serve a shard: what moves is of the order
 * of its own share. */
static void little_moves_when_one_joins_or_leaves(void **state)
{
    static const size_t sizes[] = {1, 2, 3, 5, 8, 15, 49};

    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        unsigned lost = 0, share = 0;

        check_join(sizes[i], 64, &lost, &share);
        print_message("one joins %zu of 64 shards: %.1f move, its share is %.1f\n", sizes[i],
                      lost / 16.0, share / 16.0);
        assert_true(lost <= 4 * share);
    }
}

static void whom_nobody_knows_serves_everything(void **state)
{
    struct fleet fleet;
    const char *many[SV_OWNERSHIP_WORKERS_MAX + 1];
    char names[SV_OWNERSHIP_WORKERS_MAX + 1][NAME_BYTES];

    (void)state;
    make(&fleet, 4, 0);
    assert_true(sv_ownership_shards(fleet.list, 4, "stranger", 16) == 0xffff);
    assert_true(sv_ownership_shards(fleet.list, 0, "stranger", 64) == UINT64_MAX);
    for (size_t i = 0; i <= SV_OWNERSHIP_WORKERS_MAX; i++) {
        (void)snprintf(names[i], NAME_BYTES, "w%zu", i);
        many[i] = names[i];
    }
    assert_true(bits(sv_ownership_shards(many, SV_OWNERSHIP_WORKERS_MAX, "w7", 64)) < 64);
    assert_true(sv_ownership_shards(many, SV_OWNERSHIP_WORKERS_MAX + 1, "w7", 64) == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_are_fair),
        cmocka_unit_test(a_shard_is_served_by_as_few_as_is_fair),
        cmocka_unit_test(the_order_of_the_list_does_not_matter),
        cmocka_unit_test(little_moves_when_one_joins_or_leaves),
        cmocka_unit_test(whom_nobody_knows_serves_everything),
    };

    return cmocka_run_group_tests_name("core_ownership", tests, NULL, NULL);
}
