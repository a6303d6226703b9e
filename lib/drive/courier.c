/* Delivers the outbox to the sinks. One courier for each sink in each shard.
 *
 * The happy path: it takes the turn at the store and keeps it; reads what was open when the turn
 * came, then what is new; each event becomes a slot, and the first slot of each domain an attempt
 * (courier_flight.c); what was delivered is settled and its slot goes. What failed waits for its
 * time, and holds back the later events of its domain and nothing else: others are read past it.
 *
 * This worker dies: what it read is open, with attempts and times, and whoever has the turn next
 * begins with that. The store is away: errands repeat themselves. The turn is lost: slots are
 * forgotten, and of attempts under way only a delivery is still settled. The target is gone: the
 * sink is disabled in the store until an operator enables it, which changes the number of the turn,
 * and with it everything is read anew. A replay does the same. */
#include "courier.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/metrics.h"
#include "sv/require.h"

enum {
    PAGE = 32,                /* events of one read */
    OPEN_MIN = 64,            /* what every courier may hold; with all others together: */
    OPEN_ALL_MAX = 32 * 1024, /* about 5 MB */
    BEHIND_MS = 1000,         /* until a replica that lags is looked at again */
    LEASE_PARTS = 3,
};

static sv_ms lease_ms(const struct courier *courier)
{
    return courier->drive->options.heartbeat_ms;
}

bool courier_has_expired(const struct courier *courier, const char *entry)
{
    sv_ms age_ms = drive_now(courier->drive) - strtoll(entry, NULL, 10);

    return courier->streak >= SV_DELIVERY_STREAK &&
           age_ms > sv_delivery_total_ms(&courier->route->plan);
}

void courier_wake(struct courier *courier)
{
    if (!courier->stopping)
        post(courier->drive, &courier->letter);
}

void courier_note_failure(struct courier *courier, sv_ms at, const char *error)
{
    courier->failed_at = at;
    (void)snprintf(courier->error, sizeof(courier->error), "%s", error);
}

/* --- the turn --- */

static void set_backlog(const struct courier *courier)
{
    const struct couriers *all = courier->drive->couriers;
    double sum = 0;

    for (size_t i = 0; i < all->count; i++) {
        if (all->items[i].route == courier->route)
            sum += (double)all->items[i].backlog;
    }
    sv_metrics_set(courier->drive->options.metrics, SV_METRIC_EVENTS_BACKLOG, sum,
                   SV_LABELS(courier->route->sink->name));
}

static void lose_turn(struct courier *courier)
{
    courier->held = false;
    courier->backlog = 0;
    slots_clear(courier);
    set_backlog(courier);
}

static void begin_anew(struct courier *courier)
{
    slots_clear(courier);
    courier->recovering = true;
    courier->begun++;
    (void)snprintf(courier->recovered, sizeof(courier->recovered), "0");
    (void)snprintf(courier->newest, sizeof(courier->newest), "0");
    courier->room = courier->route->parallel;
    courier->streak = 0;
    courier->quiet_until_mono = 0;
}

static void note_disabled(struct courier *courier, const struct sv_store_sink *told)
{
    bool is_disabled = told->disabled_at > 0;

    if (is_disabled == courier->disabled)
        return;
    courier->disabled = is_disabled;
    if (is_disabled)
        courier_note_failure(courier, told->disabled_at, told->why);
    slots_clear(courier);
    if (!is_disabled)
        sv_log_line(courier->drive->options.log, SV_LOG_INFO, "sink_enabled",
                    "events go to this sink again", SV_LOG_STR("sink", courier->route->sink->name));
}

