#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "inner.h"

/* The door: ADMIT and BURY settle entries; OWN says whose a name is, PERMIT whether to call. */

enum {
    CLAIMING_MS = 3600 * 1000, /* a claim of a name that was never confirmed stands this long */
    NAMES_MAX = 1000,          /* under one registrable domain, see own.lua */
};

static const char *text_of(const char *text)
{
    return text != NULL ? text : "";
}

static bool too_many_fields(struct sv_store_work *work, size_t count)
{
    struct sv_errinfo info;

    if (count <= SV_STORE_FIELDS_MAX)
        return false;
    (void)sv_err_set(&info, SV_EINVALID, "store", 0, "%zu fields, at most %d", count,
                     SV_STORE_FIELDS_MAX);
    sv_store_work_fail(work, SV_EINVALID, &info);
    return true;
}

void sv_store_add_fields(struct sv_store_request *request, const struct sv_field *fields,
                         size_t count, bool deleted)
{
    size_t bytes = 0;
    char *packed, *out;

    for (size_t i = 0; i < count; i++) {
        if ((fields[i].value == NULL) == deleted)
            bytes += strlen(fields[i].name) + 1 + (deleted ? 0 : strlen(fields[i].value) + 1);
    }
    packed = out = sv_store_arena_alloc(&request->work->arena, bytes + 1, 1);
    for (size_t i = 0; i < count; i++) {
        if ((fields[i].value == NULL) != deleted)
            continue;
        out = stpcpy(out, fields[i].name) + 1;
        if (!deleted)
            out = stpcpy(out, fields[i].value) + 1;
    }
    sv_store_request_add_bytes(request, packed, bytes);
}

/* --- admit --- */

/* Name and value of every field; an empty value deletes the field. */
static void add_job_fields(struct sv_store_request *request, const struct sv_store_admit *in)
{
    size_t bytes = 0;
    char *packed, *out;

    for (size_t i = 0; i < in->fields_count; i++)
        bytes += strlen(in->fields[i].name) + strlen(text_of(in->fields[i].value)) + 2;
    packed = out = sv_store_arena_alloc(&request->work->arena, bytes + 1, 1);
    for (size_t i = 0; i < in->fields_count; i++) {
        out = stpcpy(out, in->fields[i].name) + 1;
        out = stpcpy(out, text_of(in->fields[i].value)) + 1;
    }
    sv_store_request_add_bytes(request, packed, bytes);
}

static void on_admitted(struct sv_store_request *request, const redisReply *reply)
{
    static const char *const words[] = {
        [SV_STORE_OPENED] = "OPENED",
        [SV_STORE_COALESCED] = "COALESCED",
        [SV_STORE_REJECTED_COOLDOWN] = "COOLDOWN",
        [SV_STORE_REJECTED_DOMAIN_LIMIT] = "DOMAIN_LIMIT",
        [SV_STORE_REJECTED_NOT_REGISTERED] = "NOT_REGISTERED",
        [SV_STORE_REJECTED_SUPERSEDED] = "SUPERSEDED",
        [SV_STORE_REJECTED_REMOVED_SINCE] = "REMOVED_SINCE",
        [SV_STORE_REFUSED] = "REFUSED",
        [SV_STORE_DUPLICATE] = "DUPLICATE",
    };
    struct sv_store_admit *out = &request->work->call->u.admit;

    for (size_t i = 0; sv_reply_is_array(reply, 2) && i < sizeof(words) / sizeof(words[0]); i++) {
        if (sv_reply_is(reply->element[0], words[i]) &&
            sv_reply_number(reply->element[1], &out->retry_at)) {
            out->outcome = (enum sv_store_admitted)i;
            return;
        }
    }
    sv_store_work_malformed(request->work, "admit answers with an unknown word");
}

void sv_store_admit(struct sv_store_work *work)
{
    const struct sv_store_admit *in = &work->call->u.admit;
    struct sv_store_request *r;

    if (too_many_fields(work, in->fields_count))
        return;
    r = sv_store_request_script(work, SV_SCRIPT_ADMIT, 11, 16, on_admitted);
    sv_store_request_add(r, sv_store_key(work, "jobs"));
    sv_store_request_add(r, sv_store_key_of(work, "d", in->uid));
    sv_store_request_add_queues(r, in->client_id);
    sv_store_request_add(r, sv_store_key_of(work, "c", in->client_id));
    sv_store_request_add(r, sv_store_key(work, "n"));
    sv_store_request_add(r, sv_store_key(work, "events"));
    sv_store_request_add(r, sv_store_key_receipt(work, in->client_id, in->job_id));
    sv_store_request_add(r, in->entry_id);
    sv_store_request_add(r, in->client_id);
    sv_store_request_add(r, in->uid);
    sv_store_request_add(r, in->job_id);
    sv_store_request_add(r, in->type);
    sv_store_request_add(r, text_of(in->refusal));
    sv_store_request_add_number(r, in->todo);
    sv_store_request_add_number(r, in->withdrawn);
    sv_store_request_add(r, text_of(in->contact_email));
    sv_store_request_add_number(r, in->domains_max);
    sv_store_request_add_number(r, in->attempts_max);
    sv_store_request_add_number(r, in->cooldown_ms);
    add_job_fields(r, in);
    sv_store_request_add(r, in->event_head);
    sv_store_request_add(r, in->event_tail);
    sv_store_request_add_number(r, SV_STORE_RECEIPT_MS);
    sv_store_request_send(r);
}

