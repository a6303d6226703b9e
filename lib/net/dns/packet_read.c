/* A reply becomes an answer: our own walk refuses what is unsound, ldns decodes the records, then
 * only those are used that the question leads to, through at most SV_DNS_ALIASES_MAX aliases (D6).
 *
 * What the records mean is RFC 2308 section 2 and RFC 6604: data at the end of the alias chain,
 * otherwise NXDOMAIN or NODATA for the last name of the chain. A chain that ends outside what the
 * server knows is neither: absent and not told are different things. */
#include "packet_reading.h"

#include "sv/alloc.h"
#include "wire_name.h"

static void use(struct sv_dns_reading *r, const ldns_rr *rr)
{
    uint32_t ttl_s = sv_dns_sane_ttl(ldns_rr_ttl(rr));

    if (r->used_count == 0 || ttl_s < r->ttl_s)
        r->ttl_s = ttl_s;
    r->used[r->used_count++] = rr;
}

/* Uses the records of the asked type at the end of the chain, the first ones of too many. */
static bool use_data(struct sv_dns_reading *r)
{
    bool found = false;

    for (size_t i = 0; i < ldns_rr_list_rr_count(r->answers); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(r->answers, i);
        if (r->used_count == SV_DNS_RECORDS_MAX)
            break;
        if (!sv_dns_is_record_of(rr, r->name, r->question->type))
            continue;
        use(r, rr);
        found = true;
    }
    return found;
}

/* The alias at the end of the chain, or NULL. Two different ones at a name lead nowhere that can be
 * told (RFC 2181 section 10.1). */
static enum sv_err find_alias(const struct sv_dns_reading *r, const ldns_rr **out,
                              struct sv_errinfo *info)
{
    *out = NULL;
    for (size_t i = 0; i < ldns_rr_list_rr_count(r->answers); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(r->answers, i);
        if (!sv_dns_is_record_of(rr, r->name, SV_RR_CNAME))
            continue;
        if (*out == NULL)
            *out = rr;
        else if (!sv_dns_wire_equal(sv_dns_rdf_wire(ldns_rr_rdf(*out, 0)),
                                    sv_dns_rdf_wire(ldns_rr_rdf(rr, 0))))
            return sv_err_set(info, SV_EMALFORMED, "dns", 0, "two different aliases at one name");
    }
    return SV_OK;
}

static bool was_visited(const struct sv_dns_reading *r, const uint8_t *name)
{
    for (size_t i = 0; i < r->aliases; i++)
        if (sv_dns_wire_equal(sv_dns_rdf_wire(ldns_rr_owner(r->used[i])), name))
            return true;
    return false;
}

/* Data and NXDOMAIN contradict each other, except that some servers look behind an alias that was
 * itself asked for (RFC 6604 section 3 speaks of the last name). */
static enum sv_err check_data_rcode(const struct sv_dns_reading *r, struct sv_errinfo *info)
{
    if (r->walk.rcode == LDNS_RCODE_NXDOMAIN && r->question->type != SV_RR_CNAME)
        return sv_err_set(info, SV_EMALFORMED, "dns", LDNS_RCODE_NXDOMAIN,
                          "NXDOMAIN together with data");
    return SV_OK;
}

/* Goes along the aliases until there is data, no further alias, or something wrong with them. */
static enum sv_err follow(struct sv_dns_reading *r, struct sv_errinfo *info)
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
        r->name = sv_dns_rdf_wire(ldns_rr_rdf(alias, 0));
        if (was_visited(r, r->name)) {
            r->trouble = SV_DNS_ALIAS_LOOP;
            return SV_OK;
        }
    }
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

/* The walk has seen every record; ldns must have kept them all. */
static bool is_whole(const struct sv_dns_reading *r)
{
    return ldns_rr_list_rr_count(r->answers) == r->walk.counts[1] &&
           ldns_rr_list_rr_count(r->authority) == r->walk.counts[2];
}

/* Follows the chain through the decoded packet. */
static enum sv_err read_records(struct sv_dns_reading *r, struct sv_dns_answer **out,
                                struct sv_errinfo *info)
{
    enum sv_err err;

    if (!is_whole(r))
        return sv_err_set(info, SV_EMALFORMED, "dns", 0, "records were lost in decoding");
    err = follow(r, info);
    if (err != SV_OK)
        return err;
    if (r->outcome == SV_DNS_UNKNOWN && r->trouble == SV_DNS_NO_TROUBLE)
        sv_dns_classify_absence(r);
    else if (r->outcome == SV_DNS_DATA)
        sv_dns_classify_delegation(r);
    if (r->aliases > 0 && sv_dns_wire_text_len(r->name) > SV_NAME_MAX)
        return sv_err_set(info, SV_EMALFORMED, "dns", 0, "an alias to a name too long to write");
    if (r->question->how & SV_ASK_DNSSEC && r->outcome != SV_DNS_UNKNOWN)
        sv_dns_use_signatures(r);
    *out = sv_dns_answer_build(r);
    return SV_OK;
}

