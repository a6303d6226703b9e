/* AWS error codes as our own ("Common errors" of the SES API References v1 and v2, and the errors
 * of each operation). A code decides; the HTTP status only where a reply names none. */
#include <ctype.h>
#include <string.h>

#include "ses_private.h"

static const struct meaning {
    const char *code; /* without a final "Exception" */
    enum sv_err err;
    bool is_signature;
    enum sv_ses_denial denial;
} codes[] = {
    {"Throttling", SV_ETHROTTLED, false, SV_SES_DENIAL_NONE},
    {"TooManyRequests", SV_ETHROTTLED, false, SV_SES_DENIAL_NONE},
    {"RequestLimitExceeded", SV_ETHROTTLED, false, SV_SES_DENIAL_NONE},
    {"Throttled", SV_ETHROTTLED, false, SV_SES_DENIAL_NONE},
    {"RequestThrottled", SV_ETHROTTLED, false, SV_SES_DENIAL_NONE},
    {"BandwidthLimitExceeded", SV_ETHROTTLED, false, SV_SES_DENIAL_NONE},
    {"SlowDown", SV_ETHROTTLED, false, SV_SES_DENIAL_NONE},
    {"ProvisionedThroughputExceeded", SV_ETHROTTLED, false, SV_SES_DENIAL_NONE},
    {"PriorRequestNotComplete", SV_ETHROTTLED, false, SV_SES_DENIAL_NONE},
    {"EC2Throttled", SV_ETHROTTLED, false, SV_SES_DENIAL_NONE},
    {"TransactionInProgress", SV_ETHROTTLED, false, SV_SES_DENIAL_NONE},
    {"InternalFailure", SV_EUNAVAILABLE, false, SV_SES_DENIAL_NONE},
    {"InternalServiceError", SV_EUNAVAILABLE, false, SV_SES_DENIAL_NONE},
    {"InternalServerError", SV_EUNAVAILABLE, false, SV_SES_DENIAL_NONE},
    {"InternalError", SV_EUNAVAILABLE, false, SV_SES_DENIAL_NONE},
    {"ServiceUnavailable", SV_EUNAVAILABLE, false, SV_SES_DENIAL_NONE},
    {"RequestTimeout", SV_ETIMEOUT, false, SV_SES_DENIAL_NONE},
    {"ConcurrentModification", SV_ECONFLICT, false, SV_SES_DENIAL_NONE},
    {"Conflict", SV_ECONFLICT, false, SV_SES_DENIAL_NONE},
    {"AlreadyExists", SV_EEXISTS, false, SV_SES_DENIAL_NONE},
    {"NotFound", SV_ENOTFOUND, false, SV_SES_DENIAL_NONE},
    {"InvalidNextToken", SV_ENOTFOUND, false,
     SV_SES_DENIAL_NONE}, /* the page is not there any more */
    {"LimitExceeded", SV_EQUOTA, false, SV_SES_DENIAL_NONE},
    {"RequestExpired", SV_EDENIED, true, SV_SES_DENIAL_KEYS},
    {"RequestTimeTooSkewed", SV_EDENIED, true, SV_SES_DENIAL_KEYS},
    {"RequestInTheFuture", SV_EDENIED, true, SV_SES_DENIAL_KEYS},
    {"InvalidSignature", SV_EDENIED, true, SV_SES_DENIAL_KEYS},
    {"SignatureDoesNotMatch", SV_EDENIED, true, SV_SES_DENIAL_KEYS},
    {"IncompleteSignature", SV_EDENIED, true, SV_SES_DENIAL_KEYS},
    {"AuthFailure", SV_EDENIED, true, SV_SES_DENIAL_KEYS},
    {"InvalidClientTokenId", SV_EDENIED, false, SV_SES_DENIAL_KEYS},
    {"MissingAuthenticationToken", SV_EDENIED, false, SV_SES_DENIAL_KEYS},
    {"UnrecognizedClient", SV_EDENIED, false, SV_SES_DENIAL_KEYS},
    {"ExpiredToken", SV_EDENIED, false, SV_SES_DENIAL_KEYS},
    {"AccessDenied", SV_EDENIED, false, SV_SES_DENIAL_PERMISSION},
    {"OptInRequired", SV_EDENIED, false, SV_SES_DENIAL_ACCOUNT},
    {"NotAuthorized", SV_EDENIED, false, SV_SES_DENIAL_PERMISSION},
    /* Nothing we send gets better by asking again while somebody at AWS holds the account. */
    {"AccountSuspended", SV_EDENIED, false, SV_SES_DENIAL_ACCOUNT},
    {"AccountSendingPaused", SV_EDENIED, false, SV_SES_DENIAL_ACCOUNT},
    {"SendingPaused", SV_EDENIED, false, SV_SES_DENIAL_ACCOUNT},
    {"BadRequest", SV_EREFUSED, false, SV_SES_DENIAL_NONE},
    {"InvalidParameterValue", SV_EREFUSED, false, SV_SES_DENIAL_NONE},
    {"InvalidParameterCombination", SV_EREFUSED, false, SV_SES_DENIAL_NONE},
    {"ValidationError", SV_EREFUSED, false, SV_SES_DENIAL_NONE},
    {"Validation", SV_EREFUSED, false, SV_SES_DENIAL_NONE},
    {"MissingParameter", SV_EREFUSED, false, SV_SES_DENIAL_NONE},
    {"MissingAction", SV_EREFUSED, false, SV_SES_DENIAL_NONE},
    {"InvalidAction", SV_EREFUSED, false, SV_SES_DENIAL_NONE},
    {"MalformedQueryString", SV_EREFUSED, false, SV_SES_DENIAL_NONE},
    {"InvalidQueryParameter", SV_EREFUSED, false, SV_SES_DENIAL_NONE},
    {"MailFromDomainNotVerified", SV_EREFUSED, false, SV_SES_DENIAL_NONE},
    {"MessageRejected", SV_EREFUSED, false, SV_SES_DENIAL_NONE},
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

/* NULL = a code that we do not know, or none. */
static const struct meaning *find_code(const struct sv_ses_failure *failure)
{
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (strcmp(failure->code, codes[i].code) == 0)
            return &codes[i];
    }
    return NULL;
}

enum sv_err sv_ses_failure_judge(const struct sv_ses_failure *failure, long status,
                                 bool *is_signature)
{
    const struct meaning *meaning = find_code(failure);

    *is_signature = meaning != NULL && meaning->is_signature;
    return meaning != NULL ? meaning->err : judge_status(status);
}

enum sv_ses_denial sv_ses_failure_denial(const struct sv_ses_failure *failure)
{
    const struct meaning *meaning = find_code(failure);

    return meaning != NULL ? meaning->denial : SV_SES_DENIAL_NONE;
}
