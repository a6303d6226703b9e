/* A question about a client's own name: the zone's servers first, then the resolvers.
 *
 * The happy path: the node of the zone is ready (nodes.h); all its addresses are asked without
 * recursion, for the very question; as soon as one of them has the record, the resolvers are asked
 * too; when all have answered, the report is made.
 *
 * - A server refers to a zone further down (a delegated _domainkey): its servers are asked instead.
 * - They tell an alias that leaves what they know: its target is asked for in the same manner.
 * - They differ: each tells its serial number.
 * - They say that the record is absent, and it was never right before: resolvers are not asked,
 *   because they would remember the absence (dns-auth section 2.8).
 * - None of them is usable, or the walk fails: the resolvers decide.
 * - No authority was heard at all: port 53 to the outside is closed. That is remembered for an
 *   hour, in which nobody waits for it; whatever is heard meanwhile opens it again.
 * - It has asked as much as one question may (SV_OWNED_ASKS_MAX): whoever is left was not asked.
 * - Servers were named that the zone had before: they are asked from the start (owned_former.c).
 * - Time is up: who has not answered is told as silent. The authoritative side has two thirds of
 *   the time; one resolver that answers leaves the others one try. */
#include <stdlib.h>
#include <string.h>

#include "resolver_parts.h"
#include "sv/alloc.h"
#include "sv/log.h"
#include "sv/require.h"

enum {
    MOVES_MAX = 8,
    MARGIN_MS = 50,
    ALIASES_MAX = SV_DNS_ALIASES_MAX,
    LEAST_MS = 250,
    DETAIL_ASKS = 2,        /* what sv_node_detail sends */
    ALIAS_ASKS = 4,         /* the walk to another domain */
    CLOSED_AFTER_MS = 2000, /* a resolver of the Internet is never that far away */
    CLOSED_FOR_MS = 60 * 60 * 1000,
    SILENT_FOR_MS = 30 * 1000, /* within one check, a dead server is waited for once */
    HOW_OF_ALL = SV_ASK_DNSSEC | SV_ASK_UNCHECKED,
};

static void not_due(struct sv_owned *owned)
{
    sv_heap_remove(&owned->resolver->due, &owned->due);
    sv_resolver_arm(owned->resolver);
}

void sv_owned_set_due(struct sv_owned *owned)
{
    sv_ms at = INT64_MAX;

    if (owned->stage != SV_OWNED_TOLD && !owned->authority_stopped)
        at = owned->authority_ends_at + MARGIN_MS;
    if (owned->resolvers_open > 0 && !owned->resolvers_stopped && owned->ends_at < at)
        at = owned->ends_at;
    if (owned->former_open > 0 && !owned->former_stopped && owned->ends_at < at)
        at = owned->ends_at;
    if (at == INT64_MAX) {
        not_due(owned);
        return;
    }
    sv_heap_set(&owned->resolver->due, &owned->due, at);
    sv_resolver_arm(owned->resolver);
}

bool sv_owned_is_called_off(struct sv_owned *owned)
{
    if (owned->flight->state != SV_FLIGHT_CALLED_OFF)
        return false;
    sv_flight_free_if_idle(owned->flight);
    return true;
}

static bool may_ask(struct sv_owned *owned, unsigned queries)
{
    if (*owned->asks_left < queries)
        return false;
    *owned->asks_left -= queries;
    return true;
}

/* The servers of the zone. */

static void note_silence(struct sv_owned_server *server)
{
    struct sv_node *zone = sv_node_zone(server->owned->node);

    if (server->answer->trouble == SV_DNS_TIMEOUT && server->answer->server[0] != 0)
        zone->silent_until[server->at] = sv_resolver_now(server->owned->resolver) + SILENT_FOR_MS;
}

static void on_server(struct sv_errand *errand, enum sv_err err, const struct sv_dns_answer *answer)
{
    struct sv_owned_server *server = errand->owner;
    struct sv_owned *owned = server->owned;

    /* One that was called off has no blame: sv_dns ends in time what really was silent. */
    server->answer = err == SV_OK ? sv_dns_answer_copy(answer)
                                  : sv_answer_of_trouble(&errand->question, SV_DNS_TIMEOUT, NULL);
    if (err == SV_OK)
        sv_resolver_hear(owned->resolver, answer);
    owned->servers_open--;
    if (sv_owned_is_called_off(owned))
        return;
    note_silence(server);
    sv_owned_step(owned);
}

