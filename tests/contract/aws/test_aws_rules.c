/* The five rules of asynchronous code, on the three requests that find AWS keys: the run of a
 * program, the fetch, and the keeper around it. Every way to keys is interrupted after the 0th,
 * 1st, 2nd ... turn of the loop, until it ends before it is interrupted. */
#include "cmocka_all.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/aws/fetch.h"
#include "peer.h"
#include "sv/alloc.h"
#include "sv/keeper.h"
#include "sv/require.h"

enum { TURNS_MAX = 40, DEADLINE_MS = 60000 };

#define KEYS(token)                                                                                \
    "{\"Version\":1,\"AccessKeyId\":\"AKID\",\"SecretAccessKey\":\"secret\",\"" token              \
    "\":\"token\",\"Expiration\":\"2999-01-01T00:00:00Z\"}"
#define OK_OF(length) "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n"
#define STS                                                                                        \
    "<R><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"             \
    "<SessionToken>t</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></"  \
    "R>"

static const struct peer_script scripts[] = {
    {"/good", "HTTP/1.1 200 OK\r\n\r\n" KEYS("Token"), NULL, 0, 0, PEER_CLOSE},
    {"/slow", "HTTP/1.1 200 OK\r\n\r\n" KEYS("Token"), " ", 5, 1, PEER_CLOSE},
    {"/cut", OK_OF("200") "{", NULL, 0, 0, PEER_RESET},
    {"/hang", "", NULL, 0, 0, PEER_HANG},
    {"/denied", "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", NULL, 0, 0, PEER_KEEP},
    {"/latest/api/token", OK_OF("5") "token", NULL, 0, 0, PEER_KEEP},
    {"/latest/meta-data/iam/security-credentials/", OK_OF("4") "role", NULL, 0, 0, PEER_KEEP},
    {"/latest/meta-data/iam/security-credentials/role", "HTTP/1.1 200 OK\r\n\r\n" KEYS("Token"),
     NULL, 0, 0, PEER_CLOSE},
    {"/", "HTTP/1.1 200 OK\r\n\r\n" STS, NULL, 0, 0, PEER_CLOSE},
    {NULL, NULL, NULL, 0, 0, PEER_KEEP},
};

static const struct way {
    const char *name;
    const char *what; /* path, or command */
    enum sv_plan_base base;
    enum sv_err err; /* without an interruption */
    bool has_role;
    bool is_endless; /* within the test's patience */
} ways[] = {
    {"keys of a file", "", SV_PLAN_KEYS, SV_OK, false, false},
    {"a role", "", SV_PLAN_KEYS, SV_OK, true, false},
    {"container", "/good", SV_PLAN_CONTAINER, SV_OK, false, false},
    {"container, then a role", "/good", SV_PLAN_CONTAINER, SV_OK, true, false},
    {"slow container", "/slow", SV_PLAN_CONTAINER, SV_OK, false, false},
    {"container that cuts", "/cut", SV_PLAN_CONTAINER, SV_ECONNECT, false, true},
    {"container that hangs", "/hang", SV_PLAN_CONTAINER, SV_ETIMEOUT, false, true},
    {"container that refuses", "/denied", SV_PLAN_CONTAINER, SV_EDENIED, false, false},
    {"instance", "", SV_PLAN_IMDS, SV_OK, false, false},
    {"sign-in that never was", "/hang", SV_PLAN_SSO, SV_EDENIED, false, false},
    {"program", "/bin/echo '" KEYS("SessionToken") "'", SV_PLAN_PROCESS, SV_OK, false, false},
    {"program that hangs", "/bin/sleep 1000", SV_PLAN_PROCESS, SV_ETIMEOUT, false, true},
    {"program that forks and hangs", "/bin/sh -c '/bin/sleep 1000 & wait'", SV_PLAN_PROCESS,
     SV_ETIMEOUT, false, true},
    {"program that is not there", "/no/such/program", SV_PLAN_PROCESS, SV_EDENIED, false, false},
    {"program that fails", "/bin/false", SV_PLAN_PROCESS, SV_EDENIED, false, false},
    {"program that babbles", "/usr/bin/yes", SV_PLAN_PROCESS, SV_ETOOBIG, false, false},
    {"command that is none", "'", SV_PLAN_PROCESS, SV_EMALFORMED, false, false},
};

enum { WAYS = sizeof ways / sizeof ways[0] };

