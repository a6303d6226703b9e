#include "stream.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/require.h"

/* The story: resolve the name (a literal address needs no thread) -> try its addresses one after
 * the other, each with a handle of its own, since a socket that failed to connect is spent -> read
 * until the end. A resolver that hangs cannot be interrupted: close() then waits for it, and so
 * does the next attempt; there is never more than one. */

enum {
    ADDRESSES_MAX = 8,
    READ_BYTES = 64 * 1024,
    KEEPALIVE_S = 60, /* finds a peer that vanished while we had nothing to say */
};

struct plain {
    struct sv_redis_stream base;
    uv_loop_t *loop;
    union {
        uv_handle_t any;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } handle;
    bool is_open; /* the handle is initialised and not yet gone */
    uv_connect_t connecting;
    uv_getaddrinfo_t resolving;
    bool is_resolving;
    struct sockaddr_storage addresses[ADDRESSES_MAX];
    unsigned addresses_count, addresses_tried, turn;
    uv_write_t writing;
    struct sv_buf written; /* what `writing` points into */
    sv_redis_stream_closed_fn *closed;
    struct sv_errinfo why; /* of the address tried last */
    char read[READ_BYTES];
};

static bool try_next(struct plain *plain);

/* The base is the first member, so that the cast back is the same pointer. */
static struct plain *plain_of(struct sv_redis_stream *stream)
{
    return (struct plain *)stream;
}

static enum sv_err uv_failed(struct sv_errinfo *info, const char *what, int status)
{
    enum sv_err err = status == UV_ETIMEDOUT ? SV_ETIMEOUT : SV_ECONNECT;

    return sv_err_set(info, err, "redis", status, "%s: %s", what, uv_strerror(status));
}

/* May free the stream: the owner closes it in here. */
static void lose(struct plain *plain, const struct sv_errinfo *why)
{
    struct sv_errinfo copy = *why;

    plain->base.events->lost(plain->base.context, &copy);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct plain *plain = handle->data;

    (void)suggested;
    *buf = uv_buf_init(plain->read, sizeof(plain->read));
}

static void on_read(uv_stream_t *handle, ssize_t count, const uv_buf_t *buf)
{
    struct plain *plain = handle->data;
    struct sv_errinfo why;

    if (count > 0) {
        plain->base.events->bytes(plain->base.context, buf->base, (size_t)count);
        return;
    }
    if (count == 0)
        return;
    if (count == UV_EOF)
        (void)sv_err_set(&why, SV_ECONNECT, "redis", UV_EOF, "the server closed the connection");
    else
        (void)uv_failed(&why, "reading", (int)count);
    lose(plain, &why);
}

static void on_attempt_closed(uv_handle_t *handle);

static void on_connect(uv_connect_t *request, int status)
{
    struct plain *plain = request->data;

    if (plain->closed != NULL)
        return;
    if (status == 0)
        status = uv_read_start(&plain->handle.stream, on_alloc, on_read);
    if (status == 0) {
        plain->base.events->connected(plain->base.context);
        return;
    }
    (void)uv_failed(&plain->why, "connecting", status);
    uv_close(&plain->handle.any, on_attempt_closed);
}

static void finish(struct plain *plain)
{
    sv_redis_stream_closed_fn *closed = plain->closed;
    void *context = plain->base.context;

    if (plain->is_open || plain->is_resolving)
        return;
    sv_buf_fini(&plain->written);
    free(plain);
    closed(context);
}

/* One address is spent: take the next or give up. */
static void on_attempt_closed(uv_handle_t *handle)
{
    struct plain *plain = handle->data;

    plain->is_open = false;
    if (plain->closed != NULL)
        finish(plain);
    else if (!try_next(plain))
        lose(plain, &plain->why);
}

/* Starts the next address. False when there is none left, `why` then says what the last one said.
 */
static bool try_next(struct plain *plain)
{
    const struct sockaddr *address;
    int status;

    if (plain->addresses_tried == plain->addresses_count)
        return false;
    address = (const struct sockaddr *)&plain
                  ->addresses[(plain->turn + plain->addresses_tried++) % plain->addresses_count];
    status = uv_tcp_init(plain->loop, &plain->handle.tcp);
    SV_REQUIRE(status == 0); /* makes no socket yet, so it cannot fail */
    plain->handle.any.data = plain;
    plain->is_open = true;
    status = uv_tcp_connect(&plain->connecting, &plain->handle.tcp, address, on_connect);
    if (status != 0) {
        (void)uv_failed(&plain->why, "connecting", status);
        uv_close(&plain->handle.any, on_attempt_closed);
        return true;
    }
    /* Commands are written once a turn, so waiting for more to send gains nothing. */
    (void)uv_tcp_nodelay(&plain->handle.tcp, 1);
    (void)uv_tcp_keepalive(&plain->handle.tcp, 1, KEEPALIVE_S);
    return true;
}

