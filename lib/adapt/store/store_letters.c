#include <stdio.h>

#include "inner.h"

/* Dead letters. LETTERS: ids by rank, then of each the small fields and the payload's length; then
 * the payloads that are short enough, so that no letter is larger than what the transport takes.
 * LETTER_END: one script, safe to repeat. */

enum { FIELD_REASON, FIELD_ERROR, FIELD_AT, FIELD_CLIENT, FIELD_DOMAIN, FIELD_JOB, FIELD_TYPE };

static const char *const fields[] = {
    [FIELD_REASON] = "reason",    [FIELD_ERROR] = "error",      [FIELD_AT] = "at",
    [FIELD_CLIENT] = "client_id", [FIELD_DOMAIN] = "domain_id", [FIELD_JOB] = "job_id",
    [FIELD_TYPE] = "type",
};

enum { FIELDS = sizeof(fields) / sizeof(fields[0]) };

static struct sv_store_letter *letter_of(struct sv_store_request *request)
{
    struct sv_store_letter *letters = request->work->state;

    return &letters[request->index];
}

static struct sv_store_request *ask(struct sv_store_work *work, size_t index, const char *command,
                                    sv_store_reply_fn *on_reply)
{
    struct sv_store_letter *letters = work->state;
    struct sv_store_request *r = sv_store_request_new(work, 2 + FIELDS, on_reply);

    r->index = index;
    sv_store_request_add(r, command);
    sv_store_request_add(r, sv_store_key_of(work, "dead", letters[index].entry_id));
    return r;
}

/* --- what is in the letters --- */

static void on_payload(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_letter *letter = letter_of(request);

    letter->payload = sv_reply_text(request->work, reply);
    letter->payload_bytes = letter->payload != NULL ? (size_t)reply->len : 0;
    if (letter->payload == NULL)
        letter->payload = ""; /* gone meanwhile */
}

static void ask_payloads(struct sv_store_work *work)
{
    const struct sv_store_letters *out = &work->call->u.letters;

    for (size_t i = 0; i < out->count; i++) {
        struct sv_store_request *r;

        if (out->letters[i].payload_bytes == 0 ||
            out->letters[i].payload_bytes > SV_STORE_LETTER_PAYLOAD_MAX)
            continue;
        r = ask(work, i, "HGET", on_payload);
        sv_store_request_add(r, "payload");
        sv_store_request_send(r);
    }
}

static const char *text_at(struct sv_store_request *request, const redisReply *reply, int field)
{
    const char *text = sv_reply_text(request->work, reply->element[field]);

    return text != NULL ? text : "";
}

static void on_fields(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_letter *letter = letter_of(request);
    int64_t at = 0;

    if (!sv_reply_is_array(reply, FIELDS)) {
        sv_store_work_malformed(request->work, "a letter answers no fields");
        return;
    }
    (void)sv_reply_number(reply->element[FIELD_AT], &at);
    letter->at = at;
    letter->reason = text_at(request, reply, FIELD_REASON);
    letter->error = text_at(request, reply, FIELD_ERROR);
    letter->client_id = text_at(request, reply, FIELD_CLIENT);
    letter->domain_id = text_at(request, reply, FIELD_DOMAIN);
    letter->job_id = text_at(request, reply, FIELD_JOB);
    letter->type = text_at(request, reply, FIELD_TYPE);
}

static void on_length(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_letter *letter = letter_of(request);
    int64_t bytes = 0;

    if (!sv_reply_number(reply, &bytes) || bytes < 0)
        sv_store_work_malformed(request->work, "a payload's length is no number");
    letter->payload_bytes = (size_t)bytes;
    letter->payload = letter->payload_bytes == 0 ? "" : NULL;
}

static void ask_letters(struct sv_store_work *work)
{
    const struct sv_store_letters *out = &work->call->u.letters;

    for (size_t i = 0; i < out->count; i++) {
        struct sv_store_request *r = ask(work, i, "HMGET", on_fields);

        for (size_t k = 0; k < FIELDS; k++)
            sv_store_request_add(r, fields[k]);
        sv_store_request_send(r);
        r = ask(work, i, "HSTRLEN", on_length);
        sv_store_request_add(r, "payload");
        sv_store_request_send(r);
    }
    work->step = ask_payloads;
}

/* --- which letters --- */

static void on_total(struct sv_store_request *request, const redisReply *reply)
{
    int64_t total = 0;

    if (!sv_reply_number(reply, &total) || total < 0)
        sv_store_work_malformed(request->work, "ZCARD answers no number");
    else
        request->work->call->u.letters.total = (size_t)total;
}

static void on_ids(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    struct sv_store_letters *out = &work->call->u.letters;
    struct sv_store_letter *letters = work->state;

    for (size_t i = 0; sv_reply_is_array(reply, i + 1) && i < out->count_max; i++) {
        const char *id = sv_reply_text(work, reply->element[i]);

        if (id != NULL)
            letters[out->count++].entry_id = id;
    }
}

