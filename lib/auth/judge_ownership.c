/* The legacy ownership TXT at _amazonses: one record that is exactly the token, beside any others
 * (a domain may belong to several SES accounts). */
#include "judge_parts.h"

void sv_judge_ownership(struct sv_judge *judge)
{
    size_t record;
    const struct sv_fact *fact = sv_judge_asked(judge, SV_RECORD_OWNERSHIP, 0, &record);
    char found[SV_FINDING_VALUE_BYTES];
    struct sv_naming naming = {
        .owner = fact->name, .expected = judge->expect.ownership_token, .found = found};

    if (!sv_fact_known(fact))
        return;
    sv_fact_show(fact, found);
    sv_judge_seen(judge, record, sv_span_of(found));
    sv_judge_mark(judge, record, fact->has_token ? SV_RECORD_OK : SV_RECORD_WRONG);
    if (fact->has_token)
        return;
    /* A domain that SES verifies by DKIM does not need this record. */
    if (sv_fact_absent(fact))
        sv_judge_find(judge, SV_F_OWNERSHIP_TXT_MISSING, fact,
                      judge->expect.dkim_tokens_count > 0 ? SV_INFO : SV_SEVERITY_NONE, &naming);
    else
        sv_judge_find(judge, SV_F_OWNERSHIP_TXT_MISMATCH, fact, SV_SEVERITY_NONE, &naming);
}
