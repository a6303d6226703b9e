#include <stdlib.h>

#include "group.h"
#include "sv/alloc.h"

/* How a command is sent, and sent again. What cannot go now because its slot is on the move waits
 * in a list, which one timer walks. */

enum { UNCONNECTED_MS = 20 };

/* --- sending --- */

static struct sv_redis_node *node_of(struct sv_redis_routed *routed)
{
    struct sv_redis_group *group = routed->group;

    if (routed->is_ask)
        return sv_redis_node_get(group, &routed->ask_at);
    if (routed->tries == 0 && routed->node != NULL) /* beside another one */
        return routed->node;
    return sv_redis_node_of_slot(group, routed->slot);
}

static void on_asking(struct sv_redis_command *command, enum sv_err err, const redisReply *reply)
{
    (void)err; /* the command behind it is answered in the same way */
    (void)reply;
    free(command->owner);
}

/* ASKING is true of the next command on the connection, so it goes right before it. */
static enum sv_err send_asking(struct sv_redis *redis, struct sv_errinfo *info)
{
    struct sv_redis_command *asking = sv_alloc(1, sizeof(*asking));
    struct sv_redis_words words = {.count = 1, .argv = (const char *[]){"ASKING"}};
    enum sv_err err;

    asking->owner = asking;
    err = sv_redis_start(redis, asking, &words, on_asking, info);
    if (err != SV_OK)
        free(asking);
    return err;
}

static void on_done(struct sv_redis_command *command, enum sv_err err, const redisReply *reply)
{
    struct sv_redis_routed *routed = command->owner;
    struct sv_redis_group *group = routed->group;
    bool is_over = routed->is_canceled || group->closed != NULL;

    if (routed->follower == NULL)
        routed->node->in_flight--; /* a node that was dropped is freed after its last callback */
    routed->info = command->info;
    if (err == SV_ECANCELED && !is_over)
        err = sv_err_set(&routed->info, SV_ECONNECT, "redis", 0,
                         "the server is not the one any more that serves the key");
    if (!is_over && group->place.kind == SV_REDIS_CLUSTER && reply != NULL &&
        sv_redis_cluster_redirect(routed, reply))
        return;
    sv_redis_routed_finish(routed, err, reply);
}

enum sv_err sv_redis_routed_send(struct sv_redis_routed *routed, struct sv_errinfo *info)
{
    struct sv_redis_follower *follower = routed->follower;
    bool is_ask = routed->is_ask;
    struct sv_redis *redis;
    enum sv_err err = SV_OK;

    if (follower != NULL) {
        sv_redis_follower_aim(follower);
        redis = follower->redis;
        is_ask = follower->is_ask;
    } else {
        routed->node = node_of(routed);
        redis = routed->node != NULL ? routed->node->redis : NULL;
    }
    if (redis == NULL)
        return sv_err_set(info, SV_EUNAVAILABLE, "redis", 0, "no server is known to serve the key");
    if (is_ask)
        err = send_asking(redis, info);
    routed->command.owner = routed;
    if (err == SV_OK)
        err = sv_redis_start(redis, &routed->command, &routed->words, on_done, info);
    if (err != SV_OK)
        return err;
    routed->tries++;
    if (follower == NULL)
        routed->node->in_flight++;
    return SV_OK;
}

void sv_redis_routed_finish(struct sv_redis_routed *routed, enum sv_err err,
                            const redisReply *reply)
{
    struct sv_redis_group *group = routed->group;

    routed->group = NULL;
    routed->info.code = err;
    routed->done(routed, err, reply);
    sv_redis_group_check_closed(group);
}

/* --- waiting --- */

static void unlink_waiting(struct sv_redis_routed *routed)
{
    if (routed->next != NULL)
        routed->next->previous = routed->previous;
    if (routed->previous != NULL)
        routed->previous->next = routed->next;
    else
        routed->group->waiting = routed->next;
    routed->next = routed->previous = NULL;
    routed->is_waiting = false;
}

static void try_again(struct sv_redis_routed *routed)
{
    struct sv_redis_group *group = routed->group;
    enum sv_err err;

    unlink_waiting(routed);
    if (routed->is_canceled || group->closed != NULL) {
        (void)sv_err_set(&routed->info, SV_ECANCELED, "redis", 0, "canceled while it waited");
        sv_redis_routed_finish(routed, SV_ECANCELED, NULL);
        return;
    }
    err = sv_redis_routed_send(routed, &routed->info);
    if (err == SV_OK)
        return;
    if (sv_err_is_temporary(err) && sv_redis_group_now(group) < routed->end_at)
        sv_redis_routed_wait(routed, UNCONNECTED_MS);
    else
        sv_redis_routed_finish(routed, err, NULL);
}

/* A callback may end others or start new ones, so the walk begins anew after each. What still waits
 * is due later, so the walk ends. */
static void on_wait(uv_timer_t *timer)
{
    struct sv_redis_group *group = timer->data;
    sv_ms now = sv_redis_group_now(group);
    struct sv_redis_routed *routed = group->waiting;

    while (routed != NULL) {
        if (routed->due_at <= now) {
            try_again(routed);
            routed = group->waiting;
        } else {
            routed = routed->next;
        }
    }
    sv_redis_waiting_arm(group);
}

void sv_redis_waiting_arm(struct sv_redis_group *group)
{
    sv_ms now = sv_redis_group_now(group), first = INT64_MAX;

    for (struct sv_redis_routed *routed = group->waiting; routed != NULL; routed = routed->next) {
        if (routed->due_at < first)
            first = routed->due_at;
    }
    if (first != INT64_MAX && !group->timers_closing)
        (void)uv_timer_start(&group->wait_timer, on_wait, first > now ? (uint64_t)(first - now) : 1,
                             0);
}

void sv_redis_routed_wait(struct sv_redis_routed *routed, sv_ms wait_ms)
{
    struct sv_redis_group *group = routed->group;

    routed->is_waiting = true;
    routed->due_at = sv_redis_group_now(group) + (wait_ms > 0 ? wait_ms : 1);
    routed->next = group->waiting;
    if (routed->next != NULL)
        routed->next->previous = routed;
    group->waiting = routed;
    sv_redis_waiting_arm(group);
}
