/* What a broken, hostile, slow or vanishing server can do to us: nothing that lasts. */
#include "kit.h"

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

struct scene { /* server, client and loop of one test */
    struct server server;
    struct client client;
    uv_loop_t loop;
};

static struct scene scene;

static void set_scene(void)
{
    memset(&scene, 0, sizeof(scene));
    assert_int_equal(uv_loop_init(&scene.loop), 0);
    server_start(&scene.server, &scene.loop, NULL);
    client_init(&scene.client, &scene.server);
}

static void open_scene(void)
{
    client_open(&scene.client);
    run_until(&scene.client, is_ready);
}

/* Ready again by a new connection, and the new connection works. */
static void expect_recovery(void)
{
    struct client *client = &scene.client;

    run_until(client, is_ready);
    assert_int_equal(client_start(client, CALLS_MAX - 1, "ECHO recovered", 0), SV_OK);
    run_until(client, all_ended);
    assert_string_equal(client->calls[CALLS_MAX - 1].reply, "recovered");
}

static void byte_by_byte(void **state)
{
    (void)state;
    set_scene();
    scene.server.step = 1;
    open_scene();
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(client_start(&scene.client, i, "ECHO slowly", 0), SV_OK);
    run_until(&scene.client, all_ended);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(scene.client.calls[i].reply, "slowly");
    assert_int_equal(scene.client.down_count, 0);
    finish(&scene.client, &scene.server);
}

static void start_three(struct client *client)
{
    for (size_t i = 0; client->ready_count == 1 && i < 3; i++)
        assert_int_equal(client_start(client, i, "ECHO abc", 0), SV_OK);
}

/* F06: the handshake and three replies, cut after every byte of them. */
static void cut_inside_a_reply_at_every_byte(void **state)
{
    static const size_t greeting = 24 + 7; /* what answers ROLE and PING */
    static const size_t echo = 9;

    (void)state;
    for (size_t at = 0; at < greeting + 3 * echo; at++) {
        size_t replies = at <= greeting ? 3 : (at - greeting) / echo;

        set_scene();
        scene.server.cut_at = at == 0 ? 1 : at;
        scene.server.cut_count = 1;
        scene.client.on_ready = start_three;
        client_open(&scene.client);
        run_until(&scene.client, is_down);
        run_until(&scene.client, is_ready);
        run_until(&scene.client, all_ended);
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(scene.client.calls[i].ends, 1);
            if (at != greeting) /* there it is a matter of a turn whether ready was told */
                assert_int_equal(scene.client.calls[i].err, i < replies ? SV_OK : SV_ECONNECT);
        }
        assert_int_equal(scene.client.why.code, SV_ECONNECT);
        expect_recovery();
        finish(&scene.client, &scene.server);
    }
}

static const char *answer_from_script(struct server *server, const char *argv0,
                                      const redisReply *command)
{
    if (strcmp(argv0, "BAD") != 0)
        return answer_politely(server, argv0, command);
    return server->replies;
}

static long resident_kib(void)
{
    struct rusage usage;

    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss;
}

/* F07. The commands behind the bad reply end in SV_ECONNECT, the state says what was wrong. */
static void garbage_ends_the_connection(void **state)
{
    static const struct {
        const char *reply;
        enum sv_err want;
    } rows[] = {
        {"garbage\r\n", SV_EMALFORMED},
        {"HTTP/1.1 400 Bad Request\r\n\r\n", SV_EMALFORMED},
        {"$2147483647\r\n", SV_ETOOBIG},
        {"$9223372036854775807\r\n", SV_ETOOBIG},
        {"*1000000\r\n", SV_ETOOBIG},
        {"*4294967296\r\n", SV_ETOOBIG},
        {"*9\r\n*1000000\r\n", SV_ETOOBIG},
        {"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", SV_ETOOBIG},
        {"$3\r\nabcdef\r\n", SV_EMALFORMED},
        {"$-7\r\n", SV_EMALFORMED},
        {"%1\r\n+a\r\n+b\r\n", SV_EMALFORMED},
        {">2\r\n+a\r\n+b\r\n", SV_EMALFORMED},
        {"+OK\r\n+and one more\r\n+and another\r\n", SV_EMALFORMED},
    };
    long before = resident_kib();

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        set_scene();
        scene.server.answer = answer_from_script;
        scene.server.replies = rows[i].reply;
        open_scene();
        assert_int_equal(client_start(&scene.client, 0, "BAD", 0), SV_OK);
        assert_int_equal(client_start(&scene.client, 1, "HOLD", 0), SV_OK);
        run_until(&scene.client, is_down);
        print_message("%s\n", scene.client.why.text);
        assert_int_equal(scene.client.why.code, rows[i].want);
        run_until(&scene.client, all_ended);
        if (rows[i].reply[0] != '+')
            assert_int_equal(scene.client.calls[0].err, SV_ECONNECT);
        expect_recovery();
        finish(&scene.client, &scene.server);
    }
    assert_true(resident_kib() - before < 64 * 1024);
}

