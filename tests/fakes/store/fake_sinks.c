#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_inner.h"
#include "sv/alloc.h"

/* The mirrors of sink.lua, parcels.lua, settle.lua and replay.lua. Entries are compared by the
 * second part of their ids, which counts all entries of this store. */

static uint64_t number_of(const char *entry)
{
    const char *dash = strchr(entry, '-');

    return dash != NULL ? strtoull(dash + 1, NULL, 10) + 1 : strtoull(entry, NULL, 10);
}

/* Where the entries behind this one begin; of an id that is not there by its time. */
static bool is_behind(const struct fake_entry *entry, const char *after)
{
    sv_ms entry_ms = strtoll(entry->id, NULL, 10), after_ms = strtoll(after, NULL, 10);

    return entry_ms > after_ms || (entry_ms == after_ms && number_of(entry->id) > number_of(after));
}

static struct fake_sink *find(struct fake_work *work, const char *name, bool make)
{
    struct fake_shard *shard = fake_shard_of(work);
    struct fake_sink *sink = shard->sinks;

    while (sink != NULL && strcmp(sink->name, name) != 0)
        sink = sink->next;
    if (sink != NULL || !make)
        return sink;
    sink = sv_alloc(1, sizeof(*sink));
    sink->name = sv_strdup(name);
    sink->next = shard->sinks;
    shard->sinks = sink;
    return sink;
}

static bool is_turn_of(const struct fake_sink *sink, const char *worker)
{
    return sink != NULL && sink->worker != NULL && worker != NULL &&
           strcmp(sink->worker, worker) == 0;
}

/* --- sink --- */

static void place(struct fake_work *work, struct fake_sink *sink)
{
    const struct fake_stream *outbox = &fake_shard_of(work)->outbox;

    if (!sink->has_place && outbox->count > 0)
        sink->last = number_of(outbox->entries[outbox->count - 1].id);
    sink->has_place = true;
}

static void serve(struct fake_work *work, struct fake_sink *sink)
{
    const struct sv_store_sink *in = &work->call->u.sink;
    sv_ms now = fake_now(work->store);

    if (sink->worker != NULL && sink->till > now && !is_turn_of(sink, in->worker))
        return;
    fake_set(&sink->worker, in->worker);
    sink->till = now + in->lease_ms;
    place(work, sink);
}

static void tell(struct fake_work *work, const struct fake_sink *sink)
{
    struct sv_store_sink *out = &work->call->u.sink;
    const struct fake_stream *outbox = &fake_shard_of(work)->outbox;
    bool is_leased = sink->worker != NULL && sink->till > out->now;

    out->held = is_leased && is_turn_of(sink, out->worker);
    out->wait_ms = is_leased && !out->held ? sink->till - out->now : 0;
    out->turn = sink->turn;
    out->disabled_at = sink->disabled_at;
    (void)snprintf(out->why, sizeof(out->why), "%s", sink->why != NULL ? sink->why : "");
    out->open = sink->open_count;
    out->dead = sink->dead_count;
    out->unread = 0;
    for (size_t i = 0; sink->has_place && i < outbox->count && out->unread < 1001; i++)
        out->unread += number_of(outbox->entries[i].id) > sink->last;
}

bool fake_sink(struct fake_work *work)
{
    static const struct fake_sink nothing = {.name = NULL};
    struct sv_store_sink *in = &work->call->u.sink;
    bool makes = in->verb == SV_STORE_SINK_SERVE || in->verb == SV_STORE_SINK_PLACE;
    struct fake_sink *sink = find(work, in->sink, makes);

    in->now = fake_now(work->store);
    if (in->verb == SV_STORE_SINK_PLACE)
        place(work, sink);
    if (in->verb == SV_STORE_SINK_SERVE)
        serve(work, sink);
    if (in->verb == SV_STORE_SINK_LEAVE && is_turn_of(sink, in->worker))
        fake_set(&sink->worker, NULL);
    if (in->verb == SV_STORE_SINK_ENABLE && sink != NULL && sink->disabled_at > 0) {
        sink->turn++;
        sink->disabled_at = 0;
        fake_set(&sink->why, NULL);
        for (size_t i = 0; i < sink->open_count; i++)
            sink->open[i].attempts = 0, sink->open[i].due = 0;
    }
    tell(work, sink != NULL ? sink : &nothing);
    return true;
}

/* --- parcels --- */

static void open_add(struct fake_sink *sink, const char *entry)
{
    size_t at = 0;

    while (at < sink->open_count && number_of(sink->open[at].entry) < number_of(entry))
        at++;
    if (at < sink->open_count && strcmp(sink->open[at].entry, entry) == 0)
        return;
    sink->open = sv_realloc(sink->open, (sink->open_count + 1) * sizeof(*sink->open));
    memmove(&sink->open[at + 1], &sink->open[at], (sink->open_count - at) * sizeof(*sink->open));
    sink->open[at] = (struct fake_open){.attempts = 0};
    (void)snprintf(sink->open[at].entry, sizeof(sink->open[at].entry), "%s", entry);
    sink->open_count++;
}

