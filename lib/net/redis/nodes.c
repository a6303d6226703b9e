#include <stdlib.h>
#include <string.h>

#include "group.h"
#include "sv/alloc.h"

/* Each server has one connection for all commands. A connection that fails makes itself anew; what
 * to do about a server that stays away is for those who find servers. */

static void on_state(void *context, bool ready, const struct sv_errinfo *why)
{
    struct sv_redis_node *node = context;
    struct sv_redis_group *group = node->group;

    if (!node->is_needed)
        return;
    if (ready) {
        sv_redis_group_tell(group, NULL);
        return;
    }
    if (group->place.kind == SV_REDIS_SENTINEL)
        sv_redis_group_seek(group, 0);
    else if (group->place.kind == SV_REDIS_CLUSTER)
        sv_redis_cluster_refresh(group, NULL);
    sv_redis_group_complain(group, why);
}

struct sv_redis_node *sv_redis_node_get(struct sv_redis_group *group,
                                        const struct sv_redis_host *at)
{
    struct sv_redis_node *node = group->nodes;

    while (node != NULL && !sv_redis_host_equals(&node->at, at))
        node = node->next;
    if (node != NULL || group->nodes_count == SV_REDIS_NODES_MAX)
        return node;
    node = sv_alloc(1, sizeof(*node));
    node->group = group;
    node->at = *at;
    node->next = group->nodes;
    group->nodes = node;
    group->nodes_count++;
    node->redis = sv_redis_group_connect(group, at, &group->options, on_state, node);
    return node;
}

bool sv_redis_node_is_known(const struct sv_redis_group *group, const struct sv_redis_node *node)
{
    const struct sv_redis_node *known = group->nodes;

    while (known != NULL && known != node)
        known = known->next;
    return known != NULL;
}

void sv_redis_node_drop(struct sv_redis_node *node)
{
    struct sv_redis_group *group = node->group;
    struct sv_redis_node **link = &group->nodes;

    while (*link != node)
        link = &(*link)->next;
    *link = node->next;
    group->nodes_count--;
    if (group->primary == node)
        group->primary = NULL;
    sv_redis_group_disconnect(group, node->redis, node);
}

bool sv_redis_group_next(struct sv_redis_group *group, unsigned *slot)
{
    unsigned next = 0;

    for (struct sv_redis_node *node = group->nodes; node != NULL; node = node->next)
        node->is_behind = false;
    for (; next <= *slot && next < SV_REDIS_SLOTS; next++) {
        if (group->owners[next] != NULL)
            group->owners[next]->is_behind = true;
    }
    while (next < SV_REDIS_SLOTS && (group->owners[next] == NULL || group->owners[next]->is_behind))
        next++;
    if (next >= SV_REDIS_SLOTS)
        return false;
    *slot = next;
    return true;
}

struct sv_redis_node *sv_redis_node_of_slot(struct sv_redis_group *group, unsigned slot)
{
    return group->place.kind == SV_REDIS_CLUSTER ? group->owners[slot] : group->primary;
}