/* Listed, or only its hash is there: half a letter is shown too, so that it can be dropped. */
static void on_known(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_letters *out = &request->work->call->u.letters;

    if (reply->type == REDIS_REPLY_STRING || (reply->type == REDIS_REPLY_INTEGER && reply->integer))
        out->count = 1;
}

static void ask_one(struct sv_store_work *work)
{
    struct sv_store_letter *letters = work->state;
    struct sv_store_request *r;

    letters[0].entry_id = work->call->u.letters.entry_id;
    r = sv_store_request_new(work, 3, on_known);
    sv_store_request_add(r, "ZSCORE");
    sv_store_request_add(r, sv_store_key(work, "dead"));
    sv_store_request_add(r, letters[0].entry_id);
    sv_store_request_send(r);
    sv_store_request_send(ask(work, 0, "EXISTS", on_known));
}

static void ask_page(struct sv_store_work *work)
{
    const struct sv_store_letters *in = &work->call->u.letters;
    struct sv_store_request *r = sv_store_request_new(work, 4, on_ids);

    sv_store_request_add(r, "ZRANGE");
    sv_store_request_add(r, sv_store_key(work, "dead"));
    sv_store_request_add_number(r, (int64_t)in->skip);
    sv_store_request_add_number(r, (int64_t)(in->skip + in->count_max - 1));
    sv_store_request_send(r);
}

void sv_store_letters(struct sv_store_work *work)
{
    struct sv_store_letters *out = &work->call->u.letters;
    struct sv_store_request *r;

    if (out->entry_id != NULL || out->count_max < 1 || out->count_max > SV_STORE_LETTERS_MAX)
        out->count_max = out->entry_id != NULL ? 1 : SV_STORE_LETTERS_MAX;
    work->state =
        sv_store_arena_alloc(&work->arena, out->count_max, sizeof(struct sv_store_letter));
    out->letters = work->state;
    out->count = out->total = 0;
    r = sv_store_request_new(work, 2, on_total);
    sv_store_request_add(r, "ZCARD");
    sv_store_request_add(r, sv_store_key(work, "dead"));
    sv_store_request_send(r);
    if (out->entry_id != NULL)
        ask_one(work);
    else
        ask_page(work);
    work->step = ask_letters;
}

/* --- the end of a letter --- */

static void on_retried(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_letter_end *out = &request->work->call->u.letter_end;

    if (sv_reply_is_array(reply, 2) && sv_reply_is(reply->element[0], "RETRIED") &&
        reply->element[1]->type == REDIS_REPLY_STRING &&
        (size_t)reply->element[1]->len < sizeof(out->new_entry_id)) {
        out->verdict = SV_STORE_LETTER_ENDED;
        (void)snprintf(out->new_entry_id, sizeof(out->new_entry_id), "%s", reply->element[1]->str);
    } else if (!sv_reply_is_array(reply, 1)) {
        sv_store_work_malformed(request->work, "retry answers no list");
    } else if (sv_reply_is(reply->element[0], "EMPTY")) {
        out->verdict = SV_STORE_LETTER_EMPTY;
    } else if (sv_reply_is(reply->element[0], "TOO_BIG")) {
        out->verdict = SV_STORE_LETTER_TOO_BIG;
    } else {
        out->verdict = SV_STORE_LETTER_GONE;
    }
}

static void on_dropped(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_letter_end *out = &request->work->call->u.letter_end;
    int64_t dropped = 0;

    if (!sv_reply_number(reply, &dropped))
        sv_store_work_malformed(request->work, "drop answers no number");
    out->verdict = dropped > 0 ? SV_STORE_LETTER_ENDED : SV_STORE_LETTER_GONE;
}

void sv_store_letter_end(struct sv_store_work *work)
{
    struct sv_store_letter_end *in = &work->call->u.letter_end;
    struct sv_store_request *r;

    in->new_entry_id[0] = '\0';
    if (in->verb == SV_STORE_LETTER_DROP) {
        r = sv_store_request_script(work, SV_SCRIPT_DROP, 2, 1, on_dropped);
    } else {
        r = sv_store_request_script(work, SV_SCRIPT_RETRY, 3, 3, on_retried);
        sv_store_request_add(r, sv_store_key(work, "jobs"));
    }
    sv_store_request_add(r, sv_store_key(work, "dead"));
    sv_store_request_add(r, sv_store_key_of(work, "dead", in->entry_id));
    sv_store_request_add(r, in->entry_id);
    if (in->verb == SV_STORE_LETTER_RETRY) {
        sv_store_request_add_bytes(r, in->job != NULL ? in->job : "",
                                   in->job != NULL ? in->job_bytes : 0);
        sv_store_request_add_number(r, SV_STORE_JOB_BYTES_MAX);
    }
    sv_store_request_send(r);
}