/* Addresses that this host cannot reach for lack of IPv6 (or IPv4) say nothing about the zone. */
static size_t choose(const struct sv_node *zone, size_t out[SV_VIEWS_SERVERS_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < zone->addresses_count; i++)
        if (sv_address_has_route(&zone->addresses[i]))
            out[count++] = i;
    for (size_t i = 0; count == 0 && i < zone->addresses_count; i++)
        out[i] = i;
    return count > 0 ? count : zone->addresses_count;
}

/* sv_dns itself ends what takes too long, because it knows who was silent and who was not asked. */
static sv_ms left_ms(const struct sv_owned *owned)
{
    sv_ms left = owned->authority_ends_at - sv_resolver_now(owned->resolver);

    return left > 1 ? left : 1;
}

/* With less time for its reply a server would be blamed for what came before it. */
static sv_ms least_ms(const struct sv_views_resolver *r)
{
    sv_ms quarter = r->total_ms / 4;

    return quarter < LEAST_MS ? quarter : LEAST_MS;
}

static void ask_server(struct sv_owned *owned, struct sv_owned_server *server,
                       const struct sv_node *zone, size_t at)
{
    struct sv_views_resolver *r = owned->resolver;

    server->owned = owned;
    server->at = at;
    server->errand = (struct sv_errand){.owner = server,
                                        .question = owned->flight->question,
                                        .addresses = &zone->addresses[at],
                                        .count = 1,
                                        .total_ms = left_ms(owned),
                                        .port = r->authority_port};
    server->errand.question.how &= HOW_OF_ALL;
    if (zone->silent_until[at] > sv_resolver_now(r)) {
        struct sv_dns_server address = sv_address_server(&zone->addresses[at], r->authority_port);
        server->answer = sv_answer_of_trouble(&owned->flight->question, SV_DNS_TIMEOUT, &address);
        return;
    }
    if (left_ms(owned) < least_ms(r) || !may_ask(owned, 1)) {
        server->answer = sv_answer_of_trouble(&owned->flight->question, SV_DNS_TIMEOUT, NULL);
        return;
    }
    owned->servers_open++;
    sv_errand_start(&r->line, &server->errand, on_server);
}

static void forget_servers(struct sv_owned *owned)
{
    SV_REQUIRE(owned->servers_open == 0);
    for (size_t i = 0; i < owned->servers_count; i++)
        sv_dns_answer_free(owned->servers[i].answer);
    free(owned->servers);
    owned->servers = NULL;
    owned->servers_count = 0;
}

static void ask_servers(struct sv_owned *owned)
{
    struct sv_node *zone = sv_node_zone(owned->node);
    size_t at[SV_VIEWS_SERVERS_MAX];

    owned->stage = SV_OWNED_SERVERS;
    if (zone->kind != SV_NODE_CUT)
        return;
    if (!zone->detailed && may_ask(owned, DETAIL_ASKS))
        sv_node_detail(zone);
    owned->servers_count = choose(zone, at);
    if (owned->servers_count > 0)
        owned->servers = sv_alloc(owned->servers_count, sizeof(*owned->servers));
    for (size_t i = 0; i < owned->servers_count; i++) { /* in any order */
        size_t other = i + (size_t)sv_rand_below(&owned->resolver->rand, owned->servers_count - i);
        size_t chosen = at[other];
        at[other] = at[i];
        ask_server(owned, &owned->servers[i], zone, chosen);
    }
}

/* The walk. */

static void close_port(struct sv_views_resolver *r)
{
    r->closed_until = sv_resolver_now(r) + CLOSED_FOR_MS;
    if (r->closed || r->closing)
        return;
    r->closed = true;
    sv_log_line(r->log, SV_LOG_WARN, "dns_authority_closed",
                "no server of the root or of a top-level domain answers: is port 53 to the outside "
                "closed? Resolvers only for the next hour",
                SV_LOG_INT("again_in_s", CLOSED_FOR_MS / 1000));
}

static bool nobody_was_heard(const struct sv_views_resolver *r)
{
    return r->heard_until <= sv_resolver_now(r);
}

