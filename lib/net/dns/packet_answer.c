/* An answer in one block of memory: the struct, its records, their strings and octets. */
#include "packet_reading.h"

#include <string.h>

#include "sv/alloc.h"
#include "sv/require.h"
#include "wire_name.h"

/* The host or name that a record leads to, or NULL. */
static const ldns_rdf *target_of(const ldns_rr *rr)
{
    switch ((unsigned)ldns_rr_get_type(rr)) {
    case SV_RR_CNAME:
    case SV_RR_NS:
    case SV_RR_PTR:
    case SV_RR_SOA:
        return ldns_rr_rdf(rr, 0);
    case SV_RR_MX:
        return ldns_rr_rdf(rr, 1);
    default: /* types are numbers from outside */
        return NULL;
    }
}

static bool holds_text(const ldns_rr *rr)
{
    unsigned type = (unsigned)ldns_rr_get_type(rr);

    return type == SV_RR_TXT || type == SV_RR_SPF;
}

/* The types whose RDATA is handed on as octets. */
static bool holds_rdata(const ldns_rr *rr)
{
    switch ((unsigned)ldns_rr_get_type(rr)) {
    case SV_RR_DS:
    case SV_RR_RRSIG:
    case SV_RR_NSEC:
    case SV_RR_DNSKEY:
    case SV_RR_NSEC3:
        return true;
    default: /* types are numbers from outside */
        return false;
    }
}

static size_t rdata_bytes(const ldns_rr *rr)
{
    size_t bytes = 0;

    for (size_t i = 0; i < ldns_rr_rd_count(rr); i++)
        bytes += ldns_rdf_size(ldns_rr_rdf(rr, i));
    return bytes;
}

/* The octets of all strings of a TXT record together. */
static size_t text_bytes(const ldns_rr *rr)
{
    size_t bytes = 0;

    for (size_t i = 0; i < ldns_rr_rd_count(rr); i++)
        bytes += ldns_rdf_size(ldns_rr_rdf(rr, i)) - 1;
    return bytes;
}

static size_t bytes_wanted(const ldns_rr *rr)
{
    const ldns_rdf *target = target_of(rr);
    size_t bytes = sv_dns_wire_text_len(sv_dns_rdf_wire(ldns_rr_owner(rr))) + 1;

    if (target != NULL)
        bytes += sv_dns_wire_text_len(sv_dns_rdf_wire(target)) + 1;
    if (holds_text(rr))
        bytes += text_bytes(rr) + 1;
    if (holds_rdata(rr))
        bytes += rdata_bytes(rr) + 1;
    return bytes;
}

static char *put_text(char *to, const ldns_rr *rr, struct sv_rr *out)
{
    out->text = (const uint8_t *)to;
    for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
        const ldns_rdf *string = ldns_rr_rdf(rr, i);
        size_t len = ldns_rdf_size(string) - 1;
        memcpy(to, ldns_rdf_data(string) + 1, len);
        to += len;
    }
    out->text_bytes = (size_t)(to - (const char *)out->text);
    *to = 0;
    return to + 1;
}

static uint32_t serial_of(const ldns_rr *soa)
{
    return ldns_rdf2native_int32(ldns_rr_rdf(soa, 2));
}

static char *put_rdata(char *to, const ldns_rr *rr, struct sv_rr *out)
{
    out->rdata = (const uint8_t *)to;
    for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
        const ldns_rdf *field = ldns_rr_rdf(rr, i);
        memcpy(to, ldns_rdf_data(field), ldns_rdf_size(field));
        to += ldns_rdf_size(field);
    }
    out->rdata_bytes = (size_t)(to - (const char *)out->rdata);
    *to = 0;
    return to + 1;
}

