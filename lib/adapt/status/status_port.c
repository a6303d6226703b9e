/* libmicrohttpd brings its own epoll set; the loop polls that set's descriptor and lets the library
 * run. A request that is not answered from inside its callback suspends its connection: the library
 * forgets about it until the answer resumes it.
 *
 * A request lives until both have let go of it: the library (its connection has ended) and the
 * owner (it was answered). */
#include "sv/status_port.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listener.h"
#include "sv/alloc.h"
#include "sv/require.h"

enum { CONNECTION_BYTES = 8 * 1024, SWEEP_MS = 500, CONNECTION_MS = 10 * 1000, BACKLOG = 128 };

struct connection { /* one place for each that may be open */
    int fd;         /* -1 = free */
    uint64_t since;
    bool has_asked;
};

struct sv_status_request {
    struct sv_status_port *port;
    struct MHD_Connection *connection; /* NULL = ended */
    char *path;
    bool started, asked, answered, suspended;
    unsigned code;
    const char *type;
    struct sv_buf body;
    struct sv_status_request *next, *previous; /* all that live */
};

struct sv_status_port {
    struct sv_status_port_options options;
    struct MHD_Daemon *daemon; /* NULL = closed */
    uv_poll_t poll;
    uv_timer_t timer; /* what the library wants to do later */
    uv_timer_t sweep; /* connections that live too long are ended */
    unsigned handles;
    bool is_freed; /* a connection has ended during this run */
    struct connection connections[SV_STATUS_CONNECTIONS_MAX];
    struct sv_status_request *requests;
    sv_status_closed_fn *closed; /* set = closing */
    void *closed_context;
    char address[SV_STATUS_ADDRESS_BYTES];
};

static void on_timer(uv_timer_t *timer);

/* The library reads what came until it would have to wait, and does not see the end behind half a
 * request: such a connection would keep its place until its time is over. */
static void end_those_who_left(struct sv_status_port *port)
{
    char byte;

    for (int i = 0; i < SV_STATUS_CONNECTIONS_MAX; i++) {
        int fd = port->connections[i].fd;

        if (fd >= 0 && !port->connections[i].has_asked &&
            recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
            (void)shutdown(fd, SHUT_RDWR);
    }
}

/* At its limit of connections the library takes the listening socket out of its set, and puts it
 * back at the beginning of a run: a place that came free during one would not be noticed. */
static void turn(struct sv_status_port *port)
{
    MHD_UNSIGNED_LONG_LONG wait_ms;

    if (port->daemon == NULL)
        return;
    do {
        port->is_freed = false;
        (void)MHD_run(port->daemon);
    } while (port->is_freed);
    end_those_who_left(port);
    if (MHD_get_timeout(port->daemon, &wait_ms) == MHD_YES)
        (void)uv_timer_start(&port->timer, on_timer, wait_ms, 0);
    else
        (void)uv_timer_stop(&port->timer);
}

static void on_timer(uv_timer_t *timer)
{
    turn(timer->data);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    (void)status; /* an error shows as readiness too: the library finds out itself */
    (void)events;
    turn(poll->data);
}

/* ---- connections ---- */

/* The library's own timeout is for silence: a client that sends a byte now and then would keep one
 * of the few places for ever. */
static void on_sweep(uv_timer_t *timer)
{
    struct sv_status_port *port = timer->data;
    uint64_t now = uv_now(port->options.loop);

    for (int i = 0; i < SV_STATUS_CONNECTIONS_MAX; i++) {
        struct connection *connection = &port->connections[i];

        if (connection->fd >= 0 && now - connection->since > (uint64_t)port->options.connection_ms)
            (void)shutdown(connection->fd, SHUT_RDWR);
    }
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct sv_status_port *port = cls;
    struct connection *place = *socket_context;

    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (place != NULL)
            place->fd = -1;
        port->is_freed = true;
        return;
    }
    for (int i = 0; place == NULL && i < SV_STATUS_CONNECTIONS_MAX; i++) {
        if (port->connections[i].fd < 0)
            place = &port->connections[i];
    }
    if (place == NULL)
        return;
    place->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    place->since = uv_now(port->options.loop);
    place->has_asked = false;
    *socket_context = place;
}

