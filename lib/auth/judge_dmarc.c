/* The DMARC record that applies to {d}: its own, otherwise the one that the walk up the tree finds
 * (RFC 9989 section 4.10). */
#include <string.h>

#include "dmarc_parts.h"

void sv_dmarc_find(struct sv_judge *judge, enum sv_finding_code code, const struct sv_fact *fact,
                   const char *expected, struct sv_span found)
{
    char shown[SV_FINDING_VALUE_BYTES];
    struct sv_naming naming = {.owner = fact->name, .expected = expected, .found = shown};
    struct sv_line line;

    sv_line_init(&line, shown, sizeof(shown));
    sv_line_add_shown(&line, found);
    sv_judge_find(judge, code, fact, SV_SEVERITY_NONE, &naming);
}

struct sv_dmarc_choice sv_dmarc_choose(const struct sv_fact *fact)
{
    struct sv_dmarc_choice choice = {0};

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

const struct sv_fact *sv_dmarc_fact(struct sv_judge *judge, const char *name)
{
    char owner[SV_NAME_BYTES];

    if (sv_name_equal(name, judge->expect.domain))
        return sv_judge_asked(judge, SV_RECORD_DMARC, 0, NULL);
    if (!sv_name_build(owner, "_dmarc.", name, ""))
        return NULL;
    return sv_judge_look(judge, owner, SV_RR_TXT, &judge->dmarc_looks, SV_DMARC_LOOKS_MAX);
}

/* A text that is kept never moves or changes. */
static void read_record(struct sv_judge *judge, struct sv_span text, struct sv_dmarc_record *out)
{
    struct sv_dmarc_record *last = judge->dmarc_read;

    if (last != NULL && judge->dmarc_text == text.text) {
        *out = *last;
        return;
    }
    sv_dmarc_parse(text, out);
    if (last == NULL)
        last = sv_keep_take(&judge->keep, sizeof(*last), SV_KEEP_BYTES);
    if (last == NULL)
        return;
    *last = *out;
    judge->dmarc_read = last;
    judge->dmarc_text = text.text;
}

static void read_records(void *context, const char *name, struct sv_dmarc_reply *out)
{
    const struct sv_fact *fact = sv_dmarc_fact(context, name);
    struct sv_dmarc_choice choice;

    *out = (struct sv_dmarc_reply){.found = SV_DMARC_FOUND_NONE};
    if (fact == NULL) /* no DNS can hold a name of that length */
        return;
    choice = sv_dmarc_choose(fact);
    if (choice.count > 1)
        out->found = SV_DMARC_FOUND_SEVERAL;
    else if (!sv_fact_known(fact) || fact->incomplete)
        out->found = SV_DMARC_FOUND_UNKNOWN;
    else if (choice.count == 1)
        out->found = SV_DMARC_FOUND_RECORD;
    if (out->found != SV_DMARC_FOUND_RECORD)
        return;
    read_record(context, choice.record, &out->record);
    if (out->record.has_repeated)
        out->found = SV_DMARC_FOUND_INVALID;
}

/* Anything but NXDOMAIN exists, an alias that leads nowhere too: it is its target that does not. */
static enum sv_tri read_existence(void *context, const char *name)
{
    struct sv_judge *judge = context;
    const struct sv_fact *fact =
        sv_judge_look(judge, name, SV_RR_MX, &judge->dmarc_looks, SV_DMARC_LOOKS_MAX);

