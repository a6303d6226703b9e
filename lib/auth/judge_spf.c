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
    bool permissive =
        it->judge->out != NULL && sv_judge_spf_text(it, record); /* asks for nothing */
    enum sv_record_status status;

    sv_judge_spf_tree(it, record);
    if (it->judge->out == NULL)
        return SV_RECORD_UNKNOWN;
    status = status_of(it->for_ses);
    if (status == SV_RECORD_WRONG)
        sv_judge_spf_explain(it, record);
    return permissive ? SV_RECORD_WRONG : status;
}

static bool holds_record(const struct sv_judge *judge, const struct sv_fact *fact, size_t nth)
{
    struct sv_span record;

    (void)judge;
    (void)nth;
    return sv_spf_select(fact->values, fact->values_count, &record) > 0;
}

/* SPF text where nobody looks for it; NULL = nowhere, as far as is known. One place after the
 * other, since probes are few, and what happens most comes first. */
static const struct sv_fact *find_elsewhere(const struct sv_spf_subject *it)
{
    const struct {
        const char *before, *name, *after;
        enum sv_rr_type type;
    } places[] = {{it->owner, ".", it->judge->zone, SV_RR_TXT},
                  {"spf.", it->owner, NULL, SV_RR_TXT},
                  {it->owner, NULL, NULL, SV_RR_SPF}};

    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        char name[SV_NAME_BYTES];
        const struct sv_fact *fact;
        enum sv_tri placed;
        if (!sv_name_build(name, places[i].before, places[i].name, places[i].after))
            continue;
        fact = sv_judge_probe(it->judge, name, places[i].type, SV_PROBES_NOT_DKIM_MAX);
        placed = sv_judge_is_placed(it->judge, fact, 0, holds_record);
        if (placed != SV_TRI_NO)
            return placed == SV_TRI_YES ? fact : NULL;
    }
    return NULL;
}

/* A text that only looks like a record. The advice is what it was meant to be. */
static void judge_malformed(const struct sv_spf_subject *it, struct sv_span text)
{
    char repaired[SV_FINDING_VALUE_BYTES];
    struct sv_line line;

    sv_line_init(&line, repaired, sizeof(repaired));
    find(it, SV_F_SPF_VERSION_MALFORMED, sv_spf_repair(text, &line) ? repaired : SV_SPF_INCLUDE,
         text);
}

/* No SPF record at all, or texts that only look like one. */
static void judge_none(const struct sv_spf_subject *it, const struct choice *choice)
{
    struct sv_spf_finding finding = {.code = it->at_mail_from ? SV_F_MAILFROM_SPF_MISSING
                                                              : SV_F_SPF_MISSING,
                                     .expected = SV_SPF_EXPECTED,
                                     .found = {.text = ""}};
    const struct sv_fact *elsewhere;

    if (choice->malformed_count > 0) {
        judge_malformed(it, choice->malformed);
        return;
    }
    elsewhere = find_elsewhere(it);
    if (elsewhere != NULL) {
        bool is_type99 = elsewhere->type == SV_RR_SPF;
        finding.code = is_type99 ? SV_F_SPF_TYPE99 : SV_F_SPF_WRONG_OWNER;
        finding.fact = elsewhere;
        finding.found = is_type99 ? elsewhere->values[0] : sv_span_of(elsewhere->name);
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
