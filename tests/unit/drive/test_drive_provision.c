/* How identities come to be as their account's settings want them: made, found, found half made,
 * and every way that can be interrupted. */
#include <stdio.h>
#include <string.h>

#include "drive_world.h"

#define REGISTER "{'type':'register','client_id':'c','domain':'a.example',"
#define ADOPT    "{'type':'adopt','client_id':'c','domain':'a.example',"
#define REMOVE   "{'type':'remove','client_id':'c','domain':'a.example','delete_identity':true,"

static const char *const name = "a.example";

static const struct sv_ses_setup easy = {.dkim = SV_DKIM_EASY};
static const struct sv_ses_setup with_set = {.dkim = SV_DKIM_EASY, .configuration_set = "clients"};
static const struct sv_ses_setup own = {.dkim = SV_DKIM_BYODKIM,
                                        .selector = "sv1",
                                        .private_key = "MII-private",
                                        .public_key = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCB"};
static const struct sv_ses_setup replica = {.dkim = SV_DKIM_DEED, .parent_region = "us-east-1"};

static const struct world_told *told(const struct world *world, const char *kind)
{
    for (size_t i = 0; i < world->told_count; i++) {
        if (strcmp(world->told[i].kind, kind) == 0)
            return &world->told[i];
    }
    return NULL;
}

static bool says(const struct world_told *event, const char *text)
{
    return event != NULL && strstr(event->text, text) != NULL;
}

static struct sv_ses_identity existing(enum sv_dkim_method method, enum sv_axis dkim)
{
    struct sv_ses_identity identity = {.identity = dkim,
                                       .dkim = dkim,
                                       .signing_enabled = SV_TRI_YES,
                                       .dkim_method = method,
                                       .dkim_key_made_at = method == SV_DKIM_EASY ? 1000 : 0,
                                       .tokens_count = method == SV_DKIM_BYODKIM ? 1 : 3,
                                       .tokens = {"old1", "old2", "old3"},
                                       .hosted_zone = "dkim.amazonses.com"};

    return identity;
}

static void register_it(struct world *world, const struct sv_ses_setup *setup, const char *job)
{
    world->account.setup = setup;
    world_start(world);
    world_push(world, job);
    world_expect_answer(world, "j1", "done", "");
    assert_non_null(told(world, "registered"));
}

/* What SES has, against the setup; what it was called for. */
static const struct {
    const char *what;
    const struct sv_ses_setup *setup;
    enum sv_dkim_method before; /* UNKNOWN = SES does not know the domain */
    enum sv_axis dkim;
    const char *job;
    const char *shows;   /* in `registered` */
    const char *existed; /* in `registered` and the answer */
    size_t signings, sets, verifies;
} cases[] = {
    {"made: Easy DKIM", &easy, SV_DKIM_UNKNOWN, 0, REGISTER "'id':'j1'}",
     "\"type\":\"CNAME\",\"name\":\"token1", "\"identity_existed\":false", 0, 0, 0},
    {"made: own key", &own, SV_DKIM_UNKNOWN, 0, REGISTER "'id':'j1'}",
     "\"type\":\"TXT\",\"name\":\"sv1._domainkey.a.example\",\"host\":\"sv1._domainkey\","
     "\"value\":\"v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCB\"",
     "\"identity_existed\":false", 0, 0, 0},
    {"made: replica", &replica, SV_DKIM_UNKNOWN, 0, REGISTER "'id':'j1'}",
     "\"type\":\"CNAME\",\"name\":\"token1", "\"identity_existed\":false", 0, 0, 0},
    {"made: with a configuration set", &with_set, SV_DKIM_UNKNOWN, 0, REGISTER "'id':'j1'}",
     "token1", "\"identity_existed\":false", 0, 0, 0},
    {"there: as wanted", &easy, SV_DKIM_EASY, SV_AXIS_SUCCESS, REGISTER "'id':'j1'}",
     "\"name\":\"old1._domainkey.a.example\"", "\"identity_existed\":true", 0, 0, 0},
    {"there: without the configuration set", &with_set, SV_DKIM_EASY, SV_AXIS_SUCCESS,
     REGISTER "'id':'j1'}", "old1", "\"identity_existed\":true", 0, 1, 0},
    {"there: another method, at work", &own, SV_DKIM_EASY, SV_AXIS_SUCCESS, REGISTER "'id':'j1'}",
     "\"name\":\"old1._domainkey.a.example\"", "\"identity_existed\":true", 0, 0, 0},
    {"there: another method, in its grace period", &own, SV_DKIM_EASY, SV_AXIS_TEMPORARY_FAILURE,
     REGISTER "'id':'j1'}", "\"name\":\"old1._domainkey.a.example\"", "\"identity_existed\":true",
     0, 0, 0},
    {"there: another method, not at work", &own, SV_DKIM_EASY, SV_AXIS_FAILED,
     REGISTER "'id':'j1'}", "\"name\":\"sv1._domainkey.a.example\"", "\"identity_existed\":true", 1,
     0, 0},
    {"there: somebody's own key, not at work", &easy, SV_DKIM_BYODKIM, SV_AXIS_PENDING,
     REGISTER "'id':'j1'}", "\"name\":\"token1", "\"identity_existed\":true", 1, 0, 0},
    {"there: a replica is never made of it", &replica, SV_DKIM_EASY, SV_AXIS_PENDING,
     REGISTER "'id':'j1'}", "\"name\":\"old1", "\"identity_existed\":true", 0, 0, 0},
    {"adopted: another method stays", &own, SV_DKIM_EASY, SV_AXIS_FAILED, ADOPT "'id':'j1'}",
     "\"name\":\"old1._domainkey.a.example\"", "\"identity_existed\":true", 0, 0, 0},
};

static void every_setup_comes_about(void **state)
{
    struct world *world = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sv_ses_identity before = existing(cases[i].before, cases[i].dkim);
        const struct sv_ses_identity *after;
        const char *set = cases[i].setup->configuration_set;

        print_message("%s\n", cases[i].what);
        if (cases[i].before != SV_DKIM_UNKNOWN)
            fake_ses_set(world->ses, name, &before);
        register_it(world, cases[i].setup, cases[i].job);
        assert_true(says(told(world, "registered"), cases[i].shows));
        assert_true(says(told(world, "registered"), cases[i].existed));
        assert_true(says(world_answer(world, "j1"), cases[i].existed));
        assert_int_equal(fake_ses_count(world->ses, SV_SES_PUT_SIGNING), cases[i].signings);
        assert_int_equal(fake_ses_count(world->ses, SV_SES_PUT_CONFIGURATION_SET), cases[i].sets);
        assert_int_equal(fake_ses_count(world->ses, SV_SES_VERIFY_DKIM), cases[i].verifies);
        assert_int_equal(fake_ses_count(world->ses, SV_SES_DELETE), 0);
        after = fake_ses_find(world->ses, name);
        assert_string_equal(after->configuration_set, set != NULL ? set : "");
        world_end(world);
        world_new(world);
    }
}

