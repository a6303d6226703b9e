/* One fact from everything that was asked about it: the answers of the zone's own servers and of
 * resolvers, equal ones taken together. */
#include <string.h>

#include "judge_parts.h"

enum {
    EDE_STALE = 3,
    EDE_FORGED = 4,
    EDE_BLOCKED = 15,
    EDE_CENSORED = 16,
    EDE_FILTERED = 17,
    EDE_PROHIBITED = 18,
};

/* A resolver that answers by its own policy and not with what the zone says (RFC 8914). */
static bool is_filtered(const struct sv_dns_answer *answer)
{
    unsigned code = answer->ede - 1u;

    return answer->ede != 0 &&
           (code == EDE_FORGED || (code >= EDE_BLOCKED && code <= EDE_PROHIBITED));
}

/* A server that should own the zone and answers without authority does not (dns-auth section
 * 2.4). */
static bool is_usable(const struct sv_server_view *view)
{
    return view->answer->outcome != SV_DNS_UNKNOWN && view->answer->aa;
}

static bool is_told(const struct sv_dns_answer *answer)
{
    return answer->outcome != SV_DNS_UNKNOWN && !is_filtered(answer);
}

/* Beside mail's own records an apex holds many TXT records, and nobody minds where these differ. */
static bool matters(const struct sv_fact *fact, const struct sv_rr *rr)
{
    struct sv_span text = {.text = (const char *)rr->text, .len = rr->text_bytes};

    if (rr->type == SV_RR_CNAME)
        return rr->target != NULL && sv_name_equal(rr->owner, fact->name);
    if (rr->type != fact->type)
        return false;
    if (rr->type != SV_RR_TXT || (fact->how & SV_ASK_OWNED) == 0)
        return true;
    if (strchr(fact->name, '_') != NULL)
        return true; /* a name that exists for this record alone */
    return rr->text != NULL && (sv_span_holds(text, "spf") || sv_span_holds(text, "dmarc"));
}

static bool same_octets(const uint8_t *a, size_t a_bytes, const uint8_t *b, size_t b_bytes)
{
    if (a == NULL || b == NULL)
        return a == b;
    return a_bytes == b_bytes && memcmp(a, b, a_bytes) == 0;
}

