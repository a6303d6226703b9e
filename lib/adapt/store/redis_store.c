#include "sv/redis_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inner.h"
#include "sv/alloc.h"
#include "sv/require.h"

/* The story: one connection per server for commands, pipelined; one per shard for reads that block,
 * all of them in one group, which knows where a key is served (sv/redis_group.h). A call is turned
 * into steps (store_*.c) that run over them (work.c, request.c).
 *
 * Lost connection: every call under way ends with SV_ECONNECT or SV_ETIMEOUT, unknown whether it
 * ran; the caller repeats it, and the scripts know a repetition. Two kinds of answer would be lost
 * for good, so the store remembers that it missed them: a claim (the same claimer is given the
 * same fence again) and a read of new jobs (they are pending for us; the next TAKE looks there
 * first). The latter also deals with an entry so large that the transport gives up the connection:
 * it is pending then, and is buried unread. */

enum {
    /* As many entries as TAKE may ask for, each as large as it may be, and what frames them. */
    TAKE_REPLY_BYTES_MAX = SV_STORE_TAKE_MAX * (SV_STORE_JOB_BYTES_MAX + 1024),
    PARCELS_REPLY_BYTES_MAX = SV_STORE_PARCELS_MAX * (SV_STORE_EVENT_BYTES_MAX + 1024),
};

static sv_store_step_fn *const first_steps[SV_STORE_OP_COUNT] = {
    [SV_STORE_PREPARE] = sv_store_prepare,
    [SV_STORE_TAKE] = sv_store_take,
    [SV_STORE_TAKE_PENDING] = sv_store_take_pending,
    [SV_STORE_ADMIT] = sv_store_admit,
    [SV_STORE_BURY] = sv_store_bury,
    [SV_STORE_OWN] = sv_store_own,
    [SV_STORE_CLAIM] = sv_store_claim,
    [SV_STORE_RENEW] = sv_store_renew,
    [SV_STORE_COMMIT] = sv_store_commit,
    [SV_STORE_RELEASE] = sv_store_release,
    [SV_STORE_REAP] = sv_store_reap,
    [SV_STORE_PERMIT] = sv_store_permit,
    [SV_STORE_READ] = sv_store_read,
    [SV_STORE_LIST] = sv_store_list,
    [SV_STORE_ENQUEUE] = sv_store_enqueue,
    [SV_STORE_EVENTS] = sv_store_events,
    [SV_STORE_COUNTERS] = sv_store_counters,
    [SV_STORE_OWNERS] = sv_store_owners,
    [SV_STORE_HURRY] = sv_store_hurry,
    [SV_STORE_SWEEP] = sv_store_sweep,
    [SV_STORE_TRIM] = sv_store_trim,
    [SV_STORE_LETTERS] = sv_store_letters,
    [SV_STORE_LETTER_END] = sv_store_letter_end,
    [SV_STORE_BEAT] = sv_store_beat,
    [SV_STORE_RETIRE] = sv_store_retire,
    [SV_STORE_LOOK] = sv_store_look,
    [SV_STORE_PLACES] = sv_store_places,
    [SV_STORE_PAUSE] = sv_store_pause,
    [SV_STORE_PAUSES] = sv_store_pauses,
    [SV_STORE_SINK] = sv_store_sink,
    [SV_STORE_PARCELS] = sv_store_parcels,
    [SV_STORE_SETTLE] = sv_store_settle,
    [SV_STORE_SINK_DEAD] = sv_store_sink_dead,
    [SV_STORE_REPLAY] = sv_store_replay,
    [SV_STORE_MOVE] = sv_store_move,
    [SV_STORE_STRAYS] = sv_store_strays,
};

static bool is_ready(struct sv_store *base)
{
    struct sv_redis_store *store = (struct sv_redis_store *)base;

    if (store->closed != NULL || !sv_redis_group_is_ready(store->group))
        return false;
    for (unsigned i = 0; i < store->shards_count; i++) {
        if (store->shards[i].blocking != NULL &&
            !sv_redis_follower_is_ready(store->shards[i].blocking))
            return false;
        if (store->shards[i].courier != NULL &&
            !sv_redis_follower_is_ready(store->shards[i].courier))
            return false;
    }
    return true;
}

static enum sv_err start(struct sv_store *base, struct sv_store_call *call, sv_store_done_fn *done,
                         struct sv_errinfo *info)
{
    struct sv_redis_store *store = (struct sv_redis_store *)base;

    if (store->closed != NULL)
        return sv_err_set(info, SV_ECANCELED, "store", 0, "the store is being closed");
    if ((unsigned)call->op >= SV_STORE_OP_COUNT)
        return sv_err_set(info, SV_EINVALID, "store", 0, "no such operation: %d", (int)call->op);
    if (call->shard >= store->shards_count)
        return sv_err_set(info, SV_EINVALID, "store", 0, "shard %u of %u", call->shard,
                          store->shards_count);
    call->store = base;
    call->done = done;
    call->info = (struct sv_errinfo){.code = SV_OK};
    return sv_store_work_start(store, call, first_steps[call->op], info);
}