static void take_turn(struct courier *courier, const struct sv_store_sink *told)
{
    bool is_new = !courier->held || told->turn != courier->turn;

    if (!courier->held)
        sv_log_line(courier->drive->options.log, SV_LOG_DEBUG, "sink_served",
                    "this worker delivers to a sink",
                    SV_LOG_STR("sink", courier->route->sink->name),
                    SV_LOG_INT("shard", courier->shard->index), SV_LOG_INT("open", told->open));
    courier->held = true;
    courier->turn = told->turn;
    courier->backlog = told->open + told->unread;
    courier->dead = told->dead;
    set_backlog(courier);
    note_disabled(courier, told);
    if (is_new)
        begin_anew(courier);
    courier_wake(courier);
}

static void on_served(struct errand *errand, enum sv_err err)
{
    struct courier *courier = errand->owner;
    const struct sv_store_sink *told = &errand->call.u.sink;
    sv_ms wait_ms = lease_ms(courier) / LEASE_PARTS;

    if (err == SV_ECANCELED || courier->stopping)
        return;
    if (err != SV_OK) {
        sv_log_failure(courier->drive->options.log, SV_LOG_ERROR, "sink_turn_failed", NULL,
                       &errand->call.info);
        lose_turn(courier);
    } else if (told->held) {
        take_turn(courier, told);
    } else {
        lose_turn(courier);
        wait_ms = told->wait_ms < wait_ms ? told->wait_ms + 1 : wait_ms;
    }
    alarm_set(courier->drive, &courier->serve_at, wait_ms);
}

static void ask_turn(struct courier *courier, enum sv_store_sink_verb verb,
                     void (*done)(struct errand *errand, enum sv_err err))
{
    courier->serve.call.op = SV_STORE_SINK;
    courier->serve.call.shard = courier->shard->index;
    courier->serve.call.u.sink = (struct sv_store_sink){
        .verb = verb,
        .sink = courier->route->sink->name,
        .worker = courier->drive->options.worker,
        .lease_ms = lease_ms(courier),
    };
    errand_run(courier->drive, &courier->serve, done, courier);
}

static void on_left(struct errand *errand, enum sv_err err)
{
    struct courier *courier = errand->owner;

    (void)err;
    courier->left = true;
}

/* Only workers that serve the shard want its sinks; one that does not any more lets go. */
static void on_serve_at(struct alarm *alarm)
{
    struct courier *courier = alarm->owner;

    if (!errand_is_idle(&courier->serve)) {
        alarm_set(courier->drive, alarm, lease_ms(courier) / LEASE_PARTS);
        return;
    }
    if (courier->shard->served) {
        ask_turn(courier, SV_STORE_SINK_SERVE, on_served);
        return;
    }
    if (courier->held) {
        lose_turn(courier);
        ask_turn(courier, SV_STORE_SINK_LEAVE, on_left);
    }
    alarm_set(courier->drive, alarm, courier->drive->options.poll_ms);
}

/* --- reading --- */

static void hold(struct courier *courier, const struct sv_store_parcel *parcel, bool was_wanted)
{
    sv_ms now = drive_monotonic(courier->drive);
    struct slot *slot = slots_find(courier, parcel->entry_id);

    if (slot == NULL) {
        slot =
            slots_add(courier, parcel->entry_id, flight_group(parcel->event, parcel->event_bytes));
        slot->attempts = parcel->attempts;
        slot->due_mono = now + parcel->wait_ms;
        hold_note(courier, slot, parcel->event, parcel->event_bytes);
    }
    if (slot->flight == NULL && slot->due_mono <= now)
        slots_keep(courier, slot, parcel->event, parcel->event_bytes, was_wanted);
}

/* What has not reached a replica yet may be undone by a fail-over: nobody is told of it. */
static void put_off(struct courier *courier)
{
    if (!courier->told_unconfirmed)
        sv_log_line(courier->drive->options.log, SV_LOG_WARN, "sink_waits_for_replica",
                    "no replica has taken the latest events: they are not delivered yet",
                    SV_LOG_STR("sink", courier->route->sink->name),
                    SV_LOG_INT("shard", courier->shard->index));
    courier->told_unconfirmed = true;
    begin_anew(courier);
    courier->poll_mono = drive_monotonic(courier->drive) + BEHIND_MS;
}

