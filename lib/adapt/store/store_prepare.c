#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inner.h"

/* PREPARE: look at the server (INFO also works where CONFIG is forbidden), at what we are allowed,
 * at what installed it; then make the group and load the scripts. Nothing is written before the
 * looks are done. */

struct prepare {
    int64_t schema, shards; /* -1 = not written yet */
    const char *reshard;    /* "<from> <to> ..."; NULL = nobody changes the shards */
};

static void refuse(struct sv_store_work *work, enum sv_err err, const char *text)
{
    struct sv_errinfo info;

    (void)sv_err_set(&info, err, "store", 0, "%s", text);
    sv_store_work_fail(work, err, &info);
}

static void on_info(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    struct sv_redis_store *store = work->store;
    bool is_first = work->call->shard == 0; /* told once, not once for each shard */
    struct sv_errinfo info;
    unsigned found;
    enum sv_err err;

    if (reply->type != REDIS_REPLY_STRING) {
        sv_store_work_malformed(work, "INFO answers no text");
        return;
    }
    err = sv_store_server_read(reply->str, store->kind, &found, &info);
    if (err == SV_OK)
        err =
            sv_store_server_judge(found, store->refuse_unsafe, is_first ? store->log : NULL, &info);
    if (err != SV_OK)
        sv_store_work_fail(work, err, &info);
}

static void on_meta(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    struct prepare *prepare = work->state;
    int64_t *out[] = {&prepare->schema, &prepare->shards};

    if (!sv_reply_is_array(reply, 3)) {
        sv_store_work_malformed(work, "meta is not readable");
        return;
    }
    prepare->reshard = sv_reply_text(work, reply->element[2]);
    for (size_t i = 0; i < 2; i++) {
        *out[i] = -1;
        if (reply->element[i]->type != REDIS_REPLY_NIL &&
            !sv_reply_number(reply->element[i], out[i]))
            sv_store_work_malformed(work, "meta holds no number");
    }
}

/* Names of commands, and of keys. */
static void on_needs(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    const char *list = "";
    struct sv_errinfo info;

    if (reply->type != REDIS_REPLY_ARRAY) {
        sv_store_work_malformed(work, "the script needs answers no list");
        return;
    }
    for (size_t i = 0; i < reply->elements; i++) {
        const redisReply *name = reply->element[i];

        if (name->type == REDIS_REPLY_STRING)
            list =
                sv_store_arena_printf(&work->arena, "%s%s%s", list, i > 0 ? ", " : "", name->str);
    }
    if (reply->elements == 0)
        return;
    (void)sv_err_set(
        &info, SV_EDENIED, "store", 0,
        "the user of Redis is not allowed: %s (deploy/redis/users.acl has what is needed)", list);
    sv_store_work_fail(work, SV_EDENIED, &info);
}

/* Not of commands that only look: whoever may only read shall use them. */
static void ask_needs(struct sv_store_work *work)
{
    struct sv_store_request *request;

    if (work->store->read_only)
        return;
    request = sv_store_request_script(work, SV_SCRIPT_NEEDS, 1, 3, on_needs);
    sv_store_request_add(request, sv_store_key(work, "meta"));
    sv_store_request_add(request, sv_store_key_owner(work, "x"));
    sv_store_request_add(request, sv_store_key_sweep(work, "x", "x"));
    sv_store_request_add(request, sv_store_key_limiter(work, "x", "x", "x"));
    sv_store_request_send(request);
}

static void write_meta(struct sv_store_work *work, const char *field, int64_t value)
{
    struct sv_store_request *request = sv_store_request_new(work, 4, sv_store_reply_ignore);

    sv_store_request_add(request, "HSETNX");
    sv_store_request_add(request, sv_store_key(work, "meta"));
    sv_store_request_add(request, field);
    sv_store_request_add_number(request, value);
    sv_store_request_send(request);
}

static void read_meta(struct sv_store_work *work)
{
    struct sv_store_request *request = sv_store_request_new(work, 5, on_meta);

    sv_store_request_add(request, "HMGET");
    sv_store_request_add(request, sv_store_key(work, "meta"));
    sv_store_request_add(request, "schema");
    sv_store_request_add(request, "shards");
    sv_store_request_add(request, "reshard");
    sv_store_request_send(request);
}

static void check_meta(struct sv_store_work *work)
{
    struct prepare *prepare = work->state;
    unsigned shards = work->store->shards_count;

    if (prepare->reshard != NULL)
        refuse(work, SV_EINVALID,
               sv_store_arena_printf(&work->arena,
                                     "the shards are being changed (from and to: %.16s): run "
                                     "`sesverify reshard` to its end",
                                     prepare->reshard));
    else if (prepare->shards >= 0 && prepare->shards != (int64_t)shards)
        refuse(work, SV_EINVALID,
               sv_store_arena_printf(&work->arena,
                                     "redis.shards is %u, but this installation has %" PRId64
                                     ": `sesverify reshard` changes it",
                                     shards, prepare->shards));
    else if (prepare->schema > SV_STORE_SCHEMA)
        refuse(work, SV_EINVALID,
               sv_store_arena_printf(&work->arena,
                                     "the data have schema %" PRId64 ", this program knows %d",
                                     prepare->schema, SV_STORE_SCHEMA));
}

static void make(struct sv_store_work *work)
{
    sv_store_request_send(sv_store_request_group(work));
    for (int i = SV_SCRIPT_NONE + 1; i < SV_SCRIPT_COUNT; i++)
        sv_store_request_send(sv_store_request_load(work, (enum sv_script)i));
}

/* Two workers may install at once: what is there now decides, not what we wrote. */
static void check_again(struct sv_store_work *work)
{
    check_meta(work);
    if (work->err == SV_OK)
        make(work);
}

static void install(struct sv_store_work *work)
{
    check_meta(work);
    if (work->err != SV_OK || work->store->read_only)
        return;
    write_meta(work, "schema", SV_STORE_SCHEMA);
    write_meta(work, "shards", (int64_t)work->store->shards_count);
    read_meta(work);
    work->step = check_again;
}

static void look_at_meta(struct sv_store_work *work)
{
    read_meta(work);
    work->step = install;
}

void sv_store_prepare(struct sv_store_work *work)
{
    struct sv_store_request *request = sv_store_request_new(work, 1, on_info);

    work->state = sv_store_arena_alloc(&work->arena, 1, sizeof(struct prepare));
    sv_store_request_add(request, "INFO");
    sv_store_request_send(request);
    ask_needs(work);
    work->step = look_at_meta;
}
