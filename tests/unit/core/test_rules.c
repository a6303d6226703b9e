#include "cmocka_all.h"

#include <string.h>

#include "states.h"

/* What takes more than one look: doubts, their confirmation, and what forgets them. */

static const sv_ms confirm_ms = 5 * SV_MINUTE;

static void failed_twice_far_enough_apart_fails(void **state)
{
    struct sv_domain domain = test_domain(S_VERIFIED);

    (void)state;
    (void)test_look_at(&domain, L_FAILED_WRONG, TEST_NOW);
    (void)test_look_at(&domain, L_FAILED_WRONG, TEST_NOW + confirm_ms - 1);
    assert_int_equal(domain.status, SV_STATUS_VERIFIED);
    (void)test_look_at(&domain, L_FAILED_WRONG, TEST_NOW + confirm_ms);
    assert_int_equal(domain.status, SV_STATUS_FAILED);
    assert_int_equal(domain.looking_since, TEST_NOW + confirm_ms);
    assert_int_equal(domain.status_since, TEST_NOW + confirm_ms);
    assert_int_equal(domain.wrong_ttl_s, 0); /* of the records seen wrong meanwhile */
}

/* Nothing was found out about its records, so that the restart stayed owed until now. */
static void a_failed_domain_owes_no_restart_of_its_mail_from(void **state)
{
    struct sv_observation seen = test_look(L_FAILED_RIGHT);
    struct sv_domain domain = test_domain(S_VERIFIED_BAD);

    (void)state;
    domain.mail_from_wanted = true;
    domain.mail_from = seen.mail_from = SV_AXIS_FAILED;
    domain.todo = SV_TODO_RESTART_MAIL_FROM;
    (void)test_step(&domain, SV_INPUT_LOOKED, &seen);
    assert_int_equal(domain.status, SV_STATUS_FAILED);
    assert_int_equal(domain.todo & SV_TODO_RESTART_MAIL_FROM, 0);
}

static void unknown_between_two_bad_reads_forgets_nothing(void **state)
{
    struct sv_domain domain = test_domain(S_VERIFIED);

    (void)state;
    (void)test_look_at(&domain, L_FAILED_WRONG, TEST_NOW);
    (void)test_look_at(&domain, L_NOTHING, TEST_NOW + SV_MINUTE);
    (void)test_look_at(&domain, L_INVENTED, TEST_NOW + 2 * SV_MINUTE);
    assert_int_equal(domain.bad_at, TEST_NOW);
    (void)test_look_at(&domain, L_FAILED_WRONG, TEST_NOW + confirm_ms);
    assert_int_equal(domain.status, SV_STATUS_FAILED);
}

static void a_better_read_in_between_forgets_the_first(void **state)
{
    struct sv_domain domain = test_domain(S_VERIFIED);

    (void)state;
    (void)test_look_at(&domain, L_FAILED_WRONG, TEST_NOW);
    (void)test_look_at(&domain, L_SUCCESS_RIGHT, TEST_NOW + SV_MINUTE);
    assert_int_equal(domain.bad_at, 0);
    (void)test_look_at(&domain, L_FAILED_WRONG, TEST_NOW + confirm_ms);
    assert_int_equal(domain.status, SV_STATUS_VERIFIED);
}

static void gone_is_believed_after_two_reads_only(void **state)
{
    struct sv_domain domain = test_domain(S_VERIFIED);
    struct sv_effects effects = test_look_at(&domain, L_GONE, TEST_NOW);

    (void)state;
    assert_int_equal(effects.news, SV_NEWS_NONE);
    assert_int_equal(effects.shown, SV_CONCLUSION_CANNOT_TELL);
    assert_int_equal(domain.identity, SV_AXIS_SUCCESS);
    effects = test_look_at(&domain, L_GONE, TEST_NOW + confirm_ms);
    assert_int_equal(effects.news, SV_NEWS_FAILED);
    assert_int_equal(effects.reason, SV_REASON_IDENTITY_GONE);
    assert_int_equal(effects.wait_ms, 0); /* it is created again at once */
    assert_int_equal(domain.identity, SV_AXIS_GONE);
    assert_int_equal(domain.todo, SV_TODO_PROVISION);
}

