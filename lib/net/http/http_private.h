/* What the three files of the HTTP client share: http.c (life), http_transfer.c (one request as
 * libcurl sees it) and http_loop.c (libcurl's sockets and clock on libuv). */
#ifndef SV_HTTP_PRIVATE_H
#define SV_HTTP_PRIVATE_H

#include <curl/curl.h>

#include "sv/http.h"

/* One request on its way; made by start, freed after its callback. */
struct sv_http_transfer {
    struct sv_http_request *request;
    struct sv_http *http;
    CURL *easy;
    struct curl_slist *headers;
    struct sv_http_answer answer;
    size_t head_bytes;    /* of all heads and trailers so far */
    uint64_t deadline_at; /* in uv_now's time */
    enum sv_err err;      /* valid once finished */
    bool finished;        /* out of libcurl's hands, waiting for its callback */
    bool head_is_over;    /* what follows in the header callback are trailers */
    bool too_big;
    bool sent;
    bool resent; /* libcurl wanted to send it a second time */
    unsigned addresses_refused, addresses_tried;
    sv_http_address_fn *address_allowed;
    void *address_context;
    struct sv_http_transfer *next, *previous; /* in http->finished */
    char curl_text[CURL_ERROR_SIZE];
};

/* A socket that libcurl wants to be told about. */
struct sv_http_socket {
    uv_poll_t poll;
    struct sv_http *http;
    curl_socket_t fd;
    int events; /* UV_READABLE, UV_WRITABLE */
    bool closing;
    struct sv_http_socket *next, *previous;
};

struct sv_http {
    uv_loop_t *loop;
    CURLM *multi;
    uv_timer_t clock;    /* libcurl's only timer */
    uv_timer_t deadline; /* ours: see on_deadline */
    uv_idle_t turn;      /* active while callbacks wait for the next turn of the loop */
    uint64_t deadline_at;
    struct sv_http_request *live; /* every request whose callback has not run */
    unsigned live_count, requests_max;
    struct sv_http_transfer *finished;
    struct sv_http_socket *sockets;
    unsigned handles; /* uv handles not closed yet */
    bool closing;
    sv_http_closed_fn *closed;
    void *closed_context;
    char *user_agent;
    char *ca_file; /* NULL = the system's store */
};

/* http_transfer.c */

/* Checks `ask` and makes a configured easy handle of it. SV_EINVALID. */
enum sv_err sv_http_transfer_new(struct sv_http *http, const struct sv_http_ask *ask,
                                 struct sv_http_transfer **out, struct sv_errinfo *info);
void sv_http_transfer_free(struct sv_http_transfer *transfer);

/* Reads the outcome from the easy handle, which must still be alive; fills `info` on failure. */
enum sv_err sv_http_transfer_result(struct sv_http_transfer *transfer, CURLcode result,
                                    struct sv_errinfo *info);

/* http_loop.c */

void sv_http_loop_init(struct sv_http *http);

/* Watches the clock for a transfer that was just added. */
void sv_http_loop_watch(struct sv_http *http, const struct sv_http_transfer *transfer);

/* Stops the clock when nothing is in flight: a resting client must not keep the loop alive. */
void sv_http_loop_rest(struct sv_http *http);

/* Closes every handle; the last one that goes frees `http` and tells the owner. */
void sv_http_loop_close(struct sv_http *http);

/* Called by libcurl just before a file descriptor dies, whatever the reason. */
int sv_http_loop_close_socket(void *context, curl_socket_t fd);

/* http.c */

/* Takes the transfer out of libcurl's hands; its callback is run by the next deliver. */
void sv_http_finish(struct sv_http_transfer *transfer, enum sv_err err);

/* Runs the callbacks of what was finished when it was called, not of what they finish in turn. */
void sv_http_deliver(struct sv_http *http);

#endif
