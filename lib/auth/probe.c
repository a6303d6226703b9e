/* Absent DKIM aliases are usually not absent but misplaced. The first absent one is looked for at
 * every usual wrong place; only a place that holds it is then asked for the others too, since one
 * mistake is mostly made three times. A hit is an address, a key or our own value, and a sibling
 * label tells whether a wildcard gave it (RFC 4592).
 *
 * What a first look says decides on a second one: an address leads to the question whose it is, an
 * owner without anything to the question whether its provider flattens aliases, and an alias that
 * is at none of the usual places may be in a neighbouring zone. */
#include <string.h>

#include "dkim_key.h"
#include "dkim_parts.h"
#include "near.h"
#include "proxy.h"
#include "records_parts.h"

enum suffix {
    AS_IS,
    BEFORE_ZONE,   /* {d}.{zone} */
    BEFORE_DOMAIN, /* {d}.{d} */
    IN_ZONE,       /* {zone} instead of {d} */
    IN_PARENT,     /* the name above {d}, where that is not the zone */
    IN_WWW,        /* www.{d} */
};

struct place {
    enum sv_finding_code code;
    enum sv_rr_type type;
    const char *before, *between; /* before + token + between + domain, as the suffix has it */
    enum suffix suffix;
};

static const struct place places[] = {
    {SV_F_DKIM_RECORD_AS_TXT, SV_RR_TXT, "", "._domainkey.", AS_IS},
    {SV_F_DKIM_RECORD_AS_A, SV_RR_A, "", "._domainkey.", AS_IS},
    {SV_F_DKIM_CNAME_DOUBLED_SUFFIX, SV_RR_CNAME, "", "._domainkey.", BEFORE_ZONE},
    {SV_F_DKIM_CNAME_DOUBLED_SUFFIX, SV_RR_CNAME, "", "._domainkey.", BEFORE_DOMAIN},
    {SV_F_DKIM_UNDERSCORE_STRIPPED, SV_RR_CNAME, "", ".domainkey.", AS_IS},
    {SV_F_DKIM_CNAME_NO_DOMAINKEY, SV_RR_CNAME, "", ".", AS_IS},
    {SV_F_DKIM_RECORD_AS_A, SV_RR_AAAA, "", "._domainkey.", AS_IS},
    {SV_F_DKIM_CNAME_LABELS_SWAPPED, SV_RR_CNAME, "_domainkey.", ".", AS_IS},
    {SV_F_DKIM_CNAME_WRONG_DOMAIN, SV_RR_CNAME, "", "._domainkey.", IN_ZONE},
    {SV_F_DKIM_CNAME_WRONG_DOMAIN, SV_RR_CNAME, "", "._domainkey.", IN_PARENT},
    {SV_F_DKIM_CNAME_WRONG_DOMAIN, SV_RR_CNAME, "", "._domainkey.", IN_WWW},
};

enum { TXT_PLACE, A_PLACE, DOUBLED_PLACES = 4, FIRST_PLACES = 6, AAAA_PLACE = 6, PLACES = 11 };

_Static_assert(sizeof(places) / sizeof(*places) == PLACES, "the numbers above are about the table");

/* The domain that the record would be in at this place; false when there is no such place. */
static bool domain_at(const struct sv_judge *judge, const struct place *place,
                      char out[SV_NAME_BYTES])
{
    const char *domain = judge->expect.domain;
    bool is_zone = sv_name_equal(domain, judge->zone);
    const char *dot = strchr(domain, '.');
    const char *parent = dot != NULL ? dot + 1 : "";

    switch (place->suffix) {
    case AS_IS:
        return sv_name_build(out, domain, "", "");
    case BEFORE_ZONE:
        return sv_name_build(out, domain, ".", judge->zone);
    case BEFORE_DOMAIN:
        return !is_zone && sv_name_build(out, domain, ".", domain);
    case IN_ZONE:
        return !is_zone && sv_name_build(out, judge->zone, "", "");
    case IN_PARENT:
        return sv_name_is_below(parent, judge->zone) && sv_name_build(out, parent, "", "");
    case IN_WWW:
        return is_zone && sv_name_build(out, "www.", domain, "");
    }
    return false;
}

