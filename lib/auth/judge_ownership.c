/* The legacy ownership TXT at _amazonses: one record that is exactly the token, beside any others
 * (a domain may belong to several SES accounts). */
#include "judge_parts.h"

static bool holds_token(const struct sv_judge *judge, const struct sv_fact *fact, size_t nth)
{
    (void)judge;
    (void)nth;
    return fact->has_token;
}

/* The place where the token stands instead, or NULL: the domain itself, or the doubled owner that
 * panels make which add the zone by themselves. */
static const struct sv_fact *find_elsewhere(struct sv_judge *judge, const char *owner)
{
    const struct sv_fact *at_domain =
        sv_judge_probe(judge, judge->expect.domain, SV_RR_TXT, SV_PROBES_NOT_DKIM_MAX);
    char doubled[SV_NAME_BYTES];

    if (sv_name_build(doubled, owner, ".", judge->zone)) {
        const struct sv_fact *at_doubled =
            sv_judge_probe(judge, doubled, SV_RR_TXT, SV_PROBES_NOT_DKIM_MAX);
        if (sv_judge_is_placed(judge, at_doubled, 0, holds_token) == SV_TRI_YES)
            return at_doubled;
    }
    return sv_judge_is_placed(judge, at_domain, 0, holds_token) == SV_TRI_YES ? at_domain : NULL;
}

/* A domain that SES verifies by DKIM does not need this record. */
static enum sv_severity missing_severity(const struct sv_judge *judge)
{
    bool by_dkim = judge->expect.dkim_tokens_count > 0 || judge->expect.byodkim_selector != NULL;

    return by_dkim ? SV_INFO : SV_SEVERITY_NONE;
}

static void judge_absent(struct sv_judge *judge, const struct sv_fact *fact)
{
    struct sv_naming naming = {.owner = fact->name, .expected = judge->expect.ownership_token};
    const struct sv_fact *elsewhere = find_elsewhere(judge, fact->name);

    if (elsewhere == NULL) {
        sv_judge_find(judge, SV_F_OWNERSHIP_TXT_MISSING, fact, missing_severity(judge), &naming);
        return;
    }
    naming.found = elsewhere->name;
    sv_judge_find(judge, SV_F_OWNERSHIP_TXT_WRONG_OWNER, elsewhere, SV_SEVERITY_NONE, &naming);
}

void sv_judge_ownership(struct sv_judge *judge)
{
    size_t record;
    const struct sv_fact *fact = sv_judge_asked(judge, SV_RECORD_OWNERSHIP, 0, &record);
    char found[SV_FINDING_VALUE_BYTES];
    struct sv_naming naming = {
        .owner = fact->name, .expected = judge->expect.ownership_token, .found = found};

    judge->subject = SV_RECORD_OWNERSHIP;
    if (!sv_fact_known(fact))
        return;
    sv_fact_show(fact, found);
    sv_judge_seen(judge, record, sv_span_of(found));
    sv_judge_mark(judge, record, fact->has_token ? SV_RECORD_OK : SV_RECORD_WRONG);
    if (fact->has_token)
        return;
    if (sv_fact_absent(fact)) {
        judge_absent(judge, fact);
    } else {
        sv_judge_find(judge, SV_F_OWNERSHIP_TXT_MISMATCH, fact, SV_SEVERITY_NONE, &naming);
    }
}
