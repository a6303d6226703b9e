#include "fake_store.h"

#include <stdlib.h>
#include <string.h>

#include "fake_inner.h"
#include "sv/alloc.h"
#include "sv/require.h"

/* Calls are kept in the order of their starts and done by a timer in a later turn. TAKE and EVENTS
 * that find nothing stay in the list; every turn with a call in it asks them again. */

enum { POLL_MS = 1 };

static fake_op_fn *const operations[SV_STORE_OP_COUNT] = {
    [SV_STORE_PREPARE] = NULL,
    [SV_STORE_TAKE] = fake_take,
    [SV_STORE_TAKE_PENDING] = fake_take_pending,
    [SV_STORE_ADMIT] = fake_admit,
    [SV_STORE_BURY] = fake_bury,
    [SV_STORE_OWN] = fake_own,
    [SV_STORE_CLAIM] = fake_claim,
    [SV_STORE_RENEW] = fake_renew,
    [SV_STORE_COMMIT] = fake_commit,
    [SV_STORE_RELEASE] = fake_release,
    [SV_STORE_REAP] = fake_reap,
    [SV_STORE_PERMIT] = fake_permit,
    [SV_STORE_HURRY] = fake_hurry,
    [SV_STORE_SWEEP] = fake_sweep,
    [SV_STORE_TRIM] = fake_trim,
    [SV_STORE_LETTERS] = fake_letters,
    [SV_STORE_LETTER_END] = fake_letter_end,
    [SV_STORE_BEAT] = fake_beat,
    [SV_STORE_RETIRE] = fake_retire,
    [SV_STORE_LOOK] = fake_look,
    [SV_STORE_PLACES] = fake_places,
    [SV_STORE_PAUSE] = fake_pause,
    [SV_STORE_PAUSES] = fake_pauses,
    [SV_STORE_SINK] = fake_sink,
    [SV_STORE_PARCELS] = fake_parcels,
    [SV_STORE_SETTLE] = fake_settle,
    [SV_STORE_SINK_DEAD] = fake_sink_dead,
    [SV_STORE_REPLAY] = fake_replay,
    [SV_STORE_MOVE] = NULL, /* its shards stay as many as they are */
    [SV_STORE_STRAYS] = fake_strays,
    [SV_STORE_READ] = fake_read,
    [SV_STORE_LIST] = fake_list,
    [SV_STORE_ENQUEUE] = fake_enqueue,
    [SV_STORE_EVENTS] = fake_events,
    [SV_STORE_COUNTERS] = fake_counters,
    [SV_STORE_OWNERS] = fake_owners,
};

struct fake_shard *fake_shard_of(const struct fake_work *work)
{
    return &work->store->shards[work->call->shard];
}

int64_t fake_now_us(const struct fake_store *store)
{
    const struct sv_clock *clock = sv_clock_system();

    return (store->clock_is_set ? store->now : clock->wall(clock->context)) * 1000;
}

sv_ms fake_now(const struct fake_store *store)
{
    return fake_now_us(store) / 1000;
}

/* --- scripted faults --- */

/* SV_OK, or how this call is to end. */
static enum sv_err next_fault(struct fake_store *store, enum sv_store_op op)
{
    struct sv_fake_fault *fault = &store->fault;

    if (fault->fail == 0 || (fault->op != op && fault->op != SV_STORE_OP_COUNT))
        return SV_OK;
    if (fault->pass > 0) {
        fault->pass--;
        return SV_OK;
    }
    fault->fail--;
    store->faults++;
    return fault->err;
}

/* --- running --- */

static void on_timer(uv_timer_t *timer);

static void check_closed(struct fake_store *store);

static void unlink_work(struct fake_work *work)
{
    struct fake_work **at = &work->store->works;

    while (*at != work)
        at = &(*at)->next;
    *at = work->next;
}

static void finish(struct fake_work *work, enum sv_err err)
{
    struct sv_store_call *call = work->call;

    unlink_work(work);
    call->work = NULL;
    call->info = (struct sv_errinfo){.code = SV_OK};
    if (err != SV_OK)
        (void)sv_err_set(&call->info, err, "fake", 0, "scripted, or canceled");
    call->done(call, err);
    sv_store_arena_fini(&work->arena);
    free(work);
}