/* Failed once and gone once is bad twice, but gone only once. */
static void failed_then_gone_is_failed_and_gone_later(void **state)
{
    struct sv_domain domain = test_domain(S_VERIFIED);
    struct sv_effects effects;

    (void)state;
    (void)test_look_at(&domain, L_FAILED_WRONG, TEST_NOW);
    effects = test_look_at(&domain, L_GONE, TEST_NOW + confirm_ms);
    assert_int_equal(effects.reason, SV_REASON_SES_FAILED);
    assert_int_equal(domain.identity, SV_AXIS_FAILED);
    effects = test_look_at(&domain, L_GONE, TEST_NOW + 2 * confirm_ms);
    assert_int_equal(effects.news, SV_NEWS_UPDATED);
    assert_int_equal(domain.identity, SV_AXIS_GONE);
    assert_int_equal(domain.todo, SV_TODO_PROVISION);
}

static void gone_then_failed_is_failed(void **state)
{
    struct sv_domain domain = test_domain(S_VERIFIED);
    struct sv_effects effects;

    (void)state;
    (void)test_look_at(&domain, L_GONE, TEST_NOW);
    effects = test_look_at(&domain, L_FAILED_WRONG, TEST_NOW + confirm_ms);
    assert_int_equal(effects.reason, SV_REASON_SES_FAILED);
    assert_int_equal(domain.bad_at, 0);
}

static void an_identity_made_again_starts_anew_but_stays_failed(void **state)
{
    struct sv_domain domain = test_domain(S_FAILED_GONE);
    struct sv_effects effects;

    (void)state;
    effects = test_step(&domain, SV_INPUT_PROVISIONED, NULL);
    assert_int_equal(effects.news, SV_NEWS_NONE);
    assert_int_equal(domain.status, SV_STATUS_FAILED);
    assert_int_equal(domain.todo, 0);
    assert_int_equal(domain.restarts, 1);
    assert_int_equal(domain.looking_since, TEST_NOW);
    (void)test_look_at(&domain, L_GONE, TEST_NOW + SV_HOUR);
    assert_int_equal(domain.todo, 0); /* not again before the cooldown */
    effects = test_look_at(&domain, L_PENDING_WRONG, TEST_NOW + 2 * SV_HOUR);
    assert_int_equal(effects.news, SV_NEWS_UPDATED);
    effects = test_look_at(&domain, L_SUCCESS_RIGHT, TEST_NOW + 3 * SV_HOUR);
    assert_int_equal(effects.news, SV_NEWS_RESTORED);
}

static void records_are_wrong_after_more_than_the_ttl(void **state)
{
    struct sv_domain domain = test_domain(S_VERIFIED);
    const sv_ms ttl_ms = TEST_TTL_S * SV_SECOND;

    (void)state;
    (void)test_look_at(&domain, L_SUCCESS_WRONG, TEST_NOW);
    (void)test_look_at(&domain, L_NOTHING, TEST_NOW + SV_MINUTE);
    (void)test_look_at(&domain, L_SUCCESS_WRONG, TEST_NOW + ttl_ms);
    assert_int_equal(domain.status, SV_STATUS_VERIFIED);
    (void)test_look_at(&domain, L_SUCCESS_WRONG, TEST_NOW + ttl_ms + 1);
    assert_int_equal(domain.status, SV_STATUS_AT_RISK);
    (void)test_look_at(&domain, L_SUCCESS_WAITING, TEST_NOW + 2 * ttl_ms);
    assert_int_equal(domain.status, SV_STATUS_AT_RISK); /* spreading is not yet right */
    (void)test_look_at(&domain, L_SUCCESS_RIGHT, TEST_NOW + 3 * ttl_ms);
    assert_int_equal(domain.status, SV_STATUS_VERIFIED);
}

