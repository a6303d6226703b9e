#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_inner.h"
#include "sv/buf.h"
#include "sv/require.h"

/* The mirror of claim.lua, renew.lua, commit.lua, release.lua and reap.lua. */

/* --- claim --- */

static bool is_due(const struct fake_domain *domain, sv_ms now)
{
    return (domain->place == FAKE_DUE_HI || domain->place == FAKE_DUE_LO) && domain->at <= now;
}

/* The client behind `last` in the order of names that has something due; NULL = none behind. */
static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

static bool is_paused(const struct sv_store_claim *in, const char *client)
{
    return in->paused_count > 0 && bsearch(client, in->paused, in->paused_count,
                                           sizeof(in->paused[0]), compare_names) != NULL;
}

static const char *next_client(const struct fake_shard *shard, const struct sv_store_claim *in,
                               const char *last, sv_ms now)
{
    const struct fake_domain *domain;
    const char *best = NULL;

    for (domain = shard->domains; domain != NULL; domain = domain->hh.next) {
        if (is_due(domain, now) && !is_paused(in, domain->client) &&
            strcmp(domain->client, last) > 0 && (best == NULL || strcmp(domain->client, best) < 0))
            best = domain->client;
    }
    return best;
}

static struct fake_domain *next_of(const struct fake_shard *shard, const char *client, sv_ms now)
{
    struct fake_domain *domain, *best = NULL;

    for (domain = shard->domains; domain != NULL; domain = domain->hh.next) {
        if (!is_due(domain, now) || strcmp(domain->client, client) != 0)
            continue;
        if (best == NULL || domain->place < best->place ||
            (domain->place == best->place && domain->at < best->at))
            best = domain;
    }
    return best;
}

static void take_one(struct fake_work *work, struct fake_domain *domain,
                     struct sv_store_claimed *out)
{
    const struct sv_store_claim *in = &work->call->u.claim;

    domain->place = FAKE_RUNNING;
    domain->at = fake_now(work->store) + in->lease_ms;
    domain->fence++;
    fake_set(&domain->own,
             sv_store_arena_printf(&work->arena, "%s/%" PRIu64, in->worker, ++work->store->claims));
    out->uid = sv_store_arena_printf(&work->arena, "%s", domain->uid);
    out->client_id = sv_store_arena_printf(&work->arena, "%s", domain->client);
    out->contact_email =
        sv_store_arena_printf(&work->arena, "%s", domain->email != NULL ? domain->email : "");
    out->own = sv_store_arena_printf(&work->arena, "%s", domain->own);
    out->fence = domain->fence;
    out->fields = fake_domain_fields(domain, &work->arena, &out->fields_count);
}

static sv_ms earliest(const struct fake_shard *shard, const struct sv_store_claim *in)
{
    const struct fake_domain *domain;
    sv_ms at = -1;

    for (domain = shard->domains; domain != NULL; domain = domain->hh.next) {
        if ((domain->place == FAKE_DUE_HI || domain->place == FAKE_DUE_LO) &&
            !is_paused(in, domain->client) && (at < 0 || domain->at < at))
            at = domain->at;
    }
    return at;
}

/* Once round at most: clients behind the last one first, then from the front. */
static size_t go_round(struct fake_work *work, struct sv_store_claimed *list)
{
    const struct sv_store_claim *in = &work->call->u.claim;
    struct fake_shard *shard = fake_shard_of(work);
    sv_ms now = fake_now(work->store);
    char start[SV_STORE_CLIENT_BYTES];
    size_t count = 0;
    bool wrapped = false;

    (void)snprintf(start, sizeof(start), "%s", shard->last_client);
    while (count < in->count_max) {
        const char *client = next_client(shard, in, shard->last_client, now);

        if (client == NULL && wrapped)
            break;
        if (client == NULL) {
            wrapped = true;
            shard->last_client[0] = '\0';
            continue;
        }
        if (wrapped && strcmp(client, start) > 0)
            break;
        (void)snprintf(shard->last_client, sizeof(shard->last_client), "%s", client);
        for (size_t i = 0; i < in->per_client_max && count < in->count_max; i++) {
            struct fake_domain *domain = next_of(shard, shard->last_client, now);

            if (domain == NULL)
                break;
            take_one(work, domain, &list[count++]);
        }
    }
    return count;
}

bool fake_claim(struct fake_work *work)
{
    struct sv_store_claim *out = &work->call->u.claim;
    struct sv_store_claimed *list;
    sv_ms first;

    list = sv_store_arena_alloc(&work->arena, out->count_max, sizeof(*list));
    out->now = fake_now(work->store);
    out->count = go_round(work, list);
    out->claimed = list;
    first = earliest(fake_shard_of(work), out);
    out->next_due_ms = -1;
    if (first >= 0)
        out->next_due_ms = first > out->now ? first - out->now : 0;
    return true;
}

