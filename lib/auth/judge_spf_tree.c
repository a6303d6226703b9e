/* Does the record let Amazon SES send? By evaluation (dns-auth section 7.4): SES's own record tells
 * its ranges, and the client's record is evaluated for an address of each. Most records need less:
 * where include:amazonses.com is reached before anything that could decide otherwise, the answer is
 * the same for every address in it, so SES's record is not needed and a healthy check does not
 * hang on it. Where it is needed and does not answer, the result is undecided. Where DNS says that
 * it does not exist (test networks), SES has no known addresses and only its name can let it in. */
#include <string.h>

#include "judge_spf_parts.h"
#include "records_parts.h"
#include "spf.h"
#include "spf_walk.h"

enum { RANGES_MAX = 32, SES_DEPTH_MAX = 3, BRANCHES_SHOWN = 3, SILENT_MAX = 8 };

/* The whole look at one record, and what it found. */
struct tour {
    struct sv_spf_subject *it;
    struct sv_spf_walk walk;
    unsigned voids_used;
    bool looped;
    /* What was asked, of terms, hosts behind them and SES's own record, and did not answer. */
    size_t silent_count;
    const struct sv_fact *silent[SILENT_MAX];
};

static const struct sv_fact *look(struct sv_judge *judge, const char *name, enum sv_rr_type type)
{
    return sv_judge_look(judge, name, type, &judge->spf_looks, SV_SPF_LOOKS_MAX);
}

static void note_silent(struct tour *tour, const struct sv_fact *fact)
{
    for (size_t i = 0; i < tour->silent_count; i++) {
        if (sv_name_equal(tour->silent[i]->name, fact->name))
            return;
    }
    if (tour->silent_count < SILENT_MAX)
        tour->silent[tour->silent_count++] = fact;
}

static void ask(void *context, const char *name, enum sv_rr_type type, struct sv_spf_reply *out)
{
    struct tour *tour = context;
    const struct sv_fact *fact = look(tour->it->judge, name, type);

    *out = (struct sv_spf_reply){.known = fact->answered};
    if (!sv_fact_known(fact)) {
        if (fact->answered)
            note_silent(tour, fact);
        return;
    }
    out->outcome = fact->outcome;
    out->values = fact->values;
    out->count = fact->values_count;
    out->incomplete = fact->incomplete;
}

/* One address of every range that SES's record lets pass. */
struct ranges {
    bool open;   /* SES's record, or one that it includes, is not known */
    bool absent; /* there is none */
    bool mixed;  /* it is more than a list of ranges that all pass */
    size_t count;
    struct sv_ip addresses[RANGES_MAX];
};

static void collect(struct tour *tour, const char *name, unsigned depth, struct ranges *out)
{
    struct sv_span record = {.text = ""};
    struct sv_spf_reply reply = {0};
    struct sv_spf_term term = {.kind = SV_SPF_OTHER};

    ask(tour, name, SV_RR_TXT, &reply);
    if (!reply.known || reply.outcome == SV_DNS_UNKNOWN || reply.incomplete) {
        out->open = true;
        return;
    }
    if (sv_spf_select(reply.values, reply.count, &record) != 1) {
        out->absent = out->absent || depth == 0;
        return;
    }
    while (term.kind != SV_SPF_ALL && sv_spf_next(&record, &term)) {
        char below[SV_NAME_BYTES];
        bool passes = term.fault == SV_SPF_GOOD && term.qualifier == '+';
        bool is_range = term.kind == SV_SPF_IP4 || term.kind == SV_SPF_IP6;
        out->mixed = out->mixed || (!(passes && is_range) && term.kind != SV_SPF_ALL);
        if (passes && is_range && out->count < RANGES_MAX)
            out->addresses[out->count++] = term.network;
        if (passes && (term.kind == SV_SPF_INCLUDE_OF || term.kind == SV_SPF_REDIRECT) &&
            depth < SES_DEPTH_MAX && sv_spf_name(term.domain, below))
            collect(tour, below, depth + 1, out);
    }
}

/* The worst first that can be said for certain: what one address meets is met by mail of SES's. */
static unsigned rank(enum sv_spf_result result)
{
    switch (result) {
    case SV_SPF_PASS:
        return 0;
    case SV_SPF_TEMPERROR:
        return 1;
    case SV_SPF_UNDECIDED:
        return 2;
    case SV_SPF_NEUTRAL:
        return 3;
    case SV_SPF_SOFTFAIL:
        return 4;
    case SV_SPF_FAIL:
        return 5;
    case SV_SPF_NONE:
        return 6;
    case SV_SPF_PERMERROR:
        return 7;
    }
    return 2;
}

