/* Settings that somebody else changes at SES, and each restart by its own call. */
#include <stdio.h>
#include <string.h>

#include "drive_world.h"
#include "sv/domain.h"

#define REGISTER "{'type':'register','client_id':'c','domain':'a.example',"

static const char *const name = "a.example";

static const struct sv_ses_setup easy = {.dkim = SV_DKIM_EASY};
static const struct sv_ses_setup own = {
    .dkim = SV_DKIM_BYODKIM,
    .selector = "sv1",
    .private_key = "MII-private",
    .public_key = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDTVp62sRKVvttjAeh3eQpJcYkfxVhckGeC"
                  "Gwo2TD2lPsfvI1socptJIZ6BZSIp4+SA5QSQdMmzwnu97waF+9Zfl664/aaErYb2VuY2z5wq"
                  "Yv+5+h8C0fO+prKSQy06Lecd4ddsArSTkiSX0958SSi8o33Ex4WZyKMFiI1BzJvNNQIDAQAB"};
static const struct sv_ses_setup replica = {.dkim = SV_DKIM_DEED, .parent_region = "us-east-1"};

/* The first event from `from` on that says so; NULL = none yet. */
static const struct world_told *saying(const struct world *world, size_t from, const char *text)
{
    for (size_t i = from; i < world->told_count; i++) {
        if (strstr(world->told[i].text, text) != NULL)
            return &world->told[i];
    }
    return NULL;
}

static const struct world_told *hear(struct world *world, size_t from, const char *text)
{
    uint64_t until = world_now_ms() + WORLD_PATIENCE_MS;
    const struct world_told *told;

    while ((told = saying(world, from, text)) == NULL) {
        if (world_now_ms() > until)
            fail_msg("nobody said %s", text);
        world_turn(world, true);
    }
    return told;
}

static void publish_mail_from(struct world *world)
{
    sv_fake_resolver_add_mx(world->resolver, "bounce.a.example", 10,
                            "feedback-smtp.eu-west-1.amazonses.com");
    sv_fake_resolver_add_txt(world->resolver, "bounce.a.example",
                             "v=spf1 include:amazonses.com ~all");
}

static void start_verified(struct world *world, const struct sv_ses_setup *setup)
{
    world->account.setup = setup;
    world->options.policy.restarts_per_day = 1000;
    world_start(world);
    world_push(world, REGISTER "'id':'j1','mail_from':'bounce'}");
    world_expect_answer(world, "j1", "done", "");
    publish_mail_from(world);
    world_heal(world, name);
    (void)hear(world, 0, "domain.verified.v1");
}

static struct sv_ses_identity *at_ses(struct world *world)
{
    struct sv_ses_identity *identity = fake_ses_find(world->ses, name);

    assert_non_null(identity);
    return identity;
}

/* Somebody asked SES for new keys. The client hears which records count now, once; what DNS says of
 * the old ones makes nothing wrong. */
static void tokens_that_change_are_the_records_of_now(void **state)
{
    struct world *world = *state;
    const struct world_told *told;
    size_t from;

    start_verified(world, &easy);
    world_linger(world, 100);
    from = world->told_count;
    for (size_t i = 0; i < SV_SES_TOKENS_MAX; i++)
        (void)snprintf(at_ses(world)->tokens[i], SV_SES_TOKEN_BYTES, "fresh%zu", i);
    told = hear(world, from, "dns_records_changed");
    assert_string_equal(told->kind, "updated");
    assert_non_null(strstr(told->text, "\"name\":\"fresh0._domainkey.a.example\""));
    assert_non_null(strstr(told->text, "\"dns_records\":{\"old\":null,\"new\":[\"fresh0"));
    assert_null(strstr(told->text, "token1"));
    assert_null(strstr(told->text, "\"drift\":[\""));
    from = world->told_count;
    world_heal(world, name); /* the client follows */
    world_linger(world, 300);
    assert_null(saying(world, from, "dns_records_changed"));
    assert_int_equal(world_count(world, name, "failed"), 0);
    assert_int_equal(world_count(world, name, "registered"), 1);
}

