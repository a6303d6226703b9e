#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_inner.h"
#include "sv/admission.h"
#include "sv/alloc.h"
#include "sv/entry_id.h"
#include "sv/require.h"

/* The mirror of admit.lua, bury.lua, fetch.lua, own.lua and gcra.lua. */

/* --- the inbox --- */

bool fake_enqueue(struct fake_work *work)
{
    struct sv_store_enqueue *in = &work->call->u.enqueue;
    const struct fake_entry *entry =
        fake_stream_add(work->store, &fake_shard_of(work)->inbox, in->job, in->job_bytes);

    (void)snprintf(in->entry_id, sizeof(in->entry_id), "%s", entry->id);
    return true;
}

static void settle(struct fake_shard *shard, struct fake_entry *entry)
{
    struct fake_stream *inbox = &shard->inbox;

    entry->settled = true;
    entry->pending = false;
    while (inbox->first < inbox->count && inbox->entries[inbox->first].settled)
        inbox->first++;
}

static void dead_letter(struct fake_work *work, struct fake_entry *entry, const char *event,
                        const struct sv_store_letter *letter)
{
    struct fake_shard *shard = fake_shard_of(work);

    (void)fake_stream_add(work->store, &shard->outbox, event, strlen(event));
    fake_letter_add(work, letter);
    fake_count(shard, "accepted", 1);
    fake_count(shard, "dead", 1);
    settle(shard, entry);
}

/* Entries in the state that is asked for; oversized ones are buried on the way. */
static size_t gather(struct fake_work *work, bool pending)
{
    struct fake_stream *inbox = &fake_shard_of(work)->inbox;
    struct sv_store_take *out = &work->call->u.take;
    struct sv_store_entry *list;

    list = sv_store_arena_alloc(&work->arena, out->entries_max, sizeof(*list));
    out->entries = list;
    out->count = 0;
    for (size_t i = inbox->first; i < inbox->count && out->count < out->entries_max; i++) {
        struct fake_entry *entry = &inbox->entries[i];
        struct sv_store_entry *item = &list[out->count];

        if (entry->settled || entry->pending != pending)
            continue;
        entry->pending = true;
        item->id = sv_store_arena_printf(&work->arena, "%s", entry->id);
        out->count++;
        if (entry->payload_bytes > SV_STORE_JOB_BYTES_MAX) {
            item->buried = "too_big";
            dead_letter(work, entry, "{\"too_big\":true}",
                        &(struct sv_store_letter){.entry_id = entry->id,
                                                  .reason = "too_big",
                                                  .error = "too big",
                                                  .payload = entry->payload,
                                                  .payload_bytes = entry->payload_bytes});
            continue;
        }
        item->payload = sv_store_arena_strndup(&work->arena, entry->payload, entry->payload_bytes);
        item->payload_bytes = entry->payload_bytes;
    }
    return out->count;
}

bool fake_take(struct fake_work *work)
{
    const struct sv_store_take *in = &work->call->u.take;
    uint64_t now = uv_now(work->store->loop);

    if (work->is_new)
        work->end_at = now + (uint64_t)in->block_ms;
    return gather(work, false) > 0 || now >= work->end_at;
}

/* There is but one consumer, and it lives: everything pending is ours, and no delivery counts. */
bool fake_take_pending(struct fake_work *work)
{
    (void)gather(work, true);
    return true;
}

bool fake_bury(struct fake_work *work)
{
    const struct sv_store_bury *in = &work->call->u.bury;
    struct fake_entry *entry = fake_stream_find(&fake_shard_of(work)->inbox, in->entry_id);

    if (entry != NULL && entry->pending)
        dead_letter(work, entry, in->event,
                    &(struct sv_store_letter){.entry_id = entry->id,
                                              .reason = in->reason,
                                              .error = in->error,
                                              .payload = in->payload,
                                              .payload_bytes = in->payload_bytes});
    return true;
}

/* --- admission --- */

static enum sv_job_type type_of(const char *word)
{
    unsigned type = 0;

    while (type < SV_JOB_TYPE_COUNT && strcmp(sv_job_type_name((enum sv_job_type)type), word) != 0)
        type++;
    SV_REQUIRE(type < SV_JOB_TYPE_COUNT);
    return (enum sv_job_type)type;
}

