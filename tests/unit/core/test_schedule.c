#include "cmocka_all.h"

#include "sv/rand.h"

#include "states.h"

enum { SEED = 20260102 };

/* A wait without jitter, from a look at TEST_NOW. */
static sv_ms wait_of(struct sv_domain *domain, enum test_look look)
{
    return test_look_at(domain, look, TEST_NOW).wait_ms;
}

static void the_pace_grows_from_floor_to_cap(void **state)
{
    static const sv_ms expected_ms[] = {30000,  48000,  76800,   122880,  196608, 314572,
                                        503315, 805304, 1288486, 1800000, 1800000};
    struct sv_domain domain = test_domain(S_PENDING);

    (void)state;
    for (size_t i = 0; i < sizeof(expected_ms) / sizeof(expected_ms[0]); i++)
        assert_int_equal(wait_of(&domain, L_PENDING_RIGHT), expected_ms[i]);
}

/* One row: a state, what is special about it, a look, and the wait that follows. */
struct row {
    const char *what;
    enum test_state state;
    enum test_look look;
    sv_ms looking_ms; /* how long ago the round began */
    uint32_t tries;
    bool hurry;
    sv_ms wait_ms;
};

static const struct row rows[] = {
    {"pending, fresh", S_PENDING, L_PENDING_RIGHT, 0, 0, false, 30 * SV_SECOND},
    {"caches hold it", S_PENDING, L_PENDING_WRONG, 0, 0, false, 30 * SV_MINUTE},
    {"skipped", S_PENDING, L_ABSENT_SKIPPED, 0, 0, false, 30 * SV_MINUTE},
    {"hurry", S_PENDING, L_PENDING_RIGHT, SV_DAY, 20, true, 30 * SV_SECOND},
    {"patience ends", S_PENDING, L_PENDING_RIGHT, 72 * SV_HOUR - 1, 99, false, 30 * SV_MINUTE},
    {"daily", S_PENDING, L_PENDING_RIGHT, 72 * SV_HOUR, 99, false, SV_DAY},
    {"daily ends", S_PENDING, L_PENDING_RIGHT, 17 * SV_DAY - 1, 99, false, SV_DAY},
    {"weekly", S_PENDING, L_PENDING_RIGHT, 17 * SV_DAY, 99, false, 7 * SV_DAY},
    {"for ever", S_PENDING, L_PENDING_RIGHT, 4000 * SV_DAY, UINT32_MAX, false, 7 * SV_DAY},
    {"hurry after years", S_PENDING, L_PENDING_RIGHT, 4000 * SV_DAY, 99, true, 30 * SV_SECOND},
    {"SES silent", S_PENDING, L_RIGHT, 4000 * SV_DAY, 99, false, 30 * SV_MINUTE},
    {"failed, fresh", S_FAILED, L_PENDING_RIGHT, 0, 0, false, 30 * SV_SECOND},
    {"failed, weekly", S_FAILED, L_FAILED_WRONG, 99 * SV_DAY, 99, false, 7 * SV_DAY},
    {"restart owed", S_FAILED, L_FAILED_RIGHT, 99 * SV_DAY, 99, false, 0},
    {"bad once", S_PENDING, L_FAILED_WRONG, 99 * SV_DAY, 99, false, 5 * SV_MINUTE},
    {"healthy", S_VERIFIED, L_SUCCESS_RIGHT, 99 * SV_DAY, 0, false, SV_DAY},
    {"verified, hurry", S_VERIFIED, L_SUCCESS_RIGHT, 99 * SV_DAY, 0, true, SV_DAY},
    {"verified, wrong once", S_VERIFIED, L_SUCCESS_WRONG, SV_DAY, 0, false, 3601 * SV_SECOND},
    {"verified, trouble", S_VERIFIED, L_TEMPORARY_RIGHT, SV_DAY, 0, false, 30 * SV_SECOND},
    {"verified, bad once", S_VERIFIED, L_FAILED_WRONG, SV_DAY, 0, false, 5 * SV_MINUTE},
    {"verified, gone once", S_VERIFIED, L_GONE, SV_DAY, 0, false, 5 * SV_MINUTE},
    {"verified, DNS silent", S_VERIFIED, L_SUCCESS_UNKNOWN, SV_DAY, 0, false, 30 * SV_SECOND},
    {"still silent", S_VERIFIED, L_SUCCESS_UNKNOWN, SV_DAY, 99, false, SV_DAY},
    {"verified, SES silent", S_VERIFIED, L_RIGHT, SV_DAY, 99, false, 30 * SV_MINUTE},
    {"at risk", S_RISK_UNSIGNED, L_SUCCESS_UNSIGNED, 0, 1, false, 48 * SV_SECOND},
    {"at risk for long", S_RISK_UNSIGNED, L_SUCCESS_UNSIGNED, 99 * SV_DAY, 99, false, SV_DAY},
    {"nothing known", S_PENDING, L_NOTHING, 99 * SV_DAY, 99, false, 10 * SV_SECOND},
    {"removed", S_REMOVED, L_SUCCESS_RIGHT, 0, 0, false, -1},
};

