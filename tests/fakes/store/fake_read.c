#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_inner.h"

/* What only looks. */

bool fake_read(struct fake_work *work)
{
    struct sv_store_read *out = &work->call->u.read;
    const struct fake_domain *domain = fake_domain_find(fake_shard_of(work), out->uid);

    *out = (struct sv_store_read){.uid = out->uid, .found = domain != NULL};
    if (domain == NULL)
        return true;
    out->client_id = domain->client;
    out->contact_email = domain->email != NULL ? domain->email : "";
    out->detail = domain->detail;
    out->fields = fake_domain_fields(domain, &work->arena, &out->fields_count);
    out->running = domain->place == FAKE_RUNNING;
    if (domain->place == FAKE_DUE_HI || domain->place == FAKE_DUE_LO)
        out->due_at = domain->at;
    return true;
}

/* The cursor is the number of domains seen; they are never deleted. */
bool fake_list(struct fake_work *work)
{
    struct sv_store_list *out = &work->call->u.list;
    size_t skip = (size_t)strtoull(out->cursor, NULL, 10), at = 0;
    size_t count_max = out->count_hint > 0 ? out->count_hint : 100;
    const char **uids = sv_store_arena_alloc(&work->arena, count_max, sizeof(char *));
    const struct fake_domain *domain = fake_shard_of(work)->domains;

    for (; domain != NULL && at < skip; domain = domain->hh.next)
        at++;
    for (out->count = 0; domain != NULL && out->count < count_max; domain = domain->hh.next)
        uids[out->count++] = domain->uid;
    out->uids = uids;
    (void)snprintf(out->next_cursor, sizeof(out->next_cursor), "%zu",
                   domain != NULL ? skip + out->count : 0);
    return true;
}

/* Where the entries behind `after` begin. An id that is not there is as old as can be. */
static size_t begin_after(const struct fake_stream *outbox, const char *after)
{
    if (strcmp(after, "$") == 0)
        return outbox->count;
    for (size_t i = outbox->count; i > 0; i--) {
        if (strcmp(outbox->entries[i - 1].id, after) == 0)
            return i;
    }
    return 0;
}

static void give_event(struct fake_work *work, struct sv_store_entry *list, size_t at)
{
    const struct fake_entry *entry = &fake_shard_of(work)->outbox.entries[at];

    list[work->call->u.events.count++] =
        (struct sv_store_entry){.id = sv_store_arena_printf(&work->arena, "%s", entry->id),
                                .payload = entry->payload,
                                .payload_bytes = entry->payload_bytes};
}

static bool give_newest(struct fake_work *work)
{
    struct sv_store_events *out = &work->call->u.events;
    size_t at = fake_shard_of(work)->outbox.count;
    struct sv_store_entry *list = sv_store_arena_alloc(&work->arena, at + 1, sizeof(*list));

    out->entries = list;
    for (out->count = 0; at > 0 && out->count < out->entries_max;)
        give_event(work, list, --at);
    return true;
}

bool fake_events(struct fake_work *work)
{
    struct sv_store_events *out = &work->call->u.events;
    const struct fake_stream *outbox = &fake_shard_of(work)->outbox;
    uint64_t now = uv_now(work->store->loop);
    struct sv_store_entry *list;

    if (out->newest)
        return give_newest(work);
    if (work->is_new) {
        work->end_at = now + (uint64_t)out->block_ms;
        work->after = begin_after(outbox, out->after);
    }
    if (work->after >= outbox->count && now < work->end_at)
        return false;
    list = sv_store_arena_alloc(&work->arena, outbox->count - work->after + 1, sizeof(*list));
    out->entries = list;
    for (out->count = 0; work->after + out->count < outbox->count && out->count < out->entries_max;)
        give_event(work, list, work->after + out->count);
    return true;
}

/* What the call's items point to. */
struct counted {
    size_t count;
    struct sv_store_counter *items;
};

static void add(struct counted *out, const char *name, int64_t value)
{
    out->items[out->count++] = (struct sv_store_counter){.name = name, .value = value};
}

