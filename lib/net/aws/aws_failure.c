/* AWS error codes as our own ("Common errors" of the API References, and the errors of each
 * operation that we use). A code decides; the HTTP status only where a reply names none. */
#include "sv/aws_failure.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "sv/json.h"

enum { JSON_BYTES_MAX = 1024 * 1024, DEPTH_MAX = 16, RETRY_AFTER_DIGITS = 6 };

static const sv_ms retry_after_max_ms = 5 * SV_MINUTE;

static const struct meaning {
    const char *code; /* without a final "Exception" */
    enum sv_err err;
    bool is_signature;
    enum sv_aws_blame blame;
} codes[] = {
    {"Throttling", SV_ETHROTTLED, false, SV_AWS_BLAME_NONE},
    {"TooManyRequests", SV_ETHROTTLED, false, SV_AWS_BLAME_NONE},
    {"RequestLimitExceeded", SV_ETHROTTLED, false, SV_AWS_BLAME_NONE},
    {"Throttled", SV_ETHROTTLED, false, SV_AWS_BLAME_NONE},
    {"RequestThrottled", SV_ETHROTTLED, false, SV_AWS_BLAME_NONE},
    {"BandwidthLimitExceeded", SV_ETHROTTLED, false, SV_AWS_BLAME_NONE},
    {"SlowDown", SV_ETHROTTLED, false, SV_AWS_BLAME_NONE},
    {"ProvisionedThroughputExceeded", SV_ETHROTTLED, false, SV_AWS_BLAME_NONE},
    {"PriorRequestNotComplete", SV_ETHROTTLED, false, SV_AWS_BLAME_NONE},
    {"EC2Throttled", SV_ETHROTTLED, false, SV_AWS_BLAME_NONE},
    {"TransactionInProgress", SV_ETHROTTLED, false, SV_AWS_BLAME_NONE},
    {"InternalFailure", SV_EUNAVAILABLE, false, SV_AWS_BLAME_NONE},
    {"InternalServiceError", SV_EUNAVAILABLE, false, SV_AWS_BLAME_NONE},
    {"InternalServerError", SV_EUNAVAILABLE, false, SV_AWS_BLAME_NONE},
    {"InternalError", SV_EUNAVAILABLE, false, SV_AWS_BLAME_NONE},
    {"ServiceUnavailable", SV_EUNAVAILABLE, false, SV_AWS_BLAME_NONE},
    {"RequestTimeout", SV_ETIMEOUT, false, SV_AWS_BLAME_NONE},
    {"ConcurrentModification", SV_ECONFLICT, false, SV_AWS_BLAME_NONE},
    {"Conflict", SV_ECONFLICT, false, SV_AWS_BLAME_NONE},
    {"AlreadyExists", SV_EEXISTS, false, SV_AWS_BLAME_NONE},
    {"NotFound", SV_ENOTFOUND, false, SV_AWS_BLAME_NONE},
    {"InvalidNextToken", SV_ENOTFOUND, false,
     SV_AWS_BLAME_NONE}, /* the page is not there any more */
    {"LimitExceeded", SV_EQUOTA, false, SV_AWS_BLAME_NONE},
    {"RequestExpired", SV_EDENIED, true, SV_AWS_BLAME_KEYS},
    {"RequestTimeTooSkewed", SV_EDENIED, true, SV_AWS_BLAME_KEYS},
    {"RequestInTheFuture", SV_EDENIED, true, SV_AWS_BLAME_KEYS},
    {"InvalidSignature", SV_EDENIED, true, SV_AWS_BLAME_KEYS},
    {"SignatureDoesNotMatch", SV_EDENIED, true, SV_AWS_BLAME_KEYS},
    {"IncompleteSignature", SV_EDENIED, true, SV_AWS_BLAME_KEYS},
    {"AuthFailure", SV_EDENIED, true, SV_AWS_BLAME_KEYS},
    {"InvalidClientTokenId", SV_EDENIED, false, SV_AWS_BLAME_KEYS},
    {"MissingAuthenticationToken", SV_EDENIED, false, SV_AWS_BLAME_KEYS},
    {"UnrecognizedClient", SV_EDENIED, false, SV_AWS_BLAME_KEYS},
    {"ExpiredToken", SV_EDENIED, false, SV_AWS_BLAME_KEYS},
    {"AccessDenied", SV_EDENIED, false, SV_AWS_BLAME_PERMISSION},
    {"OptInRequired", SV_EDENIED, false, SV_AWS_BLAME_ACCOUNT},
    {"NotAuthorized", SV_EDENIED, false, SV_AWS_BLAME_PERMISSION},
    /* Nothing we send gets better by asking again while somebody at AWS holds the account. */
    {"AccountSuspended", SV_EDENIED, false, SV_AWS_BLAME_ACCOUNT},
    {"AccountSendingPaused", SV_EDENIED, false, SV_AWS_BLAME_ACCOUNT},
    {"SendingPaused", SV_EDENIED, false, SV_AWS_BLAME_ACCOUNT},
    {"BadRequest", SV_EREFUSED, false, SV_AWS_BLAME_NONE},
    {"InvalidParameterValue", SV_EREFUSED, false, SV_AWS_BLAME_NONE},
    {"InvalidParameterCombination", SV_EREFUSED, false, SV_AWS_BLAME_NONE},
    {"ValidationError", SV_EREFUSED, false, SV_AWS_BLAME_NONE},
    {"Validation", SV_EREFUSED, false, SV_AWS_BLAME_NONE},
    {"MissingParameter", SV_EREFUSED, false, SV_AWS_BLAME_NONE},
    {"MissingAction", SV_EREFUSED, false, SV_AWS_BLAME_NONE},
    {"InvalidAction", SV_EREFUSED, false, SV_AWS_BLAME_NONE},
    {"MalformedQueryString", SV_EREFUSED, false, SV_AWS_BLAME_NONE},
    {"InvalidQueryParameter", SV_EREFUSED, false, SV_AWS_BLAME_NONE},
    {"MailFromDomainNotVerified", SV_EREFUSED, false, SV_AWS_BLAME_NONE},
    {"MessageRejected", SV_EREFUSED, false, SV_AWS_BLAME_NONE},
    /* SNS, SQS and EventBridge. Some of SQS's codes are words of a language of its own. */
    {"QueueDoesNotExist", SV_ENOTFOUND, false, SV_AWS_BLAME_NONE},
    {"AWS.SimpleQueueService.NonExistentQueue", SV_ENOTFOUND, false, SV_AWS_BLAME_NONE},
    {"ResourceNotFound", SV_ENOTFOUND, false, SV_AWS_BLAME_NONE},
    {"AWS.SimpleQueueService.QueueDeletedRecently", SV_EUNAVAILABLE, false, SV_AWS_BLAME_NONE},
    {"OverLimit", SV_ETHROTTLED, false, SV_AWS_BLAME_NONE},
    {"KmsThrottled", SV_ETHROTTLED, false, SV_AWS_BLAME_NONE},
    {"KMSThrottling", SV_ETHROTTLED, false, SV_AWS_BLAME_NONE},
    {"AuthorizationError", SV_EDENIED, false, SV_AWS_BLAME_PERMISSION},
    {"NotAuthorizedForSource", SV_EDENIED, false, SV_AWS_BLAME_PERMISSION},
    {"InvalidSecurity", SV_EDENIED, false, SV_AWS_BLAME_KEYS},
    {"KmsAccessDenied", SV_EDENIED, false, SV_AWS_BLAME_PERMISSION},
    {"KMSAccessDenied", SV_EDENIED, false, SV_AWS_BLAME_PERMISSION},
    {"InvalidParameter", SV_EREFUSED, false, SV_AWS_BLAME_NONE},
    {"InvalidMessageContents", SV_EREFUSED, false, SV_AWS_BLAME_NONE},
    {"InvalidArgument", SV_EREFUSED, false, SV_AWS_BLAME_NONE},
    {"MalformedDetail", SV_EREFUSED, false, SV_AWS_BLAME_NONE},
};