static void waits_are_as_written(void **state)
{
    struct sv_policy policy = sv_policy_default();

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sv_domain domain = test_domain(rows[i].state);
        struct sv_input input = {.kind = SV_INPUT_LOOKED,
                                 .now = TEST_NOW,
                                 .random = SV_JITTER_STEPS,
                                 .hurry = rows[i].hurry,
                                 .seen = test_look(rows[i].look)};
        struct sv_effects effects;

        domain.looking_since = TEST_NOW - rows[i].looking_ms;
        domain.tries = rows[i].tries;
        sv_domain_step(&domain, &policy, &input, &effects);
        if (effects.wait_ms != rows[i].wait_ms)
            fail_msg("%s: expected %lld ms, found %lld ms", rows[i].what,
                     (long long)rows[i].wait_ms, (long long)effects.wait_ms);
    }
}

static void provisioning_waits_for_the_client_but_not_for_adopted_ones(void **state)
{
    struct sv_policy policy = sv_policy_default();
    struct sv_input input = {.kind = SV_INPUT_PROVISIONED, .now = TEST_NOW, .adopted = true};
    struct sv_domain domain = test_domain(S_NEW);
    struct sv_effects effects;

    (void)state;
    assert_int_equal(test_step(&domain, SV_INPUT_PROVISIONED, NULL).wait_ms, 15 * SV_SECOND);
    domain = test_domain(S_NEW);
    sv_domain_step(&domain, &policy, &input, &effects);
    assert_int_equal(effects.wait_ms, 0);
    assert_true(domain.adopted);
}

static void faults_back_off_to_a_cap_and_never_past_the_pace(void **state)
{
    static const sv_ms expected_s[] = {10, 20, 40, 80, 160, 320, 600, 600};
    struct sv_domain domain = test_domain(S_NEW);
    struct sv_domain pending = test_domain(S_PENDING);

    (void)state;
    for (size_t i = 0; i < sizeof(expected_s) / sizeof(expected_s[0]); i++)
        assert_int_equal(test_step(&domain, SV_INPUT_FAULT, NULL).wait_ms,
                         expected_s[i] * SV_SECOND);
    pending.faults = 40;
    assert_int_equal(wait_of(&pending, L_NOTHING), 30 * SV_SECOND);
    pending.faults = UINT32_MAX;
    assert_int_equal(wait_of(&pending, L_NOTHING), 48 * SV_SECOND);
    assert_int_equal(pending.faults, UINT32_MAX);
    assert_int_equal(wait_of(&pending, L_RIGHT), 76800);
    assert_int_equal(pending.faults, 0);
}

/* Owed work that stays undone must not turn into a busy loop. */
static void owed_work_hurries_once(void **state)
{
    struct sv_domain domain = test_domain(S_FAILED);

    (void)state;
    assert_int_equal(wait_of(&domain, L_FAILED_RIGHT), 0);
    assert_int_equal(wait_of(&domain, L_FAILED_RIGHT), 48 * SV_SECOND);
}

/* A doubt that cannot be settled, because nobody answers, is not asked about at the floor for
 * ever. */
static void an_open_doubt_is_no_busy_loop(void **state)
{
    static const enum test_state doubts[] = {S_VERIFIED_WRONG, S_VERIFIED_BAD, S_PENDING_BAD};
    static const enum test_look silent[] = {L_SUCCESS_UNKNOWN, L_WAITING, L_WAITING};

    (void)state;
    for (size_t i = 0; i < sizeof(doubts) / sizeof(doubts[0]); i++) {
        struct sv_domain domain = test_domain(doubts[i]);

        if (doubts[i] == S_VERIFIED_BAD)
            domain.wrong_at = 0;
        for (int look = 0; look < 12; look++)
            (void)test_look_at(&domain, silent[i], TEST_NOW);
        assert_true(test_look_at(&domain, silent[i], TEST_NOW).wait_ms >= 30 * SV_MINUTE);
    }
}