/* The same tokens in another order, or none at all, are no other tokens. */
static void an_order_is_no_change(void **state)
{
    struct world *world = *state;
    struct sv_ses_identity *identity;
    char first[SV_SES_TOKEN_BYTES];

    start_verified(world, &easy);
    identity = at_ses(world);
    (void)snprintf(first, sizeof first, "%s", identity->tokens[0]);
    memcpy(identity->tokens[0], identity->tokens[2], sizeof first);
    memcpy(identity->tokens[2], first, sizeof first);
    world_linger(world, 200);
    identity->tokens_count = 0;
    world_linger(world, 200);
    assert_null(saying(world, 0, "dns_records_changed"));
}

/* A key of somebody's own at SES where we set up SES's keys: told, and never changed back. */
static void another_method_is_told_and_left(void **state)
{
    struct world *world = *state;
    const struct world_told *told;

    start_verified(world, &easy);
    at_ses(world)->dkim_method = SV_DKIM_BYODKIM;
    memset(at_ses(world)->tokens, 0, sizeof at_ses(world)->tokens);
    (void)snprintf(at_ses(world)->tokens[0], SV_SES_TOKEN_BYTES, "theirs");
    at_ses(world)->tokens_count = 1;
    told = hear(world, 0, "\"drift\":[\"dkim_method\"]");
    assert_null(strstr(told->text, "\"name\":\"theirs")); /* nobody knows what belongs there */
    world_linger(world, 200);
    assert_int_equal(fake_ses_count(world->ses, SV_SES_PUT_SIGNING), 0);
    assert_int_equal(world_count(world, name, "failed"), 0);
}

static const char *const mail_froms[] = {"", "other.a.example"};

/* Switched off, or another: told, put back, told again; three times, then it is left alone. */
static void a_mail_from_is_put_back_thrice(void **state)
{
    for (size_t i = 0; i < sizeof mail_froms / sizeof mail_froms[0]; i++) {
        struct world *world = *state;
        size_t puts, from;

        start_verified(world, &easy);
        for (int round = 0; round < SV_RESTORES_MAX; round++) {
            at_ses(world)->mail_from = SV_AXIS_SUCCESS;
            world_linger(world, 100);
            from = world->told_count;
            (void)snprintf(at_ses(world)->mail_from_domain, SV_NAME_BYTES, "%s", mail_froms[i]);
            (void)hear(world, from, "settings_drifted");
            (void)hear(world, from, "settings_restored");
            assert_string_equal(at_ses(world)->mail_from_domain, "bounce.a.example");
        }
        puts = fake_ses_count(world->ses, SV_SES_PUT_MAIL_FROM);
        from = world->told_count;
        (void)snprintf(at_ses(world)->mail_from_domain, SV_NAME_BYTES, "%s", mail_froms[i]);
        (void)hear(world, from, "\"drift\":[\"mail_from\"]");
        world_linger(world, 300);
        assert_int_equal(fake_ses_count(world->ses, SV_SES_PUT_MAIL_FROM), puts);
        from = world->told_count;
        world_push(world, REGISTER "'id':'j2','mail_from':'bounce'}"); /* the count starts anew */
        (void)hear(world, from, "settings_restored");
        assert_string_equal(at_ses(world)->mail_from_domain, "bounce.a.example");
        world_end(world);
        world_new(world);
    }
}

/* What belongs to another MAIL FROM says nothing of ours. */
static void the_success_of_another_mail_from_is_not_ours(void **state)
{
    struct world *world = *state;
    size_t from;

    start_verified(world, &easy);
    world->options.policy.restarts_per_day = 0;
    at_ses(world)->mail_from = SV_AXIS_SUCCESS;
    (void)hear(world, 0, "\"mail_from\":{\"old\":\"pending\",\"new\":\"success\"}");
    from = world->told_count;
    (void)snprintf(at_ses(world)->mail_from_domain, SV_NAME_BYTES, "other.a.example");
    (void)hear(world, from, "\"mail_from\":{\"old\":\"success\",\"new\":\"none\"}");
}

