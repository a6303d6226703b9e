/* The insides of delivery, shared by courier*.c only. */
#ifndef SV_DRIVE_COURIER_H
#define SV_DRIVE_COURIER_H

#include <jansson.h>

#include "inside.h"
#include "sv/delivery.h"
#include "sv/sink.h"

struct flight;

/* One event that is open: read for the sink and not settled. */
struct slot {
    char entry[SV_STORE_SINK_ENTRY_BYTES];
    uint64_t group; /* digest of what must stay in order */
    unsigned attempts;
    sv_ms due_mono, failed_mono; /* failed_mono 0 = it has not failed in this process */
    bool counts;                 /* its message is about good or bad, and wanted */
    bool is_held;                /* it waits until its domain is quiet */
    bool is_head;                /* no earlier one of its group is open */
    struct flight *flight;       /* under way */
    char *event;                 /* owned; NULL = has to be read again */
    size_t event_bytes;
    struct slot *next, *previous;
};

/* The open events of one sink in one shard, in the order of the outbox. */
struct slots {
    struct slot *first, *last;
    size_t count;
};

/* One sink in one shard. */
struct courier {
    struct sv_drive *drive;
    struct shard *shard;
    const struct sv_route *route;
    struct sv_flapping *flapping; /* of the route, in all shards; NULL = nothing is held back */
    struct letter letter;
    struct errand serve, read;
    struct alarm serve_at, due_at;
    bool held;                  /* the turn is ours */
    bool disabled;              /* as the store told last */
    bool stopping;              /* nothing new begins */
    bool left;                  /* the turn was given back, or was never ours */
    bool recovering;            /* what is open has to be read, behind `recovered` */
    unsigned begun, read_begun; /* how often it began anew; as the read under way began */
    bool read_again;            /* reading what is new is worth it now */
    bool told_unconfirmed;
    uint64_t turn;
    char recovered[SV_STORE_SINK_ENTRY_BYTES];
    char newest[SV_STORE_SINK_ENTRY_BYTES];     /* that was read in this turn; "0" = none */
    char read_after[SV_STORE_SINK_ENTRY_BYTES]; /* what the read under way borrows */
    struct slots slots;
    struct flight *flights;
    unsigned flying, room; /* attempts under way, and at most now */
    sv_ms quiet_until_mono, poll_mono;
    unsigned streak; /* failures in a row; of one domain alone they are one: it may be ill, not the
                        target */
    uint64_t streak_group; /* whose the last one was */
    sv_ms streak_mono;     /* it began */
    uint64_t backlog, dead;
    sv_ms failed_at; /* wall clock: an attempt failed, or the target switched itself off */
    char error[SV_STORE_SINK_WHY_BYTES];
};

/* All couriers, and what they hold together. */
struct couriers {
    struct courier *items; /* shards x routes */
    size_t count;
    size_t open;  /* slots */
    size_t bytes; /* of events kept in memory while they wait for their turn */
    size_t sinks_open;
    size_t unplaced; /* items without a place yet, as far as this worker knows */
    void (*placed)(struct sv_drive *drive);
    struct sv_flapping *flappings[SV_SINKS_MAX]; /* beside the routes */
};

/* --- courier_slots.c --- */

/* In order; the entry is not there yet. */
struct slot *slots_add(struct courier *courier, const char *entry, uint64_t group);
struct slot *slots_find(const struct courier *courier, const char *entry);
void slots_remove(struct courier *courier, struct slot *slot);
/* Forgets all that are not under way, and lets go of those that are. */
void slots_clear(struct courier *courier);
/* Keeps a copy of the event while there is room for it. */
void slots_keep(struct courier *courier, struct slot *slot, const char *event, size_t bytes,
                bool in_any_case);
void slots_drop_event(struct courier *courier, struct slot *slot);
/* The entry id just before this one, for reading exactly it. */
void slots_id_before(const char *entry, char out[SV_STORE_SINK_ENTRY_BYTES]);

/* --- courier_hold.c --- */

void hold_open(struct sv_drive *drive);
void hold_free(struct couriers *all);
/* Whether the event may be told now, as it is or as a summary. */
struct sv_flapping_answer hold_ask(const struct courier *courier, const json_t *event,
                                   uint64_t group);
/* A slot that was just added: notes whether it counts, and wakes one that was held until then. */
void hold_note(struct courier *courier, struct slot *slot, const char *event, size_t bytes);
/* One that is behind it tells more. */
bool hold_is_outdated(const struct slot *slot);

/* --- courier_flight.c --- */

/* Begins an attempt; slot->event is taken over. */
void flight_begin(struct courier *courier, struct slot *slot);
/* Digest of what must stay in order with others: a domain's source, or of a job's answer its id; 0
 * when the text is no event. */
uint64_t flight_group(const char *event, size_t bytes);
/* True when the event is for this sink. */
bool flight_is_wanted(const struct courier *courier, const json_t *event);
/* True while one of this group is under way, perhaps for a turn that is over. */
bool flight_has_group(const struct courier *courier, uint64_t group);
/* The slot has become somebody else's. */
void flight_orphan(struct flight *flight);

/* --- courier.c --- */

void courier_wake(struct courier *courier);
void courier_note_failure(struct courier *courier, sv_ms at, const char *error);
/* The target is down, and this entry older than all attempts would take: so that what waits for a
 * target that never comes back does not grow for ever. */
bool courier_has_expired(const struct courier *courier, const char *entry);

#endif