/* --- holds --- */

static struct fake_domain *held(const struct fake_work *work)
{
    const struct sv_store_hold *in = &work->call->u.hold;
    struct fake_domain *domain = fake_domain_find(fake_shard_of(work), in->uid);

    return domain != NULL && domain->fence == in->fence ? domain : NULL;
}

bool fake_renew(struct fake_work *work)
{
    struct sv_store_hold *in = &work->call->u.hold;
    struct fake_domain *domain = held(work);

    in->held = domain != NULL && domain->place == FAKE_RUNNING && strcmp(domain->own, in->own) == 0;
    if (in->held)
        domain->at = fake_now(work->store) + in->lease_ms;
    return true;
}

bool fake_release(struct fake_work *work)
{
    struct sv_store_hold *in = &work->call->u.hold;
    struct fake_domain *domain = held(work);

    in->held = domain != NULL && domain->committed != in->fence &&
               (domain->place != FAKE_RUNNING || strcmp(domain->own, in->own) == 0);
    if (!in->held || domain->place != FAKE_RUNNING)
        return true;
    if (domain->job.type != NULL && strcmp(domain->job.type, "recheck") == 0)
        fake_give_back(domain);
    fake_domain_hand_back(domain, fake_now(work->store) + in->wait_ms);
    return true;
}

/* --- reap --- */

static void end_loop(struct fake_work *work, struct fake_domain *domain)
{
    struct fake_shard *shard = fake_shard_of(work);
    const char *event = sv_store_arena_printf(&work->arena, "{\"crash_loop\":\"%s\"}", domain->uid);
    const struct sv_store_letter letter = {.reason = "crash_loop",
                                           .error = "crashed",
                                           .entry_id = domain->job.entry,
                                           .client_id = domain->client,
                                           .domain_id = domain->uid,
                                           .job_id = domain->job.id,
                                           .type = domain->job.type};

    fake_count(shard, "crash_loop", 1);
    if (domain->job.entry == NULL)
        return;
    if (strcmp(domain->job.type, "recheck") == 0)
        fake_give_back(domain);
    fake_letter_add(work, &letter);
    fake_job_close(shard, domain, "dead");
    work->call->u.reap.dead++;
    (void)fake_stream_add(work->store, &shard->outbox, event, strlen(event));
}

static sv_ms spread_ms(const char *uid, sv_ms wait_ms, unsigned reclaims)
{
    char digits[5] = "";

    (void)snprintf(digits, sizeof digits, "%.4s", uid + reclaims % 13);
    return wait_ms - (sv_ms)((double)wait_ms / 2 * (double)strtoul(digits, NULL, 16) / 65536);
}

static void reap_one(struct fake_work *work, struct fake_domain *domain)
{
    const struct sv_store_reap *in = &work->call->u.reap;
    sv_ms wait_ms = 0;

    domain->fence++;
    domain->reclaims++;
    fake_count(fake_shard_of(work), "reaped", 1);
    if (domain->reclaims >= in->reclaims_max) {
        wait_ms = in->crash_wait_ms;
        end_loop(work, domain);
    } else if (domain->reclaims > 1) {
        wait_ms = SV_SECOND << (domain->reclaims < 20 ? domain->reclaims : 20);
        if (wait_ms > in->crash_wait_ms)
            wait_ms = in->crash_wait_ms;
        wait_ms = spread_ms(domain->uid, wait_ms, domain->reclaims);
    }
    fake_domain_hand_back(domain, fake_now(work->store) + wait_ms);
}

static bool is_good(const struct fake_work *work, sv_ms lease)
{
    sv_ms now = fake_now(work->store);

    return lease > now && lease <= now + SV_STORE_LEASE_MAX_MS;
}

bool fake_reap(struct fake_work *work)
{
    struct sv_store_reap *in = &work->call->u.reap;
    struct fake_domain *domain;

    in->reaped = in->dead = 0;
    for (domain = fake_shard_of(work)->domains; domain != NULL; domain = domain->hh.next) {
        if (domain->place == FAKE_RUNNING && !is_good(work, domain->at) &&
            in->reaped < in->count_max) {
            reap_one(work, domain);
            in->reaped++;
        }
    }
    return true;
}

/* --- commit --- */

static uint64_t digest_of(const char *own)
{
    return sv_fnv1a(SV_FNV_START, own, strlen(own));
}

static const char *differs(const struct fake_domain *domain, const struct sv_store_commit *in,
                           bool promised)
{
    if (strcmp(domain->client, in->client_id) != 0)
        return "the domain is another client's";
    if (strcmp(domain->status, in->from) != 0)
        return "the status is another";
    if (domain->sequence != in->sequence)
        return "the sequence is another";
    if (in->job_id != NULL && (domain->job.id == NULL || strcmp(domain->job.id, in->job_id) != 0))
        return "the open job is another";
    if (in->job_id == NULL && domain->job.id != NULL && in->wait_ms < 0 && !promised)
        return "the open job would wait for ever";
    return NULL;
}