static void a_removed_domain_that_is_registered_anew_is_retried(void **state)
{
    struct sv_domain domain = test_domain(S_REMOVED);

    (void)state;
    domain.todo = SV_TODO_PROVISION;
    assert_int_equal(test_step(&domain, SV_INPUT_FAULT, NULL).wait_ms, 10 * SV_SECOND);
}

static void jitter_stays_in_its_bounds(void **state)
{
    struct sv_policy policy = sv_policy_default();
    struct sv_rand source;
    sv_ms low = SV_DAY * 2, high = 0, late = 0;

    (void)state;
    print_message("seed %d\n", SEED);
    sv_rand_seeded_init(&source, SEED);
    for (int i = 0; i < 20000; i++) {
        struct sv_input input = {.kind = SV_INPUT_LOOKED, .now = TEST_NOW};
        struct sv_domain domain = test_domain(S_VERIFIED);
        struct sv_effects effects;

        input.random = sv_rand_u64(&source);
        input.seen = test_look(L_SUCCESS_RIGHT);
        sv_domain_step(&domain, &policy, &input, &effects);
        low = effects.wait_ms < low ? effects.wait_ms : low;
        high = effects.wait_ms > high ? effects.wait_ms : high;

        domain = test_domain(S_PENDING);
        input.seen = test_look(L_PENDING_RIGHT);
        sv_domain_step(&domain, &policy, &input, &effects);
        assert_in_range(effects.wait_ms, 30 * SV_SECOND, 36 * SV_SECOND); /* never below floor */

        domain = test_domain(S_VERIFIED);
        input.seen = test_look(L_FAILED_WRONG);
        sv_domain_step(&domain, &policy, &input, &effects);
        assert_in_range(effects.wait_ms, 5 * SV_MINUTE, 330 * SV_SECOND); /* upward only */
        late = effects.wait_ms > late ? effects.wait_ms : late;
    }
    assert_in_range(low, SV_DAY * 8 / 10, SV_DAY * 81 / 100);
    assert_in_range(high, SV_DAY * 119 / 100, SV_DAY * 12 / 10);
    assert_in_range(late, 329 * SV_SECOND, 330 * SV_SECOND);
}

/* A wait at its limit is spread downwards only; that for an outage and that for the reputation have
 * a side of their own. */
static void jitter_at_the_limits(void **state)
{
    static const uint64_t dice[] = {0, 2 * (uint64_t)SV_JITTER_STEPS}; /* the least, the most */
    static const sv_ms at_cap[] = {24 * SV_MINUTE, 30 * SV_MINUTE};
    static const sv_ms outage[] = {24 * SV_MINUTE, 36 * SV_MINUTE};
    static const sv_ms faults[] = {8 * SV_MINUTE, 10 * SV_MINUTE};
    struct sv_policy policy = sv_policy_default();

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct sv_input input = {.kind = SV_INPUT_LOOKED, .now = TEST_NOW, .random = dice[i]};
        struct sv_domain domain = test_domain(S_PENDING);
        struct sv_effects effects;

        domain.tries = 99;
        input.seen = test_look(L_PENDING_RIGHT);
        sv_domain_step(&domain, &policy, &input, &effects);
        assert_int_equal(effects.wait_ms, at_cap[i]);
        domain.looking_since = TEST_NOW - 4000 * SV_DAY;
        input.seen = test_look(L_RIGHT);
        sv_domain_step(&domain, &policy, &input, &effects);
        assert_int_equal(effects.wait_ms, outage[i]);
        domain = test_domain(S_VERIFIED);
        domain.reputation_at = TEST_NOW;
        input.seen = test_look(L_SUCCESS_RIGHT);
        input.reputation_every_ms = SV_HOUR;
        sv_domain_step(&domain, &policy, &input, &effects);
        assert_int_equal(effects.wait_ms, 72 * SV_MINUTE); /* never before it is due */
        domain = test_domain(S_NEW);
        domain.faults = 99;
        input = (struct sv_input){.kind = SV_INPUT_FAULT, .now = TEST_NOW, .random = dice[i]};
        sv_domain_step(&domain, &policy, &input, &effects);
        assert_int_equal(effects.wait_ms, faults[i]);
    }
}

