#include "cmocka_all.h"

#include "states.h"
#include "sv/reputation.h"

#define HOUR_MS  ((sv_ms)3600000)
#define EVERY_MS (6 * HOUR_MS)

enum {
    UNKNOWN = SV_REPUTATION_UNKNOWN,
    HEALTHY = SV_REPUTATION_HEALTHY,
    WARNING = SV_REPUTATION_WARNING,
    REVIEW = SV_REPUTATION_REVIEW,
    PAUSE = SV_REPUTATION_PAUSE_POSSIBLE,
};

/* The limits are AWS's: bounces 2 %, 5 %, 10 %; complaints 0.1 %, 0.1 %, 0.5 %. */
static const struct {
    const char *what;
    int before;
    struct sv_mail mail;
    int after;
} rows[] = {
    {"no mail at all", UNKNOWN, {.sent = 0}, UNKNOWN},
    {"1 bounce of 2", UNKNOWN, {.sent = 2, .permanent_bounces = 1}, UNKNOWN},
    {"1 bounce of 2, healthy so far", HEALTHY, {.sent = 2, .permanent_bounces = 1}, HEALTHY},
    {"all of 499 bounce", HEALTHY, {.sent = 499, .permanent_bounces = 499}, HEALTHY},
    {"no bounce of 500", UNKNOWN, {.sent = 500}, HEALTHY},
    {"2 % of 500", HEALTHY, {.sent = 500, .permanent_bounces = 10}, WARNING},
    {"1.9 %", UNKNOWN, {.sent = 1000, .permanent_bounces = 19}, HEALTHY},
    {"2 %", HEALTHY, {.sent = 1000, .permanent_bounces = 20}, WARNING},
    {"4.9 %", HEALTHY, {.sent = 1000, .permanent_bounces = 49}, WARNING},
    {"5 %", HEALTHY, {.sent = 1000, .permanent_bounces = 50}, REVIEW},
    {"9.9 %", WARNING, {.sent = 1000, .permanent_bounces = 99}, REVIEW},
    {"10 %", HEALTHY, {.sent = 1000, .permanent_bounces = 100}, PAUSE},
    {"more bounces than mails", HEALTHY, {.sent = 1000, .permanent_bounces = 4000000000}, PAUSE},
    {"largest numbers", UNKNOWN, {.sent = UINT32_MAX, .permanent_bounces = 1}, HEALTHY},
    {"only transient ones", HEALTHY, {.sent = 1000, .transient_bounces = 900}, HEALTHY},
    {"2 complaints of 1000", HEALTHY, {.tracked = 1000, .complaints = 2}, HEALTHY},
    {"3 complaints of 999", HEALTHY, {.tracked = 999, .complaints = 3}, HEALTHY},
    {"0.1 %", HEALTHY, {.tracked = 3000, .complaints = 3}, REVIEW},
    {"0.09 %", HEALTHY, {.tracked = 10000, .complaints = 9}, HEALTHY},
    {"0.49 %", HEALTHY, {.tracked = 10000, .complaints = 49}, REVIEW},
    {"0.5 %", HEALTHY, {.tracked = 10000, .complaints = 50}, PAUSE},
    {"the worse of both",
     HEALTHY,
     {.sent = 10000, .permanent_bounces = 200, .tracked = 10000, .complaints = 50},
     PAUSE},
    {"warning is left below 1.6 %", WARNING, {.sent = 1000, .permanent_bounces = 15}, HEALTHY},
    {"warning stays at 1.6 %", WARNING, {.sent = 1000, .permanent_bounces = 16}, WARNING},
    {"review stays at 4 %", REVIEW, {.sent = 1000, .permanent_bounces = 40}, REVIEW},
    {"review is left below 4 %", REVIEW, {.sent = 1000, .permanent_bounces = 39}, WARNING},
    {"review is left for good", REVIEW, {.sent = 1000, .permanent_bounces = 1}, HEALTHY},
    {"pause stays at 8 %", PAUSE, {.sent = 1000, .permanent_bounces = 80}, PAUSE},
    {"pause is left below 8 %", PAUSE, {.sent = 1000, .permanent_bounces = 79}, REVIEW},
    {"review for complaints stays at 0.08 %", REVIEW, {.tracked = 10000, .complaints = 8}, REVIEW},
    {"and is left below", REVIEW, {.tracked = 10000, .complaints = 7}, HEALTHY},
    {"the client stopped sending", REVIEW, {.sent = 3}, REVIEW},
    {"recommended, high impact", HEALTHY, {.sent = 1000, .advice = SV_ADVICE_HIGH}, WARNING},
    {"recommended, little mail", UNKNOWN, {.sent = 1, .advice = SV_ADVICE_HIGH}, WARNING},
    {"recommended, low impact", HEALTHY, {.sent = 1000, .advice = SV_ADVICE_BOUNCE}, HEALTHY},
    {"still recommended", REVIEW, {.sent = 1000, .advice = SV_ADVICE_HIGH}, WARNING},
    {"no longer recommended", WARNING, {.sent = 1000}, HEALTHY},
};