static unsigned domains_of(const struct fake_shard *shard, const struct sv_store_admit *in)
{
    const struct fake_domain *domain;
    unsigned count = 0;

    for (domain = shard->domains; domain != NULL; domain = domain->hh.next)
        count += domain->counted && strcmp(domain->client, in->client_id) == 0 &&
                 !(strcmp(domain->uid, in->uid) == 0 && strcmp(domain->status, "removed") == 0);
    return count;
}

static struct sv_admission_view view_of(const struct fake_shard *shard,
                                        const struct fake_domain *domain,
                                        const struct sv_store_admit *in)
{
    struct sv_admission_view view = {.client_domains = domains_of(shard, in)};

    if (domain == NULL)
        return view;
    view.running = domain->place == FAKE_RUNNING;
    view.known = strcmp(domain->status, "removed") != 0 || view.running;
    view.again = domain->again;
    view.open = domain->job.entry != NULL;
    view.attempts = domain->attempts;
    view.attempted_at = domain->attempted_at;
    view.superseded =
        domain->last_word != NULL && sv_entry_id_compare(in->entry_id, domain->last_word) < 0;
    return view;
}

static void finish(struct fake_work *work, const char *outcome, const char *reason)
{
    struct sv_store_admit *out = &work->call->u.admit;
    struct fake_shard *shard = fake_shard_of(work);
    char at[SV_TIME_TEXT_BYTES];
    const char *event = sv_store_arena_printf(
        &work->arena, "%s\"outcome\":\"%s\"%s%s%s%s%s%s%s", out->event_head, outcome,
        reason != NULL ? ",\"reason\":\"" : "", reason != NULL ? reason : "",
        reason != NULL ? "\"" : "", out->retry_at > 0 ? ",\"retry_at\":\"" : "",
        out->retry_at > 0 ? sv_time_format(out->retry_at, at) : "", out->retry_at > 0 ? "\"" : "",
        out->event_tail);

    fake_receipt_add(shard, out->client_id, out->job_id);
    fake_count(shard, outcome, 1);
    (void)fake_stream_add(work->store, &shard->outbox, event, strlen(event));
}

static void reject(struct fake_work *work, enum sv_store_admitted outcome, const char *reason)
{
    work->call->u.admit.outcome = outcome;
    finish(work, "rejected", reason);
}

static struct fake_domain *make(struct fake_shard *shard, struct fake_domain *domain,
                                const struct sv_store_admit *in)
{
    if (domain == NULL)
        domain = fake_domain_add(shard, in->uid, in->client_id);
    else
        fake_domain_reset(domain);
    fake_domain_set_status(shard, domain, "new");
    domain->counted = true;
    fake_set(&domain->email, in->contact_email != NULL ? in->contact_email : "");
    return domain;
}

/* Whether nobody holds an earlier entry. */
static bool is_first(const struct fake_work *work, const char *id)
{
    const struct fake_stream *inbox = &fake_shard_of(work)->inbox;

    for (size_t i = inbox->first; i < inbox->count; i++) {
        const struct fake_entry *entry = &inbox->entries[i];

        if (entry->pending && sv_entry_id_compare(entry->id, id) < 0)
            return false;
    }
    return true;
}

static void write_domain(struct fake_work *work, struct fake_domain *domain, enum sv_job_type type,
                         const struct sv_admission_result *result)
{
    const struct sv_store_admit *in = &work->call->u.admit;

    for (size_t i = 0; i < in->fields_count; i++) {
        if (strcmp(in->fields[i].name, "todo") != 0)
            fake_domain_set_field(domain, in->fields[i].name, in->fields[i].value);
    }
    if (type != SV_JOB_RECHECK && type != SV_JOB_REMOVE && in->contact_email != NULL &&
        in->contact_email[0] != '\0')
        fake_set(&domain->email, in->contact_email);
    if (type != SV_JOB_RECHECK)
        fake_set(&domain->last_word, is_first(work, in->entry_id) ? NULL : in->entry_id);
    domain->attempts = result->attempts;
    domain->attempted_at = result->attempted_at;
    if (domain->place == FAKE_RUNNING) {
        domain->again = result->again;
        if (result->again) {
            domain->promised = (domain->promised & ~in->withdrawn) | in->todo;
            domain->withdrawn |= in->withdrawn;
        }
        return;
    }
    domain->todo = (domain->todo & ~in->withdrawn) | in->todo;
    if (result->due_now)
        fake_domain_move_up(domain, fake_now(work->store));
}

