/* A reply becomes an answer: our own walk refuses what is unsound, ldns decodes the records, then
 * only those are used that the question leads to, through at most SV_DNS_ALIASES_MAX aliases (D6).
 *
 * What the records mean is RFC 2308 section 2 and RFC 6604: data at the end of the alias chain,
 * otherwise NXDOMAIN or NODATA for the last name of the chain. A chain that ends outside what the
 * server knows is neither: absent and not told are different things. */
/* First, because without <stdbool.h> before it ldns makes bool a signed char. */
#include "sv/dns.h"

#include <ldns/ldns.h>
#include <string.h>

#include "packet_walk.h"
#include "sv/alloc.h"
#include "sv/require.h"
#include "wire_name.h"

struct reading {
    const struct sv_dns_question *question;
    struct sv_dns_walk walk;
    const ldns_rr_list *answers, *authority;
    const uint8_t *name; /* the end of the alias chain so far */
    const ldns_rr *used[SV_DNS_RECORDS_MAX];
    size_t used_count, aliases;
    uint32_t ttl_s;
    enum sv_dns_outcome outcome;
    enum sv_dns_trouble trouble;
};

static const uint8_t *wire_of(const ldns_rdf *name)
{
    return ldns_rdf_data(name);
}

/* A TTL with its top bit set counts as 0 (RFC 2181 section 8). */
static uint32_t sane_ttl(uint32_t ttl_s)
{
    return ttl_s > INT32_MAX ? 0 : ttl_s;
}

static bool is_record_of(const ldns_rr *rr, const uint8_t *owner, unsigned type)
{
    return (unsigned)ldns_rr_get_type(rr) == type && ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN &&
           sv_dns_wire_equal(wire_of(ldns_rr_owner(rr)), owner);
}

static void use(struct reading *r, const ldns_rr *rr)
{
    uint32_t ttl_s = sane_ttl(ldns_rr_ttl(rr));

    if (r->used_count == 0 || ttl_s < r->ttl_s)
        r->ttl_s = ttl_s;
    r->used[r->used_count++] = rr;
}

/* Uses the records of the asked type at the end of the chain, the first ones of too many. */
static bool use_data(struct reading *r)
{
    bool found = false;

    for (size_t i = 0; i < ldns_rr_list_rr_count(r->answers); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(r->answers, i);
        if (r->used_count == SV_DNS_RECORDS_MAX)
            break;
        if (!is_record_of(rr, r->name, r->question->type))
            continue;
        use(r, rr);
        found = true;
    }
    return found;
}

/* The alias at the end of the chain, or NULL. Two different ones at a name lead nowhere that can be
 * told (RFC 2181 section 10.1). */
static enum sv_err find_alias(const struct reading *r, const ldns_rr **out, struct sv_errinfo *info)
{
    *out = NULL;
    for (size_t i = 0; i < ldns_rr_list_rr_count(r->answers); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(r->answers, i);
        if (!is_record_of(rr, r->name, SV_RR_CNAME))
            continue;
        if (*out == NULL)
            *out = rr;
        else if (!sv_dns_wire_equal(wire_of(ldns_rr_rdf(*out, 0)), wire_of(ldns_rr_rdf(rr, 0))))
            return sv_err_set(info, SV_EMALFORMED, "dns", 0, "two different aliases at one name");
    }
    return SV_OK;
}

static bool was_visited(const struct reading *r, const uint8_t *name)
{
    for (size_t i = 0; i < r->aliases; i++)
        if (sv_dns_wire_equal(wire_of(ldns_rr_owner(r->used[i])), name))
            return true;
    return false;
}

/* Data and NXDOMAIN contradict each other, except that some servers look behind an alias that was
 * itself asked for (RFC 6604 section 3 speaks of the last name). */
static enum sv_err check_data_rcode(const struct reading *r, struct sv_errinfo *info)
{
    if (r->walk.rcode == LDNS_RCODE_NXDOMAIN && r->question->type != SV_RR_CNAME)
        return sv_err_set(info, SV_EMALFORMED, "dns", LDNS_RCODE_NXDOMAIN,
                          "NXDOMAIN together with data");
    return SV_OK;
}

/* Goes along the aliases until there is data, no further alias, or something wrong with them. */
static enum sv_err follow(struct reading *r, struct sv_errinfo *info)
{
    for (;;) {
        const ldns_rr *alias;
        if (use_data(r)) {
            r->outcome = SV_DNS_DATA;
            return check_data_rcode(r, info);
        }
        enum sv_err err = find_alias(r, &alias, info);
        if (err != SV_OK || alias == NULL)
            return err;
        if (r->aliases == SV_DNS_ALIASES_MAX) {
            r->trouble = SV_DNS_ALIAS_TOO_LONG;
            return SV_OK;
        }
        use(r, alias);
        r->aliases++;
        r->name = wire_of(ldns_rr_rdf(alias, 0));
        if (was_visited(r, r->name)) {
            r->trouble = SV_DNS_ALIAS_LOOP;
            return SV_OK;
        }
    }
}

