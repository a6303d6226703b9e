/* Every code of the AWS documents, and what is left when there is none. */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "adapt/ses/ses_private.h"
#include "reply_text.h"

static const struct {
    const char *code;
    long status;
    enum sv_err err;
    bool is_signature;
} codes[] = {
    {"Throttling", 400, SV_ETHROTTLED, false},
    {"ThrottlingException", 400, SV_ETHROTTLED, false},
    {"TooManyRequestsException", 429, SV_ETHROTTLED, false},
    {"RequestLimitExceeded", 400, SV_ETHROTTLED, false},
    {"SlowDown", 503, SV_ETHROTTLED, false},
    {"ThrottledException", 400, SV_ETHROTTLED, false},
    {"RequestThrottled", 400, SV_ETHROTTLED, false},
    {"RequestThrottledException", 400, SV_ETHROTTLED, false},
    {"BandwidthLimitExceeded", 400, SV_ETHROTTLED, false},
    {"ProvisionedThroughputExceededException", 400, SV_ETHROTTLED, false},
    {"PriorRequestNotComplete", 400, SV_ETHROTTLED, false},
    {"EC2ThrottledException", 400, SV_ETHROTTLED, false},
    {"TransactionInProgressException", 400, SV_ETHROTTLED, false},
    {"InternalFailure", 500, SV_EUNAVAILABLE, false},
    {"InternalServiceErrorException", 500, SV_EUNAVAILABLE, false},
    {"ServiceUnavailable", 503, SV_EUNAVAILABLE, false},
    {"ServiceUnavailableException", 503, SV_EUNAVAILABLE, false},
    {"RequestTimeout", 400, SV_ETIMEOUT, false},
    {"RequestTimeoutException", 400, SV_ETIMEOUT, false},
    {"InvalidNextTokenException", 400, SV_ENOTFOUND, false},
    {"ConcurrentModificationException", 500, SV_ECONFLICT, false},
    {"ConflictException", 409, SV_ECONFLICT, false},
    {"AlreadyExistsException", 400, SV_EEXISTS, false},
    {"NotFoundException", 404, SV_ENOTFOUND, false},
    {"LimitExceededException", 400, SV_EQUOTA, false},
    {"LimitExceeded", 400, SV_EQUOTA, false},
    {"RequestExpired", 400, SV_EDENIED, true},
    {"RequestTimeTooSkewed", 403, SV_EDENIED, true},
    {"RequestInTheFuture", 403, SV_EDENIED, true},
    {"AuthFailure", 403, SV_EDENIED, true},
    {"InvalidSignatureException", 403, SV_EDENIED, true},
    {"SignatureDoesNotMatch", 403, SV_EDENIED, true},
    {"IncompleteSignature", 400, SV_EDENIED, true},
    {"InvalidClientTokenId", 403, SV_EDENIED, false},
    {"MissingAuthenticationToken", 403, SV_EDENIED, false},
    {"UnrecognizedClientException", 403, SV_EDENIED, false},
    {"ExpiredToken", 403, SV_EDENIED, false},
    {"ExpiredTokenException", 403, SV_EDENIED, false},
    {"AccessDenied", 403, SV_EDENIED, false},
    {"AccessDeniedException", 403, SV_EDENIED, false},
    {"OptInRequired", 403, SV_EDENIED, false},
    {"NotAuthorized", 400, SV_EDENIED, false},
    {"AccountSuspendedException", 400, SV_EDENIED, false},
    {"SendingPausedException", 400, SV_EDENIED, false},
    {"AccountSendingPausedException", 400, SV_EDENIED, false},
    {"BadRequestException", 400, SV_EREFUSED, false},
    {"InvalidParameterValue", 400, SV_EREFUSED, false},
    {"InvalidParameterCombination", 400, SV_EREFUSED, false},
    {"ValidationError", 400, SV_EREFUSED, false},
    {"MissingParameter", 400, SV_EREFUSED, false},
    {"MissingAction", 400, SV_EREFUSED, false},
    {"InvalidAction", 400, SV_EREFUSED, false},
    {"MalformedQueryString", 404, SV_EREFUSED, false},
    {"InvalidQueryParameter", 400, SV_EREFUSED, false},
    {"MailFromDomainNotVerifiedException", 400, SV_EREFUSED, false},
    {"MessageRejected", 400, SV_EREFUSED, false},
    /* Not in any list: the class of the status. */
    {"BrandNewException", 400, SV_EREFUSED, false},
    {"BrandNewException", 403, SV_EDENIED, false},
    {"BrandNewException", 429, SV_ETHROTTLED, false},
    {"BrandNewException", 500, SV_EUNAVAILABLE, false},
    {"BrandNewException", 404, SV_EMALFORMED, false},
    /* A code decides against its status. */
    {"Throttling", 500, SV_ETHROTTLED, false},
    {"NotFoundException", 500, SV_ENOTFOUND, false},
    {"Exception", 400, SV_EREFUSED, false},
};

