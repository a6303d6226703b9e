#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inner.h"

/* LOOK: pages of keys (SCAN, then of each its type, its time to live and the beginning of its
 * value), of sorted sets by rank, of hashes (HSCAN), of pending entries by id. */

enum { VALUE_BYTES = 64 };

static struct sv_store_look_item *items_of(struct sv_store_work *work, size_t count)
{
    struct sv_store_look_item *items =
        sv_store_arena_alloc(&work->arena, count + 1, sizeof(*items));

    work->call->u.look.items = items;
    work->state = items;
    return items;
}

static void add_item(struct sv_store_work *work, const redisReply *name, const redisReply *value)
{
    struct sv_store_look *out = &work->call->u.look;
    struct sv_store_look_item *items = work->state;
    const char *text = value != NULL ? sv_reply_text(work, value) : "";
    int64_t number;

    if (value != NULL && text == NULL && sv_reply_number(value, &number))
        text = sv_store_arena_printf(&work->arena, "%lld", (long long)number);
    items[out->count] = (struct sv_store_look_item){.name = sv_reply_text(work, name),
                                                    .type = "",
                                                    .value = text != NULL ? text : "",
                                                    .ttl_ms = -1};
    if (items[out->count].name != NULL)
        out->count++;
}

static void set_cursor(struct sv_store_work *work, const char *cursor)
{
    struct sv_store_look *out = &work->call->u.look;

    (void)snprintf(out->next_cursor, sizeof(out->next_cursor), "%s", cursor);
}

/* What cannot be read as asked has no items: the page is empty, and the last. */
static bool is_error(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ERROR;
}

static const char *key_of(struct sv_store_work *work, const char *name)
{
    if (name[0] == '{')
        return sv_store_arena_printf(&work->arena, "%s:%s", work->store->prefix, name);
    return sv_store_key(work, name);
}

/* --- keys --- */

static void on_type(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_look_item *items = request->work->state;

    items[request->index].type = sv_reply_text(request->work, reply);
    if (items[request->index].type == NULL)
        items[request->index].type = "";
}

static void on_ttl(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_look_item *items = request->work->state;

    if (!sv_reply_number(reply, &items[request->index].ttl_ms))
        sv_store_work_malformed(request->work, "PTTL answers no number");
}

/* An error: it is no string. */
static void on_value(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_look_item *items = request->work->state;
    const char *text = is_error(reply) ? NULL : sv_reply_text(request->work, reply);

    items[request->index].value = text != NULL ? text : "";
}

static struct sv_store_request *ask_item(struct sv_store_work *work, size_t index,
                                         const char *command, sv_store_reply_fn *on_reply)
{
    const struct sv_store_look_item *items = work->state;
    struct sv_store_request *r = sv_store_request_new(work, 4, on_reply);

    r->index = index;
    sv_store_request_add(r, command);
    sv_store_request_add(r, key_of(work, items[index].name));
    return r;
}

static void ask_items(struct sv_store_work *work)
{
    const struct sv_store_look *out = &work->call->u.look;

    for (size_t i = 0; i < out->count; i++) {
        struct sv_store_request *r;

        sv_store_request_send(ask_item(work, i, "TYPE", on_type));
        sv_store_request_send(ask_item(work, i, "PTTL", on_ttl));
        r = ask_item(work, i, "GETRANGE", on_value);
        r->may_fail = true;
        sv_store_request_add_number(r, 0);
        sv_store_request_add_number(r, VALUE_BYTES - 1);
        sv_store_request_send(r);
    }
}

static void on_keys(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    bool owners = work->call->u.look.what == SV_STORE_LOOK_OWNERS;
    size_t skip = strlen(owners ? work->store->prefix : sv_store_key(work, "")) + (owners ? 1 : 0);
    struct sv_store_look_item *items;
    const char *cursor = sv_store_request_cursor(request, reply);

    if (cursor == NULL) {
        sv_store_work_malformed(work, "SCAN answers no page");
        return;
    }
    set_cursor(work, cursor);
    items = items_of(work, reply->element[1]->elements);
    for (size_t i = 0; i < reply->element[1]->elements; i++) {
        const redisReply *key = reply->element[1]->element[i];
        size_t at = work->call->u.look.count;

        if (key->type != REDIS_REPLY_STRING || (size_t)key->len <= skip)
            continue;
        add_item(work, key, NULL);
        items[at].name += skip;
    }
}

/* One that is gone has no type. */
static void drop_gone(struct sv_store_work *work)
{
    struct sv_store_look *out = &work->call->u.look;

    if (strcmp(out->items[0].type, "none") == 0)
        out->count = 0;
}

static void ask_key(struct sv_store_work *work)
{
    struct sv_store_look *out = &work->call->u.look;

    *items_of(work, 1) =
        (struct sv_store_look_item){.name = out->key, .type = "", .value = "", .ttl_ms = -1};
    out->count = 1;
    ask_items(work);
    work->step = drop_gone;
}

static void ask_keys(struct sv_store_work *work)
{
    const struct sv_store_look *in = &work->call->u.look;

    if (in->what == SV_STORE_LOOK_OWNERS)
        sv_store_request_scan_owners(work, in->cursor, SV_STORE_LOOK_MAX, on_keys);
    else
        sv_store_request_scan(work, in->cursor, sv_store_key_pattern_all(work), SV_STORE_LOOK_MAX,
                              on_keys);
    work->step = ask_items;
}

/* --- sorted sets and hashes --- */

