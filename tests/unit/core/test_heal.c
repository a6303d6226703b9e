#include "cmocka_all.h"

#include "states.h"

/* Restarts of SES's own verification: when they are owed, and their budget. */

static struct sv_effects restarted_at(struct sv_domain *domain, sv_ms now)
{
    struct sv_policy policy = sv_policy_default();
    struct sv_input input = {.kind = SV_INPUT_RESTARTED, .now = now, .random = SV_JITTER_STEPS};
    struct sv_effects effects;

    sv_domain_step(domain, &policy, &input, &effects);
    return effects;
}

static void a_restart_begins_the_round_anew(void **state)
{
    struct sv_domain domain = test_domain(S_FAILED);
    struct sv_effects effects;

    (void)state;
    domain.tries = 99;
    effects = test_look_at(&domain, L_FAILED_RIGHT, TEST_NOW);
    assert_int_equal(effects.shown, SV_CONCLUSION_RESTART_DUE);
    assert_int_equal(domain.todo, SV_TODO_RESTART_DKIM);
    effects = restarted_at(&domain, TEST_NOW + SV_SECOND);
    assert_int_equal(effects.news, SV_NEWS_NONE);
    assert_int_equal(effects.wait_ms, 30 * SV_SECOND);
    assert_int_equal(domain.status, SV_STATUS_FAILED);
    assert_int_equal(domain.todo, 0);
    assert_int_equal(domain.tries, 0);
    assert_int_equal(domain.looking_since, TEST_NOW + SV_SECOND);
    (void)restarted_at(&domain, TEST_NOW + SV_MINUTE); /* said twice: counted once */
    assert_int_equal(domain.restarts, 1);
    assert_int_equal(domain.restarted_at, TEST_NOW + SV_SECOND);
}

static void the_budget_is_three_a_day_six_hours_apart(void **state)
{
    struct sv_domain domain = test_domain(S_FAILED);
    unsigned restarts = 0;
    sv_ms last = 0;

    (void)state;
    for (sv_ms now = TEST_NOW; now < TEST_NOW + SV_DAY; now += 10 * SV_MINUTE) {
        (void)test_look_at(&domain, L_FAILED_RIGHT, now);
        if ((domain.todo & SV_TODO_RESTART_DKIM) == 0)
            continue;
        assert_true(last == 0 || now - last >= 6 * SV_HOUR);
        last = now;
        restarts++;
        (void)restarted_at(&domain, now);
    }
    assert_int_equal(restarts, 3);
    (void)test_look_at(&domain, L_FAILED_RIGHT, TEST_NOW + SV_DAY);
    assert_int_equal(domain.todo, SV_TODO_RESTART_DKIM); /* a new day */
    (void)restarted_at(&domain, TEST_NOW + SV_DAY);
    assert_int_equal(domain.restarts, 1);
}

static void a_restart_is_of_no_use_while_dns_is_not_right(void **state)
{
    static const enum test_look not_right[] = {L_FAILED_WRONG, L_WRONG, L_WAITING, L_ABSENT_SKIPPED,
                                               L_PENDING_RIGHT};

    (void)state;
    for (size_t i = 0; i < sizeof(not_right) / sizeof(not_right[0]); i++) {
        struct sv_domain domain = test_domain(S_FAILED);

        (void)test_look_at(&domain, L_FAILED_RIGHT, TEST_NOW);
        assert_int_equal(domain.todo, SV_TODO_RESTART_DKIM);
        (void)test_look_at(&domain, not_right[i], TEST_NOW);
        assert_int_equal(domain.todo, 0);
        (void)test_look_at(&domain, not_right[i], TEST_NOW + SV_DAY);
        assert_int_equal(domain.todo, 0);
    }
}

static void unknown_takes_no_owed_restart_back(void **state)
{
    struct sv_domain domain = test_domain(S_FAILED);

    (void)state;
    (void)test_look_at(&domain, L_FAILED_RIGHT, TEST_NOW);
    (void)test_look_at(&domain, L_NOTHING, TEST_NOW);
    assert_int_equal(domain.todo, SV_TODO_RESTART_DKIM);
}

