#include <stdlib.h>
#include <string.h>

#include "inner.h"

/* PLACES: the record names its client and its open job, and with them the keys that a script may
 * read; the script says MOVED when they changed in between, and it is asked again. */

enum { TRIES_MAX = 5 };

#define SCORE_MAX 9007199254740992.0 /* whole numbers end there */

enum {
    SEEN_WORD,
    SEEN_NOW,
    SEEN_FIELDS,
    SEEN_HI,
    SEEN_LO,
    SEEN_RUN,
    SEEN_EMAIL,
    SEEN_RING,
    SEEN_RING_HI,
    SEEN_FIRST_HI,
    SEEN_FIRST_LO,
    SEEN_DOMAINS,
    SEEN_DETAIL,
    SEEN_RECEIPT,
    SEEN_TTL,
    SEEN_COUNT
};

struct places {
    const char *client, *job_id; /* of the record; "" = none */
    bool damaged;
    unsigned tries;
};

static void ask_names(struct sv_store_work *work);

/* A score that is no whole number is none of ours, but it is there. */
static sv_ms instant(const redisReply *reply)
{
    int64_t at;
    double score;
    char *end;

    if (sv_reply_number(reply, &at))
        return at;
    if (reply->type != REDIS_REPLY_STRING)
        return SV_STORE_NOWHERE;
    score = strtod(reply->str, &end);
    if (*end != '\0' || !(score >= 0 && score <= SCORE_MAX))
        return 0;
    return (sv_ms)score;
}

static size_t number(const redisReply *reply)
{
    int64_t value;

    return sv_reply_number(reply, &value) && value > 0 ? (size_t)value : 0;
}

static void copy_seen(struct sv_store_work *work, const redisReply *reply)
{
    struct sv_store_places *out = &work->call->u.places;

    out->fields = sv_reply_fields(work, reply->element[SEEN_FIELDS], &out->fields_count);
    out->damaged = out->fields == NULL; /* too many of them */
    out->found = out->fields_count > 0;
    out->now = instant(reply->element[SEEN_NOW]);
    out->due_hi = instant(reply->element[SEEN_HI]);
    out->due_lo = instant(reply->element[SEEN_LO]);
    out->lease = instant(reply->element[SEEN_RUN]);
    out->counted = reply->element[SEEN_EMAIL]->type == REDIS_REPLY_STRING;
    out->ring = instant(reply->element[SEEN_RING]);
    out->ring_hi = instant(reply->element[SEEN_RING_HI]);
    out->first_hi = instant(reply->element[SEEN_FIRST_HI]);
    out->first_lo = instant(reply->element[SEEN_FIRST_LO]);
    out->domains = number(reply->element[SEEN_DOMAINS]);
    out->detail_bytes = number(reply->element[SEEN_DETAIL]);
    out->receipt = sv_reply_text(work, reply->element[SEEN_RECEIPT]);
    out->receipt_ttl_ms = instant(reply->element[SEEN_TTL]);
}

static void on_seen(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    struct sv_store_places *out = &work->call->u.places;
    struct places *places = work->state;

    if (!sv_reply_is_array(reply, 1))
        sv_store_work_malformed(work, "look answers no list");
    else if (sv_reply_is(reply->element[0], "DAMAGED"))
        out->damaged = true;
    else if (sv_reply_is(reply->element[0], "SEEN") && reply->elements == SEEN_COUNT)
        copy_seen(work, reply);
    else if (++places->tries == TRIES_MAX)
        out->moving = true;
    else
        work->step = ask_names;
}

static void ask_script(struct sv_store_work *work)
{
    const struct sv_store_places *in = &work->call->u.places;
    const struct places *places = work->state;
    const char *client = in->client_id != NULL ? in->client_id : places->client;
    bool has_job = places->job_id[0] != '\0';
    struct sv_store_request *r =
        sv_store_request_script(work, SV_SCRIPT_LOOK, has_job ? 9 : 8, 4, on_seen);

    sv_store_request_add(r, sv_store_key_of(work, "d", in->uid));
    sv_store_request_add_queues(r, client);
    sv_store_request_add(r, sv_store_key_of(work, "c", client));
    sv_store_request_add(r, sv_store_key_of(work, "x", in->uid));
    if (has_job) /* receipts are the job's client's, whoever's queues are looked into */
        sv_store_request_add(r, sv_store_key_receipt(work, places->client, places->job_id));
    sv_store_request_add(r, in->uid);
    sv_store_request_add(r, client);
    sv_store_request_add(r, places->job_id);
    sv_store_request_add(r, in->client_id != NULL ? "1" : "0");
    sv_store_request_send(r);
}

static void on_names(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    struct places *places = work->state;

    if (!sv_reply_is_array(reply, 2)) {
        work->call->u.places.damaged = true; /* the record is no hash */
        places->damaged = true;
        return;
    }
    places->client = sv_reply_text(work, reply->element[0]);
    places->job_id = sv_reply_text(work, reply->element[1]);
    if (places->client == NULL)
        places->client = "";
    if (places->job_id == NULL)
        places->job_id = "";
}

static void after_names(struct sv_store_work *work)
{
    const struct places *places = work->state;

    if (!places->damaged)
        ask_script(work);
}

static void ask_names(struct sv_store_work *work)
{
    struct sv_store_request *r = sv_store_request_new(work, 4, on_names);

    r->may_fail = true;
    sv_store_request_add(r, "HMGET");
    sv_store_request_add(r, sv_store_key_of(work, "d", work->call->u.places.uid));
    sv_store_request_add(r, "cl");
    sv_store_request_add(r, "jid");
    sv_store_request_send(r);
    work->step = after_names;
}

void sv_store_places(struct sv_store_work *work)
{
    struct sv_store_places *out = &work->call->u.places;

    *out = (struct sv_store_places){.uid = out->uid, .client_id = out->client_id};
    work->state = sv_store_arena_alloc(&work->arena, 1, sizeof(struct places));
    ask_names(work);
}
