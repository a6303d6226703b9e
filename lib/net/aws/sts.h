/* Asking AWS's Security Token Service (STS): the Query protocol, signed or not. */
#ifndef SV_AWS_STS_H
#define SV_AWS_STS_H

#include "sv/buf.h"
#include "sv/credentials.h"
#include "sv/http.h"

/* All borrowed during the call. */
struct sv_sts_ask {
    const char *endpoint; /* the origin, with a path if somebody set one */
    bool is_plain;        /* http:// is fine: somebody set it */
    const char *region;
    const struct sv_credentials *keys; /* NULL = not signed */
    sv_ms now;                         /* STS's time as far as we know it */
    const struct sv_buf *body;         /* the form */
};

/* One question, as sv_http_start; what cannot be signed is an error, too. */
enum sv_err sv_sts_start(struct sv_http *http, struct sv_http_request *request,
                         const struct sv_sts_ask *ask, sv_http_done_fn *done,
                         struct sv_errinfo *info) __attribute__((warn_unused_result));

/* True when STS's error `code` may come from our clock and its Date header is four minutes or more
 * away from what we take for the time: then *skew_ms, to be added to our clock, is corrected. */
bool sv_sts_learn_skew(sv_ms *skew_ms, const struct sv_clock *clock, const char *code,
                       const char *date);

#endif