/* Fills one record; its strings go to `to`. Returns where the next ones go. */
static char *put_record(char *to, const ldns_rr *rr, struct sv_rr *out)
{
    const ldns_rdf *target = target_of(rr);

    out->type = (enum sv_rr_type)ldns_rr_get_type(rr);
    out->ttl_s = sv_dns_sane_ttl(ldns_rr_ttl(rr));
    out->owner = to;
    to += sv_dns_wire_to_text(sv_dns_rdf_wire(ldns_rr_owner(rr)), to) + 1;
    if (target != NULL) {
        out->target = to;
        to += sv_dns_wire_to_text(sv_dns_rdf_wire(target), to) + 1;
    }
    if (holds_text(rr))
        to = put_text(to, rr, out);
    if (holds_rdata(rr))
        to = put_rdata(to, rr, out);
    if (out->type == SV_RR_SOA)
        out->serial = serial_of(rr);
    if (out->type == SV_RR_MX)
        out->preference = ldns_rdf2native_int16(ldns_rr_rdf(rr, 0));
    if (out->type == SV_RR_A)
        memcpy(out->address, ldns_rdf_data(ldns_rr_rdf(rr, 0)), 4);
    if (out->type == SV_RR_AAAA)
        memcpy(out->address, ldns_rdf_data(ldns_rr_rdf(rr, 0)), 16);
    return to;
}

/* Who spoke for the absence, or which zone the referral is for. */
static void put_zone(const struct sv_dns_reading *r, struct sv_dns_answer *answer)
{
    if (r->soa != NULL && r->outcome != SV_DNS_UNKNOWN) {
        sv_dns_wire_to_text(sv_dns_rdf_wire(ldns_rr_owner(r->soa)), answer->zone);
        answer->serial = serial_of(r->soa);
    }
    if (r->referral_count > 0)
        sv_dns_wire_to_text(sv_dns_rdf_wire(ldns_rr_owner(r->referral[0])), answer->zone);
}

static void put_header(const struct sv_dns_reading *r, struct sv_dns_answer *answer)
{
    answer->outcome = r->outcome;
    answer->trouble = r->trouble;
    answer->rcode = (uint8_t)(r->walk.rcode > UINT8_MAX ? UINT8_MAX : r->walk.rcode);
    answer->aa = r->walk.flags & SV_DNS_FLAG_AA;
    answer->ad = r->walk.flags & SV_DNS_FLAG_AD;
    answer->tc = r->walk.flags & SV_DNS_FLAG_TC;
    answer->ede = r->walk.ede;
    answer->ttl_s = r->ttl_s;
    answer->compact = r->compact;
    memcpy(answer->final_name, r->question->name, sizeof(answer->final_name));
    if (r->aliases > 0)
        sv_dns_wire_to_text(r->name, answer->final_name);
}

struct sv_dns_answer *sv_dns_answer_build(const struct sv_dns_reading *r)
{
    size_t count = r->used_count + r->referral_count;
    size_t head = sizeof(struct sv_dns_answer) + count * sizeof(struct sv_rr);
    size_t bytes = head;
    struct sv_dns_answer *answer;
    struct sv_rr *records;
    char *to;

    for (size_t i = 0; i < r->used_count; i++)
        bytes += bytes_wanted(r->used[i]);
    for (size_t i = 0; i < r->referral_count; i++)
        bytes += bytes_wanted(r->referral[i]);
    answer = sv_alloc(1, bytes);
    records = (struct sv_rr *)(answer + 1);
    to = (char *)answer + head;
    answer->records = r->used_count > 0 ? records : NULL;
    answer->records_count = r->used_count;
    for (size_t i = 0; i < r->used_count; i++)
        to = put_record(to, r->used[i], records++);
    answer->referral = r->referral_count > 0 ? records : NULL;
    answer->referral_count = r->referral_count;
    for (size_t i = 0; i < r->referral_count; i++)
        to = put_record(to, r->referral[i], records++);
    SV_REQUIRE(to == (char *)answer + bytes);
    put_header(r, answer);
    put_zone(r, answer);
    return answer;
}
