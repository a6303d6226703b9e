/* What the files of one connection share: its state, and how it is lost. */
#ifndef SV_NET_REDIS_CONNECTION_H
#define SV_NET_REDIS_CONNECTION_H

#include <stdbool.h>
#include <uv.h>

#include "codec.h"
#include "queue.h"
#include "reconnect.h"
#include "stream.h"
#include "sv/buf.h"
#include "sv/redis.h"

enum sv_redis_step {
    SV_REDIS_STEP_WAIT, /* for the next attempt */
    SV_REDIS_STEP_CONNECT,
    SV_REDIS_STEP_AUTH,
    SV_REDIS_STEP_NAME,
    SV_REDIS_STEP_SELECT,
    SV_REDIS_STEP_ROLE, /* a replica, or a demoted master, would take our reads and refuse our
                           writes */
    SV_REDIS_STEP_PING, /* ROLE is answered while LOADING, PING is not */
    SV_REDIS_STEP_READY,
    SV_REDIS_STEP_LOADING, /* connected, asks again in a moment */
    SV_REDIS_STEP_LEAVE,   /* the stream is closing */
};

struct sv_redis {
    uv_loop_t *loop;
    struct sv_redis_options options;
    sv_redis_state_fn *on_state;
    void *context;
    sv_redis_closed_fn *closed; /* set = closing */
    void *closed_context;
    enum sv_redis_step step;
    struct sv_redis_stream *stream; /* NULL between two connections */
    struct sv_redis_codec codec;
    struct sv_buf out;
    struct sv_redis_queue queue;
    struct sv_redis_command greeting; /* the step of the handshake under way */
    struct sv_redis_backoff backoff;
    struct sv_redis_login login; /* of this connection; wiped once it was sent */
    unsigned attempts;           /* failed in a row, rotates the addresses of the host */
    uv_timer_t step_timer;
    uv_timer_t deadline_timer;
    uv_prepare_t turn;
    uv_idle_t hurry; /* active = the loop must not wait before `turn` ran */
    unsigned handles_open;
    sv_ms deadline_due; /* what deadline_timer is set to; INT64_MAX = off */
    sv_ms looked_at;    /* once has_looked, deadlines up to here are past for good */
    bool has_looked;    /* the loop turned to the socket since looked_at */
    bool is_loading;    /* this server said so, and we have told it */
    sv_ms ready_since;
    bool told_ready;
    bool owes_reason; /* `why` was not told yet */
    struct sv_errinfo why;
};

/* The loop's clock: monotonic, in ms, read once a turn. */
sv_ms sv_redis_now(const struct sv_redis *redis);

/* Connected and not yet lost, whether or not the handshake is through. */
bool sv_redis_is_talking(const struct sv_redis *redis);

/* Puts one command behind the others and sees that it leaves in this turn. Errors as in
 * sv_redis_start. */
enum sv_err sv_redis_send(struct sv_redis *redis, struct sv_redis_command *command,
                          const struct sv_redis_words *words, sv_ms deadline,
                          struct sv_errinfo *info) __attribute__((warn_unused_result));

/* Gives this connection up, for whatever reason: everything in flight ends, the next attempt
 * follows. Does nothing when there is no connection to give up. */
void sv_redis_lose(struct sv_redis *redis, const struct sv_errinfo *why);

/* Owes the user a word that we are not ready, and logs it. */
void sv_redis_explain(struct sv_redis *redis, const struct sv_errinfo *why);

/* Sees that what is owed to the user is told before the loop sleeps. */
void sv_redis_kick(struct sv_redis *redis);

void sv_redis_start_step_timer(struct sv_redis *redis, sv_ms wait_ms);

/* Host and port or path for people; never user or password. */
void sv_redis_describe(const struct sv_redis *redis, char *out, size_t bytes);

/* Goes on with the handshake: to the next step that has something to ask, or to ready. */
void sv_redis_greet_advance(struct sv_redis *redis);

/* Asks a server that was LOADING again. */
void sv_redis_greet_again(struct sv_redis *redis);

#endif
