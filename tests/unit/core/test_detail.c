#include "cmocka_all.h"

#include "states.h"

/* When a look is worth a v2 Get, and what becomes of its answer. */

static const struct {
    enum test_state before;
    enum test_look look;
    bool wanted;
} looks[] = {
    {S_VERIFIED, L_SUCCESS_RIGHT, false},
    {S_VERIFIED, L_TEMPORARY_RIGHT, true},
    {S_VERIFIED, L_FAILED_WRONG, true},
    {S_VERIFIED, L_PENDING_RIGHT, true}, /* lost it */
    {S_VERIFIED, L_GONE, false},
    {S_VERIFIED, L_NOTHING, false},
    {S_VERIFIED, L_INVENTED, false},
    {S_VERIFIED, L_RIGHT, false},
    {S_PENDING, L_PENDING_RIGHT, false},
    {S_PENDING, L_SUCCESS_RIGHT, false},
    {S_PENDING, L_FAILED_WRONG, true},
    {S_PENDING, L_ABSENT_SKIPPED, false},
    {S_PENDING, L_TEMPORARY_RIGHT, true},
    {S_FAILED, L_FAILED_RIGHT, true},
    {S_FAILED, L_SUCCESS_RIGHT, false},
    {S_FAILED, L_PENDING_RIGHT, false},
    {S_RISK_TEMPORARY, L_TEMPORARY_RIGHT, true},
};

static void details_are_wanted_of_what_fails(void **state)
{
    struct sv_policy policy = sv_policy_default();

    (void)state;
    for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
        struct sv_domain domain = test_domain(looks[i].before);
        struct sv_observation seen = test_look(looks[i].look);

        if (sv_domain_wants_detail(&domain, &policy, TEST_NOW, &seen) != looks[i].wanted)
            fail_msg("%s, then %s", test_state_names[looks[i].before],
                     test_look_names[looks[i].look]);
    }
}

static void one_axis_alone_is_worth_asking_about(void **state)
{
    static const enum sv_axis worth[] = {SV_AXIS_FAILED, SV_AXIS_TEMPORARY_FAILURE, SV_AXIS_PENDING,
                                         SV_AXIS_NOT_STARTED};
    struct sv_policy policy = sv_policy_default();
    struct sv_domain domain = test_domain(S_VERIFIED);

    (void)state;
    for (size_t i = 0; i < sizeof(worth) / sizeof(worth[0]); i++) {
        struct sv_observation identity = test_look(L_SUCCESS_RIGHT), dkim = identity;

        identity.identity = worth[i];
        dkim.dkim = worth[i];
        assert_true(sv_domain_wants_detail(&domain, &policy, TEST_NOW, &identity));
        assert_true(sv_domain_wants_detail(&domain, &policy, TEST_NOW, &dkim));
    }
}

static void at_most_once_in_ses_floor(void **state)
{
    struct sv_policy policy = sv_policy_default();
    struct sv_domain domain = test_domain(S_FAILED);
    struct sv_observation seen = test_look(L_FAILED_WRONG);

    (void)state;
    domain.detailed_at = TEST_NOW - policy.ses_floor_ms + 1;
    assert_false(sv_domain_wants_detail(&domain, &policy, TEST_NOW, &seen));
    assert_true(sv_domain_wants_detail(&domain, &policy, TEST_NOW + 1, &seen));
}

static struct sv_domain after_detail(void)
{
    struct sv_domain domain = test_domain(S_FAILED);
    struct sv_observation seen = test_look(L_FAILED_WRONG);

    seen.detailed = true;
    seen.ses_reason = SV_SES_HOST_NOT_FOUND;
    seen.ses_checked_at = TEST_NOW - SV_MINUTE;
    (void)test_step(&domain, SV_INPUT_LOOKED, &seen);
    return domain;
}

static void the_reason_stays_until_ses_succeeds(void **state)
{
    struct sv_domain domain = after_detail();

    (void)state;
    assert_int_equal(domain.ses_reason, SV_SES_HOST_NOT_FOUND);
    assert_int_equal(domain.ses_checked_at, TEST_NOW - SV_MINUTE);
    assert_int_equal(domain.detailed_at, TEST_NOW);
    (void)test_look_at(&domain, L_NOTHING, TEST_NOW + SV_MINUTE);
    (void)test_look_at(&domain, L_FAILED_WRONG, TEST_NOW + SV_HOUR);
    assert_int_equal(domain.ses_reason, SV_SES_HOST_NOT_FOUND);
    (void)test_look_at(&domain, L_SUCCESS_RIGHT, TEST_NOW + 2 * SV_HOUR);
    assert_int_equal(domain.ses_reason, SV_SES_REASON_NONE);
    assert_int_equal(domain.ses_checked_at, 0);
    assert_int_equal(domain.detailed_at, TEST_NOW); /* a flapping domain is not asked again yet */
    (void)test_look_at(&domain, L_SUCCESS_RIGHT, TEST_NOW + 6 * SV_HOUR);
    assert_int_equal(domain.detailed_at, 0);
}

/* SES's own clock is not trusted with our state. */
static void an_instant_that_cannot_be_is_not_kept(void **state)
{
    static const sv_ms odd[] = {-1, INT64_MIN, INT64_MAX, TEST_NOW + 2 * SV_DAY};

    (void)state;
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        struct sv_domain domain = test_domain(S_FAILED);
        struct sv_observation seen = test_look(L_FAILED_WRONG);

        seen.detailed = true;
        seen.ses_checked_at = odd[i];
        (void)test_step(&domain, SV_INPUT_LOOKED, &seen);
        assert_int_equal(domain.ses_checked_at, 0);
        assert_true(sv_domain_is_sane(&domain));
    }
}

/* A reason alone is no news. */
static void details_cause_no_event(void **state)
{
    struct sv_domain domain = after_detail();
    struct sv_observation seen = test_look(L_FAILED_WRONG);
    struct sv_effects effects;

    (void)state;
    seen.detailed = true;
    seen.ses_reason = SV_SES_INVALID_VALUE;
    effects = test_step(&domain, SV_INPUT_LOOKED, &seen);
    assert_int_equal(effects.news, SV_NEWS_NONE);
    assert_int_equal(domain.ses_reason, SV_SES_INVALID_VALUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(details_are_wanted_of_what_fails),
        cmocka_unit_test(one_axis_alone_is_worth_asking_about),
        cmocka_unit_test(at_most_once_in_ses_floor),
        cmocka_unit_test(the_reason_stays_until_ses_succeeds),
        cmocka_unit_test(an_instant_that_cannot_be_is_not_kept),
        cmocka_unit_test(details_cause_no_event),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
