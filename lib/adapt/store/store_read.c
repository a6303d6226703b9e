#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inner.h"

/* What only looks (READ, LIST, EVENTS, COUNTERS, OWNERS), and ENQUEUE. */

/* A command of one to five words; NULL ends them. */
static void ask(struct sv_store_work *work, sv_store_reply_fn *on_reply, const char *const words[])
{
    struct sv_store_request *r = sv_store_request_new(work, SV_REDIS_ARGS_MAX, on_reply);

    for (; *words != NULL; words++)
        sv_store_request_add(r, *words);
    sv_store_request_send(r);
}

/* --- read --- */

static void on_email(struct sv_store_request *request, const redisReply *reply)
{
    const char *email = sv_reply_text(request->work, reply);

    request->work->call->u.read.contact_email = email != NULL ? email : "";
}

/* Whether it runs and when it is due is taken from the record, which is one instant: the sets asked
 * one after the other would show a domain that is claimed meanwhile in none of them. */
static void place_of_record(struct sv_store_work *work)
{
    struct sv_store_read *out = &work->call->u.read;

    for (size_t i = 0; i < out->fields_count; i++) {
        const char *value = out->fields[i].value;
        char *end = NULL;

        if (strcmp(out->fields[i].name, "own") == 0)
            out->running = true;
        if (strcmp(out->fields[i].name, "nx") != 0)
            continue;
        out->due_at = strtoll(value, &end, 10);
        if (end == value || *end != '\0')
            sv_store_work_malformed(work, "a due time is no number");
    }
    if (out->running)
        out->due_at = 0; /* "nx" is what it was claimed for */
}

static void read_of_client(struct sv_store_work *work)
{
    struct sv_store_read *out = &work->call->u.read;

    for (size_t i = 0; i < out->fields_count; i++) {
        if (strcmp(out->fields[i].name, "cl") == 0)
            out->client_id = out->fields[i].value;
    }
    out->found = out->client_id != NULL;
    if (!out->found)
        return;
    place_of_record(work);
    ask(work, on_email,
        (const char *const[]){"HGET", sv_store_key_of(work, "c", out->client_id), out->uid, NULL});
}

static void on_record(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_read *out = &request->work->call->u.read;

    out->fields = sv_reply_fields(request->work, reply, &out->fields_count);
    if (out->fields == NULL)
        sv_store_work_malformed(request->work, "the record has no readable fields");
}

static void on_detail(struct sv_store_request *request, const redisReply *reply)
{
    request->work->call->u.read.detail = sv_reply_text(request->work, reply);
}

void sv_store_read(struct sv_store_work *work)
{
    struct sv_store_read *out = &work->call->u.read;

    *out = (struct sv_store_read){.uid = out->uid};
    ask(work, on_record,
        (const char *const[]){"HGETALL", sv_store_key_of(work, "d", out->uid), NULL});
    ask(work, on_detail, (const char *const[]){"GET", sv_store_key_of(work, "x", out->uid), NULL});
    work->step = read_of_client;
}

/* --- list --- */

enum { LIST_COUNT_MAX = 1000 };

static void on_page(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    struct sv_store_list *out = &work->call->u.list;
    size_t prefix = strlen(sv_store_key_of(work, "d", ""));
    const char *cursor = sv_store_request_cursor(request, reply);
    const char **uids;

    if (cursor == NULL || strlen(cursor) >= sizeof(out->next_cursor)) {
        sv_store_work_malformed(work, "SCAN answers no page");
        return;
    }
    (void)snprintf(out->next_cursor, sizeof(out->next_cursor), "%s", cursor);
    uids = sv_store_arena_alloc(&work->arena, reply->element[1]->elements + 1, sizeof(char *));
    out->count = 0;
    for (size_t i = 0; i < reply->element[1]->elements; i++) {
        const char *key = sv_reply_text(work, reply->element[1]->element[i]);

        if (key != NULL && strlen(key) > prefix)
            uids[out->count++] = key + prefix;
    }
    out->uids = uids;
}