static void a_restart_forgets_the_first_bad_read_of_a_pending_domain(void **state)
{
    struct sv_domain domain = test_domain(S_PENDING);

    (void)state;
    (void)test_look_at(&domain, L_FAILED_RIGHT, TEST_NOW);
    assert_int_equal(domain.todo, SV_TODO_RESTART_DKIM);
    (void)restarted_at(&domain, TEST_NOW);
    assert_int_equal(domain.bad_at, 0);
    (void)test_look_at(&domain, L_FAILED_RIGHT, TEST_NOW + SV_HOUR);
    assert_int_equal(domain.status, SV_STATUS_PENDING);
    (void)test_look_at(&domain, L_FAILED_RIGHT, TEST_NOW + 2 * SV_HOUR);
    assert_int_equal(domain.status, SV_STATUS_FAILED);
}

static struct sv_observation lost_mail_from(bool known, uint32_t digest)
{
    struct sv_observation seen = test_look(L_SUCCESS_RIGHT);

    seen.mail_from = SV_AXIS_FAILED;
    seen.group_known[SV_GROUP_MAIL_FROM] = known;
    seen.group_digest[SV_GROUP_MAIL_FROM] = digest;
    return seen;
}

static void mail_from_is_restarted_when_its_records_are_right(void **state)
{
    struct sv_observation right = lost_mail_from(true, 0);
    struct sv_observation wrong = lost_mail_from(true, 7);
    struct sv_observation silent = lost_mail_from(false, 0);
    struct sv_domain domain = test_domain(S_VERIFIED);

    (void)state;
    (void)test_step(&domain, SV_INPUT_LOOKED, &right);
    assert_int_equal(domain.todo, 0); /* nobody wants one */
    domain.mail_from_wanted = true;
    (void)test_step(&domain, SV_INPUT_LOOKED, &silent);
    assert_int_equal(domain.todo, 0);
    (void)test_step(&domain, SV_INPUT_LOOKED, &right);
    assert_int_equal(domain.todo, SV_TODO_RESTART_MAIL_FROM);
    (void)test_step(&domain, SV_INPUT_LOOKED, &silent);
    assert_int_equal(domain.todo, SV_TODO_RESTART_MAIL_FROM); /* takes nothing back */
    (void)test_step(&domain, SV_INPUT_LOOKED, &wrong);
    assert_int_equal(domain.todo, 0);
    (void)test_step(&domain, SV_INPUT_LOOKED, &right);
    (void)restarted_at(&domain, TEST_NOW);
    assert_int_equal(domain.todo, 0);
    assert_int_equal(domain.status, SV_STATUS_VERIFIED);
    (void)test_step(&domain, SV_INPUT_LOOKED, &right);
    assert_int_equal(domain.todo, 0); /* the same budget */
}

static void mail_from_waits_while_the_domain_is_at_risk(void **state)
{
    struct sv_observation right = lost_mail_from(true, 0);
    struct sv_domain domain = test_domain(S_RISK_UNSIGNED);

    (void)state;
    domain.mail_from_wanted = true;
    right.signing = SV_TRI_NO;
    (void)test_step(&domain, SV_INPUT_LOOKED, &right);
    assert_int_equal(domain.status, SV_STATUS_AT_RISK);
    assert_int_equal(domain.todo, 0);
}

/* Restarting costs nothing while SES only hesitates about it: mail goes the same way (ses facts
 * section 5). DKIM is another matter: mail that still goes out would stop. */
static void a_hesitation_is_a_case_for_mail_from_alone(void **state)
{
    struct sv_domain domain = test_domain(S_VERIFIED);
    struct sv_observation right = lost_mail_from(true, 0);
    struct sv_observation dkim = test_look(L_TEMPORARY_RIGHT);

    (void)state;
    domain.mail_from_wanted = true;
    right.mail_from = SV_AXIS_TEMPORARY_FAILURE;
    (void)test_step(&domain, SV_INPUT_LOOKED, &right);
    assert_int_equal(domain.todo, SV_TODO_RESTART_MAIL_FROM);
    domain = test_domain(S_RISK_TEMPORARY);
    (void)test_step(&domain, SV_INPUT_LOOKED, &dkim);
    assert_int_equal(domain.todo, 0);
}