    if (!sv_fact_known(fact))
        return SV_TRI_UNKNOWN;
    return fact->outcome == SV_DNS_NXDOMAIN && fact->aliases == 0 ? SV_TRI_NO : SV_TRI_YES;
}

static bool holds_record(const struct sv_judge *judge, const struct sv_fact *fact, size_t nth)
{
    (void)judge;
    (void)nth;
    return sv_dmarc_choose(fact).count > 0;
}

/* The fact of a wrong place that holds a DMARC record, or NULL. The doubled domain comes first,
 * being what happens most, and the other places once nothing is there. */
static const struct sv_fact *find_elsewhere(struct sv_judge *judge, const char *owner)
{
    enum { DOUBLED = 2, PLACES = 4 };
    const char *domain = judge->expect.domain;
    const char *const places[PLACES][3] = {
        {owner, ".", judge->zone}, {owner, ".", domain}, {domain, "", ""}, {"dmarc.", domain, ""}};
    bool is_open = false;

    for (size_t i = 0; i < PLACES && !(i == DOUBLED && is_open); i++) {
        char name[SV_NAME_BYTES];
        const struct sv_fact *fact;
        enum sv_tri placed;
        if (!sv_name_build(name, places[i][0], places[i][1], places[i][2]))
            continue;
        fact = sv_judge_probe(judge, name, SV_RR_TXT, SV_PROBES_NOT_DKIM_MAX);
        placed = sv_judge_is_placed(judge, fact, 0, holds_record);
        if (placed == SV_TRI_YES)
            return fact;
        is_open = is_open || placed == SV_TRI_UNKNOWN;
    }
    return NULL;
}

static void judge_absent(struct sv_dmarc_view *view)
{
    struct sv_judge *judge = view->judge;
    const struct sv_fact *elsewhere = find_elsewhere(judge, view->own->name);
    struct sv_naming naming = {.owner = view->own->name, .expected = view->expected};

    if (elsewhere != NULL)
        naming.found = elsewhere->name;
    sv_judge_find(judge, elsewhere != NULL ? SV_F_DMARC_WRONG_OWNER : SV_F_DMARC_MISSING,
                  elsewhere != NULL ? elsewhere : view->own, SV_SEVERITY_NONE, &naming);
}

/* What a text without a valid version was meant to be; what we ask for in general where its tags do
 * not tell. */
static const char *repaired(const struct sv_dmarc_view *view, struct sv_span text,
                            char out[SV_FINDING_VALUE_BYTES])
{
    struct sv_dmarc_reader reader = {.rest = sv_span_trim(text)};
    struct sv_dmarc_record record;
    struct sv_dmarc_tag tag;
    struct sv_line line;

    sv_dmarc_parse(reader.rest, &record);
    while (sv_dmarc_next(&reader, &tag)) {
        if (tag.fault != SV_DMARC_FAULT_NONE)
            return view->expected;
    }
    sv_line_init(&line, out, SV_FINDING_VALUE_BYTES);
    return record.p > SV_DMARC_WORD_BAD && sv_dmarc_print(&record, &line) ? out : view->expected;
}

/* Records that receivers throw away. False when there is nothing of that kind at the name. */
static bool judge_discarded(struct sv_dmarc_view *view, const struct sv_fact *fact,
                            enum sv_dmarc_found found)
{
    struct sv_dmarc_choice choice = sv_dmarc_choose(fact);
    char all[SV_FINDING_VALUE_BYTES];

    if (found == SV_DMARC_FOUND_SEVERAL) {
        sv_fact_show(fact, all);
        sv_dmarc_find(view->judge, SV_F_DMARC_MULTIPLE_RECORDS, fact, view->expected,
                      sv_span_of(all));
    } else if (found == SV_DMARC_FOUND_INVALID) {
        sv_dmarc_judge_record(view, fact, choice.record);
    } else if (found == SV_DMARC_FOUND_NONE && choice.malformed_count > 0) {
        sv_dmarc_find(view->judge, SV_F_DMARC_VERSION_MALFORMED, fact,
                      repaired(view, choice.malformed, all), choice.malformed);
    } else {
        return false;
    }
    view->is_explained = true;
    return true;
}

enum sv_tri sv_dmarc_is_right(const struct sv_judge *judge, size_t record,
                              const struct sv_fact *answer)
{
    struct sv_dmarc_choice choice = sv_dmarc_choose(answer);
    struct sv_dmarc_record read;

    if (answer->incomplete && choice.count <= 1)
        return SV_TRI_UNKNOWN; /* the record, or another one, may be what did not fit */
    if (choice.count == 0 && choice.malformed_count == 0)
        return sv_dmarc_choose(judge->asked[record]).count == 0 &&
                       sv_judge_status(judge, record) == SV_RECORD_OK
                   ? SV_TRI_YES
                   : SV_TRI_NO;
    if (choice.count != 1)
        return SV_TRI_NO;
    if (judge->dmarc_text == choice.record.text)
        read = *judge->dmarc_read;
    else
        sv_dmarc_parse(choice.record, &read);
    return read.has_repeated || sv_dmarc_has_bad_policy(&read) ||
                   sv_dmarc_policy_of(&read) == SV_DMARC_POLICY_ABSENT
               ? SV_TRI_NO
               : SV_TRI_YES;
}

/* The record that applies is there. A bad policy is wrong even where receivers make p=none of it:
 * nobody meant that. */
static enum sv_record_status judge_applied(struct sv_dmarc_view *view, const struct sv_fact *fact)
{
    sv_dmarc_judge_record(view, fact, sv_dmarc_choose(fact).record);
    sv_dmarc_judge_reports(view, fact);
    return sv_dmarc_has_bad_policy(&view->now.record) || view->now.policy == SV_DMARC_POLICY_ABSENT
               ? SV_RECORD_WRONG
               : SV_RECORD_OK;
}

/* Nothing at {d} itself: what does the tree above say? */
static enum sv_record_status judge_inherited(struct sv_dmarc_view *view)
{
    struct sv_judge *judge = view->judge;
    struct sv_naming naming = {.owner = view->own->name, .expected = view->expected};
    enum sv_record_status status;
    bool is_discarded = false;

