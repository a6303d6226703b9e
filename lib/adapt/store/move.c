#include "move.h"

#include <stdio.h>
#include <string.h>

#include "sv/json.h"

/* MOVE: an installation's shards become more or fewer. No script can write in two shards, so that
 * everything goes in three steps: it is put where it belongs by a script that knows what it was
 * given before, it is read back there, and it is deleted here. A call that was broken off between
 * any two of them is simply made again.
 *
 * What is put twice is known by itself (a domain, a receipt) or by a mark in the hash `reshard` of
 * the shard that was given it (entries of streams, letters, counters); the marks go with UNLOCK. */

enum { DEPTH_MAX = 16 };

struct sv_move_bytes sv_move_copy(struct sv_store_work *work, const redisReply *reply)
{
    const char *text = sv_reply_text(work, reply);

    return (struct sv_move_bytes){.at = text, .len = text != NULL ? (size_t)reply->len : 0};
}

bool sv_move_equal(struct sv_move_bytes a, struct sv_move_bytes b)
{
    if (a.at == NULL || b.at == NULL)
        return a.at == b.at;
    return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

void sv_move_add(struct sv_store_request *request, struct sv_move_bytes bytes)
{
    sv_store_request_add_bytes(request, bytes.at != NULL ? bytes.at : "", bytes.len);
}

unsigned sv_move_home(const struct sv_store_work *work, const char *client)
{
    unsigned shards = work->call->u.move.shards_to, here = work->call->shard;

    if (client == NULL || *client == '\0')
        return here % shards;
    return sv_crc32(client, strlen(client)) % shards;
}

bool sv_move_count(struct sv_store_work *work, enum sv_store_move_kind kind, unsigned home)
{
    struct sv_store_move *out = &work->call->u.move;
    bool moves = home != work->call->shard;

    out->seen[kind]++;
    out->moved[kind] += moves;
    return moves;
}

void sv_move_set_cursor(struct sv_store_work *work, const char *cursor)
{
    struct sv_store_move *out = &work->call->u.move;

    (void)snprintf(out->next_cursor, sizeof(out->next_cursor), "%s", cursor);
}

const char *sv_move_client_of(struct sv_store_work *work, const char *text, size_t len,
                              const char *path)
{
    json_t *tree = sv_json_parse(text, len, SV_STORE_MOVE_BYTES_MAX, DEPTH_MAX, NULL);
    const json_t *found = sv_json_path(tree, path);
    const char *client = json_is_string(found) ? json_string_value(found) : NULL;

    if (client != NULL)
        client = sv_store_arena_strndup(&work->arena, client, strlen(client));
    json_decref(tree);
    return client;
}

/* --- lock and unlock --- */

static void lock(struct sv_store_work *work)
{
    struct sv_store_request *r = sv_store_request_new(work, 4, sv_store_reply_ignore);

    sv_store_request_add(r, "HSET");
    sv_store_request_add(r, sv_store_key(work, "meta"));
    sv_store_request_add(r, "reshard");
    sv_store_request_add(r, work->call->u.move.note);
    sv_store_request_send(r);
}

/* Domains may have come here from a shard of a higher epoch: with the replication id forgotten, the
 * next event raises ours to the present time, which is above all. */
static void let_in(struct sv_store_work *work)
{
    struct sv_store_request *r = sv_store_request_new(work, 4, sv_store_reply_ignore);

    sv_store_request_add(r, "HDEL");
    sv_store_request_add(r, sv_store_key(work, "meta"));
    sv_store_request_add(r, "reshard");
    sv_store_request_add(r, "replid");
    sv_store_request_send(r);
}

/* The lock goes last: whoever is let in finds everything in its place. */
static void unlock(struct sv_store_work *work)
{
    struct sv_store_request *r = sv_store_request_new(work, 6, sv_store_reply_ignore);

    sv_store_request_add(r, "HSET");
    sv_store_request_add(r, sv_store_key(work, "meta"));
    sv_store_request_add(r, "schema");
    sv_store_request_add_number(r, SV_STORE_SCHEMA);
    sv_store_request_add(r, "shards");
    sv_store_request_add_number(r, work->call->u.move.shards_to);
    sv_store_request_send(r);
    r = sv_store_request_new(work, 2, sv_store_reply_ignore);
    sv_store_request_add(r, "DEL");
    sv_store_request_add(r, sv_store_key(work, "reshard"));
    sv_store_request_send(r);
    sv_store_request_send(sv_store_request_group(work));
    work->step = let_in;
}

/* --- who reads the outbox --- */

static void on_readers(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    struct sv_store_move *out = &work->call->u.move;
    struct sv_store_reader *found;
    int64_t behind;

    if (!sv_reply_is_array(reply, 0) || reply->elements > (size_t)2 * SV_STORE_MOVE_READERS_MAX) {
        sv_store_work_malformed(work, "the outbox has too many consumer groups");
        return;
    }
    found = sv_store_arena_alloc(&work->arena, reply->elements / 2 + 1, sizeof(*found));
    for (size_t i = 0; i + 1 < reply->elements; i += 2) {
        const char *name = sv_reply_text(work, reply->element[i]);

        if (name == NULL || !sv_reply_number(reply->element[i + 1], &behind)) {
            sv_store_work_malformed(work, "a consumer group has no name");
            return;
        }
        found[out->found_count++] = (struct sv_store_reader){.name = name, .behind = behind != 0};
    }
    out->found = found;
}

static void ask_readers(struct sv_store_work *work)
{
    struct sv_store_request *r = sv_store_request_script(work, SV_SCRIPT_READERS, 1, 0, on_readers);

    sv_store_request_add(r, sv_store_key(work, "events"));
    sv_store_request_send(r);
}

static void regroup(struct sv_store_work *work)
{
    const struct sv_store_move *in = &work->call->u.move;
    struct sv_store_request *r = sv_store_request_script(work, SV_SCRIPT_REGROUP, 1,
                                                         in->readers_count, sv_store_reply_ignore);

    sv_store_request_add(r, sv_store_key(work, "events"));
    for (size_t i = 0; i < in->readers_count; i++)
        sv_store_request_add(r, in->readers[i].name);
    sv_store_request_send(r);
}

/* --- a shard that will not be --- */

static void on_cleared(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;

    if (!sv_reply_is(reply, ""))
        sv_store_work_malformed(
            work, sv_store_arena_printf(&work->arena, "%.100s still holds something",
                                        reply->type == REDIS_REPLY_STRING ? reply->str : "it"));
}

static void clear(struct sv_store_work *work)
{
    static const char *const keys[] = {"jobs", "events",  "n",   "meta", "reshard",
                                       "ring", "ring:hi", "run", "dead"};
    const size_t count = sizeof(keys) / sizeof(keys[0]);
    struct sv_store_request *r =
        sv_store_request_script(work, SV_SCRIPT_CLEAR, count, 0, on_cleared);

    for (size_t i = 0; i < count; i++)
        sv_store_request_add(r, sv_store_key(work, keys[i]));
    sv_store_request_send(r);
}

static void on_counters(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    unsigned home = sv_move_home(work, NULL);
    struct sv_store_request *r;

    if (!sv_reply_is_array(reply, 0) || reply->elements > 2 * SV_STORE_COUNTERS_MAX - 20) {
        sv_store_work_malformed(work, "the counters are no hash, or too many");
        return;
    }
    if (reply->elements == 0)
        return;
    r = sv_store_request_script(work, SV_SCRIPT_MERGE, 2, 1 + reply->elements,
                                sv_store_reply_ignore);
    sv_store_request_add(r, sv_store_key_at(work, home, "n"));
    sv_store_request_add(r, sv_store_key_at(work, home, "reshard"));
    sv_store_request_add(r, sv_store_arena_printf(&work->arena, "n:%u", work->call->shard));
    for (size_t i = 0; i < reply->elements; i++)
        sv_move_add(r, sv_move_copy(work, reply->element[i]));
    sv_store_request_send(r);
}

static void merge(struct sv_store_work *work)
{
    struct sv_store_request *r = sv_store_request_new(work, 2, on_counters);

    sv_store_request_add(r, "HGETALL");
    sv_store_request_add(r, sv_store_key(work, "n"));
    sv_store_request_send(r);
    work->step = clear;
}

/* --- which --- */

static sv_store_step_fn *const first_steps[] = {
    [SV_STORE_MOVE_LOCK] = lock,
    [SV_STORE_MOVE_KEYS] = sv_move_keys,
    [SV_STORE_MOVE_EVENTS] = sv_move_streams,
    [SV_STORE_MOVE_JOBS] = sv_move_streams,
    [SV_STORE_MOVE_LETTERS] = sv_move_letters,
    [SV_STORE_MOVE_READERS] = ask_readers,
    [SV_STORE_MOVE_REGROUP] = regroup,
    [SV_STORE_MOVE_CLEAR] = merge,
    [SV_STORE_MOVE_UNLOCK] = unlock,
};

static const char *why_not(const struct sv_redis_store *store, const struct sv_store_call *call)
{
    const struct sv_store_move *in = &call->u.move;
    unsigned to = in->shards_to;

    if (to < 1 || to > store->shards_count || (to & (to - 1)) != 0)
        return "shards_to is no power of two, or above what was opened";
    if (in->readers_count > SV_STORE_MOVE_READERS_MAX)
        return "too many consumer groups";
    if (in->what == SV_STORE_MOVE_CLEAR && call->shard < to)
        return "this shard stays";
    return NULL;
}

void sv_store_move(struct sv_store_work *work)
{
    struct sv_store_move *out = &work->call->u.move;
    const char *why = why_not(work->store, work->call);
    struct sv_errinfo info;

    memset(out->seen, 0, sizeof(out->seen));
    memset(out->moved, 0, sizeof(out->moved));
    out->strange = out->owed = NULL;
    out->found_count = 0;
    out->found = NULL;
    sv_move_set_cursor(work, "0");
    if (why != NULL) {
        (void)sv_err_set(&info, SV_EINVALID, "store", 0, "move: %s", why);
        sv_store_work_fail(work, SV_EINVALID, &info);
        return;
    }
    first_steps[out->what](work);
}
