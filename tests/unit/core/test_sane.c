#include "cmocka_all.h"

#include "states.h"

/* The invariant of the state, and the flags derived from it. */

static void every_state_of_the_tests_is_sane(void **state)
{
    (void)state;
    for (int s = 0; s < S_COUNT; s++) {
        struct sv_domain domain = test_domain((enum test_state)s);

        assert_true(sv_domain_is_sane(&domain));
    }
}

/* One change that cannot be, each. */
static struct sv_domain spoilt(int how)
{
    struct sv_domain verified = test_domain(S_VERIFIED);
    struct sv_domain pending = test_domain(S_PENDING);
    struct sv_domain removed = test_domain(S_REMOVED);
    struct sv_domain fresh = test_domain(S_NEW);

    switch (how) {
    case 0:
        verified.status = SV_STATUS_COUNT;
        return verified;
    case 1:
        verified.dkim = (enum sv_axis)99;
        return verified;
    case 2:
        verified.signing = (enum sv_tri)7;
        return verified;
    case 3:
        verified.conclusion = SV_CONCLUSION_CANNOT_TELL;
        return verified;
    case 4:
        verified.todo = 1u << 30;
        return verified;
    case 5:
        verified.bad_at = -1;
        return verified;
    case 6:
        verified.next_check_at = INT64_MAX;
        return verified;
    case 7:
        verified.sequence = 0;
        return verified;
    case 8:
        verified.dns_wrong = true;
        return verified;
    case 9:
        verified.signing = SV_TRI_NO;
        return verified;
    case 10:
        verified.was_verified = false;
        return verified;
    case 11:
        verified.identity = SV_AXIS_GONE;
        return verified;
    case 12:
        verified.todo = SV_TODO_RESTART_DKIM;
        return verified;
    case 13:
        pending.todo = SV_TODO_RESTART_MAIL_FROM;
        return pending;
    case 14:
        pending.wrong_at = TEST_NOW;
        return pending;
    case 15:
        pending.temporary_at = TEST_NOW;
        return pending;
    case 16:
        removed.identity = SV_AXIS_SUCCESS;
        return removed;
    case 17:
        fresh.was_verified = true;
        return fresh;
    default: /* no such spoiling */
        return (struct sv_domain){.status = SV_STATUS_COUNT};
    }
}

/* A name that was given back and is registered again keeps its number of events. */
static void a_name_may_be_new_a_second_time(void **state)
{
    struct sv_domain again = test_domain(S_NEW);

    (void)state;
    again.sequence = 7;
    assert_true(sv_domain_is_sane(&again));
}

static void what_cannot_be_is_not_sane(void **state)
{
    (void)state;
    for (int how = 0; how <= 17; how++) {
        struct sv_domain domain = spoilt(how);

        if (sv_domain_is_sane(&domain))
            fail_msg("spoilt state %d passes for sane", how);
    }
}

static void flags_follow_axes_and_status(void **state)
{
    struct sv_domain domain = test_domain(S_VERIFIED);
    struct sv_flags flags;

    (void)state;
    domain.mail_from = SV_AXIS_PENDING;
    domain.dmarc = SV_TRI_NO;
    sv_domain_flags(&domain, &flags);
    assert_int_equal(flags.domain_verified, SV_TRI_YES);
    assert_int_equal(flags.dkim_enabled, SV_TRI_YES);
    assert_int_equal(flags.dkim_verified, SV_TRI_YES);
    assert_int_equal(flags.mail_from_configured, SV_TRI_YES);
    assert_int_equal(flags.mail_from_verified, SV_TRI_NO);
    assert_int_equal(flags.spf_configured, SV_TRI_UNKNOWN);
    assert_int_equal(flags.dmarc_configured, SV_TRI_NO);
    assert_int_equal(flags.sending_enabled, SV_TRI_YES);
    assert_int_equal(flags.meets_bulk_sender_requirements, SV_TRI_UNKNOWN);
    domain = test_domain(S_NEW);
    sv_domain_flags(&domain, &flags);
    assert_int_equal(flags.domain_verified, SV_TRI_UNKNOWN);
    assert_int_equal(flags.sending_enabled, SV_TRI_UNKNOWN);
}

static void mail_is_sent_in_two_statuses(void **state)
{
    static const enum sv_tri expected[S_COUNT] = {
        [S_NEW] = SV_TRI_UNKNOWN,        [S_PENDING] = SV_TRI_NO,
        [S_PENDING_BAD] = SV_TRI_NO,     [S_VERIFIED] = SV_TRI_YES,
        [S_VERIFIED_WRONG] = SV_TRI_YES, [S_VERIFIED_TEMPORARY] = SV_TRI_YES,
        [S_VERIFIED_BAD] = SV_TRI_YES,   [S_RISK_RECORDS] = SV_TRI_YES,
        [S_RISK_TEMPORARY] = SV_TRI_YES, [S_RISK_UNSIGNED] = SV_TRI_YES,
        [S_FAILED] = SV_TRI_NO,          [S_FAILED_GONE] = SV_TRI_NO,
        [S_REMOVED] = SV_TRI_NO,
    };

    (void)state;
    for (int s = 0; s < S_COUNT; s++) {
        struct sv_domain domain = test_domain((enum test_state)s);
        struct sv_flags flags;

        sv_domain_flags(&domain, &flags);
        assert_int_equal(flags.sending_enabled, expected[s]);
    }
}

static void mail_from_is_configured_when_ses_has_one(void **state)
{
    static const enum sv_tri expected[SV_AXIS_COUNT] = {
        [SV_AXIS_UNKNOWN] = SV_TRI_UNKNOWN,       [SV_AXIS_NONE] = SV_TRI_NO,
        [SV_AXIS_NOT_STARTED] = SV_TRI_NO,        [SV_AXIS_PENDING] = SV_TRI_YES,
        [SV_AXIS_SUCCESS] = SV_TRI_YES,           [SV_AXIS_FAILED] = SV_TRI_YES,
        [SV_AXIS_TEMPORARY_FAILURE] = SV_TRI_YES, [SV_AXIS_GONE] = SV_TRI_NO,
    };

    (void)state;
    for (int axis = 0; axis < SV_AXIS_COUNT; axis++) {
        struct sv_domain domain = test_domain(S_FAILED);
        struct sv_flags flags;

        domain.mail_from = (enum sv_axis)axis;
        sv_domain_flags(&domain, &flags);
        assert_int_equal(flags.mail_from_configured, expected[axis]);
    }
}

static void ses_looks_for_its_patience(void **state)
{
    struct sv_policy policy = sv_policy_default();
    struct sv_domain domain = test_domain(S_PENDING);

    (void)state;
    assert_int_equal(sv_domain_ses_looks_until(&domain, &policy),
                     domain.looking_since + 72 * SV_HOUR);
    domain = test_domain(S_FAILED);
    assert_int_equal(sv_domain_ses_looks_until(&domain, &policy), 0);
    domain = test_domain(S_VERIFIED);
    assert_int_equal(sv_domain_ses_looks_until(&domain, &policy), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_of_the_tests_is_sane),
        cmocka_unit_test(what_cannot_be_is_not_sane),
        cmocka_unit_test(a_name_may_be_new_a_second_time),
        cmocka_unit_test(flags_follow_axes_and_status),
        cmocka_unit_test(mail_is_sent_in_two_statuses),
        cmocka_unit_test(mail_from_is_configured_when_ses_has_one),
        cmocka_unit_test(ses_looks_for_its_patience),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