static void verdicts_follow_the_limits_of_aws(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum sv_reputation got =
            sv_reputation_judge((enum sv_reputation)rows[i].before, &rows[i].mail);

        if ((int)got != rows[i].after)
            fail_msg("%s: %s", rows[i].what, sv_reputation_name(got));
    }
}

static void a_rate_around_a_limit_does_not_flap(void **state)
{
    enum sv_reputation now = SV_REPUTATION_HEALTHY;
    unsigned moves = 0;

    (void)state;
    for (int day = 0; day < 100; day++) {
        struct sv_mail mail = {.sent = 1000, .permanent_bounces = day % 2 == 0 ? 51 : 49};
        enum sv_reputation next = sv_reputation_judge(now, &mail);

        moves += next != now;
        now = next;
    }
    assert_int_equal(now, SV_REPUTATION_REVIEW);
    assert_int_equal(moves, 1);
}

static void every_verdict_has_a_word(void **state)
{
    (void)state;
    assert_string_equal(sv_reputation_name(SV_REPUTATION_UNKNOWN), "unknown");
    assert_string_equal(sv_reputation_name(SV_REPUTATION_PAUSE_POSSIBLE), "pause_possible");
    assert_string_equal(sv_reputation_name(SV_REPUTATION_COUNT), "invalid");
}

static struct sv_effects look(struct sv_domain *domain, const struct sv_mail_seen *mail, sv_ms now,
                              sv_ms every_ms)
{
    struct sv_policy policy = sv_policy_default();
    struct sv_input input = {.kind = SV_INPUT_LOOKED,
                             .now = now,
                             .random = SV_JITTER_STEPS,
                             .reputation_every_ms = every_ms,
                             .seen = test_look(L_SUCCESS_RIGHT)};
    struct sv_effects effects;

    input.seen.mail = *mail;
    sv_domain_step(domain, &policy, &input, &effects);
    return effects;
}

/* A verified domain whose last look left nothing to tell. */
static struct sv_domain settled(void)
{
    struct sv_domain domain = test_domain(S_VERIFIED);

    (void)look(&domain, &(struct sv_mail_seen){.asked = false}, TEST_NOW, EVERY_MS);
    return domain;
}

static struct sv_mail_seen bounces(uint32_t count)
{
    return (struct sv_mail_seen){
        .asked = true, .known = true, .mail = {.sent = 1000, .permanent_bounces = count}};
}

static void a_crossed_limit_is_an_update_and_moves_no_status(void **state)
{
    static const struct {
        uint32_t bounces;
        enum sv_news news;
    } days[] = {{0, SV_NEWS_NONE}, /* unknown -> healthy crosses no limit */
                {20, SV_NEWS_UPDATED}, {21, SV_NEWS_NONE},     {60, SV_NEWS_UPDATED},
                {45, SV_NEWS_NONE},    {110, SV_NEWS_UPDATED}, {0, SV_NEWS_UPDATED},
                {0, SV_NEWS_NONE}};
    struct sv_domain domain = settled();

    (void)state;
    for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
        struct sv_mail_seen mail = bounces(days[i].bounces);
        sv_ms now = TEST_NOW + (sv_ms)(i + 1) * EVERY_MS;
        struct sv_effects effects = look(&domain, &mail, now, EVERY_MS);

        if (effects.news != days[i].news)
            fail_msg("look %zu: %s", i, sv_news_name(effects.news));
        assert_int_equal(domain.status, SV_STATUS_VERIFIED);
        assert_int_equal(domain.reputation_at, now);
        assert_int_equal(domain.mail.permanent_bounces, days[i].bounces);
    }
    assert_int_equal(domain.reputation, SV_REPUTATION_HEALTHY);
}

