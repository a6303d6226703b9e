/* SES over HTTP: v1 Query (XML through libexpat) and v2 REST (JSON through jansson), signed by
 * sv_sigv4_sign. */
#ifndef SV_AWS_SES_H
#define SV_AWS_SES_H

#include <stdint.h>

#include "sv/credentials.h"
#include "sv/http.h"
#include "sv/log.h"
#include "sv/ses.h"

struct sv_aws_ses_options {
    struct sv_http *http;         /* borrowed */
    const struct sv_clock *clock; /* borrowed */
    struct sv_log *log;           /* borrowed; may be NULL */
    const char *region;           /* copied */
    const char *endpoint_v1;      /* copied: AWS_ENDPOINT_URL_SES or AWS_ENDPOINT_URL; NULL =
                                     email.<region>.amazonaws.com */
    const char
        *endpoint_v2; /* copied: AWS_ENDPOINT_URL_SESV2 or AWS_ENDPOINT_URL; NULL = the same host */
    bool use_fips, use_dual_stack; /* kinds of the region's host; an endpoint given above wins */
    const struct sv_credentials
        *credentials; /* borrowed, read at each call: the owner may renew them in place */
    sv_ms total_ms;   /* for one call; 0 = 30 s */
};

/* Closed with sv_ses_close, before the HTTP client is. An http:// endpoint is accepted only because
 * somebody set it; SV_EINVALID for one that is no URL, for a region that cannot be one, and for
 * FIPS in a region without it. A clock that SES finds wrong is corrected for this account, see
 * SV_ECLOCK. */
enum sv_err sv_aws_ses_new(const struct sv_aws_ses_options *options, struct sv_ses **out,
                           struct sv_errinfo *info) __attribute__((warn_unused_result));

/* The DKIM zone that AWS documents for a region; NULL for a region we do not know: never guess. */
const char *sv_aws_ses_dkim_zone(const char *region);

/* True when `host` is feedback-smtp.<a region SES lists>.amazonses.com. */
bool sv_aws_ses_is_feedback_host(const char *host);

#endif
