#include "look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/buf.h"
#include "sv/name.h"

ldns_rr_type sb_look_question(const struct sb_identity *identity, enum sb_look_kind kind,
                              char name[SV_NAME_BYTES + 80])
{
    char token[SB_TOKEN_BYTES];
    size_t bytes = SV_NAME_BYTES + 80;

    switch (kind) {
    case SB_LOOK_DKIM_1:
    case SB_LOOK_DKIM_2:
    case SB_LOOK_DKIM_3:
        if (identity->origin == SB_ORIGIN_EXTERNAL) {
            (void)snprintf(name, bytes, "%s._domainkey.%.253s.", identity->selector,
                           identity->name);
            return LDNS_RR_TYPE_TXT;
        }
        sb_identity_token(identity, (unsigned)(kind - SB_LOOK_DKIM_1), token);
        (void)snprintf(name, bytes, "%s._domainkey.%.253s.", token, identity->name);
        return LDNS_RR_TYPE_CNAME;
    case SB_LOOK_OWNERSHIP:
        (void)snprintf(name, bytes, "_amazonses.%.253s.", identity->name);
        return LDNS_RR_TYPE_TXT;
    case SB_LOOK_MX:
        (void)snprintf(name, bytes, "%s.", identity->mail_from_domain);
        return LDNS_RR_TYPE_MX;
    case SB_LOOK_SOA:
    case SB_LOOK_KINDS:
        break;
    }
    (void)snprintf(name, bytes, "%.253s.", identity->name);
    return LDNS_RR_TYPE_SOA;
}

static bool name_is(const ldns_rdf *name, const char *expected)
{
    char *text = ldns_rdf2str(name);
    bool same = text != NULL && sv_name_equal(text, expected);

    free(text);
    return same;
}

static bool alias_is_right(const struct sb_identity *identity, unsigned which,
                           const ldns_rr *record)
{
    char token[SB_TOKEN_BYTES], zone[SV_NAME_BYTES], target[SV_NAME_BYTES + SB_TOKEN_BYTES];

    sb_identity_token(identity, which, token);
    sb_identity_zone(identity, zone);
    (void)snprintf(target, sizeof target, "%s.%s", token, zone);
    return name_is(ldns_rr_rdf(record, 0), target);
}

/* All strings of a TXT record joined. */
static void join_text(const ldns_rr *record, struct sv_buf *out)
{
    sv_buf_init(out, 65536);
    for (size_t i = 0; i < ldns_rr_rd_count(record); i++) {
        const ldns_rdf *part = ldns_rr_rdf(record, i);
        const uint8_t *data = ldns_rdf_data(part);

        if (ldns_rdf_size(part) > 1)
            (void)!sv_buf_add(out, data + 1, ldns_rdf_size(part) - 1);
    }
}

static bool text_is_right(const struct sb_identity *identity, enum sb_look_kind kind,
                          const ldns_rr *record)
{
    char token[SB_OWNERSHIP_BYTES];
    struct sv_buf text;
    bool right;

    join_text(record, &text);
    if (kind == SB_LOOK_OWNERSHIP) {
        sb_ownership_token(identity->store->account, identity->store->region, identity->name,
                           token);
        right = text.len == strlen(token) && memcmp(text.data, token, text.len) == 0;
    } else {
        right = identity->public_key != NULL && text.len > 0 &&
                sb_dkim_key_matches(text.data, text.len, identity->public_key);
    }
    sv_buf_fini(&text);
    return right;
}

static bool mx_is_right(const struct sb_identity *identity, const ldns_rr *record)
{
    char host[SV_NAME_BYTES];

    (void)snprintf(host, sizeof host, "feedback-smtp.%s.amazonses.com", identity->store->region);
    return ldns_rdf2native_int16(ldns_rr_rdf(record, 0)) == 10 &&
           name_is(ldns_rr_rdf(record, 1), host);
}

static bool is_right(const struct sb_identity *identity, enum sb_look_kind kind,
                     const ldns_rr *record)
{
    ldns_rr_type type = ldns_rr_get_type(record);

    if (type == LDNS_RR_TYPE_CNAME)
        return alias_is_right(identity, (unsigned)(kind - SB_LOOK_DKIM_1), record);
    return type == LDNS_RR_TYPE_MX ? mx_is_right(identity, record)
                                   : text_is_right(identity, kind, record);
}

struct sb_verdict sb_look_judge(const struct sb_identity *identity, enum sb_look_kind kind,
                                const ldns_pkt *reply)
{
    char name[SV_NAME_BYTES + 80];
    ldns_rr_type type = sb_look_question(identity, kind, name);
    const ldns_rr_list *answer;
    unsigned found = 0, right = 0;

    if (reply == NULL)
        return (struct sb_verdict){SB_SEEN_UNKNOWN, "DNS_SERVER_ERROR"};
    if (ldns_pkt_get_rcode(reply) == LDNS_RCODE_NXDOMAIN)
        return (struct sb_verdict){SB_SEEN_ABSENT, "HOST_NOT_FOUND"};
    if (ldns_pkt_get_rcode(reply) != LDNS_RCODE_NOERROR)
        return (struct sb_verdict){SB_SEEN_UNKNOWN, "DNS_SERVER_ERROR"};
    answer = ldns_pkt_answer(reply);
    for (size_t i = 0; i < ldns_rr_list_rr_count(answer); i++) {
        const ldns_rr *record = ldns_rr_list_rr(answer, i);

        if (ldns_rr_get_type(record) == type) {
            found++;
            right += is_right(identity, kind, record) ? 1 : 0;
        }
    }
    if (found == 0)
        return (struct sb_verdict){SB_SEEN_ABSENT, "TYPE_NOT_FOUND"};
    /* Several ownership texts are fine, one per account; MX and alias must stand alone. */
    if (right == 0 || (type != LDNS_RR_TYPE_TXT && found > 1))
        return (struct sb_verdict){SB_SEEN_ABSENT, "INVALID_VALUE"};
    return (struct sb_verdict){SB_SEEN_GOOD, NULL};
}

static void name_of(const ldns_rr *record, size_t which, char out[SV_NAME_BYTES])
{
    char *text = ldns_rdf2str(ldns_rr_rdf(record, which));
    size_t len = text == NULL ? 0 : strlen(text);

    if (len > 1 && text[len - 1] == '.')
        text[len - 1] = 0;
    (void)snprintf(out, SV_NAME_BYTES, "%s", text == NULL ? "" : text);
    free(text);
}

static bool take_soa(const ldns_rr_list *list, struct sb_soa *out)
{
    for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
        const ldns_rr *record = ldns_rr_list_rr(list, i);

        if (ldns_rr_get_type(record) != LDNS_RR_TYPE_SOA)
            continue;
        name_of(record, 0, out->primary);
        name_of(record, 1, out->admin);
        out->serial = ldns_rdf2native_int32(ldns_rr_rdf(record, 2));
        return true;
    }
    return false;
}

void sb_look_soa(const ldns_pkt *reply, struct sb_soa *out)
{
    if (reply != NULL && !take_soa(ldns_pkt_answer(reply), out))
        (void)take_soa(ldns_pkt_authority(reply), out);
}
