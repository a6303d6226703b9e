#include <string.h>

#include "drive_world.h"

/* What SES tells of the mail, among fakes: which looks ask, what an answer or its lack does. */

static const char *const name = "a.example";

enum { EVERY_MS = 60 };

static bool is_verified(struct world *world)
{
    return world_count(world, name, "verified") > 0;
}

static void start(struct world *world)
{
    world->account.reputation_every_ms = EVERY_MS;
    world_start(world);
    world_push(world, "{'type':'register','client_id':'c','domain':'a.example','id':'j1'}");
    world_expect_answer(world, "j1", "done", "");
    world_heal(world, name);
    world_until(world, is_verified, "it is verified");
}

static void ask_more(struct world *world, size_t times)
{
    size_t from = fake_ses_count(world->ses, SV_SES_METRICS);
    uint64_t committed;

    while (fake_ses_count(world->ses, SV_SES_METRICS) < from + times)
        world_turn(world, true);
    committed = world_stats(world).checks_committed;
    while (world_stats(world).checks_committed < committed + 2)
        world_turn(world, true);
}

static void set_mail(struct world *world, uint32_t bounces, uint32_t advice)
{
    struct sv_mail mail = {.sent = 1000, .permanent_bounces = bounces, .advice = advice};

    fake_ses_set_mail(world->ses, name, &mail);
}

static const char *last(const struct world *world)
{
    return world->told[world->told_count - 1].text;
}

static void crossing_a_limit_is_told_once(void **state)
{
    struct world *world = *state;
    size_t before;

    start(world);
    set_mail(world, 10, 0);
    ask_more(world, 3);
    before = world->told_count;
    set_mail(world, 60, 0);
    ask_more(world, 4);
    assert_int_equal(world->told_count, before + 1);
    assert_string_equal(world->told[before].kind, "updated");
    assert_non_null(strstr(last(world), "\"reputation\":{\"old\":\"healthy\",\"new\":\"review\"}"));
    assert_non_null(strstr(last(world), "\"permanent_bounces\":60"));
    fake_ses_set_mail(world->ses, name, NULL); /* its queries fail now */
    ask_more(world, 3);
    assert_int_equal(world->told_count, before + 1);
}

static void a_recommendation_reaches_the_domain_it_names(void **state)
{
    static const char *const others[] = {"d.example", "b.example", "0.example", "c.example"};
    struct world *world = *state;
    size_t before;

    start(world);
    set_mail(world, 0, 0);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        fake_ses_set_mail(world->ses, others[i],
                          &(struct sv_mail){.advice = SV_ADVICE_COMPLAINT | SV_ADVICE_HIGH});
    ask_more(world, 5);
    before = world->told_count;
    set_mail(world, 0, SV_ADVICE_BOUNCE | SV_ADVICE_HIGH);
    ask_more(world, 5);
    assert_int_equal(world->told_count, before + 1);
    assert_non_null(strstr(last(world), "\"new\":\"warning\""));
    assert_non_null(strstr(last(world), "\"recommendations\":[\"BOUNCE\"]"));
    /* Walks that fail leave what the last one found, for a while; then it is not known, which moves
     * nothing either. */
    fake_ses_script(world->ses, SV_SES_RECOMMENDATIONS, 0, 1000, SV_EMALFORMED);
    ask_more(world, 8);
    assert_int_equal(world->told_count, before + 1);
}

static void what_fails_is_not_asked_again_at_once(void **state)
{
    static const enum sv_err errs[] = {SV_EMALFORMED, SV_EREFUSED, SV_EDENIED};

    for (size_t i = 0; i < sizeof errs / sizeof errs[0]; i++) {
        struct world *world = *state;
        size_t calls, told, walks;

        start(world);
        told = world->told_count;
        calls = fake_ses_count(world->ses, SV_SES_METRICS);
        fake_ses_script(world->ses, SV_SES_METRICS, 0, 100000, errs[i]);
        walks = fake_ses_count(world->ses, SV_SES_RECOMMENDATIONS);
        world_linger(world, 30 * EVERY_MS);
        walks = fake_ses_count(world->ses, SV_SES_RECOMMENDATIONS) - walks;
        calls = fake_ses_count(world->ses, SV_SES_METRICS) - calls;
        assert_in_range(calls, 1, errs[i] == SV_EMALFORMED ? walks + 2 : walks / 4 + 2);
        assert_int_equal(world->told_count, told);
        fake_ses_script(world->ses, SV_SES_METRICS, 0, 0, SV_OK);
        set_mail(world, 60, 0);
        ask_more(world, 2); /* it comes back by itself */
        assert_int_equal(world->told_count, told + 1);
        world_end(world);
        world_new(world);
    }
}

/* A pending domain sends nothing; and nobody asks while the account has it off. */
static void only_mail_that_is_sent_is_asked_about(void **state)
{
    struct world *world = *state;

    world->account.reputation_every_ms = EVERY_MS;
    world_start(world);
    world_push(world, "{'type':'register','client_id':'c','domain':'a.example','id':'j1'}");
    world_expect_answer(world, "j1", "done", "");
    world_linger(world, 4 * EVERY_MS);
    assert_int_equal(fake_ses_count(world->ses, SV_SES_METRICS), 0);
    assert_true(fake_ses_count(world->ses, SV_SES_RECOMMENDATIONS) > 0);
    world_end(world);
    world_new(world);
    world_start(world);
    world_push(world, "{'type':'register','client_id':'c','domain':'a.example','id':'j1'}");
    world_expect_answer(world, "j1", "done", "");
    world_heal(world, name);
    world_until(world, is_verified, "it is verified");
    world_linger(world, 4 * EVERY_MS);
    assert_int_equal(fake_ses_count(world->ses, SV_SES_METRICS), 0);
    assert_int_equal(fake_ses_count(world->ses, SV_SES_RECOMMENDATIONS), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(crossing_a_limit_is_told_once),
        WORLD_TEST(a_recommendation_reaches_the_domain_it_names),
        WORLD_TEST(what_fails_is_not_asked_again_at_once),
        WORLD_TEST(only_mail_that_is_sent_is_asked_about),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
