#include <inttypes.h>
#include <string.h>

#include "inner.h"

/* COMMIT: one script. Everything it needs was rendered before; what it refuses, nobody sees. */

static void on_committed(struct sv_store_request *request, const redisReply *reply)
{
    static const char *const words[] = {
        [SV_STORE_COMMITTED] = "COMMITTED",
        [SV_STORE_ALREADY] = "ALREADY",
        [SV_STORE_FENCED] = "FENCED",
        [SV_STORE_CONFLICT] = "CONFLICT",
    };
    struct sv_store_work *work = request->work;
    struct sv_store_commit *out = &work->call->u.commit;
    int64_t again = 0;

    out->again = false;
    for (size_t i = 0; sv_reply_is_array(reply, 1) && i < sizeof(words) / sizeof(words[0]); i++) {
        if (!sv_reply_is(reply->element[0], words[i]))
            continue;
        out->verdict = (enum sv_store_verdict)i;
        if (out->verdict == SV_STORE_COMMITTED && reply->elements > 1 &&
            sv_reply_number(reply->element[1], &again))
            out->again = again == 1;
        if (out->verdict == SV_STORE_CONFLICT && reply->elements > 1)
            (void)sv_err_set(&work->info, SV_OK, "store", 0, "%s", reply->element[1]->str);
        return;
    }
    sv_store_work_malformed(work, "commit answers with an unknown word");
}

static const char *flag(bool set)
{
    return set ? "1" : "0";
}

static void add_keys(struct sv_store_request *r, const struct sv_store_commit *in)
{
    struct sv_store_work *work = r->work;

    sv_store_request_add(r, sv_store_key_of(work, "d", in->uid));
    sv_store_request_add_queues(r, in->client_id);
    sv_store_request_add(r, sv_store_key_of(work, "c", in->client_id));
    sv_store_request_add(r, sv_store_key(work, "events"));
    sv_store_request_add(r, sv_store_key(work, "n"));
    sv_store_request_add(r, sv_store_key_of(work, "x", in->uid));
    sv_store_request_add(r, sv_store_key(work, "meta"));
    if (in->job_id != NULL)
        sv_store_request_add(r, sv_store_key_receipt(work, in->client_id, in->job_id));
}

static void add_number(struct sv_store_request *r, uint64_t number)
{
    sv_store_request_add(r, sv_store_arena_printf(&r->work->arena, "%" PRIu64, number));
}

/* A verb and the text it is about. */
static void add_text(struct sv_store_request *r, const char *text)
{
    const char *verb = "";

    if (text != NULL)
        verb = text[0] != '\0' ? "set" : "delete";
    sv_store_request_add(r, verb);
    sv_store_request_add(r, text != NULL ? text : "");
}

static void add_args(struct sv_store_request *r, const struct sv_store_commit *in)
{
    bool has_job = in->job_id != NULL;

    sv_store_request_add(r, in->uid);
    sv_store_request_add(r, in->client_id);
    sv_store_request_add(r, in->own);
    add_number(r, in->fence);
    add_number(r, in->sequence);
    sv_store_request_add(r, in->from);
    sv_store_request_add(r, in->to);
    sv_store_add_fields(r, in->fields, in->fields_count, false);
    sv_store_add_fields(r, in->fields, in->fields_count, true);
    sv_store_request_add_number(r, in->wait_ms < 0 ? -1 : in->wait_ms);
    sv_store_request_add(r, flag(in->urgent));
    sv_store_request_add(r, in->event != NULL ? in->event : "");
    sv_store_request_add(r, has_job ? in->job_id : "");
    sv_store_request_add(r, has_job ? in->job_outcome : "");
    sv_store_request_add(r, has_job ? in->job_event : "");
    sv_store_request_add(r, flag(in->give_back));
    sv_store_request_add(r, flag(in->reset_attempts));
    sv_store_request_add(r, flag(in->forget_client));
    add_text(r, in->detail);
    add_text(r, in->change);
    sv_store_request_add_number(r, SV_STORE_DETAIL_BYTES_MAX);
    sv_store_request_add_number(r, SV_STORE_CHANGES_MAX);
    sv_store_request_add_number(r, SV_STORE_RECEIPT_MS);
}

static bool fits(const char *text, size_t bytes_max)
{
    return text == NULL || (strlen(text) <= bytes_max && strchr(text, '\n') == NULL);
}

/* A text that breaks a limit is the caller's mistake; it must not get into Redis. */
static bool check(struct sv_store_work *work, const struct sv_store_commit *in)
{
    struct sv_errinfo info;
    enum sv_err err = SV_OK;

    if (in->fields_count > SV_STORE_FIELDS_MAX)
        err = sv_err_set(&info, SV_EINVALID, "store", 0, "%zu fields, at most %d", in->fields_count,
                         SV_STORE_FIELDS_MAX);
    else if (in->event != NULL && strncmp(in->event, "{\"", 2) != 0)
        err = sv_err_set(&info, SV_EINVALID, "store", 0, "an event is an object with members");
    else if ((in->event != NULL && strlen(in->event) > SV_STORE_DOMAIN_EVENT_BYTES_MAX) ||
             (in->job_id != NULL && strlen(in->job_event) > SV_STORE_EVENT_BYTES_MAX))
        err = sv_err_set(&info, SV_ETOOBIG, "store", 0, "an event of more than %d bytes",
                         SV_STORE_EVENT_BYTES_MAX);
    else if (!fits(in->detail, SV_STORE_DETAIL_BYTES_MAX) ||
             !fits(in->change, SV_STORE_CHANGE_BYTES_MAX))
        err = sv_err_set(&info, SV_ETOOBIG, "store", 0,
                         "a detail of more than %d bytes or a change of more than %d, or two lines",
                         SV_STORE_DETAIL_BYTES_MAX, SV_STORE_CHANGE_BYTES_MAX);
    if (err != SV_OK)
        sv_store_work_fail(work, err, &info);
    return err == SV_OK;
}

void sv_store_commit(struct sv_store_work *work)
{
    const struct sv_store_commit *in = &work->call->u.commit;
    struct sv_store_request *r;

    if (!check(work, in))
        return;
    r = sv_store_request_script(work, SV_SCRIPT_COMMIT, in->job_id != NULL ? 12 : 11, 25,
                                on_committed);
    add_keys(r, in);
    add_args(r, in);
    sv_store_request_send(r);
}
