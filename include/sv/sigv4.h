/* AWS Signature Version 4, header form, on OpenSSL. Pure: the time and the keys come with the call.
 */
#ifndef SV_SIGV4_H
#define SV_SIGV4_H

#include <stddef.h>

#include "sv/buf.h"
#include "sv/credentials.h"
#include "sv/err.h"
#include "sv/http.h"
#include "sv/time.h"

struct sv_sigv4_request {
    const char *method;
    const char *path;  /* as sent: absolute, percent-encoded; each segment is encoded once more for
                          signing */
    const char *query; /* as sent, without '?'; "" = none */
    const struct sv_http_header
        *headers; /* to be signed: must hold host; x-amz-date and the token are added */
    size_t headers_count;
    const void *body;
    size_t body_bytes;
    const char *region;
    const char *service; /* "ses", "sts" */
    sv_ms now;           /* Unix milliseconds, skew already added */
};

enum { SV_SIGV4_AUTHORIZATION_BYTES = 1024 };

struct sv_sigv4_signature {
    char authorization[SV_SIGV4_AUTHORIZATION_BYTES]; /* value of Authorization */
    char date[17];                                    /* value of X-Amz-Date */
};

/* Signs host, x-amz-date, x-amz-security-token (when the credentials have a session token) and
 * every header given. The caller sends exactly these headers. SV_ETOOBIG when a limit is hit,
 * SV_EINVALID when host is missing. */
enum sv_err sv_sigv4_sign(const struct sv_sigv4_request *request,
                          const struct sv_credentials *credentials, struct sv_sigv4_signature *out,
                          struct sv_errinfo *info) __attribute__((warn_unused_result));

/* The canonical request, for tests against the published vectors. */
enum sv_err sv_sigv4_canonical(const struct sv_sigv4_request *request,
                               const struct sv_credentials *credentials, struct sv_buf *out,
                               struct sv_errinfo *info) __attribute__((warn_unused_result));

#endif
