#include <stdlib.h>

#include "drive_world.h"

static bool is_asking(struct world *world)
{
    return world_stats(world).dns_questions > 0;
}

static bool is_registered(struct world *world)
{
    return world_count(world, "a.example", "registered") > 0;
}

static void push_one(struct world *world)
{
    world_push(world, "{'type':'register','client_id':'c','domain':'a.example','id':'j1'}");
}

/* A domain whose DNS questions are never answered. */
static void hold_a_look(struct world *world)
{
    sv_fake_resolver_hold(world->resolver, true);
    world_start(world);
    push_one(world);
    world_until(world, is_asking, "DNS is asked");
}

static sv_ms drain_took(struct world *world, sv_ms drain_ms)
{
    sv_ms from = world_own_ms();

    world_drain(world, drain_ms);
    assert_false(world->drained); /* never from inside */
    world_until(world, world_is_drained, "the drain is over");
    return world_own_ms() - from;
}

static void nothing_to_drain_takes_no_time(void **state)
{
    struct world *world = *state;

    world_start(world);
    push_one(world);
    world_until(world, is_registered, "the domain is registered");
    while (world_stats(world).inflight > 0)
        world_turn(world, true);
    assert_true(drain_took(world, 60000) < 1000);
    assert_int_equal(world->left, 0);
}

static void a_drain_may_come_before_anything(void **state)
{
    struct world *world = *state;

    sv_fake_store_set_ready(world->store, false);
    world_start(world);
    assert_true(drain_took(world, 60000) < 1000);
    assert_false(world->prepared);
}

static void what_ends_in_time_is_not_handed_back(void **state)
{
    struct world *world = *state;

    hold_a_look(world);
    world_drain(world, 60000);
    world_linger(world, 20);
    assert_false(world->drained);
    sv_fake_resolver_hold(world->resolver, false);
    world_until(world, world_is_drained, "the drain is over");
    assert_int_equal(world->left, 0);
    assert_int_equal(world_stats(world).checks_released, 0);
}

static void a_second_call_hands_back_at_once(void **state)
{
    struct world *world = *state;

    hold_a_look(world);
    world_drain(world, 60000);
    world_linger(world, 20);
    assert_false(world->drained);
    assert_true(drain_took(world, 0) < 1000);
    assert_int_equal(world->left, 0);
    assert_int_equal(world_stats(world).checks_released, 1);
    assert_int_equal(world_counter(world, 0, "running"), 0);
    assert_int_equal(world_counter(world, 0, "waiting"), 1);
}

static void a_drain_ends_without_the_store(void **state)
{
    struct world *world = *state;

    hold_a_look(world);
    sv_fake_store_set_ready(world->store, false);
    assert_true(drain_took(world, 100) < 100 + 2000);
    assert_int_equal(world->left, 1);
}

/* Handed back in the middle of a recheck: its attempt is free again, and the next worker answers.
 */
static void an_attempt_is_given_back(void **state)
{
    struct world *world = *state;
    uint64_t asked;

    world->options.limits.attempts_max = 1;
    world->options.policy.first_look_ms = world->options.policy.floor_ms = 60000;
    world->options.policy.cap_ms = 60000;
    world_start(world);
    push_one(world);
    world_expect_answer(world, "j1", "done", "");
    sv_fake_resolver_hold(world->resolver, true);
    asked = world_stats(world).dns_questions;
    world_push(world, "{'type':'recheck','client_id':'c','domain':'a.example','id':'j2'}");
    while (world_stats(world).dns_questions == asked)
        world_turn(world, true);
    assert_true(drain_took(world, 0) < 1000);
    assert_int_equal(world->left, 0);
    world_close_drive(world);
    sv_fake_resolver_hold(world->resolver, false);
    world_start(world);
    world_expect_answer(world, "j2", "done", "");
    world_push(world, "{'type':'recheck','client_id':'c','domain':'a.example','id':'j3'}");
    world_expect_answer(world, "j3", "done", "");
    world_push(world, "{'type':'recheck','client_id':'c','domain':'a.example','id':'j4'}");
    world_expect_answer(world, "j4", "rejected", "cooldown");
}

/* Whenever it comes, nothing stays behind under our lease, not even what a claim under way took. */
static void no_lease_is_left_behind(void **state)
{
    struct world *world = *state;
    bool is_over = false;
    uint64_t turns = 0;

    world_end(world);
    while (!is_over) {
        world_new(world);
        sv_fake_store_set_hasty(world->store, true);
        world_start(world);
        while (world->turns < turns && !is_over) {
            (void)world_live(world);
            is_over = world_count(world, "a.example", "verified") > 0;
            world_turn(world, true);
        }
        assert_true(drain_took(world, 0) < 1500);
        assert_int_equal(world->left, 0);
        assert_int_equal(world_counter(world, 0, "running"), 0);
        world_end(world);
        turns++;
    }
    world_new(world);
}

/* A claim that is on its way to the store when the drain begins. */
static void what_a_late_claim_took_is_handed_back(void **state)
{
    struct world *world = *state;

    world->options.policy.first_look_ms = 150;
    sv_fake_store_set_hasty(world->store, true);
    world_start(world);
    push_one(world);
    world_until(world, is_registered, "the domain is registered");
    sv_fake_store_hold(world->store, SV_STORE_OP_COUNT, true);
    world_linger(world, 200); /* it is due, and a claim is under way */
    world_drain(world, 60000);
    world_linger(world, 20);
    sv_fake_store_hold(world->store, SV_STORE_OP_COUNT, false);
    world_until(world, world_is_drained, "the drain is over");
    assert_int_equal(world_counter(world, 0, "running"), 0);
    assert_int_equal(world_stats(world).checks_released, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(nothing_to_drain_takes_no_time),
        WORLD_TEST(a_drain_may_come_before_anything),
        WORLD_TEST(what_ends_in_time_is_not_handed_back),
        WORLD_TEST(a_second_call_hands_back_at_once),
        WORLD_TEST(a_drain_ends_without_the_store),
        WORLD_TEST(an_attempt_is_given_back),
        WORLD_TEST(no_lease_is_left_behind),
        WORLD_TEST(what_a_late_claim_took_is_handed_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
