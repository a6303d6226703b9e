#include "sv/redis_group.h"

#include <stdlib.h>
#include <string.h>

#include "group.h"
#include "route.h"
#include "sv/alloc.h"
#include "sv/require.h"

/* The story: somebody finds the servers (nobody for one server, sentinels.c, cluster.c); each is a
 * node with one connection (nodes.c); a command goes to the node of its key (waiting.c) and is sent
 * again where a Cluster redirects it to. Reads that block have a connection each, which moves with
 * the key (followers.c).
 *
 * Nothing is queued while its server is away: the caller repeats, since only he knows whether that
 * still makes sense. What waits here are commands in the middle of a slot's move, and briefly. */

sv_ms sv_redis_group_now(const struct sv_redis_group *group)
{
    return (sv_ms)uv_now(group->loop);
}

/* --- connections --- */

struct leaving {
    struct sv_redis_group *group;
    void *owned;
};

static void on_left(void *context)
{
    struct leaving *leaving = context;
    struct sv_redis_group *group = leaving->group;

    free(leaving->owned);
    free(leaving);
    group->open--;
    sv_redis_group_check_closed(group);
}

struct sv_redis *sv_redis_group_connect(struct sv_redis_group *group,
                                        const struct sv_redis_host *at,
                                        const struct sv_redis_options *options,
                                        sv_redis_state_fn *on_state, void *context)
{
    struct sv_redis_options own = *options;
    struct sv_redis *redis;

    memcpy(own.address.host, at->host, sizeof(own.address.host));
    own.address.port = at->port;
    group->open++;
    redis = sv_redis_new(group->loop, &own, on_state, context);
    explicit_bzero(&own.address, sizeof(own.address));
    return redis;
}

void sv_redis_group_disconnect(struct sv_redis_group *group, struct sv_redis *redis, void *owned)
{
    struct leaving *leaving = sv_alloc(1, sizeof(*leaving));

    *leaving = (struct leaving){.group = group, .owned = owned};
    sv_redis_close(redis, on_left, leaving);
}

/* --- telling --- */

static bool are_nodes_ready(const struct sv_redis_group *group)
{
    for (const struct sv_redis_node *node = group->nodes; node != NULL; node = node->next) {
        if (node->is_needed && !sv_redis_is_ready(node->redis))
            return false;
    }
    return true;
}

bool sv_redis_group_is_ready(const struct sv_redis_group *group)
{
    bool is_found = group->place.kind == SV_REDIS_CLUSTER ? group->has_map : group->primary != NULL;

    return group->closed == NULL && is_found && are_nodes_ready(group);
}

void sv_redis_group_complain(struct sv_redis_group *group, const struct sv_errinfo *why)
{
    struct sv_errinfo copy = *why;

    group->told_ready = false;
    if (group->on_state != NULL && group->closed == NULL)
        group->on_state(group->context, false, &copy);
}

void sv_redis_group_tell(struct sv_redis_group *group, const struct sv_errinfo *why)
{
    bool is_ready = sv_redis_group_is_ready(group);

    if (group->told_ready && !is_ready) {
        sv_redis_group_complain(group, why);
    } else if (!group->told_ready && is_ready) {
        group->told_ready = true;
        if (group->on_state != NULL)
            group->on_state(group->context, true, NULL);
    }
}

/* --- seeking --- */

static void on_seek(uv_timer_t *timer)
{
    struct sv_redis_group *group = timer->data;

    if (group->place.kind == SV_REDIS_SENTINEL)
        sv_redis_sentinels_seek(group);
    else
        sv_redis_cluster_seek(group);
}

void sv_redis_group_seek(struct sv_redis_group *group, sv_ms wait_ms)
{
    uint64_t wait = wait_ms > 0 ? (uint64_t)wait_ms : 1;

    if (group->closed != NULL || group->place.kind == SV_REDIS_ONE)
        return;
    if (!uv_is_active((uv_handle_t *)&group->seek_timer) ||
        uv_timer_get_due_in(&group->seek_timer) > wait)
        (void)uv_timer_start(&group->seek_timer, on_seek, wait, 0);
}

/* --- commands --- */

enum sv_err sv_redis_group_start(struct sv_redis_group *group, struct sv_redis_routed *routed,
                                 const struct sv_redis_words *words,
                                 const struct sv_redis_target *target, sv_redis_routed_fn *done,
                                 struct sv_errinfo *info)
{
    void *owner = routed->owner;
    const struct sv_redis_routed *beside = target->follower == NULL ? target->beside : NULL;
    const char *key = target->key != NULL ? target->key : "";
    size_t key_bytes = strlen(key);
    enum sv_err err;

