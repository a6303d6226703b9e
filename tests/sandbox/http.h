/* An HTTP server on libuv: whole requests in, whole answers out, and the ways an answer can go
 * wrong. */
#ifndef SB_HTTP_H
#define SB_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <uv.h>

#include "sv/buf.h"
#include "sv/err.h"
#include "sv/time.h"

enum {
    SB_HEADERS_MAX = 64,
    SB_BODY_BYTES_MAX = 4 * 1024 * 1024, /* a request; zone texts come this way */
    SB_ANSWER_BYTES_MAX = 64 * 1024 * 1024,
    SB_ANSWER_HEADERS_MAX = 8,
    SB_CONNECTIONS_MAX = 1024,
    SB_ADDRESS_BYTES = 64,
};

struct sb_header {
    char *name; /* as received */
    char *value;
};

struct sb_request {
    char *method;
    char *path;  /* as received, still percent-encoded, without the query */
    char *query; /* what came behind the '?', still encoded; NULL without one */
    struct sb_header headers[SB_HEADERS_MAX];
    size_t headers_count;
    struct sv_buf body;
};

/* The value of the first header of that name (case is ignored), or NULL. */
const char *sb_request_header(const struct sb_request *request, const char *name);

enum sb_delivery {
    SB_DELIVER_WHOLE,
    SB_DELIVER_CUT,   /* promises the whole length, sends half, closes */
    SB_DELIVER_SLOW,  /* one byte of the body every `delay_ms` */
    SB_DELIVER_LATE,  /* nothing at all for `delay_ms`, then the whole answer; below 0: never */
    SB_DELIVER_CLOSE, /* closes without a word */
};

struct sb_answer_header {
    const char *name; /* a constant */
    char *value;      /* owned */
};

struct sb_answer {
    unsigned status;
    struct sb_answer_header headers[SB_ANSWER_HEADERS_MAX];
    size_t headers_count;
    struct sv_buf body;
    enum sb_delivery delivery;
    sv_ms delay_ms;
};

/* Copies the value; the name is a constant that outlives the answer. */
void sb_answer_header(struct sb_answer *answer, const char *name, const char *value);

/* Called once per complete request, on the loop. Both are borrowed; `answer` starts as an empty
 * 200. */
typedef void sb_http_fn(void *owner, const struct sb_request *request, struct sb_answer *answer);

struct sb_http;

/* Listens on `address` (port 0 picks one). NULL on failure with `info` filled. */
struct sb_http *sb_http_new(uv_loop_t *loop, const struct sockaddr *address, sb_http_fn *handler,
                            void *owner, struct sv_errinfo *info);

/* "127.0.0.1:4711" or "[::1]:4711". */
const char *sb_http_address(const struct sb_http *http);

/* Ends every connection at once and frees the server when the loop has closed its handles. */
void sb_http_close(struct sb_http *http);

/* Reads "ADDR:PORT" or "[ADDR]:PORT" with a literal address. */
enum sv_err sb_address_parse(const char *text, struct sockaddr_storage *out,
                             struct sv_errinfo *info) __attribute__((warn_unused_result));
void sb_address_format(const struct sockaddr *address, char out[SB_ADDRESS_BYTES]);
socklen_t sb_address_bytes(const struct sockaddr *address);

#endif
