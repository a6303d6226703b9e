/* AWS error codes as our own ("Common errors" of the SES API References v1 and v2, and the errors
 * of each operation). A code decides; the HTTP status only where a reply names none. */
#include <ctype.h>
#include <string.h>

#include "ses_private.h"

static const struct {
    const char *code; /* without a final "Exception" */
    enum sv_err err;
    bool is_signature;
} codes[] = {
    {"Throttling", SV_ETHROTTLED, false},
    {"TooManyRequests", SV_ETHROTTLED, false},
    {"RequestLimitExceeded", SV_ETHROTTLED, false},
    {"Throttled", SV_ETHROTTLED, false},
    {"RequestThrottled", SV_ETHROTTLED, false},
    {"BandwidthLimitExceeded", SV_ETHROTTLED, false},
    {"SlowDown", SV_ETHROTTLED, false},
    {"ProvisionedThroughputExceeded", SV_ETHROTTLED, false},
    {"PriorRequestNotComplete", SV_ETHROTTLED, false},
    {"EC2Throttled", SV_ETHROTTLED, false},
    {"TransactionInProgress", SV_ETHROTTLED, false},
    {"InternalFailure", SV_EUNAVAILABLE, false},
    {"InternalServiceError", SV_EUNAVAILABLE, false},
    {"InternalServerError", SV_EUNAVAILABLE, false},
    {"InternalError", SV_EUNAVAILABLE, false},
    {"ServiceUnavailable", SV_EUNAVAILABLE, false},
    {"RequestTimeout", SV_ETIMEOUT, false},
    {"ConcurrentModification", SV_ECONFLICT, false},
    {"Conflict", SV_ECONFLICT, false},
    {"AlreadyExists", SV_EEXISTS, false},
    {"NotFound", SV_ENOTFOUND, false},
    {"InvalidNextToken", SV_ENOTFOUND, false}, /* the page is not there any more */
    {"LimitExceeded", SV_EQUOTA, false},
    {"RequestExpired", SV_EDENIED, true},
    {"RequestTimeTooSkewed", SV_EDENIED, true},
    {"RequestInTheFuture", SV_EDENIED, true},
    {"InvalidSignature", SV_EDENIED, true},
    {"SignatureDoesNotMatch", SV_EDENIED, true},
    {"IncompleteSignature", SV_EDENIED, true},
    {"AuthFailure", SV_EDENIED, true},
    {"InvalidClientTokenId", SV_EDENIED, false},
    {"MissingAuthenticationToken", SV_EDENIED, false},
    {"UnrecognizedClient", SV_EDENIED, false},
    {"ExpiredToken", SV_EDENIED, false},
    {"AccessDenied", SV_EDENIED, false},
    {"OptInRequired", SV_EDENIED, false},
    {"NotAuthorized", SV_EDENIED, false},
    /* Nothing we send gets better by asking again while somebody at AWS holds the account. */
    {"AccountSuspended", SV_EDENIED, false},
    {"AccountSendingPaused", SV_EDENIED, false},
    {"SendingPaused", SV_EDENIED, false},
    {"BadRequest", SV_EREFUSED, false},
    {"InvalidParameterValue", SV_EREFUSED, false},
    {"InvalidParameterCombination", SV_EREFUSED, false},
    {"ValidationError", SV_EREFUSED, false},
    {"Validation", SV_EREFUSED, false},
    {"MissingParameter", SV_EREFUSED, false},
    {"MissingAction", SV_EREFUSED, false},
    {"InvalidAction", SV_EREFUSED, false},
    {"MalformedQueryString", SV_EREFUSED, false},
    {"InvalidQueryParameter", SV_EREFUSED, false},
    {"MailFromDomainNotVerified", SV_EREFUSED, false},
    {"MessageRejected", SV_EREFUSED, false},
};

/* The header form is "Code:http://internal/..", the JSON form "namespace#Code". */
void sv_ses_failure_set_code(struct sv_ses_failure *failure, const char *text, size_t len)
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
    (void)sv_ses_copy_word(failure->code, sizeof failure->code, text, len);
}

/* Only the first line: below it, a refused signature shows the canonical request with the session
 * token in it. */
void sv_ses_failure_set_message(struct sv_ses_failure *failure, const char *text, size_t len)
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

enum sv_err sv_ses_failure_judge(const struct sv_ses_failure *failure, long status,
                                 bool *is_signature)
{
    *is_signature = false;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (strcmp(failure->code, codes[i].code) == 0) {
            *is_signature = codes[i].is_signature;
            return codes[i].err;
        }
    }
    return judge_status(status);
}