static void an_unasked_reply_ends_the_connection(void **state)
{
    (void)state;
    set_scene();
    scene.server.answer = answer_from_script;
    scene.server.replies = "+OK\r\n+OK\r\n";
    open_scene();
    assert_int_equal(client_start(&scene.client, 0, "BAD", 0), SV_OK);
    run_until(&scene.client, is_down);
    assert_int_equal(scene.client.calls[0].err, SV_OK);
    assert_int_equal(scene.client.why.code, SV_EMALFORMED);
    expect_recovery();
    finish(&scene.client, &scene.server);
}

/* F04: the passed deadline is the command's own, everything else is lost with the connection. */
static void a_black_hole_is_found_by_the_deadline(void **state)
{
    (void)state;
    set_scene();
    open_scene();
    assert_int_equal(client_start(&scene.client, 0, "HOLD", 5000), SV_OK);
    assert_int_equal(client_start(&scene.client, 1, "HOLD", 9000), SV_OK);
    assert_int_equal(client_start(&scene.client, 2, "HOLD", 20), SV_OK);
    assert_int_equal(client_start(&scene.client, 3, "HOLD", 6000), SV_OK);
    run_until(&scene.client, is_down);
    run_until(&scene.client, all_ended);
    assert_int_equal(scene.client.why.code, SV_ETIMEOUT);
    assert_int_equal(scene.client.calls[0].err, SV_ECONNECT);
    assert_int_equal(scene.client.calls[1].err, SV_ECONNECT);
    assert_int_equal(scene.client.calls[2].err, SV_ETIMEOUT);
    assert_int_equal(scene.client.calls[3].err, SV_ECONNECT);
    expect_recovery();
    finish(&scene.client, &scene.server);
}

/* A canceled command still watches over the stream: nobody else would notice the black hole. */
static void a_canceled_command_keeps_its_deadline(void **state)
{
    (void)state;
    set_scene();
    open_scene();
    assert_int_equal(client_start(&scene.client, 0, "HOLD", 20), SV_OK);
    sv_redis_cancel(&scene.client.calls[0].command);
    run_until(&scene.client, is_down);
    assert_int_equal(scene.client.calls[0].err, SV_ECANCELED);
    assert_int_equal(scene.client.why.code, SV_ETIMEOUT);
    finish(&scene.client, &scene.server);
}

static const char *answer_late(struct server *server, const char *argv0, const redisReply *command)
{
    if (strcmp(argv0, "LATE") != 0)
        return answer_politely(server, argv0, command);
    server->number++;
    return NULL;
}

/* The reply that comes after the deadline meets a closed connection, never the next command. */
static void a_late_reply_answers_nobody_else(void **state)
{
    struct peer *first;
    uv_buf_t late = uv_buf_init((char[]){"$4\r\nlate\r\n"}, 10);

    (void)state;
    set_scene();
    scene.server.answer = answer_late;
    open_scene();
    first = &scene.server.peers[0];
    assert_int_equal(client_start(&scene.client, 0, "LATE", 20), SV_OK);
    run_until(&scene.client, all_ended);
    assert_int_equal(scene.client.calls[0].err, SV_ETIMEOUT);
    assert_int_equal(scene.server.number, 1);
    if (first->is_open)
        (void)uv_try_write(&first->handle.stream, &late, 1);
    expect_recovery();
    finish(&scene.client, &scene.server);
}

static const char *answer_and_stall(struct server *server, const char *argv0,
                                    const redisReply *command)
{
    uv_buf_t reply = uv_buf_init((char[]){"+in time\r\n"}, 10);

    if (strcmp(argv0, "STALL") != 0)
        return answer_politely(server, argv0, command);
    assert_int_equal(uv_try_write(&server->peers[0].handle.stream, &reply, 1), 10);
    (void)usleep(450 * 1000); /* the whole process stands still, as after SIGSTOP */
    return NULL;
}

