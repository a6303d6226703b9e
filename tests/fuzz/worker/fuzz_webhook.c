/* Z8: what a webhook may connect to. Bytes as an address, judged against a second table of ranges
 * written as people write them; and as a url, of which what is accepted must be plain https. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "sv/alloc.h"
#include "sv/require.h"
#include "sv/webhook.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct range {
    const char *first, *last;
};

static const struct range closed_v4[] = {
    {"0.0.0.0", "0.255.255.255"},       {"10.0.0.0", "10.255.255.255"},
    {"100.64.0.0", "100.127.255.255"},  {"127.0.0.0", "127.255.255.255"},
    {"169.254.0.0", "169.254.255.255"}, {"172.16.0.0", "172.31.255.255"},
    {"192.0.0.0", "192.0.0.255"},       {"192.0.2.0", "192.0.2.255"},
    {"192.88.99.0", "192.88.99.255"},   {"192.168.0.0", "192.168.255.255"},
    {"198.18.0.0", "198.19.255.255"},   {"198.51.100.0", "198.51.100.255"},
    {"203.0.113.0", "203.0.113.255"},   {"224.0.0.0", "255.255.255.255"},
};

static const struct range closed_v6[] = {
    {"::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
};

static bool is_closed(int family, const uint8_t *bytes, size_t len, const struct range *ranges,
                      size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t first[16], last[16];

        SV_REQUIRE(inet_pton(family, ranges[i].first, first) == 1);
        SV_REQUIRE(inet_pton(family, ranges[i].last, last) == 1);
        if (memcmp(bytes, first, len) >= 0 && memcmp(bytes, last, len) <= 0)
            return true;
    }
    return false;
}

static void check_addresses(const uint8_t *bytes, size_t len)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    if (len >= 4) {
        memcpy(&v4.sin_addr, bytes, 4);
        if (is_closed(AF_INET, bytes, 4, closed_v4, sizeof(closed_v4) / sizeof(closed_v4[0])))
            SV_REQUIRE(!sv_sockaddr_is_public((const struct sockaddr *)&v4));
    }
    if (len >= 16) {
        memcpy(&v6.sin6_addr, bytes, 16);
        if (is_closed(AF_INET6, bytes, 16, closed_v6, sizeof(closed_v6) / sizeof(closed_v6[0])))
            SV_REQUIRE(!sv_sockaddr_is_public((const struct sockaddr *)&v6));
    }
}

static void check_url(const uint8_t *bytes, size_t len)
{
    static const uint16_t ports[] = {443, 8443};
    char *url = sv_strndup((const char *)bytes, len);
    size_t authority;

    if (sv_webhook_url_is_fine(url, ports, 2)) {
        SV_REQUIRE(strncmp(url, "https://", 8) == 0);
        authority = strcspn(url + 8, "/?#");
        SV_REQUIRE(authority > 0);
        SV_REQUIRE(memchr(url + 8, '@', authority) == NULL);
        SV_REQUIRE(strpbrk(url, " \r\n\t") == NULL);
    }
    free(url);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    check_addresses(bytes, len);
    check_url(bytes, len);
    return 0;
}
