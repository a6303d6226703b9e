#include "cmocka_all.h"

#include "sv/gcra.h"
#include "sv/rand.h"

enum { SEED = 20260103, ASKED = 20000, INTERVAL_US = 1000000, WORKERS = 3 };

static int64_t take_as(struct sv_gcra *limit, uint64_t worker, int64_t now_us, int64_t interval_us)
{
    struct sv_gcra_ask ask = {.worker = worker, .now_us = now_us, .interval_us = interval_us};

    sv_gcra_take(limit, &ask);
    return ask.wait_us;
}

static int64_t take(struct sv_gcra *limit, int64_t now_us, int64_t interval_us)
{
    return take_as(limit, 1, now_us, interval_us);
}

static struct sv_gcra_ask throttle(struct sv_gcra *limit, int64_t now_us)
{
    struct sv_gcra_ask ask = {
        .worker = 1, .now_us = now_us, .interval_us = INTERVAL_US, .throttled = true};

    sv_gcra_take(limit, &ask);
    return ask;
}

static void one_permit_per_interval(void **state)
{
    struct sv_gcra limit = {0};

    (void)state;
    assert_int_equal(take(&limit, 5000000, INTERVAL_US), 0);
    assert_int_equal(take(&limit, 5000000, INTERVAL_US), INTERVAL_US);
    assert_int_equal(take(&limit, 5999999, INTERVAL_US), 1);
    assert_int_equal(take(&limit, 6000000, INTERVAL_US), 0);
    assert_int_equal(take(&limit, 6000000, INTERVAL_US), INTERVAL_US);
    assert_int_equal(take(&limit, 9000000, INTERVAL_US), 0); /* nothing was saved up */
    assert_int_equal(take(&limit, 9000000, INTERVAL_US), INTERVAL_US);
}

/* Over any window of T at most 1 + T / interval, however impatiently it is asked, by however many,
 * and whatever SES throttles. */
static void no_window_holds_too_many(void **state)
{
    static int64_t granted_us[ASKED];
    struct sv_rand source;
    struct sv_gcra limit = {0};
    int64_t now_us = 0;
    int count = 0, throttles = 0;

    (void)state;
    print_message("seed %d\n", SEED);
    sv_rand_seeded_init(&source, SEED);
    for (int i = 0; i < ASKED; i++) {
        struct sv_gcra_ask ask = {.worker = sv_rand_below(&source, WORKERS),
                                  .interval_us = INTERVAL_US,
                                  .throttled = sv_rand_below(&source, 1500) == 0};

        now_us += 1 + (int64_t)sv_rand_below(&source, 2 * INTERVAL_US / 3);
        ask.now_us = now_us;
        throttles += ask.throttled;
        sv_gcra_take(&limit, &ask);
        if (ask.wait_us == 0)
            granted_us[count++] = now_us;
    }
    assert_true(count > ASKED / 10);
    assert_true(throttles > 5);
    for (int width = 1; width < 50; width++) {
        for (int i = 0; i + width < count; i++)
            assert_true(granted_us[i + width] - granted_us[i] >= (int64_t)width * INTERVAL_US);
    }
}

static void waiting_as_told_is_granted(void **state)
{
    struct sv_gcra limit = {0};
    int64_t now_us = 1;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        int64_t wait_us = take(&limit, now_us, 333333);

        now_us += wait_us;
        if (wait_us > 0)
            assert_int_equal(take(&limit, now_us, 333333), 0);
    }
}

static void a_clock_that_went_back_costs_one_interval(void **state)
{
    struct sv_gcra limit = {0};

    (void)state;
    assert_int_equal(take(&limit, 3600000000, INTERVAL_US), 0);
    assert_int_equal(take(&limit, 1000, INTERVAL_US), INTERVAL_US);
    assert_int_equal(take(&limit, 1000 + INTERVAL_US, INTERVAL_US), 0);
}