static void the_longest_ttl_counts_up_to_a_day(void **state)
{
    struct sv_policy policy = sv_policy_default();
    struct sv_domain domain = test_domain(S_VERIFIED);
    struct sv_input input = {.kind = SV_INPUT_LOOKED,
                             .now = TEST_NOW,
                             .random = SV_JITTER_STEPS,
                             .seen = test_look(L_SUCCESS_WRONG)};
    struct sv_effects effects;

    (void)state;
    sv_domain_step(&domain, &policy, &input, &effects);
    input.now += 2 * SV_HOUR;
    input.seen.required_ttl_s = UINT32_MAX; /* a zone that asks for 136 years */
    sv_domain_step(&domain, &policy, &input, &effects);
    assert_int_equal(domain.status, SV_STATUS_VERIFIED);
    assert_int_equal(domain.wrong_ttl_s, 86400);
    assert_int_equal(effects.wait_ms, SV_DAY + SV_SECOND - 2 * SV_HOUR);
    input.now = TEST_NOW + SV_DAY + 1;
    sv_domain_step(&domain, &policy, &input, &effects);
    assert_int_equal(domain.status, SV_STATUS_AT_RISK);
}

static void right_and_waiting_forget_a_first_wrong(void **state)
{
    static const enum test_look between[] = {L_SUCCESS_RIGHT, L_SUCCESS_WAITING, L_RIGHT,
                                             L_WAITING};

    (void)state;
    for (size_t i = 0; i < sizeof(between) / sizeof(between[0]); i++) {
        struct sv_domain domain = test_domain(S_VERIFIED);

        (void)test_look_at(&domain, L_SUCCESS_WRONG, TEST_NOW);
        (void)test_look_at(&domain, between[i], TEST_NOW + SV_HOUR);
        assert_int_equal(domain.wrong_at, 0);
        (void)test_look_at(&domain, L_SUCCESS_WRONG, TEST_NOW + 2 * SV_HOUR);
        assert_int_equal(domain.status, SV_STATUS_VERIFIED);
    }
}

static void trouble_in_two_reads_is_a_risk_and_has_a_deadline(void **state)
{
    struct sv_policy policy = sv_policy_default();
    struct sv_domain domain = test_domain(S_VERIFIED);
    struct sv_effects effects;

    (void)state;
    assert_int_equal(sv_domain_stops_sending_at(&domain, &policy), 0);
    (void)test_look_at(&domain, L_TEMPORARY_RIGHT, TEST_NOW);
    assert_int_equal(domain.status, SV_STATUS_VERIFIED);
    (void)test_look_at(&domain, L_RIGHT, TEST_NOW + SV_MINUTE); /* SES unknown: forgets nothing */
    effects = test_look_at(&domain, L_TEMPORARY_RIGHT, TEST_NOW + 2 * SV_MINUTE);
    assert_int_equal(effects.news, SV_NEWS_AT_RISK);
    assert_int_equal(effects.reason, SV_REASON_SES_TEMPORARY);
    assert_int_equal(sv_domain_stops_sending_at(&domain, &policy), TEST_NOW + 72 * SV_HOUR);
    assert_int_equal(sv_domain_ses_looks_until(&domain, &policy), TEST_NOW + 72 * SV_HOUR);
    effects = test_look_at(&domain, L_SUCCESS_RIGHT, TEST_NOW + 3 * SV_MINUTE);
    assert_int_equal(effects.news, SV_NEWS_RESTORED);
    assert_int_equal(effects.reason, SV_REASON_HEALED);
    assert_int_equal(sv_domain_stops_sending_at(&domain, &policy), 0);
}

static void first_verified_then_restored(void **state)
{
    struct sv_domain domain = test_domain(S_FAILED);
    struct sv_effects effects;

    (void)state;
    domain.was_verified = false; /* failed before it ever verified */
    effects = test_look_at(&domain, L_SUCCESS_RIGHT, TEST_NOW);
    assert_int_equal(effects.news, SV_NEWS_VERIFIED);
    assert_int_equal(effects.reason, SV_REASON_SES_VERIFIED);
    (void)test_look_at(&domain, L_SUCCESS_UNSIGNED, TEST_NOW);
    assert_int_equal(domain.status, SV_STATUS_AT_RISK);
    effects = test_look_at(&domain, L_SUCCESS_UNKNOWN, TEST_NOW); /* DNS is not asked for it */
    assert_int_equal(effects.news, SV_NEWS_RESTORED);
}

