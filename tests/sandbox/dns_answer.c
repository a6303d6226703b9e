#include "dns_answer.h"

#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/require.h"

static void push(ldns_pkt *reply, ldns_pkt_section section, const ldns_rr *record)
{
    bool pushed = ldns_pkt_push_rr(reply, section, ldns_rr_clone(record));

    SV_REQUIRE(pushed);
}

/* The SOA of a negative answer carries the time the answer may be kept (RFC 2308 sections 3 and 5).
 */
static void push_negative_soa(ldns_pkt *reply, const ldns_rr *soa)
{
    ldns_rr *copy = ldns_rr_clone(soa);
    uint32_t minimum = ldns_rdf2native_int32(ldns_rr_rdf(copy, 6));

    if (minimum < ldns_rr_ttl(copy))
        ldns_rr_set_ttl(copy, minimum);
    SV_REQUIRE(ldns_pkt_push_rr(reply, LDNS_SECTION_AUTHORITY, copy));
}

static void push_glue(ldns_pkt *reply, const struct sb_zone *zone, const ldns_rr *server)
{
    char key[SB_ZONE_KEY_BYTES];
    const struct sb_zone_node *node;

    sb_zone_key(ldns_rr_rdf(server, 0), key);
    node = sb_zone_at(zone, key);
    for (size_t i = 0; node != NULL && i < node->count; i++) {
        ldns_rr_type type = ldns_rr_get_type(node->records[i]);

        if (type == LDNS_RR_TYPE_A || type == LDNS_RR_TYPE_AAAA)
            push(reply, LDNS_SECTION_ADDITIONAL, node->records[i]);
    }
}

/* The highest name between the apex and `key` that is delegated away: NS without a SOA of ours. */
static const struct sb_zone_node *find_cut(const struct sb_zone *zone, const char *key,
                                           size_t apex_len)
{
    char at[SB_ZONE_KEY_BYTES];

    for (size_t len = apex_len; key[len] != 0;) {
        const struct sb_zone_node *node;

        len += strcspn(key + len, "\x01") + 1;
        memcpy(at, key, len);
        at[len] = 0;
        node = sb_zone_at(zone, at);
        if (sb_zone_first(node, LDNS_RR_TYPE_NS) != NULL)
            return node;
    }
    return NULL;
}

static void refer(ldns_pkt *reply, const struct sb_zone *zone, const struct sb_zone_node *cut)
{
    for (size_t i = 0; i < cut->count; i++) {
        if (ldns_rr_get_type(cut->records[i]) == LDNS_RR_TYPE_NS) {
            push(reply, LDNS_SECTION_AUTHORITY, cut->records[i]);
            push_glue(reply, zone, cut->records[i]);
        }
    }
}

static bool push_all(ldns_pkt *reply, const struct sb_zone_node *node, ldns_rr_type type)
{
    bool any = false;

    for (size_t i = 0; node != NULL && i < node->count; i++) {
        if (ldns_rr_get_type(node->records[i]) == type) {
            push(reply, LDNS_SECTION_ANSWER, node->records[i]);
            any = true;
        }
    }
    return any;
}

/* The key SES publishes at that name, when it does so now. */
static bool answer_dkim_key(ldns_pkt *reply, const struct sb_others *others, const ldns_rdf *name,
                            ldns_rr_type type)
{
    ldns_rr *record = sb_others_dkim_key(others, name);

    if (record == NULL)
        return false;
    ldns_pkt_set_aa(reply, true);
    if (type == LDNS_RR_TYPE_TXT)
        push(reply, LDNS_SECTION_ANSWER, record);
    ldns_rr_free(record);
    return true;
}

/* One name of the alias chain. The name to go on with, or NULL when the answer is complete. */
static const ldns_rdf *answer_name(ldns_pkt *reply, const struct sb_dns_data *data,
                                   const ldns_rdf *name, ldns_rr_type type, bool first)
{
    char key[SB_ZONE_KEY_BYTES];
    const struct sb_zone *zone = data->zone;
    const struct sb_zone_node *node, *cut;
    const ldns_rr *soa, *alias;
    size_t apex_len;

    sb_zone_key(name, key);
    soa = sb_zone_apex(zone, key, &apex_len);
    if (soa == NULL && sb_zone_at(zone, key) == NULL) {
        zone = &data->others->zone;
        soa = sb_zone_apex(zone, key, &apex_len);
        if (answer_dkim_key(reply, data->others, name, type)) {
            if (type != LDNS_RR_TYPE_TXT && soa != NULL)
                push_negative_soa(reply, soa);
            return NULL;
        }
    }
    if (soa == NULL) {
        if (first)
            ldns_pkt_set_rcode(reply, LDNS_RCODE_REFUSED);
        return NULL; /* the chain leaves our data */
    }
    cut = find_cut(zone, key, apex_len);
    ldns_pkt_set_aa(reply, !first || cut == NULL);
    if (cut != NULL) {
        refer(reply, zone, cut);
        return NULL;
    }
    node = sb_zone_at(zone, key);
    alias = sb_zone_first(node, LDNS_RR_TYPE_CNAME);
    if (alias != NULL && type != LDNS_RR_TYPE_CNAME) {
        push(reply, LDNS_SECTION_ANSWER, alias);
        return ldns_rr_rdf(alias, 0);
    }
    if (push_all(reply, node, type))
        return NULL;
    if (node == NULL && !sb_zone_has_below(zone, key))
        ldns_pkt_set_rcode(reply, LDNS_RCODE_NXDOMAIN);
    push_negative_soa(reply, soa);
    return NULL;
}