static void no_interval_is_no_limit(void **state)
{
    struct sv_gcra limit = {0};

    (void)state;
    for (int i = 0; i < 10; i++)
        assert_int_equal(take(&limit, 7, 0), 0);
    for (uint64_t worker = 0; worker < 10; worker++)
        assert_int_equal(take_as(&limit, worker, 7, 0), 0);
}

static void a_throttle_doubles_the_interval_at_once(void **state)
{
    struct sv_gcra limit = {0};
    struct sv_gcra_ask ask;

    (void)state;
    assert_int_equal(take(&limit, 5000000, INTERVAL_US), 0);
    ask = throttle(&limit, 5100000);
    assert_int_equal(ask.adapted_us, 2 * INTERVAL_US);
    assert_int_equal(ask.wait_us, 2 * INTERVAL_US); /* from the throttle on */
    assert_int_equal(take(&limit, 7099999, INTERVAL_US), 1);
    assert_int_equal(take(&limit, 7100000, INTERVAL_US), 0);
}

/* Three workers are throttled within one interval: that is one sign, not three. */
static void throttles_of_one_episode_count_once(void **state)
{
    struct sv_gcra limit = {0};

    (void)state;
    assert_int_equal(throttle(&limit, 5000000).adapted_us, 2 * INTERVAL_US);
    assert_int_equal(throttle(&limit, 5100000).adapted_us, 2 * INTERVAL_US);
    assert_int_equal(throttle(&limit, 6999999).adapted_us, 2 * INTERVAL_US);
    assert_int_equal(throttle(&limit, 7000000).adapted_us, 4 * INTERVAL_US);
}

static void the_slowest_pace_has_a_floor(void **state)
{
    struct sv_gcra limit = {0};
    int64_t now_us = 1, last_us = 0;

    (void)state;
    for (int i = 0; i < 20; i++) {
        last_us = throttle(&limit, now_us).adapted_us;
        now_us += last_us;
    }
    assert_int_equal(last_us, SV_GCRA_SLOWEST * INTERVAL_US);
}

/* Up slowly: 22 permits after one throttle; about a quarter of an hour from the slowest pace. */
static void permits_heal_the_pace(void **state)
{
    struct sv_gcra limit = {0};
    int64_t now_us = 5000000, started_us;
    int permits = 0;

    (void)state;
    (void)throttle(&limit, now_us);
    for (; limit.interval_us > INTERVAL_US; permits++) {
        int64_t before_us = limit.interval_us;

        now_us = limit.arrival_us;
        assert_int_equal(take(&limit, now_us, INTERVAL_US), 0);
        assert_true(limit.interval_us < before_us && limit.interval_us >= INTERVAL_US);
    }
    assert_in_range(permits, 20, 24);
    for (int i = 0; i < 5; i++) {
        now_us += limit.interval_us;
        (void)throttle(&limit, now_us);
    }
    started_us = now_us;
    while (limit.interval_us > INTERVAL_US) {
        now_us = limit.arrival_us;
        (void)take(&limit, now_us, INTERVAL_US);
    }
    assert_in_range((now_us - started_us) / INTERVAL_US, 600, 1200);
}

/* Everybody wants a permit all the time and comes just when told: nobody gets two while another
 * gets none. */
static void workers_get_permits_in_turn(void **state)
{
    struct sv_gcra limit = {0};
    struct sv_rand source;
    int64_t now_us = 1, again_us[WORKERS] = {0}, last_us[WORKERS] = {0};

    (void)state;
    sv_rand_seeded_init(&source, SEED);
    for (int granted = 0; granted < 3000;) {
        uint64_t worker = sv_rand_below(&source, WORKERS);
        int64_t wait_us;

        now_us += 1 + (int64_t)sv_rand_below(&source, 2000);
        if (again_us[worker] > now_us)
            continue;
        wait_us = take_as(&limit, worker, now_us, INTERVAL_US);
        again_us[worker] = now_us + wait_us;
        if (wait_us > 0)
            continue;
        granted++;
        if (last_us[worker] != 0)
            assert_in_range(now_us - last_us[worker], 0,
                            (int64_t)WORKERS * (INTERVAL_US + INTERVAL_US / SV_GCRA_GRACE));
        last_us[worker] = now_us;
    }
}

