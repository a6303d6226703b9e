/* What the files of one group share: the servers it talks to, and who finds them. */
#ifndef SV_NET_REDIS_GROUP_H
#define SV_NET_REDIS_GROUP_H

#include "reconnect.h"
#include "slots.h"
#include "sv/redis_group.h"

/* A server that commands go to. Freed when its connection is closed. */
struct sv_redis_node {
    struct sv_redis_group *group;
    struct sv_redis_host at;
    struct sv_redis *redis;
    bool is_needed;   /* the primary, or serves slots; others are there because of an ASK */
    bool is_behind;   /* in a look for the next one */
    size_t in_flight; /* routed commands */
    struct sv_redis_node *next;
};

struct sv_redis_follower {
    struct sv_redis_group *group;
    unsigned slot;
    char client_name[64];
    size_t reply_bytes_max;
    struct sv_redis *redis;  /* NULL while nobody is known to serve the key */
    struct sv_redis_host at; /* where `redis` goes */
    bool is_ask;             /* the slot is on its way to ask_at */
    struct sv_redis_host ask_at;
    sv_ms ask_until;
    struct sv_redis_follower *next;
};

struct sv_redis_sentinel {
    struct sv_redis_group *group;
    struct sv_redis_host at;
    struct sv_redis *redis;
    struct sv_redis_command question;
    bool is_asking;
    bool has_password; /* it wanted one, and is shown the servers' */
    bool has_failed;   /* the last attempt to ask it, because of */
    struct sv_errinfo why;
    bool has_answered; /* since the connection was made, at */
    sv_ms answered_at;
    bool knows; /* the primary's name: and says that it is at */
    struct sv_redis_host primary;
};

/* One question for a Cluster's map, over a connection of its own. Freed when that is closed. */
struct sv_redis_scout {
    struct sv_redis_group *group;
    struct sv_redis_host at;
    struct sv_redis *redis;
    struct sv_redis_command question;
};

struct sv_redis_group {
    uv_loop_t *loop;
    struct sv_redis_options options;
    struct sv_redis_place place;
    sv_redis_state_fn *on_state;
    void *context;
    bool told_ready;
    sv_redis_closed_fn *closed; /* set = closing */
    void *closed_context;
    size_t open; /* connections and timers that are not closed yet */
    struct sv_redis_node *nodes;
    size_t nodes_count;
    struct sv_redis_node *primary; /* unless it is a Cluster */
    struct sv_redis_follower *followers;
    size_t followers_count;
    struct sv_redis_routed *waiting;
    uv_timer_t wait_timer; /* for what waits */
    uv_timer_t seek_timer; /* for the next question to Sentinels or Cluster */
    bool timers_closing;
    /* Sentinel */
    struct sv_redis_sentinel sentinels[SV_REDIS_HOSTS_MAX];
    /* Cluster */
    struct sv_redis_node *owners[SV_REDIS_SLOTS]; /* NULL = nobody */
    bool has_map, wants_map;
    size_t unserved;              /* slots without an owner */
    struct sv_redis_scout *scout; /* under way */
    struct sv_redis_host hint;    /* ask this one next; no host = whoever's turn it is */
    unsigned turn, failures;      /* whose turn it is, and how many failed in a row */
    sv_ms asked_at;
};

/* --- redis_group.c --- */

sv_ms sv_redis_group_now(const struct sv_redis_group *group);

/* A connection to `at` with the group's options, counted in group->open until it was closed by
 * sv_redis_group_disconnect. */
struct sv_redis *sv_redis_group_connect(struct sv_redis_group *group,
                                        const struct sv_redis_host *at,
                                        const struct sv_redis_options *options,
                                        sv_redis_state_fn *on_state, void *context);
/* `owned` (may be NULL) is freed when the connection is gone. */
void sv_redis_group_disconnect(struct sv_redis_group *group, struct sv_redis *redis, void *owned);

/* Goes on with closing when nothing is under way any more. */
void sv_redis_group_check_closed(struct sv_redis_group *group);

/* Tells the user if ready has changed. */
void sv_redis_group_tell(struct sv_redis_group *group, const struct sv_errinfo *why);
/* Tells the user why it is not ready, again and again. */
void sv_redis_group_complain(struct sv_redis_group *group, const struct sv_errinfo *why);

/* Runs the seek timer after wait_ms; an earlier one stays. */
void sv_redis_group_seek(struct sv_redis_group *group, sv_ms wait_ms);

/* --- waiting.c: commands that cannot be sent now, and where one is sent --- */

enum sv_err sv_redis_routed_send(struct sv_redis_routed *routed, struct sv_errinfo *info);
/* Puts it among those that wait, for wait_ms. */
void sv_redis_routed_wait(struct sv_redis_routed *routed, sv_ms wait_ms);
void sv_redis_routed_finish(struct sv_redis_routed *routed, enum sv_err err,
                            const redisReply *reply);
void sv_redis_waiting_arm(struct sv_redis_group *group);

/* --- nodes.c --- */

/* The node of that address, made if it is not there; NULL when there are too many. */
struct sv_redis_node *sv_redis_node_get(struct sv_redis_group *group,
                                        const struct sv_redis_host *at);
bool sv_redis_node_is_known(const struct sv_redis_group *group, const struct sv_redis_node *node);
/* Takes it, which owns no slot any more, out of the group; what is in flight there ends in
 * SV_ECONNECT. */
void sv_redis_node_drop(struct sv_redis_node *node);
struct sv_redis_node *sv_redis_node_of_slot(struct sv_redis_group *group, unsigned slot);

/* --- followers.c --- */

/* Moves the follower if what it follows is elsewhere now. */
void sv_redis_follower_aim(struct sv_redis_follower *follower);
void sv_redis_followers_aim(struct sv_redis_group *group);

/* --- sentinels.c --- */

void sv_redis_sentinels_open(struct sv_redis_group *group);
void sv_redis_sentinels_close(struct sv_redis_group *group);
void sv_redis_sentinels_seek(struct sv_redis_group *group);

/* --- cluster.c --- */

/* Has the map asked for soon; `from` (may be NULL) knows best. */
void sv_redis_cluster_refresh(struct sv_redis_group *group, const struct sv_redis_host *from);
void sv_redis_cluster_seek(struct sv_redis_group *group);
void sv_redis_cluster_close(struct sv_redis_group *group);
/* Deals with an error that is about where the slot is; false when it is none. */
bool sv_redis_cluster_redirect(struct sv_redis_routed *routed, const redisReply *reply);

#endif
