#include "cmocka_all.h"

#include <string.h>

#include "sv/admission.h"
#include "sv/domain.h"

static void words_come_back(void **state)
{
    (void)state;
    for (int i = 0; i < SV_STATUS_COUNT; i++)
        assert_int_equal(sv_status_parse(sv_status_name((enum sv_status)i)), i);
}

static void unknown_words_are_said_to_be_unknown(void **state)
{
    (void)state;
    assert_int_equal(sv_status_parse("Verified"), SV_STATUS_COUNT);
    assert_int_equal(sv_status_parse(""), SV_STATUS_COUNT);
    assert_int_equal(sv_status_parse(NULL), SV_STATUS_COUNT);
}

/* Public API: these must never change. */
static void words_are_the_published_ones(void **state)
{
    (void)state;
    assert_string_equal(sv_status_name(SV_STATUS_PENDING), "pending_verification");
    assert_string_equal(sv_status_name(SV_STATUS_AT_RISK), "at_risk");
    assert_string_equal(sv_conclusion_name(SV_CONCLUSION_DNS_RIGHT_SES_WAITING),
                        "dns_right_ses_not_looked_yet");
    assert_string_equal(sv_conclusion_name(SV_CONCLUSION_CANNOT_TELL), "cannot_tell");
    assert_string_equal(sv_reason_name(SV_REASON_RECORDS_WRONG), "required_records_wrong");
    assert_string_equal(sv_reason_name(SV_REASON_REMOVED), "removed_by_client");
    assert_string_equal(sv_reason_name(SV_REASON_NEVER_VERIFIED), "never_verified");
    assert_string_equal(sv_news_name(SV_NEWS_RESTORED), "restored");
    assert_string_equal(sv_job_type_name(SV_JOB_RECHECK), "recheck");
    assert_string_equal(sv_job_type_name(SV_JOB_ADOPT), "adopt");
}

static void every_word_is_there_once(void **state)
{
    (void)state;
    for (int i = 0; i < SV_REASON_COUNT; i++) {
        for (int j = 0; j < i; j++)
            assert_true(
                strcmp(sv_reason_name((enum sv_reason)i), sv_reason_name((enum sv_reason)j)) != 0);
    }
    for (int i = 0; i < SV_NEWS_COUNT; i++) {
        for (int j = 0; j < i; j++)
            assert_true(strcmp(sv_news_name((enum sv_news)i), sv_news_name((enum sv_news)j)) != 0);
    }
    assert_string_equal(sv_reason_name(SV_REASON_COUNT), "invalid");
    assert_string_equal(sv_job_type_name(SV_JOB_TYPE_COUNT), "invalid");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_come_back),
        cmocka_unit_test(unknown_words_are_said_to_be_unknown),
        cmocka_unit_test(words_are_the_published_ones),
        cmocka_unit_test(every_word_is_there_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