/* A conclusion of the old status must not stand beside the new one. */
static void a_move_without_dns_leaves_no_stale_conclusion(void **state)
{
    struct sv_domain domain = test_domain(S_PENDING);
    struct sv_effects effects;

    (void)state;
    domain.conclusion = SV_CONCLUSION_DNS_WRONG;
    effects = test_look_at(&domain, L_SUCCESS_UNKNOWN, TEST_NOW);
    assert_int_equal(effects.news, SV_NEWS_VERIFIED);
    assert_int_equal(effects.shown, SV_CONCLUSION_CANNOT_TELL);
    assert_int_equal(domain.conclusion, SV_CONCLUSION_NONE);
}

static void registering_anew_keeps_number_and_budget_only(void **state)
{
    struct sv_domain domain = test_domain(S_VERIFIED);
    struct sv_effects effects;

    (void)state;
    domain.restarted_at = domain.restarts_from = TEST_NOW - SV_MINUTE;
    domain.restarts = 2;
    domain.todo = SV_TODO_REMOVE | SV_TODO_DELETE;
    effects = test_step(&domain, SV_INPUT_REMOVED, NULL);
    assert_int_equal(effects.wait_ms, -1);
    assert_int_equal(domain.todo, 0);
    effects = test_step(&domain, SV_INPUT_REMOVED, NULL);
    assert_int_equal(effects.news, SV_NEWS_NONE);
    effects = test_step(&domain, SV_INPUT_PROVISIONED, NULL);
    assert_int_equal(effects.news, SV_NEWS_REGISTERED);
    assert_int_equal(effects.from, SV_STATUS_REMOVED);
    assert_int_equal(domain.sequence, 5);
    assert_int_equal(domain.restarts, 2);
    assert_false(domain.was_verified);
    effects = test_look_at(&domain, L_SUCCESS_RIGHT, TEST_NOW);
    assert_int_equal(effects.news, SV_NEWS_VERIFIED);
}

/* Each of these differs from a healthy look in one thing that is, or is not, in the change set. */
static void only_the_change_set_makes_an_event(void **state)
{
    struct sv_observation looks[6];
    static const bool news[6] = {true, true, true, true, false, false};

    (void)state;
    for (size_t i = 0; i < 6; i++)
        looks[i] = test_look(L_SUCCESS_RIGHT);
    looks[0].mail_from = SV_AXIS_FAILED;
    looks[1].dmarc = SV_TRI_YES;
    looks[2].bulk = SV_TRI_NO;
    looks[3].group_known[SV_GROUP_DMARC] = true;
    looks[3].group_digest[SV_GROUP_DMARC] = 7;
    looks[4].group_digest[SV_GROUP_DMARC] = 7; /* not known: nothing is compared */
    looks[5].required_ttl_s = 60;
    for (size_t i = 0; i < 6; i++) {
        struct sv_domain domain = test_domain(S_VERIFIED);
        struct sv_effects effects = test_step(&domain, SV_INPUT_LOOKED, &looks[i]);

        assert_int_equal(effects.news, news[i] ? SV_NEWS_UPDATED : SV_NEWS_NONE);
        assert_int_equal(effects.from, effects.to);
    }
}

static void definitive_means_that_everything_was_told(void **state)
{
    static const enum test_look open[] = {
        L_NOTHING, L_RIGHT, L_WRONG, L_PENDING_UNKNOWN, L_SUCCESS_UNKNOWN, L_WAITING, L_INVENTED};

    (void)state;
    for (int look = 0; look < L_COUNT; look++) {
        struct sv_domain domain = test_domain(S_PENDING);
        bool expected = true;

        for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++)
            expected = expected && open[i] != (enum test_look)look;
        assert_int_equal(test_look_at(&domain, (enum test_look)look, TEST_NOW).definitive,
                         expected);
    }
}

