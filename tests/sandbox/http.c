#include "http.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "sv/alloc.h"
#include "sv/require.h"

/* libmicrohttpd brings its own epoll set; the loop polls that set's descriptor and lets it run. A
 * timer stands in for MHD_get_timeout. An answer that shall come late or byte by byte suspends its
 * connection, and a timer of the exchange resumes it. */

struct exchange {
    struct sb_http *http;
    struct MHD_Connection *connection;
    struct sb_request request;
    struct sb_answer answer;
    bool started, answered, suspended, byte_due, too_big;
    size_t sent;
    uv_timer_t timer;
    struct exchange *prev, *next;
};

struct sb_http {
    uv_loop_t *loop;
    struct MHD_Daemon *daemon;
    sb_http_fn *handler;
    void *owner;
    uv_poll_t poll;
    uv_timer_t timer;
    unsigned handles;
    bool closing;
    struct exchange *exchanges;
    char address[SB_ADDRESS_BYTES];
};

const char *sb_request_header(const struct sb_request *request, const char *name)
{
    for (size_t i = 0; i < request->headers_count; i++) {
        if (strcasecmp(request->headers[i].name, name) == 0)
            return request->headers[i].value;
    }
    return NULL;
}

void sb_answer_header(struct sb_answer *answer, const char *name, const char *value)
{
    SV_REQUIRE(answer->headers_count < SB_ANSWER_HEADERS_MAX);
    answer->headers[answer->headers_count].name = name;
    answer->headers[answer->headers_count].value = sv_strdup(value);
    answer->headers_count++;
}

static void on_wake(uv_timer_t *timer);

static void turn(struct sb_http *http)
{
    MHD_UNSIGNED_LONG_LONG wait_ms;

    (void)MHD_run(http->daemon);
    if (http->closing || MHD_get_timeout(http->daemon, &wait_ms) != MHD_YES)
        (void)uv_timer_stop(&http->timer);
    else
        (void)uv_timer_start(&http->timer, on_wake, wait_ms, 0);
}

static void on_wake(uv_timer_t *timer)
{
    turn(timer->data);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    turn(poll->data);
}

static void resume(struct exchange *exchange)
{
    if (!exchange->suspended)
        return;
    exchange->suspended = false;
    MHD_resume_connection(exchange->connection);
    (void)uv_timer_start(&exchange->http->timer, on_wake, 0, 0);
}

static void on_delay(uv_timer_t *timer)
{
    struct exchange *exchange = timer->data;

    exchange->byte_due = true;
    resume(exchange);
}

static void suspend(struct exchange *exchange)
{
    exchange->suspended = true;
    MHD_suspend_connection(exchange->connection);
    if (exchange->answer.delay_ms >= 0)
        (void)uv_timer_start(&exchange->timer, on_delay, (uint64_t)exchange->answer.delay_ms, 0);
}

static void on_exchange_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void request_fini(struct sb_request *request)
{
    free(request->method);
    free(request->path);
    free(request->query);
    for (size_t i = 0; i < request->headers_count; i++) {
        free(request->headers[i].name);
        free(request->headers[i].value);
    }
    sv_buf_fini(&request->body);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                         enum MHD_RequestTerminationCode code)
{
    struct exchange *exchange = *con_cls;

    (void)cls;
    (void)connection;
    (void)code;
    if (exchange == NULL)
        return;
    *con_cls = NULL;
    if (exchange->prev != NULL)
        exchange->prev->next = exchange->next;
    else
        exchange->http->exchanges = exchange->next;
    if (exchange->next != NULL)
        exchange->next->prev = exchange->prev;
    request_fini(&exchange->request);
    for (size_t i = 0; i < exchange->answer.headers_count; i++)
        free(exchange->answer.headers[i].value);
    sv_buf_fini(&exchange->answer.body);
    uv_close((uv_handle_t *)&exchange->timer, on_exchange_closed);
}

/* The first sign of a request: the target exactly as it stands on the request line. */
static void *on_target(void *cls, const char *target, struct MHD_Connection *connection)
{
    struct sb_http *http = cls;
    struct exchange *exchange = sv_alloc(1, sizeof *exchange);
    const char *mark = strchr(target, '?');

    exchange->http = http;
    exchange->connection = connection;
    exchange->request.path =
        sv_strndup(target, mark == NULL ? strlen(target) : (size_t)(mark - target));
    if (mark != NULL)
        exchange->request.query = sv_strdup(mark + 1);
    sv_buf_init(&exchange->request.body, SB_BODY_BYTES_MAX);
    sv_buf_init(&exchange->answer.body, SB_ANSWER_BYTES_MAX);
    SV_REQUIRE(uv_timer_init(http->loop, &exchange->timer) == 0);
    exchange->timer.data = exchange;
    exchange->next = http->exchanges;
    if (exchange->next != NULL)
        exchange->next->prev = exchange;
    http->exchanges = exchange;
    return exchange;
}

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *key,
                                 const char *value)
{
    struct sb_request *request = cls;

    (void)kind;
    if (request->headers_count == SB_HEADERS_MAX)
        return MHD_NO;
    request->headers[request->headers_count].name = sv_strdup(key);
    request->headers[request->headers_count].value = sv_strdup(value == NULL ? "" : value);
    request->headers_count++;
    return MHD_YES;
}

static ssize_t read_cut(void *cls, uint64_t pos, char *out, size_t bytes_max)
{
    struct exchange *exchange = cls;
    size_t half = exchange->answer.body.len / 2;
    size_t len;

    if (pos >= half)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    len = half - (size_t)pos < bytes_max ? half - (size_t)pos : bytes_max;
    memcpy(out, exchange->answer.body.data + pos, len);
    return (ssize_t)len;
}

