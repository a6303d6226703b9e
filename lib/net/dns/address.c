/* Server addresses in the form that queries carry. */
#include "dns_internal.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "sv/digits.h"

bool sv_dns_address_equal(const union sv_dns_address *a, const union sv_dns_address *b)
{
    if (a->any.sa_family != b->any.sa_family)
        return false;
    if (a->any.sa_family == AF_INET)
        return a->v4.sin_port == b->v4.sin_port && a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
    return a->v6.sin6_port == b->v6.sin6_port &&
           memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof(a->v6.sin6_addr)) == 0;
}

socklen_t sv_dns_address_bytes(const union sv_dns_address *address)
{
    return address->any.sa_family == AF_INET ? sizeof(address->v4) : sizeof(address->v6);
}

size_t sv_dns_address_key(const union sv_dns_address *address, uint8_t out[SV_DNS_KEY_BYTES])
{
    bool is_v4 = address->any.sa_family == AF_INET;
    uint16_t port = is_v4 ? address->v4.sin_port : address->v6.sin6_port;
    size_t bytes = is_v4 ? sizeof(address->v4.sin_addr) : sizeof(address->v6.sin6_addr);

    memcpy(out, &port, sizeof(port));
    if (is_v4)
        memcpy(out + sizeof(port), &address->v4.sin_addr, bytes);
    else
        memcpy(out + sizeof(port), &address->v6.sin6_addr, bytes);
    return sizeof(port) + bytes;
}

/* A number and what stands behind it. */
static char *put(char *out, unsigned number, char behind)
{
    out = sv_digits_write(out, number, sv_digits_count(number));
    *out++ = behind;
    return out;
}

void sv_dns_address_text(const union sv_dns_address *address, char out[SV_DNS_SERVER_BYTES])
{
    char host[INET6_ADDRSTRLEN] = "";

    if (address->any.sa_family == AF_INET) {
        const uint8_t *octets = (const uint8_t *)&address->v4.sin_addr;
        for (size_t i = 0; i < sizeof(address->v4.sin_addr); i++)
            out = put(out, octets[i], i < 3 ? '.' : ':');
        (void)put(out, ntohs(address->v4.sin_port), '\0');
        return;
    }
    (void)inet_ntop(AF_INET6, &address->v6.sin6_addr, host, sizeof(host));
    (void)snprintf(out, SV_DNS_SERVER_BYTES, "[%s]:%u", host, ntohs(address->v6.sin6_port));
}
