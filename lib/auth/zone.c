/* What the answers of many questions tell about a zone and each of its servers. */
#include <string.h>

#include "judge_parts.h"

static struct sv_zone *find_zone(struct sv_judge *judge, const struct sv_cut *cut)
{
    for (size_t i = 0; i < judge->zones_count; i++) {
        if (judge->zones[i]->cut.state == cut->state &&
            sv_name_equal(judge->zones[i]->cut.zone, cut->zone) &&
            sv_name_equal(judge->zones[i]->cut.missing, cut->missing))
            return judge->zones[i];
    }
    return NULL;
}

/* The server by its name; a new one where it was not listed. NULL when there are too many. */
static struct sv_zone_host *find_host(struct sv_judge *judge, struct sv_zone *zone,
                                      const char *host)
{
    struct sv_zone_host *it;

    for (size_t i = 0; i < zone->hosts_count; i++) {
        if (sv_name_equal(zone->hosts[i].host, host))
            return &zone->hosts[i];
    }
    if (zone->hosts_count == SV_CUT_HOSTS_MAX)
        return NULL;
    it = &zone->hosts[zone->hosts_count];
    it->host = sv_judge_keep(judge, host, strnlen(host, SV_NAME_MAX));
    if (it->host == NULL)
        return NULL;
    zone->hosts_count++;
    return it;
}

static void take_host(struct sv_judge *judge, struct sv_zone *zone, const struct sv_cut_host *host)
{
    struct sv_zone_host *it = find_host(judge, zone, host->host);

    if (it == NULL)
        return;
    it->at_parent = it->at_parent || host->at_parent;
    it->at_child = it->at_child || host->at_child;
    it->without_address = host->without_address;
    it->private_address = host->private_address;
}

static struct sv_zone *take_cut(struct sv_judge *judge, const struct sv_fact *fact,
                                const struct sv_cut *cut)
{
    struct sv_zone *zone = find_zone(judge, cut);

    if (zone == NULL && judge->zones_count < SV_ZONES_MAX) {
        zone = sv_keep_take(&judge->keep, sizeof(*zone), SV_KEEP_BYTES);
        if (zone == NULL)
            return NULL;
        zone->cut = *cut;
        zone->cut.hosts = NULL;
        zone->cut.hosts_count = 0;
        zone->fact = fact;
        judge->zones[judge->zones_count++] = zone;
    }
    if (zone == NULL)
        return NULL;
    zone->cut.child_listed = zone->cut.child_listed || cut->child_listed;
    zone->cut.signed_at_parent = zone->cut.signed_at_parent || cut->signed_at_parent;
    for (size_t i = 0; i < cut->hosts_count; i++)
        take_host(judge, zone, &cut->hosts[i]);
    return zone;
}

bool sv_zone_is_lame(const struct sv_dns_answer *answer)
{
    return answer->trouble == SV_DNS_REFUSED || answer->trouble == SV_DNS_LAME ||
           answer->trouble == SV_DNS_REFERRED || (answer->outcome != SV_DNS_UNKNOWN && !answer->aa);
}

static void take_answer(struct sv_zone_host *host, const struct sv_server_view *view)
{
    const struct sv_dns_answer *answer = view->answer;
    bool lame = sv_zone_is_lame(answer);
    bool fault =
        lame || answer->no_edns || view->answered_without_tcp || answer->outcome == SV_DNS_UNKNOWN;
    bool first = host->told + host->lame + host->silent == 0;

    if (lame)
        host->lame++;
    else if (answer->outcome != SV_DNS_UNKNOWN)
        host->told++;
    else
        host->silent++;
    host->no_edns = host->no_edns || answer->no_edns;
    host->no_tcp =
        host->no_tcp || view->answered_without_tcp || answer->trouble == SV_DNS_TCP_FAILED;
    host->malformed = host->malformed || answer->trouble == SV_DNS_MALFORMED;
    if (first || fault)
        sv_evidence_take(&host->evidence, answer);
}

void sv_zone_take(struct sv_judge *judge, const struct sv_fact *fact,
                  const struct sv_dns_views *views)
{
    struct sv_zone *zone = NULL;

    if (views->cut != NULL && views->cut->state != SV_CUT_UNKNOWN)
        zone = take_cut(judge, fact, views->cut);
    for (size_t i = 0; zone != NULL && i < views->servers_count; i++) {
        const struct sv_server_view *view = &views->servers[i];
        struct sv_zone_host *host;
        if (view->former)
            continue;
        host = find_host(judge, zone, view->host != NULL ? view->host : view->answer->server);
        if (host != NULL)
            take_answer(host, view);
    }
}

bool sv_zone_is_outsider(const struct sv_dns_views *views, const struct sv_server_view *server)
{
    bool parent_lists = false;
    bool is_listed = false;

    if (server->former)
        return true;
    if (views->cut == NULL || server->host == NULL)
        return false;
    for (size_t i = 0; i < views->cut->hosts_count; i++) {
        const struct sv_cut_host *host = &views->cut->hosts[i];
        parent_lists = parent_lists || host->at_parent;
        is_listed = is_listed || (host->at_parent && sv_name_equal(host->host, server->host));
    }
    return parent_lists && !is_listed;
}
