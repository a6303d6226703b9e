/* One attempt to deliver one event: read it, ask the filter, make the message, let the sink try,
 * judge how it went, and settle that with the store. */
#include "courier.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/buf.h"
#include "sv/json.h"
#include "sv/metrics.h"
#include "sv/require.h"

enum { DEPTH_MAX = 16 };

struct flight {
    struct courier *courier;
    struct slot *slot; /* NULL = its turn is over: only what was delivered is settled */
    struct sv_sink_parcel parcel;
    struct letter letter;
    struct errand settle;
    uint64_t group;
    char entry[SV_STORE_SINK_ENTRY_BYTES];
    json_t *tree; /* owns the texts below */
    const char *id, *type, *subject;
    char *event;        /* owned */
    struct sv_buf made; /* by a recipe */
    unsigned attempt;
    sv_ms held_ms;      /* to be told in this time, and not now; 0 = it is not held back */
    const char *silent; /* why no sink was asked: "filtered" ...; NULL = one was */
    struct sv_delivery_next next;
    struct flight *after, *before; /* all of the courier's */
};

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

/* --- what an event tells --- */

static json_t *parse(const char *event, size_t bytes)
{
    json_t *tree = sv_json_parse(event, bytes, SV_SINK_EVENT_BYTES_MAX, DEPTH_MAX, NULL);

    if (tree == NULL || sv_json_str(tree, "id") == NULL || sv_json_str(tree, "type") == NULL) {
        json_decref(tree);
        return NULL;
    }
    return tree;
}

/* "io.sesverify.domain.verified.v1" -> "verified", "io.sesverify.job.finished.v1" ->
 * "job_finished". */
static void read_kind(const char *type, char *out, size_t bytes)
{
    static const char domain[] = "io.sesverify.domain.";
    const char *from =
        strncmp(type, domain, sizeof(domain) - 1) == 0 ? type + sizeof(domain) - 1 : type;
    size_t len = strcspn(from, ".");

    if (strcmp(type, "io.sesverify.job.finished.v1") == 0)
        (void)snprintf(out, bytes, "job_finished");
    else
        (void)snprintf(out, bytes, "%.*s", (int)len, from);
}

static enum sv_delivery_severity worst_of(const json_t *findings)
{
    enum sv_delivery_severity worst = SV_DELIVERY_ANY;
    const json_t *finding;
    size_t i;

    json_array_foreach(findings, i, finding)
    {
        const char *word = or_empty(sv_json_str(finding, "severity"));
        enum sv_delivery_severity severity = strcmp(word, "error") == 0     ? SV_DELIVERY_ERROR
                                             : strcmp(word, "warning") == 0 ? SV_DELIVERY_WARNING
                                             : strcmp(word, "info") == 0    ? SV_DELIVERY_INFO
                                                                            : SV_DELIVERY_ANY;

        worst = severity > worst ? severity : worst;
    }
    return worst;
}

bool flight_is_wanted(const struct courier *courier, const json_t *tree)
{
    const json_t *data = json_object_get(tree, "data");
    char kind[40];
    struct sv_delivery_facts facts = {
        .kind = kind,
        .client = or_empty(sv_json_str(data, "client_id")),
        .account = or_empty(sv_json_str(data, "account")),
        .worst = worst_of(json_object_get(data, "findings")),
    };

    read_kind(sv_json_str(tree, "type"), kind, sizeof(kind));
    return sv_delivery_wants(&courier->route->filter, &facts);
}

/* The domain's uid; of anything else the event stands for itself. */
static const char *group_of(const json_t *tree)
{
    const char *uid = sv_json_str(json_object_get(tree, "data"), "domain_id");

    return uid != NULL && json_object_get(tree, "sequence") != NULL ? uid : sv_json_str(tree, "id");
}

uint64_t flight_group(const char *event, size_t bytes)
{
    json_t *tree = parse(event, bytes);
    const char *group = tree != NULL ? group_of(tree) : "";
    uint64_t digest = tree != NULL ? sv_fnv1a(SV_FNV_START, group, strlen(group)) : 0;

    json_decref(tree);
    return digest;
}

