/* What large receivers ask of those who send much, as far as DNS shows it (dns-auth section 9). */
#include <string.h>

#include "dmarc_parts.h"

const char *sv_bulk_condition_name(enum sv_bulk_condition condition)
{
    switch (condition) {
    case SV_BULK_SPF:
        return "spf";
    case SV_BULK_DKIM:
        return "dkim";
    case SV_BULK_DMARC:
        return "dmarc";
    case SV_BULK_ALIGNMENT:
        return "alignment";
    case SV_BULK_RECEIVES:
        return "receives";
    case SV_BULK_COUNT:
        break;
    }
    return "";
}

/* RFC 7505: one MX record with an empty host says that no mail is taken at all. */
static bool is_null_mx(const struct sv_fact *fact)
{
    return fact->values_seen == 1 && fact->values_count == 1 &&
           sv_mx_host(fact->values[0]).len == 0;
}

enum sv_tri sv_judge_can_receive(struct sv_judge *judge, const char *name, unsigned *spent,
                                 unsigned spent_max, const struct sv_fact **why)
{
    static const enum sv_rr_type types[] = {SV_RR_A, SV_RR_AAAA};
    const struct sv_fact *mx = sv_judge_look(judge, name, SV_RR_MX, spent, spent_max);
    const struct sv_fact *address;
    enum sv_tri result = SV_TRI_NO;

    *why = mx;
    if (!sv_fact_known(mx))
        return SV_TRI_UNKNOWN;
    if (!sv_fact_absent(mx))
        return is_null_mx(mx) ? SV_TRI_NO : SV_TRI_YES;
    if (mx->outcome == SV_DNS_NXDOMAIN) /* then nothing else is there either (RFC 8020) */
        return SV_TRI_NO;
    for (size_t i = 0; i < 2 && result != SV_TRI_YES; i++) {
        address = sv_judge_look(judge, name, types[i], spent, spent_max);
        if (!sv_fact_known(address))
            result = SV_TRI_UNKNOWN;
        else if (!sv_fact_absent(address))
            result = SV_TRI_YES; /* mail goes to the address itself (RFC 5321 section 5.1) */
    }
    return result;
}

void sv_judge_receives_mail(struct sv_judge *judge)
{
    const struct sv_fact *fact;
    enum sv_tri receives = sv_judge_can_receive(judge, judge->expect.domain, &judge->dmarc_looks,
                                                SV_DMARC_LOOKS_MAX, &fact);
    struct sv_naming naming = {.owner = judge->expect.domain};

    if (judge->out == NULL)
        return;
    judge->out->bulk.conditions[SV_BULK_RECEIVES] = receives;
    if (receives != SV_TRI_NO)
        return;
    if (fact->outcome == SV_DNS_NXDOMAIN) { /* that is told by itself */
        judge->out->findings_hidden++;
        return;
    }
    naming.found = sv_fact_absent(fact) ? "neither MX nor address" : "null MX";
    sv_judge_find(judge, SV_F_FROM_DOMAIN_CANNOT_RECEIVE, fact, SV_SEVERITY_NONE, &naming);
}

static enum sv_tri either(enum sv_tri a, enum sv_tri b)
{
    if (a == SV_TRI_YES || b == SV_TRI_YES)
        return SV_TRI_YES;
    return a == SV_TRI_NO && b == SV_TRI_NO ? SV_TRI_NO : SV_TRI_UNKNOWN;
}

static bool is_key_code(enum sv_finding_code code)
{
    return strncmp(sv_finding_name(code), "dkim_key_", strlen("dkim_key_")) == 0;
}

/* The aliases are right, a key that receivers can use is behind them, and no key is at fault. While
 * SES has published none, or nobody told of any, that is not known. A domain that SES verifies by
 * its ownership record alone is not signed for. */
static enum sv_tri judge_dkim(const struct sv_judge *judge)
{
    const struct sv_report *out = judge->out;

    if (judge->expect.dkim_tokens_count == 0 && judge->expect.byodkim_selector == NULL)
        return judge->expect.ownership_token != NULL ? SV_TRI_NO : SV_TRI_UNKNOWN;
    for (size_t i = 0; i < out->findings_count; i++) {
        if (is_key_code(out->findings[i].code) && out->findings[i].severity == SV_ERROR)
            return SV_TRI_NO;
    }
    if (out->required == SV_RECORD_WRONG || judge->dkim_sum.testing)
        return SV_TRI_NO;
    return out->required == SV_RECORD_OK && judge->dkim_sum.usable > 0 ? SV_TRI_YES
                                                                       : SV_TRI_UNKNOWN;
}

static enum sv_tri judge_policy(const struct sv_dmarc_path *path)
{
    if (path->now.policy == SV_DMARC_POLICY_UNKNOWN)
        return SV_TRI_UNKNOWN;
    return path->now.policy != SV_DMARC_POLICY_ABSENT ? SV_TRI_YES : SV_TRI_NO;
}

void sv_judge_bulk(struct sv_judge *judge)
{
    struct sv_report *out = judge->out;
    enum sv_tri *conditions = out->bulk.conditions;

    /* Receivers test SPF at the envelope domain. Without a custom MAIL FROM that is SES's own,
     * which passes, though it is never aligned. */
    conditions[SV_BULK_SPF] = judge->expect.mail_from != NULL ? out->spf_configured : SV_TRI_YES;
    conditions[SV_BULK_DKIM] = judge_dkim(judge);
    conditions[SV_BULK_DMARC] = sv_tri_both(judge_policy(&out->dmarc), out->dmarc_configured);
    conditions[SV_BULK_ALIGNMENT] =
        either(sv_tri_both(out->dmarc.dkim_aligned, conditions[SV_BULK_DKIM]),
               sv_tri_both(out->dmarc.spf_aligned, conditions[SV_BULK_SPF]));
    out->bulk.meets = SV_TRI_YES;
    for (size_t i = 0; i < SV_BULK_COUNT; i++)
        out->bulk.meets = sv_tri_both(out->bulk.meets, conditions[i]);
    out->meets_bulk_sender_requirements = out->bulk.meets;
}