/* What comes due in a second is looked at when the floor is over. */
static void nothing_is_looked_at_before_the_floor(void **state)
{
    struct sv_policy policy = sv_policy_default();
    struct sv_input input = {.kind = SV_INPUT_LOOKED,
                             .now = TEST_NOW,
                             .random = SV_JITTER_STEPS,
                             .seen = test_look(L_SUCCESS_RIGHT)};
    struct sv_domain domain = test_domain(S_VERIFIED);
    struct sv_effects effects;

    (void)state;
    domain.reputation_at = TEST_NOW - SV_HOUR + SV_SECOND;
    input.reputation_every_ms = SV_HOUR;
    sv_domain_step(&domain, &policy, &input, &effects);
    assert_int_equal(effects.wait_ms, 30 * SV_SECOND);
    domain = test_domain(S_VERIFIED);
    domain.bad_at = TEST_NOW - 5 * SV_MINUTE + SV_SECOND;
    assert_int_equal(wait_of(&domain, L_FAILED_RIGHT), 30 * SV_SECOND);
}

/* Caches that hold something for long do not keep us from the daily look. */
static void caches_are_waited_for_up_to_the_next_look(void **state)
{
    struct sv_observation seen = test_look(L_SUCCESS_WAITING);
    struct sv_domain domain = test_domain(S_VERIFIED);

    (void)state;
    seen.caches_until = TEST_NOW + SV_HOUR;
    assert_int_equal(test_step(&domain, SV_INPUT_LOOKED, &seen).wait_ms, SV_HOUR + SV_SECOND);
    seen.caches_until = TEST_NOW + SV_DAY;
    assert_int_equal(test_step(&domain, SV_INPUT_LOOKED, &seen).wait_ms, SV_DAY);
}

/* What is still open is looked at less and less often, also in a domain that sends. */
static void doubts_and_faults_count_as_looks(void **state)
{
    static const enum test_look doubts[] = {L_SUCCESS_WRONG, L_FAILED_RIGHT, L_TEMPORARY_RIGHT};
    struct sv_domain domain = test_domain(S_PENDING);

    (void)state;
    (void)test_step(&domain, SV_INPUT_FAULT, NULL);
    assert_int_equal(domain.tries, 1);
    for (size_t i = 0; i < sizeof(doubts) / sizeof(doubts[0]); i++) {
        domain = test_domain(S_VERIFIED);
        (void)wait_of(&domain, doubts[i]);
        assert_int_equal(domain.tries, 1);
    }
}

/* SES looks for MAIL FROM records for three days, and only where somebody wants a MAIL FROM. */
static void a_mail_from_that_is_looked_for_is_asked_about_every_hour(void **state)
{
    static const struct {
        bool wanted;
        sv_ms looking_ms, wait_ms;
    } cases[] = {{false, SV_DAY, SV_DAY},
                 {true, SV_DAY, SV_HOUR},
                 {true, 72 * SV_HOUR - 1, SV_HOUR},
                 {true, 72 * SV_HOUR, SV_DAY}};
    struct sv_observation seen = test_look(L_SUCCESS_RIGHT);

    (void)state;
    seen.mail_from = SV_AXIS_PENDING;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sv_domain domain = test_domain(S_VERIFIED);

        domain.mail_from_wanted = cases[i].wanted;
        domain.looking_since = TEST_NOW - cases[i].looking_ms;
        assert_int_equal(test_step(&domain, SV_INPUT_LOOKED, &seen).wait_ms, cases[i].wait_ms);
    }
}

static void nothing_lies_ahead_of_a_clock_that_went_back(void **state)
{
    const sv_ms ahead = TEST_NOW + SV_HOUR;
    struct sv_domain domain = test_domain(S_VERIFIED);

    (void)state;
    domain.status_since = domain.looking_since = domain.ses_asked_at = ahead;
    domain.restarted_at = domain.restarts_from = domain.detailed_at = ahead;
    domain.reputation_at = domain.mail_at = ahead;
    (void)test_step(&domain, SV_INPUT_FAULT, NULL);
    assert_int_equal(domain.status_since, TEST_NOW);
    assert_int_equal(domain.looking_since, TEST_NOW);
    assert_int_equal(domain.ses_asked_at, TEST_NOW);
    assert_int_equal(domain.restarted_at, TEST_NOW);
    assert_int_equal(domain.restarts_from, TEST_NOW);
    assert_int_equal(domain.detailed_at, TEST_NOW);
    assert_int_equal(domain.reputation_at, TEST_NOW);
    assert_int_equal(domain.mail_at, TEST_NOW);
}