/* Nobody can tell what belongs at a selector that is not ours: nothing is asked for, nothing is
 * wrong, and SES's word is enough. */
static void somebodys_own_key_is_no_token(void **state)
{
    struct world *world = *state;
    struct sv_ses_identity before = existing(SV_DKIM_BYODKIM, SV_AXIS_SUCCESS);

    fake_ses_set(world->ses, name, &before);
    register_it(world, &easy, ADOPT "'id':'j1'}");
    assert_false(says(told(world, "registered"), "old1"));
    while (told(world, "verified") == NULL)
        world_turn(world, true);
    assert_false(says(told(world, "verified"), "dkim_cname"));
    assert_false(says(told(world, "verified"), "dns_wrong"));
}

/* Verified by TXT alone: SES was never asked for DKIM. */
static void an_identity_without_dkim_gets_some(void **state)
{
    static const char *const jobs[] = {REGISTER "'id':'j1'}", ADOPT "'id':'j1'}"};
    struct world *world = *state;

    for (size_t i = 0; i < sizeof jobs / sizeof jobs[0]; i++) {
        struct sv_ses_identity before = {
            .identity = SV_AXIS_SUCCESS, .dkim = SV_AXIS_NOT_STARTED, .signing_enabled = SV_TRI_NO};

        fake_ses_set(world->ses, name, &before);
        register_it(world, &easy, jobs[i]);
        assert_int_equal(fake_ses_count(world->ses, SV_SES_VERIFY_DKIM), 1);
        assert_true(says(told(world, "registered"), "\"name\":\"token1"));
        world_end(world);
        world_new(world);
    }
}

