/* The open events of one sink in one shard: a list in the order of the outbox. Of each group only
 * the first may be under way, so a group that fails holds back itself and nobody else. */
#include "courier.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/entry_id.h"
#include "sv/require.h"

enum { BYTES_MAX = 4 << 20 }; /* of events kept, by all couriers together */

struct id {
    uint64_t ms, number;
};

static struct id id_of(const char *entry)
{
    char *end;
    struct id id = {.ms = strtoull(entry, &end, 10)};

    if (*end == '-')
        id.number = strtoull(end + 1, NULL, 10);
    return id;
}

void slots_id_before(const char *entry, char out[SV_STORE_SINK_ENTRY_BYTES])
{
    struct id id = id_of(entry);

    if (id.number == 0 && id.ms > 0) {
        id.ms--;
        id.number = UINT64_MAX;
    } else if (id.number > 0) {
        id.number--;
    }
    (void)snprintf(out, SV_STORE_SINK_ENTRY_BYTES, "%" PRIu64 "-%" PRIu64, id.ms, id.number);
}

struct slot *slots_find(const struct courier *courier, const char *entry)
{
    for (struct slot *slot = courier->slots.last; slot != NULL; slot = slot->previous) {
        if (strcmp(slot->entry, entry) == 0)
            return slot;
    }
    return NULL;
}

static struct slot *first_of_group(const struct slot *from, uint64_t group)
{
    struct slot *slot = from->next;

    while (slot != NULL && slot->group != group)
        slot = slot->next;
    return slot;
}

static void link_behind(struct slots *slots, struct slot *slot, struct slot *before)
{
    slot->previous = before;
    slot->next = before != NULL ? before->next : slots->first;
    if (slot->next != NULL)
        slot->next->previous = slot;
    else
        slots->last = slot;
    if (before != NULL)
        before->next = slot;
    else
        slots->first = slot;
    slots->count++;
}

struct slot *slots_add(struct courier *courier, const char *entry, uint64_t group)
{
    struct slot *before = courier->slots.last, *slot, *later;

    while (before != NULL && sv_entry_id_compare(entry, before->entry) < 0)
        before = before->previous;
    slot = sv_alloc(1, sizeof(*slot));
    (void)snprintf(slot->entry, sizeof(slot->entry), "%s", entry);
    slot->group = group;
    link_behind(&courier->slots, slot, before);
    courier->drive->couriers->open++;
    slot->is_head = true;
    for (; before != NULL && slot->is_head; before = before->previous)
        slot->is_head = before->group != group;
    later = first_of_group(slot, group);
    if (later != NULL && slot->is_head)
        later->is_head = false; /* a replay put one in front of it */
    return slot;
}

void slots_drop_event(struct courier *courier, struct slot *slot)
{
    if (slot->event == NULL)
        return;
    courier->drive->couriers->bytes -= slot->event_bytes;
    free(slot->event);
    slot->event = NULL;
}

void slots_keep(struct courier *courier, struct slot *slot, const char *event, size_t bytes,
                bool in_any_case)
{
    size_t *total = &courier->drive->couriers->bytes;

    slots_drop_event(courier, slot);
    if (*total + bytes > BYTES_MAX && !in_any_case)
        return;
    *total += bytes;
    slot->event = sv_strndup(event, bytes);
    slot->event_bytes = bytes;
}

void slots_remove(struct courier *courier, struct slot *slot)
{
    struct slots *slots = &courier->slots;
    struct slot *heir = slot->is_head ? first_of_group(slot, slot->group) : NULL;

    if (heir != NULL)
        heir->is_head = true;
    if (slot->previous != NULL)
        slot->previous->next = slot->next;
    else
        slots->first = slot->next;
    if (slot->next != NULL)
        slot->next->previous = slot->previous;
    else
        slots->last = slot->previous;
    slots->count--;
    courier->drive->couriers->open--;
    slots_drop_event(courier, slot);
    free(slot);
}

void slots_clear(struct courier *courier)
{
    struct slot *next;

    for (struct slot *slot = courier->slots.first; slot != NULL; slot = next) {
        next = slot->next;
        if (slot->flight != NULL)
            flight_orphan(slot->flight);
        slots_remove(courier, slot);
    }
    SV_REQUIRE(courier->slots.count == 0);
}
