#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inner.h"
#include "sv/alloc.h"

/* CLAIM in three round trips: which clients have something due (two rings: everybody's earliest,
 * and those with something urgent), which domains these are, then one claim script per domain.
 * Looking is free of locks, so two workers may see the same domain; the script decides who gets it.
 *
 * Going round: a round of a ring covers the clients that were due when it began, in the order of
 * their due times; each call goes on behind the client where the last one stopped. So a client with
 * 100,000 overdue domains gets its share per round and no more. */

enum {
    URGENT_OF = 5, /* four of five picks are urgent while there are any */
    OWN_WORKER_CHARS = 24,
    BROKEN_PAUSE_MS = 1000, /* domains that cannot be claimed are not tried in a tight loop */
};

struct candidate {
    const char *uid, *client, *own;
};

struct visit { /* one client in one ring */
    const char *client;
    sv_ms score;
    size_t uids_count, used;
    const char **uids;
};

struct look { /* what one ring shows */
    struct sv_store_cursor *cursor;
    size_t visits_count, at;
    struct visit *visits;
    const char *ring, *queue;
    bool repeated;
};

struct claim {
    struct look urgent, wide;
    sv_ms now;
    size_t count, broken;
    struct candidate candidates[SV_STORE_CLAIM_MAX];
    size_t claimed_count;
    struct sv_store_claimed claimed[SV_STORE_CLAIM_MAX];
    int64_t next_due; /* score; -1 = none */
};

/* --- the claims themselves --- */

/* Unique per process and call; at most 63 characters, so that the record stays compact. */
static const char *make_own(struct sv_store_work *work)
{
    const char *worker = work->call->u.claim.worker;
    uint64_t digest = sv_fnv1a(SV_FNV_START, worker, strlen(worker));
    uint64_t number = ++work->store->claims;

    if (strlen(worker) <= OWN_WORKER_CHARS + 17)
        return sv_store_arena_printf(&work->arena, "%s/%" PRIu64, worker, number);
    return sv_store_arena_printf(&work->arena, "%.*s~%016" PRIx64 "/%" PRIu64, OWN_WORKER_CHARS,
                                 worker, digest, number);
}

static void add_candidate(struct claim *claim, const char *uid, const char *client, const char *own)
{
    if (claim->count < SV_STORE_CLAIM_MAX)
        claim->candidates[claim->count++] = (struct candidate){uid, client, own};
}

/* Broken data of one domain must not hold up the others: it is told, and left alone. */
static void tell_broken(struct sv_store_work *work, const char *uid, const char *why)
{
    struct claim *claim = work->state;

    claim->broken++;
    sv_log_line(work->store->log, SV_LOG_ERROR, "domain_unreadable", why,
                SV_LOG_STR("domain_id", uid), SV_LOG_INT("shard", work->call->shard));
}

static void read_claimed(struct sv_store_work *work, const struct candidate *candidate,
                         const redisReply *reply)
{
    struct claim *claim = work->state;
    struct sv_store_claimed *out = &claim->claimed[claim->claimed_count];
    int64_t fence;

    *out = (struct sv_store_claimed){
        .uid = candidate->uid, .client_id = candidate->client, .own = candidate->own};
    if (!sv_reply_is_array(reply, 4) || !sv_reply_number(reply->element[1], &fence) ||
        (out->contact_email = sv_reply_text(work, reply->element[2])) == NULL ||
        (out->fields = sv_reply_fields(work, reply->element[3], &out->fields_count)) == NULL) {
        tell_broken(work, candidate->uid, "the record has no readable fields");
        return;
    }
    out->fence = (uint64_t)fence;
    claim->claimed_count++;
}

static void on_claimed(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    struct claim *claim = work->state;
    const struct candidate *candidate = &claim->candidates[request->index];

    if (reply->type == REDIS_REPLY_ERROR && request->routed.info.code != SV_EREFUSED)
        sv_store_work_fail(work, request->routed.info.code, &request->routed.info);
    else if (reply->type == REDIS_REPLY_ERROR)
        tell_broken(work, candidate->uid, request->routed.info.text);
    else if (!sv_reply_is_array(reply, 1))
        sv_store_work_malformed(work, "claim answers no list");
    else if (sv_reply_is(reply->element[0], "CLAIMED"))
        read_claimed(work, candidate, reply);
    else if (sv_reply_is(reply->element[0], "ORPHAN"))
        tell_broken(work, candidate->uid, "it was queued without a record");
}

