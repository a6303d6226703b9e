/* Delivery to a sink that does what the test says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sink_play.h"
#include "sv/drive_view.h"

enum { DOMAINS = 20 };

static enum sv_sink_outcome take_it(struct play *play, struct sv_sink_parcel *parcel)
{
    (void)play, (void)parcel;
    return SV_SINK_DELIVERED;
}

static void tell_all(struct world *world, unsigned domains, unsigned each)
{
    for (unsigned sequence = 1; sequence <= each; sequence++) {
        for (unsigned domain = 0; domain < domains; domain++)
            world_tell_event(world, domain, sequence);
    }
}

static void test_events_arrive_in_order(void **state)
{
    struct world *world = *state;
    struct play *play = play_new(world, take_it);

    play->slow_ms = 2;
    play_start(world);
    tell_all(world, DOMAINS, 10);
    play_until_delivered(world, DOMAINS * 10);
    play_assert_in_order(play);
    assert_int_equal(play->got_count, DOMAINS * 10);
    assert_in_range(play->waiting_most, 2, 8);
    world_linger(world, 50);
    assert_int_equal(world_sink(world, "play", SV_STORE_SINK_LOOK).open, 0);
    play_end(world);
}

static enum sv_sink_outcome is_down(struct play *play, struct sv_sink_parcel *parcel)
{
    (void)parcel;
    return world_now_ms() < play->down_until ? SV_SINK_LATER : SV_SINK_DELIVERED;
}

static void test_F51_down_for_an_hour(void **state)
{
    struct world *world = *state;
    struct play *play = play_new(world, is_down);

    play->slow_ms = 2;
    play->down_until = UINT64_MAX;
    play_start(world);
    tell_all(world, DOMAINS, 3);
    while (play->got_count < 10)
        world_turn(world, true);
    play->waiting_most = 0;
    while (play->got_count < 30)
        world_turn(world, true);
    assert_int_equal(play->waiting_most, 1); /* whoever is down is asked by one at a time */
    play->down_until = world_now_ms() + PLAY_HOUR_MS;
    play_until_delivered(world, DOMAINS * 3);
    play_assert_in_order(play);
    printf("an hour down: %zu attempts for %d events\n", play->got_count, DOMAINS * 3);
    assert_true(play->got_count < DOMAINS * 3 + 10 * DOMAINS);
    play_end(world);
}

static enum sv_sink_outcome refuses_one(struct play *play, struct sv_sink_parcel *parcel)
{
    (void)play;
    return strcmp(parcel->group, "0000000000000003") == 0 ? SV_SINK_LATER : SV_SINK_DELIVERED;
}

static void test_F51_one_domain_fails(void **state)
{
    struct world *world = *state;
    struct play *play = play_new(world, refuses_one);

    play->route.plan = (struct sv_delivery_plan){.attempts = 3, .waits_ms = {0, 20, 40}};
    play_start(world);
    tell_all(world, DOMAINS, 5);
    play_until_delivered(world, (DOMAINS - 1) * 5);
    play_assert_in_order(play);
    while (world_sink(world, "play", SV_STORE_SINK_LOOK).dead < 5)
        world_turn(world, true);
    assert_int_equal(play->got_count, (DOMAINS - 1) * 5 + 3 * 5);
    world_linger(world, 20);
    assert_int_equal(world_sink(world, "play", SV_STORE_SINK_LOOK).open, 0);
    play_end(world);
}

static enum sv_sink_outcome is_gone(struct play *play, struct sv_sink_parcel *parcel)
{
    (void)parcel;
    return play->down_until != 0 && play->delivered >= 10 ? SV_SINK_GONE : SV_SINK_DELIVERED;
}

static void test_F51_gone_until_enabled(void **state)
{
    struct world *world = *state;
    struct play *play = play_new(world, is_gone);
    size_t attempts;

    play->down_until = 1;
    play_start(world);
    tell_all(world, DOMAINS, 2);
    while (world_sink(world, "play", SV_STORE_SINK_LOOK).disabled_at == 0)
        world_turn(world, true);
    world_linger(world, 20); /* what was under way ends */
    attempts = play->got_count;
    world_linger(world, 300);
    assert_int_equal(play->got_count, attempts); /* nothing goes there any more */
    play->down_until = 0;
    assert_int_equal(world_sink(world, "play", SV_STORE_SINK_ENABLE).disabled_at, 0);
    play_until_delivered(world, DOMAINS * 2);
    play_assert_in_order(play);
    play_end(world);
}

static enum sv_sink_outcome asks_for_time(struct play *play, struct sv_sink_parcel *parcel)
{
    if (play->got_count > 0)
        return SV_SINK_DELIVERED;
    parcel->retry_after_ms = 400;
    parcel->blame = SV_SINK_BLAME_TARGET;
    return SV_SINK_LATER;
}

static void test_F51_the_whole_sink_waits_when_asked_to(void **state)
{
    struct world *world = *state;
    struct play *play = play_new(world, asks_for_time);

    play->route.parallel = 1;
    play_start(world);
    tell_all(world, 5, 1);
    play_until_delivered(world, 5);
    assert_true(play->got[1].at - play->got[0].at >= 399);
    play_end(world);
}

