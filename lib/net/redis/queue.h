/* The commands of one connection in the order of their replies, and those that ended without one.
 * Knows no sockets. */
#ifndef SV_NET_REDIS_QUEUE_H
#define SV_NET_REDIS_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sv/redis.h"

/* A reply that is due. `command` is NULL when nobody wants it any more. */
struct sv_redis_slot {
    struct sv_redis_command *command;
    sv_ms deadline; /* on the loop's clock */
};

struct sv_redis_queue {
    struct sv_redis_slot *slots; /* a ring; its size is a power of two */
    size_t cap;
    uint64_t head, tail;                  /* tickets: next reply, next command */
    struct sv_redis_command *ended;       /* waiting for their callbacks, oldest first */
    struct sv_redis_command **ended_tail; /* where the next one is hung */
};

void sv_redis_queue_init(struct sv_redis_queue *queue);
void sv_redis_queue_fini(struct sv_redis_queue *queue);

bool sv_redis_queue_is_full(const struct sv_redis_queue *queue);

/* Puts a command behind all others; the queue must not be full. */
void sv_redis_queue_push(struct sv_redis_queue *queue, struct sv_redis_command *command,
                         sv_ms deadline);

/* Takes the command that the next reply answers; false when no reply is due. */
bool sv_redis_queue_pop(struct sv_redis_queue *queue, struct sv_redis_slot *slot);

/* Ends a command with SV_ECANCELED, whether it waits for its reply or for its callback. */
void sv_redis_queue_cancel(struct sv_redis_queue *queue, struct sv_redis_command *command);

/* Ends everything with why->code; what is past its deadline at `now` ends in SV_ETIMEOUT unless all
 * of it is canceled. */
void sv_redis_queue_fail(struct sv_redis_queue *queue, sv_ms now, const struct sv_errinfo *why);

/* The earliest deadline, or INT64_MAX. Walks all slots. */
sv_ms sv_redis_queue_earliest(const struct sv_redis_queue *queue);

/* Runs the callbacks of what had ended when it was called; the callbacks may do anything. */
void sv_redis_queue_deliver(struct sv_redis_queue *queue);

#endif
