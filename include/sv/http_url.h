/* A URL as libcurl reads it, so that what is judged is what is asked. */
#ifndef SV_HTTP_URL_H
#define SV_HTTP_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "sv/err.h"

enum { SV_HTTP_HOST_BYTES = 256 };

struct sv_http_url {
    bool plain;                    /* http instead of https */
    char host[SV_HTTP_HOST_BYTES]; /* an IPv6 address stays in its brackets */
    uint16_t port;                 /* that of the scheme where none is written */
};

/* SV_EINVALID: neither http nor https, no host where one is to be written, a longer one than DNS
 * has names, a user, a byte that would have to be encoded, a fragment, more than 8 KiB. */
enum sv_err sv_http_url_read(const char *url, struct sv_http_url *out, struct sv_errinfo *info)
    __attribute__((warn_unused_result));

#endif
