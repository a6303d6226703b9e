#include "proxy.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Cloudflare, from https://www.cloudflare.com/ips-v4 and /ips-v6 (last changed 2023-09-28). */
static const struct {
    uint8_t octets[4];
    unsigned prefix;
} ranges_v4[] = {
    {{173, 245, 48, 0}, 20}, {{103, 21, 244, 0}, 22}, {{103, 22, 200, 0}, 22},
    {{103, 31, 4, 0}, 22},   {{141, 101, 64, 0}, 18}, {{108, 162, 192, 0}, 18},
    {{190, 93, 240, 0}, 20}, {{188, 114, 96, 0}, 20}, {{197, 234, 240, 0}, 22},
    {{198, 41, 128, 0}, 17}, {{162, 158, 0, 0}, 15},  {{104, 16, 0, 0}, 13},
    {{104, 24, 0, 0}, 14},   {{172, 64, 0, 0}, 13},   {{131, 0, 72, 0}, 22},
};

/* Each of 32 bits, and so the beginning of its addresses as text; 2a06:98c0::/29 is eight of them.
 */
static const char *const ranges_v6[] = {
    "2400:cb00:", "2606:4700:", "2803:f800:", "2405:b500:", "2405:8100:",
    "2c0f:f248:", "2a06:98c0:", "2a06:98c1:", "2a06:98c2:", "2a06:98c3:",
    "2a06:98c4:", "2a06:98c5:", "2a06:98c6:", "2a06:98c7:",
};

static const char *const servers[] = {".ns.cloudflare.com", ".foundationdns.com",
                                      ".foundationdns.net", ".foundationdns.org"};

static uint32_t bits_of(const uint8_t octets[4])
{
    return (uint32_t)octets[0] << 24 | (uint32_t)octets[1] << 16 | (uint32_t)octets[2] << 8 |
           octets[3];
}

/* The text is one that we wrote: four numbers with dots between them, or an address of version 6.
 */
static bool read_v4(struct sv_span text, uint8_t octets[4])
{
    size_t dots = 0;
    unsigned number = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.text[i];
        if (c == '.' && dots < 3) {
            octets[dots++] = (uint8_t)number;
            number = 0;
        } else if (c >= '0' && c <= '9' && number <= 255) {
            number = 10 * number + (unsigned)(c - '0');
        } else {
            return false;
        }
    }
    octets[3] = (uint8_t)number;
    return dots == 3;
}

bool sv_proxy_is_address(struct sv_span address)
{
    uint8_t octets[4];

    for (size_t i = 0; i < sizeof(ranges_v6) / sizeof(*ranges_v6); i++) {
        if (sv_span_starts(address, ranges_v6[i]))
            return true;
    }
    if (!read_v4(address, octets))
        return false;
    for (size_t i = 0; i < sizeof(ranges_v4) / sizeof(*ranges_v4); i++) {
        if ((bits_of(octets) ^ bits_of(ranges_v4[i].octets)) >> (32 - ranges_v4[i].prefix) == 0)
            return true;
    }
    return false;
}

bool sv_proxy_is_server(struct sv_span host)
{
    if (host.len > 0 && host.text[host.len - 1] == '.')
        host.len--;
    for (size_t i = 0; i < sizeof(servers) / sizeof(*servers); i++) {
        size_t len = strlen(servers[i]);
        struct sv_span end = {.text = host.text + (host.len > len ? host.len - len : 0),
                              .len = len};
        if (host.len > len && sv_span_equals(end, servers[i]))
            return true;
    }
    return false;
}
