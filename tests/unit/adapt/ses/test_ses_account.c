/* GetAccount, as the API v2 Reference shows it and in ways it should not be believed. */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "adapt/ses/ses_private.h"

static const char whole[] =
    "{\"DedicatedIpAutoWarmupEnabled\":true,\"EnforcementStatus\":\"PROBATION\","
    "\"ProductionAccessEnabled\":false,\"SendQuota\":{\"Max24HourSend\":200.0,\"MaxSendRate\":1.5,"
    "\"SentLast24Hours\":7.0},\"SendingEnabled\":true,\"Details\":{\"MailType\":\"TRANSACTIONAL\"}"
    "}";

static enum sv_err read_reply(const char *body, long status, struct sv_ses_account *about,
                              struct sv_ses_call *call)
{
    struct sv_http_answer answer = {.status = status};
    bool is_signature;
    enum sv_err err;

    memset(about, 0x7f, sizeof *about); /* start need not clean up */
    *call = (struct sv_ses_call){.op = SV_SES_ACCOUNT, .account = about};
    sv_buf_init(&answer.body, 64 * 1024);
    assert_true(sv_buf_add_str(&answer.body, body));
    err = sv_ses_reply_read(call, &answer, "dkim.amazonses.com", &is_signature);
    sv_buf_fini(&answer.body);
    return err;
}

static void an_account_tells_its_state(void **state)
{
    struct sv_ses_account about;
    struct sv_ses_call call;

    (void)state;
    assert_int_equal(read_reply(whole, 200, &about, &call), SV_OK);
    assert_int_equal(about.production, SV_TRI_NO);
    assert_int_equal(about.sending, SV_TRI_YES);
    assert_string_equal(about.enforcement, "PROBATION");
    assert_true(about.quota_known);
    assert_int_equal(about.mails_per_day_max, 200);
    assert_int_equal(about.mails_last_day, 7);
    assert_int_equal(about.mails_per_1000_s_max, 1500);
}

/* "A value of -1 signifies an unlimited quota" (SendQuota). */
static void an_account_may_be_without_limit_or_tell_little(void **state)
{
    struct sv_ses_account about;
    struct sv_ses_call call;

    (void)state;
    assert_int_equal(read_reply("{\"SendingEnabled\":false,\"SendQuota\":{\"Max24HourSend\":-1,"
                                "\"MaxSendRate\":80,\"SentLast24Hours\":1e6}}",
                                200, &about, &call),
                     SV_OK);
    assert_int_equal(about.mails_per_day_max, -1);
    assert_int_equal(about.mails_last_day, 1000000);
    assert_int_equal(about.production, SV_TRI_UNKNOWN);
    assert_int_equal(about.sending, SV_TRI_NO);
    assert_int_equal(read_reply("{\"SendingEnabled\":true}", 200, &about, &call), SV_OK);
    assert_false(about.quota_known);
}

static void half_a_reply_is_not_believed(void **state)
{
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"SendingEnabled\":\"yes\"}",
        "{\"SendingEnabled\":true,\"SendQuota\":[]}",
        "{\"SendingEnabled\":true,\"SendQuota\":{}}",
        "{\"SendingEnabled\":true,\"SendQuota\":{\"Max24HourSend\":1e300}}",
        "{\"SendingEnabled\":true,\"EnforcementStatus\":\"two words\"}",
    };
    static const struct sv_ses_account nothing;
    struct sv_ses_account about;
    struct sv_ses_call call;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (read_reply(bad[i], 200, &about, &call) != SV_EMALFORMED)
            fail_msg("%s", bad[i]);
        assert_memory_equal(&about, &nothing, sizeof nothing);
    }
}

/* Only IAM's word means a permission; wrong keys are something else. */
static void a_missing_permission_is_told_from_wrong_keys(void **state)
{
    struct sv_ses_account about;
    struct sv_ses_call call;

    (void)state;
    assert_int_equal(
        read_reply("{\"__type\":\"AccessDeniedException\",\"message\":\"User: arn:aws:iam::"
                   "123456789012:user/a is not authorized to perform: ses:GetAccount\"}",
                   403, &about, &call),
        SV_EDENIED);
    assert_int_equal(call.denial, SV_SES_DENIAL_PERMISSION);
    assert_int_equal(read_reply("{\"__type\":\"UnrecognizedClientException\",\"message\":\"x\"}",
                                403, &about, &call),
                     SV_EDENIED);
    assert_int_equal(call.denial, SV_SES_DENIAL_KEYS);
    assert_int_equal(read_reply("<html>", 403, &about, &call), SV_EDENIED);
    assert_int_equal(call.denial, SV_SES_DENIAL_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_account_tells_its_state),
        cmocka_unit_test(an_account_may_be_without_limit_or_tell_little),
        cmocka_unit_test(half_a_reply_is_not_believed),
        cmocka_unit_test(a_missing_permission_is_told_from_wrong_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
