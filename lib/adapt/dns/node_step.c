/* The happy path: the node above is ready; a server of its zone is asked for this name's NS records
 * and refers to the zone that begins here; its addresses come with it.
 *
 * - The server holds the name itself (NODATA, an alias): no zone begins here.
 * - It holds the zone below as well (an answer with AA): the zone begins here, its NS records are
 *   the answer.
 * - It says NXDOMAIN: the name is missing, and everything below it.
 * - It refers anywhere else, or nobody answers usably: the next ones are tried, then the node is
 *   unknown, for a short while.
 * - A host comes without address: resolvers are asked. Whoever has none then is told so. */
#include "node_step.h"

#include <stdlib.h>
#include <string.h>

#include "resolver_parts.h"
#include "sv/alloc.h"
#include "sv/require.h"

enum {
    STEP_TRIES_MAX = 3, /* servers that refer somewhere else */
    /* What is kept is kept no longer than this, whatever the TTL says: a repaired delegation must
     * show while somebody waits for it. */
    TOP_MS_MAX = 6 * 60 * 60 * 1000,
    CUT_MS_MAX = 5 * 60 * 1000,
    CUT_MS_MIN = 10 * 1000, /* one check's questions share it, even with a TTL of 0 */
    MISSING_MS_MAX = 60 * 1000,
    UNKNOWN_MS = 15 * 1000,
};

struct sv_node_lookup {
    struct sv_lookup lookup;
    struct sv_node *node;
    size_t host;
};

static bool is_top(const struct sv_node *node)
{
    return strchr(node->name, '.') == NULL;
}

static void finish(struct sv_node *node, enum sv_node_kind kind, sv_ms keep_ms)
{
    node->kind = kind;
    node->stage = SV_NODE_READY;
    node->until = sv_resolver_now(node->resolver) + keep_ms;
    node->pins++;
    sv_node_tell(&node->waiters);
    sv_node_unpin(node);
}

static sv_ms clamp_ms(uint32_t ttl_s, sv_ms min_ms, sv_ms max_ms)
{
    sv_ms ms = (sv_ms)ttl_s * SV_SECOND;

    return ms < min_ms ? min_ms : ms > max_ms ? max_ms : ms;
}

/* Addresses. */

static bool is_known(const struct sv_node *node, const struct sv_address *address)
{
    for (size_t i = 0; i < node->addresses_count; i++)
        if (sv_address_equal(&node->addresses[i], address))
            return true;
    return false;
}

/* An address that may not be asked is told of a host only while it has no other. */
static void add_address(struct sv_node *node, size_t host, const struct sv_address *address)
{
    struct sv_node_host *of = &node->hosts[host];

    of->without_address = false;
    if (!node->resolver->allow_private && !sv_address_is_public(address)) {
        of->private_address = !of->has_good_address;
        return;
    }
    of->has_good_address = true;
    of->private_address = false;
    if (node->addresses_count == SV_VIEWS_SERVERS_MAX || is_known(node, address))
        return;
    node->addresses[node->addresses_count] = *address;
    node->host_of[node->addresses_count++] = (uint8_t)host;
}

static void add_record(struct sv_node *node, size_t host, const struct sv_rr *record)
{
    struct sv_address address;

    if (sv_address_of_record(record, &address))
        add_address(node, host, &address);
}

static void finish_addresses(struct sv_node *node)
{
    sv_ms keep_ms = node->until; /* set by the delegation */

    free(node->lookups);
    node->lookups = NULL;
    finish(node, SV_NODE_CUT, node->addresses_count > 0 ? keep_ms : CUT_MS_MIN);
}

static void on_address(struct sv_lookup *lookup, enum sv_err err, const struct sv_dns_views *views)
{
    struct sv_node_lookup *own = lookup->owner;
    struct sv_node *node = own->node;
    const struct sv_dns_answer *answer = err == SV_OK ? views->resolvers[0] : NULL;

    if (!sv_answer_is_usable(answer))
        node->hosts[own->host].unsure = true;
    for (size_t i = 0; answer != NULL && i < answer->records_count; i++)
        add_record(node, own->host, &answer->records[i]);
    if (--node->lookups_open == 0)
        finish_addresses(node);
}

