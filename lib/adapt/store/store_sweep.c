#include "inner.h"

/* What a sweep of an account's list needs: the turn to walk it, and looks brought forward. */

/* --- hurry --- */

static void on_hurried(struct sv_store_request *request, const redisReply *reply)
{
    int64_t hurried;

    if (!sv_reply_number(reply, &hurried))
        sv_store_work_malformed(request->work, "hurry answers no number");
    else
        request->work->call->u.hurry.hurried = hurried == 1;
}

void sv_store_hurry(struct sv_store_work *work)
{
    const struct sv_store_hurry *in = &work->call->u.hurry;
    struct sv_store_request *r = sv_store_request_script(work, SV_SCRIPT_HURRY, 5, 2, on_hurried);

    sv_store_request_add(r, sv_store_key_of(work, "d", in->uid));
    sv_store_request_add(r, sv_store_key_of(work, "due:hi", in->client_id));
    sv_store_request_add(r, sv_store_key_of(work, "due:lo", in->client_id));
    sv_store_request_add(r, sv_store_key(work, "ring"));
    sv_store_request_add(r, sv_store_key(work, "ring:hi"));
    sv_store_request_add(r, in->uid);
    sv_store_request_add(r, in->client_id);
    sv_store_request_send(r);
}

/* --- sweep --- */

static void on_turn(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_sweep *out = &request->work->call->u.sweep;
    int64_t numbers[7];

    for (size_t i = 0; i < 7; i++) {
        if (!sv_reply_is_array(reply, 7) || !sv_reply_number(reply->element[i], &numbers[i]) ||
            numbers[i] < 0) {
            sv_store_work_malformed(request->work, "sweep answers something else");
            return;
        }
    }
    out->held = numbers[0] == 1;
    out->started_at = numbers[1];
    out->finished_at = numbers[2];
    out->pages = (size_t)numbers[3];
    out->domains = (size_t)numbers[4];
    out->wait_ms = numbers[5];
    out->now = numbers[6];
}

static const char *verb_name(enum sv_store_sweep_verb verb)
{
    switch (verb) {
    case SV_STORE_SWEEP_LOOK:
        return "look";
    case SV_STORE_SWEEP_BEGIN:
        return "begin";
    case SV_STORE_SWEEP_PAGE:
        return "page";
    case SV_STORE_SWEEP_FINISH:
        return "finish";
    }
    return "look";
}

void sv_store_sweep(struct sv_store_work *work)
{
    const struct sv_store_sweep *in = &work->call->u.sweep;
    struct sv_store_request *r = sv_store_request_script(work, SV_SCRIPT_SWEEP, 1, 6, on_turn);

    sv_store_request_add(r, sv_store_key_sweep(work, in->account, in->region));
    sv_store_request_add(r, verb_name(in->verb));
    sv_store_request_add(r, in->worker);
    sv_store_request_add_number(r, in->lease_ms);
    sv_store_request_add_number(r, (int64_t)in->pages);
    sv_store_request_add_number(r, (int64_t)in->domains);
    sv_store_request_add_number(r, in->started_at);
    sv_store_request_send(r);
}
