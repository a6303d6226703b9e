/* Addresses, and what their servers were found to break on: asking a server without EDNS that never
 * answers EDNS saves the silence each time. The table forgets: entries expire, and a newcomer takes
 * the place its address hashes to. */
#include "dns_internal.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define HABIT_MS (15 * SV_MINUTE) /* the lame-time habits of common resolvers */

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

void sv_dns_address_text(const union sv_dns_address *address, char out[SV_DNS_SERVER_BYTES])
{
    char host[INET6_ADDRSTRLEN] = "";

    if (address->any.sa_family == AF_INET) {
        const uint8_t *b = (const uint8_t *)&address->v4.sin_addr;
        (void)snprintf(out, SV_DNS_SERVER_BYTES, "%u.%u.%u.%u:%u", b[0], b[1], b[2], b[3],
                       ntohs(address->v4.sin_port));
        return;
    }
    (void)inet_ntop(AF_INET6, &address->v6.sin6_addr, host, sizeof(host));
    (void)snprintf(out, SV_DNS_SERVER_BYTES, "[%s]:%u", host, ntohs(address->v6.sin6_port));
}

/* FNV-1a over the bytes that tell addresses apart. */
static size_t place_of(const union sv_dns_address *address)
{
    bool is_v4 = address->any.sa_family == AF_INET;
    const uint8_t *bytes =
        is_v4 ? (const uint8_t *)&address->v4.sin_addr : (const uint8_t *)&address->v6.sin6_addr;
    size_t count = is_v4 ? sizeof(address->v4.sin_addr) : sizeof(address->v6.sin6_addr);
    uint32_t hash = 2166136261u ^ (is_v4 ? address->v4.sin_port : address->v6.sin6_port);

    for (size_t i = 0; i < count; i++)
        hash = (hash ^ bytes[i]) * 16777619u;
    return hash % SV_DNS_MEMORY_PLACES;
}

const struct sv_dns_habit *sv_dns_habit_find(const struct sv_dns *dns,
                                             const union sv_dns_address *address)
{
    const struct sv_dns_habit *habit;

    if (dns->habits_count == 0) /* the usual case: no broken server was met */
        return NULL;
    habit = &dns->habits[place_of(address)];
    if (!sv_dns_address_equal(&habit->address, address) || habit->until <= sv_dns_now(dns))
        return NULL;
    return habit;
}

struct sv_dns_habit *sv_dns_habit_learn(struct sv_dns *dns, const union sv_dns_address *address)
{
    struct sv_dns_habit *habit = &dns->habits[place_of(address)];

    if (!sv_dns_address_equal(&habit->address, address)) {
        if (habit->address.any.sa_family == 0)
            dns->habits_count++;
        *habit = (struct sv_dns_habit){.address = *address};
    }
    habit->until = sv_dns_now(dns) + HABIT_MS;
    return habit;
}