/* The SOA record that speaks for the end of the chain, or NULL. */
static const ldns_rr *find_soa(const struct reading *r)
{
    for (size_t i = 0; i < ldns_rr_list_rr_count(r->authority); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(r->authority, i);
        if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_SOA && ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN &&
            sv_dns_wire_is_within(r->name, wire_of(ldns_rr_owner(rr))))
            return rr;
    }
    return NULL;
}

static bool has_delegation(const struct reading *r)
{
    for (size_t i = 0; i < ldns_rr_list_rr_count(r->authority); i++)
        if (ldns_rr_get_type(ldns_rr_list_rr(r->authority, i)) == LDNS_RR_TYPE_NS)
            return true;
    return false;
}

/* min(TTL of the SOA, its MINIMUM) (RFC 2308 section 5), and no longer than the aliases hold. */
static uint32_t negative_ttl(const struct reading *r, const ldns_rr *soa)
{
    uint32_t ttl_s = 0;

    if (soa != NULL) {
        uint32_t minimum_s = sane_ttl(ldns_rdf2native_int32(ldns_rr_rdf(soa, 6)));
        ttl_s = sane_ttl(ldns_rr_ttl(soa));
        if (minimum_s < ttl_s)
            ttl_s = minimum_s;
    }
    return r->used_count > 0 && r->ttl_s < ttl_s ? r->ttl_s : ttl_s;
}

/* Without an SOA record it is NODATA for the very name that was asked (RFC 2308 section 2.2 type
 * 3), unless the server points at others; and for the end of an alias chain only from somebody who
 * was asked to look everywhere. */
static enum sv_dns_trouble trouble_without_soa(const struct reading *r)
{
    const unsigned recursive = SV_DNS_FLAG_RD | SV_DNS_FLAG_RA;

    if (r->aliases > 0)
        return (r->walk.flags & recursive) == recursive ? SV_DNS_NO_TROUBLE
                                                        : SV_DNS_ALIAS_ELSEWHERE;
    return has_delegation(r) && !(r->walk.flags & SV_DNS_FLAG_AA) ? SV_DNS_LAME : SV_DNS_NO_TROUBLE;
}

/* No data: says what that means. */
static void classify_absence(struct reading *r)
{
    const ldns_rr *soa = find_soa(r);

    if (r->walk.rcode == LDNS_RCODE_NXDOMAIN)
        r->outcome = SV_DNS_NXDOMAIN;
    else if (soa == NULL)
        r->trouble = trouble_without_soa(r);
    if (r->outcome == SV_DNS_UNKNOWN && r->trouble == SV_DNS_NO_TROUBLE)
        r->outcome = SV_DNS_NODATA;
    if (r->trouble != SV_DNS_ALIAS_ELSEWHERE) /* the aliases themselves are positive data */
        r->ttl_s = negative_ttl(r, soa);
}

static enum sv_dns_trouble trouble_of_rcode(unsigned rcode)
{
    switch (rcode) {
    case LDNS_RCODE_SERVFAIL:
        return SV_DNS_SERVFAIL;
    case LDNS_RCODE_REFUSED:
        return SV_DNS_REFUSED;
    case LDNS_RCODE_NOTAUTH:
        return SV_DNS_LAME;
    default: /* rcodes are numbers from outside */
        return SV_DNS_OTHER_RCODE;
    }
}

