#include <inttypes.h>

#include "inner.h"

/* What becomes of a claimed domain without a commit: RENEW, RELEASE, and REAP when its holder is
 * gone. */

/* --- renew, release --- */

static void on_held(struct sv_store_request *request, const redisReply *reply)
{
    int64_t held;

    if (!sv_reply_number(reply, &held))
        sv_store_work_malformed(request->work, "a hold answers no number");
    else
        request->work->call->u.hold.held = held == 1;
}

static void add_holder(struct sv_store_request *request)
{
    uint64_t fence = request->work->call->u.hold.fence;

    sv_store_request_add(request, request->work->call->u.hold.own);
    sv_store_request_add(request, sv_store_arena_printf(&request->work->arena, "%" PRIu64, fence));
}

void sv_store_renew(struct sv_store_work *work)
{
    const struct sv_store_hold *in = &work->call->u.hold;
    struct sv_store_request *r = sv_store_request_script(work, SV_SCRIPT_RENEW, 2, 4, on_held);

    sv_store_request_add(r, sv_store_key_of(work, "d", in->uid));
    sv_store_request_add(r, sv_store_key(work, "run"));
    sv_store_request_add(r, in->uid);
    add_holder(r);
    sv_store_request_add_number(r, in->lease_ms);
    sv_store_request_send(r);
}

void sv_store_release(struct sv_store_work *work)
{
    const struct sv_store_hold *in = &work->call->u.hold;
    struct sv_store_request *r = sv_store_request_script(work, SV_SCRIPT_RELEASE, 6, 5, on_held);

    sv_store_request_add(r, sv_store_key_of(work, "d", in->uid));
    sv_store_request_add_queues(r, in->client_id);
    sv_store_request_add(r, in->uid);
    sv_store_request_add(r, in->client_id);
    add_holder(r);
    sv_store_request_add_number(r, in->wait_ms);
    sv_store_request_send(r);
}

/* --- reap --- */

enum { REAP_MAX = 100 }; /* per call; the rest is the next call's */

struct gone {
    const char *uid;
    sv_ms lease;
    const char *client, *job_id, *entry;
};

struct reap {
    sv_ms now;
    size_t count;
    struct gone gone[REAP_MAX];
};

static void on_reaped(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    struct reap *reap = work->state;
    bool loops = sv_reply_is(reply, "CRASH_LOOP");

    if (loops || sv_reply_is(reply, "REAPED")) {
        work->call->u.reap.reaped++;
        work->call->u.reap.dead += loops && reap->gone[request->index].job_id[0] != '\0';
        sv_log_line(work->store->log, SV_LOG_WARN, loops ? "crash_loop" : "lease_reclaimed",
                    loops ? "too many workers in a row never answered for this domain"
                          : "its worker is gone: the domain goes back",
                    SV_LOG_STR("domain_id", reap->gone[request->index].uid));
    } else if (!sv_reply_is(reply, "HELD")) {
        sv_store_work_malformed(work, "reap answers with an unknown word");
    }
}

/* The keys of the job are named only if there is one. */
static void reap_one(struct sv_store_work *work, size_t index)
{
    const struct sv_store_reap *in = &work->call->u.reap;
    const struct gone *gone = &((struct reap *)work->state)->gone[index];
    bool has_job = gone->job_id[0] != '\0';
    struct sv_store_request *r =
        sv_store_request_script(work, SV_SCRIPT_REAP, has_job ? 11 : 7, 8, on_reaped);

    r->index = index;
    sv_store_request_add(r, sv_store_key_of(work, "d", gone->uid));
    sv_store_request_add_queues(r, gone->client);
    sv_store_request_add(r, sv_store_key(work, "n"));
    if (has_job) {
        sv_store_request_add(r, sv_store_key(work, "events"));
        sv_store_request_add(r, sv_store_key(work, "dead"));
        sv_store_request_add(r, sv_store_key_of(work, "dead", gone->entry));
        sv_store_request_add(r, sv_store_key_receipt(work, gone->client, gone->job_id));
    }
    sv_store_request_add(r, gone->uid);
    sv_store_request_add(r, gone->client);
    sv_store_request_add_number(r, in->reclaims_max);
    sv_store_request_add_number(r, in->crash_wait_ms);
    sv_store_request_add_number(r, SV_STORE_RECEIPT_MS);
    sv_store_request_add(r, gone->job_id);
    sv_store_request_add(r, gone->entry);
    sv_store_request_add_number(r, work->call->shard);
    sv_store_request_send(r);
}