static void take_page(struct courier *courier, const struct sv_store_parcels *page)
{
    bool was_new = page->after == NULL;

    courier->told_unconfirmed = false;
    for (size_t i = 0; i < page->count; i++)
        hold(courier, &page->parcels[i], page->after == courier->read_after);
    if (page->count > 0 && page->after != courier->read_after)
        (void)snprintf(courier->newest, sizeof(courier->newest), "%s",
                       page->parcels[page->count - 1].entry_id);
    if (page->count > 0 && page->after == courier->recovered)
        (void)snprintf(courier->recovered, sizeof(courier->recovered), "%s",
                       page->parcels[page->count - 1].entry_id);
    else if (page->after == courier->recovered)
        courier->recovering = false;
    courier->read_again = was_new && page->count > 0;
    if (was_new && page->count == 0)
        courier->poll_mono = drive_monotonic(courier->drive) + courier->drive->options.poll_ms;
}

/* One that was to be read again is not open any more: somebody else has settled it. */
static void drop_settled(struct courier *courier, const struct sv_store_parcels *page)
{
    struct slot *slot =
        page->after == courier->read_after && page->count == 0 ? courier->slots.first : NULL;
    char before[SV_STORE_SINK_ENTRY_BYTES];

    for (; slot != NULL; slot = slot->next) {
        slots_id_before(slot->entry, before);
        if (strcmp(before, page->after) == 0 && slot->flight == NULL) {
            slots_remove(courier, slot);
            return;
        }
    }
}

/* What was read for us by a call whose answer was lost is open, and newer than all that we know: it
 * is read as such before anything else is. */
static bool find_what_was_lost(struct courier *courier, const struct errand *errand,
                               enum sv_err err)
{
    if (errand->call.u.parcels.after != NULL || (!errand->was_repeated && err == SV_OK))
        return false;
    courier->recovering = true;
    (void)snprintf(courier->recovered, sizeof(courier->recovered), "%s", courier->newest);
    return true;
}

static void on_read(struct errand *errand, enum sv_err err)
{
    struct courier *courier = errand->owner;
    const struct sv_store_parcels *page = &errand->call.u.parcels;

    if (err == SV_ECANCELED || courier->stopping || !courier->held)
        return;
    if (courier->read_begun != courier->begun) {
        courier_wake(courier); /* everything is read anew, this page too */
        return;
    }
    if (find_what_was_lost(courier, errand, err) && err == SV_OK) {
        courier_wake(courier); /* and this page behind it */
        return;
    }
    if (err != SV_OK) {
        sv_log_failure(courier->drive->options.log, SV_LOG_ERROR, "sink_read_failed", NULL,
                       &errand->call.info);
        courier->poll_mono = drive_monotonic(courier->drive) + SV_MINUTE;
    } else if (!page->held) {
        alarm_set(courier->drive, &courier->serve_at, 0);
        courier->poll_mono = drive_monotonic(courier->drive) + courier->drive->options.poll_ms;
    } else if (!page->confirmed) {
        put_off(courier);
    } else {
        drop_settled(courier, page);
        take_page(courier, page);
        if (page->is_full)
            courier->poll_mono = drive_monotonic(courier->drive) + courier->drive->options.poll_ms;
    }
    courier_wake(courier);
}

static void read_page(struct courier *courier, const char *after, size_t count)
{
    courier->read.call.op = SV_STORE_PARCELS;
    courier->read.call.shard = courier->shard->index;
    courier->read.call.u.parcels = (struct sv_store_parcels){
        .sink = courier->route->sink->name,
        .worker = courier->drive->options.worker,
        .lease_ms = lease_ms(courier),
        .after = after,
        .count_max = count,
    };
    courier->read_begun = courier->begun;
    errand_run(courier->drive, &courier->read, on_read, courier);
}

static bool may_hold_more(const struct courier *courier)
{
    return courier->slots.count < OPEN_MIN || courier->drive->couriers->open < OPEN_ALL_MAX;
}

