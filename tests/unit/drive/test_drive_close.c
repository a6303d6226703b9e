#include <stdlib.h>
#include <string.h>

#include "drive_world.h"

/* Lives that end after the first turn, after the second ...; world_end fails when anything is left
 * on the loop, and the sanitizer when anything is left in memory. Turns do not block, so most of
 * them are waits that look alike: later on only every few of them ends a life. */
static void a_life_may_end_at_any_turn(void **state)
{
    struct world *world = *state;
    bool is_over = false;
    uint64_t turns = 0;

    while (!is_over) {
        world_new(world);
        world->account.reputation_every_ms = 20;
        world_start(world);
        while (world->turns < turns && !(is_over = world_live(world)))
            world_turn(world, true);
        world_end(world);
        turns += 1 + turns / 40;
    }
    print_message("%llu turns\n", (unsigned long long)turns);
}

static bool is_calling_ses(struct world *world)
{
    (void)world_live(world);
    return fake_ses_seen_count(world->ses) > 0;
}

static bool is_reading(struct world *world)
{
    (void)world_live(world);
    return fake_ses_count(world->ses, SV_SES_READ_IDENTITIES) > 0;
}

static bool is_asking(struct world *world)
{
    (void)world_live(world);
    return world_stats(world).dns_questions > 0;
}

/* Whatever is under way and never answered by itself: close does not wait for it. */
static void close_waits_for_nobody(void **state)
{
    struct world *world = *state;

    for (int what = 0; what < 3; what++) {
        sv_ms closing_at;

        world_new(world);
        world_start(world);
        if (what == 1)
            world_until(world, is_asking, "DNS is asked");
        fake_ses_hold(world->ses, what != 1);
        sv_fake_resolver_hold(world->resolver, what == 2);
        if (what == 0)
            world_until(world, is_calling_ses, "SES is called");
        else if (what == 1)
            fake_ses_hold(world->ses, true);
        if (what == 1)
            world_until(world, is_reading, "SES is read");
        if (what == 2) {
            fake_ses_hold(world->ses, false);
            world_until(world, is_asking, "DNS is asked");
        }
        closing_at = world_own_ms();
        world_end(world);
        assert_true(world_own_ms() - closing_at < 2000);
    }
}

/* Closing while the store is away: errands that wait to be repeated end, too. */
static void close_while_the_store_is_away(void **state)
{
    struct world *world = *state;

    for (int with_drain = 0; with_drain < 2; with_drain++) {
        world_new(world);
        world_start(world);
        world_until(world, is_asking, "DNS is asked");
        sv_fake_store_set_ready(world->store, false);
        if (with_drain)
            sv_drive_drain(world->drive, 0, NULL, NULL);
        world_linger(world, 10);
        world_end(world);
    }
}

static bool is_claimed(struct world *world)
{
    return world_stats(world).inflight > 0;
}

/* The driver is closed while it hands back, at every turn of that, and the store never answers. */
static void close_in_the_middle_of_a_hand_over(void **state)
{
    struct world *world = *state;

    for (int turns = 0; turns < 8; turns++) {
        world_new(world);
        world_start(world);
        (void)world_live(world);
        world_until(world, is_claimed, "a domain is claimed");
        sv_fake_store_hold(world->store, SV_STORE_OP_COUNT, true);
        world_drain(world, 0);
        for (int i = 0; i < turns; i++)
            world_turn(world, false);
        sv_fake_store_set_ready(world->store, false);
        world_end(world);
    }
}

static void on_claimed(struct sv_store_call *call, enum sv_err err)
{
    assert_int_equal(err, SV_OK);
    *(bool *)call->owner = true;
}

/* Names that were claimed for nothing, longer ago than a walk leaves alone. */
static void claim_names(struct world *world)
{
    static const char *const names[] = {"a.example", "b.example", "c.example"};
    const struct sv_clock *clock = sv_clock_system();
    sv_ms now = clock->wall(clock->context);

    sv_fake_store_set_now(world->store, now - SV_HOUR);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        bool is_done = false;
        struct sv_store_call call = {.op = SV_STORE_OWN, .owner = &is_done};

        call.u.own = (struct sv_store_own){.verb = SV_STORE_OWN_CLAIM,
                                           .registrable = names[i],
                                           .domain = names[i],
                                           .account = "default",
                                           .client_id = "c",
                                           .uid = "0123456789abcdef"};
        assert_int_equal(sv_store_start(world->store, &call, on_claimed, NULL), SV_OK);
        while (!is_done)
            world_turn(world, true);
    }
    sv_fake_store_set_now(world->store, now);
}

/* A worker that leaves in the middle of a walk through names, after each turn of it. */
static void a_walk_through_names_may_end_at_any_turn(void **state)
{
    struct world *world = *state;
    bool is_over = false;
    uint64_t turns = 0;

    while (!is_over) {
        world_new(world);
        world->options.sweep_every_ms = 5;
        claim_names(world);
        world_start(world);
        for (uint64_t i = 0; i < turns && !is_over; i++) {
            world_turn(world, true);
            is_over = sv_fake_store_calls(world->store, SV_STORE_OWN) == 6; /* claims and drops */
        }
        world_end(world);
        turns++;
    }
    print_message("%llu turns\n", (unsigned long long)turns);
}

static int set_up(void **state)
{
    *state = malloc(sizeof(struct world));
    return *state == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_life_may_end_at_any_turn, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_walk_through_names_may_end_at_any_turn, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(close_waits_for_nobody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(close_in_the_middle_of_a_hand_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(close_while_the_store_is_away, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