static void one_axis_alone_verifies_nothing(void **state)
{
    struct sv_observation seen = test_look(L_SUCCESS_RIGHT);
    struct sv_domain domain = test_domain(S_PENDING);

    (void)state;
    seen.dkim = SV_AXIS_PENDING;
    (void)test_step(&domain, SV_INPUT_LOOKED, &seen);
    assert_int_equal(domain.status, SV_STATUS_PENDING);
    seen.identity = SV_AXIS_PENDING; /* and one after the other are not one read */
    seen.dkim = SV_AXIS_SUCCESS;
    (void)test_step(&domain, SV_INPUT_LOOKED, &seen);
    assert_int_equal(domain.status, SV_STATUS_PENDING);
    seen.identity = SV_AXIS_UNKNOWN;
    (void)test_step(&domain, SV_INPUT_LOOKED, &seen);
    assert_int_equal(domain.status, SV_STATUS_PENDING);
}

/* A reply that lists the identity, but not its DKIM, contradicts itself. */
static void dkim_missing_beside_an_identity_says_nothing(void **state)
{
    struct sv_observation seen = test_look(L_SUCCESS_RIGHT);
    struct sv_domain domain = test_domain(S_VERIFIED_BAD);
    struct sv_effects effects;

    (void)state;
    seen.dkim = SV_AXIS_GONE;
    effects = test_step(&domain, SV_INPUT_LOOKED, &seen);
    assert_int_equal(effects.news, SV_NEWS_NONE);
    assert_int_equal(effects.shown, SV_CONCLUSION_CANNOT_TELL);
    assert_false(effects.definitive);
    assert_int_equal(domain.dkim, SV_AXIS_SUCCESS);
    assert_int_not_equal(domain.bad_at, 0); /* and forgets nothing */
}

static void the_longer_ttl_of_the_two_looks_counts(void **state)
{
    struct sv_observation seen = test_look(L_SUCCESS_WRONG);
    struct sv_domain domain = test_domain(S_VERIFIED_WRONG); /* two hours ago, an hour of TTL */

    (void)state;
    domain.wrong_ttl_s = 3 * 3600;
    seen.required_ttl_s = 60;
    (void)test_step(&domain, SV_INPUT_LOOKED, &seen);
    assert_int_equal(domain.status, SV_STATUS_VERIFIED);
    assert_int_equal(domain.wrong_ttl_s, 3 * 3600);
}

/* Registering it anew was given up: no removal is owed. */
static void a_tombstone_given_up_owes_nothing(void **state)
{
    struct sv_domain domain = test_domain(S_REMOVED);
    struct sv_effects effects;

    (void)state;
    domain.todo = SV_TODO_PROVISION;
    effects = test_step(&domain, SV_INPUT_REMOVED, NULL);
    assert_int_equal(effects.news, SV_NEWS_NONE);
    assert_int_equal(effects.wait_ms, -1);
    assert_int_equal(domain.todo, 0);
}

/* A removal withdraws the registrations before it: one that is owed beside it came after it. */
static void a_registration_after_the_removal_is_still_owed(void **state)
{
    struct sv_domain domain = test_domain(S_VERIFIED);
    struct sv_effects effects;

    (void)state;
    domain.todo = SV_TODO_PROVISION | SV_TODO_REMOVE | SV_TODO_DELETE;
    effects = test_step(&domain, SV_INPUT_REMOVED, NULL);
    assert_int_equal(effects.news, SV_NEWS_REMOVED);
    assert_int_equal(effects.wait_ms, 0);
    assert_int_equal(domain.todo, SV_TODO_PROVISION);
}

static void trouble_that_passes_keeps_the_first_wrong_look(void **state)
{
    struct sv_domain domain = test_domain(S_RISK_TEMPORARY);

    (void)state;
    (void)test_look_at(&domain, L_SUCCESS_WRONG, TEST_NOW);
    assert_int_equal(domain.status, SV_STATUS_VERIFIED);
    assert_int_equal(domain.wrong_at, TEST_NOW);
    domain = test_domain(S_RISK_TEMPORARY);
    domain.wrong_at = TEST_NOW - SV_MINUTE;
    domain.wrong_ttl_s = 86400;
    (void)test_look_at(&domain, L_SUCCESS_WRONG, TEST_NOW);
    assert_int_equal(domain.status, SV_STATUS_VERIFIED);
    assert_int_equal(domain.wrong_at, TEST_NOW - SV_MINUTE);
    assert_int_equal(domain.wrong_ttl_s, 86400);
}

