/* Absent DKIM aliases are usually not absent but misplaced. The first absent one is looked for at
 * every usual wrong place; only a place that holds it is then asked for the others too, since one
 * mistake is mostly made three times. A hit must hold our own value, so no wildcard can feign one;
 * an address cannot hold it, so there a sibling label tells wildcards apart (RFC 4592). */
#include <string.h>

#include "dkim_parts.h"
#include "records_parts.h"

struct place {
    enum sv_finding_code code;
    enum sv_rr_type type;
    const char *before, *between; /* before + token + between + domain [+ suffix] */
    enum { AS_IS, BEFORE_ZONE, BEFORE_DOMAIN } suffix;
};

static const struct place places[] = {
    {SV_F_DKIM_CNAME_DOUBLED_SUFFIX, SV_RR_CNAME, "", "._domainkey.", BEFORE_ZONE},
    {SV_F_DKIM_CNAME_DOUBLED_SUFFIX, SV_RR_CNAME, "", "._domainkey.", BEFORE_DOMAIN},
    {SV_F_DKIM_UNDERSCORE_STRIPPED, SV_RR_CNAME, "", ".domainkey.", AS_IS},
    {SV_F_DKIM_CNAME_NO_DOMAINKEY, SV_RR_CNAME, "", ".", AS_IS},
    {SV_F_DKIM_CNAME_LABELS_SWAPPED, SV_RR_CNAME, "_domainkey.", ".", AS_IS},
    {SV_F_DKIM_RECORD_AS_TXT, SV_RR_TXT, "", "._domainkey.", AS_IS},
    {SV_F_DKIM_RECORD_AS_A, SV_RR_A, "", "._domainkey.", AS_IS},
};

enum { PLACES = sizeof(places) / sizeof(*places) };

static const struct sv_fact *ask(struct sv_judge *judge, const struct place *place, size_t token,
                                 char name[SV_NAME_BYTES])
{
    bool is_zone = sv_name_equal(judge->expect.domain, judge->zone);
    struct sv_line line;

    if (place->suffix == BEFORE_DOMAIN && is_zone)
        return NULL; /* the same as before the zone */
    sv_line_init(&line, name, SV_NAME_BYTES);
    sv_line_add(&line, place->before);
    sv_line_add(&line, judge->expect.dkim_tokens[token]);
    sv_line_add(&line, place->between);
    sv_line_add(&line, judge->expect.domain);
    if (place->suffix != AS_IS) {
        sv_line_add(&line, ".");
        sv_line_add(&line, place->suffix == BEFORE_ZONE ? judge->zone : judge->expect.domain);
    }
    return line.cut ? NULL : sv_judge_probe(judge, name, place->type, SV_PROBES_MAX);
}

/* Is there an address at a label that nobody would create? Then the zone has a wildcard, and the
 * address at the owner means nothing. The label is the token backwards: unlikely, yet the same at
 * every run. */
static const struct sv_fact *ask_sibling(struct sv_judge *judge, size_t token)
{
    const char *label = judge->expect.dkim_tokens[token];
    char backwards[SV_LABEL_MAX + 1];
    char name[SV_NAME_BYTES];
    size_t len = strlen(label);

    if (len > SV_LABEL_MAX)
        return NULL;
    for (size_t i = 0; i < len; i++)
        backwards[i] = label[len - 1 - i];
    backwards[len] = '\0';
    if (!sv_name_build(name, backwards, "._domainkey.", judge->expect.domain))
        return NULL;
    return sv_judge_probe(judge, name, SV_RR_A, SV_PROBES_MAX);
}

static bool holds_ours(const struct sv_judge *judge, const struct sv_fact *fact, size_t token)
{
    if (!sv_fact_known(fact))
        return false;
    if (fact->type == SV_RR_CNAME)
        return fact->alias != NULL && sv_dkim_is_ours(judge, token, sv_span_of(fact->alias));
    for (size_t i = 0; i < fact->values_count; i++) {
        if (sv_dkim_is_ours(judge, token, fact->values[i]))
            return true;
    }
    return false;
}

static bool is_hit(struct sv_judge *judge, const struct place *place, const struct sv_fact *fact,
                   size_t token)
{
    const struct sv_fact *sibling;

    if (place->type != SV_RR_A)
        return holds_ours(judge, fact, token);
    if (!sv_fact_known(fact) || sv_fact_absent(fact))
        return false;
    sibling = ask_sibling(judge, token);
    return sibling != NULL && sv_fact_absent(sibling);
}

static void set_fault(struct sv_dkim_token *it, const struct place *place,
                      const struct sv_fact *fact)
{
    it->fault = place->code;
    it->evidence_of = fact;
    if (place->type == SV_RR_CNAME) {
        struct sv_line line;
        sv_line_init(&line, it->found, sizeof(it->found));
        sv_line_add_shown(&line, sv_span_of(fact->name));
    } else {
        sv_fact_show(fact, it->found);
    }
}

/* The others are asked for once the place is known. Those that no question is left for are taken to
 * share the fault; only a definite "not there either" says otherwise. */
static void explain_others(struct sv_judge *judge, struct sv_dkim_view *view,
                           const struct place *place)
{
    char name[SV_NAME_BYTES];

    for (size_t i = 0; i < view->count; i++) {
        const struct sv_fact *fact;
        if (!view->tokens[i].absent || view->tokens[i].fault != SV_F_NONE)
            continue;
        fact = ask(judge, place, i, name);
        if (fact == NULL || !sv_fact_known(fact))
            view->tokens[i].fault = place->code;
        else if (place->type == SV_RR_A ? !sv_fact_absent(fact) : holds_ours(judge, fact, i))
            set_fault(&view->tokens[i], place, fact);
    }
}

static bool is_nodata(const struct sv_fact *fact)
{
    return fact != NULL && fact->outcome == SV_DNS_NODATA;
}

/* The token that a place is first tried with; view->count when there is none. Where the owner does
 * not exist, it has no other type either (RFC 8020). */
static size_t subject(const struct sv_dkim_view *view, const struct place *place)
{
    size_t i = 0;

    while (i < view->count && !(view->tokens[i].absent &&
                                (place->type == SV_RR_CNAME || is_nodata(view->tokens[i].fact))))
        i++;
    return i;
}

void sv_dkim_probe(struct sv_judge *judge, struct sv_dkim_view *view)
{
    const struct sv_fact *facts[PLACES] = {NULL};
    char name[SV_NAME_BYTES];

    view->owners_empty = true;
    for (size_t i = 0; i < PLACES; i++) {
        size_t first = subject(view, &places[i]);
        if (first < view->count)
            facts[i] = ask(judge, &places[i], first, name);
        if (facts[i] != NULL && places[i].type != SV_RR_CNAME && !sv_fact_absent(facts[i]))
            view->owners_empty = false;
    }
    for (size_t i = 0; i < PLACES; i++) {
        size_t first = subject(view, &places[i]);
        if (facts[i] == NULL || view->tokens[first].fault != SV_F_NONE ||
            !is_hit(judge, &places[i], facts[i], first))
            continue;
        set_fault(&view->tokens[first], &places[i], facts[i]);
        explain_others(judge, view, &places[i]);
    }
}