    for (size_t i = 1; i < view->walk.count; i++) {
        const struct sv_fact *fact = sv_dmarc_fact(judge, view->walk.names[i]);
        if (fact == NULL)
            continue;
        if (view->walk.organizational == NULL) /* some answer is missing: which? */
            sv_judge_trouble(judge, fact);
        else if (view->now.at == NULL && strchr(view->walk.names[i], '.') != NULL)
            is_discarded |= judge_discarded(view, fact, view->walk.replies[i].found);
    }
    if (view->walk.organizational == NULL)
        return SV_RECORD_UNKNOWN;
    if (view->now.at == NULL) {
        if (!is_discarded)
            judge_absent(view);
        return SV_RECORD_WRONG;
    }
    naming.found = sv_dmarc_fact(judge, view->now.at)->name;
    status = judge_applied(view, sv_dmarc_fact(judge, view->now.at));
    if (status == SV_RECORD_OK)
        sv_judge_find(judge, SV_F_DMARC_INHERITED, sv_dmarc_fact(judge, view->now.at),
                      SV_SEVERITY_NONE, &naming);
    return status;
}

static enum sv_record_status judge_status(struct sv_dmarc_view *view)
{
    enum sv_dmarc_found found = view->walk.replies[0].found;

    if (found == SV_DMARC_FOUND_UNKNOWN)
        return SV_RECORD_UNKNOWN;
    if (judge_discarded(view, view->own, found))
        return SV_RECORD_WRONG;
    if (found == SV_DMARC_FOUND_RECORD)
        return judge_applied(view, view->own);
    return judge_inherited(view);
}

/* NULL when there is no memory left to keep it. */
static const char *registrable(struct sv_judge *judge)
{
    const char *domain = judge->expect.domain;
    char found[SV_NAME_BYTES];

    if (judge->registrable == NULL)
        judge->registrable = sv_name_registrable(domain, found) == SV_OK
                                 ? sv_judge_keep(judge, found, strlen(found))
                                 : domain;
    return judge->registrable;
}

void sv_judge_dmarc(struct sv_judge *judge)
{
    struct sv_dmarc_view view = {
        .judge = judge,
        .source = {.context = judge, .records = read_records, .exists = read_existence},
        .expected = "",
    };
    const char *domain = judge->expect.domain;
    struct sv_dmarc_choice choice;
    size_t record;

    judge->subject = SV_RECORD_DMARC;
    view.own = sv_judge_asked(judge, SV_RECORD_DMARC, 0, &record);
    if (record == SV_RECORDS_MAX) /* {d} is so long that no DNS can hold _dmarc.{d} */
        return;
    if (judge->out != NULL && record < judge->out->records_count)
        view.expected = judge->out->records[record].value;
    view.source.registrable = registrable(judge);
    sv_dmarc_walk(&view.source, domain, &view.walk);
    sv_dmarc_apply(&view.source, &view.walk, &view.now);
    sv_dmarc_apply_before(&view.source, domain, false, &view.before);
    sv_dmarc_apply_before(&view.source, domain, true, &view.before_lenient);
    choice = sv_dmarc_choose(view.own);
    if (sv_fact_known(view.own))
        sv_judge_seen(judge, record, choice.count > 0 ? choice.record : choice.malformed);
    sv_judge_mark(judge, record, judge_status(&view));
    sv_dmarc_judge_path(&view);
    sv_judge_receives_mail(judge);
}
