/* From nothing to ready: what is said in which order, and what each refusal leads to. */
#include "kit.h"

#include <fcntl.h>
#include <unistd.h>

struct scene {
    struct server server;
    struct client client;
    uv_loop_t loop;
};

static struct scene scene;

static void set_scene(const char *path)
{
    memset(&scene, 0, sizeof(scene));
    assert_int_equal(uv_loop_init(&scene.loop), 0);
    server_start(&scene.server, &scene.loop, path);
    client_init(&scene.client, &scene.server);
}

static void set_text(char *out, size_t bytes, const char *text)
{
    assert_true(strlen(text) < bytes);
    memcpy(out, text, strlen(text) + 1);
}

static void set_credentials(const char *user, const char *password)
{
    struct sv_redis_address *address = &scene.client.options.address;

    set_text(address->user, sizeof(address->user), user);
    set_text(address->password, sizeof(address->password), password);
}

/* Only what is configured is asked for, and never HELLO. */
static void the_order_of_the_handshake(void **state)
{
    static const struct {
        const char *user, *password, *name;
        unsigned database;
        const char *seen;
    } rows[] = {
        {"", "", "", 0, "ROLE|PING|"},
        {"", "pw", "", 0, "AUTH pw|ROLE|PING|"},
        {"me", "pw", "worker-1", 12, "AUTH me pw|CLIENT SETNAME worker-1|SELECT 12|ROLE|PING|"},
        {"me", "", "n", 0, "AUTH me |CLIENT SETNAME n|ROLE|PING|"},
        {"", "", "", 3, "SELECT 3|ROLE|PING|"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        set_scene(NULL);
        set_credentials(rows[i].user, rows[i].password);
        set_text(scene.client.options.client_name, sizeof(scene.client.options.client_name),
                 rows[i].name);
        scene.client.options.address.database = rows[i].database;
        client_open(&scene.client);
        run_until(&scene.client, is_ready);
        assert_string_equal(sv_buf_str(&scene.server.seen), rows[i].seen);
        assert_int_equal(scene.client.down_count, 0);
        finish(&scene.client, &scene.server);
    }
}

/* Each script answers one command of the handshake; "" = silence. */
static const char *answer_one(struct server *server, const char *argv0, const redisReply *command)
{
    size_t len = strcspn(server->replies, " ");

    if (server->number == 0 || strlen(argv0) != len || memcmp(argv0, server->replies, len) != 0)
        return answer_politely(server, argv0, command);
    server->number--;
    return server->replies[len + 1] == '\0' ? NULL : server->replies + len + 1;
}

static void every_refusal_has_its_reason(void **state)
{
    static const struct {
        const char *script;
        enum sv_err want;
        const char *says;
    } rows[] = {
        {"AUTH -WRONGPASS invalid username-password pair\r\n", SV_EDENIED, "WRONGPASS"},
        {"AUTH -ERR unknown command 'AUTH', with args beginning with: 'me' 'SECRET'\r\n",
         SV_EDENIED, "ERR"},
        {"AUTH -ERR AUTH <password> called without any password configured\r\n", SV_EDENIED, "ERR"},
        {"AUTH -BUSY a script\r\n", SV_EUNAVAILABLE, "BUSY"},
        {"AUTH ", SV_ETIMEOUT, "handshake"},
        {"CLIENT -ERR max number of clients reached\r\n", SV_EREFUSED, "max number"},
        {"CLIENT -LOADING no\r\n", SV_EUNAVAILABLE, "LOADING"},
        {"SELECT -ERR DB index is out of range\r\n", SV_EREFUSED, "out of range"},
        {"SELECT -NOPERM this user\r\n", SV_EDENIED, "NOPERM"},
        {"ROLE -NOPERM this user has no permissions to run 'role'\r\n", SV_EDENIED, "role"},
        {"ROLE -NOAUTH Authentication required.\r\n", SV_EDENIED, "NOAUTH"},
        {"ROLE *2\r\n$5\r\nslave\r\n+x\r\n", SV_EUNAVAILABLE, "slave"},
        {"ROLE *1\r\n$8\r\nsentinel\r\n", SV_EUNAVAILABLE, "sentinel"},
        {"ROLE *1\r\n$7\r\nmasters\r\n", SV_EUNAVAILABLE, "masters"},
        {"ROLE *1\r\n$4\r\nmast\r\n", SV_EUNAVAILABLE, "mast"},
        {"ROLE *0\r\n", SV_EMALFORMED, "ROLE"},
        {"ROLE *1\r\n:1\r\n", SV_EMALFORMED, "ROLE"},
        {"ROLE +OK\r\n", SV_EMALFORMED, "ROLE"},
        {"ROLE $-1\r\n", SV_EMALFORMED, "ROLE"},
        {"ROLE nonsense", SV_EMALFORMED, "RESP2"},
        {"PING -ERR max number of clients reached\r\n", SV_EREFUSED, "max number"},
        {"PING -READONLY no\r\n", SV_ECONNECT, "READONLY"},
        {"PING ", SV_ETIMEOUT, "handshake"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        set_scene(NULL);
        set_credentials("me", "SECRET");
        set_text(scene.client.options.client_name, 64, "name");
        scene.client.options.address.database = 1;
        scene.client.options.connect_ms = rows[i].want == SV_ETIMEOUT ? 300 : 5000;
        scene.server.answer = answer_one;
        scene.server.replies = rows[i].script;
        scene.server.number = 1;
        client_open(&scene.client);
        run_until(&scene.client, is_down);
        print_message("%s\n", scene.client.why.text);
        assert_int_equal(scene.client.why.code, rows[i].want);
        assert_non_null(strstr(scene.client.why.text, rows[i].says));
        assert_null(strstr(scene.client.why.text, "SECRET"));
        run_until(&scene.client, is_ready); /* the script refused once only */
        finish(&scene.client, &scene.server);
    }
}

static void a_name_may_be_refused(void **state)
{
    static const char *const scripts[] = {
        "CLIENT -NOPERM this user has no permissions\r\n",
        "CLIENT -ERR unknown command 'CLIENT'\r\n",
        "CLIENT -ERR Unknown subcommand or wrong number of arguments\r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        set_scene(NULL);
        set_text(scene.client.options.client_name, 64, "name");
        scene.server.answer = answer_one;
        scene.server.replies = scripts[i];
        scene.server.number = 1;
        client_open(&scene.client);
        run_until(&scene.client, is_ready);
        assert_int_equal(scene.client.down_count, 0);
        finish(&scene.client, &scene.server);
    }
}

/* Whether the words come before or after our own first byte, they are what we tell. */
static void the_last_words_of_a_server_are_told(void **state)
{
    char folder[] = "/tmp/sv-redis-XXXXXX";
    char path[64];

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/redis.sock", folder);
    for (unsigned i = 0; i < 2; i++) {
        set_scene(i == 0 ? NULL : path);
        scene.client.options.address.is_unix = i > 0;
        if (i > 0)
            set_text(scene.client.options.address.host, SV_REDIS_HOST_BYTES, path);
        scene.server.last_words = "-ERR max number of clients reached\r\n";
        scene.server.rude_count = 5;
        client_open(&scene.client);
        for (unsigned n = 0; n < 5; n++) {
            scene.client.down_count = 0;
            run_until(&scene.client, is_down);
            assert_string_equal(scene.client.why.text, "ERR max number of clients reached");
        }
        run_until(&scene.client, is_ready);
        finish(&scene.client, &scene.server);
    }
    assert_int_equal(rmdir(folder), 0);
}

/* F02: no new connection and no long wait, since the server is there. */
static void loading_is_waited_for_on_the_same_connection(void **state)
{
    (void)state;
    set_scene(NULL);
    scene.server.answer = answer_one;
    scene.server.replies = "PING -LOADING Redis is loading the dataset in memory\r\n";
    scene.server.number = 2;
    client_open(&scene.client);
    run_until(&scene.client, is_down);
    assert_int_equal(client_start(&scene.client, 0, "ECHO x", 0), SV_ECONNECT);
    run_until(&scene.client, is_ready);
    assert_int_equal(scene.client.why.code, SV_EUNAVAILABLE);
    assert_int_equal(scene.client.down_count, 1);
    assert_int_equal(scene.server.peers_count, 1);
    assert_string_equal(sv_buf_str(&scene.server.seen), "ROLE|PING|PING|PING|");
    finish(&scene.client, &scene.server);
}

/* A refused password is not tried again ten times a second. */
static void a_refused_password_is_tried_slowly(void **state)
{
    uint64_t began;

    (void)state;
    set_scene(NULL);
    set_credentials("", "wrong");
    scene.client.options.reconnect_cap_ms = 200;
    scene.server.answer = answer_one;
    scene.server.replies = "AUTH -WRONGPASS no\r\n";
    scene.server.number = 1;
    client_open(&scene.client);
    run_until(&scene.client, is_down);
    began = uv_now(&scene.loop);
    run_until(&scene.client, is_ready);
    assert_true(uv_now(&scene.loop) - began >= 99);
    finish(&scene.client, &scene.server);
}

static void on_time_up(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

/* The time for connecting ends with the handshake. */
static void a_ready_connection_stays(void **state)
{
    unsigned down_count; /* a busy machine may have needed more than one */
    uv_timer_t timer;

    (void)state;
    set_scene(NULL);
    scene.client.options.connect_ms = 400;
    client_open(&scene.client);
    run_until(&scene.client, is_ready);
    down_count = scene.client.down_count;
    (void)uv_timer_init(&scene.loop, &timer);
    (void)uv_timer_start(&timer, on_time_up, 600, 0);
    (void)uv_run(&scene.loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&timer, NULL);
    assert_int_equal(scene.client.down_count, down_count);
    assert_true(sv_redis_is_ready(scene.client.redis));
    finish(&scene.client, &scene.server);
}

/* The first time it knows nothing, then a user of its own. */
static enum sv_err find_login(void *context, struct sv_redis_login *out, struct sv_errinfo *info)
{
    unsigned *asked = context;

    assert_string_equal(out->user, "me");
    assert_string_equal(out->password, "pw");
    if ((*asked)++ == 0)
        return sv_err_set(info, SV_EDENIED, "login", 0, "nobody told");
    set_text(out->user, sizeof(out->user), "other");
    return SV_OK;
}

static void who_we_are_is_asked_for_each_connection(void **state)
{
    unsigned asked = 0;

    (void)state;
    set_scene(NULL);
    set_credentials("me", "pw");
    scene.client.options.login = find_login;
    scene.client.options.login_context = &asked;
    client_open(&scene.client);
    run_until(&scene.client, is_down);
    assert_int_equal(scene.client.why.code, SV_EDENIED);
    assert_string_equal(scene.client.why.text, "nobody told");
    assert_int_equal(scene.server.peers_count, 0); /* not worth a connection */
    run_until(&scene.client, is_ready);
    assert_string_equal(sv_buf_str(&scene.server.seen), "AUTH other pw|ROLE|PING|");
    sv_redis_reconnect(scene.client.redis, "once more");
    scene.client.ready_count = 0;
    run_until(&scene.client, is_ready);
    assert_int_equal(asked, 3);
    finish(&scene.client, &scene.server);
}

/* localhost may be ::1 first, where nobody listens: the second address is tried at once. */
static void a_name_is_resolved_and_every_address_tried(void **state)
{
    (void)state;
    set_scene(NULL);
    set_text(scene.client.options.address.host, SV_REDIS_HOST_BYTES, "localhost");
    client_open(&scene.client);
    run_until(&scene.client, is_ready);
    assert_int_equal(scene.client.down_count, 0);
    finish(&scene.client, &scene.server);
}

/* A label of 64 octets is no name (RFC 1035 section 2.3.4): refused without asking a server,
 * whichever this machine has. */
static void a_name_that_does_not_resolve(void **state)
{
    char host[] = "0123456789012345678901234567890123456789012345678901234567890123.invalid";

    (void)state;
    set_scene(NULL);
    set_text(scene.client.options.address.host, SV_REDIS_HOST_BYTES, host);
    client_open(&scene.client);
    run_until(&scene.client, is_down);
    assert_int_equal(scene.client.why.code, SV_ECONNECT);
    assert_non_null(strstr(scene.client.why.text, "resolving"));
    finish(&scene.client, &scene.server);
}

static void a_unix_socket(void **state)
{
    char folder[] = "/tmp/sv-redis-XXXXXX";
    char path[64];

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/redis.sock", folder);
    set_scene(path);
    scene.client.options.address.is_unix = true;
    set_text(scene.client.options.address.host, SV_REDIS_HOST_BYTES, path);
    client_open(&scene.client);
    run_until(&scene.client, is_ready);
    assert_int_equal(client_start(&scene.client, 0, "ECHO unix", 0), SV_OK);
    run_until(&scene.client, all_ended);
    assert_string_equal(scene.client.calls[0].reply, "unix");
    finish(&scene.client, &scene.server);

    set_scene(path);
    scene.client.options.address.is_unix = true;
    (void)snprintf(scene.client.options.address.host, SV_REDIS_HOST_BYTES, "%s/none", folder);
    client_open(&scene.client);
    run_until(&scene.client, is_down);
    assert_int_equal(scene.client.why.code, SV_ECONNECT);
    finish(&scene.client, &scene.server);
    assert_int_equal(rmdir(folder), 0); /* libuv removed the socket when it closed */
}

static void no_secret_in_the_log(void **state)
{
    char name[] = "/tmp/sv-redis-log-XXXXXX";
    int fd = mkstemp(name);
    struct sv_log *log;
    static char text[65536];
    ssize_t len;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(unlink(name), 0);
    log = sv_log_new(fd, SV_LOG_JSON, SV_LOG_DEBUG, sv_clock_system());
    set_scene(NULL);
    set_credentials("me", "SECRET");
    scene.client.options.log = log;
    scene.server.answer = answer_one;
    scene.server.replies = "AUTH -ERR unknown command, with args beginning with: 'SECRET'\r\n";
    scene.server.number = 1;
    client_open(&scene.client);
    run_until(&scene.client, is_ready);
    sv_redis_reconnect(scene.client.redis, "for the log");
    run_until(&scene.client, is_not_ready);
    run_until(&scene.client, is_ready);
    finish(&scene.client, &scene.server);
    sv_log_free(log);
    len = pread(fd, text, sizeof(text) - 1, 0);
    assert_true(len > 0);
    (void)close(fd);
    print_message("%s", text);
    assert_non_null(strstr(text, "redis_unreachable"));
    assert_non_null(strstr(text, "redis_ready"));
    assert_non_null(strstr(text, "redis_lost"));
    assert_null(strstr(text, "SECRET"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_order_of_the_handshake),
        cmocka_unit_test(every_refusal_has_its_reason),
        cmocka_unit_test(a_name_may_be_refused),
        cmocka_unit_test(the_last_words_of_a_server_are_told),
        cmocka_unit_test(loading_is_waited_for_on_the_same_connection),
        cmocka_unit_test(a_refused_password_is_tried_slowly),
        cmocka_unit_test(a_ready_connection_stays),
        cmocka_unit_test(who_we_are_is_asked_for_each_connection),
        cmocka_unit_test(a_name_is_resolved_and_every_address_tried),
        cmocka_unit_test(a_name_that_does_not_resolve),
        cmocka_unit_test(a_unix_socket),
        cmocka_unit_test(no_secret_in_the_log),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