struct world {
    uv_loop_t loop;
    uv_timer_t tick;
    struct peer *peer;
    struct sv_http *http;
    struct sv_rand rand;
    struct sv_fetch fetch;
    struct sv_plan plan;
    struct sv_process *process;
    struct sv_keeper *keeper;
    char url[128];
    const struct way *way;
    unsigned calls, closed;
    enum sv_err err;
    bool in_start, http_closed;
};

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
}

static void begin(struct world *world, const struct way *way)
{
    memset(world, 0, sizeof *world);
    world->way = way;
    assert_int_equal(uv_loop_init(&world->loop), 0);
    assert_int_equal(uv_timer_init(&world->loop, &world->tick), 0);
    assert_int_equal(uv_timer_start(&world->tick, on_tick, 1, 1), 0);
    sv_rand_system_init(&world->rand);
    world->peer = peer_new(&world->loop, scripts);
    world->http = sv_http_new(&world->loop, &(struct sv_http_options){.connections_max = 4});
    (void)snprintf(world->url, sizeof world->url, "http://127.0.0.1:%u", peer_port(world->peer));
}

static void on_http_closed(void *context)
{
    struct world *world = context;

    world->http_closed = true;
}

static void end(struct world *world)
{
    sv_http_close(world->http, on_http_closed, world);
    while (!world->http_closed)
        (void)uv_run(&world->loop, UV_RUN_ONCE);
    peer_close(world->peer);
    uv_close((uv_handle_t *)&world->tick, NULL);
    (void)uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&world->loop), 0);
}

/* Turns of the loop until the callback came, or so many of them. */
static void turn(struct world *world, unsigned turns)
{
    for (unsigned i = 0; i < turns && world->calls == 0; i++)
        (void)uv_run(&world->loop, UV_RUN_ONCE);
}

static void wait_for(struct world *world, const unsigned *count)
{
    uint64_t start = uv_hrtime();

    while (*count == 0) {
        (void)uv_run(&world->loop, UV_RUN_ONCE);
        if ((uv_hrtime() - start) / 1000000 > DEADLINE_MS)
            fail_msg("%s: nothing happened in time", world->way->name);
    }
}

/* ---- the fetch ---- */

static void on_fetched(struct sv_fetch *fetch, enum sv_err err)
{
    struct world *world = fetch->owner;

    assert_false(world->in_start); /* rule 2 */
    world->calls++;
    world->err = err;
    assert_int_equal(fetch->info.code, err);
    assert_int_equal(fetch->keys.access_key_id[0] != '\0', err == SV_OK);
}

static void on_fetch_closed(uv_handle_t *handle)
{
    struct sv_fetch *fetch = handle->data;
    struct world *world = fetch->owner;

    world->closed++;
}

static void make_plan(struct world *world)
{
    const struct way *way = world->way;
    struct sv_plan *plan = &world->plan;

    *plan = (struct sv_plan){.base = way->base, .timeout_ms = SV_MINUTE, .attempts = 1};
    (void)snprintf(plan->source, sizeof plan->source, "the test");
    (void)snprintf(plan->region, sizeof plan->region, "eu-west-1");
    (void)snprintf(plan->sts_url, sizeof plan->sts_url, "%s", world->url);
    plan->sts_plain = plan->url_plain = true;
    (void)snprintf(plan->keys.access_key_id, 8, "AKID");
    (void)snprintf(plan->keys.secret_access_key, 8, "s");
    if (way->base == SV_PLAN_PROCESS)
        (void)snprintf(plan->command, sizeof plan->command, "%s", way->what);
    else
        (void)snprintf(plan->url, sizeof plan->url, "%s%s", world->url, way->what);
    if (way->base == SV_PLAN_SSO)
        (void)snprintf(plan->token_file, sizeof plan->token_file, "/no/such/file");
    plan->roles_count = way->has_role;
    (void)snprintf(plan->roles[0].arn, sizeof plan->roles[0].arn, "arn:aws:iam::1:role/r");
}

static void start_fetch(struct world *world)
{
    make_plan(world);
    sv_fetch_init(&world->fetch, world->http, sv_clock_system(), &world->rand);
    world->fetch.owner = world;
    world->in_start = true;
    sv_fetch_start(&world->fetch, &world->plan, on_fetched);
    world->in_start = false;
}

