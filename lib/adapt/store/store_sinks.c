#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inner.h"

/* What delivery to sinks needs. Reads of events go over a connection of their own in each shard: a
 * WAIT for a replica stands right behind each, and would hold up everything else. */

enum {
    SINK_KEYS = 4,
    WAIT_MS = 1000, /* for a replica */
};

static void add_keys(struct sv_store_request *request, const char *sink, size_t count)
{
    static const char *const suffixes[] = {"", ":wait", ":dead"};
    struct sv_store_work *work = request->work;

    for (size_t i = 0, suffix = 0; i < count; i++) {
        if (i == 1)
            sv_store_request_add(request, sv_store_key(work, "events"));
        else
            sv_store_request_add(request,
                                 sv_store_arena_printf(&work->arena, "%s:{%u}:sink:%s%s",
                                                       work->store->prefix, work->call->shard, sink,
                                                       suffixes[suffix++]));
    }
}

static void add_group(struct sv_store_request *request, const char *sink)
{
    sv_store_request_add(request, sv_store_arena_printf(&request->work->arena, "sink:%s", sink));
}

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

/* A text of a reply into a place of fixed size, cut to fit. */
static void copy_text(const redisReply *reply, char *out, size_t bytes)
{
    (void)snprintf(out, bytes, "%.*s", (int)(bytes - 1),
                   reply->type == REDIS_REPLY_STRING ? reply->str : "");
}

/* --- sink --- */

static const char *verb_name(enum sv_store_sink_verb verb)
{
    static const char *const names[] = {
        [SV_STORE_SINK_LOOK] = "look",     [SV_STORE_SINK_PLACE] = "place",
        [SV_STORE_SINK_SERVE] = "serve",   [SV_STORE_SINK_LEAVE] = "leave",
        [SV_STORE_SINK_ENABLE] = "enable",
    };

    return names[verb];
}

static void on_sink(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_sink *out = &request->work->call->u.sink;
    int64_t numbers[9] = {0};

    for (size_t i = 0; i < 9; i++) {
        if (!sv_reply_is_array(reply, 9) ||
            (i != 4 && (!sv_reply_number(reply->element[i], &numbers[i]) || numbers[i] < 0))) {
            sv_store_work_malformed(request->work, "sink answers something else");
            return;
        }
    }
    out->held = numbers[0] == 1;
    out->wait_ms = numbers[1];
    out->turn = (uint64_t)numbers[2];
    out->disabled_at = numbers[3];
    copy_text(reply->element[4], out->why, sizeof(out->why));
    out->open = (uint64_t)numbers[5];
    out->unread = (uint64_t)numbers[6];
    out->dead = (uint64_t)numbers[7];
    out->now = numbers[8];
}

static void on_replicas(struct sv_store_request *request, const redisReply *reply)
{
    if (reply->type == REDIS_REPLY_STRING)
        sv_store_work_shard(request->work)->has_replicas = sv_store_server_has_replicas(reply->str);
}

void sv_store_sink(struct sv_store_work *work)
{
    const struct sv_store_sink *in = &work->call->u.sink;
    struct sv_store_request *r =
        sv_store_request_script(work, SV_SCRIPT_SINK, SINK_KEYS, 4, on_sink);

    add_keys(r, in->sink, SINK_KEYS);
    sv_store_request_add(r, verb_name(in->verb));
    add_group(r, in->sink);
    sv_store_request_add(r, or_empty(in->worker));
    sv_store_request_add_number(r, in->lease_ms);
    sv_store_request_send(r);
    if (in->verb != SV_STORE_SINK_SERVE)
        return;
    r = sv_store_request_new(work, 2, on_replicas);
    sv_store_request_add(r, "INFO");
    sv_store_request_add(r, "replication");
    sv_store_request_send(r);
}

/* --- parcels --- */

struct reading {
    struct sv_store_request *script;
};

static bool read_parcel(struct sv_store_work *work, redisReply *const *four,
                        struct sv_store_parcel *out)
{
    int64_t attempts;

    out->entry_id = sv_reply_text(work, four[0]);
    out->event = sv_reply_text(work, four[1]);
    out->event_bytes = four[1]->len;
    if (out->entry_id == NULL || out->event == NULL || !sv_reply_number(four[2], &attempts) ||
        !sv_reply_number(four[3], &out->wait_ms))
        return false;
    out->attempts = attempts >= 0 ? (unsigned)attempts : 0;
    return true;
}

