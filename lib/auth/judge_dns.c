/* What belongs to no record: whether the domain is registered and delegated, how its servers
 * behave, and what lies at its names beside what is expected (dns-auth section 10.1). */
#include <string.h>

#include "ip.h"
#include "judge_parts.h"

enum {
    TTL_LONG_S = 86400,
    MAIL_HOSTS_MAX = 2,
};

/* A label that nobody creates: what answers at it answers at every name (RFC 4592). */
#define NO_SUCH_LABEL SV_NO_SUCH_LABEL "."

/* Name servers of domains that are for sale or expired. */
static const char *const parking_hosts[] = {
    "sedoparking.com",
    "parkingcrew.net",
    "bodis.com",
    "above.com",
    "parklogic.com",
    "dan.com",
    "afternic.com",
    "cashparking.com",
    "fabulous.com",
    "voodoo.com",
    "skenzo.com",
    "rookdns.com",
    "dsredirection.com",
    "namedrive.com",
    "domainparkingserver.net",
    "ztomy.com",
    "undeveloped.com",
    "uniregistrymarket.link",
    "expiereddnsmanager.com",
    "parking-page.net",
    "hugedomains.com",
    "smartname.com",
    "parked.com",
};

/* Which hosts of a zone a finding speaks of. */
typedef bool pick_fn(const struct sv_zone_host *host);

static bool is_any(const struct sv_zone_host *host)
{
    (void)host;
    return true;
}

static bool is_at_parent(const struct sv_zone_host *host)
{
    return host->at_parent;
}

static bool is_at_child(const struct sv_zone_host *host)
{
    return host->at_child;
}

static bool is_lame(const struct sv_zone_host *host)
{
    return host->lame > 0 && host->told == 0;
}

static bool is_silent(const struct sv_zone_host *host)
{
    return host->told == 0 && host->lame == 0 && (host->silent > 0 || host->without_address);
}

static bool is_private(const struct sv_zone_host *host)
{
    return host->private_address;
}

static bool mishandles_edns(const struct sv_zone_host *host)
{
    return host->no_edns;
}

static bool blocks_tcp(const struct sv_zone_host *host)
{
    return host->no_tcp;
}

static bool is_malformed(const struct sv_zone_host *host)
{
    return host->malformed;
}

/* Lists the hosts, ", " between; returns the first, or NULL. */
static const struct sv_zone_host *list(const struct sv_zone *zone, pick_fn *pick,
                                       char out[SV_FINDING_VALUE_BYTES])
{
    const struct sv_zone_host *first = NULL;
    struct sv_line line;

    sv_line_init(&line, out, SV_FINDING_VALUE_BYTES);
    for (size_t i = 0; i < zone->hosts_count; i++) {
        const struct sv_zone_host *host = &zone->hosts[i];
        if (!pick(host))
            continue;
        if (first == NULL)
            first = host;
        else
            sv_line_add_shown(&line, sv_span_of(", "));
        if (!line.cut)
            sv_line_add_shown(&line, sv_span_of(host->host));
    }
    return first;
}

/* Evidence is what the host said; where it said nothing, what its zone's question ended in. */
static void find(struct sv_judge *judge, const struct sv_zone *zone, enum sv_finding_code code,
                 const struct sv_zone_host *host, const struct sv_naming *naming)
{
    struct sv_fact fact = {.name = zone->cut.zone, .evidence = zone->fact->evidence};
    struct sv_line line;

    if (host != NULL && host->evidence.server[0] != '\0')
        fact.evidence = host->evidence;
    if (fact.evidence.server[0] == '\0') {
        sv_line_init(&line, fact.evidence.server, sizeof(fact.evidence.server));
        sv_line_add(&line, host != NULL ? host->host : zone->cut.parent);
    }
    sv_judge_find(judge, code, &fact, SV_SEVERITY_NONE, naming);
}

/* The finding about the hosts that `pick` picks, if there are any. */
static bool find_hosts(struct sv_judge *judge, const struct sv_zone *zone,
                       enum sv_finding_code code, pick_fn *pick)
{
    char found[SV_FINDING_VALUE_BYTES];
    const struct sv_zone_host *first = list(zone, pick, found);
    struct sv_naming naming = {.owner = zone->cut.zone, .found = found};

