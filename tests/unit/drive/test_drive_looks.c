#include <stdio.h>
#include <string.h>

#include "drive_world.h"

/* What a look may and may not conclude from half an answer. */

static const char *const name = "a.example";

static void start_registered(struct world *world)
{
    world_start(world);
    world_push(world, "{'type':'register','client_id':'c','domain':'a.example','id':'j1',"
                      "'mail_from':'bounce'}");
    world_expect_answer(world, "j1", "done", "");
}

static bool is_verified(struct world *world)
{
    return world_count(world, name, "verified") > 0;
}

static void commit_more(struct world *world, uint64_t times)
{
    uint64_t from = world_stats(world).checks_committed;

    while (world_stats(world).checks_committed < from + times)
        world_turn(world, true);
}

static size_t news(const struct world *world)
{
    size_t count = 0;

    for (size_t i = 0; i < world->told_count; i++)
        count += strcmp(world->told[i].kind, "job") != 0;
    return count;
}

static void two_of_three_reads_are_none(void **state)
{
    static const enum sv_ses_op ops[] = {SV_SES_READ_IDENTITIES, SV_SES_READ_DKIM,
                                         SV_SES_READ_MAIL_FROM};

    for (size_t i = 0; i < 3; i++) {
        struct world *world = *state;

        start_registered(world);
        fake_ses_script(world->ses, ops[i], 0, 1000, SV_EMALFORMED);
        world_heal(world, name);
        commit_more(world, 6);
        assert_false(is_verified(world));
        fake_ses_script(world->ses, ops[i], 0, 0, SV_OK);
        world_until(world, is_verified, "it is verified");
        world_end(world);
        world_new(world);
    }
}

static size_t alias_questions(const struct world *world, enum sv_rr_type type)
{
    const struct sv_ses_identity *identity = fake_ses_find(world->ses, name);
    char owner[SV_NAME_BYTES];

    (void)snprintf(owner, sizeof owner, "%.60s._domainkey.%s", identity->tokens[0], name);
    return sv_fake_resolver_asked(world->resolver, owner, type);
}

/* The first look asks for alias and key, the next ones for what tells of both. */
static void what_was_right_is_asked_for_once(void **state)
{
    struct world *world = *state;
    size_t aliases, keys;

    start_registered(world);
    world_heal(world, name);
    world_until(world, is_verified, "it is verified");
    commit_more(world, 2); /* of which one may have begun before */
    aliases = alias_questions(world, SV_RR_CNAME);
    keys = alias_questions(world, SV_RR_TXT);
    assert_true(aliases > 0);
    commit_more(world, 6);
    assert_int_equal(alias_questions(world, SV_RR_CNAME), aliases);
    assert_true(alias_questions(world, SV_RR_TXT) >= keys + 5);
}

/* A resolver that takes no question now has said nothing. */
static void a_busy_resolver_is_no_answer(void **state)
{
    struct world *world = *state;
    size_t before;

    start_registered(world);
    world_heal(world, name);
    world_until(world, is_verified, "it is verified");
    commit_more(world, 6);
    before = news(world);
    sv_fake_resolver_set_busy(world->resolver, true);
    commit_more(world, 6);
    sv_fake_resolver_set_busy(world->resolver, false);
    commit_more(world, 6);
    assert_int_equal(news(world), before);
}

/* A record at a doubled name explains what is wrong; when nobody can tell whether it is still
 * there, the explanation stays, and no event says otherwise. */
static void a_silent_probe_changes_no_finding(void **state)
{
    struct world *world = *state;
    const struct sv_ses_identity *identity;
    char doubled[3][SV_NAME_BYTES];
    size_t before;

    start_registered(world);
    identity = fake_ses_find(world->ses, name);
    for (size_t i = 0; i < 3; i++) {
        char target[SV_NAME_BYTES];

        (void)snprintf(doubled[i], sizeof doubled[i], "%.60s._domainkey.a.example.a.example",
                       identity->tokens[i]);
        (void)snprintf(target, sizeof target, "%.60s.dkim.amazonses.com", identity->tokens[i]);
        sv_fake_resolver_add_cname(world->resolver, doubled[i], target);
    }
    commit_more(world, 8);
    before = news(world);
    assert_non_null(strstr(world->told[world->told_count - 1].text, "dkim_cname_doubled_suffix"));
    for (size_t i = 0; i < 3; i++)
        sv_fake_resolver_trouble(world->resolver, doubled[i], SV_RR_NONE, SV_DNS_TIMEOUT);
    commit_more(world, 6);
    sv_fake_resolver_trouble(world->resolver, "*", SV_RR_NONE, SV_DNS_TIMEOUT);
    commit_more(world, 6);
    assert_int_equal(news(world), before);
}

/* A finding about no record in particular stays, too, while the record it is about is silent. */
static void silence_hides_no_finding(void **state)
{
    struct world *world = *state;
    char owner[SV_NAME_BYTES];
    size_t before;

    start_registered(world);
    (void)snprintf(owner, sizeof owner, "%.60s._domainkey.a.example",
                   fake_ses_find(world->ses, name)->tokens[0]);
    sv_fake_resolver_add_cname(world->resolver, owner, "one.example");
    sv_fake_resolver_add_cname(world->resolver, owner, "two.example");
    commit_more(world, 8);
    before = news(world);
    assert_non_null(strstr(world->told[world->told_count - 1].text, "dns_cname_multiple"));
    sv_fake_resolver_trouble(world->resolver, owner, SV_RR_NONE, SV_DNS_TIMEOUT);
    commit_more(world, 6);
    assert_int_equal(news(world), before);
}

static bool is_told_of_ses(struct world *world)
{
    return world->told_count > 0 &&
           strstr(world->told[world->told_count - 1].text, "\"dkim_ses_pending\"") != NULL;
}

/* The one code that no judge of DNS can find. It rides on the event of the conclusion, and causes
 * none of its own. */
static void dkim_ses_pending_is_told_while_SES_alone_is_waited_for(void **state)
{
    struct world *world = *state;
    struct sv_ses_identity *identity;
    size_t before;

    start_registered(world);
    world_heal(world, name);
    identity = fake_ses_find(world->ses, name);
    identity->identity = identity->dkim = SV_AXIS_PENDING;
    world_until(world, is_told_of_ses, "SES is waited for");
    before = news(world);
    commit_more(world, 6);
    assert_int_equal(news(world), before);
    world_heal(world, name);
    world_until(world, is_verified, "it is verified");
    assert_false(is_told_of_ses(world));
}

/* The deadline of all questions ends a look; what came in time counts. */
static void questions_have_a_deadline(void **state)
{
    struct world *world = *state;

    world->options.dns_ms = 30;
    start_registered(world);
    world_heal(world, name);
    sv_fake_resolver_hold(world->resolver, true);
    world_until(world, is_verified, "it is verified");
    sv_fake_resolver_hold(world->resolver, false);
    commit_more(world, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(two_of_three_reads_are_none),
        WORLD_TEST(what_was_right_is_asked_for_once),
        WORLD_TEST(a_busy_resolver_is_no_answer),
        WORLD_TEST(a_silent_probe_changes_no_finding),
        WORLD_TEST(silence_hides_no_finding),
        WORLD_TEST(questions_have_a_deadline),
        WORLD_TEST(dkim_ses_pending_is_told_while_SES_alone_is_waited_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