/* The reply arrived while we stood still; timers run first, but must not win. */
static void a_stalled_loop_looks_once_more(void **state)
{
    (void)state;
    set_scene();
    scene.server.answer = answer_and_stall;
    open_scene();
    for (unsigned i = 0; i < 3; i++) { /* every time, not only the first */
        assert_int_equal(client_start(&scene.client, 0, "STALL", 400), SV_OK);
        while (!all_ended(&scene.client)) {
            (void)uv_run(&scene.loop, UV_RUN_ONCE);
            (void)usleep(3 * 1000); /* timers run before and behind this, and no look between */
        }
        assert_int_equal(scene.client.calls[0].err, SV_OK);
        assert_string_equal(scene.client.calls[0].reply, "in time");
    }
    assert_int_equal(scene.client.down_count, 0);
    finish(&scene.client, &scene.server);
}

static void start_after_a_stall(uv_timer_t *timer)
{
    (void)timer;
    (void)usleep(100 * 1000); /* the loop's clock is late now */
    scene.server.number = (unsigned)(uv_hrtime() / 1000000);
    assert_int_equal(client_start(&scene.client, 0, "HOLD", 60), SV_OK);
}

/* A deadline counts from the start of the command, not from the start of the loop's turn. */
static void a_busy_turn_does_not_eat_the_deadline(void **state)
{
    uv_timer_t timer;

    (void)state;
    set_scene();
    open_scene();
    (void)uv_timer_init(&scene.loop, &timer);
    (void)uv_timer_start(&timer, start_after_a_stall, 1, 0);
    run_until(&scene.client, is_down);
    run_until(&scene.client, all_ended);
    assert_int_equal(scene.client.calls[0].err, SV_ETIMEOUT);
    assert_true((unsigned)(uv_hrtime() / 1000000) - scene.server.number >= 59);
    uv_close((uv_handle_t *)&timer, NULL);
    finish(&scene.client, &scene.server);
}

/* F08, F09, F15 and the rest of the words, as the callback sees them. */
static void error_replies_are_translated(void **state)
{
    static const struct {
        const char *reply;
        enum sv_err want;
        bool is_lost;
    } rows[] = {
        {"-LOADING Redis is loading\r\n", SV_EUNAVAILABLE, false},
        {"-BUSY running a script\r\n", SV_EUNAVAILABLE, false},
        {"-MASTERDOWN Link down\r\n", SV_EUNAVAILABLE, false},
        {"-TRYAGAIN later\r\n", SV_EUNAVAILABLE, false},
        {"-OOM command not allowed\r\n", SV_EFULL, false},
        {"-NOPERM this user\r\n", SV_EDENIED, false},
        {"-NOAUTH Authentication required.\r\n", SV_EDENIED, false},
        {"-NOSCRIPT No matching script\r\n", SV_ENOTFOUND, false},
        {"-WRONGTYPE Operation\r\n", SV_EREFUSED, false},
        {"-READONLY You can't write\r\n", SV_ECONNECT, true},
        {"-UNBLOCKED the stream\r\n", SV_ECONNECT, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        set_scene();
        scene.server.answer = answer_from_script;
        scene.server.replies = rows[i].reply;
        open_scene();
        assert_int_equal(client_start(&scene.client, 0, "BAD", 0), SV_OK);
        assert_int_equal(client_start(&scene.client, 1, "ECHO behind", 0), SV_OK);
        run_until(&scene.client, all_ended);
        assert_int_equal(scene.client.calls[0].err, rows[i].want);
        assert_memory_equal(scene.client.calls[0].info.text, rows[i].reply + 1,
                            strlen(rows[i].reply) - 3);
        assert_int_equal(scene.client.calls[1].err, rows[i].is_lost ? SV_ECONNECT : SV_OK);
        if (rows[i].is_lost)
            run_until(&scene.client, is_down);
        expect_recovery();
        assert_int_equal(scene.client.down_count, rows[i].is_lost ? 1 : 0);
        assert_int_equal(scene.client.ready_count, rows[i].is_lost ? 2 : 1);
        assert_int_equal(scene.server.peers_count, rows[i].is_lost ? 2 : 1);
        finish(&scene.client, &scene.server);
    }
}

static void reconnect_on_demand(void **state)
{
    (void)state;
    set_scene();
    open_scene();
    assert_int_equal(client_start(&scene.client, 0, "HOLD", 50), SV_OK);
    sv_redis_reconnect(scene.client.redis, "a former primary answered");
    sv_redis_reconnect(scene.client.redis, "twice is once");
    assert_false(sv_redis_is_ready(scene.client.redis));
    assert_int_equal(scene.client.down_count, 0);
    assert_int_equal(client_start(&scene.client, 1, "ECHO x", 0), SV_ECONNECT);
    run_until(&scene.client, is_down);
    run_until(&scene.client, all_ended);
    assert_int_equal(scene.client.calls[0].err, SV_ECONNECT);
    assert_string_equal(scene.client.calls[0].info.text, "a former primary answered");
    expect_recovery();
    assert_int_equal(scene.client.down_count, 1);
    /* It never left, and must not leave with the new connection. */
    assert_string_equal(sv_buf_str(&scene.server.seen), "ROLE|PING|ROLE|PING|ECHO recovered|");
    /* Its deadline went with it, and those of the new connection count. */
    scene.client.down_count = 0;
    assert_int_equal(client_start(&scene.client, 0, "HOLD", 100), SV_OK);
    run_until(&scene.client, is_down);
    assert_int_equal(scene.client.why.code, SV_ETIMEOUT);
    finish(&scene.client, &scene.server);
}

/* F43: connecting fails while there are no descriptors, and works again when there are. */
static void no_descriptor_left(void **state)
{
    struct rlimit before;
    struct rlimit none;
    int next = dup(0);

    (void)state;
    assert_true(next > 0);
    (void)close(next);
    set_scene();
    open_scene();
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = (rlim_t)next; /* the lowest free one is the first that is forbidden */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    sv_redis_reconnect(scene.client.redis, "to need a new descriptor");
    run_until(&scene.client, is_down);
    scene.client.down_count = 0;
    run_until(&scene.client, is_down);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(scene.client.why.code, SV_ECONNECT);
    assert_non_null(strstr(scene.client.why.text, "too many open files"));
    expect_recovery();
    finish(&scene.client, &scene.server);
}

/* F04 before there is a connection: a full queue of a listener answers nothing at all. */
static void a_black_hole_at_connect(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int fillers[4];

    (void)state;
    assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &address), 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(listener, 0), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    for (size_t i = 0; i < 4; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(fillers[i], (struct sockaddr *)&address, len);
    }
    set_scene();
    scene.client.options.address.port = ntohs(address.sin_port);
    scene.client.options.connect_ms = 50;
    client_open(&scene.client);
    run_until(&scene.client, is_down);
    assert_int_equal(scene.client.why.code, SV_ETIMEOUT);
    assert_non_null(strstr(scene.client.why.text, "connecting"));
    finish(&scene.client, &scene.server);
    for (size_t i = 0; i < 4; i++)
        (void)close(fillers[i]);
    (void)close(listener);
}

