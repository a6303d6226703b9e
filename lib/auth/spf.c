#include "spf.h"

#include <string.h>

#include "sv/spf_tree.h"

#include "near.h"
#include "records_parts.h"

const char *sv_spf_result_name(enum sv_spf_result result)
{
    switch (result) {
    case SV_SPF_UNDECIDED:
        return "undecided";
    case SV_SPF_NONE:
        return "none";
    case SV_SPF_NEUTRAL:
        return "neutral";
    case SV_SPF_PASS:
        return "pass";
    case SV_SPF_FAIL:
        return "fail";
    case SV_SPF_SOFTFAIL:
        return "softfail";
    case SV_SPF_TEMPERROR:
        return "temperror";
    case SV_SPF_PERMERROR:
        return "permerror";
    }
    return "undecided";
}

static const char version[] = "v=spf1";

bool sv_spf_is_record(struct sv_span text)
{
    return sv_span_starts(text, version) &&
           (text.len == strlen(version) || text.text[strlen(version)] == ' ');
}

size_t sv_spf_select(const struct sv_span *texts, size_t texts_count, struct sv_span *record)
{
    size_t count = 0;

    for (size_t i = 0; i < texts_count; i++) {
        if (sv_spf_is_record(texts[i]) && count++ == 0)
            *record = texts[i];
    }
    return count;
}

bool sv_spf_name(struct sv_span octets, char out[SV_NAME_BYTES])
{
    struct sv_line line;
    size_t label = 0;
    size_t dots = 0;

    sv_line_init(&line, out, SV_NAME_BYTES);
    if (octets.len > 0 && octets.text[octets.len - 1] == '.')
        octets.len--;
    for (size_t i = 0; i < octets.len; i++) {
        unsigned octet = (unsigned char)octets.text[i];
        char escaped[4] = {'\\', (char)('0' + octet / 100), (char)('0' + octet / 10 % 10),
                           (char)('0' + octet % 10)};
        bool is_odd = octet <= ' ' || octet > '~' || octet == '\\';
        if (octet == '.' ? label == 0 : label == SV_LABEL_MAX)
            return false;
        label = octet == '.' ? 0 : label + 1;
        dots += octet == '.' ? 1 : 0;
        sv_line_add_bytes(&line, is_odd ? escaped : &octets.text[i], is_odd ? 4 : 1);
    }
    return label > 0 && dots > 0 && !line.cut;
}

bool sv_spf_is_malformed(struct sv_span text)
{
    struct sv_span rest = sv_span_trim(text);
    struct sv_span word;

    if (sv_spf_is_record(text))
        return false;
    if (sv_span_starts(rest, "v=spf"))
        return true;
    return sv_span_word(&rest, &word) && sv_near(word, sv_span_of(version));
}

bool sv_spf_is_ses(struct sv_span domain)
{
    if (domain.len > 0 && domain.text[domain.len - 1] == '.')
        domain.len--;
    return sv_span_equals(domain, SV_SPF_SES);
}

enum sv_tri sv_spf_includes_ses(struct sv_span record)
{
    struct sv_spf_outline outline;
    struct sv_spf_term term;

    sv_spf_outline(record, &outline);
    if (outline.fault != SV_SPF_GOOD)
        return SV_TRI_NO;
    while (sv_spf_next(&record, &term) && term.kind != SV_SPF_ALL && term.qualifier == '+') {
        if (term.kind == SV_SPF_INCLUDE_OF && sv_spf_is_ses(term.domain))
            return SV_TRI_YES;
    }
    return SV_TRI_UNKNOWN;
}

/* Names that people write for it and that are more than a typing error away. */
static const char *const wrong_names[] = {"amazon-ses.com", "amazon.ses.com", "ses.amazonaws.com",
                                          "amazonses.net", "amazonses.org"};

bool sv_spf_is_near_ses(const struct sv_spf_term *term)
{
    struct sv_span text = term->text;

    if (term->kind == SV_SPF_INCLUDE_OF) {
        if (sv_spf_is_ses(term->domain))
            return false;
        for (size_t i = 0; i < sizeof(wrong_names) / sizeof(*wrong_names); i++) {
            if (sv_span_equals(term->domain, wrong_names[i]))
                return true;
        }
        return sv_near(sv_span_trim(term->domain), sv_span_of(SV_SPF_SES));
    }
    if (term->kind != SV_SPF_OTHER && term->kind != SV_SPF_MODIFIER)
        return false;
    /* "include=amazonses.com", "incldue:amazonses.com", and a blank after the colon. */
    if (sv_span_equals(text, SV_SPF_SES) || sv_near(text, sv_span_of(SV_SPF_INCLUDE)))
        return true;
    return false;
}

enum { WORD_OCTETS_MAX = 512 }; /* longer words are no terms that were glued by mistake */

static bool begins_a_term(struct sv_span text)
{
    static const char *const fronts[] = {
        "include:", "ip4:", "ip6:", "a:", "mx:", "exists:", "redirect=", "exp=", "ptr:"};

    if (text.len == 4 && sv_char_is_in(*text.text, "+-~?"))
        text = (struct sv_span){.text = text.text + 1, .len = 3};
    else if (sv_span_equals(text, "all"))
        return false; /* "overall" is no two terms; a sign must tell */
    if (sv_span_equals(text, "all"))
        return true;
    for (size_t i = 0; i < sizeof(fronts) / sizeof(*fronts); i++) {
        if (sv_span_starts(text, fronts[i]))
            return true;
    }
    return false;
}

