/* The fake shows what it was told and fails when it was told to. */
#include "cmocka_all.h"

#include <string.h>

#include "fake_ses.h"

struct world {
    uv_loop_t loop;
    struct fake_ses *fake;
    bool closed;
};

static void begin(struct world *world)
{
    world->closed = false;
    assert_int_equal(uv_loop_init(&world->loop), 0);
    world->fake = fake_ses_new(&world->loop, sv_clock_system());
}

static void on_closed(void *context)
{
    struct world *world = context;

    world->closed = true;
}

static void end(struct world *world)
{
    sv_ses_close(fake_ses_interface(world->fake), on_closed, world);
    assert_int_equal(uv_run(&world->loop, UV_RUN_DEFAULT), 0);
    assert_true(world->closed);
    assert_int_equal(uv_loop_close(&world->loop), 0);
}

static void on_done(struct sv_ses_call *call, enum sv_err err)
{
    enum sv_err *out = call->owner;

    *out = err;
}

static enum sv_err ask(struct world *world, enum sv_ses_op op, const char *domain,
                       struct sv_ses_identity *result)
{
    enum sv_err err = SV_EINVALID;
    struct sv_ses_call call = {.owner = &err,
                               .op = op,
                               .domains = &domain,
                               .domains_count = 1,
                               .results = result,
                               .mail_from = "m.a.example"};

    assert_int_equal(sv_ses_start(fake_ses_interface(world->fake), &call, on_done, NULL), SV_OK);
    (void)uv_run(&world->loop, UV_RUN_DEFAULT);
    return err;
}

static void a_domain_lives(void **state)
{
    struct world world;
    struct sv_ses_identity result;

    (void)state;
    begin(&world);
    assert_int_equal(ask(&world, SV_SES_GET, "a.example", &result), SV_ENOTFOUND);
    assert_int_equal(ask(&world, SV_SES_PUT_MAIL_FROM, "a.example", &result), SV_EREFUSED);
    assert_int_equal(ask(&world, SV_SES_READ_DKIM, "a.example", &result), SV_OK);
    assert_false(result.listed);
    assert_int_equal(ask(&world, SV_SES_CREATE, "a.example", &result), SV_OK);
    assert_int_equal(result.tokens_count, 3);
    assert_int_equal(ask(&world, SV_SES_CREATE, "a.example", &result), SV_EEXISTS);
    assert_int_equal(ask(&world, SV_SES_PUT_MAIL_FROM, "a.example", &result), SV_OK);
    assert_int_equal(ask(&world, SV_SES_READ_MAIL_FROM, "A.example", &result), SV_OK);
    assert_int_equal(result.mail_from, SV_AXIS_PENDING);
    assert_int_equal(result.dkim, SV_AXIS_UNKNOWN); /* not what this read speaks of */
    fake_ses_find(world.fake, "a.example")->dkim = SV_AXIS_FAILED;
    assert_int_equal(ask(&world, SV_SES_VERIFY_DKIM, "a.example", &result), SV_OK);
    assert_int_equal(ask(&world, SV_SES_READ_DKIM, "a.example", &result), SV_OK);
    assert_int_equal(result.dkim, SV_AXIS_PENDING);
    assert_int_equal(ask(&world, SV_SES_VERIFY_DOMAIN, "a.example", &result), SV_OK);
    assert_string_equal(result.verification_token, "legacy-a.example");
    assert_int_equal(ask(&world, SV_SES_DELETE, "a.example", &result), SV_OK);
    assert_int_equal(ask(&world, SV_SES_DELETE, "a.example", &result), SV_OK);
    assert_null(fake_ses_find(world.fake, "a.example"));
    assert_int_equal(fake_ses_seen_count(world.fake), 12);
    assert_int_equal(fake_ses_count(world.fake, SV_SES_DELETE), 2);
    assert_int_equal(fake_ses_seen(world.fake, 0)->err, SV_ENOTFOUND);
    assert_string_equal(fake_ses_seen(world.fake, 5)->mail_from, "m.a.example");
    end(&world);
}

static enum sv_err ask_with(struct world *world, enum sv_ses_op op,
                            const struct sv_ses_setup *setup, struct sv_ses_identity *result)
{
    static const char *const domain = "a.example";
    enum sv_err err = SV_EINVALID;
    struct sv_ses_call call = {.owner = &err,
                               .op = op,
                               .domains = &domain,
                               .domains_count = 1,
                               .results = result,
                               .setup = setup};

    assert_int_equal(sv_ses_start(fake_ses_interface(world->fake), &call, on_done, NULL), SV_OK);
    (void)uv_run(&world->loop, UV_RUN_DEFAULT);
    return err;
}

static struct sv_ses_page page;

static enum sv_err list(struct world *world, const char *token)
{
    enum sv_err err = SV_EINVALID;
    struct sv_ses_call call = {.owner = &err, .op = SV_SES_LIST, .page = &page};

    call.page_token = token;
    assert_int_equal(sv_ses_start(fake_ses_interface(world->fake), &call, on_done, NULL), SV_OK);
    (void)uv_run(&world->loop, UV_RUN_DEFAULT);
    return err;
}