/* What is due and not in memory comes first, then what was open before us, then what is new. */
static void read_what_is_wanted(struct courier *courier, const struct slot *wanted, size_t ready)
{
    bool is_time = courier->poll_mono <= drive_monotonic(courier->drive) || courier->read_again;

    if (!errand_is_idle(&courier->read))
        return;
    if (wanted != NULL && !courier->told_unconfirmed) {
        slots_id_before(wanted->entry, courier->read_after);
        read_page(courier, courier->read_after, 1);
    } else if (is_time && courier->recovering && may_hold_more(courier)) {
        read_page(courier, courier->recovered, PAGE);
    } else if (is_time && !courier->recovering && ready < courier->route->parallel &&
               may_hold_more(courier)) {
        courier->read_again = false;
        read_page(courier, NULL, PAGE);
    }
}

/* --- stepping --- */

static void plan_next(struct courier *courier, sv_ms due_mono)
{
    sv_ms now = drive_monotonic(courier->drive);

    if (courier->poll_mono > now && courier->poll_mono < due_mono)
        due_mono = courier->poll_mono;
    if (courier->quiet_until_mono > now && courier->quiet_until_mono < due_mono)
        due_mono = courier->quiet_until_mono;
    if (due_mono > now && due_mono < INT64_MAX)
        alarm_set(courier->drive, &courier->due_at, due_mono - now);
}

static bool may_fly(const struct courier *courier, const struct slot *slot)
{
    return slot->is_head && slot->flight == NULL && !flight_has_group(courier, slot->group);
}

/* What has expired goes, however the target is. */
static bool has_room(const struct courier *courier, const struct slot *slot)
{
    if (courier_has_expired(courier, slot->entry))
        return courier->flying < courier->route->parallel;
    return courier->quiet_until_mono <= drive_monotonic(courier->drive) &&
           courier->flying < courier->room;
}

static void step(void *owner)
{
    struct courier *courier = owner;
    sv_ms now = drive_monotonic(courier->drive), due_mono = INT64_MAX;
    struct slot *wanted = NULL;
    size_t ready = 0;

    if (courier->stopping || !courier->held || courier->disabled)
        return;
    for (struct slot *slot = courier->slots.first; slot != NULL; slot = slot->next) {
        if (!may_fly(courier, slot))
            continue;
        if (slot->due_mono > now) {
            due_mono = slot->due_mono < due_mono ? slot->due_mono : due_mono;
            continue;
        }
        ready++;
        if (!has_room(courier, slot))
            continue;
        if (slot->event != NULL)
            flight_begin(courier, slot);
        else if (wanted == NULL)
            wanted = slot;
    }
    read_what_is_wanted(courier, wanted, ready + courier->flying);
    plan_next(courier, due_mono);
}

static void on_due_at(struct alarm *alarm)
{
    courier_wake(alarm->owner);
}

void couriers_wake(struct shard *shard)
{
    struct couriers *all = shard->drive->couriers;

    for (size_t i = 0; all != NULL && i < all->count; i++) {
        if (all->items[i].shard != shard)
            continue;
        all->items[i].read_again = true;
        courier_wake(&all->items[i]);
    }
}

/* --- life --- */

void couriers_new(struct sv_drive *drive)
{
    size_t routes = drive->options.routes_count;
    struct couriers *all;

    SV_REQUIRE(routes <= SV_SINKS_MAX);
    if (routes == 0)
        return;
    all = sv_alloc(1, sizeof(*all));
    all->count = routes * drive->options.shards;
    all->items = sv_alloc(all->count, sizeof(*all->items));
    all->sinks_open = routes;
    drive->couriers = all;
    hold_open(drive);
    for (size_t i = 0; i < all->count; i++) {
        struct courier *courier = &all->items[i];

        courier->drive = drive;
        courier->shard = &drive->shards[i / routes];
        courier->route = &drive->options.routes[i % routes];
        courier->flapping = all->flappings[i % routes];
        courier->letter = (struct letter){.step = step, .owner = courier};
        courier->left = true;
        SV_REQUIRE(courier->route->parallel >= 1 &&
                   courier->route->parallel <= SV_DELIVERY_PARALLEL_MAX);
    }
}

