/* What resolvers say of an owned question, and whether they are to be asked at all. */
#include "resolver_parts.h"
#include "sv/alloc.h"

static void on_resolver(struct sv_ask *ask, enum sv_err err)
{
    struct sv_owned_resolver *asked = ask->owner;
    struct sv_owned *owned = asked->owned;
    sv_ms soon = sv_resolver_now(owned->resolver) + owned->resolver->try_ms;

    if (err != SV_OK)
        ask->answer = sv_answer_of_trouble(&owned->flight->question, SV_DNS_TIMEOUT,
                                           ask->errand.asked ? &asked->server : NULL);
    owned->resolvers_open--;
    if (sv_owned_is_called_off(owned))
        return;
    if (sv_answer_is_usable(ask->answer) && soon < owned->ends_at && owned->resolvers_open > 0) {
        owned->ends_at = soon;
        sv_owned_set_due(owned);
    }
    sv_owned_step(owned);
}

static void ask_resolvers(struct sv_owned *owned)
{
    struct sv_views_resolver *r = owned->resolver;
    size_t first = r->rotation++;

    owned->resolvers_asked = true;
    owned->resolvers_count =
        r->servers_count < SV_OWNED_RESOLVERS_MAX ? r->servers_count : SV_OWNED_RESOLVERS_MAX;
    owned->resolvers = sv_alloc(owned->resolvers_count, sizeof(*owned->resolvers));
    for (size_t i = 0; i < owned->resolvers_count; i++) {
        struct sv_owned_resolver *asked = &owned->resolvers[i];
        asked->owned = owned;
        asked->server = r->servers[(first + i) % r->servers_count];
        asked->ask.owner = asked;
        asked->ask.errand.servers = &asked->server;
        asked->ask.errand.count = 1;
        owned->resolvers_open++;
        sv_ask_start(r, &asked->ask, &owned->flight->question, on_resolver);
    }
    sv_owned_set_due(owned);
}

/* What the zone's own servers say of the record. */
static bool is_published(const struct sv_owned *owned)
{
    for (size_t i = 0; i < owned->servers_count; i++) {
        const struct sv_dns_answer *answer = owned->servers[i].answer;
        if (answer == NULL)
            continue;
        if (answer->outcome == SV_DNS_DATA)
            return true;
        if (answer->records_count > 0 && answer->records[0].type == SV_RR_CNAME)
            return true;
    }
    return false;
}

static bool is_absent(const struct sv_owned *owned)
{
    if (owned->node != NULL && owned->node->stage == SV_NODE_READY &&
        sv_node_zone(owned->node)->kind == SV_NODE_MISSING)
        return true;
    for (size_t i = 0; i < owned->servers_count; i++)
        if (sv_answer_is_usable(owned->servers[i].answer))
            return !is_published(owned);
    return false;
}

void sv_owned_consider_resolvers(struct sv_owned *owned)
{
    bool seen_before = owned->flight->question.how & SV_ASK_SEEN_BEFORE;

    if (owned->resolvers_asked || owned->withheld)
        return;
    if (!seen_before && !is_published(owned)) {
        if (owned->stage != SV_OWNED_TOLD)
            return;
        owned->withheld = is_absent(owned);
    }
    if (!owned->withheld)
        ask_resolvers(owned);
}
