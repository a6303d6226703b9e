/* What the judge remembers of an answer. Answers are borrowed and may be large; a fact is small and
 * of fixed size. */
#include <string.h>

#include "ip.h"
#include "judge_parts.h"

char *sv_judge_keep(struct sv_judge *judge, const char *bytes, size_t len)
{
    char *kept = sv_keep_take(&judge->keep, len + 1, SV_KEEP_BYTES);

    if (kept != NULL && len > 0)
        memcpy(kept, bytes, len);
    return kept;
}

static void add_value(struct sv_judge *judge, struct sv_fact *fact, struct sv_span value)
{
    const char *kept = NULL;

    if (fact->values_count < fact->values_room && value.len <= SV_FACT_VALUE_BYTES)
        kept = sv_judge_keep(judge, value.text, value.len);
    if (kept == NULL) {
        fact->incomplete = true;
        return;
    }
    fact->values[fact->values_count++] = (struct sv_span){.text = kept, .len = value.len};
}

/* Big zones have dozens of TXT records at the apex; those that speak of mail must find room. */
static bool speaks_of_mail(struct sv_span text)
{
    return sv_span_holds(text, "spf") || sv_span_holds(text, "dmarc");
}

static void take_txt(struct sv_judge *judge, struct sv_fact *fact,
                     const struct sv_dns_answer *answer, bool of_mail)
{
    const char *token = judge->expect.ownership_token;
    size_t others = 0;

    for (size_t i = 0; i < answer->records_count; i++) {
        const struct sv_rr *rr = &answer->records[i];
        struct sv_span text = {.text = (const char *)rr->text, .len = rr->text_bytes};
        if (rr->type != fact->type || rr->text == NULL)
            continue;
        if (speaks_of_mail(text) == of_mail) {
            bool was_incomplete = fact->incomplete;
            fact->values_seen++;
            if (of_mail || others++ < SV_FACT_OTHERS_MAX)
                add_value(judge, fact, text);
            if (!of_mail)
                fact->incomplete = was_incomplete;
        }
        if (token != NULL && text.len == strlen(token) && memcmp(text.text, token, text.len) == 0)
            fact->has_token = true;
    }
}

static void take_mx(struct sv_judge *judge, struct sv_fact *fact, const struct sv_rr *rr)
{
    char value[SV_NAME_BYTES + 8];
    struct sv_line line;

    sv_line_init(&line, value, sizeof(value));
    sv_line_add_number(&line, rr->preference);
    sv_line_add(&line, " ");
    sv_line_add(&line, rr->target);
    fact->values_seen++;
    add_value(judge, fact, (struct sv_span){.text = line.text, .len = line.len});
}

static void take_address(struct sv_judge *judge, struct sv_fact *fact, const struct sv_rr *rr)
{
    char value[sizeof("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")];
    struct sv_ip ip = {.is_v6 = rr->type == SV_RR_AAAA};
    struct sv_line line;

    memcpy(ip.octets, rr->address, sizeof(ip.octets));
    sv_line_init(&line, value, sizeof(value));
    sv_ip_show(&ip, &line);
    fact->values_seen++;
    add_value(judge, fact, (struct sv_span){.text = line.text, .len = line.len});
}

static void take_host(struct sv_judge *judge, struct sv_fact *fact, const struct sv_rr *rr)
{
    fact->values_seen++;
    add_value(judge, fact, sv_span_of(rr->target));
}

static void take_alias(struct sv_judge *judge, struct sv_fact *fact, const struct sv_rr *rr)
{
    fact->aliases++;
    if (fact->type == SV_RR_CNAME) {
        fact->values_seen++;
        add_value(judge, fact, sv_span_of(rr->target));
    }
    if (fact->alias == NULL)
        fact->alias = sv_judge_keep(judge, rr->target, strlen(rr->target));
    if (fact->alias == NULL)
        fact->incomplete = true;
}

/* The RDATA of a DS or DNSKEY record, as it came. */
static void take_rdata(struct sv_judge *judge, struct sv_fact *fact, const struct sv_rr *rr)
{
    fact->values_seen++;
    add_value(judge, fact,
              (struct sv_span){.text = (const char *)rr->rdata, .len = rr->rdata_bytes});
}

static uint32_t read_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Times of a signature (RFC 4034 section 3.1): type, algorithm, labels and TTL come before them.
 * They wrap around, so they are compared as serial numbers. */
static void take_signature(struct sv_fact *fact, const struct sv_rr *rr)
{
    enum { EXPIRATION_AT = 8, INCEPTION_AT = 12, BYTES_MIN = 18 };
    uint32_t expiration, inception;

    if (rr->rdata == NULL || rr->rdata_bytes < BYTES_MIN)
        return;
    expiration = read_u32(rr->rdata + EXPIRATION_AT);
    inception = read_u32(rr->rdata + INCEPTION_AT);
    if (fact->signatures == 0 || (int32_t)(expiration - fact->expiration) < 0)
        fact->expiration = expiration;
    if (fact->signatures == 0 || (int32_t)(inception - fact->inception) > 0)
        fact->inception = inception;
    fact->signatures++;
}

