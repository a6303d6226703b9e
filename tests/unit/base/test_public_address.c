/* Which addresses may be connected to on somebody else's word. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "sv/public_address.h"

/* Each leads inside, to nobody, or carries an address that does. */
static const char *const forbidden[] = {
    /* this network, loopback */
    "0.0.0.0",
    "0.0.0.1",
    "0.255.255.255",
    "127.0.0.0",
    "127.0.0.1",
    "127.0.1.1",
    "127.1.2.3",
    "127.255.255.255",
    "::",
    "::1",
    /* private */
    "10.0.0.0",
    "10.0.0.1",
    "10.96.0.1",
    "10.255.255.255",
    "172.16.0.0",
    "172.16.0.1",
    "172.17.0.1",
    "172.20.10.1",
    "172.31.255.255",
    "192.168.0.0",
    "192.168.0.1",
    "192.168.1.1",
    "192.168.122.1",
    "192.168.255.255",
    "fc00::",
    "fc00::1",
    "fd00::1",
    "fd12:3456:789a::1",
    "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    /* link-local, metadata of clouds */
    "169.254.0.0",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "169.254.170.23",
    "169.254.255.255",
    "fe80::",
    "fe80::1",
    "fe80::a9fe:a9fe",
    "febf::1",
    "fd00:ec2::254",
    "fd00:ec2::23",
    "fd20:ce::254",
    "100.100.100.200",
    /* site-local, long deprecated */
    "fec0::1",
    "feff::1",
    /* shared behind carriers' NAT */
    "100.64.0.0",
    "100.64.0.1",
    "100.100.0.1",
    "100.127.255.255",
    /* protocol assignments, documentation, benchmarking */
    "192.0.0.0",
    "192.0.0.1",
    "192.0.0.170",
    "192.0.0.192",
    "192.0.0.255",
    "192.0.2.0",
    "192.0.2.1",
    "192.0.2.255",
    "198.18.0.0",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.0",
    "198.51.100.1",
    "198.51.100.255",
    "203.0.113.0",
    "203.0.113.1",
    "203.0.113.255",
    "2001:db8::",
    "2001:db8::1",
    "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
    "2001:2::",
    "2001:2::1",
    "2001:10::1",
    "2001:1f:ffff::1",
    "2001:20::1",
    "2001:2f::1",
    "3fff::1",
    "3fff:fff::1",
    "5f00::1",
    "100::",
    "100::1",
    /* relays, sinks of queries, tunnels */
    "192.88.99.0",
    "192.88.99.1",
    "192.88.99.2",
    "192.31.196.1",
    "192.52.193.1",
    "192.175.48.1",
    "2001:1::1",
    "2001:3::1",
    "2001:4:112::1",
    "2620:4f:8000::1",
    /* multicast, reserved, broadcast */
    "224.0.0.0",
    "224.0.0.1",
    "224.0.0.251",
    "232.1.1.1",
    "239.255.255.250",
    "239.255.255.255",
    "240.0.0.0",
    "240.0.0.1",
    "250.1.2.3",
    "255.255.255.254",
    "255.255.255.255",
    "ff00::",
    "ff01::1",
    "ff02::1",
    "ff02::fb",
    "ff05::2",
    "ff0e::1",
    "4000::1",
    "8000::1",
    "c000::1",
    "e000::1",
    "f000::1",
    /* an IPv4 address inside: mapped, compatible, NAT64, 6to4, Teredo */
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:192.168.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "::127.0.0.1",
    "::10.0.0.1",
    "::8.8.8.8",
    "64:ff9b::127.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b::169.254.169.254",
    "64:ff9b::8.8.8.8",
    "64:ff9b:1::127.0.0.1",
    "64:ff9b:1:ffff::1",
    "2002:7f00:1::",
    "2002:7f00:1::1",
    "2002:a00:1::1",
    "2002:a9fe:a9fe::1",
    "2002:c0a8:1::1",
    "2002:808:808::1",
    "2001:0:7f00:1::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001::1",
    "2001:0:ffff:ffff:ffff:ffff:ffff:ffff",
};

static const char *const allowed[] = {
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "191.255.255.255",
    "192.0.1.0",
    "192.0.3.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "198.51.99.255",
    "198.51.101.0",
    "203.0.112.255",
    "203.0.114.0",
    "223.255.255.255",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2001:db7::1",
    "2001:db9::1",
    "2003::1",
    "2600::1",
    "2606:4700:4700::1111",
    "2a00:1450::1",
    "3ffe:ffff::1",
    "2620:4f:8001::1",
};

static bool is_public(const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    if (strchr(text, ':') != NULL) {
        assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
        return sv_sockaddr_is_public((const struct sockaddr *)&v6);
    }
    assert_int_equal(inet_pton(AF_INET, text, &v4.sin_addr), 1);
    return sv_sockaddr_is_public((const struct sockaddr *)&v4);
}

static void test_forbidden(void **state)
{
    size_t count = sizeof(forbidden) / sizeof(forbidden[0]);

    (void)state;
    assert_true(count >= 100);
    for (size_t i = 0; i < count; i++) {
        if (is_public(forbidden[i]))
            fail_msg("%s would be connected to", forbidden[i]);
    }
    printf("%zu forms are forbidden\n", count);
}

static void test_allowed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
        if (!is_public(allowed[i]))
            fail_msg("%s is refused", allowed[i]);
    }
}

static void test_other_families(void **state)
{
    struct sockaddr address = {.sa_family = AF_UNIX};

    (void)state;
    assert_false(sv_sockaddr_is_public(&address));
}

static void test_networks(void **state)
{
    static const struct {
        const char *network, *address;
        bool has;
    } rows[] = {
        {"127.0.0.1", "127.0.0.1", true},       {"127.0.0.1", "127.0.0.2", false},
        {"10.0.0.0/8", "10.9.8.7", true},       {"10.0.0.0/8", "11.0.0.1", false},
        {"10.1.2.3/8", "10.9.8.7", true},       {"0.0.0.0/0", "8.8.8.8", true},
        {"0.0.0.0/0", "::ffff:8.8.8.8", false}, {"::1", "::1", true},
        {"fd00::/8", "fdab::1", true},          {"fd00::/8", "fc00::1", false},
        {"10.0.0.0/9", "10.127.0.0", true},     {"10.0.0.0/9", "10.128.0.0", false},
    };
    static const char *const wrong[] = {"",
                                        "10.0.0.0/33",
                                        "10.0.0.0/",
                                        "10.0.0/8",
                                        "::1/129",
                                        "10.0.0.0/-1",
                                        "10.0.0.0/8x",
                                        "localhost",
                                        "10.0.0.0/ 8",
                                        "1.2.3.4/0008"};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sockaddr_storage address = {.ss_family = AF_INET};
        struct sv_network network;

        if (strchr(rows[i].address, ':') != NULL) {
            address.ss_family = AF_INET6;
            (void)inet_pton(AF_INET6, rows[i].address,
                            &((struct sockaddr_in6 *)&address)->sin6_addr);
        } else {
            (void)inet_pton(AF_INET, rows[i].address, &((struct sockaddr_in *)&address)->sin_addr);
        }
        assert_true(sv_network_parse(rows[i].network, &network));
        assert_int_equal(sv_network_has(&network, (const struct sockaddr *)&address), rows[i].has);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct sv_network network;

        assert_false(sv_network_parse(wrong[i], &network));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forbidden),
        cmocka_unit_test(test_allowed),
        cmocka_unit_test(test_other_families),
        cmocka_unit_test(test_networks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
