/* One signed request to a service of AWS: where it goes, what is sent, and what a refusal means.
 * SES and the sinks share it. */
#ifndef SV_AWS_REQUEST_H
#define SV_AWS_REQUEST_H

#include <stdbool.h>

#include "sv/buf.h"
#include "sv/credentials.h"
#include "sv/http.h"

enum { SV_AWS_HOST_BYTES = 300, SV_AWS_ORIGIN_BYTES = 320, SV_AWS_PREFIX_BYTES = 128 };

struct sv_aws_endpoint {
    char origin[SV_AWS_ORIGIN_BYTES]; /* "https://host:port" */
    char host[SV_AWS_HOST_BYTES];     /* value of Host: with the port unless it is the default */
    char prefix[SV_AWS_PREFIX_BYTES]; /* path in front of ours, no final slash; usually "" */
    bool plain;
};

struct sv_aws_place {
    const char *url; /* wins over everything; NULL or "" = the region's public endpoint */
    const char *region;
    const char *host; /* first label of the public endpoint: "email", "sns-fips" */
    bool use_dual_stack;
};

/* SV_EINVALID: not a region, or no usable URL. */
enum sv_err sv_aws_endpoint_read(const struct sv_aws_place *place, struct sv_aws_endpoint *out,
                                 struct sv_errinfo *info) __attribute__((warn_unused_result));

/* Whose requests these are. All borrowed. */
struct sv_aws_signer {
    struct sv_http *http;
    const struct sv_clock *clock;
    const struct sv_credentials *credentials; /* read at each request */
    const char *region;
    const char *service; /* "ses", "sns", "sqs", "events" */
    sv_ms total_ms;      /* for one request; 0 = 30 s */
    sv_ms skew_ms;       /* to add to our clock; kept up to date by sv_aws_skew_learn */
};

struct sv_aws_ask {
    const struct sv_aws_endpoint *endpoint;
    const char *method;
    const char *path;         /* from "/", percent-encoded, without the endpoint's prefix */
    const char *query;        /* without the '?', percent-encoded; "" = none */
    const char *content_type; /* NULL = no body */
    const char *target;       /* X-Amz-Target; NULL = none */
    const void *body;
    size_t body_bytes;
};

/* Signs and starts; sv_http_start's rules. SV_EINVALID: the URL is over its limit, or what cannot
 * be signed. */
enum sv_err sv_aws_request_start(const struct sv_aws_signer *signer,
                                 struct sv_http_request *request, const struct sv_aws_ask *ask,
                                 sv_http_done_fn *done, struct sv_errinfo *info)
    __attribute__((warn_unused_result));

/* Appends "name=value", with '&' in front unless it is the first, percent-encoded: a form as the
 * Query APIs take it. False when the buffer's limit is hit. */
bool sv_aws_form_add(struct sv_buf *form, const char *name, const char *value, size_t value_bytes)
    __attribute__((warn_unused_result));

/* To be asked when a signature was refused: true when the answer's Date is far from our clock, as
 * it is told from now on. */
bool sv_aws_skew_learn(struct sv_aws_signer *signer, const char *date);

#endif