/* The answer to Create is lost with the worker: the next one finds what the first one made. */
static void what_a_dead_worker_made_is_ours(void **state)
{
    static const struct sv_ses_setup *const setups[] = {&easy, &own, &replica};

    for (size_t i = 0; i < sizeof setups / sizeof setups[0]; i++) {
        struct world *world = *state;

        world->account.setup = setups[i];
        world_start(world);
        world_push(world, REGISTER "'id':'j1','mail_from':'bounce'}");
        fake_ses_script(world->ses, SV_SES_PUT_MAIL_FROM, 0, 1000, SV_EUNAVAILABLE);
        while (fake_ses_count(world->ses, SV_SES_PUT_MAIL_FROM) == 0)
            world_turn(world, true);
        world_close_drive(world);
        assert_null(told(world, "registered"));
        fake_ses_script(world->ses, SV_SES_PUT_MAIL_FROM, 0, 0, SV_OK);
        world_start(world);
        world_expect_answer(world, "j1", "done", "");
        assert_true(fake_ses_count(world->ses, SV_SES_CREATE) >= 2);
        assert_int_equal(fake_ses_count(world->ses, SV_SES_PUT_SIGNING), 0);
        assert_true(says(told(world, "registered"), "\"identity_existed\":false"));
        assert_string_equal(fake_ses_find(world->ses, name)->mail_from_domain, "bounce.a.example");
        world_end(world);
        world_new(world);
    }
}

/* The same MAIL FROM once more would make SES look for it from the start. */
static void a_mail_from_that_is_there_is_left_alone(void **state)
{
    struct world *world = *state;
    struct sv_ses_identity before = existing(SV_DKIM_EASY, SV_AXIS_SUCCESS);

    before.mail_from = SV_AXIS_SUCCESS;
    before.rejects_on_mx_failure = SV_TRI_NO;
    (void)snprintf(before.mail_from_domain, sizeof before.mail_from_domain, "bounce.a.example");
    fake_ses_set(world->ses, name, &before);
    register_it(world, &easy, REGISTER "'id':'j1','mail_from':'bounce'}");
    assert_int_equal(fake_ses_count(world->ses, SV_SES_PUT_MAIL_FROM), 0);
    world_push(world, REGISTER "'id':'j2','mail_from':'bounce',"
                               "'behavior_on_mx_failure':'reject_message'}");
    while (fake_ses_find(world->ses, name)->rejects_on_mx_failure != SV_TRI_YES)
        world_turn(world, true);
    assert_int_equal(fake_ses_count(world->ses, SV_SES_PUT_MAIL_FROM), 1);
}

/* Each refusal has its own answer; nobody hears of what never came to be. */
static const struct {
    enum sv_ses_op op;
    enum sv_err err;
    bool exists; /* SES has the identity already */
    const char *outcome, *reason;
} refusals[] = {
    {SV_SES_CREATE, SV_EQUOTA, false, "rejected", "ses_identity_quota"},
    {SV_SES_CREATE, SV_ENOTFOUND, false, "dead", "configuration_set_not_found"},
    {SV_SES_CREATE, SV_EREFUSED, false, "dead", "ses_refused"},
    {SV_SES_PUT_CONFIGURATION_SET, SV_ENOTFOUND, true, "dead", "configuration_set_not_found"},
    {SV_SES_PUT_CONFIGURATION_SET, SV_EREFUSED, true, "dead", "ses_refused"},
};

