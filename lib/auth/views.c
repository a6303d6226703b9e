/* One fact from everything that was asked about it. */
#include "judge_parts.h"

static bool is_known(const struct sv_dns_answer *answer)
{
    return answer->outcome != SV_DNS_UNKNOWN;
}

/* The answer that counts: what the zone's own servers publish, else what resolvers say, else the
 * first failure. */
static const struct sv_dns_answer *pick(const struct sv_dns_views *views)
{
    for (size_t i = 0; i < views->servers_count; i++) {
        if (is_known(views->servers[i].answer))
            return views->servers[i].answer;
    }
    for (size_t i = 0; i < views->resolvers_count; i++) {
        if (is_known(views->resolvers[i]))
            return views->resolvers[i];
    }
    return views->resolvers_count > 0 ? views->resolvers[0] : views->servers[0].answer;
}

void sv_fact_take_views(struct sv_judge *judge, struct sv_fact *fact,
                        const struct sv_dns_views *views)
{
    if (views->resolvers_count + views->servers_count > 0)
        sv_fact_take(judge, fact, pick(views));
}
