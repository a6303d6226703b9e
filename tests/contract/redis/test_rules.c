/* The five rules of an asynchronous operation, whatever the turn in which they are tried. */
#include "kit.h"

static void one_command_ends_once_and_later(void **state)
{
    static struct server server;
    static struct client client;
    uv_loop_t loop;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    server_start(&server, &loop, NULL);
    client_init(&client, &server);
    client_open(&client);
    assert_int_equal(client_start(&client, 0, "ECHO early", 0), SV_ECONNECT); /* nothing offline */
    run_until(&client, is_ready);
    assert_int_equal(client.down_count, 0);
    assert_int_equal(client_start(&client, 0, "ECHO a", 0), SV_OK);
    assert_int_equal(client_start(&client, 1, "ECHO b", 0), SV_OK);
    run_until(&client, all_ended);
    assert_string_equal(client.calls[0].reply, "a");
    assert_string_equal(client.calls[1].reply, "b");
    assert_int_equal(client.calls[0].err, SV_OK);
    finish(&client, &server);
    assert_int_equal(client.calls[0].ends, 1);
}

static void cancel_throws_away_the_reply_and_only_that(void **state)
{
    static struct server server;
    static struct client client;
    uv_loop_t loop;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    server_start(&server, &loop, NULL);
    client_init(&client, &server);
    client_open(&client);
    run_until(&client, is_ready);
    for (size_t i = 0; i < 3; i++) {
        char line[] = "ECHO 0";

        line[5] = (char)('0' + i);
        assert_int_equal(client_start(&client, i, line, 0), SV_OK);
    }
    sv_redis_cancel(&client.calls[1].command);
    assert_int_equal(client.calls[1].ends, 0);
    sv_redis_cancel(&client.calls[1].command); /* twice is once */
    run_until(&client, all_ended);
    assert_int_equal(client.calls[1].err, SV_ECANCELED);
    assert_string_equal(client.calls[0].reply, "0");
    assert_string_equal(client.calls[1].reply, "");
    assert_string_equal(client.calls[2].reply, "2");
    assert_int_equal(client.down_count, 0);
    finish(&client, &server);
}

static void start_five(struct client *client)
{
    for (size_t i = 0; i < 5; i++)
        (void)client_start(client, i, i == 3 ? "HOLD" : "ECHO x", 0);
    if (client->calls[1].starts > client->calls[1].ends)
        sv_redis_cancel(&client->calls[1].command);
}

/* Every end asks for the next command, so that there is always something in flight; also while
 * closing, when start must refuse. */
static void start_again(struct call *call)
{
    struct client *client = call->client;
    enum sv_err err = client_start(client, (size_t)(call - client->calls), "ECHO again", 0);

    if (client->is_closing)
        assert_int_equal(err, SV_ECANCELED);
}

enum act { ACT_CLOSE, ACT_CANCEL_ALL, ACT_RECONNECT, ACT_SERVER_GONE };

static void do_act(enum act act, struct client *client, struct server *server)
{
    switch (act) {
    case ACT_CLOSE:
        client_close(client);
        break;
    case ACT_CANCEL_ALL:
        for (size_t i = 0; i < 5; i++) {
            if (client->calls[i].starts > client->calls[i].ends)
                sv_redis_cancel(&client->calls[i].command);
        }
        break;
    case ACT_RECONNECT:
        sv_redis_reconnect(client->redis, "the test wants it");
        break;
    case ACT_SERVER_GONE:
        server_stop(server);
        break;
    }
}

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
}

/* Turns the loop; a ticking timer keeps a turn in which nothing happens from lasting. */
static void turn(uv_loop_t *loop, unsigned turns)
{
    uv_timer_t ticker;

    assert_int_equal(uv_timer_init(loop, &ticker), 0);
    assert_int_equal(uv_timer_start(&ticker, on_tick, 1, 1), 0);
    for (unsigned i = 0; i < turns; i++)
        (void)uv_run(loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&ticker, NULL);
    (void)uv_run(loop, UV_RUN_NOWAIT);
}

/* True when the client had become ready before the act, so that the caller knows it went far
 * enough. */