static const struct sv_fact *ask(struct sv_judge *judge, const struct place *place, size_t token)
{
    char domain[SV_NAME_BYTES];
    char name[SV_NAME_BYTES];
    struct sv_line line;

    if (!domain_at(judge, place, domain))
        return NULL;
    sv_line_init(&line, name, SV_NAME_BYTES);
    sv_line_add(&line, place->before);
    sv_line_add(&line, judge->expect.dkim_tokens[token]);
    sv_line_add(&line, place->between);
    sv_line_add(&line, domain);
    return line.cut ? NULL : sv_judge_probe(judge, name, place->type, SV_PROBES_MAX);
}

static bool holds_ours(const struct sv_judge *judge, const struct sv_fact *fact, size_t token)
{
    if (fact == NULL || !sv_fact_known(fact))
        return false;
    if (fact->type == SV_RR_CNAME)
        return fact->alias != NULL && sv_dkim_is_ours(judge, token, sv_span_of(fact->alias));
    for (size_t i = 0; i < fact->values_count; i++) {
        if (sv_dkim_is_ours(judge, token, fact->values[i]))
            return true;
    }
    return false;
}

/* The key itself in place of the alias: the provider has followed it, or somebody copied it. */
static bool holds_key(const struct sv_fact *fact)
{
    struct sv_dkim_key key;

    if (fact == NULL || fact->type != SV_RR_TXT || !sv_fact_known(fact) || fact->values_count != 1)
        return false;
    sv_dkim_key_read(fact->values[0], &key);
    return key.usable;
}

static bool is_address_type(enum sv_rr_type type)
{
    return type == SV_RR_A || type == SV_RR_AAAA;
}

/* Do the name servers of the zone belong to a provider that proxies and flattens? */
static enum sv_tri is_at_proxy_provider(struct sv_judge *judge)
{
    const struct sv_fact *ns = sv_judge_probe(judge, judge->zone, SV_RR_NS, SV_PROBES_MAX);

    if (!sv_fact_known(ns))
        return SV_TRI_UNKNOWN;
    for (size_t i = 0; i < ns->values_count; i++) {
        if (sv_proxy_is_server(ns->values[i]))
            return SV_TRI_YES;
    }
    return SV_TRI_NO;
}

/* The same question at a sibling of the owner; NULL when there can be no such name. */
static const struct sv_fact *ask_sibling(struct sv_judge *judge, const char *owner,
                                         enum sv_rr_type type)
{
    const char *dot = strchr(owner, '.');
    char name[SV_NAME_BYTES];

    if (dot == NULL || !sv_name_build(name, SV_NO_SUCH_LABEL, dot, ""))
        return NULL;
    return sv_judge_probe(judge, name, type, SV_PROBES_MAX);
}

/* True when no wildcard gave the address. Two of the few questions that are left are saved by the
 * one that tells of wildcards of every type. */
static bool is_exact(struct sv_judge *judge, const struct sv_fact *fact)
{
    enum sv_rr_type type = fact->type == SV_RR_A ? SV_RR_A : SV_RR_CNAME;
    const struct sv_fact *sibling = ask_sibling(judge, fact->name, type);

    if (sibling == NULL || !sv_fact_absent(sibling))
        return false;
    return type == SV_RR_A || sibling->outcome == SV_DNS_NXDOMAIN;
}

/* What an address at the owner means; SV_F_NONE while that is open, and for a wildcard's. */
static enum sv_finding_code address_fault(struct sv_judge *judge, const struct sv_fact *fact)
{
    enum sv_tri provider = SV_TRI_NO;
    bool exact;

    if (fact == NULL || !sv_fact_known(fact) || sv_fact_absent(fact))
        return SV_F_NONE;
    for (size_t i = 0; i < fact->values_count && provider == SV_TRI_NO; i++) {
        if (sv_proxy_is_address(fact->values[i]))
            provider = is_at_proxy_provider(judge);
    }
    exact = is_exact(judge, fact);
    if (!exact || provider == SV_TRI_UNKNOWN)
        return SV_F_NONE;
    return provider == SV_TRI_YES ? SV_F_DKIM_CNAME_PROXIED : SV_F_DKIM_RECORD_AS_A;
}

