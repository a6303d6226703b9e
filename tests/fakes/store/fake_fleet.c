#include <stdio.h>
#include <string.h>

#include "fake_inner.h"

/* --- beat --- */

static void forget(struct fake_store *store, size_t i)
{
    store->beats[i] = store->beats[--store->beats_count];
}

static void drop_over(struct fake_store *store, const char *worker, sv_ms now)
{
    for (size_t i = store->beats_count; i-- > 0;) {
        const struct fake_beat *beat = &store->beats[i];

        if (beat->until <= now || beat->until > now + SV_STORE_BEAT_MS_MAX ||
            strcmp(beat->worker, worker) == 0)
            forget(store, i);
    }
}

bool fake_beat(struct fake_work *work)
{
    struct sv_store_beat *in = &work->call->u.beat;
    struct fake_store *store = work->store;
    const char **names =
        sv_store_arena_alloc(&work->arena, SV_STORE_WORKERS_MAX, sizeof(const char *));
    sv_ms now = fake_now(store);

    drop_over(store, in->worker, now);
    if (in->expiry_ms > 0 && store->beats_count < SV_STORE_WORKERS_MAX) {
        struct fake_beat *beat = &store->beats[store->beats_count++];

        (void)snprintf(beat->worker, sizeof(beat->worker), "%s", in->worker);
        beat->until = now + in->expiry_ms;
    }
    for (size_t i = 0; i < store->beats_count; i++)
        names[i] = sv_store_arena_printf(&work->arena, "%s", store->beats[i].worker);
    in->count = store->beats_count;
    in->workers = names;
    return true;
}

/* --- retire --- */

/* The fake's inbox knows of no consumers but its only one. */
bool fake_retire(struct fake_work *work)
{
    work->call->u.retire.retired = 0;
    return true;
}
