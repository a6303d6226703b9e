#include "nodes.h"

#include <stdlib.h>
#include <string.h>

#include "node_step.h"
#include "resolver_parts.h"
#include "sv/alloc.h"
#include "sv/require.h"

enum { LABELS_MAX = 12 /* of a registrable domain; longer suffixes do not exist */ };

/* FNV-1a from a secret start. */
static struct sv_node **bucket_of(struct sv_nodes *nodes, const char *name)
{
    uint64_t hash = nodes->seed;

    for (const char *at = name; *at != 0; at++)
        hash = (hash ^ (uint8_t)*at) * 0x100000001b3u;
    return &nodes->buckets[(hash ^ hash >> 32) % SV_NODE_BUCKETS];
}

static void pull(struct sv_nodes *nodes, struct sv_node *node)
{
    if (node->newer != NULL)
        node->newer->older = node->older;
    else
        nodes->newest = node->older;
    if (node->older != NULL)
        node->older->newer = node->newer;
    else
        nodes->oldest = node->newer;
}

static void push_newest(struct sv_nodes *nodes, struct sv_node *node)
{
    node->newer = NULL;
    node->older = nodes->newest;
    if (nodes->newest != NULL)
        nodes->newest->newer = node;
    else
        nodes->oldest = node;
    nodes->newest = node;
}

/* Out of the table: nobody finds it any more. */
static void hide(struct sv_nodes *nodes, struct sv_node *node)
{
    struct sv_node **at = bucket_of(nodes, node->name);

    if (!node->found)
        return;
    while (*at != node)
        at = &(*at)->bucket_next;
    *at = node->bucket_next;
    node->found = false;
}

static bool is_idle(const struct sv_node *node)
{
    return node->pins == 0 && node->lookups_open == 0 && node->stage == SV_NODE_READY &&
           !sv_errand_is_open(&node->step) && !sv_errand_is_open(&node->child_ns) &&
           !sv_errand_is_open(&node->parent_ds);
}

static void node_free(struct sv_nodes *nodes, struct sv_node *node)
{
    struct sv_node *above = node->above;

    hide(nodes, node);
    pull(nodes, node);
    nodes->count--;
    for (size_t i = 0; i < node->hosts_count; i++)
        free(node->hosts[i].name);
    sv_dns_answer_free(node->denial);
    free(node->lookups);
    free(node);
    if (above != NULL)
        sv_node_unpin(above);
}

static void free_if_done(struct sv_node *node)
{
    struct sv_nodes *nodes = &node->resolver->nodes;

    if (!node->found && node != nodes->root && is_idle(node))
        node_free(nodes, node);
}

void sv_node_unpin(struct sv_node *node)
{
    SV_REQUIRE(node->pins > 0);
    node->pins--;
    free_if_done(node);
}

/* Makes room among those at rest; false when there is none. */
static bool make_room(struct sv_nodes *nodes)
{
    struct sv_node *node = nodes->oldest;

    while (node != NULL && nodes->count >= SV_NODES_MAX) {
        struct sv_node *newer = node->newer;
        if (is_idle(node)) {
            hide(nodes, node);
            node_free(nodes, node);
            newer = nodes->oldest; /* one above it may have become idle, or be gone */
        }
        node = newer;
    }
    return nodes->count < SV_NODES_MAX;
}

static struct sv_node *find(struct sv_views_resolver *r, const char *name)
{
    struct sv_node *node;

    if (*name == 0)
        return r->nodes.root;
    node = *bucket_of(&r->nodes, name);
    while (node != NULL && strcmp(node->name, name) != 0)
        node = node->bucket_next;
    if (node == NULL)
        return NULL;
    if (node->stage == SV_NODE_READY && sv_resolver_now(r) >= node->until) {
        hide(&r->nodes, node);
        free_if_done(node);
        return NULL;
    }
    pull(&r->nodes, node);
    push_newest(&r->nodes, node);
    return node;
}

/* `above` is pinned by it. */
static struct sv_node *make(struct sv_views_resolver *r, const char *name, struct sv_node *above)
{
    struct sv_nodes *nodes = &r->nodes;
    struct sv_node *node;

    above->pins++;
    if (!make_room(nodes)) {
        sv_node_unpin(above);
        return NULL;
    }
    node = sv_alloc(1, sizeof(*node));
    SV_REQUIRE(strlen(name) < sizeof(node->name));
    memcpy(node->name, name, strlen(name) + 1);
    node->resolver = r;
    node->above = above;
    node->found = true;
    node->bucket_next = *bucket_of(nodes, name);
    *bucket_of(nodes, name) = node;
    push_newest(nodes, node);
    nodes->count++;
    return node;
}

/* The name without its first label; an escaped dot is no boundary. "" above a single label. */
static const char *without_label(const char *name)
{
    for (; *name != 0; name++) {
        if (*name == '\\' && name[1] != 0)
            name++;
        else if (*name == '.')
            return name + 1;
    }
    return name;
}

/* The node of a name, made with all that are missing above it. */
static struct sv_node *get(struct sv_views_resolver *r, const char *name)
{
    const char *missing[LABELS_MAX];
    struct sv_node *node;
    size_t count = 0;

    while ((node = find(r, name)) == NULL && count < LABELS_MAX) {
        missing[count++] = name;
        name = without_label(name);
    }
    while (node != NULL && count > 0) {
        node = make(r, missing[--count], node);
        if (node != NULL)
            sv_node_begin(node);
    }
    return node;
}

