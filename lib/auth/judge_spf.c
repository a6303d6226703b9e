/* Does the SPF record let Amazon SES send? Read from the text: the include of SES before the first
 * all, directly or within two steps of include and redirect. A record that allows SES's addresses
 * by other means (macros, or more steps than we follow) is undecided, never wrong. */
#include <string.h>

#include "judge_parts.h"
#include "records_parts.h"
#include "spf.h"
#include "spf_eval.h"

enum { DEPTH_MAX = 2, STEPS_MAX = 32 };

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

/* One walk through the tree of includes. A hostile tree could branch without end, so the steps of a
 * walk are counted, whether they lead to new names or not. */
struct walk {
    struct sv_judge *judge;
    unsigned steps;
    const struct sv_fact *silent; /* the first name whose servers failed */
};

static enum sv_tri allows(struct walk *walk, struct sv_span record, unsigned depth);

static bool has_macro(struct sv_span text)
{
    return memchr(text.text, '%', text.len) != NULL;
}

/* Does the record at `domain`, `depth` steps away from the client's, let SES send? */
static enum sv_tri allows_at(struct walk *walk, struct sv_span domain, unsigned depth)
{
    char name[SV_NAME_BYTES];
    const struct sv_fact *fact;
    struct choice choice;

    if (sv_spf_is_ses(domain))
        return SV_TRI_YES;
    if (has_macro(domain) || depth > DEPTH_MAX || ++walk->steps > STEPS_MAX)
        return SV_TRI_UNKNOWN;
    if (!sv_spf_name(domain, name))
        return SV_TRI_NO;
    fact = sv_judge_look(walk->judge, name, SV_RR_TXT, &walk->judge->spf_looks, SV_SPF_LOOKS_MAX);
    if (!sv_fact_known(fact)) {
        if (walk->silent == NULL && fact->trouble != SV_DNS_NO_TROUBLE)
            walk->silent = fact;
        return SV_TRI_UNKNOWN;
    }
    if (fact->incomplete)
        return SV_TRI_UNKNOWN;
    choice = choose(fact);
    return choice.count == 1 ? allows(walk, choice.records[0], depth) : SV_TRI_NO;
}

/* Does this mechanism match SES's addresses? */
static enum sv_tri matches(struct walk *walk, const struct sv_spf_term *term, unsigned depth)
{
    switch (term->kind) {
    case SV_SPF_ALL:
        return SV_TRI_YES;
    case SV_SPF_INCLUDE_OF:
        if (sv_spf_is_near_ses(term))
            return SV_TRI_NO; /* whoever owns that name, it is not SES */
        return allows_at(walk, term->domain, depth + 1);
    case SV_SPF_EXISTS:
        return has_macro(term->domain) ? SV_TRI_UNKNOWN : SV_TRI_NO;
    case SV_SPF_REDIRECT:
    case SV_SPF_OTHER:
    case SV_SPF_A:
    case SV_SPF_MX:
    case SV_SPF_PTR:
    case SV_SPF_IP4:
    case SV_SPF_IP6:
    case SV_SPF_EXP:
    case SV_SPF_MODIFIER:
        return SV_TRI_NO;
    }
    return SV_TRI_UNKNOWN;
}

/* Left to right, the first match decides (RFC 7208 section 4.7). Terms that may match SES's
 * addresses but cannot be decided here make a later "no" undecided, and those that would refuse
 * also a later "yes". */
static enum sv_tri allows(struct walk *walk, struct sv_span record, unsigned depth)
{
    struct sv_spf_term term;
    struct sv_span redirect = {.text = NULL};
    enum sv_tri yes = SV_TRI_YES;
    enum sv_tri no = SV_TRI_NO;
    enum sv_tri beyond;

    while (sv_spf_next(&record, &term)) {
        enum sv_tri match = matches(walk, &term, depth);
        if (term.kind == SV_SPF_REDIRECT)
            redirect = term.domain;
        if (match == SV_TRI_YES)
            return term.qualifier == '+' ? yes : no;
        if (match == SV_TRI_UNKNOWN && term.qualifier == '+')
            no = SV_TRI_UNKNOWN;
        if (match == SV_TRI_UNKNOWN && term.qualifier != '+')
            yes = SV_TRI_UNKNOWN;
    }
    if (redirect.text == NULL)
        return no;
    beyond = allows_at(walk, redirect, depth + 1);
    return beyond == SV_TRI_YES ? yes : beyond == SV_TRI_NO ? no : SV_TRI_UNKNOWN;
}

/* What the terms of the client's own record say without asking anybody. */
struct own {
    bool included; /* +include:amazonses.com before the first all */
    bool refused;  /* the same with another sign, which then decides */
    bool doubtful; /* before these, a term that may refuse SES */
    bool has_all, has_redirect;
    bool permissive;
    struct sv_span permissive_term;
    enum sv_finding_code slip; /* the mistake that keeps SES out, where one is seen */
    struct sv_span slip_term;
};

static void note_slip(struct own *own, enum sv_finding_code code, struct sv_span term)
{
    if (own->slip != SV_F_NONE)
        return;
    own->slip = code;
    own->slip_term = term;
}

