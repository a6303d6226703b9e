/* The five rules of asynchronous code, on the adapter for Amazon SES (against a scripted peer) and
 * on its fake: the same tests for both. */
#include "cmocka_all.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_ses.h"
#include "peer.h"
#include "sv/alloc.h"
#include "sv/aws_ses.h"

enum { CALLS = 3, TURNS_MAX = 400, HANG_MS = 30, TOTAL_MS = 20000 };

#define HEAD "HTTP/1.1 200 OK\r\nContent-Length: 32\r\n\r\n"
#define BODY "{\"VerificationStatus\":\"PENDING\"}"

static const struct peer_script scripts[] = {
    {"/v2/email/identities/plain.example", HEAD BODY, NULL, 0, 0, PEER_KEEP},
    {"/v2/email/identities/slow.example", HEAD, "        ", 3, 1, PEER_CLOSE},
    {"/v2/email/identities/cut.example", HEAD "{", NULL, 0, 0, PEER_RESET},
    {"/v2/email/identities/hang.example", "", NULL, 0, 0, PEER_HANG},
    {"/", "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", NULL, 0, 0, PEER_KEEP},
    {NULL, NULL, NULL, 0, 0, PEER_KEEP},
};

static const char *const names[] = {"plain.example", "slow.example", "cut.example", "hang.example"};

struct world;

/* How one implementation comes to life and goes again. */
struct bench {
    void (*open)(struct world *world);
    void (*shut)(struct world *world); /* after the implementation was closed */
};

struct asked { /* allocated, and freed by its callback: rule 4 under the address sanitizer */
    struct sv_ses_call call;
    struct sv_ses_identity results[2];
    const char *domains[2];
    struct world *world;
    unsigned slot;
};

struct world {
    const struct bench *bench;
    uv_loop_t loop;
    uv_timer_t tick;
    struct sv_ses *ses;
    struct peer *peer;
    struct sv_http *http;
    struct sv_credentials keys;
    struct asked *live[CALLS]; /* NULL = its callback has run */
    unsigned calls[CALLS], closed_calls;
    enum sv_err err[CALLS];
    sv_ms total_ms;
    bool in_start, closed, http_closed;
};

static void on_http_closed(void *context)
{
    struct world *world = context;

    world->http_closed = true;
}

static void open_aws(struct world *world)
{
    struct sv_http_options http = {.connections_max = CALLS};
    struct sv_aws_ses_options options = {.clock = sv_clock_system(),
                                         .region = "us-east-1",
                                         .credentials = &world->keys,
                                         .total_ms = world->total_ms};
    char url[64];

    world->peer = peer_new(&world->loop, scripts);
    world->http = sv_http_new(&world->loop, &http);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u", peer_port(world->peer));
    memcpy(world->keys.access_key_id, "AKID", 5);
    memcpy(world->keys.secret_access_key, "secret", 7);
    options.http = world->http;
    options.endpoint_v1 = options.endpoint_v2 = url;
    assert_int_equal(sv_aws_ses_new(&options, &world->ses, NULL), SV_OK);
}

static void shut_aws(struct world *world)
{
    sv_http_close(world->http, on_http_closed, world);
    while (!world->http_closed)
        (void)uv_run(&world->loop, UV_RUN_ONCE);
    peer_close(world->peer);
}

static void open_fake(struct world *world)
{
    struct fake_ses *fake = fake_ses_new(&world->loop, sv_clock_system());
    struct sv_ses_identity identity = {.identity = SV_AXIS_PENDING};

    world->ses = fake_ses_interface(fake);
    fake_ses_set(fake, "plain.example", &identity);
    fake_ses_script(fake, SV_SES_READ_DKIM, 0, 1, SV_EUNAVAILABLE);
}

static void shut_fake(struct world *world)
{
    (void)world;
}

static const struct bench aws_bench = {.open = open_aws, .shut = shut_aws};
static const struct bench fake_bench = {.open = open_fake, .shut = shut_fake};

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
}

