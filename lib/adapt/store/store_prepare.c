#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inner.h"

/* PREPARE: look at the server (INFO also works where CONFIG is forbidden), then at what installed
 * it, then make the group and load the scripts. Nothing is written before the looks are done. */

enum { REDIS_MAJOR_MIN = 7, SCHEMA = 1 };

struct prepare {
    int64_t schema, shards; /* -1 = not written yet */
};

static void refuse(struct sv_store_work *work, enum sv_err err, const char *text)
{
    struct sv_errinfo info;

    (void)sv_err_set(&info, err, "store", 0, "%s", text);
    sv_store_work_fail(work, err, &info);
}

/* The value behind "name:" at the start of a line; "" when it is not told. */
static void info_value(const char *text, const char *name, char *out, size_t bytes)
{
    size_t len = strlen(name);

    out[0] = '\0';
    for (const char *line = text; line != NULL && *line != '\0';) {
        if (strncmp(line, name, len) == 0 && line[len] == ':') {
            size_t value = strcspn(line + len + 1, "\r\n");

            (void)snprintf(out, bytes, "%.*s", (int)(value < bytes ? value : bytes - 1),
                           line + len + 1);
            return;
        }
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
}

enum sv_err sv_store_check_info(const char *text, struct sv_store_server *server,
                                struct sv_errinfo *info)
{
    char value[64];

    info_value(text, "redis_version", value, sizeof(value));
    if (strtol(value, NULL, 10) < REDIS_MAJOR_MIN)
        return sv_err_set(info, SV_EREFUSED, "store", 0, "redis_version is \"%s\", 7.0 is needed",
                          value);
    info_value(text, "maxmemory_policy", value, sizeof(value));
    server->may_evict = value[0] != '\0' && strcmp(value, "noeviction") != 0;
    info_value(text, "aof_enabled", value, sizeof(value));
    server->not_durable = strcmp(value, "0") == 0;
    return SV_OK;
}

static void warn(struct sv_store_work *work, const char *event, const char *msg)
{
    if (work->call->shard == 0)
        sv_log_line(work->store->options.log, SV_LOG_WARN, event, msg);
}

static void on_info(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    struct sv_store_server server = {.may_evict = false};
    struct sv_errinfo info;

    if (reply->type != REDIS_REPLY_STRING) {
        sv_store_work_malformed(work, "INFO answers no text");
        return;
    }
    if (sv_store_check_info(reply->str, &server, &info) != SV_OK)
        sv_store_work_fail(work, info.code, &info);
    if (server.may_evict)
        warn(work, "redis_may_evict", "maxmemory-policy is not noeviction: work may get lost");
    if (server.not_durable)
        warn(work, "redis_not_durable", "appendonly is off: a crash of Redis loses what it held");
}

static void on_meta(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    struct prepare *prepare = work->state;
    int64_t *out[] = {&prepare->schema, &prepare->shards};

    if (!sv_reply_is_array(reply, 2)) {
        sv_store_work_malformed(work, "meta is not readable");
        return;
    }
    for (size_t i = 0; i < 2; i++) {
        *out[i] = -1;
        if (reply->element[i]->type != REDIS_REPLY_NIL &&
            !sv_reply_number(reply->element[i], out[i]))
            sv_store_work_malformed(work, "meta holds no number");
    }
}

static void ignore(struct sv_store_request *request, const redisReply *reply)
{
    (void)request;
    (void)reply;
}

static void write_meta(struct sv_store_work *work, const char *field, int64_t value)
{
    struct sv_store_request *request = sv_store_request_new(work, 4, ignore);

    sv_store_request_add(request, "HSETNX");
    sv_store_request_add(request, sv_store_key(work, "meta"));
    sv_store_request_add(request, field);
    sv_store_request_add_number(request, value);
    sv_store_request_send(request);
}

static void read_meta(struct sv_store_work *work)
{
    struct sv_store_request *request = sv_store_request_new(work, 4, on_meta);

    sv_store_request_add(request, "HMGET");
    sv_store_request_add(request, sv_store_key(work, "meta"));
    sv_store_request_add(request, "schema");
    sv_store_request_add(request, "shards");
    sv_store_request_send(request);
}

static void check_meta(struct sv_store_work *work)
{
    struct prepare *prepare = work->state;
    unsigned shards = work->store->shards_count;

    if (prepare->shards >= 0 && prepare->shards != (int64_t)shards)
        refuse(work, SV_EINVALID,
               sv_store_arena_printf(&work->arena,
                                     "redis.shards is %u, but this installation has %" PRId64
                                     ": the number is fixed for life",
                                     shards, prepare->shards));
    else if (prepare->schema > SCHEMA)
        refuse(work, SV_EINVALID,
               sv_store_arena_printf(&work->arena,
                                     "the data have schema %" PRId64 ", this program knows %d",
                                     prepare->schema, SCHEMA));
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
    write_meta(work, "schema", SCHEMA);
    write_meta(work, "shards", (int64_t)work->store->shards_count);
    read_meta(work);
    work->step = check_again;
}

void sv_store_prepare(struct sv_store_work *work)
{
    struct sv_store_request *request = sv_store_request_new(work, 1, on_info);

    work->state = sv_store_arena_alloc(&work->arena, 1, sizeof(struct prepare));
    sv_store_request_add(request, "INFO");
    sv_store_request_send(request);
    read_meta(work);
    work->step = install;
}