/* The header form is "Code:http://internal/..", the JSON form "namespace#Code". */
void sv_aws_failure_set_code(struct sv_aws_failure *failure, const char *text, size_t len)
{
    static const char suffix[] = "Exception";
    size_t suffix_len = sizeof suffix - 1;
    const char *colon = memchr(text, ':', len), *hash;

    if (colon != NULL)
        len = (size_t)(colon - text);
    hash = memrchr(text, '#', len);
    if (hash != NULL) {
        len -= (size_t)(hash - text) + 1;
        text = hash + 1;
    }
    if (len > suffix_len && memcmp(text + len - suffix_len, suffix, suffix_len) == 0)
        len -= suffix_len;
    (void)sv_aws_copy_word(failure->code, sizeof failure->code, text, len);
}

/* Only the first line: below it, a refused signature shows the canonical request with the session
 * token in it. */
void sv_aws_failure_set_message(struct sv_aws_failure *failure, const char *text, size_t len)
{
    size_t kept = 0;

    while (kept < len && kept < sizeof failure->message - 1 && text[kept] != '\n' &&
           text[kept] != '\r') {
        failure->message[kept] = text[kept];
        if (iscntrl((unsigned char)text[kept]))
            failure->message[kept] = '?';
        kept++;
    }
    failure->message[kept] = '\0';
}

