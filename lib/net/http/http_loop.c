/* libcurl's sockets and clock on the loop.
 *
 * libcurl says which sockets it waits for (on_socket) and when it wants to be woken (on_clock_set);
 * we tell it what happened and drain its messages after every single call into it: a transfer that
 * just timed out is announced only there, and never again.
 *
 * What can fail: a socket that died under us is reported by libuv as UV_EBADF with the watching
 * stopped; libcurl hears "error on this socket", and when it wants to go on with it the watching is
 * resumed. A file descriptor is always forgotten by libuv before it is closed, since a number that
 * is reused while epoll still holds the old one would be fatal. Handles close lazily: a poll handle
 * lives until libuv's close callback, long after libcurl has forgotten its socket.
 */
#include "http_private.h"

#include <stdlib.h>
#include <unistd.h>
#include <utlist.h>

#include "sv/alloc.h"
#include "sv/require.h"

static void drain(struct sv_http *http)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
        struct sv_http_transfer *transfer = NULL;
        CURLcode result = message->data.result; /* `message` dies with the removal below */

        if (message->msg != CURLMSG_DONE)
            continue;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        sv_http_finish(transfer,
                       sv_http_transfer_result(transfer, result, &transfer->request->info));
    }
    sv_http_deliver(http);
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void watch(struct sv_http_socket *sock)
{
    (void)uv_poll_start(&sock->poll, sock->events, on_poll);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct sv_http_socket *sock = poll->data;
    struct sv_http *http = sock->http;
    int what = 0, running = 0;

    if (status < 0)
        what = CURL_CSELECT_ERR;
    if (events & UV_READABLE)
        what |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        what |= CURL_CSELECT_OUT;
    (void)curl_multi_socket_action(http->multi, sock->fd, what, &running);
    if (status < 0 && !sock->closing)
        watch(sock);
    drain(http);
}

static void on_socket_closed(uv_handle_t *handle);

static struct sv_http_socket *socket_new(struct sv_http *http, curl_socket_t fd)
{
    struct sv_http_socket *sock = sv_alloc(1, sizeof *sock);

    sock->http = http;
    sock->fd = fd;
    sock->poll.data = sock;
    /* The kernel's limit of watched sockets, for instance. There is no way to tell libcurl that
     * would not end every other transfer too, so this one ends by its timeout. */
    if (uv_poll_init_socket(http->loop, &sock->poll, fd) != 0) {
        free(sock);
        return NULL;
    }
    http->handles++;
    DL_APPEND2(http->sockets, sock, previous, next);
    return sock;
}

static void forget(struct sv_http_socket *sock)
{
    sock->closing = true;
    DL_DELETE2(sock->http->sockets, sock, previous, next);
    (void)uv_poll_stop(&sock->poll);
    uv_close((uv_handle_t *)&sock->poll, on_socket_closed);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *socket_context)
{
    struct sv_http *http = context;
    struct sv_http_socket *sock = socket_context;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (sock != NULL) {
            (void)curl_multi_assign(http->multi, fd, NULL);
            forget(sock);
        }
        return 0;
    }
    if (sock == NULL) {
        sock = socket_new(http, fd);
        if (sock == NULL)
            return 0;
        (void)curl_multi_assign(http->multi, fd, sock);
    }
    sock->events =
        (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    watch(sock);
    return 0;
}

int sv_http_loop_close_socket(void *context, curl_socket_t fd)
{
    struct sv_http *http = context;
    struct sv_http_socket *sock;

    DL_SEARCH_SCALAR2(http->sockets, sock, fd, fd, next);
    if (sock != NULL)
        forget(sock);
    return close(fd);
}

static void on_clock(uv_timer_t *timer)
{
    struct sv_http *http = timer->data;
    int running = 0;

    (void)curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    drain(http);
}

/* libcurl must not be entered from here, so even "now" is a timer. */
static int on_clock_set(CURLM *multi, long timeout_ms, void *context)
{
    struct sv_http *http = context;

    (void)multi;
    if (timeout_ms < 0)
        (void)uv_timer_stop(&http->clock);
    else
        (void)uv_timer_start(&http->clock, on_clock, (uint64_t)timeout_ms, 0);
    return 0;
}

/* libcurl keeps no time for a transfer that waits for a free connection; and a total timeout that
 * depends on one place alone is one bug away from a request that never ends. */
static void on_deadline(uv_timer_t *timer)
{
    struct sv_http *http = timer->data;
    uint64_t now = uv_now(http->loop), soonest = UINT64_MAX;
    struct sv_http_request *request;

    DL_FOREACH2(http->live, request, next)
    {
        struct sv_http_transfer *transfer = request->transfer;

        if (transfer->finished)
            continue;
        if (transfer->deadline_at <= now)
            sv_http_finish(transfer, sv_http_transfer_result(transfer, CURLE_OPERATION_TIMEDOUT,
                                                             &request->info));
        else if (transfer->deadline_at < soonest)
            soonest = transfer->deadline_at;
    }
    http->deadline_at = soonest;
    if (soonest != UINT64_MAX)
        (void)uv_timer_start(timer, on_deadline, soonest - now, 0);
    sv_http_deliver(http);
}

void sv_http_loop_watch(struct sv_http *http, const struct sv_http_transfer *transfer)
{
    if (transfer->deadline_at >= http->deadline_at)
        return;
    http->deadline_at = transfer->deadline_at;
    (void)uv_timer_start(&http->deadline, on_deadline, transfer->deadline_at - uv_now(http->loop),
                         0);
}

void sv_http_loop_rest(struct sv_http *http)
{
    if (http->live_count > 0)
        return;
    http->deadline_at = UINT64_MAX;
    (void)uv_timer_stop(&http->deadline);
}

void sv_http_loop_init(struct sv_http *http)
{
    SV_REQUIRE(uv_timer_init(http->loop, &http->clock) == 0);
    SV_REQUIRE(uv_timer_init(http->loop, &http->deadline) == 0);
    SV_REQUIRE(uv_idle_init(http->loop, &http->turn) == 0);
    http->clock.data = http->deadline.data = http->turn.data = http;
    http->handles = 3;
    http->deadline_at = UINT64_MAX;
    (void)curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    (void)curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
    (void)curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_clock_set);
    (void)curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
}

static void one_handle_less(struct sv_http *http)
{
    sv_http_closed_fn *closed = http->closed;
    void *context = http->closed_context;

    if (--http->handles > 0)
        return;
    free(http->user_agent);
    free(http->ca_file);
    free(http);
    curl_global_cleanup();
    closed(context);
}

static void on_handle_closed(uv_handle_t *handle)
{
    one_handle_less(handle->data);
}

static void on_socket_closed(uv_handle_t *handle)
{
    struct sv_http_socket *sock = handle->data;
    struct sv_http *http = sock->http;

    free(sock);
    one_handle_less(http);
}

void sv_http_loop_close(struct sv_http *http)
{
    struct sv_http_socket *sock, *next;

    (void)curl_multi_cleanup(http->multi); /* closes the idle connections through close_socket */
    DL_FOREACH_SAFE2(http->sockets, sock, next, next)
    forget(sock);
    uv_close((uv_handle_t *)&http->clock, on_handle_closed);
    uv_close((uv_handle_t *)&http->deadline, on_handle_closed);
    uv_close((uv_handle_t *)&http->turn, on_handle_closed);
}
