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

static void what_can_be_used(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct sv_ses_endpoint out;

        assert_int_equal(sv_ses_endpoint_read(good[i].url, good[i].region, &out, NULL), SV_OK);
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
        struct sv_ses_endpoint out;
        struct sv_errinfo info = {.text = ""};

        assert_int_equal(sv_ses_endpoint_read(bad[i].url, bad[i].region, &out, &info), SV_EINVALID);
        assert_true(info.text[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_can_be_used),
                                       cmocka_unit_test(what_cannot)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