/* A Get, which is made where a read fails, tells of the configuration set as well. */
static void a_configuration_set_is_put_back(void **state)
{
    static const struct sv_ses_setup with_set = {.dkim = SV_DKIM_EASY,
                                                 .configuration_set = "clients"};
    struct world *world = *state;

    start_verified(world, &with_set);
    assert_string_equal(at_ses(world)->configuration_set, "clients");
    (void)snprintf(at_ses(world)->configuration_set, SV_SES_SET_BYTES, "theirs");
    at_ses(world)->dkim = SV_AXIS_TEMPORARY_FAILURE;
    (void)hear(world, 0, "\"drift\":[\"configuration_set\"]");
    (void)hear(world, 0, "settings_restored");
    assert_string_equal(at_ses(world)->configuration_set, "clients");
    assert_int_equal(fake_ses_count(world->ses, SV_SES_PUT_CONFIGURATION_SET), 1);
}

/* A job that asks for another MAIL FROM changes what is to be published. */
static void registering_anew_tells_the_new_records(void **state)
{
    struct world *world = *state;
    const struct world_told *told;

    start_verified(world, &easy);
    world_push(world, REGISTER "'id':'j2','mail_from':'mail'}");
    told = hear(world, 0, "dns_records_changed");
    assert_non_null(strstr(told->text, "\"name\":\"mail.a.example\""));
    assert_int_equal(world_count(world, name, "registered"), 1);
}

/* What SES gave up is restarted by the call of its kind, and by no other. */
static const struct {
    const char *what;
    const struct sv_ses_setup *setup;
    const char *job;
    enum sv_axis identity, dkim;
    bool verify_dkim, put_signing, verify_domain;
} restarts[] = {
    {"Easy DKIM", &easy, REGISTER "'id':'j1'}", SV_AXIS_FAILED, SV_AXIS_FAILED, true, false, false},
    {"own key", &own, REGISTER "'id':'j1'}", SV_AXIS_FAILED, SV_AXIS_FAILED, false, true, false},
    {"DKIM alone", &easy, REGISTER "'id':'j1','legacy_txt':true}", SV_AXIS_SUCCESS, SV_AXIS_FAILED,
     true, false, false},
    {"both", &easy, REGISTER "'id':'j1','legacy_txt':true}", SV_AXIS_FAILED, SV_AXIS_FAILED, true,
     false, true},
    {"ownership alone", &easy, REGISTER "'id':'j1','legacy_txt':true}", SV_AXIS_FAILED,
     SV_AXIS_SUCCESS, false, false, true},
    {"ownership alone, without a record", &easy, REGISTER "'id':'j1'}", SV_AXIS_FAILED,
     SV_AXIS_SUCCESS, false, false, true},
};

static void publish(struct world *world, const struct sv_ses_setup *setup)
{
    char value[400];

    if (setup->dkim != SV_DKIM_BYODKIM) {
        world_heal(world, name);
        return;
    }
    (void)snprintf(value, sizeof value, "p=%s", setup->public_key);
    sv_fake_resolver_add_txt(world->resolver, "sv1._domainkey.a.example", value);
}

static bool is_restarted(struct world *world)
{
    return at_ses(world)->identity != SV_AXIS_FAILED && at_ses(world)->dkim != SV_AXIS_FAILED;
}

static void every_kind_has_its_restart(void **state)
{
    for (size_t i = 0; i < sizeof restarts / sizeof restarts[0]; i++) {
        struct world *world = *state;
        size_t domains;

        print_message("%s\n", restarts[i].what);
        world->account.setup = restarts[i].setup;
        world_start(world);
        world_push(world, restarts[i].job);
        world_expect_answer(world, "j1", "done", "");
        domains = fake_ses_count(world->ses, SV_SES_VERIFY_DOMAIN);
        publish(world, restarts[i].setup);
        at_ses(world)->identity = restarts[i].identity;
        at_ses(world)->dkim = restarts[i].dkim;
        world_until(world, is_restarted, "SES looks again");
        world_linger(world, 20);
        assert_int_equal(fake_ses_count(world->ses, SV_SES_VERIFY_DKIM), restarts[i].verify_dkim);
        assert_int_equal(fake_ses_count(world->ses, SV_SES_PUT_SIGNING), restarts[i].put_signing);
        assert_int_equal(fake_ses_count(world->ses, SV_SES_VERIFY_DOMAIN) - domains,
                         restarts[i].verify_domain);
        assert_int_equal(fake_ses_count(world->ses, SV_SES_DELETE), 0);
        assert_int_equal(fake_ses_count(world->ses, SV_SES_CREATE), 1);
        world_end(world);
        world_new(world);
    }
}

