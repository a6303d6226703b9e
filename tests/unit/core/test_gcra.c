#include "cmocka_all.h"

#include "sv/gcra.h"
#include "sv/rand.h"

enum { SEED = 20260103, ASKED = 20000, INTERVAL_US = 1000000 };

static void one_permit_per_interval(void **state)
{
    int64_t arrival_us = 0;

    (void)state;
    assert_int_equal(sv_gcra_take(&arrival_us, 5000000, INTERVAL_US), 0);
    assert_int_equal(sv_gcra_take(&arrival_us, 5000000, INTERVAL_US), INTERVAL_US);
    assert_int_equal(sv_gcra_take(&arrival_us, 5999999, INTERVAL_US), 1);
    assert_int_equal(sv_gcra_take(&arrival_us, 6000000, INTERVAL_US), 0);
    assert_int_equal(sv_gcra_take(&arrival_us, 6000000, INTERVAL_US), INTERVAL_US);
    assert_int_equal(sv_gcra_take(&arrival_us, 9000000, INTERVAL_US), 0); /* nothing was saved up */
    assert_int_equal(sv_gcra_take(&arrival_us, 9000000, INTERVAL_US), INTERVAL_US);
}

/* Over any window of T at most 1 + T / interval, however impatiently it is asked. */
static void no_window_holds_too_many(void **state)
{
    static int64_t granted_us[ASKED];
    struct sv_rand source;
    int64_t arrival_us = 0, now_us = 0;
    int count = 0;

    (void)state;
    print_message("seed %d\n", SEED);
    sv_rand_seeded_init(&source, SEED);
    for (int i = 0; i < ASKED; i++) {
        now_us += (int64_t)sv_rand_below(&source, 2 * INTERVAL_US / 3);
        if (sv_gcra_take(&arrival_us, now_us, INTERVAL_US) == 0)
            granted_us[count++] = now_us;
    }
    assert_true(count > ASKED / 5);
    for (int width = 1; width < 50; width++) {
        for (int i = 0; i + width < count; i++)
            assert_true(granted_us[i + width] - granted_us[i] >= (int64_t)width * INTERVAL_US);
    }
}

static void waiting_as_told_is_granted(void **state)
{
    int64_t arrival_us = 0, now_us = 1;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        int64_t wait_us = sv_gcra_take(&arrival_us, now_us, 333333);

        now_us += wait_us;
        if (wait_us > 0)
            assert_int_equal(sv_gcra_take(&arrival_us, now_us, 333333), 0);
    }
}

static void a_clock_that_went_back_costs_one_interval(void **state)
{
    int64_t arrival_us = 0;

    (void)state;
    assert_int_equal(sv_gcra_take(&arrival_us, 3600000000, INTERVAL_US), 0);
    assert_int_equal(sv_gcra_take(&arrival_us, 1000, INTERVAL_US), INTERVAL_US);
    assert_int_equal(sv_gcra_take(&arrival_us, 1000 + INTERVAL_US, INTERVAL_US), 0);
}

static void no_interval_is_no_limit(void **state)
{
    int64_t arrival_us = 0;

    (void)state;
    for (int i = 0; i < 10; i++)
        assert_int_equal(sv_gcra_take(&arrival_us, 7, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_permit_per_interval),
        cmocka_unit_test(no_window_holds_too_many),
        cmocka_unit_test(waiting_as_told_is_granted),
        cmocka_unit_test(a_clock_that_went_back_costs_one_interval),
        cmocka_unit_test(no_interval_is_no_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