static bool act_after_turns(enum act act, unsigned turns, const char *host, bool is_chained)
{
    static struct server server;
    static struct client client;
    uv_loop_t loop;
    bool was_ready;

    assert_int_equal(uv_loop_init(&loop), 0);
    server_start(&server, &loop, NULL);
    client_init(&client, &server);
    (void)snprintf(client.options.address.host, sizeof(client.options.address.host), "%s", host);
    client.on_ready = start_five;
    client.on_end = is_chained ? start_again : NULL;
    client_open(&client);
    turn(&loop, turns);
    was_ready = client.ready_count > 0;
    do_act(act, &client, &server);
    turn(&loop, 3);
    finish(&client, &server);
    return was_ready;
}

static void whatever_happens_after_whatever_turn(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost"};

    (void)state;
    for (int act = ACT_CLOSE; act <= ACT_SERVER_GONE; act++) {
        for (size_t host = 0; host < 2; host++) {
            bool was_ready = false;

            /* Every one of the first, then ever further, until one comes after the beginning. */
            for (unsigned turns = 0; turns < 40 || !was_ready; turns += 1 + turns / 40 * 10)
                was_ready = act_after_turns((enum act)act, turns, hosts[host], turns % 2 == 0);
        }
    }
}

static void close_on_end(struct call *call)
{
    if (!call->client->is_closing)
        client_close(call->client);
}

static void close_from_inside_callbacks(void **state)
{
    (void)state;
    for (unsigned variant = 0; variant < 3; variant++) {
        static struct server server;
        static struct client client;
        uv_loop_t loop;

        assert_int_equal(uv_loop_init(&loop), 0);
        server_start(&server, &loop, NULL);
        client_init(&client, &server);
        client.close_on_state = variant < 2;
        if (variant == 1)
            client.options.address.port = server.refusing_port;
        if (variant == 2) {
            client.on_ready = start_five;
            client.on_end = close_on_end;
        }
        client_open(&client);
        run_until(&client, is_closed);
        assert_int_equal(client.ready_count, variant == 1 ? 0 : 1);
        finish(&client, &server);
    }
}

static void close_while_nothing_listens(void **state)
{
    static struct server server;
    static struct client client;
    uv_loop_t loop;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    server_start(&server, &loop, NULL);
    client_init(&client, &server);
    client.options.address.port = server.refusing_port;
    client_open(&client);
    run_until(&client, is_down);
    assert_int_equal(client.why.code, SV_ECONNECT);
    finish(&client, &server);
}

static void on_heap_end(struct sv_redis_command *command, enum sv_err err, const redisReply *reply)
{
    unsigned *ends = command->owner;

    (void)err;
    (void)reply;
    (*ends)++;
    free(command);
}

static void the_callback_may_free_the_request(void **state)
{
    static const char *const lines[] = {"ECHO", "HOLD", "ECHO", "ECHO"};
    static struct server server;
    static struct client client;
    uv_loop_t loop;
    unsigned ends = 0;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    server_start(&server, &loop, NULL);
    client_init(&client, &server);
    client_open(&client);
    run_until(&client, is_ready);
    for (size_t i = 0; i < 4; i++) {
        struct sv_redis_command *command = calloc(1, sizeof(*command));
        const char *argv[] = {lines[i], "x"};
        struct sv_redis_words words = {.count = 2, .argv = argv};

        assert_non_null(command);
        command->owner = &ends;
        assert_int_equal(sv_redis_start(client.redis, command, &words, on_heap_end, NULL), SV_OK);
        if (i == 2)
            sv_redis_cancel(command);
    }
    finish(&client, &server);
    assert_int_equal(ends, 4);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_command_ends_once_and_later),
        cmocka_unit_test(cancel_throws_away_the_reply_and_only_that),
        cmocka_unit_test(whatever_happens_after_whatever_turn),
        cmocka_unit_test(close_from_inside_callbacks),
        cmocka_unit_test(close_while_nothing_listens),
        cmocka_unit_test(the_callback_may_free_the_request),
    };

    if (argc > 1 && strcmp(argv[1], "tls") == 0)
        kit_tls_on();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
