/* What a reply without data means (RFC 2308 section 2, RFC 6604, RFC 9824), and where it points.
 *
 * The authority section is read for this alone: the SOA record and the proof of an absence, or the
 * NS records of a referral with the addresses of exactly those hosts. None of it becomes a fact
 * about anything that was not asked (D6). */
#include "packet_reading.h"

#include "wire_name.h"

enum {
    BIT_NXNAME = 128, /* RFC 9824 section 3.1 */
    RRSIG_COVERED_BYTES = 2,
};

bool sv_dns_is_record_of(const ldns_rr *rr, const uint8_t *owner, unsigned type)
{
    return (unsigned)ldns_rr_get_type(rr) == type && ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN &&
           sv_dns_wire_equal(sv_dns_rdf_wire(ldns_rr_owner(rr)), owner);
}

static bool is_of_type(const ldns_rr *rr, unsigned type)
{
    return (unsigned)ldns_rr_get_type(rr) == type && ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN;
}

/* The SOA record that speaks for the end of the chain, or NULL. */
static const ldns_rr *find_soa(const struct sv_dns_reading *r)
{
    for (size_t i = 0; i < ldns_rr_list_rr_count(r->authority); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(r->authority, i);
        if (is_of_type(rr, SV_RR_SOA) &&
            sv_dns_wire_is_within(r->name, sv_dns_rdf_wire(ldns_rr_owner(rr))))
            return rr;
    }
    return NULL;
}

/* min(TTL of the SOA, its MINIMUM) (RFC 2308 section 5), and no longer than the aliases hold. */
static uint32_t negative_ttl(const struct sv_dns_reading *r)
{
    uint32_t ttl_s = 0;

    if (r->soa != NULL) {
        uint32_t minimum_s = sv_dns_sane_ttl(ldns_rdf2native_int32(ldns_rr_rdf(r->soa, 6)));
        ttl_s = sv_dns_sane_ttl(ldns_rr_ttl(r->soa));
        if (minimum_s < ttl_s)
            ttl_s = minimum_s;
    }
    return r->used_count > 0 && r->ttl_s < ttl_s ? r->ttl_s : ttl_s;
}

/* Takes the NS records of the zone pointed to. They must be of one zone, and the question must be
 * in it; otherwise nothing is taken. */
static bool take_hosts(struct sv_dns_reading *r, const ldns_rr_list *from)
{
    const uint8_t *zone = NULL;

    r->referral_count = 0;
    for (size_t i = 0; i < ldns_rr_list_rr_count(from); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(from, i);
        if (!is_of_type(rr, SV_RR_NS))
            continue;
        if (zone == NULL)
            zone = sv_dns_rdf_wire(ldns_rr_owner(rr));
        if (!sv_dns_wire_equal(zone, sv_dns_rdf_wire(ldns_rr_owner(rr))) ||
            !sv_dns_wire_is_within(r->name, zone)) {
            r->referral_count = 0;
            return false;
        }
        if (r->referral_count < SV_DNS_REFERRAL_HOSTS_MAX)
            r->referral[r->referral_count++] = rr;
    }
    return r->referral_count > 0;
}

static bool is_host(const struct sv_dns_reading *r, size_t hosts, const uint8_t *name)
{
    for (size_t i = 0; i < hosts; i++)
        if (sv_dns_wire_equal(name, sv_dns_rdf_wire(ldns_rr_rdf(r->referral[i], 0))))
            return true;
    return false;
}

/* The addresses that the server gave for exactly those hosts. */
static void take_glue(struct sv_dns_reading *r)
{
    size_t hosts = r->referral_count;

    for (size_t i = 0; i < ldns_rr_list_rr_count(r->additional); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(r->additional, i);
        if (r->referral_count == SV_DNS_REFERRAL_MAX)
            return;
        if ((is_of_type(rr, SV_RR_A) || is_of_type(rr, SV_RR_AAAA)) &&
            is_host(r, hosts, sv_dns_rdf_wire(ldns_rr_owner(rr))))
            r->referral[r->referral_count++] = rr;
    }
}

static bool has_delegation(const struct sv_dns_reading *r)
{
    for (size_t i = 0; i < ldns_rr_list_rr_count(r->authority); i++)
        if (ldns_rr_get_type(ldns_rr_list_rr(r->authority, i)) == LDNS_RR_TYPE_NS)
            return true;
    return false;
}

static enum sv_dns_trouble refer(struct sv_dns_reading *r)
{
    if (!take_hosts(r, r->authority))
        return SV_DNS_LAME;
    take_glue(r);
    return SV_DNS_REFERRED;
}

/* Without an SOA record it is NODATA for the very name that was asked (RFC 2308 section 2.2 type
 * 3), unless the server points at others; and for the end of an alias chain only from somebody who
 * was asked to look everywhere. */
static enum sv_dns_trouble trouble_without_soa(struct sv_dns_reading *r)
{
    const unsigned recursive = SV_DNS_FLAG_RD | SV_DNS_FLAG_RA;