static void a_setup_is_kept(void **state)
{
    static const struct sv_ses_setup own = {
        .dkim = SV_DKIM_BYODKIM, .selector = "s1", .configuration_set = "one"};
    static const struct sv_ses_setup other = {.configuration_set = "two"};
    struct world world;
    struct sv_ses_identity result;

    (void)state;
    begin(&world);
    assert_int_equal(ask_with(&world, SV_SES_PUT_SIGNING, &own, &result), SV_ENOTFOUND);
    assert_int_equal(ask_with(&world, SV_SES_CREATE, &own, &result), SV_OK);
    assert_int_equal(result.dkim_method, SV_DKIM_BYODKIM);
    assert_int_equal(ask_with(&world, SV_SES_GET, NULL, &result), SV_OK);
    assert_int_equal(result.tokens_count, 1);
    assert_string_equal(result.tokens[0], "s1");
    assert_string_equal(result.configuration_set, "one");
    assert_int_equal(ask_with(&world, SV_SES_PUT_CONFIGURATION_SET, &other, &result), SV_OK);
    assert_int_equal(ask_with(&world, SV_SES_PUT_SIGNING, &other, &result), SV_OK);
    assert_int_equal(result.tokens_count, 3);
    assert_int_equal(ask_with(&world, SV_SES_GET, NULL, &result), SV_OK);
    assert_int_equal(result.dkim_method, SV_DKIM_EASY);
    assert_string_equal(result.configuration_set, "two");
    end(&world);
}

static void a_list_has_pages(void **state)
{
    struct world world;
    struct sv_ses_identity good = {.identity = SV_AXIS_SUCCESS};
    char token[SV_SES_PAGE_TOKEN_BYTES];

    (void)state;
    begin(&world);
    assert_int_equal(list(&world, NULL), SV_OK);
    assert_int_equal(page.count, 0);
    fake_ses_set(world.fake, "a.example", &good);
    fake_ses_set(world.fake, "someone@b.example", &good);
    fake_ses_set(world.fake, "c.example", &(struct sv_ses_identity){.identity = SV_AXIS_PENDING});
    fake_ses_page_size(world.fake, 2);
    assert_int_equal(list(&world, ""), SV_OK);
    assert_int_equal(page.count, 2);
    assert_string_equal(page.listed[0].name, "a.example");
    assert_true(page.listed[0].is_domain);
    assert_int_equal(page.listed[0].sending_enabled, SV_TRI_YES);
    assert_false(page.listed[1].is_domain);
    memcpy(token, page.next_token, sizeof token);
    assert_int_equal(list(&world, token), SV_OK);
    assert_int_equal(page.count, 1);
    assert_int_equal(page.listed[0].identity, SV_AXIS_PENDING);
    assert_string_equal(page.next_token, "");
    assert_int_equal(list(&world, "nobody's"), SV_ENOTFOUND);
    end(&world);
}

static void scripts_count(void **state)
{
    static const enum sv_err expected[] = {SV_OK, SV_OK, SV_ETHROTTLED, SV_ETHROTTLED, SV_OK};
    struct world world;
    struct sv_ses_identity result;

    (void)state;
    begin(&world);
    fake_ses_script(world.fake, SV_SES_READ_DKIM, 2, 2, SV_ETHROTTLED);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_int_equal(ask(&world, SV_SES_READ_DKIM, "a.example", &result), expected[i]);
        assert_int_equal(ask(&world, SV_SES_READ_IDENTITIES, "a.example", &result), SV_OK);
    }
    fake_ses_script(world.fake, SV_SES_OP_COUNT, 0, 1, SV_EDENIED);
    assert_int_equal(ask(&world, SV_SES_DELETE, "a.example", &result), SV_EDENIED);
    assert_int_equal(ask(&world, SV_SES_DELETE, "a.example", &result), SV_OK);
    end(&world);
}

static void held_calls_wait(void **state)
{
    struct world world;
    struct sv_ses_identity result;

    (void)state;
    begin(&world);
    fake_ses_hold(world.fake, true);
    {
        enum sv_err err = SV_EINVALID;
        const char *domain = "a.example";
        struct sv_ses_call call = {.owner = &err,
                                   .op = SV_SES_READ_DKIM,
                                   .domains = &domain,
                                   .domains_count = 1,
                                   .results = &result};

        assert_int_equal(sv_ses_start(fake_ses_interface(world.fake), &call, on_done, NULL), SV_OK);
        (void)uv_run(&world.loop, UV_RUN_DEFAULT); /* returns: nothing keeps the loop alive */
        assert_int_equal(err, SV_EINVALID);
        fake_ses_hold(world.fake, false);
        (void)uv_run(&world.loop, UV_RUN_DEFAULT);
        assert_int_equal(err, SV_OK);
    }
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_domain_lives),   cmocka_unit_test(a_setup_is_kept),
        cmocka_unit_test(a_list_has_pages), cmocka_unit_test(scripts_count),
        cmocka_unit_test(held_calls_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
