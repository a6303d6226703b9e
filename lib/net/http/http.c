/* The life of the HTTP client.
 *
 * The happy path: start makes an easy handle and gives it to libcurl's multi handle; the loop tells
 * libcurl about sockets and time (http_loop.c); a finished easy handle comes out of the drain, goes
 * to `finished`, and deliver runs its callback.
 *
 * What can fail: a bad ask or a full client is refused by start, without a callback. Everything
 * later (no name, no connection, bad TLS, time, size, garbage) comes out of the same drain with an
 * error. Cancel and close take a request out of libcurl's hands at once, but its callback runs in a
 * later turn of the loop, because the caller may be in the middle of anything.
 */
#include "sv/http.h"

#include <stdlib.h>
#include <utlist.h>

#include "http_private.h"
#include "sv/alloc.h"
#include "sv/require.h"

enum { CONNECTIONS_MAX = 32, REQUESTS_MAX = 256 };

static CURLM *multi_new(unsigned connections_max)
{
    CURLM *multi = curl_multi_init();

    if (multi == NULL)
        sv_out_of_memory("curl_multi_init");
    (void)curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)connections_max);
    (void)curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)connections_max);
    return multi;
}

static void *get(size_t bytes)
{
    return sv_alloc(1, bytes);
}

struct sv_http *sv_http_new(uv_loop_t *loop, const struct sv_http_options *options)
{
    struct sv_http *http = sv_alloc(1, sizeof *http);

    /* Counted by libcurl: each new is undone by one cleanup in sv_http_loop_close. */
    SV_REQUIRE(curl_global_init_mem(CURL_GLOBAL_DEFAULT, get, free, sv_realloc, sv_strdup,
                                    sv_alloc) == CURLE_OK);
    http->loop = loop;
    http->multi =
        multi_new(options->connections_max != 0 ? options->connections_max : CONNECTIONS_MAX);
    http->requests_max = options->requests_max != 0 ? options->requests_max : REQUESTS_MAX;
    http->user_agent =
        sv_strdup(options->user_agent != NULL ? options->user_agent : "sesverify/" SV_VERSION);
    http->ca_file = options->ca_file != NULL ? sv_strdup(options->ca_file) : NULL;
    sv_http_loop_init(http);
    return http;
}

uv_loop_t *sv_http_loop(const struct sv_http *http)
{
    return http->loop;
}

enum sv_err sv_http_start(struct sv_http *http, struct sv_http_request *request,
                          const struct sv_http_ask *ask, sv_http_done_fn *done,
                          struct sv_errinfo *info)
{
    struct sv_http_transfer *transfer = NULL;
    enum sv_err err;

    if (http->closing)
        return sv_err_set(info, SV_ECANCELED, "http", 0, "the client is closing");
    if (http->live_count >= http->requests_max)
        return sv_err_set(info, SV_EBUSY, "http", 0, "%u requests are in flight already",
                          http->live_count);
    err = sv_http_transfer_new(http, ask, &transfer, info);
    if (err != SV_OK)
        return err;
    transfer->request = request;
    request->info = (struct sv_errinfo){.code = SV_OK};
    request->done = done;
    request->http = http;
    request->transfer = transfer;
    DL_APPEND2(http->live, request, previous, next);
    http->live_count++;
    /* Adding only arms libcurl's timer; the transfer itself begins in the next turn. */
    SV_REQUIRE(curl_multi_add_handle(http->multi, transfer->easy) == CURLM_OK);
    sv_http_loop_watch(http, transfer);
    return SV_OK;
}

void sv_http_finish(struct sv_http_transfer *transfer, enum sv_err err)
{
    struct sv_http *http = transfer->http;

    transfer->err = err;
    if (transfer->finished)
        return;
    transfer->finished = true;
    (void)curl_multi_remove_handle(http->multi, transfer->easy);
    DL_APPEND2(http->finished, transfer, previous, next);
}

/* A failed request shows nothing of what came before the failure. */
static void call_back(struct sv_http_transfer *transfer)
{
    struct sv_http_request *request = transfer->request;
    struct sv_http *http = transfer->http;

    DL_DELETE2(http->live, request, previous, next);
    http->live_count--;
    sv_http_loop_rest(http);
    request->transfer = NULL;
    if (transfer->err != SV_OK) {
        transfer->answer.status = 0;
        sv_buf_clear(&transfer->answer.body);
    }
    request->done(request, transfer->err, &transfer->answer);
    sv_http_transfer_free(transfer); /* the request may be gone by now */
}

static struct sv_http_transfer *take_first(struct sv_http_transfer **list)
{
    struct sv_http_transfer *first = *list;

    DL_DELETE2(*list, first, previous, next);
    return first;
}

void sv_http_deliver(struct sv_http *http)
{
    struct sv_http_transfer *batch = http->finished;

    /* Taken whole: a callback that starts and cancels forever cannot hold up the loop. */
    http->finished = NULL;
    while (batch != NULL)
        call_back(take_first(&batch));
}

static void on_turn(uv_idle_t *turn)
{
    struct sv_http *http = turn->data;

    sv_http_deliver(http);
    if (http->finished != NULL)
        return;
    (void)uv_idle_stop(turn);
    if (http->closing && http->live_count == 0)
        sv_http_loop_close(http);
}

static void deliver_later(struct sv_http *http)
{
    (void)uv_idle_start(&http->turn, on_turn);
}

static void cancel(struct sv_http_transfer *transfer)
{
    (void)sv_err_set(&transfer->request->info, SV_ECANCELED, "http", 0, "canceled by its owner");
    sv_http_finish(transfer, SV_ECANCELED);
}

void sv_http_cancel(struct sv_http_request *request)
{
    if (request->transfer == NULL) /* its callback is running right now */
        return;
    cancel(request->transfer);
    deliver_later(request->http);
}

void sv_http_close(struct sv_http *http, sv_http_closed_fn *closed, void *context)
{
    struct sv_http_request *request;

    SV_REQUIRE(!http->closing);
    http->closing = true;
    http->closed = closed;
    http->closed_context = context;
    DL_FOREACH2(http->live, request, next)
    cancel(request->transfer);
    deliver_later(http);
}