static void on_parcels(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    struct sv_store_parcels *out = &work->call->u.parcels;
    struct sv_store_parcel *parcels;
    int64_t held, is_full;

    if (!sv_reply_is_array(reply, 2) || !sv_reply_number(reply->element[0], &held) ||
        !sv_reply_number(reply->element[1], &is_full) || reply->elements % 4 != 2) {
        sv_store_work_malformed(work, "parcels answers something else");
        return;
    }
    out->held = held == 1;
    out->is_full = is_full == 1;
    out->count = (reply->elements - 2) / 4;
    parcels = sv_store_arena_alloc(&work->arena, out->count + 1, sizeof(*parcels));
    out->parcels = parcels;
    for (size_t i = 0; i < out->count; i++) {
        if (!read_parcel(work, reply->element + 2 + 4 * i, &parcels[i])) {
            sv_store_work_malformed(work, "parcels answers no parcel");
            return;
        }
    }
}

/* A script that had to be loaded again ran behind the WAIT: nothing is known of it then. */
static void on_waited(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    struct reading *reading = work->state;
    int64_t replicas;

    work->call->u.parcels.confirmed =
        reading->script->heals == 0 && sv_reply_number(reply, &replicas) && replicas >= 1;
}

void sv_store_parcels(struct sv_store_work *work)
{
    struct sv_store_parcels *in = &work->call->u.parcels;
    struct reading *reading = sv_store_arena_alloc(&work->arena, 1, sizeof(*reading));
    struct sv_store_request *r = sv_store_request_script(work, SV_SCRIPT_PARCELS, 3, 7, on_parcels);
    struct sv_redis_follower *follower = sv_store_work_shard(work)->courier;
    bool has_replicas = sv_store_work_shard(work)->has_replicas;

    work->state = reading;
    reading->script = r;
    in->confirmed = !has_replicas;
    r->target.follower = follower;
    add_keys(r, in->sink, 3);
    add_group(r, in->sink);
    sv_store_request_add(r, in->worker);
    sv_store_request_add_number(r, in->lease_ms);
    sv_store_request_add(r, in->after != NULL ? in->after : ">");
    sv_store_request_add_number(r, (int64_t)in->count_max);
    sv_store_request_add_number(r, SV_STORE_SINK_OPEN_MAX);
    sv_store_request_add_number(r, SV_STORE_EVENT_BYTES_MAX);
    sv_store_request_send(r);
    if (!has_replicas)
        return;
    r = sv_store_request_new(work, 3, on_waited);
    r->target.follower = follower;
    sv_store_request_add(r, "WAIT");
    sv_store_request_add_number(r, 1);
    sv_store_request_add_number(r, WAIT_MS);
    sv_store_request_send(r);
}

/* --- settle --- */

static void on_settled(struct sv_store_request *request, const redisReply *reply)
{
    int64_t settled;

    if (!sv_reply_number(reply, &settled))
        sv_store_work_malformed(request->work, "settle answers no number");
    else
        request->work->call->u.settle.settled = settled == 1;
}

void sv_store_settle(struct sv_store_work *work)
{
    static const char *const verbs[] = {
        [SV_STORE_SETTLE_DONE] = "done",
        [SV_STORE_SETTLE_WAIT] = "wait",
        [SV_STORE_SETTLE_DEAD] = "dead",
        [SV_STORE_SETTLE_DISABLE] = "disable",
    };
    const struct sv_store_settle *in = &work->call->u.settle;
    struct sv_store_request *r =
        sv_store_request_script(work, SV_SCRIPT_SETTLE, SINK_KEYS, 11, on_settled);

    add_keys(r, in->sink, SINK_KEYS);
    sv_store_request_add(r, verbs[in->verb]);
    add_group(r, in->sink);
    sv_store_request_add(r, or_empty(in->worker));
    sv_store_request_add(r, in->entry_id);
    sv_store_request_add_number(r, in->attempts);
    sv_store_request_add_number(r, in->wait_ms);
    sv_store_request_add(r, or_empty(in->error));
    sv_store_request_add(r, or_empty(in->event_id));
    sv_store_request_add(r, or_empty(in->type));
    sv_store_request_add(r, or_empty(in->subject));
    sv_store_request_add_number(r, SV_STORE_SINK_DEAD_MAX);
    sv_store_request_send(r);
}

