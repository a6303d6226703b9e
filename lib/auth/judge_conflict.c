/* A CNAME must be the only record at its name (RFC 1034 section 3.6.2, RFC 2181 section 10.1). No
 * careful server serves both; where one does, what is seen depends on who asks for what. The DKIM
 * owners are judged with their keys. */
#include "judge_parts.h"

/* The top of a zone always has SOA and NS records. */
static bool is_apex(const char *name)
{
    char registrable[SV_NAME_BYTES];

    return sv_name_registrable(name, registrable) == SV_OK && sv_name_equal(name, registrable);
}

/* Another type's record at the name of this alias, or NULL. */
static const struct sv_fact *find_beside(const struct sv_judge *judge, const struct sv_fact *alias)
{
    for (size_t i = 0; i < judge->facts_count; i++) {
        const struct sv_fact *fact = judge->facts[i];
        if (fact->type != SV_RR_CNAME && fact->values_here > 0 && sv_fact_known(fact) &&
            sv_name_equal(fact->name, alias->name))
            return fact;
    }
    return NULL;
}

static void judge_name(struct sv_judge *judge, const struct sv_fact *alias)
{
    const struct sv_fact *beside = find_beside(judge, alias);
    struct sv_naming naming = {.owner = alias->name, .expected = ""};
    char found[SV_FINDING_VALUE_BYTES];
    struct sv_line line;

    if (beside == NULL && !is_apex(alias->name))
        return;
    sv_line_init(&line, found, sizeof(found));
    sv_line_add(&line, beside != NULL ? sv_rr_type_name(beside->type) : "SOA and NS");
    naming.found = found;
    naming.other = alias->alias;
    sv_judge_find(judge, SV_F_DNS_CNAME_OTHER_DATA, beside != NULL ? beside : alias,
                  SV_SEVERITY_NONE, &naming);
}

void sv_judge_conflicts(struct sv_judge *judge)
{
    for (size_t i = 0; i < judge->records_count; i++) {
        const struct sv_fact *fact = judge->asked[i];
        bool told = false;
        if (fact == NULL || judge->kinds[i] == SV_RECORD_DKIM || fact->alias == NULL)
            continue;
        for (size_t j = 0; j < i; j++) /* MX and TXT of the MAIL FROM share a name */
            told = told || (judge->asked[j] != NULL && judge->asked[j]->alias != NULL &&
                            sv_name_equal(judge->asked[j]->name, fact->name));
        if (!told)
            judge_name(judge, fact);
    }
}