static void end_fetch(struct world *world)
{
    turn(world, 1);
    assert_int_equal(world->calls, 1);
    sv_fetch_close(&world->fetch, on_fetch_closed);
    wait_for(world, &world->closed);
    end(world);
}

static void a_fetch_ends_exactly_once_and_never_from_start(void **state)
{
    (void)state;
    for (size_t i = 0; i < WAYS; i++) {
        static struct world world;

        if (ways[i].is_endless)
            continue;
        begin(&world, &ways[i]);
        start_fetch(&world);
        wait_for(&world, &world.calls);
        if (world.err != ways[i].err)
            fail_msg("%s: %s", ways[i].name, world.fetch.info.text);
        sv_fetch_cancel(&world.fetch); /* nothing: it is idle */
        end_fetch(&world);
    }
}

/* True when it ended by itself before the interruption. */
static bool interrupt_fetch(const struct way *way, unsigned turns)
{
    static struct world world;
    bool was_over;

    begin(&world, way);
    start_fetch(&world);
    turn(&world, turns);
    was_over = world.calls > 0;
    world.in_start = true; /* rule 3: later */
    sv_fetch_cancel(&world.fetch);
    sv_fetch_cancel(&world.fetch);
    world.in_start = false;
    wait_for(&world, &world.calls);
    assert_int_equal(world.err, was_over ? way->err : SV_ECANCELED);
    end_fetch(&world);
    return was_over;
}

static void a_fetch_can_be_canceled_at_any_turn(void **state)
{
    (void)state;
    for (size_t i = 0; i < WAYS; i++) {
        for (unsigned turns = 0; turns < TURNS_MAX; turns++) {
            if (interrupt_fetch(&ways[i], turns))
                break;
        }
    }
}

/* ---- the program ---- */

static void on_process(struct sv_process *process, enum sv_err err)
{
    struct world *world = process->owner;

    assert_false(world->in_start);
    world->calls++;
    world->err = err;
    assert_int_equal(process->info.code, err);
}

static void on_process_freed(struct sv_process *process, enum sv_err err)
{
    on_process(process, err);
    free(process); /* rule 4, under the address sanitizer */
}

static enum sv_err start_process(struct world *world, const char *command, sv_ms limit_ms,
                                 sv_process_done_fn *done)
{
    enum sv_err err;

    world->process = sv_alloc(1, sizeof *world->process);
    world->process->owner = world;
    world->in_start = true;
    err = sv_process_start(world->process, &world->loop, command, limit_ms, done);
    world->in_start = false;
    return err;
}

static void a_program_that_cannot_be_split_never_calls_back(void **state)
{
    static struct world world;

    (void)state;
    begin(&world, &ways[0]);
    assert_int_equal(start_process(&world, "'", SV_MINUTE, on_process), SV_EMALFORMED);
    turn(&world, 20);
    assert_int_equal(world.calls, 0); /* rule 1 */
    free(world.process);
    end(&world);
}

/* Also when only its children hold the pipe, and when it ends but they stay. */
static void a_program_is_killed_with_all_its_children_at_its_limit(void **state)
{
    static const char *const commands[] = {"/bin/sleep 1000", "/bin/sh -c '/bin/sleep 1000 & wait'",
                                           "/bin/sh -c 'trap \"\" TERM; /bin/sleep 1000'"};

    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        static struct world world;
        struct pollfd all_gone = {.events = POLLIN};
        int ends[2];
        char byte;

        begin(&world, &ways[0]);
        assert_int_equal(pipe(ends), 0); /* the other end is closed when the last of them is dead */
        assert_int_equal(start_process(&world, commands[i], 50, on_process), SV_OK);
        (void)close(ends[1]);
        wait_for(&world, &world.calls);
        assert_int_equal(world.err, SV_ETIMEOUT);
        all_gone.fd = ends[0];
        assert_int_equal(poll(&all_gone, 1, DEADLINE_MS), 1);
        assert_int_equal(read(ends[0], &byte, 1), 0);
        (void)close(ends[0]);
        free(world.process);
        end(&world);
    }
}