static void look_up(struct sv_node *node, size_t host, enum sv_rr_type type)
{
    struct sv_node_lookup *own = &node->lookups[2 * host + (type == SV_RR_AAAA ? 1 : 0)];
    own->node = node;
    own->host = host;
    own->lookup.owner = own;
    own->lookup.question.type = type;
    memcpy(own->lookup.question.name, node->hosts[host].name, strlen(node->hosts[host].name) + 1);
    if (node->lookups_left == 0 ||
        sv_lookup_start_inside(node->resolver, &own->lookup, NULL, on_address) != SV_OK) {
        node->hosts[host].unsure = true;
        return;
    }
    node->lookups_left--;
    node->lookups_open++;
}

static void find_addresses(struct sv_node *node)
{
    node->stage = SV_NODE_ADDRESSES;
    node->lookups = sv_alloc((size_t)2 * SV_CUT_HOSTS_MAX, sizeof(*node->lookups));
    node->lookups_open = 1;
    for (size_t i = 0; i < node->hosts_count; i++) {
        if (!node->hosts[i].without_address)
            continue;
        look_up(node, i, SV_RR_A);
        look_up(node, i, SV_RR_AAAA);
    }
    if (--node->lookups_open == 0)
        finish_addresses(node);
}

/* Delegation. */

static size_t find_host(const struct sv_node *node, const char *name)
{
    size_t i = 0;

    while (i < node->hosts_count && !sv_name_equal(node->hosts[i].name, name))
        i++;
    return i;
}

static void add_host(struct sv_node *node, const char *name, bool at_parent)
{
    size_t i = find_host(node, name);

    if (i == SV_CUT_HOSTS_MAX || strlen(name) >= SV_NAME_BYTES)
        return;
    if (i == node->hosts_count) {
        node->hosts[node->hosts_count++] =
            (struct sv_node_host){.name = sv_strdup(name), .without_address = at_parent};
    }
    if (at_parent)
        node->hosts[i].at_parent = true;
    else
        node->hosts[i].at_child = true;
}

/* Addresses for hosts of the zone above itself or below it are its to tell (RFC 9471); of others
 * they are hearsay. */
static void take_glue(struct sv_node *node, const struct sv_dns_answer *answer)
{
    const char *above = sv_node_zone(node->above)->name;

    for (size_t i = 0; i < answer->referral_count; i++) {
        const struct sv_rr *record = &answer->referral[i];
        size_t host;
        if (record->type == SV_RR_NS)
            continue;
        host = find_host(node, record->owner);
        if (host < node->hosts_count && (*above == 0 || sv_name_is_below(record->owner, above)))
            add_record(node, host, record);
    }
}

static void take_hosts(struct sv_node *node, const struct sv_rr *records, size_t count)
{
    uint32_t ttl_s = UINT32_MAX;

    for (size_t i = 0; i < count; i++) {
        if (records[i].type != SV_RR_NS || records[i].target == NULL)
            continue;
        add_host(node, records[i].target, true);
        ttl_s = records[i].ttl_s < ttl_s ? records[i].ttl_s : ttl_s;
    }
    node->until = clamp_ms(ttl_s, CUT_MS_MIN, is_top(node) ? TOP_MS_MAX : CUT_MS_MAX);
}

/* The servers of the zone above that serve this one as well have addresses we know. */
static void take_shared(struct sv_node *node)
{
    const struct sv_node *above = sv_node_zone(node->above);

    for (size_t i = 0; i < above->addresses_count; i++) {
        size_t host = find_host(node, above->hosts[above->host_of[i]].name);
        if (host < node->hosts_count)
            add_address(node, host, &above->addresses[i]);
    }
}

