/* The five rules of asynchronous code on the real client:
 * cancel and close after the 1st, 2nd, 3rd .. turn of the loop, until nothing is left to disturb.
 */
#include "cmocka_all.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"
#include "sv/alloc.h"
#include "sv/http.h"

enum { REQUESTS = 3, TURNS_MAX = 400, HANG_MS = 30, TOTAL_MS = 20000 };

static const struct peer_script scripts[] = {
    {"/plain", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", NULL, 0, 0, PEER_KEEP},
    {"/close", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello", NULL, 0, 0,
     PEER_CLOSE},
    {"/slow", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n", 4, 1,
     PEER_CLOSE},
    {"/cut", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n", "x", 2, 0, PEER_RESET},
    {"/garbage", "nonsense\r\n\r\n", NULL, 0, 0, PEER_HANG},
    {"/hang", "HTTP/1.1 200 OK\r\n", NULL, 0, 0, PEER_HANG},
    {"/wait", "HTTP/1.1 200 OK\r\n", NULL, 0, 0, PEER_HANG},
    {NULL, NULL, NULL, 0, 0, PEER_KEEP},
};

static const char *const paths[] = {"/plain", "/close", "/slow", "/cut", "/garbage", "/hang"};

struct world;

struct asked { /* allocated, and freed by its callback: rule 4 under the address sanitizer */
    struct sv_http_request request;
    struct world *world;
    unsigned slot;
};

struct world {
    uv_loop_t loop;
    uv_timer_t tick;
    struct peer *peer;
    struct sv_http *http;
    struct asked *live[REQUESTS]; /* NULL = its callback has run */
    unsigned calls[REQUESTS];
    enum sv_err err[REQUESTS];
    bool in_start, closed, again;
    unsigned closed_calls;
};

static void ask(struct world *world, unsigned slot, const char *path);

static void on_done(struct sv_http_request *request, enum sv_err err,
                    const struct sv_http_answer *answer)
{
    struct asked *asked = (struct asked *)request;
    struct world *world = asked->world;

    assert_false(world->in_start); /* rule 2 */
    assert_false(world->closed);   /* rule 5 */
    assert_int_equal(answer->status, err == SV_OK ? 200 : 0);
    assert_int_equal(request->info.code, err);
    world->calls[asked->slot]++;
    world->err[asked->slot] = err;
    world->live[asked->slot] = NULL;
    sv_http_cancel(request); /* too late to mean anything; must be harmless */
    if (world->again) {
        world->again = false;
        world->calls[asked->slot]--;
        ask(world, asked->slot, "/plain");
    }
    memset(asked, 0x5a, sizeof *asked);
    free(asked);
}

static void ask(struct world *world, unsigned slot, const char *path)
{
    struct asked *asked = sv_alloc(1, sizeof *asked);
    char url[128];
    bool hangs = strcmp(path, "/hang") == 0; /* a busy machine must not look like one that does */
    struct sv_http_ask what = {
        .method = "GET", .url = url, .total_ms = hangs ? HANG_MS : TOTAL_MS, .allow_plain = true};

    asked->world = world;
    asked->slot = slot;
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u%s", peer_port(world->peer), path);
    world->in_start = true;
    assert_int_equal(sv_http_start(world->http, &asked->request, &what, on_done, NULL), SV_OK);
    world->in_start = false;
    world->live[slot] = asked;
}

static void on_closed(void *context)
{
    struct world *world = context;

    for (unsigned i = 0; i < REQUESTS; i++)
        assert_null(world->live[i]);
    world->closed = true;
    world->closed_calls++;
}

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
}

static void begin(struct world *world)
{
    struct sv_http_options options = {.connections_max = 2, .requests_max = REQUESTS};

    memset(world, 0, sizeof *world);
    assert_int_equal(uv_loop_init(&world->loop), 0);
    assert_int_equal(uv_timer_init(&world->loop, &world->tick), 0);
    assert_int_equal(uv_timer_start(&world->tick, on_tick, 1, 1), 0);
    world->peer = peer_new(&world->loop, scripts);
    world->http = sv_http_new(&world->loop, &options);
}

/* The peer first: the last thing that runs must be the client's own closing. */
static void end(struct world *world)
{
    peer_close(world->peer);
    uv_close((uv_handle_t *)&world->tick, NULL);
    assert_int_equal(uv_run(&world->loop, UV_RUN_DEFAULT), 0);
    assert_true(world->closed);
    assert_int_equal(world->closed_calls, 1);
    assert_int_equal(uv_loop_close(&world->loop), 0);
}

static bool is_quiet(const struct world *world)
{
    for (unsigned i = 0; i < REQUESTS; i++) {
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

static void cancel_after_each_turn(void **state)
{
    (void)state;
    for (size_t p = 0; p < sizeof paths / sizeof paths[0]; p++) {
        bool was_quiet = false;

        for (unsigned turns = 0; !was_quiet && turns < TURNS_MAX; turns++) {
            struct world world;
            bool hit;

            begin(&world);
            for (unsigned i = 0; i < REQUESTS; i++)
                ask(&world, i, paths[p]);
            turn(&world, turns);
            was_quiet = is_quiet(&world);
            hit = world.live[1] != NULL;
            if (hit) {
                sv_http_cancel(&world.live[1]->request);
                assert_int_equal(world.calls[1], 0); /* later, not now */
                sv_http_cancel(&world.live[1]->request);
            }
            settle(&world);
            for (unsigned i = 0; i < REQUESTS; i++)
                assert_int_equal(world.calls[i], 1);
            assert_true(!hit || world.err[1] == SV_ECANCELED);
            assert_true(world.err[0] != SV_ECANCELED && world.err[2] != SV_ECANCELED);
            sv_http_close(world.http, on_closed, &world);
            end(&world);
        }
        assert_true(was_quiet);
    }
}

static void close_after_each_turn(void **state)
{
    (void)state;
    for (size_t p = 0; p < sizeof paths / sizeof paths[0]; p++) {
        bool was_quiet = false;

        for (unsigned turns = 0; !was_quiet && turns < TURNS_MAX; turns++) {
            struct world world;
            bool hit[REQUESTS];

            begin(&world);
            for (unsigned i = 0; i < REQUESTS; i++)
                ask(&world, i, paths[p]);
            turn(&world, turns);
            was_quiet = is_quiet(&world);
            for (unsigned i = 0; i < REQUESTS; i++)
                hit[i] = world.live[i] != NULL;
            sv_http_close(world.http, on_closed, &world);
            assert_false(world.closed);
            for (unsigned i = 0; i < REQUESTS; i++)
                assert_int_equal(world.live[i] != NULL, hit[i]);
            end(&world);
            for (unsigned i = 0; i < REQUESTS; i++) {
                assert_int_equal(world.calls[i], 1);
                assert_true(!hit[i] || world.err[i] == SV_ECANCELED);
            }
        }
        assert_true(was_quiet);
    }
}

static void start_that_fails_never_calls_back(void **state)
{
    struct world world;
    struct sv_http_request request;
    struct sv_http_ask what = {.method = "GET", .url = "ftp://127.0.0.1/", .allow_plain = true};
    struct sv_errinfo info;

    (void)state;
    begin(&world);
    assert_int_equal(sv_http_start(world.http, &request, &what, on_done, &info), SV_EINVALID);
    assert_true(info.text[0] != '\0');
    what.url = "http://127.0.0.1:1/";
    for (unsigned i = 0; i < REQUESTS; i++)
        ask(&world, i, "/plain");
    assert_int_equal(sv_http_start(world.http, &request, &what, on_done, &info), SV_EBUSY);
    settle(&world);
    sv_http_close(world.http, on_closed, &world);
    assert_int_equal(sv_http_start(world.http, &request, &what, on_done, &info), SV_ECANCELED);
    end(&world);
}

static void a_callback_may_start_another(void **state)
{
    struct world world;

    (void)state;
    begin(&world);
    ask(&world, 0, "/plain");
    world.again = true;
    settle(&world);
    assert_int_equal(world.calls[0], 1);
    assert_int_equal(world.err[0], SV_OK);
    assert_int_equal(peer_requests(world.peer), 2);
    sv_http_close(world.http, on_closed, &world);
    end(&world);
}

static void on_done_close(struct sv_http_request *request, enum sv_err err,
                          const struct sv_http_answer *answer)
{
    struct world *world = request->owner;

    (void)answer;
    assert_int_equal(err, SV_OK);
    world->calls[0]++;
    sv_http_close(world->http, on_closed, world);
    assert_false(world->closed);
}

static void a_callback_may_close_the_client(void **state)
{
    struct world world;
    struct sv_http_request request = {.owner = &world};
    char url[128];
    struct sv_http_ask what = {.method = "GET", .url = url, .allow_plain = true};

    (void)state;
    begin(&world);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/plain", peer_port(world.peer));
    ask(&world, 1, "/wait");
    assert_int_equal(sv_http_start(world.http, &request, &what, on_done_close, NULL), SV_OK);
    while (!world.closed)
        turn(&world, 1);
    end(&world);
    assert_int_equal(world.calls[0], 1);
    assert_int_equal(world.err[1], SV_ECANCELED);
}

static void on_done_cancel(struct sv_http_request *request, enum sv_err err,
                           const struct sv_http_answer *answer)
{
    struct world *world = request->owner;

    (void)err, (void)answer;
    if (world->live[1] != NULL)
        sv_http_cancel(&world->live[1]->request);
}

/* Two that run out of time in the same turn: the first callback cancels the second, which is out of
 * libcurl's hands already but has not been told. */
static void a_callback_may_cancel_another(void **state)
{
    struct world world;
    struct sv_http_options options = {.connections_max = 1};
    struct sv_http_request request = {.owner = &world};
    char url[128];
    struct sv_http_ask what = {
        .method = "GET", .url = url, .total_ms = HANG_MS, .allow_plain = true};

    (void)state;
    begin(&world);
    sv_http_close(world.http, on_closed, &world);
    while (!world.closed)
        turn(&world, 1);
    world.closed = false;
    world.closed_calls = 0;
    world.http = sv_http_new(&world.loop, &options);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/hang", peer_port(world.peer));
    ask(&world, 0, "/wait"); /* holds the only connection */
    turn(&world, 2);
    assert_int_equal(sv_http_start(world.http, &request, &what, on_done_cancel, NULL), SV_OK);
    ask(&world, 1, "/hang");
    while (world.calls[1] == 0)
        turn(&world, 1);
    assert_int_equal(world.err[1], SV_ECANCELED);
    sv_http_cancel(&world.live[0]->request);
    settle(&world);
    sv_http_close(world.http, on_closed, &world);
    end(&world);
}

static void a_resting_client_does_not_keep_the_loop_alive(void **state)
{
    struct world world;

    (void)state;
    begin(&world);
    ask(&world, 0, "/plain");
    settle(&world);
    uv_unref((uv_handle_t *)&world.tick);
    for (unsigned i = 0; i < TURNS_MAX && uv_loop_alive(&world.loop); i++) {
        peer_end_idle(world.peer);
        (void)uv_run(&world.loop, UV_RUN_NOWAIT);
    }
    assert_false(uv_loop_alive(&world.loop));
    sv_http_close(world.http, on_closed, &world);
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cancel_after_each_turn),
        cmocka_unit_test(close_after_each_turn),
        cmocka_unit_test(start_that_fails_never_calls_back),
        cmocka_unit_test(a_callback_may_start_another),
        cmocka_unit_test(a_callback_may_close_the_client),
        cmocka_unit_test(a_callback_may_cancel_another),
        cmocka_unit_test(a_resting_client_does_not_keep_the_loop_alive),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
