/* IP addresses as SPF needs them (RFC 7208 sections 5 and 5.6): strictly read, compared by prefix,
 * shown; and whether the outside can reach them. Private to lib/auth. */
#ifndef SV_AUTH_IP_H
#define SV_AUTH_IP_H

#include <stdbool.h>
#include <stdint.h>

#include "txt.h"

struct sv_ip {
    bool is_v6;
    uint8_t octets[16]; /* version 4: the first 4 */
};

/* Four decimal octets without leading zeros. */
bool sv_ip4_parse(struct sv_span text, struct sv_ip *out);

/* RFC 4291 section 2.2, also with dotted octets at the end. A mapped address stays version 6. */
bool sv_ip6_parse(struct sv_span text, struct sv_ip *out);

/* Either; a mapped address becomes version 4 (RFC 7208 section 5). */
bool sv_ip_parse(struct sv_span text, struct sv_ip *out);

/* True when both are of one version and agree in the first `prefix` bits. */
bool sv_ip_in(const struct sv_ip *ip, const struct sv_ip *network, unsigned prefix);

/* Private, shared behind a carrier's NAT, loopback, link-local, or of no host at all (RFC 6890):
 * mail from outside does not arrive there. */
bool sv_ip_is_private(const struct sv_ip *ip);

/* Version 6 as RFC 5952 has it. */
void sv_ip_show(const struct sv_ip *ip, struct sv_line *out);

#endif