static void begin(struct world *world, const struct bench *bench, sv_ms total_ms)
{
    memset(world, 0, sizeof *world);
    world->total_ms = total_ms;
    world->bench = bench;
    assert_int_equal(uv_loop_init(&world->loop), 0);
    assert_int_equal(uv_timer_init(&world->loop, &world->tick), 0);
    assert_int_equal(uv_timer_start(&world->tick, on_tick, 1, 1), 0);
    bench->open(world);
}

static void on_closed(void *context)
{
    struct world *world = context;

    for (unsigned i = 0; i < CALLS; i++)
        assert_null(world->live[i]);
    world->closed = true;
    world->closed_calls++;
}

static void begin_close(struct world *world)
{
    sv_ses_close(world->ses, on_closed, world);
    assert_false(world->closed); /* not from inside */
}

static void end(struct world *world)
{
    while (!world->closed)
        (void)uv_run(&world->loop, UV_RUN_ONCE);
    world->bench->shut(world);
    uv_close((uv_handle_t *)&world->tick, NULL);
    assert_int_equal(uv_run(&world->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(world->closed_calls, 1);
    assert_int_equal(uv_loop_close(&world->loop), 0);
}

static void on_done(struct sv_ses_call *call, enum sv_err err)
{
    struct asked *asked = call->owner;
    struct world *world = asked->world;

    assert_false(world->in_start); /* rule 2 */
    assert_false(world->closed);   /* rule 5 */
    assert_int_equal(call->info.code, err);
    world->calls[asked->slot]++;
    world->err[asked->slot] = err;
    world->live[asked->slot] = NULL;
    sv_ses_cancel(call); /* too late to mean anything; must be harmless */
    memset(asked, 0x5a, sizeof *asked);
    free(asked);
}

static void ask(struct world *world, unsigned slot, const char *name)
{
    struct asked *asked = sv_alloc(1, sizeof *asked);

    asked->world = world;
    asked->slot = slot;
    asked->domains[0] = name;
    asked->call = (struct sv_ses_call){.owner = asked,
                                       .op = slot == 2 ? SV_SES_READ_DKIM : SV_SES_GET,
                                       .domains = asked->domains,
                                       .domains_count = 1,
                                       .results = asked->results};
    world->in_start = true;
    assert_int_equal(sv_ses_start(world->ses, &asked->call, on_done, NULL), SV_OK);
    world->in_start = false;
    world->live[slot] = asked;
}

static bool is_quiet(const struct world *world)
{
    for (unsigned i = 0; i < CALLS; i++) {
        if (world->live[i] != NULL)
            return false;
    }
    return true;
}

static void turn(struct world *world, unsigned turns)
{
    while (turns-- > 0)
        (void)uv_run(&world->loop, UV_RUN_ONCE);
}

static void settle(struct world *world)
{
    while (!is_quiet(world))
        turn(world, 1);
}

/* Only the peer that hangs is left by its time; a busy machine must not look like one. */
static sv_ms total_for(const char *name)
{
    return strcmp(name, "hang.example") == 0 ? HANG_MS : TOTAL_MS;
}

/* Asks three times, disturbs after `turns`; true when nothing was left to disturb. */
static bool cancel_once(const struct bench *bench, const char *name, unsigned turns)
{
    struct world world;
    bool was_quiet, hit;

    begin(&world, bench, total_for(name));
    for (unsigned i = 0; i < CALLS; i++)
        ask(&world, i, name);
    turn(&world, turns);
    was_quiet = is_quiet(&world);
    hit = world.live[1] != NULL;
    if (hit) {
        sv_ses_cancel(&world.live[1]->call);
        assert_int_equal(world.calls[1], 0); /* later, not now */
        sv_ses_cancel(&world.live[1]->call);
    }
    settle(&world);
    for (unsigned i = 0; i < CALLS; i++)
        assert_int_equal(world.calls[i], 1);
    assert_true(!hit || world.err[1] == SV_ECANCELED);
    assert_true(world.err[0] != SV_ECANCELED);
    assert_true(world.err[2] == SV_EUNAVAILABLE || world.err[2] == SV_ETIMEOUT);
    begin_close(&world);
    end(&world);
    return was_quiet;
}

static bool close_once(const struct bench *bench, const char *name, unsigned turns)
{
    struct world world;
    bool was_quiet, hit[CALLS];

    begin(&world, bench, total_for(name));
    for (unsigned i = 0; i < CALLS; i++)
        ask(&world, i, name);
    turn(&world, turns);
    was_quiet = is_quiet(&world);
    for (unsigned i = 0; i < CALLS; i++)
        hit[i] = world.live[i] != NULL;
    begin_close(&world);
    for (unsigned i = 0; i < CALLS; i++)
        assert_int_equal(world.live[i] != NULL, hit[i]);
    end(&world);
    for (unsigned i = 0; i < CALLS; i++) {
        assert_int_equal(world.calls[i], 1);
        assert_true(!hit[i] || world.err[i] == SV_ECANCELED);
    }
    return was_quiet;
}

static void after_each_turn(const struct bench *bench,
                            bool (*once)(const struct bench *, const char *, unsigned))
{
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        unsigned turns = 0;

        while (!once(bench, names[n], turns))
            assert_true(++turns < TURNS_MAX);
        assert_true(turns > 0); /* there was something to disturb */
    }
}

static void cancel_after_each_turn(void **state)
{
    after_each_turn(*state, cancel_once);
}

static void close_after_each_turn(void **state)
{
    after_each_turn(*state, close_once);
}

static void start_that_fails_never_calls_back(void **state)
{
    struct sv_ses_identity result;
    const char *const domains[] = {"a.example"};
    struct sv_ses_call call = {.op = SV_SES_GET, .domains = domains, .results = &result};
    struct sv_errinfo info;
    struct world world;

    begin(&world, *state, TOTAL_MS);
    assert_int_equal(sv_ses_start(world.ses, &call, on_done, &info), SV_EINVALID);
    assert_true(info.text[0] != '\0');
    call.domains_count = 1;
    begin_close(&world);
    assert_int_equal(sv_ses_start(world.ses, &call, on_done, &info), SV_ECANCELED);
    end(&world);
}

static void on_done_close(struct sv_ses_call *call, enum sv_err err)
{
    struct world *world = call->owner;

    assert_int_equal(err, SV_OK);
    world->calls[0]++;
    begin_close(world);
}

static void a_callback_may_close(void **state)
{
    struct sv_ses_identity result;
    const char *const domains[] = {"plain.example"};
    struct world world;
    struct sv_ses_call call = {.owner = &world,
                               .op = SV_SES_GET,
                               .domains = domains,
                               .domains_count = 1,
                               .results = &result};

    begin(&world, *state, TOTAL_MS);
    assert_int_equal(sv_ses_start(world.ses, &call, on_done_close, NULL), SV_OK);
    ask(&world, 1, "hang.example");
    end(&world);
    assert_int_equal(world.calls[0], 1);
    assert_int_equal(world.calls[1], 1);
    assert_int_equal(world.err[1], SV_ECANCELED);
}

static void a_result_comes_with_success(void **state)
{
    struct sv_ses_identity result;
    const char *const domains[] = {"plain.example"};
    struct world world;
    struct sv_ses_call call = {.owner = &world,
                               .op = SV_SES_GET,
                               .domains = domains,
                               .domains_count = 1,
                               .results = &result};

    begin(&world, *state, TOTAL_MS);
    assert_int_equal(sv_ses_start(world.ses, &call, on_done_close, NULL), SV_OK);
    end(&world);
    assert_true(result.listed);
    assert_int_equal(result.identity, SV_AXIS_PENDING);
}

#define FOR_BOTH(test)                                                                             \
    {#test " (aws)", test, NULL, NULL, (void *)(uintptr_t)&aws_bench},                             \
    {                                                                                              \
#test " (fake)", test, NULL, NULL, (void *)(uintptr_t)&fake_bench                          \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOR_BOTH(cancel_after_each_turn),
        FOR_BOTH(close_after_each_turn),
        FOR_BOTH(start_that_fails_never_calls_back),
        FOR_BOTH(a_callback_may_close),
        FOR_BOTH(a_result_comes_with_success),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