static void reap_all(struct sv_store_work *work)
{
    const struct reap *reap = work->state;

    for (size_t i = 0; i < reap->count; i++)
        reap_one(work, i);
}

static void on_whose(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    struct gone *gone = &((struct reap *)work->state)->gone[request->index];
    const char **out[] = {&gone->client, &gone->job_id, &gone->entry};

    if (!sv_reply_is_array(reply, 3)) {
        sv_store_work_malformed(work, "a running domain has no readable record");
        return;
    }
    for (size_t i = 0; i < 3; i++) {
        *out[i] = sv_reply_text(work, reply->element[i]);
        if (*out[i] == NULL)
            *out[i] = "";
    }
}

static void ask_whose(struct sv_store_work *work)
{
    const struct reap *reap = work->state;

    for (size_t i = 0; i < reap->count; i++) {
        struct sv_store_request *r = sv_store_request_new(work, 5, on_whose);

        r->index = i;
        sv_store_request_add(r, "HMGET");
        sv_store_request_add(r, sv_store_key_of(work, "d", reap->gone[i].uid));
        sv_store_request_add(r, "cl");
        sv_store_request_add(r, "jid");
        sv_store_request_add(r, "job");
        sv_store_request_send(r);
    }
    work->step = reap_all;
}

static bool is_good(const struct reap *reap, sv_ms lease)
{
    return lease > reap->now && lease <= reap->now + SV_STORE_LEASE_MAX_MS;
}

/* From one end of the running set, in order of their leases: the first good one ends the list. */
static void on_running(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    struct reap *reap = work->state;

    for (size_t i = 0; sv_reply_is_array(reply, 2 * i + 2) && reap->count < REAP_MAX; i++) {
        struct gone *gone = &reap->gone[reap->count];

        gone->uid = sv_reply_text(work, reply->element[2 * i]);
        if (gone->uid == NULL || !sv_reply_number(reply->element[2 * i + 1], &gone->lease)) {
            sv_store_work_malformed(work, "the running set has no uid or no lease");
            return;
        }
        if (is_good(reap, gone->lease))
            return;
        reap->count++;
    }
}

static void on_time(struct sv_store_request *request, const redisReply *reply)
{
    struct reap *reap = request->work->state;

    if (!sv_reply_time(reply, &reap->now))
        sv_store_work_malformed(request->work, "TIME answers no time");
}

static void ask_running(struct sv_store_work *work, size_t count, bool last)
{
    struct sv_store_request *running = sv_store_request_new(work, last ? 6 : 5, on_running);

    sv_store_request_add(running, "ZRANGE");
    sv_store_request_add(running, sv_store_key(work, "run"));
    sv_store_request_add(running, "0");
    sv_store_request_add_number(running, (int64_t)count - 1);
    if (last)
        sv_store_request_add(running, "REV");
    sv_store_request_add(running, "WITHSCORES");
    sv_store_request_send(running);
}

/* The leases that are past are the first; those of a clock that was ahead are the last. */
void sv_store_reap(struct sv_store_work *work)
{
    size_t count_max = work->call->u.reap.count_max;
    struct sv_store_request *time = sv_store_request_new(work, 1, on_time);

    work->state = sv_store_arena_alloc(&work->arena, 1, sizeof(struct reap));
    work->call->u.reap.reaped = work->call->u.reap.dead = 0;
    sv_store_request_add(time, "TIME");
    sv_store_request_send(time);
    ask_running(work, count_max < REAP_MAX ? count_max : REAP_MAX, false);
    ask_running(work, 1, true);
    work->step = ask_whose;
}