bool flight_has_group(const struct courier *courier, uint64_t group)
{
    const struct flight *flight = courier->flights;

    while (flight != NULL && flight->group != group)
        flight = flight->after;
    return flight != NULL;
}

/* --- the end --- */

static void land(struct flight *flight)
{
    struct courier *courier = flight->courier;

    if (flight->slot != NULL)
        flight->slot->flight = NULL;
    if (flight->before != NULL)
        flight->before->after = flight->after;
    else
        courier->flights = flight->after;
    if (flight->after != NULL)
        flight->after->before = flight->before;
    courier->flying--;
    courier->drive->pending_calls--;
    json_decref(flight->tree);
    free(flight->event);
    sv_buf_fini(&flight->made);
    free(flight);
    courier_wake(courier);
    drive_settle(courier->drive);
}

void flight_orphan(struct flight *flight)
{
    flight->slot->flight = NULL;
    flight->slot = NULL;
}

/* --- settling --- */

static void count(const struct flight *flight, const char *result)
{
    sv_metrics_add(flight->courier->drive->options.metrics, SV_METRIC_EVENTS_EMITTED, 1,
                   SV_LABELS(flight->courier->route->sink->name, result));
}

/* From the commit to now: an entry's id begins with when it was written. */
static void measure(const struct flight *flight)
{
    struct sv_drive *drive = flight->courier->drive;
    sv_ms took_ms = drive_now(drive) - strtoll(flight->entry, NULL, 10);

    if (flight->silent == NULL)
        sv_metrics_observe(drive->options.metrics, SV_METRIC_EVENT_DELIVERY,
                           took_ms > 0 ? (double)took_ms / 1000 : 0,
                           SV_LABELS(flight->courier->route->sink->name));
}

static void after_settled(struct flight *flight)
{
    struct courier *courier = flight->courier;
    struct slot *slot = flight->slot;

    switch (flight->next.step) {
    case SV_DELIVERY_DONE:
        measure(flight);
        count(flight, flight->silent != NULL ? flight->silent : "delivered");
        break;
    case SV_DELIVERY_DEAD:
        count(flight, "dead");
        break;
    case SV_DELIVERY_WAIT:
        if (flight->held_ms == 0)
            count(flight, "failed");
        return;
    case SV_DELIVERY_DISABLE:
        count(flight, "failed");
        courier->disabled = true;
        slots_clear(courier);
        return;
    }
    if (slot != NULL) {
        slot->flight = NULL;
        flight->slot = NULL;
        slots_remove(courier, slot);
    }
}

static void on_settled(struct errand *errand, enum sv_err err)
{
    struct flight *flight = errand->owner;
    struct sv_drive *drive = flight->courier->drive;

    if (err == SV_OK)
        after_settled(flight);
    else if (err != SV_ECANCELED)
        sv_log_failure(drive->options.log, SV_LOG_ERROR, "sink_settle_failed", NULL,
                       &errand->call.info);
    if (err != SV_OK && flight->slot != NULL) /* it is open in the store: not lost, and not soon */
        flight->slot->due_mono = drive_monotonic(drive) + SV_MINUTE;
    land(flight);
}

static void settle(struct flight *flight)
{
    static const enum sv_store_settle_verb verbs[] = {
        [SV_DELIVERY_DONE] = SV_STORE_SETTLE_DONE,
        [SV_DELIVERY_WAIT] = SV_STORE_SETTLE_WAIT,
        [SV_DELIVERY_DEAD] = SV_STORE_SETTLE_DEAD,
        [SV_DELIVERY_DISABLE] = SV_STORE_SETTLE_DISABLE,
    };
    struct courier *courier = flight->courier;

    flight->settle.call.op = SV_STORE_SETTLE;
    flight->settle.call.shard = courier->shard->index;
    flight->settle.call.u.settle = (struct sv_store_settle){
        .verb = verbs[flight->next.step],
        .sink = courier->route->sink->name,
        .worker = courier->drive->options.worker,
        .entry_id = flight->entry,
        .attempts = flight->attempt,
        .wait_ms = flight->next.wait_ms,
        .error = flight->parcel.info.text,
        .event_id = flight->id,
        .type = flight->type,
        .subject = flight->subject,
    };
    errand_run(courier->drive, &flight->settle, on_settled, flight);
}