void sv_store_list(struct sv_store_work *work)
{
    const struct sv_store_list *in = &work->call->u.list;
    size_t count = in->count_hint;

    if (count < 1 || count > LIST_COUNT_MAX)
        count = LIST_COUNT_MAX;
    sv_store_request_scan(work, in->cursor, sv_store_key_pattern(work, "d"), count, on_page);
}

/* --- enqueue --- */

static void on_enqueued(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_enqueue *out = &request->work->call->u.enqueue;

    if (reply->type != REDIS_REPLY_STRING || (size_t)reply->len >= sizeof(out->entry_id))
        sv_store_work_malformed(request->work, "XADD answers no id");
    else
        (void)snprintf(out->entry_id, sizeof(out->entry_id), "%s", reply->str);
}

void sv_store_enqueue(struct sv_store_work *work)
{
    const struct sv_store_enqueue *in = &work->call->u.enqueue;
    struct sv_store_request *r = sv_store_request_new(work, 5, on_enqueued);
    struct sv_errinfo info;

    if (in->job_bytes > SV_STORE_JOB_BYTES_MAX) {
        (void)sv_err_set(&info, SV_ETOOBIG, "store", 0, "a job of %zu bytes, at most %d",
                         in->job_bytes, SV_STORE_JOB_BYTES_MAX);
        sv_store_work_fail(work, SV_ETOOBIG, &info);
        return;
    }
    sv_store_request_add(r, "XADD");
    sv_store_request_add(r, sv_store_key(work, "jobs"));
    sv_store_request_add(r, "*");
    sv_store_request_add(r, "job");
    sv_store_request_add_bytes(r, in->job, in->job_bytes);
    sv_store_request_send(r);
}

/* --- events --- */

/* Waiting for events is looking again and again: several readers may wait at once, and a blocking
 * command on the shared connection would stop everybody else. */
enum { EVENTS_POLL_MS = 100, EVENTS_MAX = 500 };

struct events {
    const char *after;
    size_t count;
    struct sv_store_entry entries[EVENTS_MAX];
};

static void events_ask(struct sv_store_work *work);

static void events_next(struct sv_store_work *work)
{
    struct sv_store_events *out = &work->call->u.events;
    struct events *events = work->state;
    uint64_t now = uv_now(work->store->loop);

    if (events->count == 0 && now < work->end_at) {
        uint64_t left = work->end_at - now;

        work->step = events_ask;
        sv_store_work_sleep(work, left < EVENTS_POLL_MS ? (sv_ms)left : EVENTS_POLL_MS);
        return;
    }
    out->count = events->count;
    out->entries = events->entries;
}

static bool read_event(struct sv_store_work *work, const redisReply *item)
{
    struct events *events = work->state;
    struct sv_store_entry *entry = &events->entries[events->count];
    const redisReply *fields;

    if (!sv_reply_is_array(item, 2) || !sv_reply_is_array(item->element[1], 0))
        return false;
    fields = item->element[1];
    entry->id = sv_reply_text(work, item->element[0]);
    for (size_t i = 0; i + 1 < fields->elements; i += 2) {
        if (sv_reply_is(fields->element[i], "event")) {
            entry->payload = sv_reply_text(work, fields->element[i + 1]);
            entry->payload_bytes = (size_t)fields->element[i + 1]->len;
        }
    }
    if (entry->id == NULL)
        return false;
    /* Somebody else's entry stops no reader: it is passed on as what it is. */
    entry->no_job_field = entry->payload == NULL;
    entry->payload = entry->payload != NULL ? entry->payload : "";
    events->count++;
    return true;
}

static void on_events(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;

    if (!sv_reply_is_array(reply, 0)) {
        sv_store_work_malformed(work, "XRANGE answers no list");
        return;
    }
    for (size_t i = 0; i < reply->elements && i < EVENTS_MAX; i++) {
        if (!read_event(work, reply->element[i])) {
            sv_store_work_malformed(work, "an entry of the outbox has no id");
            return;
        }
    }
}