/* How the record is evaluated for SES. */
struct ses {
    struct sv_spf_check check;
    bool by_range;
    struct ranges ranges;
};

/* One evaluation, which marks in the tree, where there is one, what it uses. */
static enum sv_spf_result run(struct ses *ses, struct tour *tour)
{
    struct sv_spf_marker marker = {.walk = &tour->walk};
    struct sv_spf_tree *tree = tour->walk.tree;
    struct sv_spf_verdict verdict;

    ses->check.visit = tree != NULL ? sv_spf_mark_used : NULL;
    ses->check.visit_context = &marker;
    sv_spf_check(&ses->check, &verdict);
    if (tree != NULL && verdict.lookups > tree->lookups_used)
        tree->lookups_used = verdict.lookups;
    if (verdict.voids > tour->voids_used)
        tour->voids_used = verdict.voids;
    return verdict.result;
}

static enum sv_spf_result run_all(struct ses *ses, struct tour *tour)
{
    enum sv_spf_result worst = SV_SPF_PASS;

    if (!ses->by_range)
        return run(ses, tour);
    for (size_t i = 0; i < ses->ranges.count; i++) {
        enum sv_spf_result result;
        ses->check.ip = &ses->ranges.addresses[i];
        result = run(ses, tour);
        worst = rank(result) > rank(worst) ? result : worst;
    }
    return worst;
}

/* Finds out for what else the record is to be evaluated than SES's own include. */
static void prepare(struct ses *ses, struct tour *tour, const struct sv_spf_verdict *verdict)
{
    if (verdict->waiting || (verdict->result != SV_SPF_UNDECIDED && !verdict->doubtful))
        return;
    collect(tour, SV_SPF_SES, 0, &ses->ranges);
    ses->by_range = !ses->ranges.open && ses->ranges.count > 0;
    ses->check.unlisted = ses->ranges.absent;
    /* A plain list of ranges lets each of them pass; reading it again for each proves nothing. */
    if (ses->by_range && ses->ranges.mixed)
        ses->check.passing = NULL;
}

static enum sv_spf_result evaluate(struct tour *tour, struct ses *ses)
{
    struct sv_spf_verdict verdict;
    enum sv_spf_result result;

    ses->check = (struct sv_spf_check){
        .source = tour->walk.source, .domain = tour->it->owner, .passing = SV_SPF_SES};
    sv_spf_check(&ses->check, &verdict);
    prepare(ses, tour, &verdict);
    if (tour->walk.tree == NULL && !ses->by_range && !ses->check.unlisted)
        return verdict.result; /* it would be the same again, and nobody counts what it used */
    result = run_all(ses, tour);
    if (result == SV_SPF_PERMERROR && tour->walk.tree != NULL) {
        ses->check.count_on = true; /* how far does it pass the limits? */
        (void)run_all(ses, tour);
    }
    return result;
}

static bool is_told(const struct sv_judge *judge, enum sv_finding_code code, const char *found)
{
    for (size_t i = 0; judge->out != NULL && i < judge->out->findings_count; i++) {
        if (judge->out->findings[i].code == code &&
            sv_span_equals(sv_span_of(judge->out->findings[i].found), found))
            return true;
    }
    return false;
}

static void add_path(const struct sv_spf_note *note, struct sv_line *out)
{
    size_t from = 0;

    while (from < note->path_count && !sv_name_equal(note->path[from], note->name))
        from++;
    for (size_t i = from; i < note->path_count; i++) {
        sv_line_add(out, note->path[i]);
        sv_line_add(out, " > ");
    }
    sv_line_add(out, note->name);
}

/* Why a record that ours refers to is itself in error, and whose record that is. */
static const char *tell_why(const struct sv_spf_note *note, struct sv_line *why)
{
    bool is_missing = note->trouble == SV_SPF_NO_RECORD;

    if (is_missing) {
        sv_line_add(why, "it refers to ");
        sv_line_add(why, note->name);
        sv_line_add(why, ", which publishes no SPF record");
        return note->holder;
    }
    if (note->trouble == SV_SPF_SEVERAL) {
        sv_line_add(why, "it has several SPF records");
        return note->name;
    }
    sv_line_add(why, "at \"");
    sv_line_add_shown(why, note->outline->bad.text);
    sv_line_add(why, "\": ");
    sv_line_add(why, sv_spf_fault_text(note->outline->fault));
    return note->name;
}

