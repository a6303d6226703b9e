#include "kit.h"

#include <signal.h>

/* --- the server --- */

static void on_peer_closed(uv_handle_t *handle)
{
    struct peer *peer = handle->data;

    sv_redis_codec_fini(&peer->codec);
    sv_buf_fini(&peer->out);
    sv_buf_fini(&peer->wire);
    SSL_free(peer->ssl);
}

static void peer_close(struct peer *peer)
{
    if (!peer->is_open)
        return;
    peer->is_open = false;
    uv_close(&peer->handle.any, on_peer_closed);
}

/* What waits to be sent: over TLS the records of all that was said so far. */
static struct sv_buf *peer_waiting(struct peer *peer)
{
    char bytes[16 * 1024];
    int got;

    if (peer->ssl == NULL)
        return &peer->out;
    if (peer->out.len > 0 && SSL_is_init_finished(peer->ssl) == 1) {
        assert_int_equal(SSL_write(peer->ssl, peer->out.data, (int)peer->out.len), peer->out.len);
        sv_buf_clear(&peer->out);
    }
    while ((got = BIO_read(SSL_get_wbio(peer->ssl), bytes, sizeof(bytes))) > 0)
        assert_true(sv_buf_add(&peer->wire, bytes, (size_t)got));
    return &peer->wire;
}

/* Sends what this turn allows. Our client reads all the time, so try_write takes it; what it does
 * not take now goes in the next turn. */
static void peer_pump(struct peer *peer)
{
    struct server *server = peer->server;
    struct sv_buf *waiting = peer_waiting(peer);
    size_t len = waiting->len;
    bool is_cut = false;
    uv_buf_t piece;
    int sent;

    if (server->step > 0 && len > server->step)
        len = server->step;
    if (server->cut_count > 0 && peer->sent + len >= server->cut_at) {
        len = server->cut_at - peer->sent;
        is_cut = true;
    }
    piece = uv_buf_init(waiting->data, (unsigned)len);
    sent = len == 0 ? 0 : uv_try_write(&peer->handle.stream, &piece, 1);
    if (sent > 0) {
        sv_buf_consume(waiting, (size_t)sent);
        peer->sent += (size_t)sent;
    }
    if (is_cut && (size_t)(sent > 0 ? sent : 0) == len) {
        server->cut_count--;
        peer_close(peer);
    }
}

static void on_pump(uv_idle_t *handle)
{
    struct server *server = handle->data;
    bool is_idle = true;

    for (unsigned i = 0; i < server->peers_count; i++) {
        struct peer *peer = &server->peers[i];

        if (peer->is_open && peer_waiting(peer)->len > 0)
            peer_pump(peer);
        if (peer->is_open && peer_waiting(peer)->len > 0)
            is_idle = false;
    }
    if (is_idle)
        (void)uv_idle_stop(handle);
}

const char *answer_politely(struct server *server, const char *argv0, const redisReply *command)
{
    static char echo[256];

    (void)server;
    if (strcmp(argv0, "ROLE") == 0)
        return "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n";
    if (strcmp(argv0, "PING") == 0)
        return "+PONG\r\n";
    if (strcmp(argv0, "HOLD") == 0)
        return NULL;
    if (strcmp(argv0, "ECHO") != 0)
        return "+OK\r\n";
    assert_true(command->element[1]->len < 200);
    (void)snprintf(echo, sizeof(echo), "$%zu\r\n%s\r\n", command->element[1]->len,
                   command->element[1]->str);
    return echo;
}

static void peer_answer(struct peer *peer, const redisReply *command)
{
    struct server *server = peer->server;
    answer_fn *answer = server->answer != NULL ? server->answer : answer_politely;
    const char *text;

    for (size_t i = 0; i < command->elements; i++)
        assert_true(
            sv_buf_printf(&server->seen, "%s%s", i > 0 ? " " : "",
                          command->element[i]->len < 100 ? command->element[i]->str : "..."));
    assert_true(sv_buf_add_str(&server->seen, "|"));
    text = answer(server, command->element[0]->str, command);
    if (text != NULL)
        assert_true(sv_buf_add_str(&peer->out, text));
    if (peer->out.len > 0)
        (void)uv_idle_start(&server->pump, on_pump);
}

static void on_peer_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    static char bytes[1 << 20];

    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(bytes, sizeof(bytes));
}

static void peer_take(struct peer *peer, const char *bytes, size_t count)
{
    while (count > 0) {
        redisReply *command = NULL;
        size_t used = 0;

        assert_int_equal(sv_redis_codec_read(&peer->codec, bytes, count, &used, &command, NULL),
                         SV_OK);
        bytes += used;
        count -= used;
        if (command == NULL)
            continue;
        if (peer->is_open)
            peer_answer(peer, command);
        freeReplyObject(command);
    }
}