static void events_ask(struct sv_store_work *work)
{
    const struct sv_store_events *in = &work->call->u.events;
    struct events *events = work->state;
    struct sv_store_request *r = sv_store_request_new(work, 6, on_events);
    size_t count = in->entries_max;

    if (count < 1 || count > EVENTS_MAX)
        count = EVENTS_MAX;
    sv_store_request_add(r, "XRANGE");
    sv_store_request_add(r, sv_store_key(work, "events"));
    sv_store_request_add(r, sv_store_arena_printf(&work->arena, "(%s", events->after));
    sv_store_request_add(r, "+");
    sv_store_request_add(r, "COUNT");
    sv_store_request_add_number(r, (int64_t)count);
    sv_store_request_send(r);
    work->step = events_next;
}

static void events_ask_newest(struct sv_store_work *work)
{
    size_t count = work->call->u.events.entries_max;
    struct sv_store_request *r = sv_store_request_new(work, 6, on_events);

    sv_store_request_add(r, "XREVRANGE");
    sv_store_request_add(r, sv_store_key(work, "events"));
    sv_store_request_add(r, "+");
    sv_store_request_add(r, "-");
    sv_store_request_add(r, "COUNT");
    sv_store_request_add_number(r, count < 1 || count > EVENTS_MAX ? EVENTS_MAX : (int64_t)count);
    sv_store_request_send(r);
    work->end_at = 0; /* what there is, is the answer */
    work->step = events_next;
}

static void on_last(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    struct events *events = work->state;

    events->after = "0-0";
    if (sv_reply_is_array(reply, 1) && sv_reply_is_array(reply->element[0], 1))
        events->after = sv_reply_text(work, reply->element[0]->element[0]);
    if (events->after == NULL)
        sv_store_work_malformed(work, "an entry of the outbox has no id");
}

void sv_store_events(struct sv_store_work *work)
{
    const struct sv_store_events *in = &work->call->u.events;
    struct events *events = sv_store_arena_alloc(&work->arena, 1, sizeof(*events));

    work->state = events;
    if (in->newest) {
        events_ask_newest(work);
        return;
    }
    work->end_at = uv_now(work->store->loop) + (uint64_t)(in->block_ms > 0 ? in->block_ms : 0);
    events->after = strcmp(in->after, "0") == 0 ? "0-0" : in->after;
    if (strcmp(in->after, "$") != 0) {
        events_ask(work);
        return;
    }
    ask(work, on_last,
        (const char *const[]){"XREVRANGE", sv_store_key(work, "events"), "+", "-", "COUNT", "1",
                              NULL});
    work->step = events_ask;
}

/* --- counters --- */

/* Those that the scripts keep, then those that Redis knows itself. */
enum { OWN_COUNTERS_MAX = SV_STORE_COUNTERS_MAX - 9 };

static void add_counter(struct sv_store_work *work, const char *name, int64_t value)
{
    struct sv_store_counters *out = &work->call->u.counters;
    struct sv_store_counter *items = work->state; /* what out->items points to */

    if (out->count < SV_STORE_COUNTERS_MAX)
        items[out->count++] = (struct sv_store_counter){.name = name, .value = value};
}

static void on_counters(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    int64_t value;

    for (size_t i = 0; sv_reply_is_array(reply, 2 * i + 2) && i < OWN_COUNTERS_MAX; i++) {
        const char *name = sv_reply_text(work, reply->element[2 * i]);

        if (name != NULL && sv_reply_number(reply->element[2 * i + 1], &value))
            add_counter(work, name, value);
    }
}

static const char *const measured[] = {"running", "inbox", "events", "dead_letters"};

static void on_measured(struct sv_store_request *request, const redisReply *reply)
{
    int64_t value;

    if (sv_reply_number(reply, &value))
        add_counter(request->work, measured[request->index], value);
    else
        sv_store_work_malformed(request->work, "a length is no number");
}

/* No group yet, nothing pending. */
static void on_pending(struct sv_store_request *request, const redisReply *reply)
{
    int64_t pending = 0;

    if (reply->type == REDIS_REPLY_ARRAY && reply->elements > 0)
        (void)sv_reply_number(reply->element[0], &pending);
    add_counter(request->work, "pending", pending);
}

static const char *const lags[] = {"oldest_job_ms", "oldest_due_ms", "clients_due"};

