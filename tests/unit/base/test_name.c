#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "sv/name.h"

#define L63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"

static void good_names_have_one_form(void **state)
{
    static const struct {
        const char *given;
        const char *normal;
    } cases[] = {
        {"example.com", "example.com"},
        {"EXAMPLE.Com.", "example.com"},
        {"m\xc3\xbcller.de", "xn--mller-kva.de"},
        {"M\xc3\x9cLLER.DE", "xn--mller-kva.de"},
        {"mu\xcc\x88ller.de", "xn--mller-kva.de"}, /* decomposed */
        {"XN--MLLER-KVA.de", "xn--mller-kva.de"},
        {"stra\xc3\x9f"
         "e.de",
         "xn--strae-oqa.de"}, /* IDNA2008 keeps the sharp s */
        {"a.b.c.example.co.uk", "a.b.c.example.co.uk"},
        {"r3---sn-x.example.com", "r3---sn-x.example.com"},
        {"1.example.com", "1.example.com"},
        {"com", "com"},
        {"\xe4\xbe\x8b\xe3\x80\x82\xe4\xb8\xad\xe5\x9b\xbd", "xn--fsq.xn--fiqs8s"},
        {L63 ".com", L63 ".com"},
        {L63 "." L63 "." L63 ".aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeefffffffffff.",
         L63 "." L63 "." L63 ".aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeefffffffffff"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[SV_NAME_BYTES];
        struct sv_errinfo info;

        if (sv_name_normalize(cases[i].given, strlen(cases[i].given), out, &info) != SV_OK)
            fail_msg("%s: %s", cases[i].given, info.text);
        assert_string_equal(out, cases[i].normal);
    }
}

static void bad_names_are_refused_with_their_label(void **state)
{
    static const struct {
        const char *given;
        const char *said;
    } cases[] = {
        {"", "empty"},
        {".", "empty"},
        {"a..com", "\"\" is empty"},
        {".example.com", "\"\" is empty"},
        {"example.com..", "\"\" is empty"},
        {"m\xc3\xbcller..com", "empty"},
        {"_dmarc.example.com", "\"_dmarc\" has an underscore"},
        {"m\xc3\xbc._dmarc.example.com", "underscore"},
        {"a_b.example.com", "\"a_b\" has an underscore"},
        {"-a.example.com", "\"-a\" begins or ends with a hyphen"},
        {"a-.example.com", "\"a-\" begins or ends"},
        {"a b.example.com", "\"a b\" has a character"},
        {"a\tb.example.com", "\"a?b\" has a character"},
        {"*.example.com", "\"*\" has a character"},
        {"http://example.com", "\"http://example\" has a character"},
        {"user@example.com", "\"user@example\" has a character"},
        {"example.com:25", "\"com:25\" has a character"},
        {"::1", "\"::1\" has a character"},
        {L63 "a.com", "longer than 63"},
        {L63 "." L63 "." L63 ".aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgg",
         "254 bytes as A-labels, at most 253"},
        {"xn--a.example.com", "label \"xn--a\""},
        {"xn--MLLER-KVA-.example.com", "label \"xn--mller-kva-\""},
        {"good.xn--0.com", "label \"xn--0\""},
        {"\xff.example.com", "label \"?\""},
        {"a.\xe2\x80\xae"
         "b.com",
         "label \"?b\""},
        {"a\xe2\x98\x83.com", "label \"a\xe2\x98\x83\""}, /* a snowman is no letter */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t len = strlen(cases[i].given);
        char *exact = malloc(len == 0 ? 1 : len);
        char out[SV_NAME_BYTES];
        struct sv_errinfo info = {.text = ""};

        memcpy(exact, cases[i].given, len);
        if (sv_name_normalize(exact, len, out, &info) != SV_EMALFORMED)
            fail_msg("\"%s\" was accepted", cases[i].given);
        if (strstr(info.text, cases[i].said) == NULL)
            fail_msg("\"%s\" lacks \"%s\"", info.text, cases[i].said);
        free(exact);
    }
}

static void hostile_lengths_are_refused(void **state)
{
    static char huge[5000];
    char out[SV_NAME_BYTES];
    struct sv_errinfo info;

    (void)state;
    memset(huge, 'a', sizeof(huge));
    assert_int_equal(sv_name_normalize(huge, sizeof(huge), out, &info), SV_EMALFORMED);
    assert_non_null(strstr(info.text, "5000 bytes"));
    assert_int_equal(sv_name_normalize("a\0.com", 6, out, &info), SV_EMALFORMED);
    assert_non_null(strstr(info.text, "0 byte"));
    assert_int_equal(sv_name_normalize(NULL, 0, out, NULL), SV_EMALFORMED);
}

static void refusals_have_a_reason(void **state)
{
    static const char *const restricted[] = {"platform.io", NULL};
    static const struct {
        const char *name;
        const char *strict;
        const char *lenient; /* with allow_special_use */
    } cases[] = {
        {"example-client.com", NULL, NULL},
        {"mail.client.co.uk", NULL, NULL},
        {"com", "single_label", "single_label"},
        {"localhost", "single_label", "single_label"},
        {"127.0.0.1", "ip_literal", "ip_literal"},
        {"a.1", "ip_literal", "ip_literal"},
        {"10", "ip_literal", "ip_literal"},
        {"co.uk", "public_suffix", "public_suffix"},
        {"github.io", "public_suffix", "public_suffix"}, /* private division */
        {"s3.amazonaws.com", "public_suffix", "public_suffix"},
        {"xn--55qx5d.cn", "public_suffix", "public_suffix"},
        {"client.test", "special_use", NULL},
        {"example.com", "special_use", NULL},
        {"a.b.example.org", "special_use", NULL},
        {"notexample.org", NULL, NULL},
        {"client.example", "special_use", NULL},
        {"printer.local", "special_use", NULL},
        {"host.internal", "special_use", NULL},
        {"x.home.arpa", "special_use", NULL},
        {"x.onion", "special_use", NULL},
        {"x.alt", "special_use", NULL},
        {"x.invalid", "special_use", NULL},
        {"a.localhost", "special_use", NULL},
        {"2.0.192.in-addr.arpa", "special_use", NULL},
        {"platform.io", "restricted_list", "restricted_list"},
        {"a.platform.io", "restricted_list", "restricted_list"},
        {"notplatform.io", NULL, NULL},
        {"client.unlistedtld", NULL, NULL}, /* the list's default rule "*" */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int lenient = 0; lenient < 2; lenient++) {
            struct sv_name_rules rules = {lenient != 0, restricted};
            const char *why = sv_name_refusal(cases[i].name, &rules);
            const char *expected = lenient ? cases[i].lenient : cases[i].strict;

            if ((why == NULL) != (expected == NULL) || (why != NULL && strcmp(why, expected) != 0))
                fail_msg("%s: %s, expected %s", cases[i].name, why ? why : "fine",
                         expected ? expected : "fine");
        }
    }
    assert_null(sv_name_refusal("client.com", &(struct sv_name_rules){.restricted = NULL}));
}