/* A 404 without a code is not "no such identity": any proxy says that, and believing it would take
 * a healthy domain down. */
static enum sv_err judge_status(long status)
{
    if (status == 429)
        return SV_ETHROTTLED;
    if (status >= 500)
        return SV_EUNAVAILABLE;
    if (status == 401 || status == 403 || status == 407)
        return SV_EDENIED;
    if (status == 408)
        return SV_ETIMEOUT;
    if (status >= 400 && status != 404)
        return SV_EREFUSED;
    return SV_EMALFORMED;
}

/* NULL = a code that we do not know, or none. */
static const struct meaning *find_code(const struct sv_aws_failure *failure)
{
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (strcmp(failure->code, codes[i].code) == 0)
            return &codes[i];
    }
    return NULL;
}

enum sv_err sv_aws_failure_judge(const struct sv_aws_failure *failure, long status,
                                 bool *is_signature)
{
    const struct meaning *meaning = find_code(failure);

    *is_signature = meaning != NULL && meaning->is_signature;
    return meaning != NULL ? meaning->err : judge_status(status);
}

enum sv_aws_blame sv_aws_failure_blame(const struct sv_aws_failure *failure)
{
    const struct meaning *meaning = find_code(failure);

    return meaning != NULL ? meaning->blame : SV_AWS_BLAME_NONE;
}

bool sv_aws_copy_word(char *out, size_t out_bytes, const char *text, size_t len)
{
    out[0] = '\0';
    if (len == 0 || len >= out_bytes)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] >= 0x7f)
            return false;
    }
    memcpy(out, text, len);
    out[len] = '\0';
    return true;
}

void sv_aws_failure_read_json(const char *bytes, size_t len, struct sv_aws_failure *failure)
{
    json_t *reply = sv_json_parse(bytes, len, JSON_BYTES_MAX, DEPTH_MAX, NULL);
    const char *code, *message;

    if (reply == NULL) /* HTML, nothing, half of something: the status must do */
        return;
    code = sv_json_str(reply, "__type");
    if (code == NULL)
        code = sv_json_str(reply, "code");
    message = sv_json_str(reply, "message");
    if (message == NULL)
        message = sv_json_str(reply, "Message");
    if (code != NULL && failure->code[0] == '\0')
        sv_aws_failure_set_code(failure, code, strlen(code));
    if (message != NULL)
        sv_aws_failure_set_message(failure, message, strlen(message));
    json_decref(reply);
}

sv_ms sv_aws_retry_after_ms(const char *retry_after, const char *date)
{
    size_t digits = strspn(retry_after, "0123456789");
    sv_ms then, now, wait_ms = 0;

    if (digits > 0 && retry_after[digits] == '\0')
        wait_ms = digits > RETRY_AFTER_DIGITS ? retry_after_max_ms
                                              : strtol(retry_after, NULL, 10) * SV_SECOND;
    else if (sv_time_parse_http(retry_after, strlen(retry_after), &then) == SV_OK &&
             sv_time_parse_http(date, strlen(date), &now) == SV_OK && then > now)
        wait_ms = then - now;
    return wait_ms < retry_after_max_ms ? wait_ms : retry_after_max_ms;
}
