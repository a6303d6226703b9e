/* The report of an owned question: everything that was answered, in the words of sv/views.h. */
#include <stdlib.h>
#include <string.h>

#include "resolver_parts.h"
#include "sv/alloc.h"

struct sv_views_report {
    struct sv_dns_views views;
    struct sv_cut cut;
    struct sv_cut_host hosts[SV_CUT_HOSTS_MAX];
    struct sv_server_view servers[SV_VIEWS_SERVERS_MAX + SV_VIEWS_FORMER_MAX];
    const struct sv_dns_answer *resolvers[SV_OWNED_RESOLVERS_MAX];
    struct sv_dns_answer *denial; /* of a name whose zone does not exist */
};

struct sv_dns_answer *sv_answer_of_trouble(const struct sv_dns_question *question,
                                           enum sv_dns_trouble trouble,
                                           const struct sv_dns_server *server)
{
    struct sv_dns_answer answer = {.outcome = SV_DNS_UNKNOWN, .trouble = trouble};

    if (server != NULL)
        sv_server_text(server, answer.server);
    memcpy(answer.final_name, question->name, sizeof(answer.final_name));
    return sv_dns_answer_copy(&answer);
}

static bool is_proof(const struct sv_rr *record)
{
    return record->type == SV_RR_RRSIG || record->type == SV_RR_NSEC || record->type == SV_RR_NSEC3;
}

static bool texts_equal(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : sv_name_equal(a, b);
}

static bool octets_equal(const uint8_t *a, size_t a_bytes, const uint8_t *b, size_t b_bytes)
{
    return a_bytes == b_bytes && (a_bytes == 0 || memcmp(a, b, a_bytes) == 0);
}

static bool records_equal(const struct sv_rr *a, const struct sv_rr *b)
{
    return a->type == b->type && a->preference == b->preference &&
           texts_equal(a->owner, b->owner) && texts_equal(a->target, b->target) &&
           memcmp(a->address, b->address, sizeof(a->address)) == 0 &&
           octets_equal(a->text, a->text_bytes, b->text, b->text_bytes) &&
           octets_equal(a->rdata, a->rdata_bytes, b->rdata, b->rdata_bytes);
}

/* Whether every record of `a` is among those of `b`; signatures are made anew all the time. */
static bool is_within(const struct sv_dns_answer *a, const struct sv_dns_answer *b)
{
    for (size_t i = 0; i < a->records_count; i++) {
        size_t j = 0;
        if (is_proof(&a->records[i]))
            continue;
        while (j < b->records_count && !records_equal(&a->records[i], &b->records[j]))
            j++;
        if (j == b->records_count)
            return false;
    }
    return true;
}

bool sv_answers_differ(const struct sv_dns_answer *a, const struct sv_dns_answer *b)
{
    if (a->outcome != b->outcome || !sv_name_equal(a->final_name, b->final_name))
        return true;
    return !is_within(a, b) || !is_within(b, a);
}

struct sv_dns_answer *sv_answers_join(const struct sv_dns_answer *alias,
                                      const struct sv_dns_answer *target)
{
    size_t count = alias->records_count + target->records_count;
    struct sv_rr *records = sv_alloc(count + 1, sizeof(*records)); /* at most 512 (D4) */
    struct sv_dns_answer joined = *alias;
    struct sv_dns_answer *copy;

    if (alias->records_count > 0)
        memcpy(records, alias->records, alias->records_count * sizeof(*records));
    if (target->records_count > 0)
        memcpy(records + alias->records_count, target->records,
               target->records_count * sizeof(*records));
    joined.outcome = target->outcome;
    joined.trouble = target->trouble;
    joined.rcode = target->rcode;
    joined.ttl_s = target->ttl_s < alias->ttl_s ? target->ttl_s : alias->ttl_s;
    joined.compact = target->compact;
    memcpy(joined.final_name, target->final_name, sizeof(joined.final_name));
    memcpy(joined.zone, target->zone, sizeof(joined.zone));
    joined.serial = 0; /* of another zone */
    joined.records = count > 0 ? records : NULL;
    joined.records_count = count;
    copy = sv_dns_answer_copy(&joined);
    free(records);
    return copy;
}

/* The zone. */

static void put_name(char out[SV_NAME_BYTES], const char *name)
{
    memcpy(out, name, strlen(name) + 1);
}

static void put_parent(struct sv_cut *cut, const struct sv_node *node)
{
    if (node->above != NULL)
        put_name(cut->parent, sv_node_zone(node->above)->name);
}

/* One that had too many questions before it never had its turn: it says nothing about the zone. */
static bool was_asked(const struct sv_owned_server *server)
{
    return server->answer->server[0] != 0;
}

/* Silence is told only where somebody could have spoken: not of a network that is not there. */
static bool is_silent(const struct sv_owned *owned, const struct sv_node *zone)
{
    for (size_t i = 0; owned->servers_count == 0 && i < zone->hosts_count; i++)
        if (zone->hosts[i].unsure)
            return false;
    for (size_t i = 0; i < owned->servers_count; i++)
        if (owned->servers[i].answer->trouble != SV_DNS_TIMEOUT || !was_asked(&owned->servers[i]))
            return false;
    return true;
}