/* A lost answer: the work is done, and the call fails. A call that waits is not failed halfway. */
static bool run_one(struct fake_work *work)
{
    fake_op_fn *operation = operations[work->call->op];
    enum sv_err err = work->canceled ? SV_ECANCELED : SV_OK;
    bool applied = work->store->fault.applied;

    if (work->canceled && work->is_new && work->store->hasty && operation != NULL)
        (void)operation(work);
    if (err == SV_OK && work->is_new)
        err = next_fault(work->store, work->call->op);
    if ((err == SV_OK || (applied && !work->canceled)) && operation != NULL && !operation(work) &&
        err == SV_OK) {
        work->is_new = false;
        return false;
    }
    finish(work, err);
    return true;
}

static bool is_held(const struct fake_work *work)
{
    const struct fake_store *store = work->store;

    return store->held && (store->held_op == SV_STORE_OP_COUNT || store->held_op == work->call->op);
}

/* Those that were there when the turn began, each once; the list may change under us. */
static void on_timer(uv_timer_t *timer)
{
    struct fake_store *store = timer->data;
    size_t count = 0;
    struct fake_work *work;

    for (work = store->works; work != NULL; work = work->next)
        count++;
    work = store->works;
    for (; count > 0 && work != NULL; count--) {
        struct fake_work *next = work->next;

        if (!is_held(work) || work->canceled)
            (void)run_one(work);
        work = next;
    }
    if (store->works != NULL)
        (void)uv_timer_start(&store->timer, on_timer, POLL_MS, 0);
    check_closed(store);
}

static void hurry(struct fake_store *store)
{
    (void)uv_timer_start(&store->timer, on_timer, 0, 0);
}

static enum sv_err start(struct sv_store *base, struct sv_store_call *call, sv_store_done_fn *done,
                         struct sv_errinfo *info)
{
    struct fake_store *store = (struct fake_store *)base;
    struct fake_work *work, **at = &store->works;

    if (store->closed != NULL)
        return sv_err_set(info, SV_ECANCELED, "fake", 0, "the store is being closed");
    if (store->not_ready)
        return sv_err_set(info, SV_ECONNECT, "fake", 0, "not connected");
    if ((unsigned)call->op >= SV_STORE_OP_COUNT || call->shard >= store->shards_count)
        return sv_err_set(info, SV_EINVALID, "fake", 0, "no such operation or shard");
    if (call->op == SV_STORE_CLAIM &&
        (call->u.claim.count_max < 1 || call->u.claim.count_max > SV_STORE_CLAIM_MAX ||
         call->u.claim.per_client_max < 1))
        return sv_err_set(info, SV_EINVALID, "fake", 0, "claim: count_max or per_client_max");
    store->calls[call->op]++;
    work = sv_alloc(1, sizeof(*work));
    work->call = call;
    work->store = store;
    work->is_new = true;
    call->store = base;
    call->done = done;
    call->work = work;
    while (*at != NULL)
        at = &(*at)->next;
    *at = work;
    hurry(store);
    return SV_OK;
}

static void cancel(struct sv_store_call *call)
{
    struct fake_work *work = call->work;

    if (work == NULL)
        return;
    work->canceled = true;
    hurry(work->store);
}

static bool is_ready(struct sv_store *base)
{
    const struct fake_store *store = (const struct fake_store *)base;

    return store->closed == NULL && !store->not_ready;
}

/* --- close --- */

static void free_names(struct fake_store *store)
{
    struct fake_limit *limit, *next_limit;

    while (store->names != NULL) {
        struct fake_name *name = store->names;

        store->names = name->next;
        free(name->registrable);
        free(name->domain);
        free(name->account);
        free(name->client);
        free(name->uid);
        free(name);
    }
    HASH_ITER(hh, store->limits, limit, next_limit)
    {
        HASH_DEL(store->limits, limit);
        free(limit->key);
        free(limit);
    }
    fake_sweeps_fini(store);
    fake_pauses_fini(store);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct fake_store *store = handle->data;
    sv_store_closed_fn *closed = store->closed;
    void *context = store->closed_context;

    for (unsigned i = 0; i < store->shards_count; i++)
        fake_shard_fini(&store->shards[i]);
    free_names(store);
    free(store);
    closed(context);
}