/* Where memory ended while a record was read ldns leaves parts of it out, and says nothing. */
static bool is_without_holes(const ldns_rr_list *records)
{
    for (size_t i = 0; i < ldns_rr_list_rr_count(records); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(records, i);

        if (rr == NULL || ldns_rr_owner(rr) == NULL ||
            ldns_rr_rd_count(rr) <
                ldns_rr_descriptor_minimum(ldns_rr_descript((uint16_t)ldns_rr_get_type(rr))))
            return false;
        for (size_t j = 0; j < ldns_rr_rd_count(rr); j++) {
            if (ldns_rr_rdf(rr, j) == NULL)
                return false;
        }
    }
    return true;
}

/* A record has its structure, its owner, and fields of their own for up to two names and seven
 * numbers. Of a host's identity (HIP) two octets may be a name; each string of a TXT record gets as
 * much as all behind it. */
size_t sv_dns_decoded_bytes_max(const struct sv_dns_walk *walk, size_t bytes)
{
    enum { PACKET_BYTES = 2048, RECORD_BYTES = 2048, OCTET_BYTES = 160 };
    size_t records = 0;

    for (size_t i = 0; i < sizeof(walk->counts) / sizeof(walk->counts[0]); i++)
        records += walk->counts[i];
    return PACKET_BYTES + records * RECORD_BYTES +
           bytes * ((size_t)OCTET_BYTES + walk->strings_max);
}

static enum sv_err decode(struct sv_dns_reading *r, const uint8_t *packet, size_t bytes,
                          struct sv_dns_answer **out, struct sv_errinfo *info)
{
    ldns_pkt *decoded = NULL;
    ldns_status status;
    enum sv_err err;

    sv_alloc_reserve(sv_dns_decoded_bytes_max(&r->walk, bytes));
    status = ldns_wire2pkt(&decoded, packet, bytes);
    if (status == LDNS_STATUS_MEM_ERR)
        sv_out_of_memory("ldns");
    if (status != LDNS_STATUS_OK)
        return sv_err_set(info, SV_EMALFORMED, "dns", (long)status, "ldns: %s",
                          ldns_get_errorstr_by_id(status));
    r->answers = ldns_pkt_answer(decoded);
    r->authority = ldns_pkt_authority(decoded);
    r->additional = ldns_pkt_additional(decoded);
    if (is_without_holes(r->answers) && is_without_holes(r->authority) &&
        is_without_holes(r->additional))
        err = read_records(r, out, info);
    else
        err = sv_err_set(info, SV_EMALFORMED, "dns", 0, "ldns: a record with holes");
    ldns_pkt_free(decoded);
    return err;
}

enum sv_err sv_dns_packet_read_walked(const uint8_t *packet, size_t bytes,
                                      const struct sv_dns_walk *walk,
                                      const struct sv_dns_question *question,
                                      struct sv_dns_answer **out, struct sv_errinfo *info)
{
    struct sv_dns_reading r = {.question = question, .walk = *walk};
    uint8_t name[SV_DNS_WIRE_MAX];

    *out = NULL;
    if (sv_dns_wire_from_text(question->name, name) == 0)
        return sv_err_set(info, SV_EINVALID, "dns", 0, "not a name that can be asked");
    if (!(walk->flags & SV_DNS_FLAG_QR))
        return sv_err_set(info, SV_EMALFORMED, "dns", 0, "a query, not a reply");
    r.name = name;
    if (walk->flags & SV_DNS_FLAG_TC) /* what came with it may be a part of the truth only */
        r.trouble = SV_DNS_TCP_FAILED;
    else if (walk->rcode != LDNS_RCODE_NOERROR && walk->rcode != LDNS_RCODE_NXDOMAIN)
        r.trouble = trouble_of_rcode(walk->rcode);
    else
        return decode(&r, packet, bytes, out, info);
    *out = sv_dns_answer_build(&r);
    return SV_OK;
}

enum sv_err sv_dns_packet_read(const uint8_t *packet, size_t bytes,
                               const struct sv_dns_question *question, struct sv_dns_answer **out,
                               struct sv_errinfo *info)
{
    struct sv_dns_walk walk;
    enum sv_err err;

    *out = NULL;
    err = sv_dns_packet_walk(packet, bytes, &walk, info);
    if (err != SV_OK)
        return err;
    return sv_dns_packet_read_walked(packet, bytes, &walk, question, out, info);
}