/* A sink that the store refuses keeps no domain from being looked at: it is told here, and again
 * whenever its turn is asked for. */
static void on_placed(struct errand *errand, enum sv_err err)
{
    struct courier *courier = errand->owner;
    struct couriers *all = courier->drive->couriers;

    if (err == SV_ECANCELED || courier->stopping)
        return;
    if (err != SV_OK)
        sv_log_failure(courier->drive->options.log, SV_LOG_ERROR, "sink_turn_failed", NULL,
                       &errand->call.info);
    if (--all->unplaced == 0)
        all->placed(courier->drive);
}

void couriers_place(struct sv_drive *drive, void (*placed)(struct sv_drive *drive))
{
    struct couriers *all = drive->couriers;

    if (all == NULL) {
        placed(drive);
        return;
    }
    all->placed = placed;
    all->unplaced = all->count;
    for (size_t i = 0; i < all->count; i++)
        ask_turn(&all->items[i], SV_STORE_SINK_PLACE, on_placed);
}

void couriers_start(struct sv_drive *drive)
{
    struct couriers *all = drive->couriers;

    for (size_t i = 0; all != NULL && i < all->count; i++) {
        struct courier *courier = &all->items[i];

        courier->left = false;
        alarm_init(&courier->serve_at, on_serve_at, courier);
        alarm_init(&courier->due_at, on_due_at, courier);
        alarm_set(drive, &courier->serve_at, 0);
    }
}

void couriers_stop(struct sv_drive *drive)
{
    struct couriers *all = drive->couriers;

    for (size_t i = 0; all != NULL && i < all->count; i++) {
        struct courier *courier = &all->items[i];

        courier->stopping = true;
        errand_cancel(&courier->serve);
        if (courier->serve_at.owner == NULL)
            continue;
        alarm_stop(drive, &courier->serve_at);
        alarm_stop(drive, &courier->due_at);
        errand_cancel(&courier->read);
    }
}

void couriers_hand_back(struct sv_drive *drive)
{
    for (size_t i = 0; i < drive->options.routes_count; i++) {
        struct sv_sink *sink = drive->options.routes[i].sink;

        if (sink->kind->stop != NULL)
            sink->kind->stop(sink);
    }
}

/* A turn is given back when nothing is under way for it any more. */
bool couriers_have_left(struct sv_drive *drive)
{
    struct couriers *all = drive->couriers;
    bool left = true;

    for (size_t i = 0; all != NULL && i < all->count; i++) {
        struct courier *courier = &all->items[i];

        if (courier->flying == 0 && !courier->left && errand_is_idle(&courier->serve)) {
            if (courier->held) {
                courier->held = false;
                ask_turn(courier, SV_STORE_SINK_LEAVE, on_left);
                errand_give_up(&courier->serve);
            } else {
                courier->left = true;
            }
        }
        left = left && courier->left && courier->flying == 0;
    }
    return left;
}

static void on_sink_closed(void *context)
{
    struct sv_drive *drive = context;

    drive->couriers->sinks_open--;
    drive->pending_calls--;
    drive_settle(drive);
}

void couriers_close(struct sv_drive *drive)
{
    for (size_t i = 0; i < drive->options.routes_count; i++) {
        struct sv_sink *sink = drive->options.routes[i].sink;

        drive->pending_calls++;
        sink->kind->close(sink, on_sink_closed, drive);
    }
}

void couriers_free(struct sv_drive *drive)
{
    struct couriers *all = drive->couriers;

    for (size_t i = 0; all != NULL && i < all->count; i++)
        slots_clear(&all->items[i]);
    if (all != NULL) {
        hold_free(all);
        free(all->items);
    }
    free(all);
}