/* SSL_read shakes hands by itself. */
static void peer_decrypt(struct peer *peer, const char *bytes, size_t count)
{
    char clear[16 * 1024];
    int got;

    assert_int_equal(BIO_write(SSL_get_rbio(peer->ssl), bytes, (int)count), count);
    while (peer->is_open && (got = SSL_read(peer->ssl, clear, sizeof(clear))) > 0)
        peer_take(peer, clear, (size_t)got);
    (void)uv_idle_start(&peer->server->pump, on_pump);
}

static void on_peer_read(uv_stream_t *handle, ssize_t count, const uv_buf_t *buf)
{
    struct peer *peer = handle->data;

    if (count < 0) {
        peer_close(peer);
        return;
    }
    peer->server->reads += count > 0;
    if (peer->ssl != NULL)
        peer_decrypt(peer, buf->base, (size_t)count);
    else
        peer_take(peer, buf->base, (size_t)count);
}

static void on_peer(uv_stream_t *listener, int status)
{
    struct server *server = listener->data;
    struct peer *peer = &server->peers[server->peers_count++];

    assert_int_equal(status, 0);
    assert_true(server->peers_count <= PEERS_MAX);
    peer->server = server;
    peer->is_open = true;
    sv_redis_codec_init(&peer->codec, 64 << 20);
    sv_buf_init(&peer->out, 64 << 20);
    sv_buf_init(&peer->wire, 65 << 20);
    peer->ssl = kit_tls_server();
    if (server->is_unix)
        assert_int_equal(uv_pipe_init(server->loop, &peer->handle.pipe, 0), 0);
    else
        assert_int_equal(uv_tcp_init(server->loop, &peer->handle.tcp), 0);
    peer->handle.any.data = peer;
    assert_int_equal(uv_accept(listener, &peer->handle.stream), 0);
    if (!server->is_unix)
        assert_int_equal(uv_tcp_nodelay(&peer->handle.tcp, 1), 0);
    if (server->rude_count > 0) {
        uv_buf_t words =
            uv_buf_init(strdup(server->last_words), (unsigned)strlen(server->last_words));

        server->rude_count--;
        assert_int_equal(uv_try_write(&peer->handle.stream, &words, 1), words.len);
        free(words.base);
        peer_close(peer);
        return;
    }
    assert_int_equal(uv_read_start(&peer->handle.stream, on_peer_alloc, on_peer_read), 0);
}

static unsigned bind_tcp(uv_loop_t *loop, uv_tcp_t *tcp)
{
    struct sockaddr_in address;
    int len = sizeof(address);

    assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &address), 0);
    assert_int_equal(uv_tcp_init(loop, tcp), 0);
    assert_int_equal(uv_tcp_bind(tcp, (struct sockaddr *)&address, 0), 0);
    assert_int_equal(uv_tcp_getsockname(tcp, (struct sockaddr *)&address, &len), 0);
    return ntohs(address.sin_port);
}

void server_start(struct server *server, uv_loop_t *loop, const char *path)
{
    *server = (struct server){.loop = loop, .is_unix = path != NULL};
    (void)signal(SIGPIPE, SIG_IGN);
    sv_buf_init(&server->seen, 1 << 20);
    assert_int_equal(uv_idle_init(loop, &server->pump), 0);
    server->pump.data = server;
    if (path != NULL) {
        assert_int_equal(uv_pipe_init(loop, &server->listener.pipe, 0), 0);
        assert_int_equal(uv_pipe_bind(&server->listener.pipe, path), 0);
    } else {
        server->port = bind_tcp(loop, &server->listener.tcp);
    }
    server->listener.any.data = server;
    server->refusing_port = bind_tcp(loop, &server->refusing);
    assert_int_equal(uv_listen(&server->listener.stream, 16, on_peer), 0);
}

void server_stop(struct server *server)
{
    if (server->is_closed)
        return;
    server->is_closed = true;
    for (unsigned i = 0; i < server->peers_count; i++)
        peer_close(&server->peers[i]);
    uv_close(&server->listener.any, NULL);
    uv_close((uv_handle_t *)&server->refusing, NULL);
    uv_close((uv_handle_t *)&server->pump, NULL);
    sv_buf_fini(&server->seen);
}

/* --- the client --- */

static void on_state(void *context, bool ready, const struct sv_errinfo *why)
{
    struct client *client = context;

    assert_false(client->is_closing);
    if (ready) {
        assert_true(sv_redis_is_ready(client->redis));
        assert_null(why);
        client->ready_count++;
    } else {
        assert_int_not_equal(why->code, SV_OK);
        client->down_count++;
        client->why = *why;
    }
    if (client->close_on_state)
        client_close(client);
    else if (ready && client->on_ready != NULL)
        client->on_ready(client);
}

