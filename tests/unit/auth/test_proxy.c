/* The proxies of DNS providers: the ends of their ranges, and their name servers. */
#include "proxy.h"

#include "cmocka_all.h"

static bool is_address(const char *text)
{
    return sv_proxy_is_address(sv_span_of(text));
}

static bool is_server(const char *text)
{
    return sv_proxy_is_server(sv_span_of(text));
}

/* 104.16.0.0/13, 104.24.0.0/14, 131.0.72.0/22, 162.158.0.0/15: https://www.cloudflare.com/ips-v4 */
static void addresses_of_version_4(void **state)
{
    (void)state;
    assert_false(is_address("104.15.255.255"));
    assert_true(is_address("104.16.0.0"));
    assert_true(is_address("104.23.255.255"));
    assert_true(is_address("104.27.255.255"));
    assert_false(is_address("104.28.0.0"));
    assert_false(is_address("131.0.71.255"));
    assert_true(is_address("131.0.75.255"));
    assert_false(is_address("131.0.76.0"));
    assert_true(is_address("162.159.255.255"));
    assert_false(is_address("162.160.0.0"));
    assert_false(is_address("192.0.2.1"));
}

/* 2606:4700::/32, 2a06:98c0::/29: https://www.cloudflare.com/ips-v6 */
static void addresses_of_version_6(void **state)
{
    (void)state;
    assert_true(is_address("2606:4700::6810:109"));
    assert_false(is_address("2606:4701::1"));
    assert_false(is_address("2606:470::1"));
    assert_true(is_address("2a06:98c7:ffff::"));
    assert_false(is_address("2a06:98c8::"));
    assert_false(is_address("2001:db8::1"));
}

static void what_is_no_address(void **state)
{
    static const char *const texts[] = {"",     "104.16.0",      "104.16.0.0.0", "104.16.0.x",
                                        "104.", "1040.16.0.0.0", "host"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        assert_false(is_address(texts[i]));
}

static void name_servers(void **state)
{
    (void)state;
    assert_true(is_server("kim.ns.cloudflare.com"));
    assert_true(is_server("KIM.NS.Cloudflare.com."));
    assert_false(is_server("ns.cloudflare.com"));
    assert_false(is_server("kim.ns.cloudflare.com.example.net"));
    assert_false(is_server("kimns.cloudflare.com"));
    assert_false(is_server(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_of_version_4),
        cmocka_unit_test(addresses_of_version_6),
        cmocka_unit_test(what_is_no_address),
        cmocka_unit_test(name_servers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
