/* The status port: a small HTTP server on the loop (libmicrohttpd) that only reads. It knows no
 * pages: every GET is handed to its owner, who answers at once or later (operations.md M1). */
#ifndef SV_STATUS_PORT_H
#define SV_STATUS_PORT_H

#include <uv.h>

#include "sv/buf.h"
#include "sv/err.h"
#include "sv/time.h"

enum {
    SV_STATUS_CONNECTIONS_MAX = 16, /* more wait in the system's line (F54) */
    SV_STATUS_ADDRESS_BYTES = 64,
    SV_STATUS_BODY_BYTES_MAX = 4 << 20,
};

struct sv_status_port;
struct sv_status_request;

/* A GET or HEAD. Answer it by sv_status_answer, from inside or later; exactly once. */
typedef void sv_status_ask_fn(void *context, struct sv_status_request *request);
typedef void sv_status_closed_fn(void *context);

struct sv_status_port_options {
    uv_loop_t *loop;          /* borrowed */
    const char *listen;       /* ADDR:PORT or [ADDR]:PORT; port 0 picks one */
    sv_status_ask_fn *on_ask; /* not called any more after sv_status_port_close */
    void *context;
    sv_ms connection_ms; /* longest life of one connection; 0 = 10 s */
};

/* Listens. SV_EINVALID: `listen` is no address; SV_ESYSTEM: it cannot be listened on. */
enum sv_err sv_status_port_new(const struct sv_status_port_options *options,
                               struct sv_status_port **out, struct sv_errinfo *info)
    __attribute__((warn_unused_result));

/* "127.0.0.1:9425", with the port that was picked. */
const char *sv_status_port_address(const struct sv_status_port *port);

/* The path as it stands on the request line, without the query; at most 8 KiB. Borrowed until the
 * answer. */
const char *sv_status_request_path(const struct sv_status_request *request);

/* The decoded value of a query parameter; NULL = there is none. Borrowed until the answer. */
const char *sv_status_request_query(const struct sv_status_request *request, const char *name);

/* The Host header as it came, with its port; NULL = none. Borrowed until the answer. */
const char *sv_status_request_host(const struct sv_status_request *request);

/* Sends `body` (copied) with this status code and Content-Type, and lets go of the request. A
 * client that went away meanwhile, or a port that was closed, is no error. */
void sv_status_answer(struct sv_status_request *request, unsigned code, const char *type,
                      const struct sv_buf *body);

/* Ends every connection, then calls `closed` as the last thing, when every request that was handed
 * out has been answered. */
void sv_status_port_close(struct sv_status_port *port, sv_status_closed_fn *closed, void *context);

#endif