static void on_scores(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    size_t from = (size_t)strtoull(work->call->u.look.cursor, NULL, 10);
    char next[24];

    if (is_error(reply))
        return;
    if (!sv_reply_is_array(reply, 0)) {
        sv_store_work_malformed(work, "ZRANGE answers no list");
        return;
    }
    (void)items_of(work, reply->elements / 2);
    for (size_t i = 0; i + 1 < reply->elements; i += 2)
        add_item(work, reply->element[i], reply->element[i + 1]);
    (void)snprintf(next, sizeof(next), "%zu", from + SV_STORE_LOOK_MAX);
    set_cursor(work, reply->elements / 2 < SV_STORE_LOOK_MAX ? "0" : next);
}

static void ask_scores(struct sv_store_work *work)
{
    const struct sv_store_look *in = &work->call->u.look;
    size_t from = (size_t)strtoull(in->cursor, NULL, 10);
    struct sv_store_request *r = sv_store_request_new(work, 5, on_scores);

    r->may_fail = true;
    sv_store_request_add(r, "ZRANGE");
    sv_store_request_add(r, key_of(work, in->key));
    sv_store_request_add_number(r, (int64_t)from);
    sv_store_request_add_number(r, (int64_t)(from + SV_STORE_LOOK_MAX - 1));
    sv_store_request_add(r, "WITHSCORES");
    sv_store_request_send(r);
}

static void on_fields(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    const redisReply *pairs;
    const char *cursor;

    if (is_error(reply))
        return;
    cursor = sv_reply_is_array(reply, 2) ? sv_reply_text(work, reply->element[0]) : NULL;
    pairs = cursor != NULL ? reply->element[1] : NULL;
    if (pairs == NULL || !sv_reply_is_array(pairs, 0)) {
        sv_store_work_malformed(work, "HSCAN answers no page");
        return;
    }
    set_cursor(work, cursor);
    (void)items_of(work, pairs->elements / 2);
    for (size_t i = 0; i + 1 < pairs->elements; i += 2)
        add_item(work, pairs->element[i], pairs->element[i + 1]);
}

static void ask_fields(struct sv_store_work *work)
{
    const struct sv_store_look *in = &work->call->u.look;
    struct sv_store_request *r = sv_store_request_new(work, 5, on_fields);

    r->may_fail = true;
    sv_store_request_add(r, "HSCAN");
    sv_store_request_add(r, key_of(work, in->key));
    sv_store_request_add(r, in->cursor);
    sv_store_request_add(r, "COUNT");
    sv_store_request_add_number(r, SV_STORE_LOOK_MAX);
    sv_store_request_send(r);
}

/* --- streams --- */

static void on_pending(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    const struct sv_store_look *out = &work->call->u.look;

    if (is_error(reply)) /* no group yet */
        return;
    if (!sv_reply_is_array(reply, 0)) {
        sv_store_work_malformed(work, "XPENDING answers no list");
        return;
    }
    (void)items_of(work, reply->elements);
    for (size_t i = 0; i < reply->elements; i++) {
        if (sv_reply_is_array(reply->element[i], 4))
            add_item(work, reply->element[i]->element[0], reply->element[i]->element[2]);
    }
    if (reply->elements == SV_STORE_LOOK_MAX && out->count > 0)
        set_cursor(work, out->items[out->count - 1].name);
}

static void ask_pending(struct sv_store_work *work)
{
    const char *cursor = work->call->u.look.cursor;
    struct sv_store_request *r = sv_store_request_new(work, 6, on_pending);

    r->may_fail = true;
    sv_store_request_add(r, "XPENDING");
    sv_store_request_add(r, sv_store_key(work, "jobs"));
    sv_store_request_add(r, SV_STORE_GROUP);
    sv_store_request_add(
        r, strcmp(cursor, "0") == 0 ? "-" : sv_store_arena_printf(&work->arena, "(%s", cursor));
    sv_store_request_add(r, "+");
    sv_store_request_add_number(r, SV_STORE_LOOK_MAX);
    sv_store_request_send(r);
}

static void on_stream(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;

    if (is_error(reply))
        return;
    if (!sv_reply_is_array(reply, 0)) {
        sv_store_work_malformed(work, "XINFO answers no list");
        return;
    }
    (void)items_of(work, reply->elements / 2);
    for (size_t i = 0; i + 1 < reply->elements; i += 2)
        add_item(work, reply->element[i], reply->element[i + 1]);
}

static void ask_stream(struct sv_store_work *work)
{
    struct sv_store_request *r = sv_store_request_new(work, 3, on_stream);

    r->may_fail = true;
    sv_store_request_add(r, "XINFO");
    sv_store_request_add(r, "STREAM");
    sv_store_request_add(r, key_of(work, work->call->u.look.key));
    sv_store_request_send(r);
}

void sv_store_look(struct sv_store_work *work)
{
    struct sv_store_look *out = &work->call->u.look;

    *out = (struct sv_store_look){.what = out->what, .key = out->key, .cursor = out->cursor};
    set_cursor(work, "0");
    (void)items_of(work, 0);
    switch (out->what) {
    case SV_STORE_LOOK_KEYS:
    case SV_STORE_LOOK_OWNERS:
        ask_keys(work);
        break;
    case SV_STORE_LOOK_SCORES:
        ask_scores(work);
        break;
    case SV_STORE_LOOK_FIELDS:
        ask_fields(work);
        break;
    case SV_STORE_LOOK_KEY:
        ask_key(work);
        break;
    case SV_STORE_LOOK_PENDING:
        ask_pending(work);
        break;
    case SV_STORE_LOOK_STREAM:
        ask_stream(work);
        break;
    }
}