/* The wall clock jumps back: what lies ahead counts as now. */
static void a_clock_that_jumps_neither_stalls_nor_bursts(void **state)
{
    (void)state;
    for (int s = 0; s < S_COUNT; s++) {
        for (int look = 0; look < L_COUNT; look++) {
            static const sv_ms jumps_ms[] = {-3650 * SV_DAY, -SV_HOUR, SV_HOUR, 3650 * SV_DAY};

            for (size_t j = 0; j < sizeof(jumps_ms) / sizeof(jumps_ms[0]); j++) {
                struct sv_domain domain = test_domain((enum test_state)s);
                sv_ms now = TEST_NOW + jumps_ms[j];
                sv_ms wait_ms = test_look_at(&domain, (enum test_look)look, now).wait_ms;

                assert_true(wait_ms >= -1 && wait_ms <= 7 * SV_DAY);
                assert_true(domain.status_since <= now && domain.looking_since <= now);
                assert_true(domain.bad_at <= now && domain.wrong_at <= now);
                assert_true(domain.temporary_at <= now && domain.restarted_at <= now);
            }
        }
    }
}

static void ses_is_not_asked_about_what_is_provably_absent(void **state)
{
    struct sv_policy policy = sv_policy_default();
    struct sv_observation absent = test_look(L_ABSENT_SKIPPED);
    struct sv_observation wrong = test_look(L_WRONG);
    struct sv_observation silent = test_look(L_NOTHING);
    struct sv_domain domain = test_domain(S_PENDING); /* asked an hour ago */

    (void)state;
    assert_false(sv_domain_wants_ses(&domain, &policy, TEST_NOW, &absent));
    assert_true(sv_domain_wants_ses(&domain, &policy, TEST_NOW, &wrong));
    assert_true(sv_domain_wants_ses(&domain, &policy, TEST_NOW, &silent));
    assert_false(sv_domain_wants_ses(&domain, &policy, TEST_NOW + 5 * SV_HOUR - 1, &absent));
    assert_true(sv_domain_wants_ses(&domain, &policy, TEST_NOW + 5 * SV_HOUR, &absent));
    assert_false(sv_domain_wants_ses(&domain, &policy, TEST_NOW - SV_DAY, &absent));
    domain.ses_asked_at = 0;
    assert_true(sv_domain_wants_ses(&domain, &policy, TEST_NOW, &absent));
    domain = test_domain(S_PENDING_BAD);
    assert_true(sv_domain_wants_ses(&domain, &policy, TEST_NOW, &absent));
    domain = test_domain(S_FAILED);
    assert_false(sv_domain_wants_ses(&domain, &policy, TEST_NOW, &absent));
    domain.adopted = true;
    assert_true(sv_domain_wants_ses(&domain, &policy, TEST_NOW, &absent));
    domain = test_domain(S_VERIFIED);
    assert_true(sv_domain_wants_ses(&domain, &policy, TEST_NOW, &absent));
    domain = test_domain(S_RISK_RECORDS);
    assert_true(sv_domain_wants_ses(&domain, &policy, TEST_NOW, &absent));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_pace_grows_from_floor_to_cap),
        cmocka_unit_test(waits_are_as_written),
        cmocka_unit_test(provisioning_waits_for_the_client_but_not_for_adopted_ones),
        cmocka_unit_test(faults_back_off_to_a_cap_and_never_past_the_pace),
        cmocka_unit_test(owed_work_hurries_once),
        cmocka_unit_test(an_open_doubt_is_no_busy_loop),
        cmocka_unit_test(a_removed_domain_that_is_registered_anew_is_retried),
        cmocka_unit_test(jitter_stays_in_its_bounds),
        cmocka_unit_test(jitter_at_the_limits),
        cmocka_unit_test(nothing_is_looked_at_before_the_floor),
        cmocka_unit_test(caches_are_waited_for_up_to_the_next_look),
        cmocka_unit_test(doubts_and_faults_count_as_looks),
        cmocka_unit_test(a_mail_from_that_is_looked_for_is_asked_about_every_hour),
        cmocka_unit_test(nothing_lies_ahead_of_a_clock_that_went_back),
        cmocka_unit_test(a_clock_that_jumps_neither_stalls_nor_bursts),
        cmocka_unit_test(ses_is_not_asked_about_what_is_provably_absent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
