/* Does a name have its records because somebody made them, or because a wildcard answers for every
 * name there (RFC 4592)? A sibling that nobody would create tells. */
#include <string.h>

#include "judge_parts.h"

/* Always the same one, so that the same DNS gives the same report and resolvers remember the one
 * absence; random only in that no person and no panel would come upon it. */
#define SIBLING "x7kq2vw9zt4mh8rj3npd"

const struct sv_fact *sv_judge_sibling(struct sv_judge *judge, const char *owner,
                                       enum sv_rr_type type, unsigned spent_max)
{
    const char *dot = strchr(owner, '.');
    char name[SV_NAME_BYTES];

    if (dot == NULL || !sv_name_build(name, SIBLING, dot, ""))
        return NULL;
    return sv_judge_probe(judge, name, type, spent_max);
}

static bool same_value(struct sv_span a, struct sv_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.text, b.text, a.len) == 0);
}

bool sv_judge_is_wildcard(struct sv_judge *judge, const struct sv_fact *fact, unsigned spent_max)
{
    const struct sv_fact *sibling;

    /* What is behind an alias is another name's; the alias itself is what a wildcard gives. */
    if (!sv_fact_known(fact) || (fact->values_count == 0 && fact->alias == NULL))
        return false;
    sibling = sv_judge_sibling(judge, fact->name, fact->type, spent_max);
    if (sibling == NULL || !sv_fact_known(sibling))
        return false;
    if (fact->alias != NULL || sibling->alias != NULL)
        return fact->alias != NULL && sibling->alias != NULL &&
               sv_name_equal(fact->alias, sibling->alias);
    if (fact->values_seen != sibling->values_seen || fact->values_count != sibling->values_count)
        return false;
    for (size_t i = 0; i < fact->values_count; i++) {
        bool found = false;
        for (size_t j = 0; j < sibling->values_count && !found; j++)
            found = same_value(fact->values[i], sibling->values[j]);
        if (!found)
            return false;
    }
    return true;
}

void sv_judge_find_wildcard(struct sv_judge *judge, const struct sv_fact *fact,
                            const char *expected)
{
    char found[SV_FINDING_VALUE_BYTES];
    struct sv_naming naming = {.owner = fact->name, .expected = expected, .found = found};
    struct sv_line line;

    sv_line_init(&line, found, sizeof(found));
    sv_line_add_shown(&line, sv_span_of(fact->alias != NULL ? fact->alias : ""));
    if (fact->alias == NULL)
        sv_fact_show(fact, found);
    sv_judge_find(judge, SV_F_DNS_WILDCARD_ANSWER, fact, SV_SEVERITY_NONE, &naming);
}
