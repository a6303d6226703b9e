/* The DMARC record at _dmarc.{d}, otherwise the one of the zone that holds {d} (RFC 9989 sections
 * 4.7 and 4.10; the whole tree walk is not made here). */
#include <string.h>

#include "dmarc.h"
#include "judge_parts.h"

static void find(struct sv_judge *judge, enum sv_finding_code code, const struct sv_fact *fact,
                 const char *expected, struct sv_span found)
{
    char shown[SV_FINDING_VALUE_BYTES];
    struct sv_naming naming = {.owner = fact->name, .expected = expected, .found = shown};
    struct sv_line line;

    sv_line_init(&line, shown, sizeof(shown));
    sv_line_add_shown(&line, found);
    sv_judge_find(judge, code, fact, SV_SEVERITY_NONE, &naming);
}

/* The DMARC records among the TXT of one name. */
struct choice {
    size_t count;
    struct sv_span record;
    size_t malformed_count;
    struct sv_span malformed;
};

static struct choice choose(const struct sv_fact *fact)
{
    struct choice choice = {0};

    for (size_t i = 0; i < fact->values_count; i++) {
        struct sv_span text = fact->values[i];
        if (sv_dmarc_is_record(text)) {
            if (choice.count++ == 0)
                choice.record = text;
        } else if (sv_dmarc_is_malformed(text) && choice.malformed_count++ == 0) {
            choice.malformed = text;
        }
    }
    return choice;
}

/* A policy must be there and valid; without one the record still counts where reports are asked for
 * (RFC 9989 section 4.10.1). */
static enum sv_record_status judge_policy(struct sv_judge *judge, const struct sv_fact *fact,
                                          struct sv_span record)
{
    struct sv_span policy;
    struct sv_span rua;
    bool has_policy = sv_dmarc_tag(record, "p", &policy);
    bool has_reports = sv_dmarc_tag(record, "rua", &rua) && sv_span_holds(rua, "mailto:");
    bool is_valid =
        has_policy && (sv_span_equals(policy, "none") || sv_span_equals(policy, "quarantine") ||
                       sv_span_equals(policy, "reject"));

    if (!has_policy)
        find(judge, SV_F_DMARC_POLICY_MISSING, fact, "p=none", record);
    else if (!is_valid)
        find(judge, SV_F_DMARC_POLICY_INVALID, fact, "none, quarantine or reject", policy);
    else if (sv_span_equals(policy, "none"))
        find(judge, SV_F_DMARC_POLICY_NONE, fact, "", policy);
    if (has_policy && !is_valid)
        return SV_RECORD_WRONG;
    return is_valid || has_reports ? SV_RECORD_OK : SV_RECORD_WRONG;
}

/* Judges the records at one name; false when none is there that could be a DMARC record. */
static bool judge_at(struct sv_judge *judge, const struct sv_fact *fact, const char *expected,
                     enum sv_record_status *status)
{
    struct choice choice = choose(fact);

    if (choice.count > 1) {
        char all[SV_FINDING_VALUE_BYTES];
        sv_fact_show(fact, all);
        find(judge, SV_F_DMARC_MULTIPLE_RECORDS, fact, expected, sv_span_of(all));
        *status = SV_RECORD_WRONG;
    } else if (fact->incomplete) {
        *status = SV_RECORD_UNKNOWN;
    } else if (choice.count == 1) {
        *status = judge_policy(judge, fact, choice.record);
    } else if (choice.malformed_count > 0) {
        find(judge, SV_F_DMARC_VERSION_MALFORMED, fact, expected, choice.malformed);
        *status = SV_RECORD_WRONG;
    } else {
        return false;
    }
    return true;
}

/* The fact of a wrong place that holds a DMARC record, or NULL. */
static const struct sv_fact *probe(struct sv_judge *judge, const char *owner)
{
    const struct sv_fact *fact = sv_judge_probe(judge, owner, SV_RR_TXT, SV_PROBES_NOT_DKIM_MAX);

    return sv_fact_known(fact) && choose(fact).count > 0 ? fact : NULL;
}

static void judge_absent(struct sv_judge *judge, const struct sv_fact *fact, const char *expected)
{
    const struct sv_fact *elsewhere = probe(judge, judge->expect.domain);
    char doubled[SV_NAME_BYTES];
    struct sv_naming naming = {.owner = fact->name, .expected = expected};

    if (elsewhere == NULL && sv_name_build(doubled, fact->name, ".", judge->zone))
        elsewhere = probe(judge, doubled);
    if (elsewhere != NULL) {
        naming.found = elsewhere->name;
        sv_judge_find(judge, SV_F_DMARC_WRONG_OWNER, elsewhere, SV_SEVERITY_NONE, &naming);
        return;
    }
    sv_judge_find(judge, SV_F_DMARC_MISSING, fact, SV_SEVERITY_NONE, &naming);
}

/* The record of the zone above applies to a name without one. */
static enum sv_record_status judge_inherited(struct sv_judge *judge, const struct sv_fact *fact,
                                             const char *expected)
{
    char owner[SV_NAME_BYTES];
    const struct sv_fact *above = NULL;
    enum sv_record_status status = SV_RECORD_WRONG;

    if (sv_name_is_below(judge->expect.domain, judge->zone) &&
        sv_name_build(owner, "_dmarc.", judge->zone, ""))
        above = sv_judge_look(judge, owner, SV_RR_TXT, &judge->inherited_looks, 1);
    if (above != NULL && !sv_fact_known(above)) {
        sv_judge_trouble(judge, above);
        return SV_RECORD_UNKNOWN;
    }
    if (above == NULL || !judge_at(judge, above, expected, &status)) {
        judge_absent(judge, fact, expected);
        return SV_RECORD_WRONG;
    }
    if (status == SV_RECORD_OK) {
        struct sv_naming naming = {.owner = fact->name, .expected = expected, .found = above->name};
        sv_judge_find(judge, SV_F_DMARC_INHERITED, above, SV_SEVERITY_NONE, &naming);
    }
    return status;
}

void sv_judge_dmarc(struct sv_judge *judge)
{
    size_t record;
    const struct sv_fact *fact = sv_judge_asked(judge, SV_RECORD_DMARC, 0, &record);
    const char *expected = judge->out != NULL && record < judge->out->records_count
                               ? judge->out->records[record].value
                               : "";
    enum sv_record_status status = SV_RECORD_UNKNOWN;
    struct choice choice;

    judge->subject = SV_RECORD_DMARC;
    if (!sv_fact_known(fact))
        return;
    choice = choose(fact);
    sv_judge_seen(judge, record, choice.count > 0 ? choice.record : choice.malformed);
    if (!judge_at(judge, fact, expected, &status))
        status = judge_inherited(judge, fact, expected);
    sv_judge_mark(judge, record, status);
}