static void registrable_domains_follow_the_list(void **state)
{
    static const struct {
        const char *name;
        const char *found; /* NULL: a public suffix */
    } cases[] = {
        {"a.b.example.co.uk", "example.co.uk"},
        {"A.Example.COM.", "example.com"},
        {"example.com", "example.com"},
        {"mail.client.test", "client.test"},
        {"client.test", "client.test"},
        {"me.github.io", "me.github.io"},
        {"_dmarc.a.example.com", "example.com"},
        {"co.uk", NULL},
        {"com", NULL},
        {"a.b\\.example.com", NULL}, /* "b.example" is one label, and nobody can register it */
        {"a\\.b.example.com", "example.com"},
        {"test", NULL},
        {"", NULL},
        {"a.b.xn--55qx5d.cn", "b.xn--55qx5d.cn"},
        {"x.city.kawasaki.jp", "city.kawasaki.jp"}, /* an exception rule */
        {"x.y.kawasaki.jp", "x.y.kawasaki.jp"},     /* a wildcard rule */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[SV_NAME_BYTES] = "untouched";
        enum sv_err err = sv_name_registrable(cases[i].name, out);

        assert_int_equal(err, cases[i].found == NULL ? SV_ENOTFOUND : SV_OK);
        assert_string_equal(out, cases[i].found == NULL ? "untouched" : cases[i].found);
    }
}

static void names_are_compared(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        bool equal;
        bool below;
    } cases[] = {
        {"a.example.com", "example.com", false, true},
        {"A.EXAMPLE.com.", "example.COM", false, true},
        {"example.com", "example.com.", true, false},
        {"Example.com", "eXample.com", true, false},
        {"notexample.com", "example.com", false, false},
        {"com", "example.com", false, false},
        {".example.com", "example.com", false, false},
        {"com", "", false, true},
        {"a\\.example.com", "example.com", false, false},  /* the first label is "a.example" */
        {"a\\\\.example.com", "example.com", false, true}, /* the first label is "a\" */
        {"com\\.", "com", false, false},
        {"", "", true, false},
        {".", "", true, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(sv_name_equal(cases[i].a, cases[i].b), cases[i].equal);
        assert_int_equal(sv_name_is_below(cases[i].a, cases[i].b), cases[i].below);
    }
}

static void hosts_are_relative_to_their_zone(void **state)
{
    static const struct {
        const char *name;
        const char *zone;
        const char *host;
    } cases[] = {
        {"a.b.example.com", "example.com", "a.b"},
        {"_dmarc.Example.com.", "example.COM.", "_dmarc"},
        {"example.com", "example.com", "@"},
        {"other.org", "example.com", "other.org"},
        {"example.com.", "", "example.com"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[SV_NAME_BYTES];

        sv_name_relative(cases[i].name, cases[i].zone, out);
        assert_string_equal(out, cases[i].host);
    }
}

static void people_see_u_labels(void **state)
{
    static const struct {
        const char *name;
        const char *shown;
    } cases[] = {
        {"xn--mller-kva.de", "m\xc3\xbcller.de"},
        {"example.com", "example.com"},
        {"xn--strae-oqa.de", "stra\xc3\x9f"
                             "e.de"},
        {"xn--0.de", "xn--0.de"},
        {"_x.xn--mller-kva.de", "_x.xn--mller-kva.de"}, /* not a client's name: left alone */
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[4 * SV_NAME_BYTES];

        sv_name_display(cases[i].name, out);
        assert_string_equal(out, cases[i].shown);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_names_have_one_form),
        cmocka_unit_test(bad_names_are_refused_with_their_label),
        cmocka_unit_test(hostile_lengths_are_refused),
        cmocka_unit_test(refusals_have_a_reason),
        cmocka_unit_test(registrable_domains_follow_the_list),
        cmocka_unit_test(names_are_compared),
        cmocka_unit_test(hosts_are_relative_to_their_zone),
        cmocka_unit_test(people_see_u_labels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