    if (first != NULL)
        find(judge, zone, code, first, &naming);
    return first != NULL;
}

/* Why nobody told anything: silence first, then what was said instead of an answer. What has a
 * finding of its own (malformed replies, TCP) needs no second one. */
static enum sv_finding_code silence_of(const struct sv_zone *zone)
{
    enum sv_finding_code code = SV_F_NONE;

    for (size_t i = 0; i < zone->hosts_count; i++) {
        const struct sv_zone_host *host = &zone->hosts[i];
        enum sv_dns_trouble trouble = host->evidence.trouble;
        if (!is_silent(host) || is_malformed(host) || blocks_tcp(host))
            continue;
        if (trouble == SV_DNS_SERVFAIL && code != SV_F_DNS_UNREACHABLE)
            code = SV_F_DNS_SERVFAIL;
        else if (trouble == SV_DNS_NETWORK && code == SV_F_NONE)
            code = SV_F_DNS_NETWORK_ERROR;
        else if (trouble != SV_DNS_SERVFAIL && trouble != SV_DNS_NETWORK)
            code = SV_F_DNS_UNREACHABLE;
    }
    return code;
}

static void judge_silence(struct sv_judge *judge, const struct sv_zone *zone)
{
    struct sv_naming naming = {.owner = zone->cut.zone, .found = zone->cut.zone};
    enum sv_finding_code code = silence_of(zone);
    char found[SV_FINDING_VALUE_BYTES];

    if (code != SV_F_NONE)
        (void)find_hosts(judge, zone, code, is_silent);
    else if (list(zone, is_silent, found) == NULL)
        find(judge, zone, SV_F_DNS_UNREACHABLE, NULL, &naming);
}

static void judge_servers(struct sv_judge *judge, const struct sv_zone *zone)
{
    size_t lame = 0;
    size_t silent = 0;
    size_t told = 0;
    size_t away = 0;

    for (size_t i = 0; i < zone->hosts_count; i++) {
        lame += is_lame(&zone->hosts[i]) ? 1 : 0;
        silent += is_silent(&zone->hosts[i]) ? 1 : 0;
        told += zone->hosts[i].told > 0 ? 1 : 0;
        away += is_private(&zone->hosts[i]) ? 1 : 0;
    }
    (void)find_hosts(judge, zone, SV_F_DNS_PRIVATE_ANSWER, is_private);
    (void)find_hosts(judge, zone, SV_F_DNS_EDNS_BROKEN, mishandles_edns);
    (void)find_hosts(judge, zone, SV_F_DNS_TCP_UNAVAILABLE, blocks_tcp);
    (void)find_hosts(judge, zone, SV_F_DNS_MALFORMED_REPLY, is_malformed);
    if (told > 0) {
        (void)find_hosts(judge, zone, SV_F_DNS_PARTLY_LAME, is_lame);
    } else if (lame > 0) {
        (void)find_hosts(judge, zone, SV_F_DNS_LAME_DELEGATION, is_lame);
    } else if ((silent > 0 || zone->cut.state == SV_CUT_SILENT) && away == 0) {
        judge_silence(judge, zone);
    }
}

static void judge_mismatch(struct sv_judge *judge, const struct sv_zone *zone)
{
    char parent[SV_FINDING_VALUE_BYTES];
    char child[SV_FINDING_VALUE_BYTES];
    const struct sv_zone_host *first = list(zone, is_at_parent, parent);
    struct sv_naming naming = {.owner = zone->cut.zone, .expected = parent, .found = child};
    bool differ = false;

    for (size_t i = 0; i < zone->hosts_count; i++)
        differ = differ || zone->hosts[i].at_parent != zone->hosts[i].at_child;
    if (zone->cut.child_listed && differ && first != NULL && list(zone, is_at_child, child) != NULL)
        find(judge, zone, SV_F_DNS_DELEGATION_MISMATCH, first, &naming);
}

static bool is_parking(const struct sv_zone *zone)
{
    for (size_t i = 0; i < zone->hosts_count; i++) {
        size_t known = 0;
        while (known < sizeof(parking_hosts) / sizeof(*parking_hosts) &&
               !sv_name_is_below(zone->hosts[i].host, parking_hosts[known]))
            known++;
        if (known == sizeof(parking_hosts) / sizeof(*parking_hosts))
            return false;
    }
    return zone->hosts_count > 0;
}