static void note_asked(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *about =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct connection *place = about == NULL ? NULL : about->socket_context;

    if (place != NULL)
        place->has_asked = true;
}

/* ---- requests ---- */

static void free_port(struct sv_status_port *port)
{
    sv_status_closed_fn *closed = port->closed;
    void *context = port->closed_context;

    if (port->handles > 0 || port->requests != NULL)
        return;
    free(port);
    closed(context);
}

static void free_request(struct sv_status_request *request)
{
    struct sv_status_port *port = request->port;

    if (request->connection != NULL || (request->asked && !request->answered))
        return;
    if (request->previous != NULL)
        request->previous->next = request->next;
    else
        port->requests = request->next;
    if (request->next != NULL)
        request->next->previous = request->previous;
    sv_buf_fini(&request->body);
    free(request->path);
    free(request);
    if (port->closed != NULL)
        free_port(port);
}

static void *on_target(void *cls, const char *target, struct MHD_Connection *connection)
{
    struct sv_status_port *port = cls;
    struct sv_status_request *request = sv_alloc(1, sizeof *request);

    request->port = port;
    request->connection = connection;
    request->path = sv_strndup(target, strcspn(target, "?"));
    sv_buf_init(&request->body, SV_STATUS_BODY_BYTES_MAX);
    request->next = port->requests;
    if (request->next != NULL)
        request->next->previous = request;
    port->requests = request;
    return request;
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode code)
{
    struct sv_status_request *request = *context;

    (void)cls;
    (void)connection;
    (void)code;
    if (request == NULL)
        return;
    *context = NULL;
    request->connection = NULL;
    free_request(request);
}

/* One answer a connection: nobody who asks for figures now and then gains from keeping it. */
static enum MHD_Result send_answer(const struct sv_status_request *request)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        request->body.len, request->body.data, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result result;

    if (response == NULL)
        return MHD_NO;
    (void)MHD_add_response_header(response, "Content-Type", request->type);
    (void)MHD_add_response_header(response, "Cache-Control", "no-store");
    (void)MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    (void)MHD_add_response_header(
        response, "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src "
        "data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'");
    (void)MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
    (void)MHD_add_response_header(response, "Cross-Origin-Resource-Policy", "same-origin");
    (void)MHD_add_response_header(response, "Connection", "close");
    if (request->code == MHD_HTTP_METHOD_NOT_ALLOWED)
        (void)MHD_add_response_header(response, "Allow", "GET, HEAD");
    result = MHD_queue_response(request->connection, request->code, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result refuse_method(struct sv_status_request *request)
{
    request->code = MHD_HTTP_METHOD_NOT_ALLOWED;
    request->type = "text/plain; charset=utf-8";
    if (!sv_buf_add_str(&request->body, "this port only reads: GET and HEAD\n"))
        return MHD_NO;
    return send_answer(request);
}

/* NOLINTNEXTLINE(readability-function-size): so many parameters does the library want. */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_bytes, void **context)
{
    struct sv_status_port *port = cls;
    struct sv_status_request *request = *context;

    (void)url;
    (void)version;
    (void)upload;
    if (*upload_bytes > 0)
        return MHD_NO;       /* a body is none of our business */
    if (!request->started) { /* the library wants the first call to look only */
        request->started = true;
        note_asked(connection);
        return MHD_YES;
    }
    if (request->answered)
        return send_answer(request); /* resumed */
    if (request->asked)
        return MHD_YES;
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return refuse_method(request);
    request->asked = true;
    port->options.on_ask(port->options.context, request);
    if (request->answered)
        return send_answer(request);
    request->suspended = true;
    MHD_suspend_connection(connection);
    return MHD_YES;
}

const char *sv_status_request_path(const struct sv_status_request *request)
{
    return request->path;
}