/* --- bury --- */

static void on_buried(struct sv_store_request *request, const redisReply *reply)
{
    if (!sv_reply_is(reply, "BURIED") && !sv_reply_is(reply, "DUPLICATE"))
        sv_store_work_malformed(request->work, "bury answers with an unknown word");
}

void sv_store_bury(struct sv_store_work *work)
{
    const struct sv_store_bury *in = &work->call->u.bury;
    struct sv_store_request *r = sv_store_request_script(work, SV_SCRIPT_BURY, 5, 5, on_buried);

    sv_store_request_add(r, sv_store_key(work, "jobs"));
    sv_store_request_add(r, sv_store_key(work, "n"));
    sv_store_request_add(r, sv_store_key(work, "events"));
    sv_store_request_add(r, sv_store_key(work, "dead"));
    sv_store_request_add(r, sv_store_key_of(work, "dead", in->entry_id));
    sv_store_request_add(r, in->entry_id);
    sv_store_request_add(r, in->reason);
    sv_store_request_add(r, in->error);
    sv_store_request_add_bytes(r, in->payload, in->payload_bytes);
    sv_store_request_add(r, in->event);
    sv_store_request_send(r);
}

/* --- own --- */

static void on_owned(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_own *out = &request->work->call->u.own;
    int64_t granted;

    out->held_by_domain[0] = '\0';
    if (!sv_reply_is_array(reply, 1) || !sv_reply_number(reply->element[0], &granted)) {
        sv_store_work_malformed(request->work, "own answers no number");
        return;
    }
    out->granted = granted == 1;
    if (!out->granted && reply->elements > 1 && reply->element[1]->type == REDIS_REPLY_STRING)
        (void)stpncpy(out->held_by_domain, reply->element[1]->str, sizeof(out->held_by_domain) - 1);
    out->held_by_domain[sizeof(out->held_by_domain) - 1] = '\0';
}

void sv_store_own(struct sv_store_work *work)
{
    const struct sv_store_own *in = &work->call->u.own;
    struct sv_store_request *r = sv_store_request_script(work, SV_SCRIPT_OWN, 1, 10, on_owned);
    static const char *const verbs[] = {[SV_STORE_OWN_CLAIM] = "claim",
                                        [SV_STORE_OWN_CONFIRM] = "confirm",
                                        [SV_STORE_OWN_LOOSEN] = "loosen",
                                        [SV_STORE_OWN_RELEASE] = "release",
                                        [SV_STORE_OWN_DROP] = "drop"};

    sv_store_request_add(r, sv_store_key_owner(work, in->registrable));
    sv_store_request_add(r, verbs[in->verb]);
    sv_store_request_add(r, in->domain);
    sv_store_request_add(r, in->account);
    sv_store_request_add(r, in->client_id);
    sv_store_request_add(r, in->uid);
    sv_store_request_add(r, in->allow_overlap ? "1" : "0");
    sv_store_request_add_number(r, CLAIMING_MS);
    sv_store_request_add_number(r, NAMES_MAX);
    sv_store_request_add_number(r, in->claimed_at);
    sv_store_request_add_number(r, in->idle_ms);
    sv_store_request_send(r);
}

/* --- permit --- */

static void on_permit(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_permit *out = &request->work->call->u.permit;
    int64_t wait_us, interval_us, workers;

    if (!sv_reply_is_array(reply, 4) || !sv_reply_number(reply->element[0], &wait_us) ||
        !sv_reply_number(reply->element[1], &interval_us) ||
        !sv_reply_number(reply->element[2], &workers) ||
        !sv_reply_number(reply->element[3], &out->now_us) || wait_us < 0 || interval_us < 0 ||
        workers < 1 || workers > UINT_MAX) {
        sv_store_work_malformed(request->work, "the limiter answers no wait");
        return;
    }
    out->wait_ms = (wait_us + 999) / 1000;
    out->interval_ms = (interval_us + 999) / 1000;
    out->workers = (unsigned)workers;
}

void sv_store_permit(struct sv_store_work *work)
{
    const struct sv_store_permit *in = &work->call->u.permit;
    struct sv_store_request *r = sv_store_request_script(work, SV_SCRIPT_GCRA, 2, 3, on_permit);
    const char *limiter = sv_store_key_limiter(work, in->account, in->region, in->action);

    sv_store_request_add(r, limiter);
    sv_store_request_add(r, sv_store_key_line(work, limiter));
    sv_store_request_add_number(r, in->interval_us);
    sv_store_request_add(r, in->worker);
    sv_store_request_add(r, in->throttled ? "1" : "0");
    sv_store_request_send(r);
}
