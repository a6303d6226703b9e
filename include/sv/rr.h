/* DNS questions and answers as plain data: the words that asking (net, adapt) and judging (auth)
 * share. */
#ifndef SV_RR_H
#define SV_RR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sv/name.h"
#include "sv/time.h"

enum sv_rr_type {
    SV_RR_NONE = 0,
    SV_RR_A = 1,
    SV_RR_NS = 2,
    SV_RR_CNAME = 5,
    SV_RR_SOA = 6,
    SV_RR_PTR = 12,
    SV_RR_MX = 15,
    SV_RR_TXT = 16,
    SV_RR_AAAA = 28,
    SV_RR_DS = 43,
    SV_RR_RRSIG = 46,
    SV_RR_NSEC = 47,
    SV_RR_DNSKEY = 48,
    SV_RR_NSEC3 = 50,
    SV_RR_SPF = 99,
};

/* "TXT", "CNAME" ...; "TYPE123" in a static buffer never: unknown types give "OTHER". */
const char *sv_rr_type_name(enum sv_rr_type type);

/* What one exchange established. Zero is "nothing known": a timeout is never an absence. */
enum sv_dns_outcome {
    SV_DNS_UNKNOWN,
    SV_DNS_DATA,     /* records of the asked type, at the end of the alias chain */
    SV_DNS_NODATA,   /* the name exists, the type does not (RFC 2308 section 2.2) */
    SV_DNS_NXDOMAIN, /* the last name of the alias chain does not exist (RFC 6604 section 3) */
};

/* Why an outcome is unknown. */
enum sv_dns_trouble {
    SV_DNS_NO_TROUBLE,
    SV_DNS_TIMEOUT,
    SV_DNS_NETWORK,
    SV_DNS_SERVFAIL,
    SV_DNS_REFUSED,
    SV_DNS_LAME,
    SV_DNS_MALFORMED,
    SV_DNS_TCP_FAILED, /* truncated or under forgery over UDP, and TCP did not work */
    SV_DNS_ALIAS_LOOP,
    SV_DNS_ALIAS_TOO_LONG,
    SV_DNS_ALIAS_ELSEWHERE, /* the alias chain leaves what this server knows: ask for final_name */
    SV_DNS_REFERRED, /* asked without recursion, the server points to others: see `referral` */
    SV_DNS_BOGUS,    /* SERVFAIL, but an answer with checking disabled: DNSSEC validation fails */
    SV_DNS_OTHER_RCODE,
};

const char *sv_dns_outcome_name(enum sv_dns_outcome outcome);
const char *sv_dns_trouble_name(enum sv_dns_trouble trouble);

enum {
    SV_DNS_RECORDS_MAX = 256, /* records of one reply that are looked at (D4) */
    SV_DNS_ALIASES_MAX = 8,
    SV_DNS_SERVER_BYTES = 56, /* "[2001:db8::1]:53" and the like */
};

/* How a question is to be asked; bits. */
enum {
    /* The name is the client's own: ask the zone's servers first, and resolvers only where that
     * plants no negative entry (dns-auth section 2.8). Without it: resolvers and the shared cache.
     */
    SV_ASK_OWNED = 1u << 0,
    SV_ASK_SEEN_BEFORE = 1u << 1, /* with OWNED: it was right once, so resolvers may be asked */
    SV_ASK_DNSSEC = 1u << 2,      /* DO: signatures and NSEC records are wanted */
    SV_ASK_UNCHECKED = 1u << 3,   /* CD: whatever validation says */
};

struct sv_dns_question {
    char name[SV_NAME_BYTES]; /* owner in presentation form without a final dot; underscores are
                                 fine */
    enum sv_rr_type type;
    unsigned how; /* SV_ASK_ bits */
};

/* One record. Names are in presentation form (RFC 1035 section 5.1 escapes), without a final dot,
 * in the case the server sent; "" is the root. Pointers live as long as the answer that holds them.
 */
struct sv_rr {
    const char *owner;
    enum sv_rr_type type; /* unknown types keep their number */
    uint32_t ttl_s;
    uint16_t preference; /* MX */
    const char *target;  /* CNAME, NS, MX, PTR: the host; SOA: the primary server; otherwise NULL */
    uint32_t serial;     /* SOA */
    const uint8_t *text; /* TXT, SPF: all strings joined (RFC 7208 section 3.3); otherwise NULL */
    size_t text_bytes;
    uint8_t address[16]; /* A: the first 4; AAAA: all */
    /* DS, DNSKEY, RRSIG, NSEC, NSEC3: the RDATA as it came, names in it uncompressed; otherwise
     * NULL */
    const uint8_t *rdata;
    size_t rdata_bytes;
};

struct sv_dns_answer {
    enum sv_dns_outcome outcome;
    enum sv_dns_trouble trouble;
    uint8_t rcode;
    bool aa, ad, tc, tcp;
    uint16_t ede; /* RFC 8914 info code + 1; 0 = none was sent */
    char server[SV_DNS_SERVER_BYTES];
    sv_ms at; /* when it arrived; Unix milliseconds */
    uint32_t rtt_ms;
    uint32_t ttl_s; /* DATA: the smallest TTL used; NODATA, NXDOMAIN: the negative TTL (RFC 2308) */
    char final_name[SV_NAME_BYTES]; /* the last name of the alias chain; the asked name without one
                                     */
    const struct sv_rr
        *records; /* only those reached from the question: the alias chain, then the data */
    size_t records_count;
    /* NODATA, NXDOMAIN: owner and serial of the SOA; REFERRED: the zone pointed to. "" = not
     * told. */
    char zone[SV_NAME_BYTES];
    uint32_t serial;
    bool compact; /* NXDOMAIN that was told as NODATA with NXNAME in its NSEC (RFC 9824) */
    bool no_edns; /* the server answered only once it was asked without EDNS (RFC 6891 section 7) */
    /* REFERRED: the NS records of `zone`, then A and AAAA records of those hosts as far as the
     * server gave them (glue); never a fact about anything else. */
    const struct sv_rr *referral;
    size_t referral_count;
};

/* Builds an answer that owns copies of everything, in one block; free with sv_dns_answer_free. */
struct sv_dns_answer *sv_dns_answer_copy(const struct sv_dns_answer *answer);
void sv_dns_answer_free(struct sv_dns_answer *answer); /* NULL is fine */

#endif