/* Domain 3 is put off for an hour, each time it is tried. */
static enum sv_sink_outcome puts_one_off(struct play *play, struct sv_sink_parcel *parcel)
{
    if (strcmp(parcel->group, "0000000000000003") != 0)
        return SV_SINK_DELIVERED;
    parcel->retry_after_ms = SV_HOUR;
    parcel->blame = play->blame;
    return SV_SINK_LATER;
}

static void expect_others_arrive(struct world *world, enum sv_sink_blame blame)
{
    struct play *play = play_new(world, puts_one_off);

    play->route.parallel = 1;
    play->blame = blame;
    play_start(world);
    tell_all(world, DOMAINS, 3);
    play_until_delivered(world, (DOMAINS - 1) * 3);
    play_assert_in_order(play);
    assert_int_equal(play->got_count, (DOMAINS - 1) * 3 + 1);
    assert_true(play->got[play->got_count - 1].at - play->got[0].at < SV_DELIVERY_QUIET_MS_MAX / 2);
    world_linger(world, 20); /* what was delivered is settled */
    assert_int_equal(world_sink(world, "play", SV_STORE_SINK_LOOK).open, 3); /* none was given up */
    play_end(world);
}

static void test_F51_one_event_that_is_put_off_holds_its_domain(void **state)
{
    expect_others_arrive(*state, SV_SINK_BLAME_EVENT);
}

/* 500 with Retry-After: it may be the event, or the target. */
static void test_F51_a_wait_that_nobody_is_to_blame_for_is_the_events_own(void **state)
{
    expect_others_arrive(*state, SV_SINK_BLAME_UNKNOWN);
}

static enum sv_sink_outcome puts_all_off(struct play *play, struct sv_sink_parcel *parcel)
{
    if (play->got_count >= 10)
        return SV_SINK_DELIVERED;
    parcel->retry_after_ms = 1;
    parcel->blame = SV_SINK_BLAME_EVENT;
    return SV_SINK_LATER;
}

/* However many there are, one after the other, they are no sign that the target is down. */
static void test_F51_events_that_are_put_off_make_no_pause(void **state)
{
    struct world *world = *state;
    struct play *play = play_new(world, puts_all_off);

    play->route.parallel = 1;
    play->route.plan = (struct sv_delivery_plan){.attempts = 3, .waits_ms = {0, SV_HOUR, SV_HOUR}};
    play_start(world);
    tell_all(world, DOMAINS, 1);
    play_until_delivered(world, DOMAINS - 10);
    assert_int_equal(play->got_count, DOMAINS);
    world_linger(world, 20);
    assert_int_equal(world_sink(world, "play", SV_STORE_SINK_LOOK).open, 10);
    play_end(world);
}

/* A worker goes without a word; the next one goes on with its attempts. */
static void test_attempts_go_on_after_a_takeover(void **state)
{
    struct world *world = *state;
    struct play *first = play_new(world, is_down), *second;
    size_t attempts;

    first->down_until = UINT64_MAX;
    first->route.plan = (struct sv_delivery_plan){.attempts = 4, .waits_ms = {0, 60, 600, 600}};
    play_start(world);
    world_tell_event(world, 1, 1);
    while (first->got_count < 2)
        world_turn(world, true);
    world_linger(world, 20); /* the second failure is settled */
    attempts = first->got_count;
    world_close_drive(world);
    free(first);
    second = play_new(world, is_down);
    second->down_until = UINT64_MAX;
    second->route.plan = (struct sv_delivery_plan){.attempts = 4, .waits_ms = {0, 60, 600, 600}};
    world->options.worker = "another";
    world_start(world);
    while (world_sink(world, "play", SV_STORE_SINK_LOOK).dead == 0)
        world_turn(world, true);
    assert_int_equal(attempts + second->got_count, 4);
    play_end(world);
}

static void test_F51_what_is_too_old_is_given_up(void **state)
{
    struct world *world = *state;
    struct play *play = play_new(world, is_down);

    play->down_until = UINT64_MAX;
    play->route.plan = (struct sv_delivery_plan){.attempts = 3, .waits_ms = {0, 200, 300}};
    play_start(world);
    tell_all(world, 100, 2);
    while (world_sink(world, "play", SV_STORE_SINK_LOOK).dead < 200)
        world_turn(world, true);
    printf("never back: %zu attempts for 200 events\n", play->got_count);
    assert_int_equal(world_sink(world, "play", SV_STORE_SINK_LOOK).open, 0);
    play_end(world);
}

