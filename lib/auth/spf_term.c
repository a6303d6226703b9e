#include "spf_term.h"

#include <string.h>

#include "spf_macro.h"

const char *sv_spf_fault_text(enum sv_spf_fault fault)
{
    switch (fault) {
    case SV_SPF_GOOD:
        return "";
    case SV_SPF_FAULT_NAME:
        return "it is not an SPF term";
    case SV_SPF_FAULT_ADDRESS:
        return "it is not an address";
    case SV_SPF_FAULT_PREFIX:
        return "the prefix length is not valid";
    case SV_SPF_FAULT_DOMAIN:
        return "it does not end in a domain name";
    case SV_SPF_FAULT_MACRO:
        return "the macro is not valid";
    case SV_SPF_FAULT_OCTET:
        return "it holds a character that is not allowed";
    case SV_SPF_FAULT_EMPTY:
        return "its value is missing";
    case SV_SPF_FAULT_ARGUMENT:
        return "it takes no such value";
    case SV_SPF_FAULT_SIGN:
        return "no sign may stand before it";
    case SV_SPF_FAULT_TWICE:
        return "it stands more than once";
    }
    return "";
}

struct known {
    const char *name;
    enum sv_spf_kind kind;
};

static const struct known mechanisms[] = {
    {"all", SV_SPF_ALL}, {"include", SV_SPF_INCLUDE_OF},
    {"a", SV_SPF_A},     {"mx", SV_SPF_MX},
    {"ptr", SV_SPF_PTR}, {"ip4", SV_SPF_IP4},
    {"ip6", SV_SPF_IP6}, {"exists", SV_SPF_EXISTS},
};

static enum sv_spf_kind mechanism_of(struct sv_span name)
{
    for (size_t i = 0; i < sizeof(mechanisms) / sizeof(*mechanisms); i++) {
        if (sv_span_equals(name, mechanisms[i].name))
            return mechanisms[i].kind;
    }
    return SV_SPF_OTHER;
}

/* name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." ) */
static size_t name_len(struct sv_span text)
{
    size_t len = 0;

    while (len < text.len &&
           (sv_char_is_alpha(text.text[len]) ||
            (len > 0 && (sv_char_is_digit(text.text[len]) || text.text[len] == '-' ||
                         text.text[len] == '_' || text.text[len] == '.'))))
        len++;
    return len;
}

static struct sv_span after(struct sv_span text, size_t len)
{
    return (struct sv_span){.text = text.text + len, .len = text.len - len};
}

/* Takes `slash` and digits off the end, where they are. */
static enum sv_spf_fault take_prefix(struct sv_span *rest, const char *slash, unsigned most,
                                     unsigned *prefix)
{
    size_t slash_len = strlen(slash);
    size_t digits = 0;
    unsigned value = 0;
    const char *first;

    while (digits < rest->len && sv_char_is_digit(rest->text[rest->len - 1 - digits]))
        digits++;
    first = rest->text + rest->len - digits;
    if (digits == 0 || rest->len < digits + slash_len ||
        memcmp(first - slash_len, slash, slash_len) != 0)
        return SV_SPF_GOOD;
    for (size_t i = 0; i < digits && value <= most; i++)
        value = value * 10 + (unsigned)(first[i] - '0');
    rest->len -= digits + slash_len;
    if (value > most || (digits > 1 && *first == '0'))
        return SV_SPF_FAULT_PREFIX;
    *prefix = value;
    return SV_SPF_GOOD;
}

/* What follows a mechanism's name, `rest`, as ":" domain-spec. */
static enum sv_spf_fault read_domain(struct sv_spf_term *term, struct sv_span rest)
{
    if (rest.len > 0 && *rest.text != ':')
        return SV_SPF_FAULT_ARGUMENT;
    if (rest.len < 2)
        return SV_SPF_FAULT_EMPTY;
    term->domain = after(rest, 1);
    return sv_spf_domain_fault(term->domain);
}

static enum sv_spf_fault read_host(struct sv_spf_term *term, struct sv_span rest)
{
    enum sv_spf_fault fault = take_prefix(&rest, "//", 128, &term->prefix6);

    if (fault == SV_SPF_GOOD)
        fault = take_prefix(&rest, "/", 32, &term->prefix4);
    if (fault != SV_SPF_GOOD || rest.len == 0)
        return fault;
    return read_domain(term, rest);
}

static enum sv_spf_fault read_network(struct sv_spf_term *term, struct sv_span rest)
{
    bool is_v6 = term->kind == SV_SPF_IP6;
    enum sv_spf_fault fault =
        take_prefix(&rest, "/", is_v6 ? 128 : 32, is_v6 ? &term->prefix6 : &term->prefix4);