/* No call restarts a replica and leaves it one; nor a key that we do not hold. */
static void what_cannot_be_restarted_says_so(void **state)
{
    struct world *world = *state;

    world->account.setup = &replica;
    world_start(world);
    world_push(world, REGISTER "'id':'j1'}");
    world_expect_answer(world, "j1", "done", "");
    world_heal(world, name);
    at_ses(world)->identity = at_ses(world)->dkim = SV_AXIS_FAILED;
    (void)hear(world, 0, "\"conclusion\":\"ses_gave_up_operator_needed\"");
    world_linger(world, 200);
    assert_int_equal(fake_ses_count(world->ses, SV_SES_VERIFY_DKIM), 0);
    assert_int_equal(fake_ses_count(world->ses, SV_SES_PUT_SIGNING), 0);
    at_ses(world)->identity = at_ses(world)->dkim = SV_AXIS_SUCCESS; /* its parent is well again */
    (void)hear(world, 0, "domain.verified.v1");
}

static bool dkim_was_called(struct world *world)
{
    return fake_ses_count(world->ses, SV_SES_VERIFY_DKIM) > 0;
}

/* A restart may bring other tokens (ses facts section 5): they are told with it. */
static void a_restart_with_other_tokens_tells_them(void **state)
{
    struct world *world = *state;
    const struct world_told *told;

    world->account.setup = &easy;
    world_start(world);
    world_push(world, REGISTER "'id':'j1'}");
    world_expect_answer(world, "j1", "done", "");
    world_heal(world, name);
    at_ses(world)->identity = at_ses(world)->dkim = SV_AXIS_FAILED;
    fake_ses_script(world->ses, SV_SES_VERIFY_DKIM, 0, 1, SV_EUNAVAILABLE);
    world_until(world, dkim_was_called, "the restart is tried");
    (void)snprintf(at_ses(world)->tokens[1], SV_SES_TOKEN_BYTES, "fresh");
    told = hear(world, 0, "dns_records_changed");
    assert_non_null(strstr(told->text, "\"name\":\"fresh._domainkey.a.example\""));
}

/* An identity that we adopted and somebody deleted is not ours to make; one that comes back is seen
 * at once. */
static void an_adopted_identity_that_is_gone_is_waited_for(void **state)
{
    struct world *world = *state;
    struct sv_ses_identity before = {.identity = SV_AXIS_SUCCESS,
                                     .dkim = SV_AXIS_SUCCESS,
                                     .signing_enabled = SV_TRI_YES,
                                     .dkim_method = SV_DKIM_EASY,
                                     .tokens_count = 3,
                                     .tokens = {"a1", "a2", "a3"}};

    fake_ses_set(world->ses, name, &before);
    world_start(world);
    world_push(world, "{'type':'adopt','client_id':'c','domain':'a.example','id':'j1'}");
    world_expect_answer(world, "j1", "done", "");
    world_heal(world, name);
    (void)hear(world, 0, "\"conclusion\":\"all_good\"");
    fake_ses_remove(world->ses, name);
    (void)hear(world, 0, "\"reason\":\"identity_gone\"");
    world_linger(world, 300);
    assert_int_equal(fake_ses_count(world->ses, SV_SES_CREATE), 0);
    assert_null(fake_ses_find(world->ses, name));
    fake_ses_set(world->ses, name, &before);
    (void)hear(world, 0, "domain.restored.v1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(tokens_that_change_are_the_records_of_now),
        WORLD_TEST(an_order_is_no_change),
        WORLD_TEST(another_method_is_told_and_left),
        WORLD_TEST(a_mail_from_is_put_back_thrice),
        WORLD_TEST(the_success_of_another_mail_from_is_not_ours),
        WORLD_TEST(a_configuration_set_is_put_back),
        WORLD_TEST(registering_anew_tells_the_new_records),
        WORLD_TEST(every_kind_has_its_restart),
        WORLD_TEST(what_cannot_be_restarted_says_so),
        WORLD_TEST(a_restart_with_other_tokens_tells_them),
        WORLD_TEST(an_adopted_identity_that_is_gone_is_waited_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
