/* What a service of AWS says of itself when it refuses, and what that means for us: the codes of
 * the services are our own errors here. Pure. */
#ifndef SV_AWS_FAILURE_H
#define SV_AWS_FAILURE_H

#include <stdbool.h>
#include <stddef.h>

#include "sv/err.h"
#include "sv/http.h"
#include "sv/time.h"

enum { SV_AWS_CODE_BYTES = 64, SV_AWS_MESSAGE_BYTES = 160, SV_AWS_ID_BYTES = 96 };

struct sv_aws_failure {
    char code[SV_AWS_CODE_BYTES]; /* without "Exception"; "" = the reply names none */
    char message[SV_AWS_MESSAGE_BYTES];
    char request_id[SV_AWS_ID_BYTES];
};

/* Whose matter a refusal is. */
enum sv_aws_blame {
    SV_AWS_BLAME_NONE,
    SV_AWS_BLAME_KEYS,
    SV_AWS_BLAME_PERMISSION,
    SV_AWS_BLAME_ACCOUNT
};

/* Takes a code as it stands in a header or a body: "ns#Code:http://..", "CodeException". */
void sv_aws_failure_set_code(struct sv_aws_failure *failure, const char *text, size_t len);
/* Takes the first line; control bytes become '?'. */
void sv_aws_failure_set_message(struct sv_aws_failure *failure, const char *text, size_t len);

/* Fills code (unless there is one) and message from the JSON of a refusal; what is no JSON says
 * nothing. */
void sv_aws_failure_read_json(const char *bytes, size_t len, struct sv_aws_failure *failure);

/* Never SV_OK. A code decides, the HTTP status only where there is none that we know.
 * `is_signature` is set for the codes that a wrong clock can cause. */
enum sv_err sv_aws_failure_judge(const struct sv_aws_failure *failure, long status,
                                 bool *is_signature);
enum sv_aws_blame sv_aws_failure_blame(const struct sv_aws_failure *failure);

/* Copies printable ASCII without blanks that fits with its 0 byte; else false and "" in `out`. */
bool sv_aws_copy_word(char *out, size_t out_bytes, const char *text, size_t len);

/* Retry-After (RFC 9110, section 10.2.3): seconds, or a date, which is measured by the Date of the
 * same reply. 0 = nothing that could be understood; never more than five minutes. */
sv_ms sv_aws_retry_after_ms(const char *retry_after, const char *date);

/* What a reply of the Query API (SNS, SQS) says: the id of the message that it took, or a failure.
 */
struct sv_aws_receipt {
    char message_id[SV_AWS_ID_BYTES];
    struct sv_aws_failure failure;
};

/* Reads <`action`Response> with its MessageId, or <ErrorResponse>. SV_EMALFORMED: neither of them,
 * not whole, or without an id: a page of a proxy is no receipt. */
enum sv_err sv_aws_receipt_read(const char *action, const char *bytes, size_t len,
                                struct sv_aws_receipt *out, struct sv_errinfo *info)
    __attribute__((warn_unused_result));

#endif
