#include "peer.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <utlist.h>

#include "sv/alloc.h"
#include "sv/require.h"

struct connection {
    uv_tcp_t tcp;
    uv_timer_t timer;
    struct peer *peer;
    char bytes[PEER_REQUEST_BYTES_MAX + 1];
    size_t len;
    const struct peer_script *script; /* playing, NULL = waiting for a request */
    size_t steps;
    uv_write_t write;
    char out[PEER_REQUEST_BYTES_MAX];
    unsigned handles;
    bool closing;
    struct connection *next, *prev;
};

struct peer {
    uv_tcp_t listener;
    uv_loop_t *loop;
    const struct peer_script *scripts;
    struct connection *connections;
    unsigned connections_count, requests_count, port;
    char last[PEER_REQUEST_BYTES_MAX + 1];
    bool closing;
};

static void free_when_done(struct peer *peer)
{
    if (peer->closing && peer->connections == NULL)
        free(peer);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct connection *connection = handle->data;
    struct peer *peer = connection->peer;

    if (--connection->handles > 0)
        return;
    DL_DELETE(peer->connections, connection);
    free(connection);
    free_when_done(peer);
}

static void drop(struct connection *connection)
{
    if (connection->closing)
        return;
    connection->closing = true;
    uv_close((uv_handle_t *)&connection->tcp, on_handle_closed);
    uv_close((uv_handle_t *)&connection->timer, on_handle_closed);
}

static void on_reset(uv_handle_t *handle)
{
    on_handle_closed(handle);
}

static void begin(struct connection *connection);

static void end(struct connection *connection)
{
    switch (connection->script->end) {
    case PEER_KEEP:
        connection->script = NULL;
        begin(connection); /* the client may have had all, and asked again, before we got here */
        return;
    case PEER_CLOSE:
        drop(connection);
        return;
    case PEER_RESET:
        connection->closing = true;
        SV_REQUIRE(uv_tcp_close_reset(&connection->tcp, on_reset) == 0);
        uv_close((uv_handle_t *)&connection->timer, on_handle_closed);
        return;
    case PEER_HANG:
        return;
    }
}

static void step(struct connection *connection);

static void on_timer(uv_timer_t *timer)
{
    step(timer->data);
}

static void on_sent(uv_write_t *write, int status)
{
    struct connection *connection = write->data;

    if (status != 0)
        drop(connection);
    if (connection->closing)
        return;
    if (connection->script->wait_ms > 0)
        (void)uv_timer_start(&connection->timer, on_timer, connection->script->wait_ms, 0);
    else
        step(connection);
}

static void send_text(struct connection *connection, const char *text)
{
    uv_buf_t buf = {.base = connection->out, .len = strlen(text)};

    SV_REQUIRE(buf.len < sizeof connection->out);
    memcpy(connection->out, text, buf.len);
    connection->write.data = connection;
    if (uv_write(&connection->write, (uv_stream_t *)&connection->tcp, &buf, 1, on_sent) != 0)
        drop(connection);
}

/* The head, then the pieces one by one, then the end. */
static void step(struct connection *connection)
{
    const struct peer_script *script = connection->script;

    if (connection->steps++ == 0)
        send_text(connection, script->head);
    else if (connection->steps <= script->repeat + 1)
        send_text(connection, script->piece);
    else
        end(connection);
}

static bool starts_with(const char *text, const char *begin)
{
    return strncmp(text, begin, strlen(begin)) == 0;
}

/* The first script whose path ends where the target's path ends. */
static const struct peer_script *find_script(const struct peer *peer, const char *request)
{
    const char *target = strchr(request, ' ');
    size_t len = target != NULL ? strcspn(target + 1, " ?") : 0;
    const struct peer_script *script = peer->scripts;

    while (script->path != NULL && (target == NULL || strlen(script->path) != len ||
                                    !starts_with(target + 1, script->path)))
        script++;
    if (script->path == NULL)
        (void)fprintf(stderr, "peer: no script for: %.80s\n", request);
    SV_REQUIRE(script->path != NULL);
    return script;
}