static void tell(struct fake_work *work, struct fake_domain *domain)
{
    const struct sv_store_commit *in = &work->call->u.commit;
    struct fake_shard *shard = fake_shard_of(work);

    if (in->event != NULL) {
        const char *event;

        if (shard->epoch == 0)
            shard->epoch = fake_now(work->store);
        event = sv_store_arena_printf(&work->arena, "{\"epoch\":\"%013" PRId64 "\",%s",
                                      shard->epoch, in->event + 1);
        domain->sequence++;
        (void)fake_stream_add(work->store, &shard->outbox, event, strlen(event));
    }
    if (in->job_id != NULL) {
        (void)fake_stream_add(work->store, &shard->outbox, in->job_event, strlen(in->job_event));
        fake_job_close(shard, domain, in->job_outcome);
    }
}

static void schedule(struct fake_work *work, struct fake_domain *domain, bool promised)
{
    const struct sv_store_commit *in = &work->call->u.commit;

    domain->at = fake_now(work->store);
    domain->place = FAKE_DUE_HI;
    if (promised)
        return;
    domain->at += in->wait_ms;
    if (in->wait_ms < 0)
        domain->place = FAKE_NOWHERE;
    else if (!in->urgent)
        domain->place = FAKE_DUE_LO;
}

/* As lua/commit.lua: findings first, then the changes, the newest first; the oldest are cut off. */
static void write_detail(struct fake_domain *domain, const struct sv_store_commit *in)
{
    const char *kept = domain->detail != NULL ? domain->detail : "";
    size_t first = strcspn(kept, "\n"), changes = 0;
    struct sv_buf text;

    if (in->detail == NULL && in->change == NULL)
        return;
    sv_buf_init(&text, SV_STORE_DETAIL_BYTES_MAX);
    SV_REQUIRE(in->detail != NULL ? sv_buf_add_str(&text, in->detail)
                                  : sv_buf_add(&text, kept, first));
    if (in->change != NULL && in->change[0] != '\0')
        changes += sv_buf_printf(&text, "\n%s", in->change);
    kept += first;
    while ((in->change == NULL || changes > 0) && *kept == '\n' && changes < SV_STORE_CHANGES_MAX) {
        size_t len = 1 + strcspn(kept + 1, "\n");

        if (!sv_buf_add(&text, kept, len))
            break;
        kept += len;
        changes++;
    }
    fake_set(&domain->detail, text.len > 0 ? sv_buf_str(&text) : NULL);
    sv_buf_fini(&text);
}

static void write_domain(struct fake_work *work, struct fake_domain *domain, bool promised)
{
    const struct sv_store_commit *in = &work->call->u.commit;

    for (size_t i = 0; i < in->fields_count; i++)
        fake_domain_set_field(domain, in->fields[i].name, in->fields[i].value);
    domain->todo = (domain->todo & ~domain->withdrawn) | domain->promised;
    domain->promised = domain->withdrawn = 0;
    domain->again = false;
    domain->reclaims = 0;
    domain->committed = in->fence;
    domain->committer = digest_of(in->own);
    fake_set(&domain->own, NULL);
    if (in->give_back)
        fake_give_back(domain);
    if (in->reset_attempts) {
        domain->attempts = 0;
        domain->attempted_at = 0;
    }
    write_detail(domain, in);
    if (in->forget_client && !promised) {
        domain->counted = false;
        fake_set(&domain->email, NULL);
    }
    if (strcmp(in->from, in->to) != 0)
        fake_domain_set_status(fake_shard_of(work), domain, in->to);
}

bool fake_commit(struct fake_work *work)
{
    struct sv_store_commit *in = &work->call->u.commit;
    struct fake_shard *shard = fake_shard_of(work);
    struct fake_domain *domain = fake_domain_find(shard, in->uid);
    bool promised = domain != NULL && domain->again && (!in->forget_client || domain->promised > 0);

    in->again = false;
    if (domain != NULL && domain->committed == in->fence &&
        domain->committer == digest_of(in->own)) {
        in->verdict = SV_STORE_ALREADY;
    } else if (domain == NULL || domain->fence != in->fence || domain->place != FAKE_RUNNING ||
               strcmp(domain->own, in->own) != 0) {
        in->verdict = SV_STORE_FENCED;
        fake_count(shard, "stale", 1);
    } else if (differs(domain, in, promised) != NULL) {
        in->verdict = SV_STORE_CONFLICT;
        fake_count(shard, "conflict", 1);
    } else {
        in->verdict = SV_STORE_COMMITTED;
        in->again = promised;
        tell(work, domain);
        schedule(work, domain, promised);
        write_domain(work, domain, promised);
    }
    return true;
}