static void decide(struct fake_work *work)
{
    struct sv_store_admit *in = &work->call->u.admit;
    struct fake_shard *shard = fake_shard_of(work);
    struct fake_domain *domain = fake_domain_find(shard, in->uid);
    struct sv_admission_view view = view_of(shard, domain, in);
    struct sv_limits limits = {.domains_max = in->domains_max,
                               .attempts_max = in->attempts_max,
                               .cooldown_ms = in->cooldown_ms};
    enum sv_job_type type = type_of(in->type);
    struct sv_admission_result result;

    sv_admission_decide(&view, type, &limits, fake_now(work->store), &result);
    in->retry_at = result.retry_at;
    switch (result.outcome) {
    case SV_ADMISSION_COOLDOWN:
        reject(work, SV_STORE_REJECTED_COOLDOWN, "cooldown");
        return;
    case SV_ADMISSION_DOMAIN_LIMIT:
        reject(work, SV_STORE_REJECTED_DOMAIN_LIMIT, "domain_limit");
        return;
    case SV_ADMISSION_NOT_REGISTERED:
        reject(work, SV_STORE_REJECTED_NOT_REGISTERED, "not_registered");
        return;
    case SV_ADMISSION_SUPERSEDED:
        reject(work, view.known ? SV_STORE_REJECTED_SUPERSEDED : SV_STORE_REJECTED_REMOVED_SINCE,
               "superseded");
        return;
    case SV_ADMISSION_OPENED:
    case SV_ADMISSION_COALESCED:
        break;
    }
    if (!view.known)
        domain = make(shard, domain, in);
    write_domain(work, domain, type, &result);
    if (result.outcome == SV_ADMISSION_COALESCED) {
        in->outcome = SV_STORE_COALESCED;
        finish(work, "coalesced", NULL);
        return;
    }
    in->outcome = SV_STORE_OPENED;
    fake_job_open(domain, in->entry_id, in->job_id, in->type);
    fake_receipt_add(shard, in->client_id, in->job_id);
    fake_count(shard, "open", 1);
}

bool fake_admit(struct fake_work *work)
{
    struct sv_store_admit *in = &work->call->u.admit;
    struct fake_shard *shard = fake_shard_of(work);
    struct fake_entry *entry = fake_stream_find(&shard->inbox, in->entry_id);

    in->retry_at = 0;
    in->outcome = SV_STORE_DUPLICATE;
    if (entry == NULL || !entry->pending)
        return true;
    settle(shard, entry);
    if (fake_receipt_known(shard, in->client_id, in->job_id)) {
        fake_count(shard, "duplicate", 1);
        return true;
    }
    fake_count(shard, "accepted", 1);
    if (in->refusal != NULL)
        reject(work, SV_STORE_REFUSED, in->refusal);
    else
        decide(work);
    return true;
}

/* --- names --- */

static bool is_below(const char *name, const char *other)
{
    size_t a = strlen(name), b = strlen(other);

    return a > b && name[a - b - 1] == '.' && strcmp(name + a - b, other) == 0;
}

static bool stands_in_the_way(const struct fake_name *name, const struct sv_store_own *in)
{
    if (strcmp(name->registrable, in->registrable) != 0 || strcmp(name->client, in->client_id) == 0)
        return false;
    if (strcmp(name->domain, in->domain) == 0)
        return true;
    return !in->allow_overlap &&
           (is_below(name->domain, in->domain) || is_below(in->domain, name->domain));
}

static struct fake_name **find_name(struct fake_store *store, const struct sv_store_own *in)
{
    struct fake_name **at = &store->names;

    while (*at != NULL &&
           (strcmp((*at)->registrable, in->registrable) != 0 ||
            strcmp((*at)->domain, in->domain) != 0 || strcmp((*at)->account, in->account) != 0))
        at = &(*at)->next;
    return at;
}