/* --- dead letters --- */

static const char *field_of(struct sv_store_work *work, const redisReply *fields, const char *name)
{
    for (size_t i = 0; i + 1 < fields->elements; i += 2) {
        const char *text = NULL;

        if (sv_reply_is(fields->element[i], name))
            text = sv_reply_text(work, fields->element[i + 1]);
        if (text != NULL)
            return text;
    }
    return "";
}

static bool read_letter(struct sv_store_work *work, const redisReply *entry,
                        struct sv_store_sink_letter *out)
{
    const redisReply *fields;

    if (!sv_reply_is_array(entry, 2) || !sv_reply_is_array(entry->element[1], 0))
        return false;
    fields = entry->element[1];
    *out = (struct sv_store_sink_letter){
        .id = sv_reply_text(work, entry->element[0]),
        .entry_id = field_of(work, fields, "entry"),
        .event_id = field_of(work, fields, "id"),
        .type = field_of(work, fields, "type"),
        .subject = field_of(work, fields, "subject"),
        .error = field_of(work, fields, "error"),
        .attempts = (unsigned)strtoul(field_of(work, fields, "attempts"), NULL, 10),
        .at = strtoll(field_of(work, fields, "at"), NULL, 10),
    };
    return out->id != NULL;
}

static void on_dead(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    struct sv_store_sink_dead *out = &work->call->u.sink_dead;
    struct sv_store_sink_letter *letters;

    if (!sv_reply_is_array(reply, 0)) {
        sv_store_work_malformed(work, "the dead letters of a sink are no stream");
        return;
    }
    letters = sv_store_arena_alloc(&work->arena, reply->elements + 1, sizeof(*letters));
    out->count = reply->elements;
    out->letters = letters;
    for (size_t i = 0; i < reply->elements; i++) {
        if (!read_letter(work, reply->element[i], &letters[i])) {
            sv_store_work_malformed(work, "a dead letter of a sink is not readable");
            return;
        }
    }
}

void sv_store_sink_dead(struct sv_store_work *work)
{
    const struct sv_store_sink_dead *in = &work->call->u.sink_dead;
    struct sv_store_request *r = sv_store_request_new(work, 6, on_dead);

    sv_store_request_add(r, "XRANGE");
    sv_store_request_add(r,
                         sv_store_arena_printf(&work->arena, "%s:{%u}:sink:%s:dead",
                                               work->store->prefix, work->call->shard, in->sink));
    sv_store_request_add(r, sv_store_arena_printf(&work->arena, "(%s", in->after));
    sv_store_request_add(r, "+");
    sv_store_request_add(r, "COUNT");
    sv_store_request_add_number(r, (int64_t)in->count_max);
    sv_store_request_send(r);
}

/* --- replay --- */

static void on_replayed(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_replay *out = &request->work->call->u.replay;
    int64_t numbers[3];

    for (size_t i = 0; i < 3; i++) {
        if (!sv_reply_is_array(reply, 4) || !sv_reply_number(reply->element[i], &numbers[i]) ||
            numbers[i] < 0) {
            sv_store_work_malformed(request->work, "replay answers something else");
            return;
        }
    }
    out->found = numbers[0] == 1;
    out->replayed = (size_t)numbers[1];
    out->missing = (size_t)numbers[2];
    copy_text(reply->element[3], out->next, sizeof(out->next));
}

void sv_store_replay(struct sv_store_work *work)
{
    const struct sv_store_replay *in = &work->call->u.replay;
    struct sv_store_request *r =
        sv_store_request_script(work, SV_SCRIPT_REPLAY, SINK_KEYS, 4, on_replayed);

    add_keys(r, in->sink, SINK_KEYS);
    add_group(r, in->sink);
    sv_store_request_add(r, or_empty(in->from));
    sv_store_request_add(r, in->after != NULL ? in->after : "0");
    sv_store_request_add_number(r, SV_STORE_REPLAY_MAX);
    sv_store_request_send(r);
}
