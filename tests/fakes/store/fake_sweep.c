#include <stdlib.h>
#include <string.h>

#include "fake_inner.h"
#include "sv/alloc.h"

/* --- hurry --- */

bool fake_hurry(struct fake_work *work)
{
    struct sv_store_hurry *in = &work->call->u.hurry;
    struct fake_domain *domain = fake_domain_find(fake_shard_of(work), in->uid);
    sv_ms now = fake_now(work->store);

    in->hurried = domain != NULL && strcmp(domain->client, in->client_id) == 0 &&
                  (domain->place == FAKE_DUE_HI || domain->place == FAKE_DUE_LO) &&
                  domain->at > now;
    if (in->hurried) {
        domain->at = now;
        fake_domain_set_field(domain, "hu", "1");
    }
    return true;
}

/* --- sweep --- */

static struct fake_sweep *find(struct fake_work *work)
{
    const struct sv_store_sweep *in = &work->call->u.sweep;
    const char *key = sv_store_arena_printf(&work->arena, "%s:%s", in->account, in->region);
    struct fake_sweep *sweep;

    HASH_FIND_STR(work->store->sweeps, key, sweep);
    if (sweep != NULL)
        return sweep;
    sweep = sv_alloc(1, sizeof(*sweep));
    sweep->key = sv_strdup(key);
    HASH_ADD_KEYPTR(hh, work->store->sweeps, sweep->key, strlen(sweep->key), sweep);
    return sweep;
}

static void begin(struct fake_sweep *sweep, const struct sv_store_sweep *in, sv_ms now)
{
    sweep->started_at = now;
    sweep->finished_at = 0;
    sweep->pages = 0;
    sweep->till = now + in->lease_ms;
    fake_set(&sweep->worker, in->worker);
}

static void finish(struct fake_sweep *sweep, const struct sv_store_sweep *in, sv_ms now)
{
    sweep->finished_at = now;
    sweep->pages = in->pages;
    sweep->domains = in->domains;
    fake_set(&sweep->worker, NULL);
}

bool fake_sweep(struct fake_work *work)
{
    struct sv_store_sweep *in = &work->call->u.sweep;
    struct fake_sweep *sweep = find(work);
    sv_ms now = fake_now(work->store);
    bool leased = sweep->worker != NULL && sweep->finished_at == 0 && sweep->till > now;

    in->held = leased && strcmp(sweep->worker, in->worker) == 0;
    in->wait_ms = leased && !in->held ? sweep->till - now : 0;
    if (in->verb == SV_STORE_SWEEP_BEGIN && !leased && sweep->started_at == in->started_at) {
        begin(sweep, in, now);
        in->held = true;
    } else if (in->verb == SV_STORE_SWEEP_PAGE && in->held) {
        sweep->pages = in->pages;
        sweep->till = now + in->lease_ms;
    } else if (in->verb == SV_STORE_SWEEP_FINISH && in->held) {
        finish(sweep, in, now);
    }
    in->started_at = sweep->started_at;
    in->finished_at = sweep->finished_at;
    in->pages = sweep->pages;
    in->domains = sweep->domains;
    in->now = now;
    return true;
}

void fake_sweeps_fini(struct fake_store *store)
{
    struct fake_sweep *sweep, *next;

    HASH_ITER(hh, store->sweeps, sweep, next)
    {
        HASH_DEL(store->sweeps, sweep);
        free(sweep->key);
        free(sweep->worker);
        free(sweep);
    }
}
