#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "wire_name.h"

static const struct {
    const char *text;
    const char *wire; /* without the root's 0 octet */
    size_t octets;    /* with it; 0: refused */
    const char *back; /* NULL: as it was */
} names[] = {
    {"", "", 1, NULL},
    {".", "", 1, ""},
    {"a", "\1a", 3, NULL},
    {"a.", "\1a", 3, "a"},
    {"_dmarc.Example.com", "\6_dmarc\7Example\3com", 20, NULL},
    {"a\\.b.c", "\3a.b\1c", 7, NULL},
    {"\\065\\000", "\2A\0", 4, "A\\000"},
    {"\\255\\\"\\@", "\3\xff\"@", 5, NULL},
    {"..", "", 0, NULL},
    {".a", "", 0, NULL},
    {"a..b", "", 0, NULL},
    {"\\", "", 0, NULL},
    {"\\1", "", 0, NULL},
    {"\\12", "", 0, NULL},
    {"\\300", "", 0, NULL},
};

static void test_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        uint8_t wire[SV_DNS_WIRE_MAX];
        char text[SV_DNS_TEXT_BYTES];
        size_t octets = sv_dns_wire_from_text(names[i].text, wire);
        assert_int_equal(octets, names[i].octets);
        if (octets == 0)
            continue;
        assert_memory_equal(wire, names[i].wire, octets - 1);
        assert_int_equal(wire[octets - 1], 0);
        size_t len = sv_dns_wire_to_text(wire, text);
        assert_int_equal(len, strlen(text));
        assert_int_equal(len, sv_dns_wire_text_len(wire));
        assert_string_equal(text, names[i].back != NULL ? names[i].back : names[i].text);
    }
}

static void test_lengths(void **state)
{
    char text[300];
    uint8_t wire[SV_DNS_WIRE_MAX];

    (void)state;
    for (size_t len = 1; len < 280; len++) { /* labels of 63 and the rest */
        size_t rest = len % 64;
        memset(text, 'a', len);
        for (size_t dot = 63; dot < len; dot += 64)
            text[dot] = '.';
        text[len] = 0;
        size_t octets = sv_dns_wire_from_text(text, wire);
        if (len <= 253)
            assert_int_equal(octets, rest == 0 ? len + 1 : len + 2);
        else if (len > 254)
            assert_int_equal(octets, 0);
    }
    memset(text, 'a', 64);
    text[64] = 0;
    assert_int_equal(sv_dns_wire_from_text(text, wire), 0);
}

static void test_longest_text(void **state)
{
    uint8_t wire[SV_DNS_WIRE_MAX] = {0};
    char text[SV_DNS_TEXT_BYTES];
    static const uint8_t lens[] = {63, 63, 63, 61};
    size_t at = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(lens); i++) {
        wire[at] = lens[i];
        memset(wire + at + 1, 1, lens[i]);
        at += 1u + lens[i];
    }
    assert_int_equal(at + 1, SV_DNS_WIRE_MAX);
    assert_int_equal(sv_dns_wire_to_text(wire, text), 250 * 4 + 3);
    assert_true(250 * 4 + 3 < SV_DNS_TEXT_BYTES);
}

static void test_compare(void **state)
{
    static const struct {
        const char *a, *b;
        bool equal, within;
    } pairs[] = {
        {"a.b", "A.B", true, true},    {"a.b", "a.c", false, false}, {"a.b", "b", false, true},
        {"b", "a.b", false, false},    {"", "", true, true},         {"a", "", false, true},
        {"xa.b", "a.b", false, false}, {"a\\.b", "b", false, false}, {"ab.c", "a.bc", false, false},
        {"[.b", "{.b", false, false}, /* not letters, though one bit apart */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        uint8_t a[SV_DNS_WIRE_MAX], b[SV_DNS_WIRE_MAX];
        assert_true(sv_dns_wire_from_text(pairs[i].a, a) > 0);
        assert_true(sv_dns_wire_from_text(pairs[i].b, b) > 0);
        assert_int_equal(sv_dns_wire_equal(a, b), pairs[i].equal);
        assert_int_equal(sv_dns_wire_is_within(a, b), pairs[i].within);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_longest_text),
        cmocka_unit_test(test_compare),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