static bool same_record(const struct sv_rr *a, const struct sv_rr *b)
{
    if (a->type != b->type || a->preference != b->preference)
        return false;
    if ((a->target == NULL) != (b->target == NULL) ||
        (a->target != NULL && !sv_name_equal(a->target, b->target)))
        return false;
    return same_octets(a->text, a->text_bytes, b->text, b->text_bytes) &&
           same_octets(a->rdata, a->rdata_bytes, b->rdata, b->rdata_bytes) &&
           memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

/* Every record of `a` that matters is in `b`. */
static bool is_within(const struct sv_fact *fact, const struct sv_dns_answer *a,
                      const struct sv_dns_answer *b)
{
    for (size_t i = 0; i < a->records_count; i++) {
        size_t j = 0;
        if (!matters(fact, &a->records[i]))
            continue;
        while (j < b->records_count && !same_record(&a->records[i], &b->records[j]))
            j++;
        if (j == b->records_count)
            return false;
    }
    return true;
}

static bool same_answer(const struct sv_fact *fact, const struct sv_dns_answer *a,
                        const struct sv_dns_answer *b)
{
    return is_within(fact, a, b) && is_within(fact, b, a);
}

/* The answers that differ from each other, each with those that gave it. */
struct group {
    const struct sv_dns_answer *first;
    struct sv_said said;
};

struct groups {
    size_t count;
    struct group groups[SV_STATEMENTS_MAX];
};

/* NULL when there are too many: what is said by the fifth counts as not told. */
static struct sv_said *add_answer(struct sv_judge *judge, struct groups *groups,
                                  const struct sv_fact *fact, const struct sv_dns_answer *answer)
{
    struct group *group;
    size_t i = 0;

    while (i < groups->count && !same_answer(fact, groups->groups[i].first, answer))
        i++;
    if (i == SV_STATEMENTS_MAX)
        return NULL;
    group = &groups->groups[i];
    if (i == groups->count) {
        *group = (struct group){.first = answer};
        groups->count++;
    } else if (group->said.witnesses_count < SV_WITNESSES_MAX) {
        const struct sv_evidence *witness = sv_evidence_keep(judge, answer);
        if (witness != NULL)
            group->said.witnesses[group->said.witnesses_count++] = witness;
    }
    return &group->said;
}

static void add_server(struct sv_judge *judge, struct groups *groups, const struct sv_fact *fact,
                       const struct sv_server_view *view, bool is_outsider)
{
    struct sv_said *said = add_answer(judge, groups, fact, view->answer);

    if (said == NULL)
        return;
    if (said->host == NULL && view->host != NULL)
        said->host = sv_judge_keep(judge, view->host, strnlen(view->host, SV_NAME_MAX));
    if (is_outsider) {
        said->outsiders++;
        return;
    }
    said->servers++;
    if (view->serial > said->serial)
        said->serial = view->serial;
}

static void add_resolver(struct sv_judge *judge, struct groups *groups, const struct sv_fact *fact,
                         const struct sv_dns_answer *answer)
{
    struct sv_said *said = add_answer(judge, groups, fact, answer);
    sv_ms until = answer->at + (sv_ms)answer->ttl_s * SV_SECOND;

    if (said == NULL)
        return;
    said->resolvers++;
    if (until > said->cached_until)
        said->cached_until = until;
    if (answer->ttl_s > said->cached_s)
        said->cached_s = answer->ttl_s;
}

static void hear_resolver(struct sv_judge *judge, struct sv_heard *heard,
                          const struct sv_dns_answer *answer)
{
    heard->resolvers_asked++;
    if (answer->ede != 0 && heard->ede_by == NULL)
        heard->ede_by = sv_evidence_keep(judge, answer);
    if (is_filtered(answer)) {
        if (heard->filtered_by == NULL)
            heard->filtered_by = sv_evidence_keep(judge, answer);
    } else if (answer->outcome != SV_DNS_UNKNOWN) {
        heard->resolvers_told++;
    } else if (answer->trouble == SV_DNS_BOGUS) {
        if (heard->resolvers_bogus++ == 0)
            heard->bogus_by = sv_evidence_keep(judge, answer);
    } else if (answer->trouble == SV_DNS_SERVFAIL) {
        heard->resolvers_failed++;
    }
}

/* What former servers do says nothing about the zone. */
static void hear_servers(const struct sv_dns_views *views, struct sv_heard *heard)
{
    for (size_t i = 0; i < views->servers_count; i++) {
        const struct sv_server_view *view = &views->servers[i];
        if (view->former)
            continue;
        heard->authority = true;
        heard->servers_lame += sv_zone_is_lame(view->answer) ? 1 : 0;
        heard->servers_usable += is_usable(view) && !sv_zone_is_outsider(views, view) ? 1 : 0;
    }
}

static void hear(struct sv_judge *judge, const struct sv_dns_views *views, struct sv_heard *heard)
{
    *heard = (struct sv_heard){.closed = views->closed};
    heard->authority = views->cut != NULL && views->cut->state == SV_CUT_SILENT;
    hear_servers(views, heard);
    for (size_t i = 0; i < views->resolvers_count; i++)
        hear_resolver(judge, heard, views->resolvers[i]);
}

/* What stands for a question that nobody answered usably: the most telling failure. */
static const struct sv_dns_answer *failure(const struct sv_dns_views *views,
                                           const struct sv_heard *heard)
{
    const struct sv_dns_answer *first = NULL;

    for (size_t i = 0; i < views->resolvers_count; i++) {
        const struct sv_dns_answer *answer = views->resolvers[i];
        if (answer->trouble == SV_DNS_BOGUS && !heard->authority)
            return answer;
        if (first == NULL && answer->outcome == SV_DNS_UNKNOWN)
            first = answer;
    }
    for (size_t i = 0; i < views->servers_count; i++) {
        if (heard->authority && !views->servers[i].former && !is_usable(&views->servers[i]))
            return views->servers[i].answer;
    }
    return first;
}

/* With three resolvers two must have answered (design section 6); with fewer, one is what there is,
 * and the status machine looks again after the TTL. */
static bool is_heard_enough(const struct sv_heard *heard)
{
    if (heard->authority)
        return heard->servers_usable > 0;
    return heard->resolvers_asked < 3 || heard->resolvers_told >= 2;
}

static bool is_better(const struct sv_said *a, bool a_right, const struct sv_said *b, bool b_right)
{
    if ((a->servers > 0) != (b->servers > 0))
        return a->servers > 0;
    if (a->servers == 0 && (a->resolvers > 0) != (b->resolvers > 0))
        return a->resolvers > 0; /* outsiders alone never count */
    if (a_right != b_right)
        return a_right;
    if (a->servers != b->servers)
        return a->servers > b->servers;
    return a->resolvers > b->resolvers;
}

/* The expected record that this question is about; SV_RECORDS_MAX = none. */
static size_t record_of(const struct sv_judge *judge, const struct sv_fact *fact)
{
    size_t i = 0;

    while (i < judge->records_count && judge->asked[i] != fact)
        i++;
    return i < judge->records_count ? i : SV_RECORDS_MAX;
}

/* Fills `fact` with the best of the groups and hangs the others on it. */
static void settle(struct sv_judge *judge, struct sv_fact *fact, const struct groups *groups)
{
    struct sv_fact taken[SV_STATEMENTS_MAX];
    bool rights[SV_STATEMENTS_MAX];
    size_t record = record_of(judge, fact);
    size_t best = 0;

    for (size_t i = 0; i < groups->count; i++) {
        taken[i] = *fact;
        taken[i].said = groups->groups[i].said;
        sv_fact_take(judge, &taken[i], groups->groups[i].first);
        rights[i] =
            record < SV_RECORDS_MAX && sv_judge_is_right(judge, record, &taken[i]) == SV_TRI_YES;
        if (i > 0 && is_better(&taken[i].said, rights[i], &taken[best].said, rights[best]))
            best = i;
    }
    *fact = taken[best];
    for (size_t i = groups->count; i-- > 0;) {
        struct sv_fact *other;
        if (i == best)
            continue;
        other = sv_keep_take(&judge->keep, sizeof(*other), SV_KEEP_BYTES);
        if (other == NULL) {
            fact->incomplete = true;
            return;
        }
        *other = taken[i];
        other->otherwise = fact->otherwise;
        fact->otherwise = other;
    }
}

/* The servers of the parent say that there is no such zone: then nothing is in it. */
static void take_nxdomain(struct sv_fact *fact, const struct sv_cut *cut)
{
    enum { RCODE_NXDOMAIN = 3 };
    struct sv_line line;

    fact->outcome = SV_DNS_NXDOMAIN;
    fact->trouble = SV_DNS_NO_TROUBLE;
    fact->said.servers = 1;
    fact->evidence = (struct sv_evidence){.outcome = SV_DNS_NXDOMAIN, .rcode = RCODE_NXDOMAIN};
    sv_line_init(&line, fact->evidence.server, sizeof(fact->evidence.server));
    sv_line_add(&line, cut->parent[0] != '\0' ? cut->parent : ".");
}

/* Is this the alias at the very name that the other answer tells of? */
static bool tells_alias(const struct sv_fact *fact, const struct sv_dns_answer *answer,
                        const struct sv_dns_answer *failed)
{
    struct sv_dns_answer alone = *failed;

    for (size_t i = 0; i < failed->records_count; i++) {
        const struct sv_rr *rr = &failed->records[i];
        alone.records = rr;
        alone.records_count = 1;
        if (rr->type == SV_RR_CNAME && matters(fact, rr) && is_within(fact, &alone, answer))
            return true;
    }
    return false;
}

/* An alias may be known where what is behind it is not; but of three resolvers two must tell of it
 * (design section 6), and what a server says that does not have the zone is worth nothing. */
static bool is_alias_heard_enough(const struct sv_dns_views *views, const struct sv_fact *fact,
                                  const struct sv_dns_answer *failed)
{
    unsigned told = 0;

    if (sv_zone_is_lame(failed))
        return false;
    for (size_t i = 0; i < views->resolvers_count; i++)
        told += tells_alias(fact, views->resolvers[i], failed) ? 1 : 0;
    for (size_t i = 0; i < views->servers_count; i++) {
        if (views->servers[i].answer == failed)
            return true;
    }
    return views->resolvers_count < 3 || told >= 2;
}

static void take_failure(struct sv_judge *judge, struct sv_fact *fact,
                         const struct sv_dns_views *views, const struct sv_dns_answer *failed)
{
    if (is_alias_heard_enough(views, fact, failed)) {
        sv_fact_take(judge, fact, failed);
        return;
    }
    fact->trouble = failed->trouble;
    sv_evidence_take(&fact->evidence, failed);
}

static void add_servers(struct sv_judge *judge, struct groups *groups, const struct sv_fact *fact,
                        const struct sv_dns_views *views, bool former)
{
    for (size_t i = 0; i < views->servers_count; i++) {
        const struct sv_server_view *view = &views->servers[i];
        if (view->former == former && is_usable(view))
            add_server(judge, groups, fact, view, sv_zone_is_outsider(views, view));
    }
}

void sv_fact_take_views(struct sv_judge *judge, struct sv_fact *fact,
                        const struct sv_dns_views *views)
{
    struct groups groups = {0};
    struct sv_heard *heard = sv_keep_take(&judge->keep, sizeof(*heard), SV_KEEP_BYTES);
    const struct sv_dns_answer *failed;

    if (heard == NULL)
        return;
    hear(judge, views, heard);
    add_servers(judge, &groups, fact, views, false);
    for (size_t i = 0; i < views->resolvers_count; i++) {
        if (is_told(views->resolvers[i]))
            add_resolver(judge, &groups, fact, views->resolvers[i]);
    }
    if (groups.count > 0) /* last, and never alone */
        add_servers(judge, &groups, fact, views, true);
    if (is_heard_enough(heard) && groups.count > 0) {
        settle(judge, fact, &groups);
    } else if (views->cut != NULL && views->cut->state == SV_CUT_NXDOMAIN) {
        take_nxdomain(fact, views->cut);
    } else {
        failed = failure(views, heard);
        if (failed != NULL)
            take_failure(judge, fact, views, failed);
        fact->outcome = SV_DNS_UNKNOWN; /* one of three resolvers is not enough to know */
    }
    fact->heard = heard;
}