    if (r->aliases > 0)
        return (r->walk.flags & recursive) == recursive ? SV_DNS_NO_TROUBLE
                                                        : SV_DNS_ALIAS_ELSEWHERE;
    if (!has_delegation(r) || r->walk.flags & SV_DNS_FLAG_AA)
        return SV_DNS_NO_TROUBLE;
    return refer(r);
}

/* Whether the type bitmap of an NSEC record (RFC 4034 section 4.1.2), which the walk found sound,
 * holds NXNAME: bit 0 of octet 16 in window 0. */
static bool holds_nxname(const ldns_rr *nsec)
{
    const ldns_rdf *bitmap = ldns_rr_rdf(nsec, 1);
    const uint8_t *bytes = bitmap == NULL ? NULL : ldns_rdf_data(bitmap);
    const size_t at = 2 + BIT_NXNAME / 8;

    return bytes != NULL && ldns_rdf_size(bitmap) > at && bytes[0] == 0 &&
           bytes[1] > BIT_NXNAME / 8 && bytes[at] & 0x80u;
}

/* Compact denial: the NSEC record of a name that does not exist says so of itself. */
static bool is_compact_nxdomain(const struct sv_dns_reading *r)
{
    for (size_t i = 0; i < ldns_rr_list_rr_count(r->authority); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(r->authority, i);
        if (sv_dns_is_record_of(rr, r->name, SV_RR_NSEC) && holds_nxname(rr))
            return true;
    }
    return false;
}

void sv_dns_classify_absence(struct sv_dns_reading *r)
{
    r->soa = find_soa(r);
    if (r->walk.rcode == LDNS_RCODE_NXDOMAIN)
        r->outcome = SV_DNS_NXDOMAIN;
    else if (r->soa == NULL)
        r->trouble = trouble_without_soa(r);
    if (r->outcome == SV_DNS_UNKNOWN && r->trouble == SV_DNS_NO_TROUBLE) {
        r->compact = is_compact_nxdomain(r);
        r->outcome = r->compact ? SV_DNS_NXDOMAIN : SV_DNS_NODATA;
    }
    if (r->trouble != SV_DNS_ALIAS_ELSEWHERE) /* the aliases themselves are positive data */
        r->ttl_s = negative_ttl(r);
}

void sv_dns_classify_delegation(struct sv_dns_reading *r)
{
    if (r->question->type != SV_RR_NS || r->aliases > 0 ||
        r->walk.flags & (SV_DNS_FLAG_AA | SV_DNS_FLAG_RD) || !take_hosts(r, r->answers))
        return;
    take_glue(r);
    r->outcome = SV_DNS_UNKNOWN;
    r->trouble = SV_DNS_REFERRED;
    r->used_count = 0;
}

static unsigned type_covered(const ldns_rr *rrsig)
{
    const ldns_rdf *covered = ldns_rr_rdf(rrsig, 0);

    return covered == NULL || ldns_rdf_size(covered) != RRSIG_COVERED_BYTES
               ? SV_RR_NONE
               : ldns_rdf2native_int16(covered);
}

/* The sets in use have one owner and type each for every alias, and one for the data. */
static bool covers_used(const struct sv_dns_reading *r, const ldns_rr *rrsig, size_t used)
{
    unsigned type = type_covered(rrsig);

    for (size_t i = 0; i < used && i <= r->aliases; i++)
        if (sv_dns_is_record_of(r->used[i], sv_dns_rdf_wire(ldns_rr_owner(rrsig)), type))
            return true;
    return false;
}

static bool proves_absence(const struct sv_dns_reading *r, const ldns_rr *rr)
{
    unsigned type = (unsigned)ldns_rr_get_type(rr);

    if (!sv_dns_wire_is_within(sv_dns_rdf_wire(ldns_rr_owner(rr)),
                               sv_dns_rdf_wire(ldns_rr_owner(r->soa))))
        return false;
    if (is_of_type(rr, SV_RR_RRSIG))
        type = type_covered(rr);
    return type == SV_RR_NSEC || type == SV_RR_NSEC3 ||
           (type == SV_RR_SOA && is_of_type(rr, SV_RR_RRSIG));
}

void sv_dns_use_signatures(struct sv_dns_reading *r)
{
    size_t used = r->used_count;

    for (size_t i = 0; i < ldns_rr_list_rr_count(r->answers); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(r->answers, i);
        if (r->used_count == SV_DNS_RECORDS_MAX)
            return;
        if (is_of_type(rr, SV_RR_RRSIG) && covers_used(r, rr, used))
            r->used[r->used_count++] = rr;
    }
    for (size_t i = 0; r->soa != NULL && i < ldns_rr_list_rr_count(r->authority); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(r->authority, i);
        if (r->used_count == SV_DNS_RECORDS_MAX)
            return;
        if (proves_absence(r, rr))
            r->used[r->used_count++] = rr;
    }
}
