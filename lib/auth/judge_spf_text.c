/* What the text of an SPF record tells by itself: errors by the grammar and how they came about,
 * dangers, and what keeps SES out. */
#include <string.h>

#include "judge_spf_parts.h"
#include "records_parts.h"
#include "spf.h"
#include "spf_macro.h"

enum { TEXT_OCTETS_FINE = 450 }; /* RFC 7208 section 3.4: the answer should fit 512 octets */

void sv_spf_find(const struct sv_spf_subject *it, const struct sv_spf_finding *what)
{
    char shown[SV_FINDING_VALUE_BYTES];
    struct sv_naming naming = {
        .owner = it->owner, .expected = what->expected, .found = shown, .number = what->number};
    enum sv_severity severity = sv_finding_severity(what->code);
    struct sv_line line;

    /* Without a custom MAIL FROM receivers test SES's own domain, so {d} blocks nothing. */
    if ((!it->at_mail_from || what->harmless) && severity == SV_ERROR)
        severity = SV_WARNING;
    sv_line_init(&line, shown, sizeof(shown));
    sv_line_add_shown(&line, what->found);
    sv_judge_find(it->judge, what->code, what->fact != NULL ? what->fact : it->fact, severity,
                  &naming);
}

static void find(const struct sv_spf_subject *it, enum sv_finding_code code, const char *expected,
                 struct sv_span found)
{
    sv_spf_find(it, &(struct sv_spf_finding){.code = code, .expected = expected, .found = found});
}

/* "include:" and then a blank. */
static bool is_half(const struct sv_spf_term *term)
{
    char last = term->text.text[term->text.len - 1];

    return term->fault == SV_SPF_FAULT_EMPTY && (last == ':' || last == '=');
}

static void join(const char *text, struct sv_span front, const char *between, struct sv_span back,
                 struct sv_line *line)
{
    sv_line_add(line, text);
    sv_line_add_shown(line, front);
    sv_line_add(line, between);
    sv_line_add_shown(line, back);
}

static enum sv_finding_code code_of(enum sv_spf_fault fault)
{
    switch (fault) {
    case SV_SPF_FAULT_NAME:
        return SV_F_SPF_UNKNOWN_MECHANISM;
    case SV_SPF_FAULT_ADDRESS:
    case SV_SPF_FAULT_PREFIX:
        return SV_F_SPF_IP_INVALID;
    case SV_SPF_FAULT_TWICE:
        return SV_F_SPF_DUPLICATE_MODIFIER;
    case SV_SPF_FAULT_DOMAIN:
    case SV_SPF_FAULT_MACRO:
    case SV_SPF_FAULT_OCTET:
    case SV_SPF_FAULT_EMPTY:
    case SV_SPF_FAULT_ARGUMENT:
    case SV_SPF_FAULT_SIGN:
        return SV_F_SPF_SYNTAX_ERROR;
    case SV_SPF_GOOD:
        return SV_F_NONE;
    }
    return SV_F_NONE;
}

/* The name of a modifier, with its "=". */
static struct sv_span name_of(struct sv_span text)
{
    const char *equals = memchr(text.text, '=', text.len);

    if (equals != NULL)
        text.len = (size_t)(equals + 1 - text.text);
    return text;
}

/* A term that is not valid, or that hides two. `rest` is what follows it: a name that was lost to a
 * blank is taken from there. Returns true when it told something. */
static bool judge_fault(struct sv_spf_subject *it, const struct sv_spf_term *term,
                        struct sv_span *rest)
{
    char expected[SV_FINDING_VALUE_BYTES];
    struct sv_line line;
    size_t gap = sv_spf_gap(term->text);
    struct sv_span next;

    sv_line_init(&line, expected, sizeof(expected));
    if (gap > 0) {
        join("", (struct sv_span){.text = term->text.text, .len = gap}, " ",
             (struct sv_span){.text = term->text.text + gap, .len = term->text.len - gap}, &line);
        find(it, SV_F_SPF_CHUNK_GAP, expected, term->text);
        return true;
    }
    if (is_half(term) && sv_span_word(rest, &next)) {
        struct sv_span both = {.text = term->text.text,
                               .len = (size_t)(next.text + next.len - term->text.text)};
        join("", term->text, "", next, &line);
        find(it, SV_F_SPF_SPACE_AFTER_COLON, expected, both);
        return true;
    }
    /* What was meant to be SES's include is told by sv_judge_spf_explain. */
    if (term->fault == SV_SPF_GOOD || sv_spf_is_near_ses(term))
        return false;
    sv_line_add(&line, sv_spf_fault_text(term->fault));
    find(it, code_of(term->fault), expected,
         term->fault == SV_SPF_FAULT_TWICE ? name_of(term->text) : term->text);
    return true;
}

