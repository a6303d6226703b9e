/* What the files of the AWS sinks share: where an event goes, what is sent and what an answer
 * means; pure. */
#ifndef SV_AWS_SINK_PARTS_H
#define SV_AWS_SINK_PARTS_H

#include "sv/aws_failure.h"
#include "sv/aws_request.h"
#include "sv/sink.h"

/* A body of 64 KiB takes three times as much as a form, and the rest is small. */
enum { SV_AWS_SINK_BODY_BYTES_MAX = 4 * SV_SINK_EVENT_BYTES_MAX };

struct sv_aws_target {
    char text[512];                   /* topic ARN; queue URL; name or ARN of the bus */
    char path[512];                   /* where requests go: the queue's path, "/" for the others */
    char region[33];                  /* where it is */
    char origin[SV_AWS_ORIGIN_BYTES]; /* of the queue's URL; "" = the region's endpoint */
};

/* `text` is a topic ARN ("sns"), a queue URL ("sqs"), or name or ARN of a bus ("eventbridge").
 * `region` counts where `text` tells none; NULL or "" = not known. SV_EINVALID says what is wrong.
 */
enum sv_err sv_aws_target_read(const char *kind, const char *text, const char *region,
                               struct sv_aws_target *out, struct sv_errinfo *info)
    __attribute__((warn_unused_result));

/* How one service is spoken to. */
struct sv_aws_dialect {
    const char *kind;      /* of the sink */
    const char *service;   /* in the signature, and the first label of the host */
    const char *fips_host; /* of the host with validated cryptography */
    const char *action;
    const char *content_type;
    const char *header; /* X-Amz-Target; NULL = the action is in the form */
    bool (*write)(const char *target, const struct sv_sink_parcel *parcel, struct sv_buf *body);
};

/* NULL = no such kind. */
const struct sv_aws_dialect *sv_aws_dialect_find(const char *kind);

/* A complete answer: outcome, and unless DELIVERED info and retry_after_ms of the parcel.
 * `is_signature`: a wrong clock may be the cause. */
enum sv_sink_outcome sv_aws_dialect_read(const struct sv_aws_dialect *dialect,
                                         const struct sv_http_answer *answer,
                                         struct sv_sink_parcel *parcel, bool *is_signature);

#endif