/* The host or name that a record leads to, or NULL. */
static const ldns_rdf *target_of(const ldns_rr *rr)
{
    switch ((unsigned)ldns_rr_get_type(rr)) {
    case SV_RR_CNAME:
    case SV_RR_NS:
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
    size_t bytes = sv_dns_wire_text_len(wire_of(ldns_rr_owner(rr))) + 1;

    if (target != NULL)
        bytes += sv_dns_wire_text_len(wire_of(target)) + 1;
    if (holds_text(rr))
        bytes += text_bytes(rr) + 1;
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

/* Fills one record; its strings go to `to`. Returns where the next ones go. */
static char *put_record(char *to, const ldns_rr *rr, struct sv_rr *out)
{
    const ldns_rdf *target = target_of(rr);

    out->type = (enum sv_rr_type)ldns_rr_get_type(rr);
    out->ttl_s = sane_ttl(ldns_rr_ttl(rr));
    out->owner = to;
    to += sv_dns_wire_to_text(wire_of(ldns_rr_owner(rr)), to) + 1;
    if (target != NULL) {
        out->target = to;
        to += sv_dns_wire_to_text(wire_of(target), to) + 1;
    }
    if (holds_text(rr))
        to = put_text(to, rr, out);
    if (out->type == SV_RR_MX)
        out->preference = ldns_rdf2native_int16(ldns_rr_rdf(rr, 0));
    if (out->type == SV_RR_A)
        memcpy(out->address, ldns_rdf_data(ldns_rr_rdf(rr, 0)), 4);
    if (out->type == SV_RR_AAAA)
        memcpy(out->address, ldns_rdf_data(ldns_rr_rdf(rr, 0)), 16);
    return to;
}

/* The answer in one block: the struct, its records, their strings. */
static struct sv_dns_answer *build(const struct reading *r)
{
    size_t head = sizeof(struct sv_dns_answer) + r->used_count * sizeof(struct sv_rr);
    size_t bytes = head;
    struct sv_dns_answer *answer;
    struct sv_rr *records;
    char *to;

    for (size_t i = 0; i < r->used_count; i++)
        bytes += bytes_wanted(r->used[i]);
    answer = sv_alloc(1, bytes);
    records = (struct sv_rr *)(answer + 1);
    to = (char *)answer + head;
    for (size_t i = 0; i < r->used_count; i++)
        to = put_record(to, r->used[i], &records[i]);
    SV_REQUIRE(to == (char *)answer + bytes);
    answer->records = r->used_count > 0 ? records : NULL;
    answer->records_count = r->used_count;
    answer->outcome = r->outcome;
    answer->trouble = r->trouble;
    answer->rcode = (uint8_t)(r->walk.rcode > UINT8_MAX ? UINT8_MAX : r->walk.rcode);
    answer->aa = r->walk.flags & SV_DNS_FLAG_AA;
    answer->ad = r->walk.flags & SV_DNS_FLAG_AD;
    answer->tc = r->walk.flags & SV_DNS_FLAG_TC;
    answer->ede = r->walk.ede;
    answer->ttl_s = r->ttl_s;
    memcpy(answer->final_name, r->question->name, sizeof(answer->final_name));
    if (r->aliases > 0)
        sv_dns_wire_to_text(r->name, answer->final_name);
    return answer;
}

/* The walk has seen every record; ldns must have kept them all. */
static bool is_whole(const struct reading *r)
{
    return ldns_rr_list_rr_count(r->answers) == r->walk.counts[1] &&
           ldns_rr_list_rr_count(r->authority) == r->walk.counts[2];
}

/* Follows the chain through the decoded packet. The records stay ldns's until the answer is
 * built. */
static enum sv_err read_records(struct reading *r, struct sv_dns_answer **out,
                                struct sv_errinfo *info)
{
    enum sv_err err;

    if (!is_whole(r))
        return sv_err_set(info, SV_EMALFORMED, "dns", 0, "records were lost in decoding");
    err = follow(r, info);
    if (err != SV_OK)
        return err;
    if (r->outcome == SV_DNS_UNKNOWN && r->trouble == SV_DNS_NO_TROUBLE)
        classify_absence(r);
    if (r->aliases > 0 && sv_dns_wire_text_len(r->name) > SV_NAME_MAX)
        return sv_err_set(info, SV_EMALFORMED, "dns", 0, "an alias to a name too long to write");
    *out = build(r);
    return SV_OK;
}

static enum sv_err decode(struct reading *r, const uint8_t *packet, size_t bytes,
                          struct sv_dns_answer **out, struct sv_errinfo *info)
{
    ldns_pkt *decoded = NULL;
    ldns_status status = ldns_wire2pkt(&decoded, packet, bytes);
    enum sv_err err;

    if (status == LDNS_STATUS_MEM_ERR)
        sv_out_of_memory("ldns");
    if (status != LDNS_STATUS_OK)
        return sv_err_set(info, SV_EMALFORMED, "dns", (long)status, "ldns: %s",
                          ldns_get_errorstr_by_id(status));
    r->answers = ldns_pkt_answer(decoded);
    r->authority = ldns_pkt_authority(decoded);
    err = read_records(r, out, info);
    ldns_pkt_free(decoded);
    return err;
}

enum sv_err sv_dns_packet_read(const uint8_t *packet, size_t bytes,
                               const struct sv_dns_question *question, struct sv_dns_answer **out,
                               struct sv_errinfo *info)
{
    struct reading r = {.question = question};
    uint8_t name[SV_DNS_WIRE_MAX];
    enum sv_err err;

    *out = NULL;
    if (sv_dns_wire_from_text(question->name, name) == 0)
        return sv_err_set(info, SV_EINVALID, "dns", 0, "not a name that can be asked");
    err = sv_dns_packet_walk(packet, bytes, &r.walk, info);
    if (err != SV_OK)
        return err;
    if (!(r.walk.flags & SV_DNS_FLAG_QR))
        return sv_err_set(info, SV_EMALFORMED, "dns", 0, "a query, not a reply");
    r.name = name;
    if (r.walk.flags & SV_DNS_FLAG_TC) /* what came with it may be a part of the truth only */
        r.trouble = SV_DNS_TCP_FAILED;
    else if (r.walk.rcode != LDNS_RCODE_NOERROR && r.walk.rcode != LDNS_RCODE_NXDOMAIN)
        r.trouble = trouble_of_rcode(r.walk.rcode);
    else
        return decode(&r, packet, bytes, out, info);
    *out = build(&r);
    return SV_OK;
}