/* Parked zones answer for every name. */
static void judge_parking(struct sv_judge *judge, const struct sv_zone *zone)
{
    char name[SV_NAME_BYTES];
    const struct sv_fact *random;

    if (!is_parking(zone) || !sv_name_build(name, NO_SUCH_LABEL, zone->cut.zone, ""))
        return;
    random = sv_judge_look(judge, name, SV_RR_A, &judge->dns_looks, SV_DNS_LOOKS_MAX);
    if (sv_fact_known(random) && !sv_fact_absent(random))
        (void)find_hosts(judge, zone, SV_F_DNS_DOMAIN_PARKED, is_any);
}

/* A zone of its own below the domain: usually of another provider. */
static void judge_subzone(struct sv_judge *judge, const struct sv_zone *zone)
{
    static const char *const labels[] = {"_domainkey.", "_dmarc."};

    for (size_t i = 0; i < sizeof(labels) / sizeof(*labels); i++) {
        char name[SV_NAME_BYTES];
        if (sv_name_build(name, labels[i], judge->expect.domain, "") &&
            sv_name_equal(zone->cut.zone, name))
            (void)find_hosts(judge, zone, SV_F_DNS_SUBZONE_DELEGATED, is_any);
    }
}

/* The name that is registered, as far as the public suffix list knows. */
static bool registrable(const struct sv_judge *judge, char out[SV_NAME_BYTES])
{
    return sv_name_registrable(judge->expect.domain, out) == SV_OK;
}

static bool is_at_or_above(const char *a, const char *b)
{
    return sv_name_equal(a, b) || sv_name_is_below(b, a);
}

static void judge_zone(struct sv_judge *judge, const struct sv_zone *zone)
{
    const struct sv_cut *cut = &zone->cut;
    char name[SV_NAME_BYTES];
    struct sv_naming naming = {.owner = cut->missing, .found = cut->parent};

    if (cut->state == SV_CUT_NXDOMAIN) {
        if (registrable(judge, name) && is_at_or_above(cut->missing, name))
            find(judge, zone, SV_F_DNS_DOMAIN_NXDOMAIN, NULL, &naming);
        return;
    }
    if (registrable(judge, name) && sv_name_is_below(name, cut->zone)) {
        /* A registry's own servers hold the name: nobody else was given it. */
        naming = (struct sv_naming){.owner = name, .found = cut->zone};
        if (zone->fact->how & SV_ASK_OWNED)
            find(judge, zone, SV_F_DNS_NOT_DELEGATED,
                 zone->hosts_count > 0 ? &zone->hosts[0] : NULL, &naming);
        return;
    }
    if (!is_at_or_above(cut->zone, judge->expect.domain) &&
        !sv_name_is_below(cut->zone, judge->expect.domain))
        return; /* of somebody else: includes, report addresses */
    judge_servers(judge, zone);
    judge_mismatch(judge, zone);
    judge_parking(judge, zone);
    judge_subzone(judge, zone);
}

/* Resolvers that answer by their own policy, or with what is out of date. */
static void judge_resolvers(struct sv_judge *judge, const struct sv_fact *fact)
{
    const struct sv_evidence *filtered = fact->heard->filtered_by;
    const struct sv_evidence *hinted = fact->heard->ede_by;
    struct sv_fact by = *fact;
    struct sv_naming naming = {.owner = fact->name};

    if (filtered != NULL) {
        by.evidence = *filtered;
        naming.found = filtered->server;
        sv_judge_find(judge, SV_F_DNS_ANSWER_FILTERED, &by, SV_SEVERITY_NONE, &naming);
    }
    if (hinted == NULL || hinted->outcome == SV_DNS_UNKNOWN)
        return; /* trouble.c says why */
    by.evidence = *hinted;
    naming.found = hinted->server;
    naming.until = hinted->at + (sv_ms)hinted->ttl_s * SV_SECOND;
    if (sv_ede_code(hinted->ede) == SV_F_DNS_STALE_CACHE)
        sv_judge_find(judge, SV_F_DNS_STALE_CACHE, &by, SV_SEVERITY_NONE, &naming);
    naming = (struct sv_naming){.owner = fact->name, .found = fact->name};
    if (sv_ede_code(hinted->ede) == SV_F_DNS_DNSSEC_UNSUPPORTED)
        sv_judge_find_shared(judge, SV_F_DNS_DNSSEC_UNSUPPORTED, &by, &naming);
}