/* Whether a question of the walk left this host; one that waits for room says nothing about port
 * 53. */
static bool was_sent(const struct sv_node *node)
{
    for (; node != NULL; node = node->above)
        if (node->step.asked && node->kind == SV_NODE_UNKNOWN && node->stage != SV_NODE_ADDRESSES)
            return true;
    return false;
}

static bool looks_closed(const struct sv_owned *owned)
{
    return nobody_was_heard(owned->resolver) && was_sent(owned->node);
}

static void arrive(struct sv_owned *owned)
{
    struct sv_views_resolver *r = owned->resolver;

    if (sv_node_zone(owned->node)->kind == SV_NODE_UNKNOWN && looks_closed(owned)) {
        close_port(r);
        owned->closed = true;
    }
    owned->authority_ends_at = owned->began_at + r->total_ms / 3 * 2;
    ask_servers(owned);
    sv_owned_set_due(owned);
}

static void on_node(struct sv_node_waiter *waiter)
{
    arrive(waiter->owner);
    sv_owned_step(waiter->owner);
}

static void walk(struct sv_owned *owned)
{
    struct sv_views_resolver *r = owned->resolver;

    owned->node = sv_node_for(r, owned->flight->question.name);
    owned->waiter.owner = owned;
    if (owned->node == NULL) {
        owned->stage = SV_OWNED_TOLD;
    } else if (r->closed) { /* the walk goes on without us, and opens it again if it can */
        owned->closed = true;
        owned->stage = SV_OWNED_TOLD;
    } else if (owned->node->stage == SV_NODE_READY) {
        arrive(owned);
    } else {
        sv_node_await(owned->node, &owned->waiter, on_node);
    }
}

/* Down to a deeper zone, when one of the servers refers there. */
static bool move(struct sv_owned *owned)
{
    struct sv_node *deeper = NULL;
    struct sv_node *left = owned->node;

    for (size_t i = 0; i < owned->servers_count && deeper == NULL; i++) {
        const struct sv_dns_answer *answer = owned->servers[i].answer;
        if (answer->trouble == SV_DNS_REFERRED)
            deeper = sv_node_referred(sv_node_zone(left), answer, owned->flight->question.name,
                                      owned->asks_left);
    }
    if (deeper == NULL)
        return false;
    if (++owned->moves > MOVES_MAX || deeper == left) {
        sv_node_unpin(deeper);
        return false;
    }
    forget_servers(owned);
    owned->node = deeper;
    sv_node_unpin(left);
    owned->stage = SV_OWNED_WALK;
    if (deeper->stage == SV_NODE_READY)
        ask_servers(owned);
    else
        sv_node_await(deeper, &owned->waiter, on_node);
    return true;
}

/* What comes after the answers. */

static const struct sv_dns_answer *best(const struct sv_dns_views *views)
{
    for (size_t i = 0; i < views->servers_count; i++)
        if (sv_answer_is_usable(views->servers[i].answer))
            return views->servers[i].answer;
    for (size_t i = 0; i < views->resolvers_count; i++)
        if (sv_answer_is_usable(views->resolvers[i]))
            return views->resolvers[i];
    return NULL;
}

static void on_alias(struct sv_lookup *lookup, enum sv_err err, const struct sv_dns_views *views)
{
    struct sv_owned *owned = lookup->owner;
    const struct sv_dns_answer *target = err == SV_OK ? best(views) : NULL;

    owned->alias_open = false;
    if (sv_owned_is_called_off(owned))
        return;
    for (size_t i = 0; target != NULL && i < owned->servers_count; i++) {
        struct sv_owned_server *server = &owned->servers[i];
        struct sv_dns_answer *alias = server->answer;
        if (alias->trouble != SV_DNS_ALIAS_ELSEWHERE ||
            !sv_name_equal(alias->final_name, lookup->question.name))
            continue;
        server->answer = sv_answers_join(alias, target);
        sv_dns_answer_free(alias);
    }
    sv_owned_step(owned);
}

