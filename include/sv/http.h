/* HTTP/1.1 requests on the loop, through libcurl's multi interface. One sv_http per
 * program: it keeps connections alive and bounds everything a server can do to us. */
#ifndef SV_HTTP_H
#define SV_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "sv/buf.h"
#include "sv/err.h"
#include "sv/time.h"

struct sv_http;
struct sv_http_request;

struct sv_http_options {
    const char *user_agent; /* copied; NULL = "sesverify/<version>" */
    const char
        *ca_file; /* copied; NULL = the system's store (AWS_CA_BUNDLE is the caller's to read) */
    unsigned connections_max; /* per program; 0 = 32 */
    unsigned requests_max;    /* in flight; 0 = 256; beyond it start answers SV_EBUSY */
};

enum { SV_HTTP_HEADERS_MAX = 24, SV_HTTP_HEADER_BYTES_MAX = 64 * 1024 };

struct sv_http_header {
    const char *name;
    const char *value;
};

/* Whether a connection to this address may be opened; asked for every address that is tried. */
typedef bool sv_http_address_fn(void *context, const struct sockaddr *address);

/* What to send. Everything is copied by start; nothing needs to outlive it. */
struct sv_http_ask {
    const char *method; /* "GET", "POST", "PUT", "DELETE" */
    const char *url;    /* sent byte for byte: path and query must be encoded already */
    const struct sv_http_header *headers;
    size_t headers_count; /* <= SV_HTTP_HEADERS_MAX */
    const void *body;     /* NULL = none */
    size_t body_bytes;
    size_t answer_bytes_max; /* 0 = 1 MiB; a larger body ends in SV_ETOOBIG */
    sv_ms connect_ms;        /* 0 = 5 s */
    sv_ms total_ms;          /* 0 = 30 s */
    bool allow_plain; /* http:// is refused (SV_EINVALID) unless the caller says it is fine */
    /* NULL = every address. Otherwise the request uses no proxy, a connection of its own and a
     * fresh look-up; `address_context` is borrowed until done. */
    sv_http_address_fn *address_allowed;
    void *address_context;
};

/* What came back. Header values are those of the last response head. */
struct sv_http_answer {
    long status;           /* 200..599, 0 when there was no complete answer */
    struct sv_buf body;    /* the bytes received; always followed by a 0 byte */
    char content_type[64]; /* "" when absent */
    char error_type[96];   /* x-amzn-ErrorType */
    char request_id[96];   /* x-amzn-RequestId or x-amz-request-id */
    char date[40];         /* Date */
    char retry_after[40];  /* Retry-After, raw */
    sv_ms duration_ms;
};

/* `err` is SV_OK for every complete HTTP answer, whatever its status. Otherwise SV_ETIMEOUT (no
 * complete answer in time, or slower than 1 byte a second for 10 s), SV_ECONNECT (name, connect,
 * reset, cut short), SV_EDENIED (TLS verification, address_allowed), SV_ETOOBIG, SV_EMALFORMED,
 * SV_ECANCELED; then `request->info` tells more. The answer is borrowed: valid during the call
 * only. */
typedef void sv_http_done_fn(struct sv_http_request *request, enum sv_err err,
                             const struct sv_http_answer *answer);
typedef void sv_http_closed_fn(void *context);

/* One request; embed it in your own struct. */
struct sv_http_request {
    void *owner; /* yours, untouched */
    struct sv_errinfo info;
    /* private to sv_http from here on */
    sv_http_done_fn *done;
    struct sv_http *http;
    struct sv_http_transfer *transfer;
    struct sv_http_request *next, *previous;
};

/* `loop` is borrowed until the closed callback. The program ignores SIGPIPE: TLS writes may raise
 * it. */
struct sv_http *sv_http_new(uv_loop_t *loop, const struct sv_http_options *options);

uv_loop_t *sv_http_loop(const struct sv_http *http);

/* One attempt: redirects are never followed, and a request is never sent twice, not even when a
 * kept connection turns out to be dead. Proxies are those of the environment (never for loopback),
 * TLS >= 1.2 with peer and host checked, and only https unless ask->allow_plain. Errors:
 * SV_EINVALID (url, method), SV_EBUSY, SV_ECANCELED (closing). */
enum sv_err sv_http_start(struct sv_http *http, struct sv_http_request *request,
                          const struct sv_http_ask *ask, sv_http_done_fn *done,
                          struct sv_errinfo *info) __attribute__((warn_unused_result));

void sv_http_cancel(struct sv_http_request *request);

/* Cancels everything, frees `http`, then calls `closed` as the very last thing. */
void sv_http_close(struct sv_http *http, sv_http_closed_fn *closed, void *context);

#endif
