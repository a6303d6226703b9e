#include <string.h>

#include "fake_inner.h"

/* What only those who check the store look at. Nothing is kept in keys here, so pages of them are
 * empty. */

bool fake_look(struct fake_work *work)
{
    struct sv_store_look *out = &work->call->u.look;

    *out = (struct sv_store_look){.what = out->what, .key = out->key, .cursor = out->cursor};
    out->next_cursor[0] = '0';
    return true;
}

static sv_ms place(const struct fake_domain *domain, enum fake_place where)
{
    return domain != NULL && domain->place == where ? domain->at : SV_STORE_NOWHERE;
}

static void earlier(sv_ms *at, sv_ms other)
{
    if (other != SV_STORE_NOWHERE && (*at == SV_STORE_NOWHERE || other < *at))
        *at = other;
}

static void look_round(const struct fake_shard *shard, const char *client,
                       struct sv_store_places *out)
{
    out->first_hi = out->first_lo = out->ring = SV_STORE_NOWHERE;
    for (const struct fake_domain *d = shard->domains; d != NULL; d = d->hh.next) {
        if (strcmp(d->client, client) != 0)
            continue;
        out->domains += d->counted;
        earlier(&out->first_hi, place(d, FAKE_DUE_HI));
        earlier(&out->first_lo, place(d, FAKE_DUE_LO));
    }
    earlier(&out->ring, out->first_hi);
    earlier(&out->ring, out->first_lo);
    out->ring_hi = out->first_hi;
}

bool fake_places(struct fake_work *work)
{
    struct sv_store_places *out = &work->call->u.places;
    const struct fake_shard *shard = fake_shard_of(work);
    const struct fake_domain *domain = fake_domain_find(shard, out->uid);
    const char *client = out->client_id;

    if (client == NULL)
        client = domain != NULL ? domain->client : "";
    *out = (struct sv_store_places){
        .uid = out->uid, .client_id = out->client_id, .now = fake_now(work->store)};
    if (domain != NULL)
        out->fields = fake_domain_fields(domain, &work->arena, &out->fields_count);
    out->found = domain != NULL;
    out->lease = place(domain, FAKE_RUNNING);
    if (domain != NULL && strcmp(domain->client, client) != 0)
        domain = NULL; /* its queues were not asked for */
    out->due_hi = place(domain, FAKE_DUE_HI);
    out->due_lo = place(domain, FAKE_DUE_LO);
    out->counted = domain != NULL && domain->counted;
    out->detail_bytes = domain != NULL && domain->detail != NULL ? strlen(domain->detail) : 0;
    out->receipt_ttl_ms = -2;
    if (domain != NULL && domain->job.id != NULL) {
        out->receipt = sv_store_arena_printf(&work->arena, "open:%s", out->uid);
        out->receipt_ttl_ms = -1;
    }
    look_round(shard, client, out);
    return true;
}