    if (group->closed != NULL)
        return sv_err_set(info, SV_ECANCELED, "redis", 0, "the connections are being closed");
    SV_REQUIRE(target->slot < SV_REDIS_SLOTS);
    (void)sv_redis_key_find(words, &key, &key_bytes);
    *routed = (struct sv_redis_routed){.owner = owner,
                                       .group = group,
                                       .done = done,
                                       .words = *words,
                                       .follower = target->follower,
                                       .slot = target->by_slot ? target->slot
                                                               : sv_redis_slot_of(key, key_bytes)};
    if (beside != NULL) {
        routed->follower = beside->follower;
        routed->node = sv_redis_node_is_known(group, beside->node) ? beside->node : NULL;
        routed->is_ask = beside->is_ask;
        routed->ask_at = beside->ask_at;
    }
    routed->end_at = sv_redis_group_now(group) + group->options.command_ms;
    err = sv_redis_routed_send(routed, info);
    if (err != SV_OK)
        routed->group = NULL;
    return err;
}

void sv_redis_group_cancel(struct sv_redis_routed *routed)
{
    struct sv_redis_group *group = routed->group;

    if (group == NULL)
        return;
    routed->is_canceled = true;
    if (!routed->is_waiting) {
        sv_redis_cancel(&routed->command);
        return;
    }
    routed->due_at = 0;
    sv_redis_waiting_arm(group);
}

/* --- making and closing --- */

static void on_timer_closed(uv_handle_t *handle)
{
    struct sv_redis_group *group = handle->data;
    struct sv_redis_follower *follower = group->followers;
    sv_redis_closed_fn *closed = group->closed;
    void *context = group->closed_context;

    if (--group->open > 0)
        return;
    while (follower != NULL) {
        struct sv_redis_follower *next = follower->next;

        free(follower);
        follower = next;
    }
    explicit_bzero(&group->options, sizeof(group->options)); /* the password is in there */
    free(group);
    closed(context);
}

void sv_redis_group_check_closed(struct sv_redis_group *group)
{
    if (group->closed == NULL || group->open > 0 || group->waiting != NULL || group->timers_closing)
        return;
    group->timers_closing = true;
    group->open = 2;
    uv_close((uv_handle_t *)&group->wait_timer, on_timer_closed);
    uv_close((uv_handle_t *)&group->seek_timer, on_timer_closed);
}

static void close_connections(struct sv_redis_group *group)
{
    if (group->place.kind == SV_REDIS_SENTINEL)
        sv_redis_sentinels_close(group);
    if (group->place.kind == SV_REDIS_CLUSTER)
        sv_redis_cluster_close(group);
    memset(group->owners, 0, sizeof(group->owners));
    while (group->nodes != NULL)
        sv_redis_node_drop(group->nodes);
    for (struct sv_redis_follower *f = group->followers; f != NULL; f = f->next) {
        if (f->redis != NULL)
            sv_redis_group_disconnect(group, f->redis, NULL);
        f->redis = NULL;
    }
}

struct sv_redis_group *sv_redis_group_new(uv_loop_t *loop,
                                          const struct sv_redis_group_options *options,
                                          sv_redis_state_fn *on_state, void *context)
{
    enum { COMMAND_MS = 5000 };
    struct sv_redis_group *group = sv_alloc(1, sizeof(*group));
    struct sv_redis_host only = {.port = options->redis.address.port};

    group->loop = loop;
    group->options = options->redis;
    group->place = options->place;
    group->on_state = on_state;
    group->context = context;
    if (group->options.command_ms <= 0)
        group->options.command_ms = COMMAND_MS;
    (void)uv_timer_init(loop, &group->wait_timer); /* cannot fail */
    (void)uv_timer_init(loop, &group->seek_timer);
    group->wait_timer.data = group;
    group->seek_timer.data = group;
    if (group->place.kind == SV_REDIS_SENTINEL) {
        sv_redis_sentinels_open(group);
    } else if (group->place.kind == SV_REDIS_CLUSTER) {
        sv_redis_cluster_refresh(group, NULL);
    } else {
        memcpy(only.host, options->redis.address.host, sizeof(only.host));
        group->primary = sv_redis_node_get(group, &only);
        group->primary->is_needed = true;
    }
    return group;
}

void sv_redis_group_close(struct sv_redis_group *group, sv_redis_closed_fn *closed, void *context)
{
    SV_REQUIRE(group->closed == NULL && closed != NULL);
    group->closed = closed;
    group->closed_context = context;
    (void)uv_timer_stop(&group->seek_timer);
    for (struct sv_redis_routed *routed = group->waiting; routed != NULL; routed = routed->next)
        routed->due_at = 0;
    sv_redis_waiting_arm(group);
    close_connections(group);
    sv_redis_group_check_closed(group);
}