/* Bytes of the whole request, 0 = not complete yet. */
static size_t request_bytes(const char *bytes)
{
    const char *end = strstr(bytes, "\r\n\r\n");
    const char *length = strcasestr(bytes, "\r\nContent-Length:");
    size_t body = 0;

    if (end == NULL)
        return 0;
    if (length != NULL && length < end)
        body = (size_t)strtoul(length + strlen("\r\nContent-Length:"), NULL, 10);
    body += (size_t)(end + 4 - bytes);
    return strlen(bytes) >= body ? body : 0;
}

/* Plays the script of the request that has come, if it is complete. */
static void begin(struct connection *connection)
{
    struct peer *peer = connection->peer;

    if (request_bytes(connection->bytes) == 0)
        return;
    memcpy(peer->last, connection->bytes, connection->len + 1);
    peer->requests_count++;
    connection->script = find_script(peer, connection->bytes);
    connection->steps = 0;
    connection->len = 0;
    connection->bytes[0] = '\0';
    step(connection);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct connection *connection = handle->data;

    (void)suggested;
    *buf = uv_buf_init(connection->bytes + connection->len,
                       (unsigned)(PEER_REQUEST_BYTES_MAX - connection->len));
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
    struct connection *connection = stream->data;

    (void)buf;
    if (got < 0) {
        drop(connection);
        return;
    }
    connection->len += (size_t)got;
    connection->bytes[connection->len] = '\0';
    if (connection->script == NULL)
        begin(connection);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct peer *peer = listener->data;
    struct connection *connection = sv_alloc(1, sizeof *connection);

    SV_REQUIRE(status == 0);
    connection->peer = peer;
    connection->tcp.data = connection->timer.data = connection;
    connection->handles = 2;
    SV_REQUIRE(uv_tcp_init(peer->loop, &connection->tcp) == 0);
    SV_REQUIRE(uv_timer_init(peer->loop, &connection->timer) == 0);
    SV_REQUIRE(uv_accept(listener, (uv_stream_t *)&connection->tcp) == 0);
    DL_APPEND(peer->connections, connection);
    peer->connections_count++;
    SV_REQUIRE(uv_read_start((uv_stream_t *)&connection->tcp, on_alloc, on_read) == 0);
}

struct peer *peer_new(uv_loop_t *loop, const struct peer_script *scripts)
{
    struct peer *peer = sv_alloc(1, sizeof *peer);
    struct sockaddr_in address;
    int len = sizeof address;

    peer->loop = loop;
    peer->scripts = scripts;
    peer->listener.data = peer;
    SV_REQUIRE(uv_tcp_init(loop, &peer->listener) == 0);
    SV_REQUIRE(uv_ip4_addr("127.0.0.1", 0, &address) == 0);
    SV_REQUIRE(uv_tcp_bind(&peer->listener, (const struct sockaddr *)&address, 0) == 0);
    SV_REQUIRE(uv_listen((uv_stream_t *)&peer->listener, 128, on_connection) == 0);
    SV_REQUIRE(uv_tcp_getsockname(&peer->listener, (struct sockaddr *)&address, &len) == 0);
    peer->port = ntohs(address.sin_port);
    uv_unref((uv_handle_t *)&peer->listener); /* a test ends when the client has nothing to do */
    return peer;
}

unsigned peer_port(const struct peer *peer)
{
    return peer->port;
}

unsigned peer_connections(const struct peer *peer)
{
    return peer->connections_count;
}

unsigned peer_requests(const struct peer *peer)
{
    return peer->requests_count;
}

const char *peer_last_request(const struct peer *peer)
{
    return peer->last;
}

unsigned peer_end_idle(struct peer *peer)
{
    struct connection *connection;
    unsigned ended = 0;

    DL_FOREACH(peer->connections, connection)
    {
        if (connection->script != NULL || connection->closing)
            continue;
        drop(connection);
        ended++;
    }
    return ended;
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct peer *peer = handle->data;

    peer->closing = true;
    free_when_done(peer);
}

void peer_close(struct peer *peer)
{
    struct connection *connection;

    DL_FOREACH(peer->connections, connection)
    drop(connection);
    uv_close((uv_handle_t *)&peer->listener, on_listener_closed);
}