/* Who did not answer, where that keeps the verdict open. */
static void tell_silent(const struct tour *tour)
{
    for (size_t i = 0; i < tour->silent_count && tour->it->for_ses != SV_SPF_PASS; i++) {
        const struct sv_fact *fact = tour->silent[i];
        struct sv_naming naming = {.owner = fact->name};
        /* Whoever could not be asked at all said nothing that could be shown. */
        if (fact->trouble != SV_DNS_NO_TROUBLE)
            sv_judge_find(tour->it->judge, SV_F_SPF_TEMPERROR, fact, SV_SEVERITY_NONE, &naming);
    }
}

static enum sv_finding_code code_of(const struct sv_spf_note *note)
{
    switch (note->trouble) {
    case SV_SPF_NO_RECORD:
        if (note->depth > 1)
            return SV_F_SPF_INCLUDE_ERROR;
        return note->term->kind == SV_SPF_REDIRECT ? SV_F_SPF_REDIRECT_NO_RECORD
                                                   : SV_F_SPF_INCLUDE_NO_RECORD;
    case SV_SPF_SEVERAL:
    case SV_SPF_BROKEN:
        return SV_F_SPF_INCLUDE_ERROR;
    case SV_SPF_LOOP:
        return SV_F_SPF_INCLUDE_LOOP;
    case SV_SPF_MX_MANY:
        return SV_F_SPF_MX_TOO_MANY;
    case SV_SPF_TROUBLE_NONE:
        return SV_F_NONE;
    }
    return SV_F_NONE;
}

static void on_note(void *context, const struct sv_spf_note *note)
{
    struct tour *tour = context;
    struct sv_spf_subject *it = tour->it;
    char found[SV_FINDING_VALUE_BYTES];
    char why[SV_FINDING_VALUE_BYTES];
    struct sv_line found_line;
    struct sv_line why_line;
    struct sv_spf_finding finding = {.code = code_of(note), .expected = why};

    /* SES's record is not the client's to repair; a misspelled name and two terms in one word are
     * told as that. */
    if (sv_name_equal(note->name, SV_SPF_SES) || sv_spf_is_near_ses(note->term) ||
        (note->depth == 1 && sv_spf_gap(note->term->text) > 0))
        return;
    sv_line_init(&found_line, found, sizeof(found));
    sv_line_init(&why_line, why, sizeof(why));
    if (finding.code == SV_F_SPF_INCLUDE_ERROR)
        sv_line_add(&found_line, tell_why(note, &why_line));
    else if (finding.code == SV_F_SPF_INCLUDE_LOOP)
        add_path(note, &found_line);
    else if (finding.code == SV_F_SPF_MX_TOO_MANY)
        sv_line_add_shown(&found_line, note->term->text);
    else
        sv_line_add(&found_line, note->name);
    finding.number = note->trouble == SV_SPF_MX_MANY ? (uint32_t)note->number : 0;
    finding.found = (struct sv_span){.text = found, .len = found_line.len};
    finding.fact =
        note->trouble == SV_SPF_LOOP ? it->fact : look(it->judge, note->name, note->type);
    finding.harmless = it->for_ses != SV_SPF_PERMERROR;
    tour->looped = tour->looped || note->trouble == SV_SPF_LOOP;
    it->explained = it->explained || !finding.harmless;
    if (!is_told(it->judge, finding.code, found))
        sv_spf_find(it, &finding);
}

/* "include:a (4), include:b (3)": where the look-ups go. */
static void add_largest(const struct sv_spf_tree *tree, struct sv_line *out)
{
    bool shown[SV_SPF_NODES_MAX] = {false};

    for (size_t n = 0; n < BRANCHES_SHOWN; n++) {
        size_t best = 0;
        for (size_t i = 1; i < tree->nodes_count; i++) {
            if (tree->nodes[i].depth == 1 && !shown[i] &&
                (best == 0 || tree->nodes[i].lookups > tree->nodes[best].lookups))
                best = i;
        }
        if (best == 0)
            return;
        shown[best] = true;
        sv_line_add(out, n > 0 ? ", " : "");
        sv_line_add(out, tree->nodes[best].term);
        sv_line_add(out, " (");
        sv_line_add_number(out, tree->nodes[best].lookups);
        sv_line_add(out, ")");
    }
}