/* --- what follows --- */

static void tell(const struct flight *flight)
{
    const struct courier *courier = flight->courier;
    const char *name = courier->route->sink->name;
    const char *why = flight->parcel.info.text;
    struct sv_log *log = courier->drive->options.log;

    switch (flight->next.step) {
    case SV_DELIVERY_DONE:
        sv_log_line(log, SV_LOG_DEBUG, "sink_delivered", "an event was delivered",
                    SV_LOG_STR("sink", name), SV_LOG_STR("event_id", flight->id),
                    SV_LOG_INT("attempt", flight->attempt));
        return;
    case SV_DELIVERY_WAIT:
        sv_log_line(log, SV_LOG_WARN, "sink_delivery_failed", why, SV_LOG_STR("sink", name),
                    SV_LOG_STR("event_id", flight->id), SV_LOG_INT("attempt", flight->attempt),
                    SV_LOG_INT("retry_in_ms", flight->next.wait_ms));
        return;
    case SV_DELIVERY_DEAD:
        sv_log_line(log, SV_LOG_ERROR, "sink_event_dead", why, SV_LOG_STR("sink", name),
                    SV_LOG_STR("event_id", flight->id), SV_LOG_INT("attempt", flight->attempt));
        return;
    case SV_DELIVERY_DISABLE:
        sv_log_line(log, SV_LOG_ERROR, "sink_disabled", why, SV_LOG_STR("sink", name),
                    SV_LOG_INT("shard", courier->shard->index));
        return;
    }
}

/* The target is back: what failed while it was down need not wait for its turn. */
static void hurry_what_failed(struct courier *courier, sv_ms now)
{
    if (courier->streak < SV_DELIVERY_STREAK)
        return;
    sv_log_line(courier->drive->options.log, SV_LOG_INFO, "sink_recovered",
                "the target takes events again", SV_LOG_STR("sink", courier->route->sink->name),
                SV_LOG_INT("failures", courier->streak));
    for (struct slot *slot = courier->slots.first; slot != NULL; slot = slot->next) {
        if (slot->failed_mono >= courier->streak_mono && slot->due_mono > now)
            slot->due_mono = now;
    }
}

/* One more at a time after each success, half as many after each failure: whoever is down is asked
 * once in a while, and whoever is slow is not flooded. A failure that is one event's own slows
 * nobody down. */
static void pace(struct flight *flight)
{
    struct courier *courier = flight->courier;
    bool is_overloaded = flight->parcel.blame == SV_SINK_BLAME_TARGET;
    sv_ms asked_ms = is_overloaded ? flight->parcel.retry_after_ms : 0;
    sv_ms now = drive_monotonic(courier->drive), quiet_ms;

    if (flight->parcel.outcome != SV_SINK_LATER) {
        if (courier->room < courier->route->parallel)
            courier->room++;
        if (flight->parcel.outcome == SV_SINK_DELIVERED) {
            hurry_what_failed(courier, now);
            courier->streak = 0;
        }
        return;
    }
    if (flight->parcel.blame == SV_SINK_BLAME_EVENT)
        return;
    courier->room = courier->room > 1 ? courier->room / 2 : 1;
    if (courier->streak == 0)
        courier->streak_mono = now;
    if (courier->streak == 0 || courier->streak_group != flight->group)
        courier->streak++;
    courier->streak_group = flight->group;
    quiet_ms = sv_delivery_quiet_ms(&courier->route->plan, courier->streak, asked_ms);
    if (courier->quiet_until_mono < now + quiet_ms)
        courier->quiet_until_mono = now + quiet_ms;
    if (flight->slot != NULL)
        flight->slot->failed_mono = now;
}

