/* A stream of another Redis.
 *
 * The happy path: XADD, the reply is the entry's id, DELIVERED.
 *
 * What can fail: no connection, no answer in time, a full server, a key of another type, a user who
 * may not: LATER, always. Events that come before the first attempt to connect is over wait for it,
 * so that a start does not cost the first ones a place in the plan. */
#include "sv/redis_sink.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "desk.h"
#include "sv/alloc.h"

enum { WORDS_MAX = 8 };

struct redis_sink {
    struct sv_sink sink;
    struct sv_sink_desk desk;
    struct sv_redis *redis;
    struct sv_redis_tls *tls;
    char *stream;
    char entries_max[24];  /* "" = no limit */
    bool is_settled;       /* the first attempt to connect is over */
    struct send *waiting;  /* for that */
    struct sv_errinfo why; /* there is no connection; SV_OK while there is one */
};

struct send {
    struct sv_redis_command command;
    struct sv_sink_parcel *parcel;
    struct redis_sink *sink;
    struct send *prev, *next;
};

static struct redis_sink *self(struct sv_sink *sink)
{
    return (struct redis_sink *)sink;
}

static void on_reply(struct sv_redis_command *command, enum sv_err err, const redisReply *reply)
{
    struct send *send = command->owner;
    struct sv_sink_parcel *parcel = send->parcel;
    struct redis_sink *redis = send->sink;
    enum sv_sink_outcome outcome = SV_SINK_DELIVERED;

    if (err == SV_OK && reply->type != REDIS_REPLY_STRING)
        err = sv_err_set(&command->info, SV_EMALFORMED, "redis", 0, "XADD answered no id");
    if (err != SV_OK) {
        parcel->info = command->info;
        outcome = SV_SINK_LATER;
    }
    free(send);
    sv_sink_desk_answer(&redis->desk, parcel, outcome);
}

static void add(struct redis_sink *redis, struct send *send)
{
    const char *argv[WORDS_MAX];
    size_t bytes[WORDS_MAX];
    struct sv_redis_words words = {.argv = argv, .argv_bytes = bytes};
    struct sv_sink_parcel *parcel = send->parcel;

    argv[words.count++] = "XADD";
    argv[words.count++] = redis->stream;
    if (redis->entries_max[0] != '\0') {
        argv[words.count++] = "MAXLEN";
        argv[words.count++] = "~";
        argv[words.count++] = redis->entries_max;
    }
    argv[words.count++] = "*";
    argv[words.count++] = "event";
    for (size_t i = 0; i < words.count; i++)
        bytes[i] = strlen(argv[i]);
    argv[words.count] = parcel->body;
    bytes[words.count++] = parcel->body_bytes;
    if (sv_redis_start(redis->redis, &send->command, &words, on_reply, &parcel->info) == SV_OK)
        return;
    if (redis->why.code != SV_OK) /* better than that there is none */
        parcel->info = redis->why;
    free(send);
    sv_sink_desk_answer_later(&redis->desk, parcel, SV_SINK_LATER);
}

static void on_state(void *context, bool ready, const struct sv_errinfo *why)
{
    struct redis_sink *redis = context;
    struct send *waiting = redis->waiting, *send, *next;

    redis->why = ready || why == NULL ? (struct sv_errinfo){.code = SV_OK} : *why;
    redis->is_settled = true;
    redis->waiting = NULL;
    DL_FOREACH_SAFE(waiting, send, next)
    add(redis, send);
}

static void deliver(struct sv_sink *sink, struct sv_sink_parcel *parcel, sv_sink_done_fn *done)
{
    struct redis_sink *redis = self(sink);
    struct send *send = sv_alloc(1, sizeof *send);

    sv_sink_desk_take(&redis->desk, parcel, done);
    *send = (struct send){.command.owner = send, .parcel = parcel, .sink = redis};
    if (redis->is_settled)
        add(redis, send);
    else
        DL_APPEND(redis->waiting, send);
}

static void on_redis_closed(void *context)
{
    struct redis_sink *redis = context;

    sv_sink_desk_let_go(&redis->desk);
}

static void release(struct sv_sink *sink)
{
    sv_redis_tls_free(self(sink)->tls);
    free(self(sink)->stream);
    free(self(sink));
}

static void close_sink(struct sv_sink *sink, sv_sink_closed_fn *closed, void *context)
{
    struct redis_sink *redis = self(sink);
    struct send *send, *next;

    DL_FOREACH_SAFE(redis->waiting, send, next)
    {
        sv_sink_desk_cancel(&redis->desk, send->parcel);
        free(send);
    }
    redis->waiting = NULL;
    sv_redis_close(redis->redis, on_redis_closed, redis); /* what is under way ends canceled */
    sv_sink_desk_close(&redis->desk, closed, context);
}

static const struct sv_sink_kind kind = {.name = "redis", .deliver = deliver, .close = close_sink};

struct sv_sink *sv_redis_sink_new(const struct sv_redis_sink_options *options)
{
    struct redis_sink *redis = sv_alloc(1, sizeof *redis);
    struct sv_redis_options connection = *options->redis;

    connection.tls = redis->tls = options->tls;
    redis->sink.kind = &kind;
    redis->stream = sv_strdup(options->stream);
    (void)snprintf(redis->sink.name, sizeof redis->sink.name, "%s", options->name);
    if (options->entries_max > 0)
        (void)snprintf(redis->entries_max, sizeof redis->entries_max, "%" PRIu64,
                       options->entries_max);
    sv_sink_desk_init(&redis->desk, options->loop, &redis->sink, release);
    sv_sink_desk_hold(&redis->desk);
    redis->redis = sv_redis_new(options->loop, &connection, on_state, redis);
    explicit_bzero(&connection.address, sizeof connection.address);
    return &redis->sink;
}