static void a_canceled_program_may_be_freed_by_its_callback(void **state)
{
    (void)state;
    for (size_t i = 0; i < WAYS; i++) {
        if (ways[i].base != SV_PLAN_PROCESS || ways[i].err == SV_EMALFORMED)
            continue;
        for (unsigned turns = 0; turns < 12; turns++) {
            static struct world world;
            bool was_over;

            begin(&world, &ways[i]);
            assert_int_equal(start_process(&world, ways[i].what, SV_MINUTE, on_process_freed),
                             SV_OK);
            turn(&world, turns);
            was_over = world.calls > 0;
            if (!was_over)
                sv_process_cancel(world.process);
            wait_for(&world, &world.calls);
            assert_int_equal(world.err, was_over ? ways[i].err : SV_ECANCELED);
            turn(&world, 1);
            assert_int_equal(world.calls, 1);
            end(&world);
        }
    }
}

/* ---- the keeper ---- */

static const char *look_up(void *context, const char *name)
{
    const struct world *world = context;
    bool is_container = world->way->base == SV_PLAN_CONTAINER;
    static char full[160];

    (void)snprintf(full, sizeof full, "%s%s", world->url, world->way->what);
    if (is_container && strcmp(name, "AWS_CONTAINER_CREDENTIALS_FULL_URI") == 0)
        return full;
    if (world->way->base == SV_PLAN_IMDS && strcmp(name, "AWS_EC2_METADATA_SERVICE_ENDPOINT") == 0)
        return world->url;
    if (world->way->base != SV_PLAN_KEYS)
        return NULL;
    if (strcmp(name, "AWS_ACCESS_KEY_ID") == 0)
        return "AKID";
    if (strcmp(name, "AWS_SECRET_ACCESS_KEY") == 0)
        return "secret";
    return strcmp(name, "AWS_ENDPOINT_URL_STS") == 0 ? world->url : NULL;
}

static void on_found(void *context, enum sv_err err, const struct sv_errinfo *info)
{
    struct world *world = context;

    assert_false(world->in_start);
    assert_int_equal(world->closed, 0); /* rule 5: `closed` is the very last thing */
    world->calls++;
    world->err = err;
    assert_true(err == SV_OK || info->code == err);
}

static void on_keeper_closed(void *context)
{
    struct world *world = context;

    assert_int_equal(world->calls, 1); /* found, or canceled, exactly once */
    world->closed++;
}

static bool close_keeper_at(const struct way *way, unsigned turns, bool renews)
{
    static struct world world;
    struct sv_keeper_options options = {.clock = sv_clock_system(),
                                        .rand = &world.rand,
                                        .env = look_up,
                                        .env_context = &world,
                                        .account = "default",
                                        .region = "eu-west-1"};
    bool was_over;

    begin(&world, way);
    options.http = world.http;
    options.role_arn = way->has_role ? "arn:aws:iam::1:role/r" : NULL;
    world.in_start = true;
    world.keeper = sv_keeper_new(&options, on_found, &world);
    world.in_start = false;
    turn(&world, turns);
    was_over = world.calls > 0;
    if (renews) {
        sv_keeper_renew(world.keeper);
        (void)uv_run(&world.loop, UV_RUN_ONCE);
    }
    world.in_start = true;
    sv_keeper_close(world.keeper, on_keeper_closed, &world);
    assert_int_equal(world.closed, 0);
    world.in_start = false;
    wait_for(&world, &world.closed);
    if (was_over || !renews)
        assert_int_equal(world.err, was_over ? way->err : SV_ECANCELED);
    assert_int_equal(world.closed, 1);
    end(&world);
    return was_over;
}

static void a_keeper_can_be_closed_at_any_turn(void **state)
{
    (void)state;
    for (size_t i = 0; i < WAYS; i++) {
        if (ways[i].base == SV_PLAN_PROCESS || ways[i].base == SV_PLAN_SSO)
            continue; /* these need files; the fetch above is theirs, too */
        for (unsigned turns = 0; turns < TURNS_MAX; turns++) {
            (void)close_keeper_at(&ways[i], turns, true);
            if (close_keeper_at(&ways[i], turns, false))
                break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fetch_ends_exactly_once_and_never_from_start),
        cmocka_unit_test(a_fetch_can_be_canceled_at_any_turn),
        cmocka_unit_test(a_program_that_cannot_be_split_never_calls_back),
        cmocka_unit_test(a_program_is_killed_with_all_its_children_at_its_limit),
        cmocka_unit_test(a_canceled_program_may_be_freed_by_its_callback),
        cmocka_unit_test(a_keeper_can_be_closed_at_any_turn),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
