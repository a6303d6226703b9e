#include "cmocka_all.h"

#include <string.h>

#include "adapt/sink/aws_parts.h"

static const struct {
    const char *kind, *text, *region;
    const char *wanted_region, *path, *origin;
} good[] = {
    {"sns", "arn:aws:sns:eu-west-1:123456789012:t", "x", "eu-west-1", "/", ""},
    {"sns", "arn:aws-us-gov:sns:us-gov-west-1:123456789012:t.fifo", NULL, "us-gov-west-1", "/", ""},
    {"sqs", "https://sqs.eu-west-1.amazonaws.com/123456789012/q", NULL, "eu-west-1",
     "/123456789012/q", "https://sqs.eu-west-1.amazonaws.com"},
    {"sqs", "https://sqs-fips.us-east-1.amazonaws.com/1/q.fifo", NULL, "us-east-1", "/1/q.fifo",
     "https://sqs-fips.us-east-1.amazonaws.com"},
    {"sqs", "https://vpce-0a-b.sqs.eu-west-1.vpce.amazonaws.com/1/q", NULL, "eu-west-1", "/1/q",
     "https://vpce-0a-b.sqs.eu-west-1.vpce.amazonaws.com"},
    {"sqs", "https://eu-west-1.queue.amazonaws.com/1/q", NULL, "eu-west-1", "/1/q",
     "https://eu-west-1.queue.amazonaws.com"},
    {"sqs", "https://q.example:8443/1/q", "eu-west-2", "eu-west-2", "/1/q",
     "https://q.example:8443"},
    {"eventbridge", "default", "eu-west-1", "eu-west-1", "/", ""},
    {"eventbridge", "arn:aws:events:eu-west-1:123456789012:event-bus/b", "x", "eu-west-1", "/", ""},
    {"eventbridge", "arn:aws:events:eu-west-1:123456789012:event-bus/aws.partner/a.com/b", NULL,
     "eu-west-1", "/", ""},
};

static const struct {
    const char *kind, *text, *region;
} bad[] = {
    {"sns", "", "r"},
    {"sns", "topic", "r"},
    {"sns", "arn:aws:sns:eu-west-1:12345678901:t", "r"},
    {"sns", "arn:aws:sns:eu-west-1:1234567890123:t", "r"},
    {"sns", "arn:aws:sns::123456789012:t", "r"},
    {"sns", "arn:aws:sns:eu-west-1:123456789012:", "r"},
    {"sns", "arn:aws:sns:eu-west-1:123456789012:t&Action=x", "r"},
    {"sns", "arn:aws:sns:eu-west-1:123456789012:t:sub", "r"},
    {"sns", "arn:evil:sns:eu-west-1:123456789012:t", "r"},
    {"sqs", "", "r"},
    {"sqs", "queue", "r"},
    {"sqs", "https://sqs.eu-west-1.amazonaws.com", "r"},
    {"sqs", "https://sqs.eu-west-1.amazonaws.com/", "r"},
    {"sqs", "https://sqs.eu-west-1.amazonaws.com/1/q?x", "r"},
    {"sqs", "https://q.example/1/q", ""},
    {"sqs", "https://q.example/1/q", NULL},
    {"eventbridge", "", "r"},
    {"eventbridge", "a b", "r"},
    {"eventbridge", "default", NULL},
    {"eventbridge", "arn:aws:events:eu-west-1:123456789012:rule/r", "r"},
};

static void what_can_be_written_to(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct sv_aws_target out;
        struct sv_errinfo info;

        if (sv_aws_target_read(good[i].kind, good[i].text, good[i].region, &out, &info) != SV_OK)
            fail_msg("%s: %s", good[i].text, info.text);
        assert_string_equal(out.text, good[i].text);
        assert_string_equal(out.region, good[i].wanted_region);
        assert_string_equal(out.path, good[i].path);
        assert_string_equal(out.origin, good[i].origin);
    }
}

static void what_cannot(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct sv_aws_target out;
        struct sv_errinfo info = {.text = ""};

        if (sv_aws_target_read(bad[i].kind, bad[i].text, bad[i].region, &out, &info) != SV_EINVALID)
            fail_msg("%s", bad[i].text);
        assert_int_equal(strncmp(info.text, bad[i].kind, strlen(bad[i].kind)), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_can_be_written_to),
                                       cmocka_unit_test(what_cannot)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
