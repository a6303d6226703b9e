/* Judges one SPF record: that there is exactly one at its name, and then its text, its tree and
 * whether it lets SES send. */
#include <string.h>

#include "judge_spf_parts.h"
#include "records_parts.h"
#include "spf.h"

/* The SPF records among the TXT of one name. */
struct choice {
    size_t count;
    struct sv_span records[SV_FACT_VALUES_MAX];
    size_t malformed_count;   /* texts that were meant to be records */
    struct sv_span malformed; /* the first of them */
};

static struct choice choose(const struct sv_fact *fact)
{
    struct choice choice = {0};

    for (size_t i = 0; i < fact->values_count; i++) {
        struct sv_span text = fact->values[i];
        if (sv_spf_is_record(text))
            choice.records[choice.count++] = text;
        else if (sv_spf_is_malformed(text) && choice.malformed_count++ == 0)
            choice.malformed = text;
    }
    return choice;
}

static void find(const struct sv_spf_subject *it, enum sv_finding_code code, const char *expected,
                 struct sv_span found)
{
    sv_spf_find(it, &(struct sv_spf_finding){.code = code, .expected = expected, .found = found});
}

static enum sv_record_status status_of(enum sv_spf_result for_ses)
{
    switch (for_ses) {
    case SV_SPF_PASS:
        return SV_RECORD_OK;
    case SV_SPF_UNDECIDED:
    case SV_SPF_TEMPERROR:
        return SV_RECORD_UNKNOWN;
    case SV_SPF_NONE:
    case SV_SPF_NEUTRAL:
    case SV_SPF_SOFTFAIL:
    case SV_SPF_FAIL:
    case SV_SPF_PERMERROR:
        return SV_RECORD_WRONG;
    }
    return SV_RECORD_UNKNOWN;
}

static enum sv_record_status judge_record(struct sv_spf_subject *it, struct sv_span record)
{
    bool permissive = sv_judge_spf_text(it, record);
    enum sv_record_status status;

    sv_judge_spf_tree(it, record);
    status = status_of(it->for_ses);
    if (status == SV_RECORD_WRONG)
        sv_judge_spf_explain(it, record);
    return permissive ? SV_RECORD_WRONG : status;
}

/* The fact of another place where the record stands; NULL = it does not, or that is not known. A
 * record that is absent refers to nothing, so these few come out of what SPF may ask, and take no
 * probe away from the other records. */
static const struct sv_fact *probe(struct sv_judge *judge, const char *name, enum sv_rr_type type)
{
    const struct sv_fact *fact =
        sv_judge_look(judge, name, type, &judge->spf_looks, SV_SPF_LOOKS_MAX);
    struct sv_span record;

    if (!sv_fact_known(fact) || sv_spf_select(fact->values, fact->values_count, &record) == 0)
        return NULL;
    return fact;
}

/* SPF text where nobody looks for it. The same at both places is a wildcard, and nobody's mistake.
 */
static const struct sv_fact *misplaced(const struct sv_spf_subject *it)
{
    const struct sv_fact *doubled = NULL;
    const struct sv_fact *labelled = NULL;
    char name[SV_NAME_BYTES];

    if (sv_name_build(name, it->owner, ".", it->judge->zone))
        doubled = probe(it->judge, name, SV_RR_TXT);
    if (sv_name_build(name, "spf.", it->owner, NULL))
        labelled = probe(it->judge, name, SV_RR_TXT);
    if (doubled != NULL && labelled != NULL)
        return NULL;
    return doubled != NULL ? doubled : labelled;
}

/* No SPF record at all, or texts that only look like one. */
static void judge_none(const struct sv_spf_subject *it, const struct choice *choice)
{
    struct sv_spf_finding finding = {.code = it->at_mail_from ? SV_F_MAILFROM_SPF_MISSING
                                                              : SV_F_SPF_MISSING,
                                     .expected = SV_SPF_EXPECTED,
                                     .found = {.text = ""}};
    const struct sv_fact *type99;
    const struct sv_fact *elsewhere;

    if (choice->malformed_count > 0) {
        find(it, SV_F_SPF_VERSION_MALFORMED, SV_SPF_EXPECTED, choice->malformed);
        return;
    }
    type99 = probe(it->judge, it->owner, SV_RR_SPF);
    elsewhere = misplaced(it);
    if (type99 != NULL) {
        finding.code = SV_F_SPF_TYPE99;
        finding.fact = type99;
        finding.found = type99->values[0];
    } else if (elsewhere != NULL) {
        finding.code = SV_F_SPF_WRONG_OWNER;
        finding.fact = elsewhere;
        finding.found = sv_span_of(elsewhere->name);
    }
    sv_spf_find(it, &finding);
}

/* Several records: receivers use none of them. The advice is one record that says it all. */
static void judge_several(const struct sv_spf_subject *it, const struct choice *choice)
{
    char merged[SV_FINDING_VALUE_BYTES];
    char all[SV_FINDING_VALUE_BYTES];
    const char *expected = merged;
    struct sv_line line;

    sv_line_init(&line, merged, sizeof(merged));
    if (!sv_spf_merge(choice->records, choice->count, &line))
        expected = SV_SPF_INCLUDE;
    sv_line_init(&line, all, sizeof(all));
    for (size_t i = 0; i < choice->count && !line.cut; i++) {
        sv_line_add_shown(&line, sv_span_of(i > 0 ? ", " : ""));
        sv_line_add_shown(&line, choice->records[i]);
    }
    find(it, SV_F_SPF_MULTIPLE_RECORDS, expected, sv_span_of(all));
}

void sv_judge_spf(struct sv_judge *judge, enum sv_record_kind kind, const char *owner)
{
    size_t record;
    struct sv_spf_subject it = {
        .judge = judge,
        .fact = sv_judge_asked(judge, kind, 0, &record),
        .owner = owner,
        .at_mail_from = kind == SV_RECORD_MAIL_FROM_SPF,
    };
    struct choice choice;

    judge->subject = kind;
    if (!sv_fact_known(it.fact))
        return;
    choice = choose(it.fact);
    sv_judge_seen(judge, record, choice.count > 0 ? choice.records[0] : choice.malformed);
    if (choice.count > 1) {
        judge_several(&it, &choice);
        sv_judge_mark(judge, record, SV_RECORD_WRONG);
    } else if (it.fact->incomplete) {
        sv_judge_mark(judge, record, SV_RECORD_UNKNOWN); /* the record may be what did not fit */
    } else if (choice.count == 0) {
        judge_none(&it, &choice);
        sv_judge_mark(judge, record, SV_RECORD_WRONG);
    } else {
        sv_judge_mark(judge, record, judge_record(&it, choice.records[0]));
    }
}