/* What the look at a place says about one token. */
static enum sv_finding_code fault_at(struct sv_judge *judge, const struct place *place,
                                     const struct sv_fact *fact, size_t token)
{
    if (is_address_type(place->type))
        return address_fault(judge, fact);
    if (holds_key(fact))
        return SV_F_DKIM_CNAME_FLATTENED;
    return holds_ours(judge, fact, token) ? place->code : SV_F_NONE;
}

static void set_fault(const struct sv_judge *judge, struct sv_dkim_token *it,
                      const struct place *place, enum sv_finding_code code,
                      const struct sv_fact *fact)
{
    char domain[SV_NAME_BYTES];
    struct sv_line line;

    it->fault = code;
    it->evidence_of = fact;
    sv_line_init(&line, it->found, sizeof(it->found));
    if (code == SV_F_DKIM_CNAME_WRONG_DOMAIN && domain_at(judge, place, domain))
        sv_line_add_shown(&line, sv_span_of(domain));
    else if (place->type == SV_RR_CNAME)
        sv_line_add_shown(&line, sv_span_of(fact->name));
    else
        sv_fact_show(fact, it->found);
}

static bool holds_value(const struct sv_judge *judge, const struct sv_fact *fact, size_t token)
{
    return holds_key(fact) || holds_ours(judge, fact, token);
}

/* Of the others, an address or a key at the owner says enough by being there. */
static bool shares(const struct sv_judge *judge, const struct place *place,
                   const struct sv_fact *fact, size_t token)
{
    return is_address_type(place->type) ? !sv_fact_absent(fact) : holds_value(judge, fact, token);
}

static bool is_nodata(const struct sv_fact *fact)
{
    return fact != NULL && sv_fact_known(fact) && fact->outcome == SV_DNS_NODATA;
}

/* Is this token still unexplained, and may it be at the place? Where the owner does not exist, it
 * has no other type either (RFC 8020). */
static bool is_open(const struct sv_dkim_token *it, const struct place *place)
{
    return it->absent && it->fault == SV_F_NONE &&
           (place->type == SV_RR_CNAME || is_nodata(it->fact));
}

/* The others are asked for once the place is known. Those that no question is left for are taken to
 * share the fault; only a definite "not there either" says otherwise. */
static void explain_others(struct sv_judge *judge, struct sv_dkim_view *view,
                           const struct place *place, enum sv_finding_code code)
{
    for (size_t i = 0; i < view->count; i++) {
        const struct sv_fact *fact;
        if (!is_open(&view->tokens[i], place))
            continue;
        fact = ask(judge, place, i);
        if (fact == NULL || !sv_fact_known(fact))
            view->tokens[i].fault = code;
        else if (shares(judge, place, fact, i))
            set_fault(judge, &view->tokens[i], place, code, fact);
    }
}

/* The token that a place is first tried with; view->count when there is none. */
static size_t subject(const struct sv_dkim_view *view, const struct place *place)
{
    size_t i = 0;

    while (i < view->count && !is_open(&view->tokens[i], place))
        i++;
    return i;
}

/* Looks at one place; true when the token that it was tried with was found there. While it is open
 * whether a wildcard gave it, the others are asked for in the same round, but nothing is said. */
static bool try_place(struct sv_judge *judge, struct sv_dkim_view *view, const struct place *place,
                      const struct sv_fact **fact)
{
    size_t first = subject(view, place);
    enum sv_tri placed = SV_TRI_YES; /* an address is told apart from a wildcard's already */
    enum sv_finding_code code;

    *fact = first < view->count ? ask(judge, place, first) : NULL;
    if (*fact == NULL)
        return false;
    if (place->type != SV_RR_CNAME && !sv_fact_absent(*fact))
        view->owners_empty = false;
    code = fault_at(judge, place, *fact, first);
    if (code == SV_F_NONE)
        return false;
    if (!is_address_type(place->type))
        placed = sv_judge_is_placed(judge, *fact, first, holds_value);
    if (placed == SV_TRI_NO || (placed == SV_TRI_UNKNOWN && judge->out != NULL))
        return false;
    set_fault(judge, &view->tokens[first], place, code, *fact);
    explain_others(judge, view, place, code);
    return true;
}

/* Is there nothing at all at an owner that exists, while its sibling does not exist? Then a
 * provider that flattens holds an alias there and answers with what is behind it. */