static void follow_alias(struct sv_owned *owned)
{
    const struct sv_dns_answer *alias = NULL;

    for (size_t i = 0; i < owned->servers_count && alias == NULL; i++)
        if (owned->servers[i].answer->trouble == SV_DNS_ALIAS_ELSEWHERE)
            alias = owned->servers[i].answer;
    if (alias == NULL || owned->flight->depth >= ALIASES_MAX || owned->authority_stopped ||
        !may_ask(owned, ALIAS_ASKS))
        return;
    owned->alias = (struct sv_lookup){.owner = owned, .question = owned->flight->question};
    memcpy(owned->alias.question.name, alias->final_name, sizeof(alias->final_name));
    owned->alias_open =
        sv_lookup_start_inside(owned->resolver, &owned->alias, owned->flight, on_alias) == SV_OK;
}

static void on_serial(struct sv_errand *errand, enum sv_err err, const struct sv_dns_answer *answer)
{
    struct sv_owned_server *server = errand->owner;
    struct sv_owned *owned = server->owned;

    if (err == SV_OK && answer->outcome == SV_DNS_DATA)
        server->serial = answer->records[answer->records_count - 1].serial;
    owned->servers_open--;
    if (!sv_owned_is_called_off(owned))
        sv_owned_step(owned);
}

static bool do_differ(const struct sv_owned *owned)
{
    const struct sv_dns_answer *first = NULL;

    for (size_t i = 0; i < owned->servers_count; i++) {
        const struct sv_dns_answer *answer = owned->servers[i].answer;
        if (!sv_answer_is_usable(answer))
            continue;
        if (first == NULL)
            first = answer;
        else if (sv_answers_differ(first, answer))
            return true;
    }
    return false;
}

static void ask_serials(struct sv_owned *owned)
{
    const char *zone = sv_node_zone(owned->node)->name;

    if (owned->authority_stopped || !do_differ(owned))
        return;
    for (size_t i = 0; i < owned->servers_count; i++) {
        struct sv_owned_server *server = &owned->servers[i];
        if (!sv_answer_is_usable(server->answer) || !may_ask(owned, 1))
            continue;
        server->errand.question = (struct sv_dns_question){.type = SV_RR_SOA};
        server->errand.total_ms = left_ms(owned);
        memcpy(server->errand.question.name, zone, strlen(zone) + 1);
        owned->servers_open++;
        sv_errand_start(&owned->resolver->line, &server->errand, on_serial);
    }
}

static void on_details(struct sv_node_waiter *waiter)
{
    sv_owned_step(waiter->owner);
}

static void await_details(struct sv_owned *owned)
{
    struct sv_node *zone = sv_node_zone(owned->node);

    if (zone->kind == SV_NODE_CUT && zone->detailed && !sv_node_is_detailed(zone) &&
        !owned->authority_stopped)
        sv_node_await_detail(zone, &owned->waiter, on_details);
}

/* When no server is usable, the next check finds out whether the delegation still is what it was.
 */
static void expire_if_useless(struct sv_owned *owned)
{
    if (owned->servers_count == 0)
        return;
    for (size_t i = 0; i < owned->servers_count; i++)
        if (sv_answer_is_usable(owned->servers[i].answer) ||
            owned->servers[i].answer->trouble == SV_DNS_TIMEOUT)
            return;
    sv_node_expire(sv_node_zone(owned->node));
}

/* From one stage to the next, for as long as nothing has to be waited for. */
void sv_owned_step(struct sv_owned *owned)
{
    sv_owned_consider_resolvers(owned);
    while (owned->stage != SV_OWNED_TOLD && owned->waiter.node == NULL &&
           owned->servers_open == 0 && !owned->alias_open) {
        if (owned->stage == SV_OWNED_SERVERS && move(owned))
            continue;
        owned->stage++;
        if (owned->stage == SV_OWNED_ALIAS)
            follow_alias(owned);
        else if (owned->stage == SV_OWNED_SERIALS)
            ask_serials(owned);
        else if (owned->stage == SV_OWNED_DETAILS)
            await_details(owned);
        else if (owned->stage == SV_OWNED_TOLD)
            expire_if_useless(owned);
        sv_owned_consider_resolvers(owned);
    }
    if (owned->stage == SV_OWNED_TOLD && owned->resolvers_open + owned->former_open == 0 &&
        owned->flight->state == SV_FLIGHT_FLYING) {
        not_due(owned);
        sv_flight_ready(owned->flight);
    }
}

