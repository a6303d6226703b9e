#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inner.h"
#include "sv/embed.h"
#include "sv/require.h"

/* The story: the words are laid down once, sent, and answered. A server that has forgotten the
 * script (a restart, a fail-over, SCRIPT FLUSH) or the group (its data were lost) is given them
 * again and the same words are sent once more; nobody above notices. EVAL is never used, so that
 * an ACL can forbid it. */

enum { HEALS_MAX = 3 };

static const char *const script_names[SV_SCRIPT_COUNT] = {"",
#define X(id, name) name,
                                                          SV_SCRIPT_MAP(X)
#undef X
};

struct sv_store_request *sv_store_request_new(struct sv_store_work *work, size_t words_max,
                                              sv_store_reply_fn *on_reply)
{
    struct sv_store_request *request =
        sv_store_arena_alloc(&work->arena, 1, sizeof(struct sv_store_request));

    SV_REQUIRE(words_max <= SV_REDIS_ARGS_MAX);
    request->work = work;
    request->argv = sv_store_arena_alloc(&work->arena, words_max, sizeof(char *));
    request->argv_bytes = sv_store_arena_alloc(&work->arena, words_max, sizeof(size_t));
    request->cap = words_max;
    request->on_reply = on_reply;
    return request;
}

struct sv_store_request *sv_store_request_script(struct sv_store_work *work, enum sv_script script,
                                                 size_t keys, size_t args,
                                                 sv_store_reply_fn *on_reply)
{
    struct sv_store_request *request = sv_store_request_new(work, 3 + keys + args, on_reply);

    request->script = script;
    sv_store_request_add(request, "EVALSHA");
    sv_store_request_add(request, work->store->shas[script]);
    sv_store_request_add_number(request, (int64_t)keys);
    return request;
}

void sv_store_request_add_bytes(struct sv_store_request *request, const void *bytes, size_t len)
{
    SV_REQUIRE(request->words.count < request->cap);
    request->argv[request->words.count] = bytes;
    request->argv_bytes[request->words.count++] = len;
}

void sv_store_request_add(struct sv_store_request *request, const char *text)
{
    sv_store_request_add_bytes(request, text, strlen(text));
}

void sv_store_request_add_number(struct sv_store_request *request, int64_t number)
{
    sv_store_request_add(request, sv_store_arena_printf(&request->work->arena, "%" PRId64, number));
}

void sv_store_request_add_queues(struct sv_store_request *request, const char *client)
{
    struct sv_store_work *work = request->work;

    sv_store_request_add(request, sv_store_key_of(work, "due:hi", client));
    sv_store_request_add(request, sv_store_key_of(work, "due:lo", client));
    sv_store_request_add(request, sv_store_key(work, "ring"));
    sv_store_request_add(request, sv_store_key(work, "ring:hi"));
    sv_store_request_add(request, sv_store_key(work, "run"));
}

static const struct sv_embedded *find_script(enum sv_script script)
{
    const struct sv_embedded *file = sv_lua_scripts;

    while (file->name != NULL && strcmp(file->name, script_names[script]) != 0)
        file++;
    SV_REQUIRE(file->name != NULL);
    return file;
}

static void on_loaded(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_redis_store *store = request->work->store;
    char *sha = store->shas[request->index];

    if (reply->type != REDIS_REPLY_STRING || reply->len != (int)sizeof(store->shas[0]) - 1)
        sv_store_work_malformed(request->work, "SCRIPT LOAD answers no digest");
    else
        memcpy(sha, reply->str, sizeof(store->shas[0]));
}

static struct sv_store_request *new_scan(struct sv_store_work *work, const char *cursor,
                                         const char *pattern, size_t count,
                                         sv_store_reply_fn *on_reply)
{
    struct sv_store_request *request = sv_store_request_new(work, 6, on_reply);

    sv_store_request_add(request, "SCAN");
    sv_store_request_add(request, cursor);
    sv_store_request_add(request, "MATCH");
    sv_store_request_add(request, pattern);
    sv_store_request_add(request, "COUNT");
    sv_store_request_add_number(request, (int64_t)count);
    return request;
}

void sv_store_request_scan(struct sv_store_work *work, const char *cursor, const char *pattern,
                           size_t count, sv_store_reply_fn *on_reply)
{
    sv_store_request_send(new_scan(work, cursor, pattern, count, on_reply));
}

void sv_store_request_scan_owners(struct sv_store_work *work, const char *cursor, size_t count,
                                  sv_store_reply_fn *on_reply)
{
    const char *colon = strchr(cursor, ':');
    struct sv_store_request *request = new_scan(work, colon != NULL ? colon + 1 : cursor,
                                                sv_store_key_pattern_owners(work), count, on_reply);

    request->target.by_slot = true;
    request->target.slot = colon != NULL ? (unsigned)strtoul(cursor, NULL, 10) : 0;
    sv_store_request_send(request);
}