/* No attempt was made: the event stays open until its domain is quiet, here or wherever the turn
 * goes. */
static void put_off(struct flight *flight)
{
    struct courier *courier = flight->courier;

    sv_log_line(courier->drive->options.log, SV_LOG_DEBUG, "sink_event_held",
                "the domain goes to and fro: told when it is quiet",
                SV_LOG_STR("sink", courier->route->sink->name), SV_LOG_STR("event_id", flight->id),
                SV_LOG_INT("retry_in_ms", flight->held_ms));
    flight->next = (struct sv_delivery_next){.step = SV_DELIVERY_WAIT, .wait_ms = flight->held_ms};
    flight->attempt--;
    if (flight->slot != NULL) {
        flight->slot->is_held = true;
        flight->slot->due_mono = drive_monotonic(courier->drive) + flight->held_ms;
    }
    settle(flight);
}

static void judge(struct flight *flight)
{
    struct courier *courier = flight->courier;
    struct slot *slot = flight->slot;

    if (flight->held_ms > 0) {
        put_off(flight);
        return;
    }
    flight->next = sv_delivery_judge(&courier->route->plan, flight->attempt, flight->parcel.outcome,
                                     flight->parcel.retry_after_ms,
                                     (uint32_t)sv_rand_u64(courier->drive->options.rand));
    if (flight->silent == NULL)
        pace(flight);
    tell(flight);
    if (flight->next.step != SV_DELIVERY_DONE)
        courier_note_failure(courier, drive_now(courier->drive), flight->parcel.info.text);
    if (flight->next.step == SV_DELIVERY_WAIT && slot != NULL) {
        slot->attempts = flight->attempt;
        slot->due_mono = drive_monotonic(courier->drive) + flight->next.wait_ms;
    }
    settle(flight);
}

static void step(void *owner)
{
    struct flight *flight = owner;
    bool is_canceled =
        flight->parcel.outcome == SV_SINK_LATER && flight->parcel.info.code == SV_ECANCELED;

    if (drive_is_closing(flight->courier->drive) || is_canceled)
        land(flight);
    else
        judge(flight);
}

/* --- the attempt --- */

static void on_delivered(struct sv_sink_parcel *parcel)
{
    struct flight *flight = parcel->owner;

    post(flight->courier->drive, &flight->letter);
}

/* Without asking the sink: nothing is to be sent, or it could not be. */
static void skip(struct flight *flight, const char *why, enum sv_sink_outcome outcome,
                 const char *text)
{
    flight->silent = why;
    flight->parcel.outcome = outcome;
    (void)sv_err_set(&flight->parcel.info, outcome == SV_SINK_DELIVERED ? SV_OK : SV_EMALFORMED,
                     "sink", 0, "%s", text);
    post(flight->courier->drive, &flight->letter);
}

static bool make_message(struct flight *flight, size_t event_bytes,
                         const struct sv_flapping_answer *flapping)
{
    const struct sv_route *route = flight->courier->route;
    const struct sv_sink_recipe *recipe = route->recipe;

    if (flapping->verdict == SV_FLAPPING_SUMMARIZE)
        return recipe->summarize(recipe->context, flapping->changes, route->flapping.window_ms,
                                 flight->event, event_bytes, &flight->made);
    return recipe->render(recipe->context, flight->event, event_bytes, &flight->made);
}

static bool make_body(struct flight *flight, size_t event_bytes,
                      const struct sv_flapping_answer *flapping)
{
    const struct sv_sink_recipe *recipe = flight->courier->route->recipe;

    flight->parcel.body = flight->event;
    flight->parcel.body_bytes = event_bytes;
    flight->parcel.content_type = "application/cloudevents+json";
    if (recipe == NULL)
        return true;
    if (!make_message(flight, event_bytes, flapping))
        return false;
    flight->parcel.body = sv_buf_str(&flight->made);
    flight->parcel.body_bytes = flight->made.len;
    flight->parcel.content_type = recipe->content_type;
    return true;
}

