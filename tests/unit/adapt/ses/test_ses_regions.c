#include "cmocka_all.h"

#include "sv/aws_ses.h"

static void zones(void **state)
{
    (void)state;
    assert_string_equal(sv_aws_ses_dkim_zone("us-east-1"), "dkim.amazonses.com");
    assert_string_equal(sv_aws_ses_dkim_zone("us-gov-west-1"), "dkim.amazonses.com");
    assert_string_equal(sv_aws_ses_dkim_zone("us-gov-east-1"), "dkim.us-gov-east-1.amazonses.com");
    assert_string_equal(sv_aws_ses_dkim_zone("eu-central-2"), "dkim.eu-central-2.amazonses.com");
    assert_null(sv_aws_ses_dkim_zone("eusc-de-east-1")); /* not documented: never a guess */
    assert_null(sv_aws_ses_dkim_zone("moon-north-1"));
    assert_null(sv_aws_ses_dkim_zone(""));
}

static void feedback_hosts(void **state)
{
    static const struct {
        const char *host;
        bool expected;
    } cases[] = {
        {"feedback-smtp.us-east-1.amazonses.com", true},
        {"Feedback-SMTP.EU-West-1.AmazonSES.com.", true},
        {"feedback-smtp.us-gov-west-1.amazonses.com", true},
        {"feedback-smtp.mars-1.amazonses.com", false},
        {"feedback-smtp.us-east-1.amazonses.com.evil.example", false},
        {"feedback-smtp.us-east-1.amazonses.co", false},
        {"feedback-smtp.amazonses.com", false},
        {"feedback-smtp..amazonses.com", false},
        {"inbound-smtp.us-east-1.amazonses.com", false},
        {"us-east-1.amazonses.com", false},
        {"", false},
        {".", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(sv_aws_ses_is_feedback_host(cases[i].host), cases[i].expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(zones), cmocka_unit_test(feedback_hosts)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