/* A read that did not come to its end counts for nothing, whatever stands in it. */
static void half_a_read_says_nothing(void **state)
{
    static const enum test_state states[] = {S_PENDING, S_VERIFIED};
    struct sv_observation gone = test_look(L_GONE), unsigned_now = test_look(L_SUCCESS_UNSIGNED);

    (void)state;
    gone.ses_known = unsigned_now.ses_known = false;
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        struct sv_domain domain = test_domain(states[i]);

        (void)test_step(&domain, SV_INPUT_LOOKED, &gone);
        assert_int_equal(domain.bad_at, 0);
        (void)test_step(&domain, SV_INPUT_LOOKED, &unsigned_now);
        assert_int_equal(domain.status, test_domain(states[i]).status);
    }
}

static void the_first_wrong_look_says_how_long_caches_hold_the_record(void **state)
{
    struct sv_observation wrong = test_look(L_SUCCESS_WRONG);
    struct sv_domain domain = test_domain(S_VERIFIED);

    (void)state;
    (void)test_step(&domain, SV_INPUT_LOOKED, &wrong);
    assert_int_equal(domain.caches_until, TEST_NOW); /* nobody was seen to hold it */
    wrong.caches_until = TEST_NOW + SV_HOUR;
    domain = test_domain(S_VERIFIED_WRONG);
    (void)test_step(&domain, SV_INPUT_LOOKED, &wrong);
    assert_int_equal(domain.caches_until, 0);
    wrong.required_disputed = true; /* somebody holds it still */
    domain = test_domain(S_VERIFIED_WRONG);
    (void)test_step(&domain, SV_INPUT_LOOKED, &wrong);
    assert_int_equal(domain.caches_until, TEST_NOW + SV_HOUR);
    domain.caches_until = TEST_NOW + 2 * SV_HOUR;
    (void)test_step(&domain, SV_INPUT_LOOKED, &wrong);
    assert_int_equal(domain.caches_until, TEST_NOW + 2 * SV_HOUR);
}

static void caches_that_matter_to_nobody_are_forgotten(void **state)
{
    struct sv_observation seen = test_look(L_WAITING);
    struct sv_domain domain = test_domain(S_PENDING);

    (void)state;
    seen.caches_until = TEST_NOW + 30 * SV_DAY;
    (void)test_step(&domain, SV_INPUT_LOOKED, &seen);
    assert_int_equal(domain.caches_until, TEST_NOW + SV_DAY);
    seen.required = SV_SEEN_WRONG;
    seen.required_disputed = true;
    (void)test_step(&domain, SV_INPUT_LOOKED, &seen);
    assert_int_equal(domain.caches_until, 0);
}

static void records_may_be_wrong_in_the_look_that_verifies(void **state)
{
    struct sv_domain domain = test_domain(S_PENDING);

    (void)state;
    (void)test_look_at(&domain, L_SUCCESS_WRONG, TEST_NOW);
    assert_int_equal(domain.status, SV_STATUS_VERIFIED);
    assert_int_equal(domain.wrong_at, TEST_NOW);
}

/* SES tells of MAIL FROM in a call of its own: what it did not tell is not lost. */
static void a_lost_identity_is_lost_once(void **state)
{
    struct sv_observation gone = test_look(L_GONE);
    struct sv_domain domain = test_domain(S_FAILED);

    (void)state;
    domain.bad_at = TEST_NOW - 10 * SV_MINUTE;
    gone.mail_from = SV_AXIS_UNKNOWN;
    for (int i = 0; i < 2; i++) {
        (void)test_step(&domain, SV_INPUT_LOOKED, &gone);
        assert_int_equal(domain.identity, SV_AXIS_GONE);
        assert_int_equal(domain.mail_from, SV_AXIS_NONE);
        assert_int_equal(domain.bad_at, 0);
    }
}

