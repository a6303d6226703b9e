#include <string.h>

#include "inner.h"

/* How workers know of each other: who beats, and which readers of an inbox are gone. */

/* --- beat --- */

/* Answers how many live, then their names. */
static void on_beat(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    struct sv_store_beat *out = &work->call->u.beat;
    const char **names;
    int64_t count;

    if (!sv_reply_is_array(reply, 1) || !sv_reply_number(reply->element[0], &count) || count < 0) {
        sv_store_work_malformed(work, "beat answers no number");
        return;
    }
    names = sv_store_arena_alloc(&work->arena, reply->elements, sizeof(*names));
    for (size_t i = 1; i < reply->elements; i++) {
        names[i - 1] = sv_reply_text(work, reply->element[i]);
        if (names[i - 1] == NULL) {
            sv_store_work_malformed(work, "beat names no worker");
            return;
        }
    }
    out->count = (size_t)count;
    out->workers = names;
}

void sv_store_beat(struct sv_store_work *work)
{
    const struct sv_store_beat *in = &work->call->u.beat;
    struct sv_store_request *r = sv_store_request_script(work, SV_SCRIPT_BEAT, 1, 4, on_beat);
    struct sv_errinfo info;

    if (in->expiry_ms < 0 || in->expiry_ms > SV_STORE_BEAT_MS_MAX ||
        strlen(in->worker) >= SV_STORE_WORKER_BYTES) {
        (void)sv_err_set(&info, SV_EINVALID, "store", 0, "beat: expiry_ms or worker");
        sv_store_work_fail(work, SV_EINVALID, &info);
        return;
    }
    sv_store_request_add(r, sv_store_key_beats(work));
    sv_store_request_add(r, in->worker);
    sv_store_request_add_number(r, in->expiry_ms);
    sv_store_request_add_number(r, SV_STORE_BEAT_MS_MAX);
    sv_store_request_add_number(r, SV_STORE_WORKERS_MAX);
    sv_store_request_send(r);
}

/* --- retire --- */

static void on_retired(struct sv_store_request *request, const redisReply *reply)
{
    int64_t retired;

    if (!sv_reply_number(reply, &retired) || retired < 0)
        sv_store_work_malformed(request->work, "retire answers no number");
    else
        request->work->call->u.retire.retired = (size_t)retired;
}

void sv_store_retire(struct sv_store_work *work)
{
    const struct sv_store_retire *in = &work->call->u.retire;
    struct sv_store_request *r = sv_store_request_script(work, SV_SCRIPT_RETIRE, 1, 4, on_retired);

    sv_store_request_add(r, sv_store_key(work, "jobs"));
    sv_store_request_add(r, SV_STORE_GROUP);
    sv_store_request_add(r, work->store->consumer);
    sv_store_request_add(r, in->own ? "own" : "others");
    sv_store_request_add_number(r, in->own ? 0 : in->idle_ms);
    sv_store_request_send(r);
}