static void judge_lookups(struct tour *tour)
{
    const struct sv_spf_tree *tree = tour->walk.tree;
    char largest[SV_FINDING_VALUE_BYTES];
    struct sv_line line;
    struct sv_spf_finding finding = {.code = SV_F_SPF_NEAR_LOOKUP_LIMIT,
                                     .number = tree->lookups_worst};

    if (tree->lookups_worst < SV_SPF_LOOKUPS_MAX - 1 || tour->looped)
        return; /* a loop has no end that could be counted */
    sv_line_init(&line, largest, sizeof(largest));
    add_largest(tree, &line);
    finding.found = (struct sv_span){.text = largest, .len = line.len};
    if (tree->lookups_worst > SV_SPF_LOOKUPS_MAX) {
        finding.code = SV_F_SPF_TOO_MANY_LOOKUPS;
        finding.harmless = tree->lookups_used <= SV_SPF_LOOKUPS_MAX;
        tour->it->explained = tour->it->explained || !finding.harmless;
    }
    sv_spf_find(tour->it, &finding);
}

static void judge_voids(struct tour *tour)
{
    struct sv_spf_tree *tree = tour->walk.tree;
    char names[SV_FINDING_VALUE_BYTES];
    struct sv_line line;
    struct sv_spf_finding finding = {.code = SV_F_SPF_TOO_MANY_VOID_LOOKUPS};

    sv_line_init(&line, names, sizeof(names));
    for (size_t i = 1; i < tree->nodes_count; i++) {
        enum sv_dns_outcome outcome = tree->nodes[i].outcome;
        if (outcome != SV_DNS_NXDOMAIN && outcome != SV_DNS_NODATA)
            continue;
        if (sv_name_equal(tree->nodes[i].name, SV_SPF_SES))
            continue;
        sv_line_add(&line, tree->voids++ > 0 ? ", " : "");
        sv_line_add(&line, tree->nodes[i].name);
    }
    if (tree->voids <= SV_SPF_VOIDS_MAX)
        return;
    finding.found = (struct sv_span){.text = names, .len = line.len};
    finding.number = tree->voids;
    finding.harmless = tour->voids_used <= SV_SPF_VOIDS_MAX;
    tour->it->explained = tour->it->explained || !finding.harmless;
    sv_spf_find(tour->it, &finding);
}

/* An include of the own record that stands there, or below it, a second time. */
static bool is_include(const struct sv_spf_node *node)
{
    return node->name[0] != '\0' && sv_span_holds(sv_span_of(node->term), "include:");
}

static void judge_duplicates(struct tour *tour)
{
    const struct sv_spf_tree *tree = tour->walk.tree;

    for (size_t i = 1; i < tree->nodes_count; i++) {
        const struct sv_spf_node *node = &tree->nodes[i];
        struct sv_spf_finding finding = {.code = SV_F_SPF_DUPLICATE_INCLUDE,
                                         .found = sv_span_of(node->name)};
        bool again = false;
        if (node->depth != 1 || !is_include(node))
            continue;
        if (tour->it->for_ses != SV_SPF_PASS && sv_name_equal(node->name, SV_SPF_SES))
            continue; /* what keeps SES out is told */
        for (size_t j = 1; j < tree->nodes_count && !again; j++)
            again = j != i && is_include(&tree->nodes[j]) &&
                    sv_name_equal(tree->nodes[j].name, node->name);
        if (again && !is_told(tour->it->judge, finding.code, node->name))
            sv_spf_find(tour->it, &finding);
    }
}

void sv_judge_spf_tree(struct sv_spf_subject *it, struct sv_span record)
{
    struct ses ses = {.by_range = false};
    struct tour tour = {.it = it};
    struct sv_report *out = it->judge->out;

    tour.walk.source = (struct sv_spf_source){.ask = ask, .context = &tour};
    tour.walk.tree = out != NULL ? &out->spf : NULL;
    sv_spf_walk(&tour.walk, it->owner, record);
    it->for_ses = evaluate(&tour, &ses);
    if (out == NULL)
        return;
    out->spf.for_ses = it->for_ses;
    if (tour.walk.troubles > 0) {
        /* Once more, to tell what is wrong: how much that matters is known now. */
        tour.walk.tree = NULL;
        tour.walk.note = on_note;
        tour.walk.context = &tour;
        sv_spf_walk(&tour.walk, it->owner, record);
        tour.walk.tree = &out->spf;
    }
    tell_silent(&tour);
    judge_lookups(&tour);
    judge_voids(&tour);
    judge_duplicates(&tour);
}
