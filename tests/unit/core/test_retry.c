#include "cmocka_all.h"

#include "sv/retry.h"

/* Cost of a retry, 0 = none: AWS's standard mode. */
static const struct {
    enum sv_err err;
    unsigned cost;
} costs[] = {
    {SV_OK, 0},           {SV_ECANCELED, 0},  {SV_ETIMEOUT, 10}, {SV_ECONNECT, 5},
    {SV_EUNAVAILABLE, 5}, {SV_ETHROTTLED, 5}, {SV_ECONFLICT, 0}, {SV_EFULL, 0},
    {SV_EBUSY, 0},        {SV_ECLOCK, 5},     {SV_EDENIED, 0},   {SV_EQUOTA, 0},
    {SV_EREFUSED, 0},     {SV_ENOTFOUND, 0},  {SV_EEXISTS, 0},   {SV_EMALFORMED, 0},
    {SV_ETOOBIG, 0},      {SV_EINVALID, 0},   {SV_ESYSTEM, 0},
};

static void what_a_retry_costs(void **state)
{
    (void)state;
    assert_int_equal(sizeof costs / sizeof costs[0], SV_ESYSTEM + 1);
    for (size_t i = 0; i < sizeof costs / sizeof costs[0]; i++) {
        if (sv_retry_cost(costs[i].err) != costs[i].cost)
            fail_msg("%s: %u", sv_err_name(costs[i].err), sv_retry_cost(costs[i].err));
    }
}

static void the_quota_holds_a_hundred_retries_or_fifty_timeouts(void **state)
{
    static const struct {
        unsigned cost, count;
    } rows[] = {{5, 100}, {10, 50}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct sv_retry_quota quota = {0};
        unsigned taken = 0;

        while (sv_retry_take(&quota, rows[i].cost))
            taken++;
        assert_int_equal(taken, rows[i].count);
        assert_int_equal(quota.spent, SV_RETRY_QUOTA);
    }
}

static void what_does_not_fit_takes_nothing(void **state)
{
    struct sv_retry_quota quota = {.spent = 491};

    (void)state;
    assert_false(sv_retry_take(&quota, 10));
    assert_int_equal(quota.spent, 491);
    assert_true(sv_retry_take(&quota, 5));
    assert_int_equal(quota.spent, 496);
}

static void successes_fill_the_quota_up(void **state)
{
    static const struct {
        unsigned spent, cost, left;
    } rows[] = {{500, 0, 499}, {500, 5, 495}, {500, 10, 490}, {3, 10, 0}, {0, 0, 0}, {1, 0, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sv_retry_quota quota = {.spent = rows[i].spent};

        sv_retry_succeed(&quota, rows[i].cost);
        assert_int_equal(quota.spent, rows[i].left);
    }
}

static void the_wait_doubles_up_to_twenty_seconds(void **state)
{
    static const sv_ms waits_ms[] = {1000, 1000, 2000, 4000, 8000, 16000, 20000, 20000};

    (void)state;
    for (unsigned i = 0; i < sizeof waits_ms / sizeof waits_ms[0]; i++)
        assert_int_equal(sv_retry_backoff_ms(i), waits_ms[i]);
    assert_int_equal(sv_retry_backoff_ms(4000000000u), 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_retry_costs),
        cmocka_unit_test(the_quota_holds_a_hundred_retries_or_fifty_timeouts),
        cmocka_unit_test(what_does_not_fit_takes_nothing),
        cmocka_unit_test(successes_fill_the_quota_up),
        cmocka_unit_test(the_wait_doubles_up_to_twenty_seconds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