static void try_flattened(struct sv_judge *judge, struct sv_dkim_view *view, size_t first)
{
    const struct sv_fact *sibling = ask_sibling(judge, view->tokens[first].fact->name, SV_RR_CNAME);

    if (sibling == NULL || !sv_fact_known(sibling) || sibling->outcome != SV_DNS_NXDOMAIN)
        return;
    for (size_t i = 0; i < view->count; i++) {
        struct sv_dkim_token *it = &view->tokens[i];
        if (is_open(it, &places[TXT_PLACE]))
            it->fault = SV_F_DKIM_CNAME_FLATTENED;
    }
}

/* A letter beyond ASCII takes several octets of UTF-8 and is one edit. */
static bool is_near(const char *seen, const char *owner)
{
    char letters[SV_NAME_BYTES];
    struct sv_line line;

    sv_line_init(&line, letters, sizeof(letters));
    for (; *seen != '\0'; seen++) {
        if (((unsigned char)*seen & 0xc0) != 0x80)
            sv_line_add_bytes(&line, seen, 1);
    }
    return sv_near(sv_span_of(letters), sv_span_of(owner));
}

/* The names that somebody says to have entered, as far as they nearly are the owner. A
 * U-label that was entered is looked for without being told of (judge_ascii.c). */
static void try_seen_names(struct sv_judge *judge, struct sv_dkim_view *view)
{
    char owner[SV_NAME_BYTES];
    char name[SV_NAME_BYTES];

    for (size_t i = 0; i < view->count; i++) {
        struct sv_dkim_token *it = &view->tokens[i];
        for (size_t j = 0; it->absent && j < judge->expect.seen_names_count; j++) {
            const char *seen = judge->expect.seen_names[j];
            const struct sv_fact *fact;
            if (it->fault != SV_F_NONE || !sv_dkim_owner(&judge->expect, i, owner) ||
                !sv_judge_escape(seen, name) || sv_name_equal(name, owner) || !is_near(seen, owner))
                continue;
            fact = sv_judge_probe(judge, name, SV_RR_CNAME, SV_PROBES_MAX);
            if (sv_judge_is_placed(judge, fact, i, holds_ours) == SV_TRI_YES)
                set_fault(judge, it, &places[PLACES - 1],
                          strcmp(name, seen) == 0 ? SV_F_DKIM_CNAME_OWNER_TYPO
                                                  : SV_F_DNS_NAME_NOT_ASCII,
                          fact);
        }
    }
}

/* An owner that exists, but neither as text nor as an address of version 4. True when all about it
 * is known and explains nothing. */
static bool try_empty_owner(struct sv_judge *judge, struct sv_dkim_view *view)
{
    size_t first = subject(view, &places[TXT_PLACE]);
    enum sv_tri provider = is_at_proxy_provider(judge);
    const struct sv_fact *aaaa;

    if (first == view->count || try_place(judge, view, &places[AAAA_PLACE], &aaaa))
        return false;
    if (is_nodata(aaaa) && provider == SV_TRI_YES)
        try_flattened(judge, view, first);
    return is_nodata(aaaa) && provider == SV_TRI_NO;
}

void sv_dkim_probe(struct sv_judge *judge, struct sv_dkim_view *view)
{
    const struct sv_fact *facts[PLACES] = {NULL};
    bool hit = false;
    bool settled = true;
    bool waiting = false;

    view->owners_empty = true;
    try_seen_names(judge, view);
    /* The doubled domain is what happens most: no other place costs a probe before it is known. */
    for (size_t i = 0; i < FIRST_PLACES && !(i == DOUBLED_PLACES && waiting); i++) {
        hit = try_place(judge, view, &places[i], &facts[i]) || hit;
        settled = settled && (facts[i] == NULL || sv_fact_known(facts[i]));
        waiting = waiting || (facts[i] != NULL && !facts[i]->answered);
    }
    if (hit || !settled)
        return;
    if (is_nodata(facts[TXT_PLACE]) && is_nodata(facts[A_PLACE]) && !try_empty_owner(judge, view))
        return;
    for (size_t i = AAAA_PLACE + 1; i < PLACES; i++)
        (void)try_place(judge, view, &places[i], &facts[i]);
}