static void cancel(struct sv_store_call *call)
{
    if (call->work != NULL)
        sv_store_work_cancel(call->work);
}

/* --- close --- */

static void on_timer_closed(uv_handle_t *handle)
{
    struct sv_redis_store *store = handle->data;
    sv_store_closed_fn *closed = store->closed;
    void *context = store->closed_context;

    for (unsigned i = 0; i < store->shards_count; i++)
        free(store->shards[i].doubts);
    free(store);
    closed(context);
}

void sv_store_check_closed(struct sv_redis_store *store)
{
    if (store->closed == NULL || !store->group_closed || store->works != NULL ||
        store->timer_closing)
        return;
    store->timer_closing = true;
    uv_close((uv_handle_t *)&store->timer, on_timer_closed);
}

static void on_group_closed(void *context)
{
    struct sv_redis_store *store = context;

    store->group_closed = true;
    sv_store_check_closed(store);
}

static void close_store(struct sv_store *base, sv_store_closed_fn *closed, void *context)
{
    struct sv_redis_store *store = (struct sv_redis_store *)base;

    SV_REQUIRE(store->closed == NULL && closed != NULL);
    store->closed = closed;
    store->closed_context = context;
    for (struct sv_store_work *work = store->works; work != NULL; work = work->next)
        sv_store_work_cancel(work);
    sv_redis_group_close(store->group, on_group_closed, store);
}

/* --- new --- */

static void name_connection(const struct sv_redis_store *store, const char *role, char *out,
                            size_t bytes)
{
    (void)snprintf(out, bytes, "sesverify:%s:%.36s", role, store->consumer);
}

static void connect_readers(struct sv_redis_store *store)
{
    char role[16], name[64], key[SV_STORE_PREFIX_BYTES + 16];

    for (unsigned i = 0; i < store->shards_count; i++) {
        (void)snprintf(role, sizeof(role), "take%u", i);
        name_connection(store, role, name, sizeof(name));
        (void)snprintf(key, sizeof(key), "%s:{%u}:jobs", store->prefix, i);
        store->shards[i].blocking =
            sv_redis_follower_new(store->group, key, name, TAKE_REPLY_BYTES_MAX);
    }
}

static void connect_couriers(struct sv_redis_store *store)
{
    char role[16], name[64], key[SV_STORE_PREFIX_BYTES + 16];

    for (unsigned i = 0; i < store->shards_count; i++) {
        (void)snprintf(role, sizeof(role), "sink%u", i);
        name_connection(store, role, name, sizeof(name));
        (void)snprintf(key, sizeof(key), "%s:{%u}:events", store->prefix, i);
        store->shards[i].courier =
            sv_redis_follower_new(store->group, key, name, PARCELS_REPLY_BYTES_MAX);
    }
}

static void open_group(struct sv_redis_store *store, const struct sv_redis_store_options *options,
                       sv_redis_state_fn *on_state, void *context)
{
    struct sv_redis_group_options group = {.redis = options->redis, .place = options->place};

    name_connection(store, "main", group.redis.client_name, sizeof(group.redis.client_name));
    store->group = sv_redis_group_new(store->loop, &group, on_state, context);
    explicit_bzero(&group.redis.address, sizeof(group.redis.address));
    if (!store->read_only)
        connect_readers(store);
    if (options->has_sinks)
        connect_couriers(store);
}

struct sv_store *sv_redis_store_new(uv_loop_t *loop, const struct sv_redis_store_options *options,
                                    sv_redis_state_fn *on_state, void *context)
{
    static const struct sv_store_ops ops = {
        .start = start, .cancel = cancel, .is_ready = is_ready, .close = close_store};
    struct sv_redis_store *store = sv_alloc(1, sizeof(*store));
    const char *prefix = options->prefix != NULL ? options->prefix : "sv";

    SV_REQUIRE(options->shards >= 1 && options->shards <= SV_STORE_SHARDS_MAX);
    SV_REQUIRE((options->shards & (options->shards - 1)) == 0);
    SV_REQUIRE(strlen(prefix) < sizeof(store->prefix));
    SV_REQUIRE(options->read_only || options->consumer != NULL);
    store->base.ops = &ops;
    store->loop = loop;
    store->log = options->redis.log;
    store->kind = options->place.kind;
    store->refuse_unsafe = options->refuse_unsafe;
    store->read_only = options->read_only;
    store->shards_count = options->shards;
    (void)snprintf(store->prefix, sizeof(store->prefix), "%s", prefix);
    (void)snprintf(store->consumer, sizeof(store->consumer), "%s",
                   options->consumer != NULL ? options->consumer : "reader");
    (void)uv_timer_init(loop, &store->timer); /* cannot fail */
    store->timer.data = store;
    open_group(store, options, on_state, context);
    return &store->base;
}
