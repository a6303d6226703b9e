/* Addresses of name servers: small enough to be kept by the thousand. */
#ifndef SV_DNS_ADDRESS_H
#define SV_DNS_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "sv/dns.h"

struct sv_address {
    bool v6;
    uint8_t bytes[16]; /* v4: the first 4 */
};

/* False for records that are no address. */
bool sv_address_of_record(const struct sv_rr *record, struct sv_address *out);
struct sv_address sv_address_of_server(const struct sv_dns_server *server);
struct sv_dns_server sv_address_server(const struct sv_address *address, uint16_t port);
bool sv_address_equal(const struct sv_address *a, const struct sv_address *b);

/* "192.0.2.1:53" or "[2001:db8::1]:53". */
void sv_server_text(const struct sv_dns_server *server, char out[SV_DNS_SERVER_BYTES]);

/* Whether the address may belong to a host of the public Internet: not loopback, private, shared,
 * link-local, documentation, benchmarking, multicast or reserved (IANA special-purpose registries,
 * RFC 6890), nor IPv6 that carries such an IPv4 address. */
bool sv_address_is_public(const struct sv_address *address);

/* Whether this host has a route to it. Sends nothing. */
bool sv_address_has_route(const struct sv_address *address);

/* The servers of the root zone as IANA publishes them. Returns their number, at most
 * SV_ROOT_HINTS_MAX. */
enum { SV_ROOT_HINTS_MAX = 26 };
size_t sv_root_hints(struct sv_address out[SV_ROOT_HINTS_MAX]);

#endif
