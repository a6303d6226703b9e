/* What the DNS stand-in says to one question. */
#ifndef SB_DNS_ANSWER_H
#define SB_DNS_ANSWER_H

#include <ldns/ldns.h>

#include "others.h"

enum { SB_DNS_UDP_BYTES = 1232, SB_DNS_ALIASES_MAX = 8 };

/* Where answers come from. */
struct sb_dns_data {
    const struct sb_zone *zone;     /* the tester's; it has the first word */
    const struct sb_others *others; /* everybody else's */
};

/* The reply to `query`, authoritative out of `data`. RA is set as well, so that a stub client takes
 * it for its resolver. The caller frees it. */
ldns_pkt *sb_dns_answer(const struct sb_dns_data *data, const ldns_pkt *query);

/* Empties the reply's sections and sets its code: SERVFAIL, REFUSED, a bare truncated one ... */
void sb_dns_answer_strip(ldns_pkt *reply, ldns_pkt_rcode rcode);

/* Bytes for the wire, truncated (TC, RFC 2181 section 9) where they exceed what `query` allows over
 * UDP. NULL when ldns cannot encode it. The caller frees them with free(). */
uint8_t *sb_dns_answer_encode(ldns_pkt *reply, const ldns_pkt *query, bool udp, size_t *bytes);

#endif