/* A client is counted by the first of its due domains. */
static bool is_first_due(const struct fake_domain *domain, sv_ms now)
{
    const struct fake_domain *d = domain->hh.prev;

    for (; d != NULL; d = d->hh.prev) {
        if (strcmp(d->client, domain->client) == 0 && d->at <= now &&
            (d->place == FAKE_DUE_HI || d->place == FAKE_DUE_LO))
            return false;
    }
    return true;
}

static void add_lag(struct counted *out, const struct fake_store *store,
                    const struct fake_shard *shard)
{
    sv_ms now = fake_now(store), job_ms = 0, due_ms = 0;
    int64_t clients = 0;

    for (size_t i = shard->inbox.first; i < shard->inbox.count && job_ms == 0; i++) {
        if (!shard->inbox.entries[i].settled)
            job_ms = now - strtoll(shard->inbox.entries[i].id, NULL, 10);
    }
    for (const struct fake_domain *d = shard->domains; d != NULL; d = d->hh.next) {
        if ((d->place != FAKE_DUE_HI && d->place != FAKE_DUE_LO) || d->at > now)
            continue;
        due_ms = now - d->at > due_ms ? now - d->at : due_ms;
        clients += is_first_due(d, now);
    }
    add(out, "oldest_job_ms", job_ms > 0 ? job_ms : 0);
    add(out, "oldest_due_ms", due_ms);
    add(out, "clients_due", clients);
}

bool fake_counters(struct fake_work *work)
{
    struct counted out = {.items = sv_store_arena_alloc(&work->arena, SV_STORE_COUNTERS_MAX,
                                                        sizeof(struct sv_store_counter))};
    const struct fake_shard *shard = fake_shard_of(work);
    int64_t waiting = 0, running = 0, inbox = 0, pending = 0;

    for (size_t i = 0; i < shard->counters_count; i++)
        add(&out, shard->counters[i].name, shard->counters[i].value);
    for (const struct fake_domain *d = shard->domains; d != NULL; d = d->hh.next) {
        running += d->place == FAKE_RUNNING;
        waiting += strcmp(d->status, "removed") != 0;
    }
    for (size_t i = shard->inbox.first; i < shard->inbox.count; i++) {
        inbox += !shard->inbox.entries[i].settled;
        pending += shard->inbox.entries[i].pending;
    }
    add(&out, "waiting", waiting > running ? waiting - running : 0);
    add(&out, "running", running);
    add(&out, "inbox", inbox);
    add(&out, "pending", pending);
    add(&out, "events", (int64_t)shard->outbox.count);
    add(&out, "dead_letters", (int64_t)shard->letters_count);
    add_lag(&out, work->store, shard);
    work->call->u.counters = (struct sv_store_counters){.count = out.count, .items = out.items};
    return true;
}

bool fake_owners(struct fake_work *work)
{
    struct sv_store_owners *out = &work->call->u.owners;
    struct sv_store_owner *owners =
        sv_store_arena_alloc(&work->arena, SV_STORE_OWNERS_MAX, sizeof(*owners));
    const struct fake_name *name = work->store->names;

    for (out->count = 0; name != NULL && out->count < SV_STORE_OWNERS_MAX; name = name->next) {
        if (strcmp(name->registrable, out->registrable) == 0 &&
            strcmp(name->domain, out->domain) == 0)
            owners[out->count++] =
                (struct sv_store_owner){.account = name->account, .client_id = name->client};
    }
    out->owners = owners;
    return true;
}

/* All in one page. */
bool fake_strays(struct fake_work *work)
{
    struct sv_store_strays *out = &work->call->u.strays;
    struct sv_store_stray *strays =
        sv_store_arena_alloc(&work->arena, SV_STORE_STRAYS_MAX, sizeof(*strays));

    *out = (struct sv_store_strays){.cursor = out->cursor, .strays = strays, .next_cursor = "0"};
    for (const struct fake_name *name = work->store->names;
         name != NULL && out->count < SV_STORE_STRAYS_MAX; name = name->next) {
        if (!name->held)
            strays[out->count++] = (struct sv_store_stray){.registrable = name->registrable,
                                                           .domain = name->domain,
                                                           .account = name->account,
                                                           .client_id = name->client,
                                                           .uid = name->uid,
                                                           .claimed_at = name->at};
    }
    return true;
}