static void a_barred_restart_is_never_owed(void **state)
{
    struct sv_domain domain = test_domain(S_FAILED);
    struct sv_observation seen = test_look(L_FAILED_RIGHT);

    (void)state;
    domain.todo = SV_TODO_RESTART_DKIM; /* owed before it was barred */
    seen.restart_barred = true;
    assert_int_equal(test_step(&domain, SV_INPUT_LOOKED, &seen).shown,
                     SV_CONCLUSION_OPERATOR_NEEDED);
    assert_int_equal(domain.todo, 0);
    assert_int_equal(sv_domain_restart_due_at(&domain, &(struct sv_policy){0}), 0);
}

/* Which drift is put back in which status, when its records are `required`. */
static const struct {
    enum test_state state;
    uint32_t drift;
    bool right;
    uint32_t restores;
    uint32_t todo;
} drifts[] = {
    {S_VERIFIED, SV_DRIFT_MAIL_FROM, true, 0, SV_TODO_RESTART_MAIL_FROM},
    {S_VERIFIED, SV_DRIFT_MAIL_FROM, false, 0, 0},
    {S_VERIFIED, SV_DRIFT_MAIL_FROM, true, SV_RESTORES_MAX - 1, SV_TODO_RESTART_MAIL_FROM},
    {S_VERIFIED, SV_DRIFT_MAIL_FROM, true, SV_RESTORES_MAX, 0},
    {S_RISK_UNSIGNED, SV_DRIFT_MAIL_FROM, true, 0, 0},
    {S_VERIFIED, SV_DRIFT_CONFIGURATION_SET, false, 0, SV_TODO_RESTORE_SET},
    {S_RISK_UNSIGNED, SV_DRIFT_CONFIGURATION_SET, false, 0, SV_TODO_RESTORE_SET},
    {S_PENDING, SV_DRIFT_CONFIGURATION_SET, false, 0, SV_TODO_RESTORE_SET},
    {S_FAILED, SV_DRIFT_CONFIGURATION_SET, false, 0, SV_TODO_RESTORE_SET},
    {S_VERIFIED, SV_DRIFT_CONFIGURATION_SET, false, SV_RESTORES_MAX, 0},
    {S_VERIFIED, SV_DRIFT_DKIM_METHOD, true, 0, 0},
    {S_VERIFIED, SV_DRIFT_MAIL_FROM | SV_DRIFT_CONFIGURATION_SET, true, 0,
     SV_TODO_RESTART_MAIL_FROM | SV_TODO_RESTORE_SET},
};

static void drift_is_put_back_where_that_helps(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(drifts) / sizeof(drifts[0]); i++) {
        struct sv_domain domain = test_domain(drifts[i].state);
        struct sv_observation seen = lost_mail_from(true, drifts[i].right ? 0 : 7);
        struct sv_effects effects;

        domain.mail_from_wanted = true;
        domain.restores = drifts[i].restores;
        seen.mail_from = SV_AXIS_NONE;
        seen.drift = drifts[i].drift;
        seen.drift_told = SV_DRIFT_ALL;
        if (drifts[i].state == S_RISK_UNSIGNED)
            seen.signing = SV_TRI_NO;
        if (drifts[i].state == S_PENDING || drifts[i].state == S_FAILED)
            seen.identity = seen.dkim = SV_AXIS_PENDING;
        effects = test_step(&domain, SV_INPUT_LOOKED, &seen);
        if (domain.todo != drifts[i].todo)
            print_error("case %zu owes %u\n", i, domain.todo);
        assert_int_equal(domain.todo, drifts[i].todo);
        assert_int_equal(effects.reason, SV_REASON_DRIFTED);
        if (drifts[i].todo == 0)
            continue;
        effects = restarted_at(&domain, TEST_NOW);
        assert_int_equal(effects.reason, SV_REASON_DRIFT_ENDED);
        assert_int_equal(domain.drift, 0);
        assert_int_equal(domain.restores, drifts[i].restores + 1);
        assert_int_equal(domain.restarted_at, TEST_NOW);
    }
}

/* One kind of work commits for itself: what else is owed stays owed. */
static void a_restart_clears_what_was_done(void **state)
{
    struct sv_policy policy = sv_policy_default();
    struct sv_domain domain = test_domain(S_FAILED);
    struct sv_input input = {.kind = SV_INPUT_RESTARTED,
                             .now = TEST_NOW,
                             .random = SV_JITTER_STEPS,
                             .restarted = SV_TODO_RESTART_DKIM};
    struct sv_effects effects;

    (void)state;
    domain.todo = SV_TODO_RESTART_DKIM | SV_TODO_RESTORE_SET;
    domain.drift = SV_DRIFT_CONFIGURATION_SET;
    sv_domain_step(&domain, &policy, &input, &effects);
    assert_int_equal(domain.todo, SV_TODO_RESTORE_SET);
    assert_int_equal(domain.drift, SV_DRIFT_CONFIGURATION_SET);
    assert_int_equal(domain.restores, 0);
    assert_int_equal(effects.news, SV_NEWS_NONE);
}

