#include <stdlib.h>
#include <string.h>

#include "inner.h"
#include "sv/alloc.h"
#include "sv/require.h"

/* The story: a call is a row of steps. A step sends requests and names the step that follows when
 * all of them have come back; no next step means the end. The first failure ends the call, but only
 * when everything outstanding has come back, so that nothing points into freed memory. */

enum { SOON_MS = 1 };

void sv_store_work_fail(struct sv_store_work *work, enum sv_err err, const struct sv_errinfo *info)
{
    if (work->err != SV_OK)
        return;
    work->err = err;
    work->info = *info;
    work->info.code = err;
}

void sv_store_work_malformed(struct sv_store_work *work, const char *what)
{
    struct sv_errinfo info;

    (void)sv_err_set(&info, SV_EMALFORMED, "store", 0, "%s", what);
    sv_store_work_fail(work, SV_EMALFORMED, &info);
}

struct sv_store_shard *sv_store_work_shard(struct sv_store_work *work)
{
    return &work->store->shards[work->call->shard];
}

static void unlink_work(struct sv_store_work *work)
{
    if (work->next != NULL)
        work->next->previous = work->previous;
    if (work->previous != NULL)
        work->previous->next = work->next;
    else
        work->store->works = work->next;
}

static void free_work(struct sv_store_work *work)
{
    sv_store_arena_fini(&work->arena);
    free(work);
}

/* The call's memory may be gone after done; ours must last until then. */
static void finish(struct sv_store_work *work)
{
    struct sv_store_call *call = work->call;
    struct sv_redis_store *store = work->store;
    enum sv_err err = work->canceled ? SV_ECANCELED : work->err;

    if (err != SV_OK && call->op == SV_STORE_CLAIM)
        sv_store_claim_doubt(work);
    if (err != SV_OK && call->op == SV_STORE_TAKE)
        sv_store_work_shard(work)->reads_in_doubt = true;
    unlink_work(work);
    call->work = NULL;
    call->info = work->info;
    call->info.code = err;
    call->done(call, err);
    free_work(work);
    sv_store_check_closed(store);
}

void sv_store_work_run(struct sv_store_work *work)
{
    while (work->outstanding == 0 && !work->waiting) {
        sv_store_step_fn *step = work->step;

        if (work->canceled || work->err != SV_OK || step == NULL) {
            finish(work);
            return;
        }
        work->step = NULL;
        step(work);
    }
}

/* The first step sends something or fails; a failure before anything went out is the start's. */
enum sv_err sv_store_work_start(struct sv_redis_store *store, struct sv_store_call *call,
                                sv_store_step_fn *step, struct sv_errinfo *info)
{
    struct sv_store_work *work = sv_alloc(1, sizeof(*work));
    enum sv_err err;

    work->call = call;
    work->store = store;
    call->work = work;
    step(work);
    if (work->outstanding > 0) {
        work->next = store->works;
        if (work->next != NULL)
            work->next->previous = work;
        store->works = work;
        return SV_OK;
    }
    SV_REQUIRE(work->err != SV_OK);
    err = work->err;
    if (info != NULL)
        *info = work->info;
    call->work = NULL;
    free_work(work);
    return err;
}

/* --- waiting --- */

static void on_timer(uv_timer_t *timer);

static void arm(struct sv_redis_store *store)
{
    uint64_t now = uv_now(store->loop), first = UINT64_MAX;

    for (struct sv_store_work *work = store->works; work != NULL; work = work->next) {
        if (work->waiting && work->wake_at < first)
            first = work->wake_at;
    }
    if (first != UINT64_MAX)
        (void)uv_timer_start(&store->timer, on_timer, first > now ? first - now : SOON_MS, 0);
}

void sv_store_work_sleep(struct sv_store_work *work, sv_ms wait_ms)
{
    work->waiting = true;
    work->wake_at = uv_now(work->store->loop) + (uint64_t)wait_ms;
    arm(work->store);
}

/* Running one call may end others or start new ones, so the walk begins anew after each. Each is
 * taken at most once: it is either gone, busy, or asleep until later. */
static void on_timer(uv_timer_t *timer)
{
    struct sv_redis_store *store = timer->data;
    uint64_t now = uv_now(store->loop);
    struct sv_store_work *work = store->works;

    while (work != NULL) {
        /* What ended has left the list before its memory went.
         * NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
        if (work->waiting && work->wake_at <= now) {
            work->waiting = false;
            sv_store_work_run(work);
            work = store->works;
        } else {
            work = work->next;
        }
    }
    arm(store);
}

/* A read that waits at the server would be given jobs that nobody listens to any more: they would
 * be pending until others take them over. Closing its connection ends it there, too. */
static void cancel_request(struct sv_store_request *request)
{
    sv_redis_group_cancel(&request->routed);
    if (request->target.follower != NULL)
        sv_redis_follower_reconnect(request->target.follower, "the read that waits is canceled");
}

void sv_store_work_cancel(struct sv_store_work *work)
{
    struct sv_errinfo info;

    work->canceled = true;
    (void)sv_err_set(&info, SV_ECANCELED, "store", 0, "canceled by its owner");
    work->info = info;
    work->err = SV_ECANCELED;
    for (struct sv_store_request *r = work->requests; r != NULL; r = r->next) {
        if (r->in_flight)
            cancel_request(r);
    }
    if (work->waiting) {
        work->wake_at = uv_now(work->store->loop);
        arm(work->store);
    }
}