    if (fault != SV_SPF_GOOD)
        return fault;
    if (rest.len < 2 || *rest.text != ':')
        return SV_SPF_FAULT_EMPTY;
    rest = after(rest, 1);
    if (is_v6 ? sv_ip6_parse(rest, &term->network) : sv_ip4_parse(rest, &term->network))
        return SV_SPF_GOOD;
    return SV_SPF_FAULT_ADDRESS;
}

static enum sv_spf_fault read_mechanism(struct sv_spf_term *term, struct sv_span name,
                                        struct sv_span rest)
{
    if (rest.len > 0 && *rest.text != ':' && *rest.text != '/')
        return SV_SPF_FAULT_NAME;
    term->kind = mechanism_of(name);
    switch (term->kind) {
    case SV_SPF_ALL:
        return rest.len == 0 ? SV_SPF_GOOD : SV_SPF_FAULT_ARGUMENT;
    case SV_SPF_INCLUDE_OF:
    case SV_SPF_EXISTS:
        return read_domain(term, rest);
    case SV_SPF_A:
    case SV_SPF_MX:
        return read_host(term, rest);
    case SV_SPF_PTR:
        return rest.len == 0 ? SV_SPF_GOOD : read_domain(term, rest);
    case SV_SPF_IP4:
    case SV_SPF_IP6:
        return read_network(term, rest);
    case SV_SPF_OTHER:
    case SV_SPF_REDIRECT:
    case SV_SPF_EXP:
    case SV_SPF_MODIFIER:
        return SV_SPF_FAULT_NAME;
    }
    return SV_SPF_FAULT_NAME;
}

/* The names of known modifiers do not fall back to unknown ones when their value is wrong. */
static enum sv_spf_fault read_modifier(struct sv_spf_term *term, struct sv_span name,
                                       struct sv_span value)
{
    term->kind = SV_SPF_MODIFIER;
    term->domain = value;
    if (sv_span_equals(name, "redirect"))
        term->kind = SV_SPF_REDIRECT;
    else if (sv_span_equals(name, "exp"))
        term->kind = SV_SPF_EXP;
    if (term->kind == SV_SPF_MODIFIER)
        return sv_spf_macro_fault(value, SV_SPF_IN_EXPLANATION);
    return value.len > 0 ? sv_spf_domain_fault(value) : SV_SPF_FAULT_EMPTY;
}

void sv_spf_term_parse(struct sv_span word, struct sv_spf_term *term)
{
    bool has_sign = word.len > 0 && sv_char_is_in(*word.text, "+-~?");
    struct sv_span name;
    struct sv_span rest;

    *term = (struct sv_spf_term){.text = word, .qualifier = '+', .prefix4 = 32, .prefix6 = 128};
    if (has_sign) {
        term->qualifier = *word.text;
        word = after(word, 1);
    }
    name = (struct sv_span){.text = word.text, .len = name_len(word)};
    rest = after(word, name.len);
    if (name.len > 0 && rest.len > 0 && *rest.text == '=') {
        term->fault = read_modifier(term, name, after(rest, 1));
        if (has_sign)
            term->fault = SV_SPF_FAULT_SIGN;
    } else {
        term->fault = read_mechanism(term, name, rest);
    }
}

bool sv_spf_next(struct sv_span *rest, struct sv_spf_term *term)
{
    struct sv_span word;

    do {
        if (!sv_span_word(rest, &word))
            return false;
    } while (sv_span_equals(word, "v=spf1"));
    sv_spf_term_parse(word, term);
    return true;
}

bool sv_spf_term_is_lookup(const struct sv_spf_term *term)
{
    switch (term->kind) {
    case SV_SPF_INCLUDE_OF:
    case SV_SPF_A:
    case SV_SPF_MX:
    case SV_SPF_PTR:
    case SV_SPF_EXISTS:
    case SV_SPF_REDIRECT:
        return true;
    case SV_SPF_OTHER:
    case SV_SPF_ALL:
    case SV_SPF_IP4:
    case SV_SPF_IP6:
    case SV_SPF_EXP:
    case SV_SPF_MODIFIER:
        return false;
    }
    return false;
}

void sv_spf_outline(struct sv_span record, struct sv_spf_outline *out)
{
    struct sv_spf_term term;

    memset(out, 0, sizeof(*out));
    while (sv_spf_next(&record, &term)) {
        struct sv_span *once = term.kind == SV_SPF_REDIRECT ? &out->redirect
                               : term.kind == SV_SPF_EXP    ? &out->exp
                                                            : NULL;
        if (once != NULL && once->text != NULL)
            term.fault = SV_SPF_FAULT_TWICE;
        if (once != NULL && once->text == NULL)
            *once = term.domain;
        if (term.kind == SV_SPF_REDIRECT && out->redirect_term.text == NULL)
            out->redirect_term = term.text;
        if (term.fault != SV_SPF_GOOD && out->fault == SV_SPF_GOOD) {
            out->fault = term.fault;
            out->bad = term;
        }
        out->has_all = out->has_all || term.kind == SV_SPF_ALL;
    }
}
