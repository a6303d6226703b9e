#include <stdio.h>
#include <string.h>

#include "drive_world.h"

/* Which shards the driver serves, when other workers beat in the same store. */

enum { SHARDS = 4, BEAT_MS = 400 };

struct other { /* a worker that only beats */
    struct sv_store_call call;
    bool over;
    size_t living;
};

static void on_other(struct sv_store_call *call, enum sv_err err)
{
    struct other *other = call->owner;

    assert_int_equal(err, SV_OK);
    other->living = call->u.beat.count;
    other->over = true;
}

/* Tells the store that a worker of this name lives (or, with 0, leaves): how many live. */
static size_t beat_as(struct world *world, const char *name, sv_ms expiry_ms)
{
    struct other other = {.call = {.op = SV_STORE_BEAT,
                                   .owner = &other,
                                   .u.beat = {.worker = name, .expiry_ms = expiry_ms}}};

    assert_int_equal(sv_store_start(world->store, &other.call, on_other, NULL), SV_OK);
    while (!other.over)
        world_turn(world, true);
    return other.living;
}

static void start(struct world *world)
{
    world->options.shards = SHARDS;
    world->options.heartbeat_ms = BEAT_MS;
    world_start(world);
}

static bool serves_all(struct world *world)
{
    return world_stats(world).shards_served == SHARDS;
}

static bool serves_half(struct world *world)
{
    return world_stats(world).shards_served == SHARDS / 2;
}

static bool knows_two(struct world *world)
{
    return world_stats(world).workers == 2;
}

static bool are_answered(struct world *world)
{
    for (size_t i = 0; i < world->pushes_count; i++) {
        char id[24];

        (void)snprintf(id, sizeof id, "j%zu", i);
        if (world_answer(world, id) == NULL)
            return false;
    }
    return true;
}

static void push_many(struct world *world, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char job[160];

        (void)snprintf(job, sizeof job,
                       "{'type':'register','client_id':'c%u','domain':'d%u.example','id':'j%u'}", i,
                       i, i);
        world_push(world, job);
    }
}

static void a_lone_worker_serves_all_shards(void **state)
{
    struct world *world = *state;

    start(world);
    world_until(world, serves_all, "all shards are served");
    assert_int_equal(world_stats(world).workers, 1);
    push_many(world, 12);
    world_until(world, are_answered, "every job is answered");
}

static void shards_are_shared_with_who_joins_and_taken_over_from_who_leaves(void **state)
{
    struct world *world = *state;

    start(world);
    world_until(world, serves_all, "all shards are served");
    assert_int_equal(beat_as(world, "other", 60000), 2);
    world_until(world, serves_half, "half of them are the other's");
    assert_int_equal(beat_as(world, "other", 0), 1);
    world_until(world, serves_all, "all shards are served again");
    push_many(world, 12);
    world_until(world, are_answered, "every job is answered");
}

static void a_worker_that_died_is_missed_when_its_beat_expires(void **state)
{
    struct world *world = *state;
    sv_ms now = SV_HOUR;

    sv_fake_store_set_now(world->store, now);
    assert_int_equal(beat_as(world, "dead", BEAT_MS), 1);
    start(world);
    world_until(world, serves_half, "half of them are the other's");
    sv_fake_store_set_now(world->store, now + BEAT_MS);
    world_until(world, serves_all, "all shards are served again");
}

static bool are_verified(struct world *world)
{
    for (size_t i = 0; i < world->pushes_count; i++) {
        char domain[40];

        (void)snprintf(domain, sizeof domain, "d%zu.example", i);
        if (world_count(world, domain, "verified") == 0)
            return false;
    }
    return true;
}

/* The other serves nothing in truth: what is due in its shards is found by visits. The inbox is not
 * visited; its jobs came while the shards were ours. */
static void what_is_stuck_at_others_comes_loose(void **state)
{
    struct world *world = *state;

    start(world);
    world_until(world, serves_all, "all shards are served");
    push_many(world, 12);
    world_until(world, are_answered, "every job is answered");
    assert_int_equal(beat_as(world, "stuck", 60000), 2);
    world_until(world, serves_half, "half of them are the other's");
    world_linger(world, 200); /* looks that were under way when the shards were lost end */
    for (int i = 0; i < 12; i++) {
        char domain[32];

        (void)snprintf(domain, sizeof domain, "d%d.example", i);
        world_heal(world, domain);
    }
    world_until(world, are_verified, "every domain is verified");
    assert_int_equal(world_stats(world).shards_served, SHARDS / 2);
}

/* While the store takes no beats for a moment, everything stays as it was. */
static void a_store_that_is_away_changes_nothing(void **state)
{
    struct world *world = *state;
    struct sv_fake_fault away = {.op = SV_STORE_BEAT, .fail = 5, .err = SV_ECONNECT};

    assert_int_equal(beat_as(world, "other", 60000), 1);
    start(world);
    world_until(world, knows_two, "the other is known");
    sv_fake_store_fail(world->store, &away);
    while (sv_fake_store_faults(world->store) < 5) {
        world_turn(world, true);
        assert_int_equal(world_stats(world).shards_served, SHARDS / 2);
    }
}

/* An older ACL: beats are refused, and every shard is served, as in older days. */
static void a_store_that_refuses_beats_leaves_us_everything(void **state)
{
    struct world *world = *state;
    struct sv_fake_fault refused = {.op = SV_STORE_BEAT, .fail = 3, .err = SV_EDENIED};

    sv_fake_store_fail(world->store, &refused);
    start(world);
    push_many(world, 12);
    world_until(world, are_answered, "every job is answered");
    assert_true(serves_all(world));
}

static void who_leaves_says_so_at_once(void **state)
{
    struct world *world = *state;

    start(world);
    world_until(world, serves_all, "all shards are served");
    assert_int_equal(beat_as(world, "other", 60000), 2);
    world_drain(world, 60000);
    assert_int_equal(beat_as(world, "other", 60000), 1);
    world_until(world, world_is_drained, "the drain is over");
    assert_int_equal(sv_fake_store_calls(world->store, SV_STORE_RETIRE), SHARDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_lone_worker_serves_all_shards),
        WORLD_TEST(shards_are_shared_with_who_joins_and_taken_over_from_who_leaves),
        WORLD_TEST(a_worker_that_died_is_missed_when_its_beat_expires),
        WORLD_TEST(what_is_stuck_at_others_comes_loose),
        WORLD_TEST(a_store_that_is_away_changes_nothing),
        WORLD_TEST(a_store_that_refuses_beats_leaves_us_everything),
        WORLD_TEST(who_leaves_says_so_at_once),
    };

    return cmocka_run_group_tests_name("drive_fleet", tests, NULL, NULL);
}