static void spreading_beside_trouble_is_news(void **state)
{
    struct sv_observation seen = test_look(L_SUCCESS_WAITING);
    struct sv_domain domain = test_domain(S_VERIFIED);

    (void)state;
    (void)test_step(&domain, SV_INPUT_LOOKED, &seen);
    assert_int_equal(domain.conclusion, SV_CONCLUSION_ALL_GOOD);
    seen.dkim = SV_AXIS_TEMPORARY_FAILURE;
    (void)test_step(&domain, SV_INPUT_LOOKED, &seen);
    assert_int_equal(domain.conclusion, SV_CONCLUSION_DNS_SPREADING);
}

/* A look that does not know which records are to be published leaves them as they are. */
static void records_that_nobody_told_of_stay(void **state)
{
    struct sv_domain domain = test_domain(S_VERIFIED);

    (void)state;
    domain.records = 5;
    (void)test_look_at(&domain, L_SUCCESS_RIGHT, TEST_NOW);
    assert_int_equal(domain.records, 5);
}

static void registering_it_again_ends_the_waits_and_nothing_else(void **state)
{
    struct sv_domain domain = test_domain(S_VERIFIED);

    (void)state;
    domain.adopted = true;
    domain.faults = domain.tries = 7;
    (void)test_step(&domain, SV_INPUT_PROVISIONED, NULL);
    assert_true(domain.adopted);
    assert_int_equal(domain.faults, 0);
    assert_int_equal(domain.tries, 0);
    assert_int_equal(domain.status, SV_STATUS_VERIFIED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failed_twice_far_enough_apart_fails),
        cmocka_unit_test(a_failed_domain_owes_no_restart_of_its_mail_from),
        cmocka_unit_test(unknown_between_two_bad_reads_forgets_nothing),
        cmocka_unit_test(a_better_read_in_between_forgets_the_first),
        cmocka_unit_test(gone_is_believed_after_two_reads_only),
        cmocka_unit_test(failed_then_gone_is_failed_and_gone_later),
        cmocka_unit_test(gone_then_failed_is_failed),
        cmocka_unit_test(an_identity_made_again_starts_anew_but_stays_failed),
        cmocka_unit_test(records_are_wrong_after_more_than_the_ttl),
        cmocka_unit_test(the_longest_ttl_counts_up_to_a_day),
        cmocka_unit_test(right_and_waiting_forget_a_first_wrong),
        cmocka_unit_test(trouble_in_two_reads_is_a_risk_and_has_a_deadline),
        cmocka_unit_test(first_verified_then_restored),
        cmocka_unit_test(a_move_without_dns_leaves_no_stale_conclusion),
        cmocka_unit_test(registering_anew_keeps_number_and_budget_only),
        cmocka_unit_test(only_the_change_set_makes_an_event),
        cmocka_unit_test(one_axis_alone_verifies_nothing),
        cmocka_unit_test(dkim_missing_beside_an_identity_says_nothing),
        cmocka_unit_test(the_longer_ttl_of_the_two_looks_counts),
        cmocka_unit_test(a_tombstone_given_up_owes_nothing),
        cmocka_unit_test(a_registration_after_the_removal_is_still_owed),
        cmocka_unit_test(trouble_that_passes_keeps_the_first_wrong_look),
        cmocka_unit_test(definitive_means_that_everything_was_told),
        cmocka_unit_test(half_a_read_says_nothing),
        cmocka_unit_test(the_first_wrong_look_says_how_long_caches_hold_the_record),
        cmocka_unit_test(caches_that_matter_to_nobody_are_forgotten),
        cmocka_unit_test(records_may_be_wrong_in_the_look_that_verifies),
        cmocka_unit_test(a_lost_identity_is_lost_once),
        cmocka_unit_test(spreading_beside_trouble_is_news),
        cmocka_unit_test(records_that_nobody_told_of_stay),
        cmocka_unit_test(registering_it_again_ends_the_waits_and_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