static void check(const struct reply *reply, enum sv_err err, bool is_signature, const char *text)
{
    struct sv_ses_identity results[REPLY_DOMAINS];
    static const struct sv_ses_identity nothing;
    struct sv_errinfo info;
    bool signature;

    assert_int_equal(reply_read(reply, results, &info, &signature), err);
    assert_int_equal(signature, is_signature);
    assert_int_equal(info.code, err);
    assert_int_equal(info.native, reply->status);
    assert_non_null(strstr(info.text, text));
    assert_memory_equal(&results[0], &nothing, sizeof nothing);
}

static void codes_in_every_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        char xml[512], json[256], header[128], hash[128];
        size_t len = strlen(codes[i].code);
        struct reply reply = {.status = codes[i].status};
        char bare[64];

        (void)snprintf(bare, sizeof bare, "%s", codes[i].code);
        if (len > 9 && strcmp(codes[i].code + len - 9, "Exception") == 0)
            bare[len - 9] = '\0';
        (void)snprintf(xml, sizeof xml,
                       "<ErrorResponse xmlns=\"http://ses.amazonaws.com/doc/2010-12-01/\"><Error>"
                       "<Type>Sender</Type><Code>%s</Code><Message>Why</Message></Error>"
                       "<RequestId>r-1</RequestId></ErrorResponse>",
                       codes[i].code);
        (void)snprintf(json, sizeof json, "{\"__type\":\"com.amazon#%s\",\"message\":\"Why\"}",
                       codes[i].code);
        (void)snprintf(header, sizeof header, "%s:http://internal.amazon.com/coral/",
                       codes[i].code);
        (void)snprintf(hash, sizeof hash, "com.amazon#%s:x", codes[i].code);
        reply.op = SV_SES_READ_DKIM;
        reply.body = xml;
        check(&reply, codes[i].err, codes[i].is_signature, bare);
        reply.op = SV_SES_GET;
        reply.body = json;
        check(&reply, codes[i].err, codes[i].is_signature, bare);
        reply.body = "{}";
        reply.error_type = header;
        check(&reply, codes[i].err, codes[i].is_signature, bare);
        reply.op = SV_SES_READ_DKIM; /* v1 behind somebody who speaks in headers */
        check(&reply, codes[i].err, codes[i].is_signature, bare);
        reply.op = SV_SES_GET;
        reply.body = "<html>";
        reply.error_type = hash;
        check(&reply, codes[i].err, codes[i].is_signature, bare);
    }
}

static void no_code_leaves_the_status(void **state)
{
    static const char *const bodies[] = {"",   "<html><body>502 Bad Gateway</body></html>",
                                         "{}", "{\"message\":\"Not Found\"}",
                                         "[",  "<ErrorResponse>"};
    static const struct {
        long status;
        enum sv_err err;
    } statuses[] = {
        {301, SV_EMALFORMED},   {302, SV_EMALFORMED},   {304, SV_EMALFORMED},
        {400, SV_EREFUSED},     {401, SV_EDENIED},      {403, SV_EDENIED},
        {404, SV_EMALFORMED},   {407, SV_EDENIED},      {408, SV_ETIMEOUT},
        {413, SV_EREFUSED},     {429, SV_ETHROTTLED},   {500, SV_EUNAVAILABLE},
        {502, SV_EUNAVAILABLE}, {503, SV_EUNAVAILABLE}, {504, SV_EUNAVAILABLE},
    };
    static const enum sv_ses_op ops[] = {SV_SES_GET, SV_SES_DELETE, SV_SES_READ_IDENTITIES};

    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        for (size_t b = 0; b < sizeof bodies / sizeof bodies[0]; b++) {
            for (size_t o = 0; o < sizeof ops / sizeof ops[0]; o++) {
                struct reply reply = {
                    .op = ops[o], .status = statuses[i].status, .body = bodies[b]};

                check(&reply, statuses[i].err, false, "without an AWS error code");
            }
        }
    }
}

static void deleting_what_is_gone_succeeds(void **state)
{
    struct reply reply = {
        .op = SV_SES_DELETE, .status = 404, .error_type = "NotFoundException", .body = "{}"};
    struct sv_ses_identity results[REPLY_DOMAINS];
    struct sv_errinfo info;
    bool is_signature;

    (void)state;
    assert_int_equal(reply_read(&reply, results, &info, &is_signature), SV_OK);
    assert_int_equal(info.code, SV_OK);
    assert_false(results[0].listed);
}