void sv_node_begin_referred(struct sv_node *node, const struct sv_dns_answer *answer,
                            unsigned *asks_left)
{
    unsigned most = *asks_left < SV_NODE_LOOKUPS_MAX ? *asks_left : SV_NODE_LOOKUPS_MAX;

    take_hosts(node, answer->referral, answer->referral_count);
    take_glue(node, answer);
    node->lookups_left = most;
    find_addresses(node);
    *asks_left -= most - node->lookups_left;
}

static void begin_answered(struct sv_node *node, const struct sv_dns_answer *answer)
{
    take_hosts(node, answer->records, answer->records_count);
    take_shared(node);
    node->lookups_left = SV_NODE_LOOKUPS_MAX;
    find_addresses(node);
}

/* The step. */

static void on_step(struct sv_errand *errand, enum sv_err err, const struct sv_dns_answer *answer);

static void ask_above(struct sv_node *node)
{
    const struct sv_node *zone = sv_node_zone(node->above);

    node->stage = SV_NODE_STEP;
    node->step.owner = node;
    node->step.question.type = SV_RR_NS;
    memcpy(node->step.question.name, node->name, sizeof(node->name));
    node->step.addresses = zone->addresses;
    node->step.count = zone->addresses_count;
    node->step.port = node->resolver->authority_port;
    node->step.from = node->step_tries++ == 0
                          ? (size_t)sv_rand_below(&node->resolver->rand, zone->addresses_count)
                          : (node->step.from + 1) % zone->addresses_count;
    sv_errand_start(&node->resolver->line, &node->step, on_step);
}

static void step(struct sv_node *node)
{
    const struct sv_node *zone = sv_node_zone(node->above);

    if (zone->kind == SV_NODE_MISSING) {
        node->denial = sv_dns_answer_copy(zone->denial);
        finish(node, SV_NODE_MISSING, MISSING_MS_MAX);
    } else if (zone->kind != SV_NODE_CUT || zone->addresses_count == 0 || node->resolver->closing) {
        finish(node, SV_NODE_UNKNOWN, UNKNOWN_MS);
    } else {
        ask_above(node);
    }
}

static void on_absence(struct sv_node *node, const struct sv_dns_answer *answer)
{
    if (answer->outcome == SV_DNS_NXDOMAIN && sv_name_equal(answer->final_name, node->name)) {
        node->denial = sv_dns_answer_copy(answer);
        finish(node, SV_NODE_MISSING, clamp_ms(answer->ttl_s, CUT_MS_MIN, MISSING_MS_MAX));
        return;
    }
    finish(node, SV_NODE_SAME, clamp_ms(answer->ttl_s, CUT_MS_MIN, CUT_MS_MAX));
}

/* Somebody referred somewhere else, or answered unusably; is there another one to ask? */
static void try_next(struct sv_node *node)
{
    if (node->step_tries < STEP_TRIES_MAX && node->step_tries < node->step.count &&
        !node->resolver->closing)
        ask_above(node);
    else
        finish(node, SV_NODE_UNKNOWN, UNKNOWN_MS);
}

static void on_trouble(struct sv_node *node, const struct sv_dns_answer *answer)
{
    switch (answer->trouble) {
    case SV_DNS_REFERRED:
        if (sv_name_equal(answer->zone, node->name))
            sv_node_begin_referred(node, answer, &(unsigned){SV_NODE_LOOKUPS_MAX});
        else
            try_next(node);
        return;
    case SV_DNS_ALIAS_ELSEWHERE: /* the name is there, and is no zone */
    case SV_DNS_ALIAS_LOOP:
    case SV_DNS_ALIAS_TOO_LONG:
        finish(node, SV_NODE_SAME, CUT_MS_MIN);
        return;
    case SV_DNS_NO_TROUBLE:
    case SV_DNS_TIMEOUT:
    case SV_DNS_NETWORK:
    case SV_DNS_SERVFAIL:
    case SV_DNS_REFUSED:
    case SV_DNS_LAME:
    case SV_DNS_MALFORMED:
    case SV_DNS_TCP_FAILED:
    case SV_DNS_BOGUS:
    case SV_DNS_OTHER_RCODE:
        break; /* the engine has tried the others already */
    }
    finish(node, SV_NODE_UNKNOWN, UNKNOWN_MS);
}