static void check_closed(struct fake_store *store)
{
    if (store->closed == NULL || store->works != NULL || store->timer_closing)
        return;
    store->timer_closing = true;
    uv_close((uv_handle_t *)&store->timer, on_timer_closed);
}

static void close_store(struct sv_store *base, sv_store_closed_fn *closed, void *context)
{
    struct fake_store *store = (struct fake_store *)base;

    SV_REQUIRE(store->closed == NULL && closed != NULL);
    store->closed = closed;
    store->closed_context = context;
    for (struct fake_work *work = store->works; work != NULL; work = work->next)
        work->canceled = true;
    hurry(store);
}

/* --- new, and the controls --- */

struct sv_store *sv_fake_store_new(uv_loop_t *loop, unsigned shards)
{
    static const struct sv_store_ops ops = {
        .start = start, .cancel = cancel, .is_ready = is_ready, .close = close_store};
    struct fake_store *store = sv_alloc(1, sizeof(*store));

    SV_REQUIRE(shards >= 1 && shards <= FAKE_SHARDS_MAX);
    store->base.ops = &ops;
    store->loop = loop;
    store->shards_count = shards;
    (void)uv_timer_init(loop, &store->timer); /* cannot fail */
    store->timer.data = store;
    return &store->base;
}

void sv_fake_store_set_now(struct sv_store *base, sv_ms now)
{
    struct fake_store *store = (struct fake_store *)base;

    store->clock_is_set = true;
    store->now = now;
}

void sv_fake_store_fail(struct sv_store *base, const struct sv_fake_fault *fault)
{
    struct fake_store *store = (struct fake_store *)base;

    store->fault = *fault;
}

void sv_fake_store_set_ready(struct sv_store *base, bool ready)
{
    struct fake_store *store = (struct fake_store *)base;

    store->not_ready = !ready;
}

void sv_fake_store_hold(struct sv_store *base, enum sv_store_op op, bool held)
{
    struct fake_store *store = (struct fake_store *)base;

    store->held_op = op;
    store->held = held;
}

bool sv_fake_store_waits(const struct sv_store *base, enum sv_store_op op)
{
    const struct fake_work *work = ((const struct fake_store *)base)->works;

    while (work != NULL && work->call->op != op)
        work = work->next;
    return work != NULL;
}

void sv_fake_store_set_hasty(struct sv_store *base, bool hasty)
{
    struct fake_store *store = (struct fake_store *)base;

    store->hasty = hasty;
}

uint64_t sv_fake_store_faults(const struct sv_store *base)
{
    const struct fake_store *store = (const struct fake_store *)base;

    return store->faults;
}

uint64_t sv_fake_store_calls(const struct sv_store *base, enum sv_store_op op)
{
    const struct fake_store *store = (const struct fake_store *)base;

    return store->calls[op];
}

const char *sv_fake_store_event(const struct sv_store *base, unsigned shard, size_t i)
{
    const struct fake_store *store = (const struct fake_store *)base;
    const struct fake_stream *outbox = &store->shards[shard].outbox;

    return i < outbox->count ? outbox->entries[i].payload : NULL;
}

void sv_fake_store_add_event(struct sv_store *base, unsigned shard, const char *event)
{
    struct fake_store *store = (struct fake_store *)base;

    (void)fake_stream_add(store, &store->shards[shard].outbox, event, strlen(event));
}

sv_ms sv_fake_store_next_at(const struct sv_store *base, unsigned shard)
{
    const struct fake_store *store = (const struct fake_store *)base;
    const struct fake_domain *domain;
    sv_ms at = -1;

    for (domain = store->shards[shard].domains; domain != NULL; domain = domain->hh.next) {
        if (domain->place != FAKE_NOWHERE && (at < 0 || domain->at < at))
            at = domain->at;
    }
    return at;
}
