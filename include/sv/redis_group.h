/* The connections to a Redis that may be more than one server (sv/redis_place.h), reached by key:
 * plain connections (sv/redis.h) and what finds out where they must go. Knows keys, but not what is
 * in them, and no scripts. */
#ifndef SV_REDIS_GROUP_H
#define SV_REDIS_GROUP_H

#include "sv/redis.h"
#include "sv/redis_place.h"

enum {
    SV_REDIS_NODES_MAX = 512,     /* of a Cluster, those that serve slots */
    SV_REDIS_FOLLOWERS_MAX = 128, /* of one group */
};

struct sv_redis_group;
struct sv_redis_follower;
struct sv_redis_node;
struct sv_redis_routed;

struct sv_redis_group_options {
    struct sv_redis_options redis; /* of every connection; the address is that of the place */
    struct sv_redis_place place;
};

/* As sv_redis_done_fn. A Cluster's redirects have been followed. TRYAGAIN and CLUSTERDOWN have been
 * waited for, as long as one command may take (redis.command_ms), and are SV_EUNAVAILABLE then. */
typedef void sv_redis_routed_fn(struct sv_redis_routed *routed, enum sv_err err,
                                const redisReply *reply);

struct sv_redis_routed { /* embed it in your own struct */
    void *owner;         /* yours, untouched */
    struct sv_errinfo info;
    /* private to the group from here on */
    struct sv_redis_group *group; /* NULL while no callback is owed */
    sv_redis_routed_fn *done;
    struct sv_redis_command command;
    struct sv_redis_words words;
    struct sv_redis_follower *follower;
    struct sv_redis_node *node; /* where it was sent last; only compared once it was answered */
    unsigned slot;
    bool is_ask; /* goes to ask_at, behind ASKING */
    struct sv_redis_host ask_at;
    bool is_waiting, is_canceled;
    unsigned tries;
    sv_ms due_at, end_at; /* on the loop's clock */
    struct sv_redis_routed *next, *previous;
};

/* Starts finding the servers and connecting to them, and keeps itself connected until closed. The
 * options are copied. `on_state` (may be NULL) is told as in sv/redis.h: ready = every server that
 * is needed is connected; false comes with the reason, also when Sentinels do not agree. */
struct sv_redis_group *sv_redis_group_new(uv_loop_t *loop,
                                          const struct sv_redis_group_options *options,
                                          sv_redis_state_fn *on_state, void *context);

bool sv_redis_group_is_ready(const struct sv_redis_group *group);

/* A connection of its own that goes where `key` is served and moves with it: for commands that
 * block. It has its own name and limit of replies (as in sv_redis_options), lives until the group
 * is closed, and there are at most SV_REDIS_FOLLOWERS_MAX. */
struct sv_redis_follower *sv_redis_follower_new(struct sv_redis_group *group, const char *key,
                                                const char *client_name, size_t reply_bytes_max);

bool sv_redis_follower_is_ready(const struct sv_redis_follower *follower);

/* Closes its connection and makes a new one: what blocks on it ends at the server, too. `why` is
 * told to what is in flight there, which ends in SV_ECONNECT. */
void sv_redis_follower_reconnect(struct sv_redis_follower *follower, const char *why);

/* Where a command goes: the first of these that is set, if its own first key does not say it. */
struct sv_redis_target {
    struct sv_redis_follower *follower;   /* over that connection, */
    const struct sv_redis_routed *beside; /* or where this one was answered: whatever key, */
    const char *key;                      /* or, for commands without a key, where this is served */
    bool by_slot;                         /* or where this slot is */
    unsigned slot;
};

/* The way to every server, one after the other, by slots: from 0 on, each time to the first slot of
 * a server that serves none up to `slot`. False: there is none, `slot` stays. Servers that take
 * over slots meanwhile may be passed twice or not at all. */
bool sv_redis_group_next(struct sv_redis_group *group, unsigned *slot);

/* Queues one command. While its server is not connected: SV_ECONNECT at once; while no server
 * serves its key: SV_EUNAVAILABLE. Other errors as in sv_redis_start. The words and what they point
 * to must stay until the callback, since a redirect sends them again. */
enum sv_err sv_redis_group_start(struct sv_redis_group *group, struct sv_redis_routed *routed,
                                 const struct sv_redis_words *words,
                                 const struct sv_redis_target *target, sv_redis_routed_fn *done,
                                 struct sv_errinfo *info) __attribute__((warn_unused_result));

/* As sv_redis_cancel. */
void sv_redis_group_cancel(struct sv_redis_routed *routed);

/* Cancels everything, frees the group and its followers, then calls `closed` as the last thing. */
void sv_redis_group_close(struct sv_redis_group *group, sv_redis_closed_fn *closed, void *context);

#endif