static void on_step(struct sv_errand *errand, enum sv_err err, const struct sv_dns_answer *answer)
{
    struct sv_node *node = errand->owner;

    if (err != SV_OK) {
        finish(node, SV_NODE_UNKNOWN, 0);
        return;
    }
    sv_resolver_hear(node->resolver, answer);
    switch (answer->outcome) {
    case SV_DNS_UNKNOWN:
        on_trouble(node, answer);
        return;
    case SV_DNS_DATA:
        if (sv_name_equal(answer->final_name, node->name)) {
            begin_answered(node, answer);
            return;
        }
        finish(node, SV_NODE_SAME, CUT_MS_MIN);
        return;
    case SV_DNS_NODATA:
    case SV_DNS_NXDOMAIN:
        on_absence(node, answer);
        return;
    }
}

static void on_above(struct sv_node_waiter *waiter)
{
    step(waiter->owner);
}

void sv_node_begin(struct sv_node *node)
{
    node->on_above.owner = node;
    node->stage = SV_NODE_ABOVE;
    if (node->above->stage == SV_NODE_READY)
        step(node);
    else
        sv_node_await(node->above, &node->on_above, on_above);
}

/* What the report adds about a zone. */

bool sv_node_is_detailed(const struct sv_node *node)
{
    return node->detailed && !sv_errand_is_open(&node->child_ns) &&
           !sv_errand_is_open(&node->parent_ds);
}

static void told(struct sv_node *node)
{
    node->pins++;
    if (sv_node_is_detailed(node))
        sv_node_tell(&node->detail_waiters);
    sv_node_unpin(node);
}

static void on_child_ns(struct sv_errand *errand, enum sv_err err,
                        const struct sv_dns_answer *answer)
{
    struct sv_node *node = errand->owner;

    if (err == SV_OK && answer->outcome == SV_DNS_DATA) {
        node->child_listed = true;
        for (size_t i = 0; i < answer->records_count; i++)
            if (answer->records[i].type == SV_RR_NS && answer->records[i].target != NULL)
                add_host(node, answer->records[i].target, false);
    }
    told(node);
}

static void on_parent_ds(struct sv_errand *errand, enum sv_err err,
                         const struct sv_dns_answer *answer)
{
    struct sv_node *node = errand->owner;

    node->signed_at_parent = err == SV_OK && answer->outcome == SV_DNS_DATA;
    told(node);
}

static void ask_zone(struct sv_node *node, struct sv_errand *errand, const struct sv_node *zone,
                     enum sv_rr_type type, sv_errand_done_fn *done)
{
    struct sv_views_resolver *r = node->resolver;

    if (zone->addresses_count == 0)
        return;
    errand->owner = node;
    errand->question.type = type;
    memcpy(errand->question.name, node->name, sizeof(node->name));
    errand->addresses = zone->addresses;
    errand->count = zone->addresses_count;
    errand->from = (size_t)sv_rand_below(&r->rand, zone->addresses_count);
    errand->port = r->authority_port;
    sv_errand_start(&r->line, errand, done);
}

void sv_node_detail(struct sv_node *node)
{
    if (node->detailed || node->stage != SV_NODE_READY || node->above == NULL)
        return;
    node->detailed = true;
    ask_zone(node, &node->child_ns, node, SV_RR_NS, on_child_ns);
    ask_zone(node, &node->parent_ds, sv_node_zone(node->above), SV_RR_DS, on_parent_ds);
}

void sv_node_stop(struct sv_node *node)
{
    sv_errand_cancel(&node->step);
    sv_errand_cancel(&node->child_ns);
    sv_errand_cancel(&node->parent_ds);
}
