#include <string.h>

#include "inner.h"

/* TAKE: XREADGROUP over the shard's own connection, blocking. TAKE_PENDING: others' idle entries
 * become ours by XAUTOCLAIM, by id only; then every entry that is pending for us is fetched by a
 * script, which moves oversized ones to the dead letters unread. */

enum {
    BLOCK_MS_MAX = 5000,
    BLOCK_SLACK_MS = 2500, /* a silent connection is given up this long after BLOCK: answers may
                            * come 2 s late (F05), and silence is noticed in 5 s (F04) */
};

struct take {
    size_t count; /* of entries so far */
    size_t pending;
    struct sv_store_entry entries[SV_STORE_TAKE_MAX];
    int64_t deliveries_most; /* of the one that was handed out most often, */
    size_t most;             /* and which that is */
};

static void take_deliver(struct sv_store_work *work)
{
    struct sv_store_take *out = &work->call->u.take;
    struct take *take = work->state;

    out->count = take->count;
    out->entries = take->entries;
}

/* The payload is the field `job`; an entry without one is shown as it is, for the dead letter. */
static bool read_payload(struct sv_store_work *work, const redisReply *fields,
                         struct sv_store_entry *entry)
{
    size_t bytes = 0;
    char *out;

    if (!sv_reply_is_array(fields, 0) || fields->elements % 2 != 0)
        return false;
    for (size_t i = 0; i < fields->elements; i++) {
        const redisReply *part = fields->element[i];

        if (part->type != REDIS_REPLY_STRING)
            return false;
        bytes += (size_t)part->len + 1;
        if (i % 2 == 0 && sv_reply_is(part, "job") && part->len == 3) {
            part = fields->element[i + 1];
            entry->payload_bytes = (size_t)part->len;
            entry->payload = sv_reply_text(work, part);
            return entry->payload != NULL;
        }
    }
    entry->no_job_field = true;
    entry->payload = out = sv_store_arena_alloc(&work->arena, bytes + 1, 1);
    for (size_t i = 0; i < fields->elements; i++) {
        memcpy(out, fields->element[i]->str, (size_t)fields->element[i]->len);
        out += fields->element[i]->len;
        *out++ = i % 2 == 0 ? '=' : '\n';
    }
    entry->payload_bytes = bytes;
    return true;
}

/* --- fetching what is pending --- */

static void on_fetched(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    struct take *take = work->state;
    struct sv_store_entry *entry = &take->entries[request->index];

    if (!sv_reply_is_array(reply, 1))
        sv_store_work_malformed(work, "fetch answers no list");
    else if (sv_reply_is(reply->element[0], "BURIED") && sv_reply_is_array(reply, 2))
        entry->buried = sv_reply_text(work, reply->element[1]);
    else if (sv_reply_is(reply->element[0], "GONE"))
        entry->id = NULL;
    else if (reply->elements < 2 || !read_payload(work, reply->element[1], entry))
        sv_store_work_malformed(work, "an entry is no list of fields");
}

static void fetch(struct sv_store_work *work, size_t index)
{
    struct take *take = work->state;
    const char *id = take->entries[index].id;
    struct sv_store_request *request =
        sv_store_request_script(work, SV_SCRIPT_FETCH, 5, 5, on_fetched);

    request->index = index;
    sv_store_request_add(request, sv_store_key(work, "jobs"));
    sv_store_request_add(request, sv_store_key(work, "n"));
    sv_store_request_add(request, sv_store_key(work, "events"));
    sv_store_request_add(request, sv_store_key(work, "dead"));
    sv_store_request_add(request, sv_store_key_of(work, "dead", id));
    sv_store_request_add(request, id);
    sv_store_request_add(request, work->store->consumer);
    sv_store_request_add_number(request, SV_STORE_JOB_BYTES_MAX);
    sv_store_request_add_number(request, work->call->shard);
    sv_store_request_add_number(request, work->call->u.take.deliveries_max);
    sv_store_request_send(request);
}

/* What another consumer settled meanwhile leaves a hole. */
static void drop_gone(struct sv_store_work *work)
{
    struct take *take = work->state;
    size_t kept = 0;

    for (size_t i = 0; i < take->count; i++) {
        if (take->entries[i].id != NULL)
            take->entries[kept++] = take->entries[i];
    }
    take->count = kept;
}

static void deliver_fetched(struct sv_store_work *work)
{
    drop_gone(work);
    take_deliver(work);
}

static void read_new(struct sv_store_work *work);

static void after_doubt(struct sv_store_work *work)
{
    struct take *take = work->state;

    if (take->pending < work->call->u.take.entries_max)
        sv_store_work_shard(work)->reads_in_doubt = false;
    drop_gone(work);
    if (take->count > 0)
        take_deliver(work);
    else
        read_new(work);
}

static void on_pending(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    struct take *take = work->state;

    if (!sv_reply_is_array(reply, 0)) {
        sv_store_work_malformed(work, "XPENDING answers no list");
        return;
    }
    for (size_t i = 0; i < reply->elements && i < SV_STORE_TAKE_MAX; i++) {
        const redisReply *item = reply->element[i];

        if (!sv_reply_is_array(item, 4) || item->element[0]->type != REDIS_REPLY_STRING ||
            item->element[3]->type != REDIS_REPLY_INTEGER) {
            sv_store_work_malformed(work, "XPENDING names no entry");
            return;
        }
        if (item->element[3]->integer > take->deliveries_most) {
            take->deliveries_most = item->element[3]->integer;
            take->most = i;
        }
        take->entries[take->count++].id = sv_reply_text(work, item->element[0]);
    }
    take->pending = take->count;
}

