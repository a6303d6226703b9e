#include "cmocka_all.h"

#include "sv/breaker.h"

static const struct sv_breaker_rule at_once = {.first_ms = 1000, .cap_ms = 5000};
static const struct sv_breaker_rule patient = {.failures_max = 2, .first_ms = 1000, .cap_ms = 5000};

static void a_breaker_of_zeros_is_closed(void **state)
{
    struct sv_breaker breaker = {0};

    (void)state;
    assert_int_equal(sv_breaker_ask(&breaker, 0), SV_BREAKER_CLOSED);
    assert_int_equal(sv_breaker_ask(&breaker, SV_DAY), SV_BREAKER_CLOSED);
}

static void failures_in_a_row_open_it(void **state)
{
    struct sv_breaker breaker = {0};

    (void)state;
    sv_breaker_fail(&breaker, &patient, false, 10);
    sv_breaker_fail(&breaker, &patient, false, 20);
    sv_breaker_succeed(&breaker); /* not in a row any more */
    sv_breaker_fail(&breaker, &patient, false, 30);
    sv_breaker_fail(&breaker, &patient, false, 40);
    assert_int_equal(sv_breaker_ask(&breaker, 40), SV_BREAKER_CLOSED);
    sv_breaker_fail(&breaker, &patient, false, 50);
    assert_int_equal(sv_breaker_ask(&breaker, 50), SV_BREAKER_REFUSE);
    assert_int_equal(sv_breaker_ask(&breaker, 1049), SV_BREAKER_REFUSE);
    assert_int_equal(sv_breaker_ask(&breaker, 1050), SV_BREAKER_TRY);
}

static void one_call_tries_and_the_others_wait(void **state)
{
    struct sv_breaker breaker = {0};

    (void)state;
    sv_breaker_fail(&breaker, &at_once, false, 0);
    sv_breaker_try(&breaker);
    assert_int_equal(sv_breaker_ask(&breaker, 1000), SV_BREAKER_WAIT);
    sv_breaker_forget_trial(&breaker);
    assert_int_equal(sv_breaker_ask(&breaker, 1000), SV_BREAKER_TRY);
    sv_breaker_try(&breaker);
    sv_breaker_succeed(&breaker);
    assert_int_equal(sv_breaker_ask(&breaker, 1000), SV_BREAKER_CLOSED);
}

static void it_stays_open_longer_each_time(void **state)
{
    static const sv_ms waits_ms[] = {1000, 2000, 4000, 5000, 5000};
    struct sv_breaker breaker = {0};
    sv_ms now = 7;

    (void)state;
    for (size_t i = 0; i < sizeof waits_ms / sizeof waits_ms[0]; i++) {
        sv_breaker_fail(&breaker, &at_once, i > 0, now);
        assert_int_equal(sv_breaker_ask(&breaker, now + waits_ms[i] - 1), SV_BREAKER_REFUSE);
        now += waits_ms[i];
        assert_int_equal(sv_breaker_ask(&breaker, now), SV_BREAKER_TRY);
        sv_breaker_try(&breaker);
    }
}

static void calls_from_before_do_not_lengthen_it(void **state)
{
    struct sv_breaker breaker = {0};

    (void)state;
    sv_breaker_fail(&breaker, &at_once, false, 0);
    sv_breaker_fail(&breaker, &at_once, false, 900);
    assert_int_equal(sv_breaker_ask(&breaker, 1000), SV_BREAKER_TRY);
    sv_breaker_try(&breaker);
    sv_breaker_fail(&breaker, &at_once, false, 1100);
    assert_int_equal(sv_breaker_ask(&breaker, 1100), SV_BREAKER_WAIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_breaker_of_zeros_is_closed),
        cmocka_unit_test(failures_in_a_row_open_it),
        cmocka_unit_test(one_call_tries_and_the_others_wait),
        cmocka_unit_test(it_stays_open_longer_each_time),
        cmocka_unit_test(calls_from_before_do_not_lengthen_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