static void answer_question(ldns_pkt *reply, const struct sb_dns_data *data,
                            const ldns_rr *question)
{
    const ldns_rdf *name = ldns_rr_owner(question);
    ldns_rr_type type = ldns_rr_get_type(question);

    if (ldns_rr_get_class(question) != LDNS_RR_CLASS_IN || type == LDNS_RR_TYPE_ANY ||
        type == LDNS_RR_TYPE_AXFR || type == LDNS_RR_TYPE_IXFR) {
        ldns_pkt_set_rcode(reply, LDNS_RCODE_REFUSED);
        return;
    }
    for (unsigned links = 0; name != NULL && links <= SB_DNS_ALIASES_MAX; links++)
        name = answer_name(reply, data, name, type, links == 0);
}

ldns_pkt *sb_dns_answer(const struct sb_dns_data *data, const ldns_pkt *query)
{
    ldns_pkt *reply = ldns_pkt_new();
    const ldns_rr_list *questions = ldns_pkt_question(query);

    if (reply == NULL)
        sv_out_of_memory("ldns");
    ldns_pkt_set_id(reply, ldns_pkt_id(query));
    ldns_pkt_set_qr(reply, true);
    ldns_pkt_set_rd(reply, ldns_pkt_rd(query));
    ldns_pkt_set_cd(reply, ldns_pkt_cd(query));
    ldns_pkt_set_ra(reply, true);
    ldns_pkt_set_opcode(reply, ldns_pkt_get_opcode(query));
    for (size_t i = 0; i < ldns_rr_list_rr_count(questions); i++)
        push(reply, LDNS_SECTION_QUESTION, ldns_rr_list_rr(questions, i));
    if (ldns_pkt_edns(query))
        ldns_pkt_set_edns_udp_size(reply, SB_DNS_UDP_BYTES);
    if (ldns_pkt_get_opcode(query) != LDNS_PACKET_QUERY)
        ldns_pkt_set_rcode(reply, LDNS_RCODE_NOTIMPL);
    else if (ldns_pkt_edns_version(query) != 0)
        ldns_pkt_set_edns_extended_rcode(reply, 1); /* BADVERS is 16: 1 in the extended part */
    else if (ldns_rr_list_rr_count(questions) != 1)
        ldns_pkt_set_rcode(reply, LDNS_RCODE_FORMERR);
    else
        answer_question(reply, data, ldns_rr_list_rr(questions, 0));
    return reply;
}

static void empty_section(ldns_rr_list *list)
{
    ldns_rr *record;

    while ((record = ldns_rr_list_pop_rr(list)) != NULL)
        ldns_rr_free(record);
}

void sb_dns_answer_strip(ldns_pkt *reply, ldns_pkt_rcode rcode)
{
    empty_section(ldns_pkt_answer(reply));
    empty_section(ldns_pkt_authority(reply));
    empty_section(ldns_pkt_additional(reply));
    ldns_pkt_set_ancount(reply, 0);
    ldns_pkt_set_nscount(reply, 0);
    ldns_pkt_set_arcount(reply, 0);
    ldns_pkt_set_rcode(reply, (uint8_t)rcode);
}

static size_t udp_limit(const ldns_pkt *query)
{
    size_t limit = ldns_pkt_edns(query) ? ldns_pkt_edns_udp_size(query) : 512;

    if (limit < 512)
        return 512;
    return limit > SB_DNS_UDP_BYTES ? SB_DNS_UDP_BYTES : limit;
}

uint8_t *sb_dns_answer_encode(ldns_pkt *reply, const ldns_pkt *query, bool udp, size_t *bytes)
{
    uint8_t *wire = NULL;

    if (ldns_pkt2wire(&wire, reply, bytes) != LDNS_STATUS_OK)
        return NULL;
    if (!udp || *bytes <= udp_limit(query))
        return wire;
    free(wire);
    wire = NULL;
    sb_dns_answer_strip(reply, ldns_pkt_get_rcode(reply));
    ldns_pkt_set_tc(reply, true);
    if (ldns_pkt2wire(&wire, reply, bytes) != LDNS_STATUS_OK)
        return NULL;
    return wire;
}
