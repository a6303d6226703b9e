/* One question for an alias that was right at the last look and the key behind it. Whoever is asked
 * for the TXT record of an owner tells of the CNAME there, too (RFC 1034 sections 3.6.2 and 4.3.2),
 * so the alias is asked for by itself only where that left something open:
 *
 * - The key is there, behind the one alias that is expected: that is what the question for the
 *   alias would have said, with the TTL of the alias.
 * - The owner does not exist: then it has no alias (RFC 8020).
 * - Anything else, also if only one of those asked said it: asked. An owner with another type or
 *   with nothing (flattened?), data beside the alias, a wrong or second alias, nothing behind it,
 *   an answer that did not come, two who differ: each is judged by the answers to the very
 *   question.
 *
 * An alias that is new is always asked for: resolvers remember for each type by itself that there
 * was nothing, so one may have the key and still deny the alias. */
#include <stdlib.h>

#include "sv/alloc.h"

#include "dkim_parts.h"
#include "records_parts.h"

/* The one alias at the owner, which points where it must; NULL when there is not exactly that. */
static const struct sv_rr *right_alias(const struct sv_judge *judge, const struct sv_fact *fact,
                                       const struct sv_dns_answer *answer)
{
    size_t token = sv_dkim_token_at(judge, fact->name);
    const struct sv_rr *alias = NULL;

    for (size_t i = 0; i < answer->records_count; i++) {
        const struct sv_rr *rr = &answer->records[i];
        if (!sv_name_equal(rr->owner, fact->name))
            continue;
        if (rr->type != SV_RR_CNAME || rr->target == NULL || alias != NULL)
            return NULL;
        alias = rr;
    }
    if (alias == NULL || token == judge->expect.dkim_tokens_count ||
        !sv_dkim_is_target(judge, token, sv_span_of(alias->target)))
        return NULL;
    return alias;
}

static bool is_no_name(const struct sv_dns_answer *answer)
{
    return answer->outcome == SV_DNS_NXDOMAIN && answer->records_count == 0;
}

/* What the same one would have answered to the question for the alias. */
static bool convert(const struct sv_judge *judge, const struct sv_fact *fact,
                    const struct sv_dns_answer *answer, struct sv_dns_answer *out)
{
    const struct sv_rr *alias;

    if (answer->outcome != SV_DNS_DATA)
        return false;
    alias = right_alias(judge, fact, answer);
    if (alias == NULL)
        return false;
    *out = *answer;
    out->ttl_s = alias->ttl_s;
    out->records = alias;
    out->records_count = 1;
    return true;
}

struct converted { /* large, and needed for a moment */
    struct sv_dns_answer
        answers[SV_VIEWS_SERVERS_MAX + SV_VIEWS_FORMER_MAX + SV_VIEWS_RESOLVERS_MAX];
    struct sv_server_view servers[SV_VIEWS_SERVERS_MAX + SV_VIEWS_FORMER_MAX];
    const struct sv_dns_answer *resolvers[SV_VIEWS_RESOLVERS_MAX];
};

static bool convert_all(const struct sv_judge *judge, const struct sv_fact *fact,
                        struct sv_dns_views *views, struct converted *room)
{
    struct sv_dns_answer *next = room->answers;

    if (views->servers_count > SV_VIEWS_SERVERS_MAX + SV_VIEWS_FORMER_MAX ||
        views->resolvers_count > SV_VIEWS_RESOLVERS_MAX)
        return false;
    for (size_t i = 0; i < views->servers_count; i++, next++) {
        if (!convert(judge, fact, views->servers[i].answer, next))
            return false;
        room->servers[i] = views->servers[i];
        room->servers[i].answer = next;
    }
    for (size_t i = 0; i < views->resolvers_count; i++, next++) {
        if (!convert(judge, fact, views->resolvers[i], next))
            return false;
        room->resolvers[i] = next;
    }
    views->servers = room->servers;
    views->resolvers = room->resolvers;
    return true;
}

static bool nobody_knows_it(const struct sv_dns_views *views)
{
    size_t no = 0;

    for (size_t i = 0; i < views->servers_count; i++)
        no += is_no_name(views->servers[i].answer) ? 1 : 0;
    for (size_t i = 0; i < views->resolvers_count; i++)
        no += is_no_name(views->resolvers[i]) ? 1 : 0;
    return no > 0 && no == views->servers_count + views->resolvers_count;
}

bool sv_dkim_alias_take(struct sv_judge *judge, struct sv_fact *fact,
                        const struct sv_dns_views *views)
{
    struct sv_dns_views told = *views;
    struct converted *room;

    if (nobody_knows_it(views)) {
        sv_fact_answer(judge, fact, views);
        return true;
    }
    if (views->servers_count + views->resolvers_count == 0)
        return false;
    room = sv_realloc(NULL, sizeof(*room));
    if (convert_all(judge, fact, &told, room))
        sv_fact_answer(judge, fact, &told);
    free(room);
    return fact->answered;
}