static void read_term(struct own *own, const struct sv_spf_term *term)
{
    bool is_ses = term->kind == SV_SPF_INCLUDE_OF && sv_spf_is_ses(term->domain);
    bool open = term->kind == SV_SPF_ALL || sv_span_equals(term->text, "ip4:0.0.0.0/0") ||
                sv_span_equals(term->text, "+ip4:0.0.0.0/0");

    if (is_ses && own->has_all)
        note_slip(own, SV_F_SPF_SES_AFTER_ALL, term->text);
    else if (is_ses && term->qualifier != '+')
        note_slip(own, SV_F_SPF_SES_WRONG_QUALIFIER, term->text);
    else if (sv_spf_is_near_ses(term))
        note_slip(own, SV_F_SPF_SES_MISSPELLED, term->text);
    if (is_ses && !own->has_all && !own->included && !own->refused) {
        own->included = term->qualifier == '+' && !own->doubtful;
        own->refused = term->qualifier != '+';
    }
    own->doubtful =
        own->doubtful || (!is_ses && term->qualifier != '+' &&
                          (term->kind == SV_SPF_INCLUDE_OF || term->kind == SV_SPF_EXISTS));
    if (open && term->qualifier == '+' && !own->has_all && !own->permissive) {
        own->permissive = true;
        own->permissive_term = term->text;
    }
    own->has_all = own->has_all || term->kind == SV_SPF_ALL;
    own->has_redirect = own->has_redirect || term->kind == SV_SPF_REDIRECT;
}

static struct own read_own(struct sv_span record)
{
    struct own own = {0};
    struct sv_spf_term term;

    while (sv_spf_next(&record, &term))
        read_term(&own, &term);
    return own;
}

/* One SPF record being judged, at {d} or at {m}. */
struct subject {
    struct sv_judge *judge;
    const struct sv_fact *fact;
    const char *owner;
    bool at_mail_from;
};

static void find(const struct subject *it, enum sv_finding_code code, const char *expected,
                 struct sv_span found)
{
    char shown[SV_FINDING_VALUE_BYTES];
    struct sv_naming naming = {.owner = it->owner, .expected = expected, .found = shown};
    enum sv_severity severity = sv_finding_severity(code);
    struct sv_line line;

    /* Without a custom MAIL FROM receivers test SES's own domain, so {d} blocks nothing. */
    if (!it->at_mail_from && severity == SV_ERROR)
        severity = SV_WARNING;
    sv_line_init(&line, shown, sizeof(shown));
    sv_line_add_shown(&line, found);
    sv_judge_find(it->judge, code, it->fact, severity, &naming);
}

/* SES is not let in: names the mistake where one is seen, and the record that would be right. */
static void explain(const struct subject *it, struct sv_span record, const struct own *own)
{
    char suggestion[SV_FINDING_VALUE_BYTES];
    struct sv_line line;
    const char *expected = suggestion;

    sv_line_init(&line, suggestion, sizeof(suggestion));
    if (!sv_spf_suggest(record, &line))
        expected = SV_SPF_INCLUDE; /* half a record would do harm when it is pasted */
    if (own->slip == SV_F_SPF_SES_MISSPELLED || own->slip == SV_F_SPF_SES_WRONG_QUALIFIER)
        find(it, own->slip, SV_SPF_INCLUDE, own->slip_term);
    else if (own->slip != SV_F_NONE)
        find(it, own->slip, expected, record);
    else
        find(it, it->at_mail_from ? SV_F_MAILFROM_SPF_NO_SES : SV_F_SPF_SES_NOT_INCLUDED, expected,
             record);
}

static enum sv_record_status judge_record(const struct subject *it, struct sv_span record)
{
    struct own own = read_own(record);
    struct walk walk = {.judge = it->judge};
    enum sv_tri allowed = SV_TRI_YES;

    if (!own.included) /* nobody else is asked where the record itself says it */
        allowed = allows(&walk, record, 0);
    if (allowed == SV_TRI_UNKNOWN && walk.silent != NULL) {
        struct sv_naming naming = {.owner = walk.silent->name};
        sv_judge_find(it->judge, SV_F_SPF_TEMPERROR, walk.silent, SV_SEVERITY_NONE, &naming);
    }
    if (own.permissive)
        find(it, SV_F_SPF_ALL_PERMISSIVE, "~all", own.permissive_term);
    if (!own.has_all && !own.has_redirect)
        find(it, SV_F_SPF_ALL_MISSING, "~all", record);
    if (allowed == SV_TRI_NO) {
        explain(it, record, &own);
        return SV_RECORD_WRONG;
    }
    if (own.permissive)
        return SV_RECORD_WRONG;
    return allowed == SV_TRI_YES ? SV_RECORD_OK : SV_RECORD_UNKNOWN;
}

/* No SPF record at all, or texts that only look like one. */
static void judge_none(const struct subject *it, const struct choice *choice)
{
    struct sv_span nothing = {.text = ""};

    if (choice->malformed_count > 0)
        find(it, SV_F_SPF_VERSION_MALFORMED, SV_SPF_EXPECTED, choice->malformed);
    else
        find(it, it->at_mail_from ? SV_F_MAILFROM_SPF_MISSING : SV_F_SPF_MISSING, SV_SPF_EXPECTED,
             nothing);
}

/* Several records: receivers use none of them. The advice is one record that says it all. */
static void judge_several(const struct subject *it, const struct choice *choice)
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
    struct subject it = {
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
