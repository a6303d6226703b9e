/* What the walk down from the root found out, one node for each name on the way, kept for as long
 * as the delegations say (and less: who repairs one wants to see it).
 *
 * A node asks the servers of the zone above for its own name; the answer tells whether a zone
 * begins here, whose servers' addresses are then found. Whoever needs a name that is being walked
 * to waits at the same node, so nothing is asked twice. */
#ifndef SV_DNS_NODES_H
#define SV_DNS_NODES_H

#include "line.h"
#include "sv/views.h"

enum {
    SV_NODES_MAX = 4096, /* about 4 KiB each */
    SV_NODE_BUCKETS = 2048,
    /* Look-ups of addresses that one delegation may cause: whoever writes it chooses the names
     * (NXNSAttack). Two for each server without glue. */
    SV_NODE_LOOKUPS_MAX = 16,
};

enum sv_node_stage {
    SV_NODE_ABOVE,     /* waits for the node above */
    SV_NODE_STEP,      /* asks the zone above */
    SV_NODE_ADDRESSES, /* looks for the addresses of the zone's servers */
    SV_NODE_READY,
};

enum sv_node_kind {
    SV_NODE_UNKNOWN, /* nobody on the way answered usably */
    SV_NODE_CUT,     /* a zone begins here */
    SV_NODE_SAME,    /* the zone above holds the name */
    SV_NODE_MISSING, /* the zone above says that there is no such name */
};

struct sv_node;
struct sv_views_resolver;

struct sv_node_waiter { /* zeroed before its first use */
    void *owner;
    void (*ready)(struct sv_node_waiter *waiter); /* once, when the node is ready */
    struct sv_node *node;                         /* private from here on; NULL: does not wait */
    struct sv_node_waiter *next, *previous;
};

struct sv_node_host {
    char *name;
    bool at_parent, at_child, without_address, private_address, has_good_address;
    bool unsure; /* resolvers could not say, or were not asked: it may have addresses */
};

struct sv_node {
    char name[SV_NAME_BYTES];
    enum sv_node_stage stage;
    enum sv_node_kind kind;
    sv_ms until; /* when READY; of the loop's clock */
    struct sv_views_resolver *resolver;
    struct sv_node *above;
    struct sv_node_waiter on_above;
    struct sv_node_waiter *waiters;
    struct sv_errand step;
    unsigned step_tries;
    struct sv_dns_answer *denial; /* MISSING: what the zone above said */

    size_t hosts_count;
    struct sv_node_host hosts[SV_CUT_HOSTS_MAX];
    size_t addresses_count;
    struct sv_address addresses[SV_VIEWS_SERVERS_MAX];
    uint8_t host_of[SV_VIEWS_SERVERS_MAX];
    sv_ms silent_until[SV_VIEWS_SERVERS_MAX]; /* it was silent to all tries just now */
    struct sv_node_lookup *lookups;           /* of addresses under way */
    size_t lookups_open;
    unsigned lookups_left; /* that may still be started */

    bool detailed; /* the two below were asked for */
    struct sv_errand child_ns, parent_ds;
    bool child_listed, signed_at_parent;
    struct sv_node_waiter *detail_waiters;

    unsigned pins;
    bool found; /* in the table */
    struct sv_node *bucket_next, *newer, *older;
};

struct sv_nodes {
    uint64_t seed;
    size_t count;
    struct sv_node *root;
    struct sv_node *buckets[SV_NODE_BUCKETS];
    struct sv_node *newest, *oldest; /* all but the root, by use */
};

void sv_nodes_init(struct sv_views_resolver *resolver, const struct sv_address *roots,
                   size_t count);
/* Cancels what nodes have under way; they come to rest. */
void sv_nodes_stop(struct sv_nodes *nodes);
void sv_nodes_fini(struct sv_nodes *nodes);

/* The deepest node known at or above `owner` (in lower case), else the one of its registrable
 * domain, which begins to walk. Pinned: stays until sv_node_unpin. NULL when too many are under
 * way. */
struct sv_node *sv_node_for(struct sv_views_resolver *resolver, const char *owner);
void sv_node_unpin(struct sv_node *node);

/* The node of the zone that a server of `from` referred to, with what it said; NULL when the
 * referral leads nowhere new. Pinned. What it has to look up is taken off `asks_left`. */
struct sv_node *sv_node_referred(struct sv_node *from, const struct sv_dns_answer *answer,
                                 const char *owner, unsigned *asks_left);

/* The node whose zone holds this node's name: itself, or one above. */
struct sv_node *sv_node_zone(struct sv_node *node);

/* Asks the zone above for DS and the zone for its NS records, once. */
void sv_node_detail(struct sv_node *node);
bool sv_node_is_detailed(const struct sv_node *node);

/* Not for a node that is ready. */
void sv_node_await(struct sv_node *node, struct sv_node_waiter *waiter,
                   void (*ready)(struct sv_node_waiter *waiter));
/* Not for one that is detailed. */
void sv_node_await_detail(struct sv_node *node, struct sv_node_waiter *waiter,
                          void (*ready)(struct sv_node_waiter *waiter));
void sv_node_unwait(struct sv_node_waiter *waiter);

/* Its servers failed: the next one who comes walks again. */
void sv_node_expire(struct sv_node *node);

#endif