/* The newest of what is held back waits; the others have nothing to tell any more. */
static void hold_back(struct flight *flight, sv_ms until)
{
    sv_ms wait_ms = until - drive_now(flight->courier->drive);

    if (!hold_is_outdated(flight->slot))
        flight->held_ms = wait_ms > 0 ? wait_ms : 1;
    skip(flight, "held", SV_SINK_DELIVERED, "");
}

/* It is wanted. */
static void give(struct flight *flight, size_t event_bytes)
{
    struct sv_sink *sink = flight->courier->route->sink;
    struct sv_flapping_answer flapping = hold_ask(flight->courier, flight->tree, flight->group);

    if (flapping.verdict == SV_FLAPPING_HOLD) {
        hold_back(flight, flapping.until);
        return;
    }
    if (!make_body(flight, event_bytes, &flapping)) {
        skip(flight, "filtered", SV_SINK_DELIVERED, "");
        return;
    }
    flight->parcel.id = flight->id;
    flight->parcel.type = flight->type;
    flight->parcel.client_id =
        or_empty(sv_json_str(json_object_get(flight->tree, "data"), "client_id"));
    flight->parcel.group = group_of(flight->tree);
    sink->kind->deliver(sink, &flight->parcel, on_delivered);
}

static void fly(struct flight *flight, size_t event_bytes)
{
    struct sv_sink *sink = flight->courier->route->sink;

    if (event_bytes == 0) {
        sv_log_line(flight->courier->drive->options.log, SV_LOG_WARN, "sink_event_gone",
                    "somebody deleted an event that a sink had not got yet",
                    SV_LOG_STR("sink", sink->name), SV_LOG_STR("entry", flight->entry));
        skip(flight, "gone", SV_SINK_DELIVERED, "");
        return;
    }
    flight->tree = parse(flight->event, event_bytes);
    if (flight->tree == NULL) {
        skip(flight, "malformed", SV_SINK_REFUSED, "it is no event");
        return;
    }
    flight->id = sv_json_str(flight->tree, "id");
    flight->type = sv_json_str(flight->tree, "type");
    flight->subject = or_empty(sv_json_str(flight->tree, "subject"));
    if (courier_has_expired(flight->courier, flight->entry)) {
        skip(flight, "expired", SV_SINK_REFUSED,
             "the target has been down for longer than all attempts take");
        return;
    }
    if (flight_is_wanted(flight->courier, flight->tree))
        give(flight, event_bytes);
    else
        skip(flight, "filtered", SV_SINK_DELIVERED, "");
}

void flight_begin(struct courier *courier, struct slot *slot)
{
    struct flight *flight = sv_alloc(1, sizeof(*flight));
    size_t event_bytes = slot->event_bytes;

    SV_REQUIRE(slot->flight == NULL && slot->event != NULL);
    flight->courier = courier;
    flight->slot = slot;
    flight->group = slot->group;
    flight->attempt = slot->attempts + 1;
    flight->letter = (struct letter){.step = step, .owner = flight};
    flight->parcel.owner = flight;
    flight->id = flight->entry; /* until the event tells */
    flight->type = flight->subject = "";
    (void)snprintf(flight->entry, sizeof(flight->entry), "%s", slot->entry);
    sv_buf_init(&flight->made, SV_SINK_EVENT_BYTES_MAX);
    flight->event = slot->event; /* taken over */
    slot->event = NULL;
    slot->is_held = false;
    courier->drive->couriers->bytes -= event_bytes;
    slot->flight = flight;
    flight->after = courier->flights;
    if (flight->after != NULL)
        flight->after->before = flight;
    courier->flights = flight;
    courier->flying++;
    courier->drive->pending_calls++;
    fly(flight, event_bytes);
}