void sv_owned_start(struct sv_flight *flight)
{
    struct sv_views_resolver *r = flight->resolver;
    struct sv_owned *owned = sv_alloc(1, sizeof(*owned));
    sv_ms authority_ms = r->total_ms / 3 * 2;

    flight->owned = owned;
    owned->flight = flight;
    owned->resolver = r;
    owned->due.owner = owned;
    owned->asks_left_here = SV_OWNED_ASKS_MAX;
    owned->asks_left =
        flight->from != NULL ? flight->from->owned->asks_left : &owned->asks_left_here;
    owned->began_at = sv_resolver_now(r);
    owned->ends_at = owned->began_at + r->total_ms;
    if (nobody_was_heard(r) && authority_ms > CLOSED_AFTER_MS)
        authority_ms = CLOSED_AFTER_MS;
    owned->authority_ends_at = owned->began_at + authority_ms;
    if (r->closed && sv_resolver_now(r) < r->closed_until) {
        owned->closed = true;
        owned->stage = SV_OWNED_TOLD;
    } else if (r->authority) {
        if (r->closed)
            r->closed_until = owned->began_at + CLOSED_FOR_MS; /* one walk tries again */
        walk(owned);
    } else {
        owned->stage = SV_OWNED_TOLD;
    }
    sv_owned_ask_former(owned);
    sv_owned_set_due(owned);
    sv_owned_step(owned);
}

/* Ends. */

static void stop_authority(struct sv_owned *owned)
{
    owned->authority_stopped = true;
    if (owned->stage == SV_OWNED_WALK) {
        owned->stage = SV_OWNED_SERVERS; /* none of which is known */
        if (looks_closed(owned)) {
            close_port(owned->resolver);
            owned->closed = true;
        }
    }
    sv_node_unwait(&owned->waiter);
    for (size_t i = 0; i < owned->servers_count; i++)
        sv_errand_cancel(&owned->servers[i].errand);
    if (owned->alias_open)
        sv_lookup_cancel(&owned->alias);
}

static void stop_resolvers(struct sv_owned *owned)
{
    owned->resolvers_stopped = true;
    for (size_t i = 0; i < owned->resolvers_count; i++)
        sv_ask_cancel(&owned->resolvers[i].ask);
}

void sv_owned_on_deadline(struct sv_owned *owned)
{
    sv_ms now = sv_resolver_now(owned->resolver);

    if (owned->stage != SV_OWNED_TOLD && now >= owned->authority_ends_at + MARGIN_MS)
        stop_authority(owned);
    if (owned->resolvers_open > 0 && now >= owned->ends_at)
        stop_resolvers(owned);
    if (owned->former_open > 0 && now >= owned->ends_at)
        sv_owned_stop_former(owned);
    sv_owned_set_due(owned);
    sv_owned_step(owned);
}

void sv_owned_stop(struct sv_flight *flight)
{
    struct sv_owned *owned = flight->owned;

    not_due(owned);
    sv_node_unwait(&owned->waiter);
    for (size_t i = 0; i < owned->servers_count; i++)
        sv_errand_cancel(&owned->servers[i].errand);
    for (size_t i = 0; i < owned->resolvers_count; i++)
        sv_ask_cancel(&owned->resolvers[i].ask);
    sv_owned_stop_former(owned);
    if (owned->alias_open)
        sv_lookup_cancel(&owned->alias);
}

bool sv_owned_is_idle(const struct sv_flight *flight)
{
    const struct sv_owned *owned = flight->owned;

    return owned->servers_open == 0 && owned->resolvers_open == 0 && owned->former_open == 0 &&
           !owned->alias_open;
}

void sv_owned_free(struct sv_flight *flight)
{
    struct sv_owned *owned = flight->owned;

    not_due(owned);
    sv_node_unwait(&owned->waiter);
    forget_servers(owned);
    sv_owned_forget_former(owned);
    for (size_t i = 0; i < owned->resolvers_count; i++)
        sv_dns_answer_free(owned->resolvers[i].ask.answer);
    free(owned->resolvers);
    if (owned->node != NULL)
        sv_node_unpin(owned->node);
    sv_views_report_free(owned->report);
    free(owned);
}
