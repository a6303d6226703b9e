/* Sinks at AWS: an SNS topic (Publish), an SQS queue (SendMessage), an EventBridge bus (PutEvents).
 * One request for each event, signed by sv_sigv4_sign. */
#ifndef SV_AWS_SINK_H
#define SV_AWS_SINK_H

#include "sv/credentials.h"
#include "sv/http.h"
#include "sv/log.h"
#include "sv/sink.h"

struct sv_aws_sink_options {
    const char *name;     /* of the sink; copied */
    const char *kind;     /* "sns", "sqs", "eventbridge" */
    const char *target;   /* topic ARN, queue URL, name or ARN of the bus; copied */
    const char *region;   /* copied; used where `target` tells none */
    struct sv_http *http; /* borrowed, as are the next three */
    const struct sv_clock *clock;
    struct sv_log *log;                       /* may be NULL */
    const struct sv_credentials *credentials; /* read at each event: they are renewed in place */
    const char *endpoint_url; /* AWS_ENDPOINT_URL_SNS, _SQS, _EVENTBRIDGE; NULL = the region's */
    bool use_fips, use_dual_stack;
    sv_ms total_ms; /* for one request; 0 = 30 s */
};

/* A name that ends in ".fifo" is a FIFO topic or queue: the event's group keeps its order there,
 * and its id is the deduplication id. Throttling, refused keys or permission, and trouble at AWS
 * are LATER; what AWS says is wrong with the event itself is REFUSED; no such topic, queue or bus
 * is GONE. SV_EINVALID: a target that is none, an unknown region, an endpoint that is no URL.
 * Closed before the HTTP client is. */
enum sv_err sv_aws_sink_new(const struct sv_aws_sink_options *options, struct sv_sink **out,
                            struct sv_errinfo *info) __attribute__((warn_unused_result));

#endif