static void a_configuration_set_is_put_back_within_the_budget(void **state)
{
    struct sv_domain domain = test_domain(S_VERIFIED);
    struct sv_observation seen = test_look(L_SUCCESS_RIGHT);

    (void)state;
    seen.drift = seen.drift_told = SV_DRIFT_CONFIGURATION_SET;
    domain.restarted_at = domain.restarts_from = TEST_NOW - SV_HOUR;
    domain.restarts = 1;
    (void)test_step(&domain, SV_INPUT_LOOKED, &seen);
    assert_int_equal(domain.todo, 0);
}

/* What is gone is made again; there is nothing to restart. */
static void a_lost_identity_takes_the_owed_restart_with_it(void **state)
{
    struct sv_domain domain = test_domain(S_FAILED);

    (void)state;
    domain.todo = SV_TODO_RESTART_DKIM;
    domain.bad_at = TEST_NOW - 10 * SV_MINUTE;
    (void)test_look_at(&domain, L_GONE, TEST_NOW);
    assert_int_equal(domain.todo, SV_TODO_PROVISION);
}

/* The doubt about a sending domain is of another look than the one that ended. */
static void a_restart_of_a_sending_domain_forgets_no_bad_read(void **state)
{
    struct sv_domain domain = test_domain(S_VERIFIED_BAD);

    (void)state;
    domain.todo = SV_TODO_RESTART_MAIL_FROM;
    domain.faults = 3;
    (void)restarted_at(&domain, TEST_NOW);
    assert_int_equal(domain.bad_at, TEST_NOW - 10 * SV_MINUTE);
    assert_int_equal(domain.faults, 0);
}

/* What a look does not tell of stays as it was; a registration starts the count anew. */
static void drift_is_what_ses_said_last(void **state)
{
    struct sv_domain domain = test_domain(S_VERIFIED);
    struct sv_observation seen = test_look(L_SUCCESS_RIGHT);

    (void)state;
    domain.drift = SV_DRIFT_CONFIGURATION_SET | SV_DRIFT_DKIM_METHOD;
    domain.restores = SV_RESTORES_MAX;
    seen.drift_told = SV_DRIFT_DKIM_METHOD;
    (void)test_step(&domain, SV_INPUT_LOOKED, &seen);
    assert_int_equal(domain.drift, SV_DRIFT_CONFIGURATION_SET);
    seen.drift_told = SV_DRIFT_ALL;
    assert_int_equal(test_step(&domain, SV_INPUT_PROVISIONED, &seen).reason, SV_REASON_DRIFT_ENDED);
    assert_int_equal(domain.drift, 0);
    assert_int_equal(domain.restores, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_restart_begins_the_round_anew),
        cmocka_unit_test(the_budget_is_three_a_day_six_hours_apart),
        cmocka_unit_test(a_restart_is_of_no_use_while_dns_is_not_right),
        cmocka_unit_test(unknown_takes_no_owed_restart_back),
        cmocka_unit_test(a_restart_forgets_the_first_bad_read_of_a_pending_domain),
        cmocka_unit_test(mail_from_is_restarted_when_its_records_are_right),
        cmocka_unit_test(mail_from_waits_while_the_domain_is_at_risk),
        cmocka_unit_test(a_hesitation_is_a_case_for_mail_from_alone),
        cmocka_unit_test(a_barred_restart_is_never_owed),
        cmocka_unit_test(drift_is_put_back_where_that_helps),
        cmocka_unit_test(a_restart_clears_what_was_done),
        cmocka_unit_test(drift_is_what_ses_said_last),
        cmocka_unit_test(a_configuration_set_is_put_back_within_the_budget),
        cmocka_unit_test(a_lost_identity_takes_the_owed_restart_with_it),
        cmocka_unit_test(a_restart_of_a_sending_domain_forgets_no_bad_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