static void on_lag(struct sv_store_request *request, const redisReply *reply)
{
    int64_t value;

    for (size_t i = 0; i < 3; i++) {
        if (sv_reply_is_array(reply, 3) && sv_reply_number(reply->element[i], &value))
            add_counter(request->work, lags[i], value);
        else
            sv_store_work_malformed(request->work, "lag answers something else");
    }
}

/* Every domain that is not removed waits or runs. */
static void count_waiting(struct sv_store_work *work)
{
    const struct sv_store_counters *out = &work->call->u.counters;
    int64_t domains = 0, running = 0;

    for (size_t i = 0; i < out->count; i++) {
        if (strcmp(out->items[i].name, "running") == 0)
            running = out->items[i].value;
        else if (strncmp(out->items[i].name, "status_", 7) == 0 &&
                 strcmp(out->items[i].name, "status_removed") != 0)
            domains += out->items[i].value;
    }
    add_counter(work, "waiting", domains > running ? domains - running : 0);
}

void sv_store_counters(struct sv_store_work *work)
{
    static const char *const commands[] = {"ZCARD", "XLEN", "XLEN", "ZCARD"};
    static const char *const keys[] = {"run", "jobs", "events", "dead"};
    struct sv_store_request *r;

    work->state =
        sv_store_arena_alloc(&work->arena, SV_STORE_COUNTERS_MAX, sizeof(struct sv_store_counter));
    work->call->u.counters = (struct sv_store_counters){.items = work->state};
    ask(work, on_counters, (const char *const[]){"HGETALL", sv_store_key(work, "n"), NULL});
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        r = sv_store_request_new(work, 2, on_measured);
        r->index = i;
        sv_store_request_add(r, commands[i]);
        sv_store_request_add(r, sv_store_key(work, keys[i]));
        sv_store_request_send(r);
    }
    r = sv_store_request_new(work, 3, on_pending);
    r->may_fail = true;
    sv_store_request_add(r, "XPENDING");
    sv_store_request_add(r, sv_store_key(work, "jobs"));
    sv_store_request_add(r, SV_STORE_GROUP);
    sv_store_request_send(r);
    r = sv_store_request_script(work, SV_SCRIPT_LAG, 2, 0, on_lag);
    sv_store_request_add(r, sv_store_key(work, "jobs"));
    sv_store_request_add(r, sv_store_key(work, "ring"));
    sv_store_request_send(r);
    work->step = count_waiting;
}

/* --- owners --- */

/* "<domain> <account>" -> "<state> <uid> <time> <client>"; see lua/own.lua. */
static bool read_owner(struct sv_store_work *work, const redisReply *field, const redisReply *value,
                       struct sv_store_owner *out)
{
    const char *domain = work->call->u.owners.domain;
    const char *name = sv_reply_text(work, field), *rest = sv_reply_text(work, value);
    size_t len = strlen(domain);

    if (name == NULL || rest == NULL || strncmp(name, domain, len) != 0 || name[len] != ' ')
        return false;
    for (int words = 0; rest != NULL && words < 3; words++) {
        rest = strchr(rest, ' ');
        rest = rest != NULL ? rest + 1 : NULL;
    }
    *out = (struct sv_store_owner){.account = name + len + 1, .client_id = rest};
    return rest != NULL;
}

static void on_owners(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    struct sv_store_owners *out = &work->call->u.owners;
    struct sv_store_owner *owners =
        sv_store_arena_alloc(&work->arena, SV_STORE_OWNERS_MAX, sizeof(*owners));

    if (!sv_reply_is_array(reply, 0)) {
        sv_store_work_malformed(work, "the owners are no hash");
        return;
    }
    for (size_t i = 0; i + 1 < reply->elements && out->count < SV_STORE_OWNERS_MAX; i += 2) {
        if (read_owner(work, reply->element[i], reply->element[i + 1], &owners[out->count]))
            out->count++;
    }
    out->owners = owners;
}

void sv_store_owners(struct sv_store_work *work)
{
    struct sv_store_owners *out = &work->call->u.owners;

    out->count = 0;
    ask(work, on_owners,
        (const char *const[]){"HGETALL", sv_store_key_owner(work, out->registrable), NULL});
}