static void count_turn(uv_prepare_t *handle)
{
    unsigned *turns = handle->data;

    (*turns)++;
}

static void on_time_up(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

/* Rule G of the fault matrix: waiting costs nothing. */
static void waiting_turns_no_loop(void **state)
{
    uv_prepare_t counter;
    uv_timer_t timer;
    unsigned turns = 0;

    (void)state;
    set_scene();
    open_scene();
    assert_int_equal(client_start(&scene.client, 0, "HOLD", 0), SV_OK);
    assert_int_equal(client_start(&scene.client, 1, "ECHO x", 0), SV_OK);
    sv_redis_cancel(&scene.client.calls[1].command);
    (void)uv_prepare_init(&scene.loop, &counter);
    (void)uv_timer_init(&scene.loop, &timer);
    counter.data = &turns;
    (void)uv_prepare_start(&counter, count_turn);
    (void)uv_timer_start(&timer, on_time_up, 200, 0);
    (void)uv_run(&scene.loop, UV_RUN_DEFAULT);
    assert_in_range(turns, 1, 20);
    uv_close((uv_handle_t *)&counter, NULL);
    uv_close((uv_handle_t *)&timer, NULL);
    finish(&scene.client, &scene.server);
}

/* A command started from inside a prepare callback must not wait for something else to happen. */
static void start_in_prepare(uv_prepare_t *handle)
{
    (void)uv_prepare_stop(handle);
    assert_int_equal(client_start(&scene.client, 0, "ECHO now", 0), SV_OK);
}

static void no_phase_of_the_loop_forgets_a_command(void **state)
{
    uv_prepare_t handle;

    (void)state;
    for (unsigned i = 0; i < 2; i++) { /* before our own handle and behind it */
        set_scene();
        (void)uv_prepare_init(&scene.loop, &handle);
        open_scene();
        (void)uv_prepare_start(&handle, start_in_prepare);
        if (i > 0)
            sv_redis_cancel(&scene.client.calls[1].command); /* nothing to cancel: no effect */
        while (scene.client.calls[0].ends == 0)
            (void)uv_run(&scene.loop, UV_RUN_ONCE);
        assert_string_equal(scene.client.calls[0].reply, "now");
        uv_close((uv_handle_t *)&handle, NULL);
        finish(&scene.client, &scene.server);
    }
}

/* --- limits of our own --- */

static void count_end(struct sv_redis_command *command, enum sv_err err, const redisReply *reply)
{
    unsigned *ends = command->owner;

    (void)reply;
    ends[err == SV_OK]++;
}

static enum sv_err start_plain(struct sv_redis_command *command, const char *word, size_t bytes)
{
    const char *argv[] = {"ECHO", word};
    size_t lens[] = {4, bytes};
    struct sv_redis_words words = {.count = 2, .argv = argv, .argv_bytes = lens};

    return sv_redis_start(scene.client.redis, command, &words, count_end, NULL);
}

static void in_flight_is_limited_and_leaves_at_once(void **state)
{
    static struct sv_redis_command commands[SV_REDIS_INFLIGHT_MAX + 1];
    unsigned ends[2] = {0};
    unsigned reads;

    (void)state;
    set_scene();
    open_scene();
    reads = scene.server.reads;
    for (size_t i = 0; i < SV_REDIS_INFLIGHT_MAX; i++) {
        commands[i].owner = ends;
        assert_int_equal(start_plain(&commands[i], "x", 1), SV_OK);
    }
    assert_int_equal(start_plain(&commands[SV_REDIS_INFLIGHT_MAX], "x", 1), SV_EBUSY);
    while (ends[true] < SV_REDIS_INFLIGHT_MAX)
        (void)uv_run(&scene.loop, UV_RUN_ONCE);
    /* 90 KB went out in one piece: the server needed few reads, not thousands. */
    assert_in_range(scene.server.reads - reads, 1, 64);
    assert_int_equal(ends[false], 0);
    finish(&scene.client, &scene.server);
}

static const char *answer_then_go_deaf(struct server *server, const char *argv0,
                                       const redisReply *command)
{
    if (strcmp(argv0, "PING") == 0)
        (void)uv_read_stop(&server->peers[0].handle.stream);
    return answer_politely(server, argv0, command);
}

static void waiting_bytes_are_limited(void **state)
{
    enum { BLOCK = 1 << 20, COMMANDS = 64 };
    static struct sv_redis_command commands[COMMANDS];
    static char block[BLOCK];
    char *huge = calloc(1, SV_REDIS_WRITE_BYTES_MAX);
    unsigned ends[2] = {0};
    unsigned started = 0;
    enum sv_err err = SV_OK;

    (void)state;
    assert_non_null(huge);
    set_scene();
    scene.server.answer = answer_then_go_deaf;
    open_scene();
    memset(commands, 0, sizeof(commands));
    commands[0].owner = ends;
    assert_int_equal(start_plain(&commands[0], huge, SV_REDIS_WRITE_BYTES_MAX), SV_ETOOBIG);
    while (started < COMMANDS && err == SV_OK) {
        commands[started].owner = ends;
        err = start_plain(&commands[started], block, BLOCK);
        started += err == SV_OK;
        if (started >= 14) /* first much in one write, then more behind it: both count */
            (void)uv_run(&scene.loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(err, SV_EBUSY);
    assert_in_range(started, 15, 26); /* 16 MiB, and what the kernel's buffers take */
    finish(&scene.client, &scene.server);
    assert_int_equal(ends[false], started);
    free(huge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(byte_by_byte),
        cmocka_unit_test(cut_inside_a_reply_at_every_byte),
        cmocka_unit_test(garbage_ends_the_connection),
        cmocka_unit_test(an_unasked_reply_ends_the_connection),
        cmocka_unit_test(a_black_hole_is_found_by_the_deadline),
        cmocka_unit_test(a_canceled_command_keeps_its_deadline),
        cmocka_unit_test(a_late_reply_answers_nobody_else),
        cmocka_unit_test(a_stalled_loop_looks_once_more),
        cmocka_unit_test(a_busy_turn_does_not_eat_the_deadline),
        cmocka_unit_test(error_replies_are_translated),
        cmocka_unit_test(reconnect_on_demand),
        cmocka_unit_test(no_descriptor_left),
        cmocka_unit_test(a_black_hole_at_connect),
        cmocka_unit_test(waiting_turns_no_loop),
        cmocka_unit_test(no_phase_of_the_loop_forgets_a_command),
        cmocka_unit_test(in_flight_is_limited_and_leaves_at_once),
        cmocka_unit_test(waiting_bytes_are_limited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