static void what_could_not_be_found_out_moves_nothing(void **state)
{
    struct sv_domain domain = settled();
    struct sv_mail_seen mail = bounces(60), nothing = {.asked = true};
    struct sv_effects effects;

    (void)state;
    mail.advice_known = true;
    mail.mail.advice = SV_ADVICE_BOUNCE;
    (void)look(&domain, &mail, TEST_NOW + 1, EVERY_MS);
    effects = look(&domain, &nothing, TEST_NOW + 2, EVERY_MS);
    assert_int_equal(effects.news, SV_NEWS_NONE);
    assert_int_equal(domain.reputation, SV_REPUTATION_REVIEW);
    assert_int_equal(domain.mail.permanent_bounces, 60);
    assert_int_equal(domain.reputation_at, TEST_NOW + 2); /* the next try has its time, too */
    mail = bounces(61); /* the list of recommendations was not there */
    (void)look(&domain, &mail, TEST_NOW + 3, EVERY_MS);
    assert_int_equal(domain.mail.advice, SV_ADVICE_BOUNCE);
}

static void the_next_look_comes_when_the_mail_is_due(void **state)
{
    struct sv_domain domain = settled();
    struct sv_mail_seen mail = bounces(0), none = {.asked = false};
    struct sv_effects effects = look(&domain, &mail, TEST_NOW + 1, EVERY_MS);

    (void)state;
    assert_int_equal(effects.wait_ms, EVERY_MS);
    assert_int_equal(sv_reputation_due_at(&domain, EVERY_MS), TEST_NOW + 1 + EVERY_MS);
    /* Overdue and not asked: it waits for the look that comes anyway. */
    effects = look(&domain, &none, TEST_NOW + 2 + EVERY_MS, EVERY_MS);
    assert_int_equal(effects.wait_ms, 24 * HOUR_MS);
    /* Mails are judged of those who send. */
    domain = test_domain(S_PENDING);
    assert_int_equal(sv_reputation_due_at(&domain, EVERY_MS), 0);
    domain = test_domain(S_RISK_RECORDS); /* and never asked about: since it came to be so */
    assert_int_equal(sv_reputation_due_at(&domain, EVERY_MS), domain.status_since + EVERY_MS);
}

static void switched_off_it_is_forgotten_in_silence(void **state)
{
    struct sv_domain domain = settled();
    struct sv_mail_seen mail = bounces(60), none = {.asked = false};
    struct sv_effects effects;

    (void)state;
    (void)look(&domain, &mail, TEST_NOW + 1, EVERY_MS);
    assert_int_equal(domain.reputation, SV_REPUTATION_REVIEW);
    effects = look(&domain, &none, TEST_NOW + 2, 0);
    assert_int_equal(effects.news, SV_NEWS_NONE);
    assert_int_equal(effects.wait_ms, 24 * HOUR_MS);
    assert_int_equal(domain.reputation, SV_REPUTATION_UNKNOWN);
    assert_int_equal(domain.reputation_at, 0);
    assert_int_equal(domain.mail.sent, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts_follow_the_limits_of_aws),
        cmocka_unit_test(a_rate_around_a_limit_does_not_flap),
        cmocka_unit_test(every_verdict_has_a_word),
        cmocka_unit_test(a_crossed_limit_is_an_update_and_moves_no_status),
        cmocka_unit_test(what_could_not_be_found_out_moves_nothing),
        cmocka_unit_test(the_next_look_comes_when_the_mail_is_due),
        cmocka_unit_test(switched_off_it_is_forgotten_in_silence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