struct sv_node *sv_node_for(struct sv_views_resolver *r, const char *owner)
{
    char top[SV_NAME_BYTES];
    struct sv_node *node = NULL;

    if (sv_name_registrable(owner, top) != SV_OK)
        memcpy(top, owner, strlen(owner) + 1);
    for (const char *at = owner; node == NULL && sv_name_is_below(at, top); at = without_label(at))
        node = find(r, at);
    if (node == NULL)
        node = get(r, top);
    if (node != NULL)
        node->pins++;
    return node;
}

struct sv_node *sv_node_referred(struct sv_node *from, const struct sv_dns_answer *answer,
                                 const char *owner, unsigned *asks_left)
{
    struct sv_views_resolver *r = from->resolver;
    char zone[SV_NAME_BYTES] = "";
    struct sv_node *node;

    for (size_t i = 0; answer->zone[i] != 0; i++)
        zone[i] =
            (char)(answer->zone[i] >= 'A' && answer->zone[i] <= 'Z' ? answer->zone[i] + ('a' - 'A')
                                                                    : answer->zone[i]);
    if (!sv_name_is_below(zone, from->name) ||
        !(sv_name_equal(zone, owner) || sv_name_is_below(owner, zone)))
        return NULL;
    node = find(r, zone);
    if (node == NULL) {
        node = make(r, zone, from);
        if (node != NULL)
            sv_node_begin_referred(node, answer, asks_left);
    }
    if (node != NULL)
        node->pins++;
    return node;
}

struct sv_node *sv_node_zone(struct sv_node *node)
{
    while (node->kind == SV_NODE_SAME)
        node = node->above;
    return node;
}

/* Waiters. */

static void await(struct sv_node_waiter **list, struct sv_node *node, struct sv_node_waiter *waiter,
                  void (*ready)(struct sv_node_waiter *waiter))
{
    SV_REQUIRE(waiter->node == NULL);
    waiter->node = node;
    waiter->ready = ready;
    waiter->previous = NULL;
    waiter->next = *list;
    if (*list != NULL)
        (*list)->previous = waiter;
    *list = waiter;
}

void sv_node_await(struct sv_node *node, struct sv_node_waiter *waiter,
                   void (*ready)(struct sv_node_waiter *waiter))
{
    SV_REQUIRE(node->stage != SV_NODE_READY);
    await(&node->waiters, node, waiter, ready);
}

void sv_node_await_detail(struct sv_node *node, struct sv_node_waiter *waiter,
                          void (*ready)(struct sv_node_waiter *waiter))
{
    SV_REQUIRE(!sv_node_is_detailed(node));
    await(&node->detail_waiters, node, waiter, ready);
}

void sv_node_unwait(struct sv_node_waiter *waiter)
{
    struct sv_node *node = waiter->node;

    if (node == NULL)
        return;
    if (waiter->previous != NULL)
        waiter->previous->next = waiter->next;
    else if (node->waiters == waiter)
        node->waiters = waiter->next;
    else
        node->detail_waiters = waiter->next;
    if (waiter->next != NULL)
        waiter->next->previous = waiter->previous;
    waiter->node = NULL;
}

/* A waiter may leave others, or the list may be empty before it is through. The node must be
 * pinned. */
void sv_node_tell(struct sv_node_waiter **list)
{
    while (*list != NULL) {
        struct sv_node_waiter *waiter = *list;
        sv_node_unwait(waiter);
        waiter->ready(waiter);
    }
}

void sv_node_expire(struct sv_node *node)
{
    if (node != node->resolver->nodes.root && node->stage == SV_NODE_READY)
        node->until = sv_resolver_now(node->resolver);
}

/* All of them. */

void sv_nodes_init(struct sv_views_resolver *r, const struct sv_address *roots, size_t count)
{
    struct sv_node *root = sv_alloc(1, sizeof(*root));

    SV_REQUIRE(count <= SV_ROOT_HINTS_MAX);
    r->nodes.seed = sv_rand_u64(&r->rand);
    r->nodes.root = root;
    root->resolver = r;
    root->stage = SV_NODE_READY;
    root->kind = SV_NODE_CUT;
    root->hosts_count = 1;
    root->hosts[0].name = sv_strdup(".");
    for (size_t i = 0; i < count; i++) { /* any sixteen of them, by chance */
        size_t place = i < SV_VIEWS_SERVERS_MAX ? i : (size_t)sv_rand_below(&r->rand, i + 1);
        if (place < SV_VIEWS_SERVERS_MAX)
            root->addresses[place] = roots[i];
    }
    root->addresses_count = count < SV_VIEWS_SERVERS_MAX ? count : SV_VIEWS_SERVERS_MAX;
}

void sv_nodes_stop(struct sv_nodes *nodes)
{
    for (struct sv_node *node = nodes->oldest; node != NULL; node = node->newer)
        sv_node_stop(node);
}

void sv_nodes_fini(struct sv_nodes *nodes)
{
    if (nodes->root == NULL)
        return;
    for (struct sv_node *node = nodes->oldest; node != NULL;) {
        struct sv_node *newer = node->newer;
        node->above = NULL; /* all go */
        node_free(nodes, node);
        node = newer;
    }
    free(nodes->root->hosts[0].name);
    free(nodes->root);
    nodes->root = NULL;
}