void client_init(struct client *client, const struct server *server)
{
    *client = (struct client){.loop = server->loop};
    sv_rand_seeded_init(&client->rand, 7);
    client->options = (struct sv_redis_options){
        .address = {.host = "127.0.0.1", .port = server->port, .tls = kit_tls_client() != NULL},
        .tls = kit_tls_client(),
        .connect_ms = 2000,
        .command_ms = 10000,
        .reconnect_first_ms = 1,
        .reconnect_cap_ms = 20,
        .reply_bytes_max = 1 << 20,
    };
}

void client_open(struct client *client)
{
    client->options.rand = &client->rand;
    client->redis = sv_redis_new(client->loop, &client->options, on_state, client);
    assert_false(sv_redis_is_ready(client->redis));
    assert_int_equal(client->ready_count + client->down_count, 0);
}

static void on_closed(void *context)
{
    struct client *client = context;

    assert_false(client->is_closed);
    assert_true(all_ended(client)); /* closed is the very last thing */
    client->is_closed = true;
}

void client_close(struct client *client)
{
    client->is_closing = true;
    sv_redis_close(client->redis, on_closed, client);
    assert_false(client->is_closed);
}

static void on_done(struct sv_redis_command *command, enum sv_err err, const redisReply *reply)
{
    struct call *call = command->owner;

    assert_false(call->in_start);
    assert_int_equal(command->info.code, err);
    assert_true(reply != NULL || err != SV_OK);
    call->ends++;
    assert_int_equal(call->ends, call->starts);
    call->err = err;
    call->info = command->info;
    if (reply != NULL && reply->str != NULL)
        (void)snprintf(call->reply, sizeof(call->reply), "%s", reply->str);
    memset(command, 0xa5,
           sizeof(*command)); /* it is ours again: whoever reads it now goes astray */
    if (call->client->on_end != NULL)
        call->client->on_end(call);
}

enum sv_err client_start(struct client *client, size_t i, const char *line, sv_ms deadline_ms)
{
    struct call *call = &client->calls[i];
    char copy[512];
    const char *argv[16];
    struct sv_redis_words words = {.argv = argv, .deadline_ms = deadline_ms};
    char *rest = copy;
    struct sv_errinfo info = {.code = SV_OK};
    enum sv_err err;

    assert_true(i < CALLS_MAX && snprintf(copy, sizeof(copy), "%s", line) < 512);
    for (char *word = strsep(&rest, " "); word != NULL; word = strsep(&rest, " "))
        argv[words.count++] = word;
    assert_int_equal(call->ends, call->starts);
    call->client = client;
    call->command = (struct sv_redis_command){.owner = call};
    call->reply[0] = '\0';
    call->in_start = true;
    err = sv_redis_start(client->redis, &call->command, &words, on_done, &info);
    call->in_start = false;
    memset(copy, 'x', sizeof(copy)); /* the words were copied */
    assert_int_equal(info.code, err);
    if (err == SV_OK)
        call->starts++;
    return err;
}

static void on_watchdog(uv_timer_t *timer)
{
    (void)timer;
    fail_msg("what was waited for did not happen within %d ms", WATCHDOG_MS);
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

void run_until(struct client *client, holds_fn *holds)
{
    uv_timer_t *watchdog = calloc(1, sizeof(*watchdog)); /* closes whenever the loop turns again */

    assert_non_null(watchdog);
    assert_int_equal(uv_timer_init(client->loop, watchdog), 0);
    assert_int_equal(uv_timer_start(watchdog, on_watchdog, WATCHDOG_MS, 0), 0);
    while (!holds(client))
        (void)uv_run(client->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)watchdog, free_handle);
}

bool is_ready(const struct client *client)
{
    return sv_redis_is_ready(client->redis) && client->ready_count > 0;
}

bool is_not_ready(const struct client *client)
{
    return !sv_redis_is_ready(client->redis);
}

bool is_down(const struct client *client)
{
    return client->down_count > 0;
}

bool all_ended(const struct client *client)
{
    for (size_t i = 0; i < CALLS_MAX; i++) {
        if (client->calls[i].ends != client->calls[i].starts)
            return false;
    }
    return true;
}

bool is_closed(const struct client *client)
{
    return client->is_closed;
}

void finish(struct client *client, struct server *server)
{
    uv_loop_t *loop = server->loop;

    if (!client->is_closing)
        client_close(client);
    run_until(client, is_closed);
    assert_true(all_ended(client));
    server_stop(server);
    assert_int_equal(uv_run(loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(loop), 0);
}
