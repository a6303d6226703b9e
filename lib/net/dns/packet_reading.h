/* A reply while it is being read: what the parts of reading share. The records stay ldns's until
 * the answer is built.
 *
 *   packet_read.c       the alias chain and what is at its end
 *   packet_authority.c  what the authority section says: absence, referral, signatures
 *   packet_answer.c     the answer as one block of memory */
#ifndef SV_DNS_PACKET_READING_H
#define SV_DNS_PACKET_READING_H

/* First, because without <stdbool.h> before it ldns makes bool a signed char. */
#include "sv/dns.h"

#include <ldns/ldns.h>

#include "packet_walk.h"

enum {
    SV_DNS_REFERRAL_HOSTS_MAX = 16, /* as many servers as are ever asked */
    SV_DNS_REFERRAL_MAX = 64,       /* NS records and addresses together */
};

struct sv_dns_reading {
    const struct sv_dns_question *question;
    struct sv_dns_walk walk;
    const ldns_rr_list *answers, *authority, *additional;
    const uint8_t *name; /* the end of the alias chain so far */
    const ldns_rr *used[SV_DNS_RECORDS_MAX];
    size_t used_count, aliases;
    uint32_t ttl_s;
    enum sv_dns_outcome outcome;
    enum sv_dns_trouble trouble;
    const ldns_rr *soa; /* of an absence; or NULL */
    bool compact;
    const ldns_rr *referral[SV_DNS_REFERRAL_MAX];
    size_t referral_count;
};

/* The octets of a name that ldns has taken out of its compression. */
static inline const uint8_t *sv_dns_rdf_wire(const ldns_rdf *name)
{
    return ldns_rdf_data(name);
}

/* A TTL with its top bit set counts as 0 (RFC 2181 section 8). */
static inline uint32_t sv_dns_sane_ttl(uint32_t ttl_s)
{
    return ttl_s > INT32_MAX ? 0 : ttl_s;
}

/* At most so much memory does ldns need for a packet that the walk found sound. */
size_t sv_dns_decoded_bytes_max(const struct sv_dns_walk *walk, size_t bytes);

bool sv_dns_is_record_of(const ldns_rr *rr, const uint8_t *owner, unsigned type);

/* No data at the end of the chain: sets outcome or trouble, and what goes with them. */
void sv_dns_classify_absence(struct sv_dns_reading *r);

/* Data that is a delegation told in the answer section: NS records without AA, unasked for
 * recursion. Then it is a referral as well. */
void sv_dns_classify_delegation(struct sv_dns_reading *r);

/* Adds the signatures over what is used, and of an absence the records that prove it. */
void sv_dns_use_signatures(struct sv_dns_reading *r);

struct sv_dns_answer *sv_dns_answer_build(const struct sv_dns_reading *r);

#endif
