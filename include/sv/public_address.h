/* Which addresses are anybody's, and which lead inside: what may be connected to on somebody else's
 * word (webhooks, name servers). */
#ifndef SV_PUBLIC_ADDRESS_H
#define SV_PUBLIC_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr;

/* Four bytes. False for loopback, private, link-local (with the clouds' metadata), shared behind
 * carriers' NAT, multicast, reserved, benchmarking, documentation and protocol blocks (IANA IPv4
 * Special-Purpose Address Registry, RFC 6890). */
bool sv_ipv4_is_public(const uint8_t bytes[4]);

/* Sixteen bytes. Only 2000::/3 is given out to hosts; within it the same purposes are refused, and
 * every form that carries an IPv4 address: 6to4, Teredo. Mapped and NAT64 addresses are outside. */
bool sv_ipv6_is_public(const uint8_t bytes[16]);

/* False also for a family that is neither. */
bool sv_sockaddr_is_public(const struct sockaddr *address);

/* A network, or one address. */
struct sv_network {
    bool is_v6;
    unsigned bits;
    uint8_t bytes[16];
};

/* "10.0.0.0/8", "fd00::/8", "127.0.0.1": an address and how many of its first bits count; bits
 * after those are ignored. False for anything else. */
bool sv_network_parse(const char *text, struct sv_network *out);

bool sv_network_has(const struct sv_network *network, const struct sockaddr *address);

#endif