static struct fake_open *open_find(const struct fake_sink *sink, const char *entry)
{
    for (size_t i = 0; i < sink->open_count; i++) {
        if (strcmp(sink->open[i].entry, entry) == 0)
            return &sink->open[i];
    }
    return NULL;
}

static void put_parcel(struct fake_work *work, const struct fake_open *open,
                       struct sv_store_parcel *parcels)
{
    struct sv_store_parcels *out = &work->call->u.parcels;
    const struct fake_entry *entry = fake_stream_find(&fake_shard_of(work)->outbox, open->entry);
    sv_ms now = fake_now(work->store);

    parcels[out->count++] = (struct sv_store_parcel){
        .entry_id = sv_store_arena_printf(&work->arena, "%s", open->entry),
        .event = entry != NULL ? sv_store_arena_printf(&work->arena, "%s", entry->payload) : "",
        .event_bytes = entry != NULL ? entry->payload_bytes : 0,
        .attempts = open->attempts,
        .wait_ms = open->due > now ? open->due - now : 0,
    };
}

static void read_new(struct fake_work *work, struct fake_sink *sink,
                     struct sv_store_parcel *parcels)
{
    const struct sv_store_parcels *in = &work->call->u.parcels;
    const struct fake_stream *outbox = &fake_shard_of(work)->outbox;

    for (size_t i = 0; i < outbox->count && in->count < in->count_max; i++) {
        const char *id = outbox->entries[i].id;

        if (number_of(id) <= sink->last)
            continue;
        open_add(sink, id);
        sink->last = number_of(id);
        put_parcel(work, open_find(sink, id), parcels);
    }
}

bool fake_parcels(struct fake_work *work)
{
    struct sv_store_parcels *in = &work->call->u.parcels;
    struct fake_sink *sink = find(work, in->sink, false);
    struct sv_store_parcel *parcels =
        sv_store_arena_alloc(&work->arena, in->count_max, sizeof(*parcels));

    in->count = 0;
    in->parcels = parcels;
    in->confirmed = true;
    in->held = is_turn_of(sink, in->worker) && sink->disabled_at == 0;
    in->is_full = in->held && in->after == NULL && sink->open_count >= SV_STORE_SINK_OPEN_MAX;
    if (!in->held || in->is_full)
        return true;
    sink->till = fake_now(work->store) + in->lease_ms;
    if (in->after == NULL)
        read_new(work, sink, parcels);
    for (size_t i = 0; in->after != NULL && i < sink->open_count && in->count < in->count_max;
         i++) {
        struct fake_entry entry = {.pending = false};

        (void)snprintf(entry.id, sizeof(entry.id), "%s", sink->open[i].entry);
        if (is_behind(&entry, in->after))
            put_parcel(work, &sink->open[i], parcels);
    }
    return true;
}

/* --- settle --- */

static void open_drop(struct fake_sink *sink, struct fake_open *open)
{
    size_t at = (size_t)(open - sink->open);

    sink->open_count--;
    memmove(open, open + 1, (sink->open_count - at) * sizeof(*open));
}

static void dead_drop(struct fake_sink *sink, size_t at)
{
    struct fake_dead *dead = &sink->dead[at];

    free(dead->event_id);
    free(dead->type);
    free(dead->subject);
    free(dead->error);
    sink->dead_count--;
    memmove(dead, dead + 1, (sink->dead_count - at) * sizeof(*dead));
}

static void dead_add(struct fake_work *work, struct fake_sink *sink)
{
    const struct sv_store_settle *in = &work->call->u.settle;
    struct fake_dead *dead;

    if (sink->dead_count == SV_STORE_SINK_DEAD_MAX)
        dead_drop(sink, 0);
    sink->dead = sv_realloc(sink->dead, (sink->dead_count + 1) * sizeof(*sink->dead));
    dead = &sink->dead[sink->dead_count++];
    *dead = (struct fake_dead){.attempts = in->attempts, .at = fake_now(work->store)};
    (void)snprintf(dead->id, sizeof(dead->id), "%lld-%llu", (long long)dead->at,
                   (unsigned long long)work->store->entries++);
    (void)snprintf(dead->entry, sizeof(dead->entry), "%s", in->entry_id);
    fake_set(&dead->event_id, in->event_id != NULL ? in->event_id : "");
    fake_set(&dead->type, in->type != NULL ? in->type : "");
    fake_set(&dead->subject, in->subject != NULL ? in->subject : "");
    fake_set(&dead->error, in->error != NULL ? in->error : "");
}