/* A refused signature quotes the canonical request: the session token would end up in our logs. */
static void a_refusal_never_repeats_what_we_signed(void **state)
{
    static const char xml[] =
        "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>The request signature we "
        "calculated does not match.&#10;&#10;x-amz-security-token:HUSH</Message></Error>"
        "</ErrorResponse>";
    static const char other[] = "{\"message\":\"First\\nx-amz-security-token:HUSH\"}";
    struct sv_ses_identity results[REPLY_DOMAINS];
    struct reply reply = {.op = SV_SES_READ_DKIM, .status = 403, .body = xml};
    struct sv_errinfo info;
    bool is_signature;

    (void)state;
    assert_int_equal(reply_read(&reply, results, &info, &is_signature), SV_EDENIED);
    assert_true(is_signature);
    assert_null(strstr(info.text, "HUSH"));
    assert_null(strstr(info.text, "calculated"));
    reply = (struct reply){
        .op = SV_SES_GET, .status = 403, .error_type = "AccessDenied", .body = other};
    assert_int_equal(reply_read(&reply, results, &info, &is_signature), SV_EDENIED);
    assert_non_null(strstr(info.text, "AccessDenied: First"));
    assert_null(strstr(info.text, "HUSH"));
}

static void whose_matter_a_denial_is(void **state)
{
    static const struct {
        const char *code;
        enum sv_ses_denial denial;
    } rows[] = {
        {"InvalidClientTokenId", SV_SES_DENIAL_KEYS},
        {"MissingAuthenticationToken", SV_SES_DENIAL_KEYS},
        {"UnrecognizedClientException", SV_SES_DENIAL_KEYS},
        {"ExpiredToken", SV_SES_DENIAL_KEYS},
        {"ExpiredTokenException", SV_SES_DENIAL_KEYS},
        {"SignatureDoesNotMatch", SV_SES_DENIAL_KEYS},
        {"InvalidSignatureException", SV_SES_DENIAL_KEYS},
        {"IncompleteSignature", SV_SES_DENIAL_KEYS},
        {"RequestExpired", SV_SES_DENIAL_KEYS},
        {"AccessDenied", SV_SES_DENIAL_PERMISSION},
        {"AccessDeniedException", SV_SES_DENIAL_PERMISSION},
        {"NotAuthorized", SV_SES_DENIAL_PERMISSION},
        {"OptInRequired", SV_SES_DENIAL_ACCOUNT},
        {"AccountSuspendedException", SV_SES_DENIAL_ACCOUNT},
        {"AccountSendingPausedException", SV_SES_DENIAL_ACCOUNT},
        {"SendingPausedException", SV_SES_DENIAL_ACCOUNT},
        {"BrandNewException", SV_SES_DENIAL_NONE},
        {"Throttling", SV_SES_DENIAL_NONE},
        {"", SV_SES_DENIAL_NONE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sv_aws_failure failure = {.code = ""};

        sv_aws_failure_set_code(&failure, rows[i].code, strlen(rows[i].code));
        if (sv_ses_failure_denial(&failure) != rows[i].denial)
            fail_msg("%s: %d", rows[i].code, (int)sv_ses_failure_denial(&failure));
    }
}

static void how_long_retry_after_means(void **state)
{
    static const char date[] = "Sun, 29 Nov 2026 01:00:00 GMT";
    static const struct {
        const char *retry_after;
        sv_ms wait_ms;
    } rows[] = {
        {"", 0},
        {"0", 0},
        {"7", 7000},
        {"300", 300000},
        {"301", 300000},
        {"99999999999999999999", 300000},
        {"-1", 0},
        {"7.5", 0},
        {"soon", 0},
        {"Sun, 29 Nov 2026 01:00:30 GMT", 30000},
        {"Sun, 29 Nov 2026 00:59:30 GMT", 0},
        {"Mon, 30 Nov 2026 01:00:00 GMT", 300000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (sv_aws_retry_after_ms(rows[i].retry_after, date) != rows[i].wait_ms)
            fail_msg("%s", rows[i].retry_after);
    }
    assert_int_equal(sv_aws_retry_after_ms("Sun, 29 Nov 2026 01:00:30 GMT", ""), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_in_every_form),
        cmocka_unit_test(no_code_leaves_the_status),
        cmocka_unit_test(whose_matter_a_denial_is),
        cmocka_unit_test(how_long_retry_after_means),
        cmocka_unit_test(deleting_what_is_gone_succeeds),
        cmocka_unit_test(a_refusal_never_repeats_what_we_signed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
