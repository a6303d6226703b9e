#include "cmocka_all.h"

#include <string.h>

#include "adapt/ses/ses_private.h"

static const struct {
    const char *url, *region, *origin, *host, *prefix;
    bool plain;
} good[] = {
    {NULL, "eu-west-1", "https://email.eu-west-1.amazonaws.com", "email.eu-west-1.amazonaws.com",
     "", false},
    {"", "eusc-de-east-1", "https://email.eusc-de-east-1.amazonaws.eu",
     "email.eusc-de-east-1.amazonaws.eu", "", false},
    {"https://email-fips.us-east-1.amazonaws.com", "us-east-1",
     "https://email-fips.us-east-1.amazonaws.com", "email-fips.us-east-1.amazonaws.com", "", false},
    {"https://a.example:443/", "x", "https://a.example", "a.example", "", false},
    {"https://a.example:80", "x", "https://a.example:80", "a.example:80", "", false},
    {"http://127.0.0.1:80", "x", "http://127.0.0.1", "127.0.0.1", "", true},
    {"http://127.0.0.1:8080/ses//", "x", "http://127.0.0.1:8080", "127.0.0.1:8080", "/ses", true},
    {"http://[::1]:99", "x", "http://[::1]:99", "[::1]:99", "", true},
};

static enum sv_err read_plain(const char *url, const char *region, struct sv_aws_endpoint *out,
                              struct sv_errinfo *info)
{
    struct sv_ses_place place = {.url = url, .region = region};

    return sv_ses_endpoint_read(&place, out, info);
}

/* The SES reference, section 7; NULL = there is none. */
static const struct {
    const char *region;
    const char *hosts[4]; /* normal, FIPS, dual stack, both */
} kinds[] = {
    {"eu-west-1", {"email.eu-west-1.amazonaws.com", NULL, "email.eu-west-1.api.aws", NULL}},
    {"us-east-1",
     {"email.us-east-1.amazonaws.com", "email-fips.us-east-1.amazonaws.com",
      "email.us-east-1.api.aws", "email-fips.us-east-1.api.aws"}},
    {"us-east-2",
     {"email.us-east-2.amazonaws.com", "email-fips.us-east-2.amazonaws.com",
      "email.us-east-2.api.aws", "email-fips.us-east-2.api.aws"}},
    {"us-west-1",
     {"email.us-west-1.amazonaws.com", "email-fips.us-west-1.amazonaws.com",
      "email.us-west-1.api.aws", "email-fips.us-west-1.api.aws"}},
    {"us-west-2",
     {"email.us-west-2.amazonaws.com", "email-fips.us-west-2.amazonaws.com",
      "email.us-west-2.api.aws", "email-fips.us-west-2.api.aws"}},
    {"ca-central-1",
     {"email.ca-central-1.amazonaws.com", "email-fips.ca-central-1.amazonaws.com",
      "email.ca-central-1.api.aws", "email-fips.ca-central-1.api.aws"}},
    {"ca-west-1", {"email.ca-west-1.amazonaws.com", NULL, "email.ca-west-1.api.aws", NULL}},
    {"us-gov-west-1",
     {"email.us-gov-west-1.amazonaws.com", "email-fips.us-gov-west-1.amazonaws.com",
      "email.us-gov-west-1.api.aws", "email-fips.us-gov-west-1.api.aws"}},
    {"us-gov-east-1",
     {"email.us-gov-east-1.amazonaws.com", "email-fips.us-gov-east-1.amazonaws.com",
      "email.us-gov-east-1.api.aws", "email-fips.us-gov-east-1.api.aws"}},
    {"eusc-de-east-1",
     {"email.eusc-de-east-1.amazonaws.eu", NULL, "email.eusc-de-east-1.api.amazonwebservices.eu",
      NULL}},
};

static void the_kinds_of_a_regions_hosts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        for (unsigned kind = 0; kind < 4; kind++) {
            const char *host = kinds[i].hosts[kind];
            struct sv_ses_place place = {.region = kinds[i].region,
                                         .use_fips = (kind & 1) != 0,
                                         .use_dual_stack = (kind & 2) != 0};
            struct sv_errinfo info = {.text = ""};
            struct sv_aws_endpoint out;
            enum sv_err err = sv_ses_endpoint_read(&place, &out, &info);

            assert_int_equal(err, host != NULL ? SV_OK : SV_EINVALID);
            if (host != NULL)
                assert_string_equal(out.host, host);
            else
                assert_non_null(strstr(info.text, kinds[i].region));
        }
    }
}

static void an_override_wins_over_every_kind(void **state)
{
    struct sv_ses_place place = {.url = "https://vpce-1.example",
                                 .region = "eu-west-1",
                                 .use_fips = true,
                                 .use_dual_stack = true};
    struct sv_aws_endpoint out;

    (void)state;
    assert_int_equal(sv_ses_endpoint_read(&place, &out, NULL), SV_OK);
    assert_string_equal(out.host, "vpce-1.example");
}

static void what_can_be_used(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct sv_aws_endpoint out;

        assert_int_equal(read_plain(good[i].url, good[i].region, &out, NULL), SV_OK);
        assert_string_equal(out.origin, good[i].origin);
        assert_string_equal(out.host, good[i].host);
        assert_string_equal(out.prefix, good[i].prefix);
        assert_int_equal(out.plain, good[i].plain);
    }
}

static void what_cannot(void **state)
{
    static char long_url[400], long_path[400];
    const struct {
        const char *url, *region;
    } bad[] = {
        {NULL, ""},
        {NULL, "us east"},
        {NULL, "us-east-1.evil.example"},
        {NULL, "US-EAST-1"},
        {"ftp://a", "x"},
        {"a.example", "x"},
        {"https://", "x"},
        {"https:///x", "x"},
        {"https://user@a.example", "x"},
        {"https://a b", "x"},
        {"https://a/?x=1", "x"},
        {"https://a/#x", "x"},
        {"https://a\r\nb", "x"},
        {"https://:80", "x"},
        {long_url, "x"},
        {long_path, "x"},
    };

    (void)state;
    memset(long_url, 'a', sizeof long_url - 1);
    memcpy(long_url, "https://", 8);
    memset(long_path, 'a', sizeof long_path - 1);
    memcpy(long_path, "https://a/", 10);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct sv_aws_endpoint out;
        struct sv_errinfo info = {.text = ""};

        assert_int_equal(read_plain(bad[i].url, bad[i].region, &out, &info), SV_EINVALID);
        assert_true(info.text[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_kinds_of_a_regions_hosts),
                                       cmocka_unit_test(an_override_wins_over_every_kind),
                                       cmocka_unit_test(what_can_be_used),
                                       cmocka_unit_test(what_cannot)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