static void keep_addresses(struct plain *plain, const struct addrinfo *list)
{
    for (; list != NULL && plain->addresses_count < ADDRESSES_MAX; list = list->ai_next) {
        if (list->ai_addrlen > sizeof(plain->addresses[0]))
            continue;
        memcpy(&plain->addresses[plain->addresses_count++], list->ai_addr, list->ai_addrlen);
    }
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
    struct plain *plain = request->data;

    plain->is_resolving = false;
    if (status == 0)
        keep_addresses(plain, list);
    uv_freeaddrinfo(list);
    if (plain->closed != NULL) {
        finish(plain);
        return;
    }
    if (status != 0)
        (void)uv_failed(&plain->why, "resolving the host", status);
    if (!try_next(plain))
        lose(plain, &plain->why);
}

static enum sv_err connect_tcp(struct plain *plain, const struct sv_redis_address *address,
                               struct sv_errinfo *info)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    char port[8];
    int status;

    (void)snprintf(port, sizeof(port), "%u", address->port);
    if (uv_ip4_addr(address->host, (int)address->port,
                    (struct sockaddr_in *)&plain->addresses[0]) == 0 ||
        uv_ip6_addr(address->host, (int)address->port,
                    (struct sockaddr_in6 *)&plain->addresses[0]) == 0) {
        plain->addresses_count = 1;
        (void)try_next(plain);
        return SV_OK;
    }
    status =
        uv_getaddrinfo(plain->loop, &plain->resolving, on_resolved, address->host, port, &hints);
    if (status != 0)
        return uv_failed(info, "resolving the host", status);
    plain->is_resolving = true;
    return SV_OK;
}

static enum sv_err plain_connect(struct sv_redis_stream *stream,
                                 const struct sv_redis_address *address, unsigned turn,
                                 struct sv_errinfo *info)
{
    struct plain *plain = plain_of(stream);
    int status;

    plain->turn = turn;
    (void)sv_err_set(&plain->why, SV_ECONNECT, "redis", 0, "the host has no address");
    if (!address->is_unix)
        return connect_tcp(plain, address, info);
    status = uv_pipe_init(plain->loop, &plain->handle.pipe, 0);
    SV_REQUIRE(status == 0); /* makes no socket yet, so it cannot fail */
    plain->handle.any.data = plain;
    plain->is_open = true;
    uv_pipe_connect(&plain->connecting, &plain->handle.pipe, address->host, on_connect);
    return SV_OK;
}

/* A server that throws us out (too many clients) says why before it closes. Those words wait in the
 * socket, so the reading side reports the loss; should it stay silent, the deadlines end it. */
static bool is_left_to_reader(int status)
{
    return status == UV_EPIPE || status == UV_ECONNRESET;
}

static void on_written(uv_write_t *request, int status)
{
    struct plain *plain = request->data;
    struct sv_errinfo why;

    plain->base.is_writing = false;
    plain->base.writing_left = 0;
    sv_buf_clear(&plain->written);
    if (plain->closed != NULL)
        return;
    if (status != 0 && !is_left_to_reader(status)) {
        (void)uv_failed(&why, "writing", status);
        lose(plain, &why);
        return;
    }
    plain->base.events->written(plain->base.context);
}

static enum sv_err plain_write(struct sv_redis_stream *stream, struct sv_buf *out,
                               struct sv_errinfo *info)
{
    struct plain *plain = plain_of(stream);
    uv_buf_t piece = uv_buf_init(out->data, (unsigned)out->len);
    struct sv_buf empty = plain->written;
    int status;

    SV_REQUIRE(!stream->is_writing && out->len > 0);
    status = uv_try_write(&plain->handle.stream, &piece, 1);
    if (status < 0 && status != UV_EAGAIN && !is_left_to_reader(status))
        return uv_failed(info, "writing", status);
    if (status == (int)out->len || is_left_to_reader(status)) {
        sv_buf_clear(out);
        return SV_OK;
    }
    plain->written = *out;
    *out = empty;
    out->bytes_max = plain->written.bytes_max;
    if (status > 0) {
        piece.base += status;
        piece.len -= (size_t)status;
    }
    status = uv_write(&plain->writing, &plain->handle.stream, &piece, 1, on_written);
    if (status != 0)
        return uv_failed(info, "writing", status);
    stream->is_writing = true;
    stream->writing_left = piece.len;
    return SV_OK;
}

static void plain_close(struct sv_redis_stream *stream, sv_redis_stream_closed_fn *closed)
{
    struct plain *plain = plain_of(stream);

    SV_REQUIRE(plain->closed == NULL);
    plain->closed = closed;
    if (plain->is_resolving)
        (void)uv_cancel(
            (uv_req_t *)&plain->resolving); /* when it cannot, on_resolved comes later */
    if (plain->is_open && !uv_is_closing(&plain->handle.any))
        uv_close(&plain->handle.any, on_attempt_closed);
    finish(plain);
}

struct sv_redis_stream *sv_redis_stream_plain_new(uv_loop_t *loop,
                                                  const struct sv_redis_stream_events *events,
                                                  void *context)
{
    static const struct sv_redis_stream_ops ops = {
        .connect = plain_connect, .write = plain_write, .close = plain_close};
    struct plain *plain = sv_alloc(1, sizeof(*plain));

    plain->base = (struct sv_redis_stream){.ops = &ops, .events = events, .context = context};
    plain->loop = loop;
    plain->connecting.data = plain;
    plain->resolving.data = plain;
    plain->writing.data = plain;
    sv_buf_init(&plain->written, SV_REDIS_WRITE_BYTES_MAX);
    return &plain->base;
}