static void ask_pending(struct sv_store_work *work)
{
    struct sv_store_request *request = sv_store_request_new(work, 9, on_pending);

    sv_store_request_add(request, "XPENDING");
    sv_store_request_add(request, sv_store_key(work, "jobs"));
    sv_store_request_add(request, SV_STORE_GROUP);
    sv_store_request_add(request, "IDLE");
    sv_store_request_add(request, "0");
    sv_store_request_add(request, "-");
    sv_store_request_add(request, "+");
    sv_store_request_add_number(request, (int64_t)work->call->u.take.entries_max);
    sv_store_request_add(request, work->store->consumer);
    sv_store_request_send(request);
}

/* What has been handed out twice may be what ended those who read it: it comes alone. */
static void single_out(struct take *take)
{
    take->entries[0] = take->entries[take->most];
    take->count = 1;
}

static void fetch_all(struct sv_store_work *work)
{
    struct take *take = work->state;

    if (work->call->u.take.deliveries_max > 0 && take->deliveries_most >= 2)
        single_out(take);
    work->step = work->call->op == SV_STORE_TAKE ? after_doubt : deliver_fetched;
    for (size_t i = 0; i < take->count; i++)
        fetch(work, i);
}

static void on_autoclaimed(struct sv_store_request *request, const redisReply *reply)
{
    (void)request; /* what it gave us is pending for us now, and found there */
    (void)reply;
}

static bool check(struct sv_store_work *work)
{
    const struct sv_store_take *in = &work->call->u.take;
    struct sv_errinfo info;

    work->state = sv_store_arena_alloc(&work->arena, 1, sizeof(struct take));
    if (in->entries_max >= 1 && in->entries_max <= SV_STORE_TAKE_MAX && !work->store->read_only &&
        (work->call->op != SV_STORE_TAKE || (in->block_ms >= 1 && in->block_ms <= BLOCK_MS_MAX)))
        return true;
    (void)sv_err_set(&info, SV_EINVALID, "store", 0, "%s: entries_max, block_ms or read_only",
                     sv_store_op_name(work->call->op));
    sv_store_work_fail(work, SV_EINVALID, &info);
    return false;
}

void sv_store_take_pending(struct sv_store_work *work)
{
    const struct sv_store_take *in = &work->call->u.take;
    struct sv_store_request *request;

    if (!check(work))
        return;
    request = sv_store_request_new(work, 9, on_autoclaimed);
    sv_store_request_add(request, "XAUTOCLAIM");
    sv_store_request_add(request, sv_store_key(work, "jobs"));
    sv_store_request_add(request, SV_STORE_GROUP);
    sv_store_request_add(request, work->store->consumer);
    sv_store_request_add_number(request, in->idle_ms);
    sv_store_request_add(request, "0-0");
    sv_store_request_add(request, "COUNT");
    sv_store_request_add_number(request, (int64_t)in->entries_max);
    sv_store_request_add(request, "JUSTID");
    sv_store_request_send(request);
    ask_pending(work);
    work->step = fetch_all;
}

/* --- reading what is new --- */

static bool read_entry(struct sv_store_work *work, const redisReply *item)
{
    struct take *take = work->state;
    struct sv_store_entry *entry = &take->entries[take->count];

    if (!sv_reply_is_array(item, 2))
        return false;
    entry->id = sv_reply_text(work, item->element[0]);
    if (entry->id == NULL || !read_payload(work, item->element[1], entry))
        return false;
    take->count++;
    return true;
}

/* One stream was asked, so one is answered; nil when the time was up. */
static void on_new(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    const redisReply *list;

    if (reply->type == REDIS_REPLY_NIL)
        return;
    list = sv_reply_is_array(reply, 1) && sv_reply_is_array(reply->element[0], 2)
               ? reply->element[0]->element[1]
               : NULL;
    for (size_t i = 0; list != NULL && sv_reply_is_array(list, i + 1) && i < SV_STORE_TAKE_MAX;
         i++) {
        if (!read_entry(work, list->element[i]))
            list = NULL;
    }
    if (list == NULL)
        sv_store_work_malformed(work, "XREADGROUP answers no entries");
}

/* Small enough for the transport, but larger than a job may be: buried like the others. */
static void bury_big(struct sv_store_work *work)
{
    struct take *take = work->state;

    for (size_t i = 0; i < take->count; i++) {
        struct sv_store_entry *entry = &take->entries[i];

        if (entry->payload_bytes > SV_STORE_JOB_BYTES_MAX) {
            *entry = (struct sv_store_entry){.id = entry->id};
            fetch(work, i);
        }
    }
    work->step = deliver_fetched;
}

static void read_new(struct sv_store_work *work)
{
    const struct sv_store_take *in = &work->call->u.take;
    struct sv_store_request *request = sv_store_request_new(work, 11, on_new);

    request->target.follower = sv_store_work_shard(work)->blocking;
    request->words.deadline_ms = in->block_ms + BLOCK_SLACK_MS;
    sv_store_request_add(request, "XREADGROUP");
    sv_store_request_add(request, "GROUP");
    sv_store_request_add(request, SV_STORE_GROUP);
    sv_store_request_add(request, work->store->consumer);
    sv_store_request_add(request, "COUNT");
    sv_store_request_add_number(request, (int64_t)in->entries_max);
    sv_store_request_add(request, "BLOCK");
    sv_store_request_add_number(request, in->block_ms);
    sv_store_request_add(request, "STREAMS");
    sv_store_request_add(request, sv_store_key(work, "jobs"));
    sv_store_request_add(request, ">");
    sv_store_request_send(request);
    work->step = bury_big;
}

void sv_store_take(struct sv_store_work *work)
{
    if (!check(work))
        return;
    if (sv_store_work_shard(work)->reads_in_doubt) {
        ask_pending(work);
        work->step = fetch_all;
    } else {
        read_new(work);
    }
}