const char *sv_store_request_cursor(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    unsigned slot = request->target.slot;
    const char *cursor =
        sv_reply_is_array(reply, 2) ? sv_reply_text(work, reply->element[0]) : NULL;

    if (cursor == NULL || !sv_reply_is_array(reply->element[1], 0))
        return NULL;
    if (!request->target.by_slot ||
        (strcmp(cursor, "0") == 0 && !sv_redis_group_next(work->store->group, &slot)))
        return cursor;
    return sv_store_arena_printf(&work->arena, "%u:%s", slot, cursor);
}

void sv_store_reply_ignore(struct sv_store_request *request, const redisReply *reply)
{
    (void)request;
    (void)reply;
}

struct sv_store_request *sv_store_request_load(struct sv_store_work *work, enum sv_script script)
{
    const struct sv_embedded *file = find_script(script);
    struct sv_store_request *request = sv_store_request_new(work, 3, on_loaded);

    request->index = (size_t)script;
    sv_store_request_add(request, "SCRIPT");
    sv_store_request_add(request, "LOAD");
    sv_store_request_add_bytes(request, file->text, file->len);
    return request;
}

/* Made by somebody else in the meantime is as good. */
static void on_group(struct sv_store_request *request, const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ERROR || strncmp(reply->str, "BUSYGROUP", 9) == 0)
        return;
    sv_store_work_fail(request->work, request->routed.info.code, &request->routed.info);
}

/* From the beginning of the stream: whatever was pushed before us is work as well. */
struct sv_store_request *sv_store_request_group(struct sv_store_work *work)
{
    struct sv_store_request *request = sv_store_request_new(work, 6, on_group);

    request->may_fail = true;
    sv_store_request_add(request, "XGROUP");
    sv_store_request_add(request, "CREATE");
    sv_store_request_add(request, sv_store_key(work, "jobs"));
    sv_store_request_add(request, SV_STORE_GROUP);
    sv_store_request_add(request, "0");
    sv_store_request_add(request, "MKSTREAM");
    return request;
}

static bool begins(const redisReply *reply, const char *word)
{
    return reply != NULL && reply->type == REDIS_REPLY_ERROR &&
           strncmp(reply->str, word, strlen(word)) == 0;
}

/* What was lost goes out first, to the server that lacks it and over the same connection, the same
 * words right behind it: replies keep the order, so nothing needs to wait. */
static bool heal(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    struct sv_store_request *cure;

    if (request->heals >= HEALS_MAX || work->canceled)
        return false;
    if (begins(reply, "NOSCRIPT") && request->script != SV_SCRIPT_NONE) {
        cure = sv_store_request_load(work, request->script);
    } else if (begins(reply, "NOGROUP") && !work->store->read_only) {
        sv_log_line(work->store->log, SV_LOG_WARN, "group_recreated",
                    "the consumer group is gone: were data lost?",
                    SV_LOG_INT("shard", work->call->shard));
        cure = sv_store_request_group(work);
    } else {
        return false;
    }
    request->heals++;
    cure->target.beside = &request->routed;
    sv_store_request_send(cure);
    sv_store_request_send(request);
    return true;
}

static void on_done(struct sv_redis_routed *routed, enum sv_err err, const redisReply *reply)
{
    struct sv_store_request *request = routed->owner;
    struct sv_store_work *work = request->work;

    request->in_flight = false;
    work->outstanding--;
    if (err != SV_ENOTFOUND || !heal(request, reply)) {
        if (err == SV_OK || (request->may_fail && reply != NULL))
            request->on_reply(request, reply);
        else
            sv_store_work_fail(work, err, &routed->info);
    }
    sv_store_work_run(work);
}

/* Until a script was loaded its digest is unknown; an empty one is answered NOSCRIPT. */
void sv_store_request_send(struct sv_store_request *request)
{
    struct sv_store_work *work = request->work;
    struct sv_errinfo info = {.code = SV_OK};
    enum sv_err err;

    if (work->err != SV_OK)
        return;
    if (request->script != SV_SCRIPT_NONE) {
        request->argv_bytes[1] = strlen(work->store->shas[request->script]);
        if (request->argv_bytes[1] == 0) {
            request->argv[1] = "unknown";
            request->argv_bytes[1] = strlen("unknown");
        } else {
            request->argv[1] = work->store->shas[request->script];
        }
    }
    request->words.argv = request->argv;
    request->words.argv_bytes = request->argv_bytes;
    request->routed.owner = request;
    if (request->target.key == NULL)
        request->target.key = sv_store_key(work, "");
    err = sv_redis_group_start(work->store->group, &request->routed, &request->words,
                               &request->target, on_done, &info);
    if (err != SV_OK) {
        sv_store_work_fail(work, err, &info);
        return;
    }
    request->in_flight = true;
    work->outstanding++;
    if (request->heals == 0) {
        request->next = work->requests;
        work->requests = request;
    }
}