static void drop_name(struct fake_name **at)
{
    struct fake_name *name = *at;

    *at = name->next;
    free(name->registrable);
    free(name->domain);
    free(name->account);
    free(name->client);
    free(name->uid);
    free(name);
}

static void refuse(struct sv_store_own *out, const char *domain)
{
    out->granted = false;
    (void)snprintf(out->held_by_domain, sizeof(out->held_by_domain), "%s", domain);
}

static void release_name(struct fake_work *work)
{
    struct sv_store_own *in = &work->call->u.own;
    struct fake_name **at = find_name(work->store, in);

    if (*at != NULL && strcmp((*at)->client, in->client_id) != 0)
        refuse(in, in->domain);
    else if (*at != NULL)
        drop_name(at);
}

static void drop_stray(struct fake_work *work)
{
    struct sv_store_own *in = &work->call->u.own;
    struct fake_name **at = find_name(work->store, in);

    in->granted = *at != NULL && !(*at)->held && strcmp((*at)->client, in->client_id) == 0 &&
                  strcmp((*at)->uid, in->uid) == 0 && (*at)->at == in->claimed_at &&
                  in->claimed_at + in->idle_ms < fake_now(work->store);
    if (in->granted)
        drop_name(at);
}

static void note_claim(struct fake_work *work, struct fake_name *name)
{
    fake_set(&name->uid, work->call->u.own.uid);
    name->at = fake_now(work->store);
}

static void loosen_name(struct fake_work *work)
{
    struct sv_store_own *in = &work->call->u.own;
    struct fake_name **at = find_name(work->store, in);

    if (*at == NULL || strcmp((*at)->client, in->client_id) != 0)
        return;
    (*at)->held = false;
    note_claim(work, *at);
}

bool fake_own(struct fake_work *work)
{
    struct sv_store_own *in = &work->call->u.own;
    struct fake_name **at;

    in->granted = true;
    in->held_by_domain[0] = '\0';
    if (in->verb == SV_STORE_OWN_RELEASE) {
        release_name(work);
        return true;
    }
    if (in->verb == SV_STORE_OWN_LOOSEN) {
        loosen_name(work);
        return true;
    }
    if (in->verb == SV_STORE_OWN_DROP) {
        drop_stray(work);
        return true;
    }
    for (const struct fake_name *name = work->store->names; name != NULL; name = name->next) {
        if (stands_in_the_way(name, in)) {
            refuse(in, name->domain);
            return true;
        }
    }
    at = find_name(work->store, in);
    if (*at == NULL) {
        *at = sv_alloc(1, sizeof(**at));
        (*at)->registrable = sv_strdup(in->registrable);
        (*at)->domain = sv_strdup(in->domain);
        (*at)->account = sv_strdup(in->account);
        (*at)->client = sv_strdup(in->client_id);
    }
    (*at)->held = (*at)->held || in->verb == SV_STORE_OWN_CONFIRM;
    note_claim(work, *at);
    return true;
}

/* --- permits --- */

bool fake_permit(struct fake_work *work)
{
    struct sv_store_permit *in = &work->call->u.permit;
    struct fake_limit *limit = NULL;
    struct sv_gcra_ask ask = {
        .worker = sv_fnv1a(SV_FNV_START, in->worker, strlen(in->worker)),
        .now_us = fake_now_us(work->store),
        .interval_us = in->interval_us,
        .throttled = in->throttled,
    };
    const char *key =
        sv_store_arena_printf(&work->arena, "%s:%s:%s", in->account, in->region, in->action);

    HASH_FIND_STR(work->store->limits, key, limit);
    if (limit == NULL) {
        limit = sv_alloc(1, sizeof(*limit));
        limit->key = sv_strdup(key);
        HASH_ADD_KEYPTR(hh, work->store->limits, limit->key, strlen(limit->key), limit);
    }
    sv_gcra_take(&limit->gcra, &ask);
    in->wait_ms = (ask.wait_us + 999) / 1000;
    in->interval_ms = (ask.adapted_us + 999) / 1000;
    in->workers = ask.workers;
    in->now_us = ask.now_us;
    return true;
}