static void claim_one(struct sv_store_work *work, size_t index)
{
    struct claim *claim = work->state;
    const struct candidate *candidate = &claim->candidates[index];
    struct sv_store_request *r = sv_store_request_script(work, SV_SCRIPT_CLAIM, 7, 4, on_claimed);

    r->index = index;
    r->may_fail = true;
    sv_store_request_add(r, sv_store_key_of(work, "d", candidate->uid));
    sv_store_request_add_queues(r, candidate->client);
    sv_store_request_add(r, sv_store_key_of(work, "c", candidate->client));
    sv_store_request_add(r, candidate->uid);
    sv_store_request_add(r, candidate->client);
    sv_store_request_add_number(r, work->call->u.claim.lease_ms);
    sv_store_request_add(r, candidate->own);
    sv_store_request_send(r);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

static bool is_paused(const struct sv_store_work *work, const char *client)
{
    const struct sv_store_claim *in = &work->call->u.claim;

    return in->paused_count > 0 && bsearch(client, in->paused, in->paused_count,
                                           sizeof(in->paused[0]), compare_names) != NULL;
}

/* Of paused clients there are no more than were asked for beside the one that counts. */
static void on_earliest(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    struct claim *claim = work->state;

    claim->next_due = -1;
    for (size_t i = 0; sv_reply_is_array(reply, 2 * i + 2); i++) {
        const char *client = sv_reply_text(work, reply->element[2 * i]);

        if (client != NULL && is_paused(work, client))
            continue;
        if (!sv_reply_number(reply->element[2 * i + 1], &claim->next_due))
            sv_store_work_malformed(work, "the ring has no number for a score");
        return;
    }
}

static void deliver(struct sv_store_work *work)
{
    struct sv_store_claim *out = &work->call->u.claim;
    struct claim *claim = work->state;

    out->count = claim->claimed_count;
    out->claimed = claim->claimed;
    out->now = claim->now;
    out->next_due_ms = -1;
    if (claim->next_due >= 0)
        out->next_due_ms = claim->next_due > claim->now ? claim->next_due - claim->now : 0;
    if (claim->broken > 0 && claim->claimed_count == 0 && out->next_due_ms < BROKEN_PAUSE_MS)
        out->next_due_ms = BROKEN_PAUSE_MS;
}

static void claim_all(struct sv_store_work *work)
{
    struct claim *claim = work->state;
    struct sv_store_request *last = sv_store_request_new(work, 5, on_earliest);

    for (size_t i = 0; i < claim->count; i++)
        claim_one(work, i);
    sv_store_request_add(last, "ZRANGE");
    sv_store_request_add(last, sv_store_key(work, "ring"));
    sv_store_request_add(last, "0");
    sv_store_request_add_number(last, (int64_t)work->call->u.claim.paused_count);
    sv_store_request_add(last, "WITHSCORES");
    sv_store_request_send(last);
    work->step = deliver;
}

void sv_store_claim_doubt(struct sv_store_work *work)
{
    struct sv_store_shard *shard = sv_store_work_shard(work);
    struct claim *claim = work->state;

    if (claim->count > 0 && shard->doubts == NULL)
        shard->doubts = sv_alloc(SV_STORE_CLAIM_MAX, sizeof(*shard->doubts));
    /* What finds no room runs into its lease and is reaped. */
    for (size_t i = 0; i < claim->count && shard->doubts_count < SV_STORE_CLAIM_MAX; i++) {
        struct sv_store_doubt *doubt = &shard->doubts[shard->doubts_count++];

        (void)snprintf(doubt->uid, sizeof(doubt->uid), "%s", claim->candidates[i].uid);
        (void)snprintf(doubt->client, sizeof(doubt->client), "%s", claim->candidates[i].client);
        (void)snprintf(doubt->own, sizeof(doubt->own), "%s", claim->candidates[i].own);
    }
}

/* --- picking --- */

static size_t taken_of(const struct claim *claim, const char *client)
{
    size_t count = 0;

    for (size_t i = 0; i < claim->count; i++)
        count += strcmp(claim->candidates[i].client, client) == 0 ? 1 : 0;
    return count;
}

/* The next domain this ring offers, client by client; NULL when it has no more. */
static const char *next_uid(struct sv_store_work *work, struct look *look, const char **client)
{
    const struct claim *claim = work->state;

    for (; look->at < look->visits_count; look->at++) {
        struct visit *visit = &look->visits[look->at];

        if (visit->used < visit->uids_count &&
            taken_of(claim, visit->client) < work->call->u.claim.per_client_max) {
            *client = visit->client;
            return visit->uids[visit->used++];
        }
    }
    return NULL;
}

/* Remembers where this call stopped; at the end of a round the next one begins at the front. */
static void advance(struct look *look, sv_ms now)
{
    struct sv_store_cursor *cursor = look->cursor;

    if (!cursor->under_way)
        *cursor = (struct sv_store_cursor){.until = now, .at_the_end = cursor->at_the_end};
    if (look->at >= look->visits_count && cursor->at_the_end) {
        *cursor = (struct sv_store_cursor){.under_way = false};
        return;
    }
    for (size_t i = 0; i < look->visits_count && i <= look->at; i++) {
        sv_ms score = look->visits[i].score;

        if (i == look->at && look->visits[i].used == 0)
            break; /* the call was full before it came to this one */
        cursor->skip = cursor->under_way && score == cursor->from ? cursor->skip + 1 : 1;
        cursor->from = score;
        cursor->under_way = true;
    }
}

static void pick(struct sv_store_work *work)
{
    struct claim *claim = work->state;
    const char *own = make_own(work);
    size_t count_max = work->call->u.claim.count_max;

    while (claim->count < count_max) {
        bool urgent_turn = work->store->picks % URGENT_OF != URGENT_OF - 1;
        const char *client = NULL;
        const char *uid = next_uid(work, urgent_turn ? &claim->urgent : &claim->wide, &client);

        if (uid == NULL)
            uid = next_uid(work, urgent_turn ? &claim->wide : &claim->urgent, &client);
        if (uid == NULL)
            break;
        work->store->picks++;
        add_candidate(claim, uid, client, own);
    }
    advance(&claim->urgent, claim->now);
    advance(&claim->wide, claim->now);
    claim_all(work);
}

/* --- looking --- */

static void on_uids(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    struct claim *claim = work->state;
    struct look *look = request->index % 2 == 0 ? &claim->urgent : &claim->wide;
    struct visit *visit = &look->visits[request->index / 2];

    if (!sv_reply_is_array(reply, 0)) {
        sv_store_work_malformed(work, "a due queue answers no list");
        return;
    }
    visit->uids = sv_store_arena_alloc(&work->arena, reply->elements + 1, sizeof(char *));
    for (size_t i = 0; i < reply->elements; i++) {
        const char *uid = sv_reply_text(work, reply->element[i]);

        if (uid != NULL && strlen(uid) < SV_STORE_UID_BYTES)
            visit->uids[visit->uids_count++] = uid;
    }
}

static void ask_uids(struct sv_store_work *work, struct look *look, size_t index)
{
    struct claim *claim = work->state;
    struct sv_store_request *r;

    if (is_paused(work, look->visits[index].client))
        return; /* it has its place in the round, but offers nothing */
    r = sv_store_request_new(work, 8, on_uids);
    r->index = 2 * index + (look == &claim->urgent ? 0 : 1);
    sv_store_request_add(r, "ZRANGE");
    sv_store_request_add(r, sv_store_key_of(work, look->queue, look->visits[index].client));
    sv_store_request_add(r, "-inf");
    sv_store_request_add_number(r, claim->now);
    sv_store_request_add(r, "BYSCORE");
    sv_store_request_add(r, "LIMIT");
    sv_store_request_add(r, "0");
    sv_store_request_add_number(r, (int64_t)work->call->u.claim.per_client_max);
    sv_store_request_send(r);
}

/* Behind the last client of its round a ring is asked once more from the front. */
static bool wants_again(struct look *look)
{
    if (look->visits_count > 0 || !look->cursor->under_way || look->repeated)
        return false;
    look->repeated = true;
    *look->cursor = (struct sv_store_cursor){.under_way = false};
    return true;
}

static void look_at(struct sv_store_work *work, struct look *look);

static void ask_all(struct sv_store_work *work)
{
    struct claim *claim = work->state;
    bool again = false;

    if (wants_again(&claim->urgent)) {
        look_at(work, &claim->urgent);
        again = true;
    }
    if (wants_again(&claim->wide)) {
        look_at(work, &claim->wide);
        again = true;
    }
    if (again) {
        work->step = ask_all;
        return;
    }
    for (size_t i = 0; i < claim->urgent.visits_count; i++)
        ask_uids(work, &claim->urgent, i);
    for (size_t i = 0; i < claim->wide.visits_count; i++)
        ask_uids(work, &claim->wide, i);
    work->step = pick;
}

static void on_ring(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    struct claim *claim = work->state;
    struct look *look = request->index == 0 ? &claim->urgent : &claim->wide;
    sv_ms until = look->cursor->under_way ? look->cursor->until : claim->now;
    size_t count_max = work->call->u.claim.count_max;
    size_t count = sv_reply_is_array(reply, 0) ? reply->elements / 2 : 0;

    look->visits = sv_store_arena_alloc(&work->arena, count + 1, sizeof(*look->visits));
    look->visits_count = 0;
    look->cursor->at_the_end = count < count_max;
    for (size_t i = 0; i < count; i++) {
        struct visit *visit = &look->visits[look->visits_count];

        visit->client = sv_reply_text(work, reply->element[2 * i]);
        if (visit->client == NULL || strlen(visit->client) >= SV_STORE_CLIENT_BYTES ||
            !sv_reply_number(reply->element[2 * i + 1], &visit->score)) {
            sv_store_work_malformed(work, "a ring names no client or no time");
            return;
        }
        if (visit->score > until || visit->score > claim->now) {
            look->cursor->at_the_end = true;
            return;
        }
        look->visits_count++;
    }
}

static void look_at(struct sv_store_work *work, struct look *look)
{
    struct claim *claim = work->state;
    const struct sv_store_cursor *cursor = look->cursor;
    struct sv_store_request *r = sv_store_request_new(work, 9, on_ring);

    r->index = look == &claim->urgent ? 0 : 1;
    sv_store_request_add(r, "ZRANGE");
    sv_store_request_add(r, sv_store_key(work, look->ring));
    if (cursor->under_way)
        sv_store_request_add_number(r, cursor->from);
    else
        sv_store_request_add(r, "-inf");
    sv_store_request_add(r, "+inf");
    sv_store_request_add(r, "BYSCORE");
    sv_store_request_add(r, "LIMIT");
    sv_store_request_add_number(r, cursor->under_way ? (int64_t)cursor->skip : 0);
    sv_store_request_add_number(r, (int64_t)work->call->u.claim.count_max);
    sv_store_request_add(r, "WITHSCORES");
    sv_store_request_send(r);
}

static void on_time(struct sv_store_request *request, const redisReply *reply)
{
    struct claim *claim = request->work->state;

    if (!sv_reply_time(reply, &claim->now))
        sv_store_work_malformed(request->work, "TIME answers no time");
}

static void ask_time(struct sv_store_work *work)
{
    struct sv_store_request *r = sv_store_request_new(work, 1, on_time);

    sv_store_request_add(r, "TIME");
    sv_store_request_send(r);
}

/* Claims whose answers were lost come first: they hold leases that nobody works on. They leave the
 * list at once, so that of two calls under way only one asks for them. */
static void take_doubts(struct sv_store_work *work)
{
    struct sv_store_shard *shard = sv_store_work_shard(work);
    struct claim *claim = work->state;

    while (shard->doubts_count > 0 && claim->count < work->call->u.claim.count_max) {
        const struct sv_store_doubt *doubt = &shard->doubts[--shard->doubts_count];

        add_candidate(claim, sv_store_arena_printf(&work->arena, "%s", doubt->uid),
                      sv_store_arena_printf(&work->arena, "%s", doubt->client),
                      sv_store_arena_printf(&work->arena, "%s", doubt->own));
    }
}

void sv_store_claim(struct sv_store_work *work)
{
    struct sv_store_shard *shard = sv_store_work_shard(work);
    const struct sv_store_claim *in = &work->call->u.claim;
    struct claim *claim = sv_store_arena_alloc(&work->arena, 1, sizeof(*claim));
    struct sv_errinfo info;

    work->state = claim;
    claim->urgent = (struct look){.cursor = &shard->urgent, .ring = "ring:hi", .queue = "due:hi"};
    claim->wide = (struct look){.cursor = &shard->wide, .ring = "ring", .queue = "due:lo"};
    if (in->count_max < 1 || in->count_max > SV_STORE_CLAIM_MAX || in->per_client_max < 1 ||
        in->lease_ms < 1 || in->worker == NULL) {
        (void)sv_err_set(&info, SV_EINVALID, "store", 0,
                         "claim: count_max, per_client_max, lease_ms or worker");
        sv_store_work_fail(work, SV_EINVALID, &info);
        return;
    }
    take_doubts(work);
    ask_time(work);
    look_at(work, &claim->urgent);
    look_at(work, &claim->wide);
    work->step = ask_all;
}