const char *sv_status_request_query(const struct sv_status_request *request, const char *name)
{
    if (request->connection == NULL)
        return NULL;
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *sv_status_request_host(const struct sv_status_request *request)
{
    if (request->connection == NULL)
        return NULL;
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, "Host");
}

static void resume(struct sv_status_request *request)
{
    if (!request->suspended)
        return;
    request->suspended = false;
    MHD_resume_connection(request->connection);
    (void)uv_timer_start(&request->port->timer, on_timer, 0, 0);
}

void sv_status_answer(struct sv_status_request *request, unsigned code, const char *type,
                      const struct sv_buf *body)
{
    SV_REQUIRE(request->asked && !request->answered);
    request->answered = true;
    request->code = code;
    request->type = type;
    if (request->connection == NULL) {
        free_request(request);
        return;
    }
    SV_REQUIRE(sv_buf_add(&request->body, sv_buf_str(body), body->len));
    resume(request);
}

/* ---- life ---- */

static void on_handle_closed(uv_handle_t *handle)
{
    struct sv_status_port *port = handle->data;

    port->handles--;
    free_port(port);
}

static void open_handles(struct sv_status_port *port)
{
    const union MHD_DaemonInfo *about = MHD_get_daemon_info(port->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    uv_loop_t *loop = port->options.loop;

    SV_REQUIRE(about != NULL && uv_poll_init(loop, &port->poll, about->epoll_fd) == 0);
    SV_REQUIRE(uv_timer_init(loop, &port->timer) == 0);
    SV_REQUIRE(uv_timer_init(loop, &port->sweep) == 0);
    port->poll.data = port;
    port->timer.data = port;
    port->sweep.data = port;
    port->handles = 3;
    SV_REQUIRE(uv_poll_start(&port->poll, UV_READABLE, on_ready) == 0);
    SV_REQUIRE(uv_timer_start(&port->sweep, on_sweep, SWEEP_MS, SWEEP_MS) == 0);
}

enum sv_err sv_status_port_new(const struct sv_status_port_options *options,
                               struct sv_status_port **out, struct sv_errinfo *info)
{
    struct sv_status_port *port = sv_alloc(1, sizeof *port);
    int fd = -1;
    enum sv_err err =
        sv_listener_open(options->listen, BACKLOG, &fd, port->address, sizeof port->address, info);

    if (err != SV_OK) {
        free(port);
        return err;
    }
    port->options = *options;
    port->options.listen = NULL;
    if (port->options.connection_ms == 0)
        port->options.connection_ms = CONNECTION_MS;
    for (int i = 0; i < SV_STATUS_CONNECTIONS_MAX; i++)
        port->connections[i].fd = -1;
    port->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, port,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)SV_STATUS_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_BYTES, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)((port->options.connection_ms + 999) / 1000), MHD_OPTION_URI_LOG_CALLBACK,
        on_target, port, MHD_OPTION_NOTIFY_COMPLETED, on_completed, port,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, port, MHD_OPTION_END);
    if (port->daemon == NULL) {
        (void)close(fd);
        err = sv_err_set(info, SV_ESYSTEM, "status", 0, "cannot serve HTTP on %s", port->address);
        free(port);
        return err;
    }
    open_handles(port);
    *out = port;
    return SV_OK;
}

const char *sv_status_port_address(const struct sv_status_port *port)
{
    return port->address;
}

void sv_status_port_close(struct sv_status_port *port, sv_status_closed_fn *closed, void *context)
{
    struct MHD_Daemon *daemon = port->daemon;

    SV_REQUIRE(port->closed == NULL);
    port->closed = closed;
    port->closed_context = context;
    for (struct sv_status_request *request = port->requests; request != NULL;
         request = request->next)
        resume(request);
    (void)uv_poll_stop(&port->poll);
    uv_close((uv_handle_t *)&port->poll, on_handle_closed);
    uv_close((uv_handle_t *)&port->timer, on_handle_closed);
    uv_close((uv_handle_t *)&port->sweep, on_handle_closed);
    port->daemon = NULL;
    MHD_stop_daemon(daemon); /* every connection ends: on_completed */
}