static bool is_everyone(const struct sv_spf_term *term)
{
    if (term->fault != SV_SPF_GOOD || term->qualifier != '+')
        return false;
    return term->kind == SV_SPF_ALL || (term->kind == SV_SPF_IP4 && term->prefix4 == 0) ||
           (term->kind == SV_SPF_IP6 && term->prefix6 == 0);
}

/* What has been seen so far of one record. */
struct reading {
    bool has_all, has_redirect, has_exp, has_fault, permissive, told_ptr;
    struct sv_span redirect;
};

static void read_modifier(struct reading *reading, struct sv_spf_term *term)
{
    bool *has = term->kind == SV_SPF_REDIRECT ? &reading->has_redirect : &reading->has_exp;

    if (*has)
        term->fault = SV_SPF_FAULT_TWICE;
    *has = true;
    if (term->kind == SV_SPF_REDIRECT)
        reading->redirect = term->text;
}

static void judge_term(struct sv_spf_subject *it, struct reading *reading, struct sv_spf_term *term,
                       struct sv_span *rest)
{
    bool is_live = !reading->has_all;

    if (term->kind == SV_SPF_REDIRECT || term->kind == SV_SPF_EXP)
        read_modifier(reading, term);
    if (judge_fault(it, term, rest)) {
        reading->has_fault = true;
        it->explained = true;
        return;
    }
    reading->has_all = reading->has_all || term->kind == SV_SPF_ALL;
    if (is_live && is_everyone(term) && !reading->permissive) {
        reading->permissive = true;
        find(it, SV_F_SPF_ALL_PERMISSIVE, "~all", term->text);
    }
    if (is_live && term->kind == SV_SPF_PTR && !reading->told_ptr) {
        reading->told_ptr = true;
        find(it, SV_F_SPF_PTR_USED, "", term->text);
    }
    /* %{d} and %{o} are known: the envelope has the name that is judged. */
    if (is_live && sv_spf_term_is_lookup(term) && sv_spf_macro_uses(term->domain, "slhpiv"))
        find(it, SV_F_SPF_MACRO_UNRESOLVED, "", term->text);
}

bool sv_judge_spf_text(struct sv_spf_subject *it, struct sv_span record)
{
    struct reading reading = {.has_all = false};
    struct sv_span rest = record;
    struct sv_spf_term term;

    while (sv_spf_next(&rest, &term))
        judge_term(it, &reading, &term, &rest);
    if (reading.has_all && reading.has_redirect)
        find(it, SV_F_SPF_REDIRECT_IGNORED, "", reading.redirect);
    /* An error may hide the end of the record. */
    if (!reading.has_all && !reading.has_redirect && !reading.has_fault)
        find(it, SV_F_SPF_ALL_MISSING, "~all", record);
    if (record.len > TEXT_OCTETS_FINE)
        sv_spf_find(it, &(struct sv_spf_finding){.code = SV_F_SPF_TOO_LARGE,
                                                 .number = (uint32_t)record.len});
    return reading.permissive;
}

/* The mistake that keeps SES out, where one is seen. */
struct slip {
    enum sv_finding_code code;
    struct sv_span term;
};

static void note_slip(struct slip *slip, enum sv_finding_code code, struct sv_span term)
{
    if (slip->code == SV_F_NONE)
        *slip = (struct slip){.code = code, .term = term};
}

static struct slip find_slip(struct sv_span record)
{
    struct slip slip = {.code = SV_F_NONE};
    struct sv_spf_term term;
    bool has_all = false;

    while (sv_spf_next(&record, &term)) {
        bool is_ses = term.kind == SV_SPF_INCLUDE_OF && sv_spf_is_ses(term.domain);
        if (is_ses && has_all)
            note_slip(&slip, SV_F_SPF_SES_AFTER_ALL, term.text);
        else if (is_ses && term.qualifier != '+')
            note_slip(&slip, SV_F_SPF_SES_WRONG_QUALIFIER, term.text);
        else if (sv_spf_is_near_ses(&term))
            note_slip(&slip, SV_F_SPF_SES_MISSPELLED, term.text);
        has_all = has_all || term.kind == SV_SPF_ALL;
    }
    return slip;
}

void sv_judge_spf_explain(const struct sv_spf_subject *it, struct sv_span record)
{
    struct slip slip = find_slip(record);
    char suggestion[SV_FINDING_VALUE_BYTES];
    struct sv_line line;
    const char *expected = suggestion;

    sv_line_init(&line, suggestion, sizeof(suggestion));
    if (!sv_spf_suggest(record, &line))
        expected = SV_SPF_INCLUDE; /* half a record would do harm when it is pasted */
    if (it->explained)
        return; /* why the record fails is told, and repairing that comes first */
    if (slip.code != SV_F_NONE)
        find(it, slip.code, expected, slip.code == SV_F_SPF_SES_AFTER_ALL ? record : slip.term);
    else
        find(it, it->at_mail_from ? SV_F_MAILFROM_SPF_NO_SES : SV_F_SPF_SES_NOT_INCLUDED, expected,
             record);
}