static ssize_t read_slow(void *cls, uint64_t pos, char *out, size_t bytes_max)
{
    struct exchange *exchange = cls;

    (void)bytes_max;
    if (exchange->http->closing)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (!exchange->byte_due) {
        suspend(exchange);
        return 0;
    }
    exchange->byte_due = false;
    out[0] = exchange->answer.body.data[pos];
    return 1;
}

static struct MHD_Response *render(struct exchange *exchange)
{
    const struct sv_buf *body = &exchange->answer.body;

    switch (exchange->answer.delivery) {
    case SB_DELIVER_CUT:
        return MHD_create_response_from_callback(body->len + 16, 1024, read_cut, exchange, NULL);
    case SB_DELIVER_SLOW:
        if (body->len > 0)
            return MHD_create_response_from_callback(body->len, 1, read_slow, exchange, NULL);
        break;
    case SB_DELIVER_WHOLE:
    case SB_DELIVER_LATE:
    case SB_DELIVER_CLOSE:
        break;
    }
    return MHD_create_response_from_buffer(body->len, body->data, MHD_RESPMEM_MUST_COPY);
}

static enum MHD_Result send_answer(struct exchange *exchange)
{
    struct MHD_Response *response;
    enum MHD_Result result;

    if (exchange->http->closing || exchange->answer.delivery == SB_DELIVER_CLOSE)
        return MHD_NO;
    response = render(exchange);
    if (response == NULL)
        sv_out_of_memory("libmicrohttpd");
    for (size_t i = 0; i < exchange->answer.headers_count; i++)
        (void)MHD_add_response_header(response, exchange->answer.headers[i].name,
                                      exchange->answer.headers[i].value);
    result = MHD_queue_response(exchange->connection, exchange->answer.status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_bytes, void **con_cls)
{
    struct sb_http *http = cls;
    struct exchange *exchange = *con_cls;

    (void)url;
    (void)version;
    if (!exchange->started) {
        exchange->started = true;
        exchange->request.method = sv_strdup(method);
        (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, on_header, &exchange->request);
        return MHD_YES;
    }
    if (*upload_bytes > 0) {
        if (!sv_buf_add(&exchange->request.body, upload, *upload_bytes))
            exchange->too_big = true;
        *upload_bytes = 0;
        return MHD_YES;
    }
    if (!exchange->answered) {
        exchange->answered = true;
        exchange->answer.status = exchange->too_big ? 413 : 200;
        if (!exchange->too_big)
            http->handler(http->owner, &exchange->request, &exchange->answer);
        if (exchange->answer.delivery == SB_DELIVER_LATE) {
            suspend(exchange);
            return MHD_YES;
        }
    }
    return send_answer(exchange);
}

static int listen_on(const struct sockaddr *address, struct sb_http *http, struct sv_errinfo *info)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_storage bound = {0};
    socklen_t bytes = sizeof bound;
    int on = 1;

    sb_address_format(address, http->address);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, address, sb_address_bytes(address)) != 0 || listen(fd, SB_CONNECTIONS_MAX) != 0 ||
        getsockname(fd, (struct sockaddr *)&bound, &bytes) != 0) {
        (void)sv_err_set(info, SV_ESYSTEM, "http", errno, "cannot listen on %s: %s", http->address,
                         strerror(errno));
        if (fd >= 0)
            (void)close(fd);
        return -1;
    }
    sb_address_format((struct sockaddr *)&bound, http->address);
    return fd;
}

static void poll_start(struct sb_http *http)
{
    const union MHD_DaemonInfo *daemon_info =
        MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);

    SV_REQUIRE(daemon_info != NULL);
    SV_REQUIRE(uv_poll_init(http->loop, &http->poll, daemon_info->epoll_fd) == 0);
    SV_REQUIRE(uv_timer_init(http->loop, &http->timer) == 0);
    http->poll.data = http;
    http->timer.data = http;
    http->handles = 2;
    SV_REQUIRE(uv_poll_start(&http->poll, UV_READABLE, on_ready) == 0);
}

struct sb_http *sb_http_new(uv_loop_t *loop, const struct sockaddr *address, sb_http_fn *handler,
                            void *owner, struct sv_errinfo *info)
{
    struct sb_http *http = sv_alloc(1, sizeof *http);
    int fd;

    http->loop = loop;
    http->handler = handler;
    http->owner = owner;
    fd = listen_on(address, http, info);
    if (fd < 0) {
        free(http);
        return NULL;
    }
    http->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_SUPPRESS_DATE_NO_CLOCK, 0, NULL, NULL,
        on_request, http, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)SB_CONNECTIONS_MAX, MHD_OPTION_URI_LOG_CALLBACK, on_target, http,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, http, MHD_OPTION_END);
    if (http->daemon == NULL) {
        (void)sv_err_set(info, SV_ESYSTEM, "http", errno, "cannot serve HTTP on %s", http->address);
        (void)close(fd);
        free(http);
        return NULL;
    }
    poll_start(http);
    return http;
}

const char *sb_http_address(const struct sb_http *http)
{
    return http->address;
}

static void on_closed(uv_handle_t *handle)
{
    struct sb_http *http = handle->data;

    if (--http->handles == 0)
        free(http);
}

void sb_http_close(struct sb_http *http)
{
    if (http == NULL)
        return;
    http->closing = true;
    for (struct exchange *exchange = http->exchanges; exchange != NULL; exchange = exchange->next)
        resume(exchange);
    (void)MHD_run(http->daemon);
    (void)uv_poll_stop(&http->poll);
    uv_close((uv_handle_t *)&http->poll, on_closed);
    uv_close((uv_handle_t *)&http->timer, on_closed);
    MHD_stop_daemon(http->daemon);
}