static void every_refusal_has_its_answer(void **state)
{
    struct world *world = *state;

    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct sv_ses_identity before = existing(SV_DKIM_EASY, SV_AXIS_SUCCESS);

        if (refusals[i].exists)
            fake_ses_set(world->ses, name, &before);
        fake_ses_script(world->ses, refusals[i].op, 0, 1, refusals[i].err);
        world->account.setup = &with_set;
        world_start(world);
        world_push(world, REGISTER "'id':'j1'}");
        world_expect_answer(world, "j1", refusals[i].outcome, refusals[i].reason);
        assert_null(told(world, "registered"));
        world_push(world, REGISTER "'id':'j2'}"); /* the name is free for another try */
        world_expect_answer(world, "j2", "done", "");
        world_end(world);
        world_new(world);
    }
}

/* Somebody else is changing the same identity: look what is there, then go on. */
static void a_conflict_is_looked_at(void **state)
{
    static const enum sv_ses_op ops[] = {SV_SES_CREATE, SV_SES_PUT_CONFIGURATION_SET,
                                         SV_SES_PUT_MAIL_FROM, SV_SES_VERIFY_DOMAIN};

    for (size_t exists = 0; exists < 2; exists++) {
        for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
            struct world *world = *state;
            struct sv_ses_identity before = existing(SV_DKIM_EASY, SV_AXIS_SUCCESS);

            if (exists > 0)
                fake_ses_set(world->ses, name, &before);
            fake_ses_script(world->ses, ops[i], 0, 1, SV_ECONFLICT);
            register_it(world, &with_set,
                        REGISTER "'id':'j1','mail_from':'bounce','legacy_txt':true}");
            assert_string_equal(fake_ses_find(world->ses, name)->configuration_set, "clients");
            assert_string_equal(fake_ses_find(world->ses, name)->mail_from_domain,
                                "bounce.a.example");
            world_end(world);
            world_new(world);
        }
    }
}

/* SES says "exists", and then "not found": it was deleted in between. That is no reason to give the
 * client a final no. */
static void one_that_vanishes_is_made(void **state)
{
    struct world *world = *state;

    fake_ses_script(world->ses, SV_SES_CREATE, 0, 1, SV_EEXISTS);
    register_it(world, &easy, REGISTER "'id':'j1'}");
    assert_int_equal(fake_ses_seen(world->ses, 1)->op, SV_SES_GET);
    assert_int_equal(fake_ses_seen(world->ses, 1)->err, SV_ENOTFOUND);
    assert_non_null(fake_ses_find(world->ses, name));
}

static bool is_removed(struct world *world)
{
    return told(world, "removed") != NULL;
}

static void a_refused_deletion_leaves_all_as_it_was(void **state)
{
    struct world *world = *state;

    world->options.policy.first_look_ms = SV_HOUR; /* a look would answer `coalesced` */
    register_it(world, &easy, REGISTER "'id':'j1'}");
    fake_ses_script(world->ses, SV_SES_DELETE, 0, 1, SV_EREFUSED);
    world_push(world, REMOVE "'id':'j2'}");
    world_expect_answer(world, "j2", "dead", "ses_refused");
    assert_null(told(world, "removed"));
    world_push(world, REMOVE "'id':'j3'}");
    world_until(world, is_removed, "it is removed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(every_setup_comes_about),
        WORLD_TEST(somebodys_own_key_is_no_token),
        WORLD_TEST(an_identity_without_dkim_gets_some),
        WORLD_TEST(what_a_dead_worker_made_is_ours),
        WORLD_TEST(a_mail_from_that_is_there_is_left_alone),
        WORLD_TEST(every_refusal_has_its_answer),
        WORLD_TEST(a_conflict_is_looked_at),
        WORLD_TEST(one_that_vanishes_is_made),
        WORLD_TEST(a_refused_deletion_leaves_all_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
