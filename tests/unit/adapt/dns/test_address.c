/* Which addresses may be name servers of the public Internet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "address.h"

static struct sv_address address(const char *text)
{
    struct sv_dns_server server;

    assert_int_equal(sv_dns_server_parse(text, &server, NULL), SV_OK);
    return sv_address_of_server(&server);
}

/* IANA IPv4 and IPv6 special-purpose address registries; first and last of each block, and the
 * neighbours outside. */
static void test_public_and_not(void **state)
{
    static const struct {
        const char *text;
        bool is_public;
    } cases[] = {
        {"0.0.0.1", false},
        {"1.0.0.1", true},
        {"9.255.255.255", true},
        {"10.0.0.0", false},
        {"10.255.255.255", false},
        {"11.0.0.0", true},
        {"100.63.255.255", true},
        {"100.64.0.0", false},
        {"100.127.255.255", false},
        {"100.128.0.0", true},
        {"127.0.0.1", false},
        {"127.1.2.3", false},
        {"128.0.0.1", true},
        {"169.254.169.254", false},
        {"169.255.0.1", true},
        {"172.15.255.255", true},
        {"172.16.0.0", false},
        {"172.31.255.255", false},
        {"172.32.0.0", true},
        {"192.0.0.8", false},
        {"192.0.2.1", false},
        {"192.0.3.1", true},
        {"192.168.0.1", false},
        {"192.169.0.1", true},
        {"198.17.255.255", true},
        {"198.18.0.0", false},
        {"198.19.255.255", false},
        {"198.20.0.0", true},
        {"198.51.100.7", false},
        {"203.0.113.7", false},
        {"203.0.114.7", true},
        {"223.255.255.254", true},
        {"224.0.0.1", false},
        {"240.0.0.1", false},
        {"255.255.255.255", false},
        {"::", false},
        {"::1", false},
        {"::ffff:192.0.2.1", false},
        {"::ffff:8.8.8.8", false},
        {"64:ff9b::808:808", false},
        {"fe80::1", false},
        {"fd00::1", false},
        {"ff02::1", false},
        {"2001:db8::1", false},
        {"2001::1", false},
        {"2001:2::1", false},
        {"2002:a00:1::1", false},
        {"3fff::1", false},
        {"2001:503:ba3e::2:30", true},
        {"2600::1", true},
        {"3fff:1000::1", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sv_address one = address(cases[i].text);
        if (sv_address_is_public(&one) != cases[i].is_public)
            fail_msg("%s", cases[i].text);
    }
}

static void test_there_and_back(void **state)
{
    static const char *const texts[] = {"192.0.2.1:53", "[2001:db8::1]:5353"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct sv_dns_server server, again;
        struct sv_address one;
        char text[SV_DNS_SERVER_BYTES];
        assert_int_equal(sv_dns_server_parse(texts[i], &server, NULL), SV_OK);
        sv_server_text(&server, text);
        assert_string_equal(text, texts[i]);
        one = sv_address_of_server(&server);
        again = sv_address_server(&one, i == 0 ? 53 : 5353);
        assert_memory_equal(&server, &again, sizeof(server));
    }
}

/* The 13 names have one address of each kind; all of them are public, and no two alike. Nothing is
 * sent to them. */
static void test_root_hints(void **state)
{
    struct sv_address hints[SV_ROOT_HINTS_MAX];
    size_t v6 = 0;

    (void)state;
    assert_int_equal(sv_root_hints(hints), 26);
    for (size_t i = 0; i < 26; i++) {
        v6 += hints[i].v6;
        assert_true(sv_address_is_public(&hints[i]));
        for (size_t j = 0; j < i; j++)
            assert_false(sv_address_equal(&hints[i], &hints[j]));
    }
    assert_int_equal(v6, 13);
}

static void test_route(void **state)
{
    struct sv_address here = address("127.0.0.1");
    struct sv_address nowhere = {.bytes = {0}};

    (void)state;
    assert_true(sv_address_has_route(&here));
    nowhere.bytes[0] = 255; /* the broadcast address is refused to a plain socket */
    nowhere.bytes[1] = nowhere.bytes[2] = nowhere.bytes[3] = 255;
    assert_false(sv_address_has_route(&nowhere));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_public_and_not),
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_root_hints),
        cmocka_unit_test(test_route),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