static void test_filtered_events_are_settled(void **state)
{
    static const char *const clients[] = {"c1", "c2"};
    struct world *world = *state;
    struct play *play = play_new(world, take_it);

    play->route.filter = (struct sv_delivery_filter){.clients = clients, .clients_count = 2};
    play_start(world);
    tell_all(world, DOMAINS, 2);
    sv_fake_store_add_event(world->store, 0,
                            "{\"type\":\"io.sesverify.job.finished.v1\",\"id\":"
                            "\"job.0.1\",\"data\":{\"client_id\":\"c2\"}}");
    play_until_delivered(world, 5);
    world_linger(world, 50);
    assert_int_equal(play->got_count, 5);
    assert_int_equal(world_sink(world, "play", SV_STORE_SINK_LOOK).open, 0);
    play_end(world);
}

static void replay(struct world *world)
{
    struct sv_store_call call = {.op = SV_STORE_REPLAY, .u.replay = {.sink = "play", .from = "0"}};

    world_ask_store(world, &call);
}

/* Everything is read anew while it is being read: nothing falls between two readings. */
static void test_one_replay_after_the_other(void **state)
{
    struct world *world = *state;
    struct play *play = play_new(world, take_it);
    size_t before;

    world->options.heartbeat_ms = 6; /* the turn is looked at all the time */
    play->slow_ms = 1;
    play_start(world);
    tell_all(world, DOMAINS, 5);
    for (unsigned round = 0; round < 15; round++) {
        replay(world);
        world_linger(world, round % 5 * 3);
    }
    replay(world);
    before = play->delivered;
    play_until_delivered(world, before + DOMAINS * 5);
    while (world_sink(world, "play", SV_STORE_SINK_LOOK).open > 0)
        world_turn(world, true);
    play_end(world);
}

/* Eight events are on their way when the drain begins; `taken` of them are settled when it is over,
 * the others are open, nothing is under way, and the turn is free. */
static void expect_drained(struct world *world, sv_ms drain_ms, unsigned taken)
{
    struct sv_store_sink told;

    play_start(world);
    tell_all(world, 8, 1);
    while (play_of(world)->waiting_count < 8)
        world_turn(world, true);
    world_drain(world, drain_ms);
    world_until(world, world_is_drained, "the drain is over");
    assert_int_equal(play_of(world)->waiting_count, 0);
    told = world_sink(world, "play", SV_STORE_SINK_LOOK);
    assert_int_equal(told.open, 8 - taken);
    assert_int_equal(told.dead, 0);
    assert_int_equal(told.wait_ms, 0);
}

static void test_a_drain_waits_and_leaves(void **state)
{
    struct world *world = *state;
    struct play *play = play_new(world, take_it);

    play->slow_ms = 150;
    expect_drained(world, 5000, 8);
    assert_int_equal(play->delivered, 8);
    play_end(world);
}

/* E6: its time is over, and the target has said nothing: the attempts are ended, the turn is given
 * back, and the events are open for whoever has it next. */
static void test_a_drain_does_not_wait_for_ever(void **state)
{
    struct world *world = *state;
    struct play *play = play_new(world, take_it);

    world->options.heartbeat_ms = 60 * SV_SECOND; /* a lease that ends meanwhile proves nothing */
    play->slow_ms = SV_DAY;
    expect_drained(world, 10, 0);
    assert_true(play->is_stopped);
    play_end(world);
}

/* What people are shown of a sink that does not take its events. */
static void test_how_a_sink_stands(void **state)
{
    struct world *world = *state;
    struct play *play = play_new(world, puts_all_off);
    struct sv_drive_sink seen;

    play_start(world);
    assert_false(sv_drive_view_sink(world->drive, 1, &seen));
    assert_true(sv_drive_view_sink(world->drive, 0, &seen));
    assert_int_equal(seen.failed_at, 0);
    assert_string_equal(seen.error, "");
    assert_int_equal(seen.oldest_ms, 0);
    world_tell_event(world, 1, 1);
    while (play->got_count == 0)
        world_turn(world, true);
    world_linger(world, 20);
    assert_true(sv_drive_view_sink(world->drive, 0, &seen));
    assert_string_equal(seen.name, "play");
    assert_int_equal(seen.shards_served, 1);
    assert_true(seen.failed_at > 0);
    assert_string_equal(seen.error, "as the test says");
    assert_true(seen.oldest_ms > 0);
    play_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_events_arrive_in_order),
        WORLD_TEST(test_F51_down_for_an_hour),
        WORLD_TEST(test_F51_one_domain_fails),
        WORLD_TEST(test_F51_gone_until_enabled),
        WORLD_TEST(test_F51_the_whole_sink_waits_when_asked_to),
        WORLD_TEST(test_F51_one_event_that_is_put_off_holds_its_domain),
        WORLD_TEST(test_F51_a_wait_that_nobody_is_to_blame_for_is_the_events_own),
        WORLD_TEST(test_F51_events_that_are_put_off_make_no_pause),
        WORLD_TEST(test_attempts_go_on_after_a_takeover),
        WORLD_TEST(test_F51_what_is_too_old_is_given_up),
        WORLD_TEST(test_filtered_events_are_settled),
        WORLD_TEST(test_one_replay_after_the_other),
        WORLD_TEST(test_a_drain_waits_and_leaves),
        WORLD_TEST(test_how_a_sink_stands),
        WORLD_TEST(test_a_drain_does_not_wait_for_ever),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