void sv_evidence_take(struct sv_evidence *evidence, const struct sv_dns_answer *answer)
{
    struct sv_line line;

    sv_line_init(&line, evidence->server, sizeof(evidence->server));
    sv_line_add_shown(
        &line, (struct sv_span){answer->server, strnlen(answer->server, sizeof(answer->server))});
    evidence->outcome = answer->outcome;
    evidence->trouble = answer->trouble;
    evidence->tc = answer->tc;
    evidence->tcp = answer->tcp;
    evidence->rcode = answer->rcode;
    evidence->aa = answer->aa;
    evidence->ad = answer->ad;
    evidence->ede = answer->ede;
    evidence->ttl_s = answer->ttl_s;
    evidence->at = answer->at;
}

const struct sv_evidence *sv_evidence_keep(struct sv_judge *judge,
                                           const struct sv_dns_answer *answer)
{
    struct sv_evidence *kept = sv_keep_take(&judge->keep, sizeof(*kept), SV_KEEP_BYTES);

    if (kept != NULL)
        sv_evidence_take(kept, answer);
    return kept;
}

void sv_fact_take(struct sv_judge *judge, struct sv_fact *fact, const struct sv_dns_answer *answer)
{
    fact->outcome = answer->outcome;
    fact->trouble = answer->trouble;
    sv_evidence_take(&fact->evidence, answer);
    fact->values_room =
        answer->records_count < SV_FACT_VALUES_MAX ? answer->records_count : SV_FACT_VALUES_MAX;
    fact->values =
        sv_keep_take(&judge->keep, fact->values_room * sizeof(*fact->values), SV_KEEP_BYTES);
    if (fact->values == NULL)
        fact->values_room = 0;
    for (size_t i = 0; i < answer->records_count; i++) {
        const struct sv_rr *rr = &answer->records[i];
        if (rr->type == SV_RR_CNAME && rr->target != NULL && sv_name_equal(rr->owner, fact->name))
            take_alias(judge, fact, rr);
        if (rr->type == SV_RR_RRSIG)
            take_signature(fact, rr);
        if (rr->type != fact->type)
            continue;
        if (rr->type != SV_RR_CNAME && sv_name_equal(rr->owner, fact->name))
            fact->values_here++;
        if ((rr->type == SV_RR_DS || rr->type == SV_RR_DNSKEY) && rr->rdata != NULL)
            take_rdata(judge, fact, rr);
        if (rr->type == SV_RR_MX && rr->target != NULL)
            take_mx(judge, fact, rr);
        if (rr->type == SV_RR_A || rr->type == SV_RR_AAAA)
            take_address(judge, fact, rr);
        if ((rr->type == SV_RR_NS || rr->type == SV_RR_PTR) && rr->target != NULL)
            take_host(judge, fact, rr);
    }
    if (fact->type == SV_RR_TXT || fact->type == SV_RR_SPF) {
        take_txt(judge, fact, answer, true);
        take_txt(judge, fact, answer, false);
    }
}

/* The types whose records are kept as values. */
static bool keeps_values(enum sv_rr_type type)
{
    return type == SV_RR_TXT || type == SV_RR_SPF || type == SV_RR_MX || type == SV_RR_A ||
           type == SV_RR_AAAA || type == SV_RR_NS || type == SV_RR_PTR || type == SV_RR_CNAME;
}

/* An alias question that is answered with data, but not with an alias at that very name, is not
 * understood; so it says nothing. The same goes for data without records. */
static bool contradicts_itself(const struct sv_fact *fact)
{
    if (!keeps_values(fact->type))
        return false;
    if (fact->type == SV_RR_CNAME)
        return fact->outcome == SV_DNS_DATA && fact->alias == NULL;
    return (fact->outcome == SV_DNS_DATA) != (fact->values_seen > 0);
}

bool sv_fact_known(const struct sv_fact *fact)
{
    return fact->answered && fact->outcome != SV_DNS_UNKNOWN && !contradicts_itself(fact);
}

bool sv_fact_absent(const struct sv_fact *fact)
{
    if (!sv_fact_known(fact) || fact->outcome == SV_DNS_DATA)
        return false;
    /* The name of an alias exists even where its target does not (RFC 6604 section 3). */
    return fact->type != SV_RR_CNAME || fact->aliases == 0;
}

void sv_fact_show(const struct sv_fact *fact, char out[SV_FINDING_VALUE_BYTES])
{
    struct sv_line line;

    sv_line_init(&line, out, SV_FINDING_VALUE_BYTES);
    for (size_t i = 0; i < fact->values_count && !line.cut; i++) {
        if (i > 0)
            sv_line_add_shown(&line, sv_span_of(", "));
        sv_line_add_shown(&line, fact->values[i]);
    }
}