static void put_zone(struct sv_views_report *report, const struct sv_owned *owned,
                     const struct sv_node *zone)
{
    struct sv_cut *cut = &report->cut;

    cut->state = is_silent(owned, zone) ? SV_CUT_SILENT : SV_CUT_FOUND;
    put_name(cut->zone, zone->name);
    put_parent(cut, zone);
    cut->child_listed = zone->child_listed;
    cut->signed_at_parent = zone->signed_at_parent;
    for (size_t i = 0; i < zone->hosts_count; i++) {
        const struct sv_node_host *host = &zone->hosts[i];
        report->hosts[i] =
            (struct sv_cut_host){.host = host->name,
                                 .at_parent = host->at_parent,
                                 .at_child = host->at_child,
                                 .without_address = host->without_address && !host->unsure,
                                 .private_address = host->private_address};
    }
    cut->hosts = report->hosts;
    cut->hosts_count = zone->hosts_count;
}

/* The zone above says that the name is not there: then so is everything below it, and its answer
 * is the answer to the question (RFC 8020). */
static void put_missing(struct sv_views_report *report, const struct sv_owned *owned,
                        const struct sv_node *node)
{
    struct sv_dns_answer *denial = sv_dns_answer_copy(node->denial);

    while (node->above != NULL && node->above->kind == SV_NODE_MISSING)
        node = node->above;
    report->cut.state = SV_CUT_NXDOMAIN;
    put_name(report->cut.missing, node->name);
    put_parent(&report->cut, node);
    put_name(denial->final_name, owned->flight->question.name);
    report->denial = denial;
    report->servers[0] = (struct sv_server_view){.host = "", .answer = denial};
    report->views.servers_count = 1;
    report->views.servers = report->servers;
}

static uint32_t serial_of(const struct sv_owned_server *server, const struct sv_node *zone)
{
    if (server->serial != 0)
        return server->serial;
    return sv_name_equal(server->answer->zone, zone->name) ? server->answer->serial : 0;
}

static void put_servers(struct sv_views_report *report, const struct sv_owned *owned,
                        const struct sv_node *zone)
{
    for (size_t i = 0; i < owned->servers_count; i++) {
        const struct sv_owned_server *server = &owned->servers[i];
        if (!was_asked(server))
            continue;
        report->servers[report->views.servers_count++] = (struct sv_server_view){
            .host = zone->hosts[zone->host_of[server->at]].name,
            .answer = server->answer,
            .serial = serial_of(server, zone),
            .answered_without_tcp = server->answer->trouble == SV_DNS_TCP_FAILED,
        };
    }
    report->views.servers = report->servers;
}

static void put_authority(struct sv_views_report *report, const struct sv_owned *owned)
{
    const struct sv_node *zone;

    report->views.cut = &report->cut;
    if (owned->node->stage != SV_NODE_READY)
        return;
    zone = sv_node_zone(owned->node);
    switch (zone->kind) {
    case SV_NODE_CUT:
        put_zone(report, owned, zone);
        put_servers(report, owned, zone);
        break;
    case SV_NODE_MISSING:
        put_missing(report, owned, zone);
        break;
    case SV_NODE_UNKNOWN:
        put_parent(&report->cut, zone);
        break;
    case SV_NODE_SAME:
        break; /* sv_node_zone never ends there */
    }
}

/* Behind the zone's own, whatever these said. */
static void put_former(struct sv_views_report *report, const struct sv_owned *owned)
{
    for (size_t i = 0; i < owned->former_count; i++) {
        const struct sv_dns_answer *answer = owned->former[i].answer;
        if (answer->server[0] == '\0')
            continue; /* it never had its turn */
        report->servers[report->views.servers_count++] = (struct sv_server_view){
            .host = answer->server,
            .answer = answer,
            .answered_without_tcp = answer->trouble == SV_DNS_TCP_FAILED,
            .former = true,
        };
    }
    report->views.servers = report->servers;
}

const struct sv_dns_views *sv_views_report_make(struct sv_owned *owned)
{
    struct sv_views_report *report = sv_alloc(1, sizeof(*report));

    owned->report = report;
    report->views.closed = owned->closed;
    report->views.withheld = owned->withheld;
    for (size_t i = 0; i < owned->resolvers_count; i++)
        report->resolvers[i] = owned->resolvers[i].ask.answer;
    report->views.resolvers = report->resolvers;
    report->views.resolvers_count = owned->resolvers_count;
    if (owned->node != NULL && !owned->closed)
        put_authority(report, owned);
    put_former(report, owned);
    return &report->views;
}

void sv_views_report_free(struct sv_views_report *report)
{
    if (report == NULL)
        return;
    sv_dns_answer_free(report->denial);
    free(report);
}