static void a_worker_that_vanished_costs_one_grace(void **state)
{
    struct sv_gcra limit = {0};
    int64_t grace_us = INTERVAL_US / SV_GCRA_GRACE;

    (void)state;
    assert_int_equal(take_as(&limit, 1, 1000000, INTERVAL_US), 0);
    assert_int_equal(take_as(&limit, 2, 1000001, INTERVAL_US),
                     999999); /* and is never seen again */
    assert_int_equal(take_as(&limit, 1, 1000002, INTERVAL_US), 999998);
    assert_int_equal(take_as(&limit, 1, 2000000, INTERVAL_US), grace_us);
    assert_int_equal(take_as(&limit, 1, 2000000 + grace_us, INTERVAL_US), 0);
    assert_int_equal(limit.turns_count, 0);
}

static void a_permit_is_late_after_half_its_interval(void **state)
{
    (void)state;
    assert_false(sv_gcra_is_late(505, 1010));
    assert_true(sv_gcra_is_late(506, 1010));
    assert_false(sv_gcra_is_late(1010, 2020));
    assert_true(sv_gcra_is_late(1011, 2020));
    assert_false(sv_gcra_is_late(SV_GCRA_LATE_MS, 2)); /* nothing is late as soon as that */
    assert_true(sv_gcra_is_late(SV_GCRA_LATE_MS + 1, 2));
}

/* Several workers are held up for any time between permit and call. However they are, no window of
 * T holds more than 2 + T / interval calls, unless a late permit is used. */
static void late_workers_keep_the_windows(void **state)
{
    enum { HELD_UP_US = 4 * INTERVAL_US };
    static int64_t called_us[ASKED];
    struct sv_rand source;
    struct sv_gcra limit = {0};
    int64_t now_us = 0;
    int count = 0, late = 0;

    (void)state;
    print_message("seed %d\n", SEED);
    sv_rand_seeded_init(&source, SEED);
    for (int i = 0; i < ASKED; i++) {
        struct sv_gcra_ask ask = {.worker = sv_rand_below(&source, WORKERS),
                                  .interval_us = INTERVAL_US};
        int64_t held_up_us = (int64_t)sv_rand_below(&source, HELD_UP_US);

        now_us += INTERVAL_US / 2;
        ask.now_us = now_us;
        sv_gcra_take(&limit, &ask);
        if (ask.wait_us > 0)
            continue;
        if (sv_gcra_is_late(held_up_us / 1000, ask.adapted_us / 1000))
            late++;
        else
            called_us[count++] = now_us + held_up_us;
    }
    assert_true(late > 100 && count > 100);
    for (int first = 0; first < count; first++) {
        for (int last = first + 1; last < count && last < first + 20; last++) {
            int64_t window_us = called_us[last] - called_us[first];

            assert_true(last - first + 1 <= 2 + window_us / INTERVAL_US);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_permit_per_interval),
        cmocka_unit_test(no_window_holds_too_many),
        cmocka_unit_test(waiting_as_told_is_granted),
        cmocka_unit_test(a_clock_that_went_back_costs_one_interval),
        cmocka_unit_test(no_interval_is_no_limit),
        cmocka_unit_test(a_throttle_doubles_the_interval_at_once),
        cmocka_unit_test(throttles_of_one_episode_count_once),
        cmocka_unit_test(the_slowest_pace_has_a_floor),
        cmocka_unit_test(permits_heal_the_pace),
        cmocka_unit_test(workers_get_permits_in_turn),
        cmocka_unit_test(a_worker_that_vanished_costs_one_grace),
        cmocka_unit_test(a_permit_is_late_after_half_its_interval),
        cmocka_unit_test(late_workers_keep_the_windows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
