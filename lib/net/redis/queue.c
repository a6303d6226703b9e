#include "queue.h"

#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/require.h"

enum { SLOTS_FIRST = 64 };

static struct sv_redis_slot *slot_of(const struct sv_redis_queue *queue, uint64_t ticket)
{
    return &queue->slots[ticket & (queue->cap - 1)];
}

void sv_redis_queue_init(struct sv_redis_queue *queue)
{
    *queue = (struct sv_redis_queue){.slots = NULL};
    queue->ended_tail = &queue->ended;
}

void sv_redis_queue_fini(struct sv_redis_queue *queue)
{
    SV_REQUIRE(queue->ended == NULL);
    free(queue->slots);
    queue->slots = NULL;
}

bool sv_redis_queue_is_full(const struct sv_redis_queue *queue)
{
    return queue->tail - queue->head >= SV_REDIS_INFLIGHT_MAX;
}

static void grow(struct sv_redis_queue *queue)
{
    size_t cap = queue->cap == 0 ? SLOTS_FIRST : queue->cap * 2;
    struct sv_redis_slot *slots = sv_alloc(cap, sizeof(*slots));

    for (uint64_t t = queue->head; t != queue->tail; t++)
        slots[t & (cap - 1)] = *slot_of(queue, t);
    free(queue->slots);
    queue->slots = slots;
    queue->cap = cap;
}

void sv_redis_queue_push(struct sv_redis_queue *queue, struct sv_redis_command *command,
                         sv_ms deadline)
{
    SV_REQUIRE(!sv_redis_queue_is_full(queue));
    if (queue->tail - queue->head == queue->cap)
        grow(queue);
    command->ticket = queue->tail++;
    command->status = SV_OK;
    command->next = NULL;
    *slot_of(queue, command->ticket) =
        (struct sv_redis_slot){.command = command, .deadline = deadline};
}

bool sv_redis_queue_pop(struct sv_redis_queue *queue, struct sv_redis_slot *slot)
{
    if (queue->head == queue->tail)
        return false;
    *slot = *slot_of(queue, queue->head++);
    return true;
}

static void end(struct sv_redis_queue *queue, struct sv_redis_command *command,
                const struct sv_errinfo *why)
{
    command->status = why->code;
    command->info = *why;
    command->next = NULL;
    *queue->ended_tail = command;
    queue->ended_tail = &command->next;
}

void sv_redis_queue_cancel(struct sv_redis_queue *queue, struct sv_redis_command *command)
{
    struct sv_errinfo why;

    (void)sv_err_set(&why, SV_ECANCELED, "redis", 0, "canceled by its owner");
    if (command->status != SV_OK) { /* ended already, not told yet */
        command->status = SV_ECANCELED;
        command->info = why;
        return;
    }
    SV_REQUIRE(slot_of(queue, command->ticket)->command == command);
    slot_of(queue, command->ticket)->command = NULL;
    end(queue, command, &why);
}

void sv_redis_queue_fail(struct sv_redis_queue *queue, sv_ms now, const struct sv_errinfo *why)
{
    struct sv_errinfo late;
    struct sv_redis_slot slot;

    (void)sv_err_set(&late, SV_ETIMEOUT, "redis", 0, "no reply within the command's deadline");
    while (sv_redis_queue_pop(queue, &slot)) {
        if (slot.command == NULL)
            continue;
        end(queue, slot.command, slot.deadline <= now && why->code != SV_ECANCELED ? &late : why);
    }
}

sv_ms sv_redis_queue_earliest(const struct sv_redis_queue *queue)
{
    sv_ms earliest = INT64_MAX;

    for (uint64_t t = queue->head; t != queue->tail; t++) {
        if (slot_of(queue, t)->deadline < earliest)
            earliest = slot_of(queue, t)->deadline;
    }
    return earliest;
}

void sv_redis_queue_deliver(struct sv_redis_queue *queue)
{
    size_t count = 0;

    /* Counted first: a callback that starts and cancels again must not keep us here for ever. */
    for (struct sv_redis_command *command = queue->ended; command != NULL; command = command->next)
        count++;
    for (; count > 0; count--) {
        struct sv_redis_command *command = queue->ended;

        queue->ended = command->next;
        if (queue->ended == NULL)
            queue->ended_tail = &queue->ended;
        command->next = NULL;
        command->redis = NULL;
        command->done(command, command->status, NULL);
    }
}
