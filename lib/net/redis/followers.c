#include <stdio.h>
#include <string.h>

#include "group.h"
#include "sv/alloc.h"
#include "sv/require.h"

/* A follower has one connection, to the server of its key. When the key is elsewhere that
 * connection is closed (what blocks on it ends in SV_ECONNECT) and another one made. While a slot
 * is on its way (ASK) it goes to where the slot will be. */

void sv_redis_follower_aim(struct sv_redis_follower *follower)
{
    struct sv_redis_group *group = follower->group;
    const struct sv_redis_node *node = sv_redis_node_of_slot(group, follower->slot);
    struct sv_redis_options options = group->options;
    const struct sv_redis_host *to = node != NULL ? &node->at : NULL;

    if (follower->is_ask && (sv_redis_group_now(group) >= follower->ask_until ||
                             (to != NULL && sv_redis_host_equals(to, &follower->ask_at))))
        follower->is_ask = false;
    if (follower->is_ask)
        to = &follower->ask_at;
    if (to == NULL || (follower->redis != NULL && sv_redis_host_equals(to, &follower->at)))
        return;
    if (follower->redis != NULL)
        sv_redis_group_disconnect(group, follower->redis, NULL);
    (void)snprintf(options.client_name, sizeof(options.client_name), "%s", follower->client_name);
    options.reply_bytes_max = follower->reply_bytes_max;
    follower->at = *to;
    follower->redis = sv_redis_group_connect(group, to, &options, NULL, NULL);
    explicit_bzero(&options.address, sizeof(options.address));
}

void sv_redis_followers_aim(struct sv_redis_group *group)
{
    for (struct sv_redis_follower *f = group->followers; f != NULL; f = f->next)
        sv_redis_follower_aim(f);
}

struct sv_redis_follower *sv_redis_follower_new(struct sv_redis_group *group, const char *key,
                                                const char *client_name, size_t reply_bytes_max)
{
    struct sv_redis_follower *follower = sv_alloc(1, sizeof(*follower));

    SV_REQUIRE(group->closed == NULL && group->followers_count < SV_REDIS_FOLLOWERS_MAX);
    follower->group = group;
    follower->slot = sv_redis_slot_of(key, strlen(key));
    (void)snprintf(follower->client_name, sizeof(follower->client_name), "%s", client_name);
    follower->reply_bytes_max = reply_bytes_max;
    follower->next = group->followers;
    group->followers = follower;
    group->followers_count++;
    sv_redis_follower_aim(follower);
    return follower;
}

void sv_redis_follower_reconnect(struct sv_redis_follower *follower, const char *why)
{
    if (follower->group->closed == NULL && follower->redis != NULL)
        sv_redis_reconnect(follower->redis, why);
}

bool sv_redis_follower_is_ready(const struct sv_redis_follower *follower)
{
    return follower->redis != NULL && sv_redis_is_ready(follower->redis);
}