/* Does the same wrong thing lie at a name that nobody created? */
static void judge_wildcard(struct sv_judge *judge, const struct sv_fact *fact, size_t record)
{
    char found[SV_FINDING_VALUE_BYTES];
    char others[SV_FINDING_VALUE_BYTES];
    struct sv_naming naming = {.owner = fact->name, .found = found};
    const struct sv_fact *random;

    if (sv_fact_absent(fact) || sv_judge_is_right(judge, record, fact) != SV_TRI_NO ||
        !sv_name_is_below(fact->name, judge->expect.domain))
        return;
    random = sv_judge_sibling(judge, fact->name, fact->type);
    if (!sv_fact_known(random) || sv_fact_absent(random) || judge->out == NULL)
        return;
    sv_fact_show(fact, found);
    sv_fact_show(random, others);
    naming.expected = judge->out->records[record].value;
    if (strcmp(found, others) != 0)
        return;
    judge->explained[record] = true;
    sv_judge_find(judge, SV_F_DNS_WILDCARD_ANSWER, random, SV_SEVERITY_NONE, &naming);
}

static void judge_record(struct sv_judge *judge, const struct sv_fact *fact, size_t record)
{
    struct sv_naming naming = {.owner = fact->name, .found = fact->name};

    if (!sv_fact_known(fact))
        return;
    sv_judge_ascii(judge, fact, record);
    judge_wildcard(judge, fact, record);
    naming.number = fact->evidence.ttl_s;
    if (fact->outcome == SV_DNS_DATA && fact->evidence.ttl_s > TTL_LONG_S)
        sv_judge_find_shared(judge, SV_F_DNS_TTL_TOO_LONG, fact, &naming);
}

/* The first address of the fact that nobody outside can reach; NULL = none. */
static const char *find_private(const struct sv_fact *fact)
{
    for (size_t i = 0; i < fact->values_count; i++) {
        struct sv_ip ip;
        if (sv_ip_parse(fact->values[i], &ip) && sv_ip_is_private(&ip))
            return fact->values[i].text;
    }
    return NULL;
}

/* True when the host leads inside somebody's network. */
static bool judge_mail_host(struct sv_judge *judge, const char *host)
{
    static const enum sv_rr_type types[] = {SV_RR_A, SV_RR_AAAA};

    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        const struct sv_fact *fact =
            sv_judge_look(judge, host, types[i], &judge->dns_looks, SV_DNS_LOOKS_MAX);
        struct sv_naming naming = {.owner = host, .found = find_private(fact)};
        if (naming.found == NULL)
            continue;
        sv_judge_find(judge, SV_F_DNS_PRIVATE_ANSWER, fact, SV_SEVERITY_NONE, &naming);
        return true;
    }
    return false;
}

/* Where mail for the domain goes, as far as the client names those hosts itself: the first of them
 * stand for all. */
static void judge_mail_hosts(struct sv_judge *judge, const struct sv_fact *mx)
{
    for (size_t i = 0; i < mx->values_count && i < MAIL_HOSTS_MAX; i++) {
        const char *host = memchr(mx->values[i].text, ' ', mx->values[i].len);
        if (host != NULL && sv_name_is_below(host + 1, judge->expect.domain) &&
            judge_mail_host(judge, host + 1))
            return;
    }
}

void sv_judge_dns(struct sv_judge *judge)
{
    size_t facts = judge->facts_count; /* those that are looked for here tell nothing new */

    for (size_t i = 0; i < judge->zones_count; i++)
        judge_zone(judge, judge->zones[i]);
    for (size_t i = 0; i < judge->records_count; i++) {
        if (judge->asked[i] == NULL || judge->asked[i]->heard == NULL)
            continue;
        judge_record(judge, judge->asked[i], i);
        judge_resolvers(judge, judge->asked[i]);
        sv_judge_dnssec(judge, judge->asked[i]);
    }
    for (size_t i = 0; i < facts; i++) {
        if (judge->facts[i]->type == SV_RR_MX &&
            sv_name_equal(judge->facts[i]->name, judge->expect.domain))
            judge_mail_hosts(judge, judge->facts[i]);
    }
}