bool fake_settle(struct fake_work *work)
{
    struct sv_store_settle *in = &work->call->u.settle;
    struct fake_sink *sink = find(work, in->sink, false);
    struct fake_open *open = sink != NULL ? open_find(sink, in->entry_id) : NULL;

    in->settled =
        open != NULL && (in->verb == SV_STORE_SETTLE_DONE || is_turn_of(sink, in->worker));
    if (!in->settled)
        return true;
    switch (in->verb) {
    case SV_STORE_SETTLE_WAIT:
        open->attempts = in->attempts;
        open->due = fake_now(work->store) + in->wait_ms;
        return true;
    case SV_STORE_SETTLE_DISABLE:
        sink->disabled_at = fake_now(work->store);
        fake_set(&sink->why, in->error != NULL ? in->error : "");
        return true;
    case SV_STORE_SETTLE_DEAD:
        dead_add(work, sink);
        break;
    case SV_STORE_SETTLE_DONE:
        break;
    }
    open_drop(sink, open);
    return true;
}

/* --- dead letters, and again --- */

bool fake_sink_dead(struct fake_work *work)
{
    struct sv_store_sink_dead *out = &work->call->u.sink_dead;
    const struct fake_sink *sink = find(work, out->sink, false);
    struct sv_store_sink_letter *letters =
        sv_store_arena_alloc(&work->arena, out->count_max, sizeof(*letters));

    out->count = 0;
    out->letters = letters;
    for (size_t i = 0; sink != NULL && i < sink->dead_count && out->count < out->count_max; i++) {
        const struct fake_dead *dead = &sink->dead[i];

        if (number_of(dead->id) <= number_of(out->after))
            continue;
        letters[out->count++] = (struct sv_store_sink_letter){
            .id = sv_store_arena_printf(&work->arena, "%s", dead->id),
            .entry_id = sv_store_arena_printf(&work->arena, "%s", dead->entry),
            .event_id = sv_store_arena_printf(&work->arena, "%s", dead->event_id),
            .type = sv_store_arena_printf(&work->arena, "%s", dead->type),
            .subject = sv_store_arena_printf(&work->arena, "%s", dead->subject),
            .error = sv_store_arena_printf(&work->arena, "%s", dead->error),
            .attempts = dead->attempts,
            .at = dead->at,
        };
    }
    return true;
}

/* All letters at once: a call of this store is bounded by its test. */
static void replay_dead(struct fake_work *work, struct fake_sink *sink)
{
    struct sv_store_replay *in = &work->call->u.replay;

    for (size_t i = 0; i < sink->dead_count;) {
        if (fake_stream_find(&fake_shard_of(work)->outbox, sink->dead[i].entry) == NULL) {
            in->missing++;
            i++;
            continue;
        }
        open_add(sink, sink->dead[i].entry);
        open_find(sink, sink->dead[i].entry)->attempts = 0; /* it may have been open already */
        open_find(sink, sink->dead[i].entry)->due = 0;
        in->replayed++;
        dead_drop(sink, i);
    }
    if (in->replayed > 0)
        sink->turn++;
}

static void replay_from(struct fake_work *work, struct fake_sink *sink)
{
    const char *from = work->call->u.replay.from;
    const struct fake_stream *outbox = &fake_shard_of(work)->outbox;

    sink->last = 0;
    for (size_t i = 0; i < outbox->count && !is_behind(&outbox->entries[i], from); i++)
        sink->last = number_of(outbox->entries[i].id);
    sink->turn++;
}

bool fake_replay(struct fake_work *work)
{
    struct sv_store_replay *in = &work->call->u.replay;
    struct fake_sink *sink = find(work, in->sink, false);

    in->found = sink != NULL && sink->has_place;
    in->replayed = in->missing = 0;
    in->next[0] = '\0';
    if (in->found && in->from != NULL)
        replay_from(work, sink);
    else if (in->found)
        replay_dead(work, sink);
    return true;
}

/* --- for others --- */

bool fake_sinks_are_past(const struct fake_shard *shard, const struct fake_entry *entry,
                         const char **holder)
{
    uint64_t number = number_of(entry->id);

    for (const struct fake_sink *sink = shard->sinks; sink != NULL; sink = sink->next) {
        uint64_t needed = sink->open_count > 0 ? number_of(sink->open[0].entry) : sink->last;

        if (!sink->has_place || number < needed)
            continue;
        *holder = sink->name;
        return false;
    }
    return true;
}

void fake_sinks_fini(struct fake_shard *shard)
{
    while (shard->sinks != NULL) {
        struct fake_sink *sink = shard->sinks;

        shard->sinks = sink->next;
        while (sink->dead_count > 0)
            dead_drop(sink, 0);
        free(sink->dead);
        free(sink->open);
        free(sink->name);
        free(sink->worker);
        free(sink->why);
        free(sink);
    }
}
