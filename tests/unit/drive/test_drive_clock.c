#include <stdio.h>

#include "drive_world.h"

/* The store's clock goes back: what was planned by it is planned anew. */

enum { DOMAINS = 250, CLIENTS = 25 }; /* more than two pages of a list */

static bool are_all_waiting(struct world *world)
{
    return world_stats(world).checks_committed >= DOMAINS && world_stats(world).inflight == 0;
}

static void live_until_all_wait(struct world *world, unsigned shards)
{
    world->options.shards = shards;
    world->options.inflight_max = 50;
    world->options.limits.domains_max = DOMAINS;
    world->options.policy.first_look_ms = SV_DAY;
    world_start(world);
    for (int i = 0; i < DOMAINS; i++) {
        char job[200];

        (void)snprintf(job, sizeof job,
                       "{'type':'register','client_id':'c%d','domain':'d%d.example','id':'j%d'}",
                       i % CLIENTS, i, i);
        world_push(world, job);
    }
    world_until(world, are_all_waiting, "all are registered and wait for a day");
}

/* The fake's clock stands still where it was set. */
static void set_clock(struct world *world, sv_ms back_ms)
{
    const struct sv_clock *clock = sv_clock_system();

    sv_fake_store_set_now(world->store, clock->wall(clock->context) - back_ms);
}

static bool are_all_looked_at(struct world *world)
{
    set_clock(world, 2 * SV_DAY);
    return world_stats(world).checks_committed >= 2 * DOMAINS;
}

static void all_that_waits_is_looked_at(void **state)
{
    struct world *world = *state;

    live_until_all_wait(world, 2);
    world_until(world, are_all_looked_at, "all are looked at by the clock of now");
}

/* A worker that is asked to end while it plans anew ends as it should. */
static void a_drain_ends_it(void **state)
{
    struct world *world = *state;

    live_until_all_wait(world, 1);
    set_clock(world, 365 * SV_DAY);
    while (world_stats(world).checks_started <= DOMAINS)
        world_turn(world, true);
    world_drain(world, 100);
    world_until(world, world_is_drained, "the drain to end");
}

/* Servers differ by a little, and are set by a little. */
static void a_small_step_changes_nothing(void **state)
{
    struct world *world = *state;
    uint64_t committed;

    live_until_all_wait(world, 1);
    committed = world_stats(world).checks_committed;
    set_clock(world, SV_HOUR / 2);
    world_linger(world, 500);
    assert_int_equal(world_stats(world).checks_committed, committed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(all_that_waits_is_looked_at),
        WORLD_TEST(a_drain_ends_it),
        WORLD_TEST(a_small_step_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