size_t sv_spf_gap(struct sv_span word)
{
    for (size_t at = 1; word.len <= WORD_OCTETS_MAX && at < word.len; at++) {
        struct sv_span front = {.text = word.text, .len = at};
        struct sv_span back = {.text = word.text + at, .len = word.len - at};
        struct sv_spf_term term;
        /* The first octets of all that begins_a_term knows: nearly every other place ends here. */
        if (!sv_char_is_in(sv_char_lower(*back.text), "+-~?aeimpr") || !begins_a_term(back))
            continue;
        sv_spf_term_parse(front, &term);
        if (term.fault == SV_SPF_GOOD && term.kind != SV_SPF_MODIFIER)
            return at;
    }
    return 0;
}

static void add_term(struct sv_line *out, const char *prefix, struct sv_span text)
{
    sv_line_add(out, " ");
    sv_line_add(out, prefix);
    sv_line_add_bytes(out, text.text, text.len);
}

bool sv_spf_suggest(struct sv_span record, struct sv_line *out)
{
    struct sv_spf_term term;
    bool included = false;
    bool ended = false;

    sv_line_add(out, version);
    while (sv_spf_next(&record, &term)) {
        bool is_ses = term.kind == SV_SPF_INCLUDE_OF && sv_spf_is_ses(term.domain);
        bool is_half = sv_span_equals(term.text, "include:"); /* its name was lost to a blank */
        if (is_ses || is_half || sv_spf_is_near_ses(&term) || (ended && term.kind == SV_SPF_ALL))
            continue;
        /* Behind a term that refuses, SES might be refused already. */
        if (!included &&
            (term.kind == SV_SPF_ALL || term.kind == SV_SPF_REDIRECT || term.qualifier != '+')) {
            add_term(out, SV_SPF_INCLUDE, sv_span_of(""));
            included = true;
        }
        if (term.kind == SV_SPF_ALL && term.qualifier == '+')
            add_term(out, "~all", sv_span_of(""));
        else
            add_term(out, "", term.text);
        ended = ended || term.kind == SV_SPF_ALL;
    }
    if (!included)
        add_term(out, SV_SPF_INCLUDE, sv_span_of(""));
    return !out->cut;
}

bool sv_spf_repair(struct sv_span text, struct sv_line *out)
{
    struct sv_span rest = sv_span_trim(text);
    struct sv_spf_outline outline;
    struct sv_span word;

    if (sv_span_starts(rest, version))
        rest = (struct sv_span){rest.text + strlen(version), rest.len - strlen(version)};
    else
        (void)sv_span_word(&rest, &word); /* the version, as it was written */
    sv_spf_outline(rest, &outline);
    return outline.fault == SV_SPF_GOOD && sv_spf_suggest(rest, out);
}

/* Whether one of the words so far is `prefix` with `text` behind it. */
static bool holds_word(const struct sv_line *line, const char *prefix, struct sv_span text)
{
    struct sv_span rest = {.text = line->text, .len = line->len};
    size_t prefix_len = strlen(prefix);
    struct sv_span word;

    while (sv_span_word(&rest, &word)) {
        if (word.len == prefix_len + text.len && memcmp(word.text, prefix, prefix_len) == 0 &&
            memcmp(word.text + prefix_len, text.text, text.len) == 0)
            return true;
    }
    return false;
}

/* A record that several become. */
struct merged {
    struct sv_line *out;
    bool has_exp, included;
};

static void include_ses(struct merged *merged)
{
    if (!merged->included)
        add_term(merged->out, SV_SPF_INCLUDE, sv_span_of(""));
    merged->included = true;
}

/* Adds the terms of one record that the merged one needs, each once: what is not valid would break
 * it, SES's include comes before what refuses, all at the end, and behind all nothing counts. True
 * when the record ends in -all. */
static bool merge_record(struct merged *merged, struct sv_span record)
{
    struct sv_line *out = merged->out;
    struct sv_spf_term term;

    while (!out->cut && sv_spf_next(&record, &term)) {
        bool is_redirect = term.kind == SV_SPF_REDIRECT;
        bool is_ses = (term.kind == SV_SPF_INCLUDE_OF || is_redirect) && sv_spf_is_ses(term.domain);
        const char *prefix = is_redirect ? "include:" : ""; /* beside other terms it is one */
        struct sv_span text = is_redirect ? term.domain : term.text;
        if (term.kind == SV_SPF_ALL)
            return term.qualifier == '-';
        if (term.fault != SV_SPF_GOOD || is_ses || (term.kind == SV_SPF_EXP && merged->has_exp) ||
            holds_word(out, prefix, text))
            continue;
        merged->has_exp = merged->has_exp || term.kind == SV_SPF_EXP;
        if (term.qualifier != '+')
            include_ses(merged);
        add_term(out, prefix, text);
    }
    return false;
}

bool sv_spf_merge(const struct sv_span *records, size_t count, struct sv_line *out)
{
    struct merged merged = {.out = out};
    bool all_refuse = true;

    sv_line_add(out, version);
    for (size_t i = 0; i < count && !out->cut; i++)
        all_refuse = merge_record(&merged, records[i]) && all_refuse;
    include_ses(&merged);
    /* Whatever one of them lets pass softly must still pass. */
    add_term(out, all_refuse ? "-all" : "~all", sv_span_of(""));
    return !out->cut;
}
