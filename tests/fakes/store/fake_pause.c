#include <stdlib.h>
#include <string.h>

#include "fake_inner.h"
#include "sv/alloc.h"

/* The mirror of pause.lua. */

static void drop(struct fake_store *store, size_t at)
{
    struct fake_pause *pause = &store->pauses[at];

    fake_set(&pause->name, NULL);
    fake_set(&pause->by, NULL);
    fake_set(&pause->why, NULL);
    *pause = store->pauses[--store->pauses_count];
}

void fake_pauses_fini(struct fake_store *store)
{
    while (store->pauses_count > 0)
        drop(store, 0);
    free(store->pauses);
    store->pauses = NULL;
}

bool fake_pause(struct fake_work *work)
{
    struct sv_store_pause *in = &work->call->u.pause;
    struct fake_store *store = work->store;
    const char *name = in->scope == SV_STORE_PAUSE_ALL ? "" : in->name;
    struct fake_pause *pause;
    size_t at = 0;

    while (at < store->pauses_count &&
           (store->pauses[at].scope != in->scope || strcmp(store->pauses[at].name, name) != 0))
        at++;
    in->changed = in->resume == (at < store->pauses_count);
    in->full = in->changed && !in->resume && store->pauses_count == SV_STORE_PAUSES_MAX;
    in->changed = in->changed && !in->full;
    if (!in->changed)
        return true;
    if (in->resume) {
        drop(store, at);
        return true;
    }
    store->pauses = sv_realloc(store->pauses, (store->pauses_count + 1) * sizeof(*store->pauses));
    pause = &store->pauses[store->pauses_count++];
    *pause = (struct fake_pause){.scope = in->scope, .since = fake_now(work->store)};
    fake_set(&pause->name, name);
    fake_set(&pause->by, in->by != NULL ? in->by : "");
    fake_set(&pause->why, in->why != NULL ? in->why : "");
    return true;
}

bool fake_pauses(struct fake_work *work)
{
    struct sv_store_pauses *out = &work->call->u.pauses;
    const struct fake_store *store = work->store;
    struct sv_store_paused *items =
        sv_store_arena_alloc(&work->arena, store->pauses_count + 1, sizeof(*items));

    for (size_t i = 0; i < store->pauses_count; i++) {
        const struct fake_pause *pause = &store->pauses[i];

        items[i] =
            (struct sv_store_paused){.scope = pause->scope,
                                     .name = sv_store_arena_printf(&work->arena, "%s", pause->name),
                                     .since = pause->since,
                                     .by = sv_store_arena_printf(&work->arena, "%s", pause->by),
                                     .why = sv_store_arena_printf(&work->arena, "%s", pause->why)};
    }
    *out = (struct sv_store_pauses){.count = store->pauses_count, .items = items};
    return true;
}
