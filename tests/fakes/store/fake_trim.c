#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_inner.h"

/* The only groups here are those of sinks. */

static bool is_old(const struct fake_work *work, const struct fake_entry *entry)
{
    sv_ms oldest_kept = fake_now(work->store) - work->call->u.trim.keep_ms;

    return strtoll(entry->id, NULL, 10) < oldest_kept;
}

/* Those who wait for events know their place by number. */
static void move_readers(struct fake_work *work, size_t gone)
{
    for (struct fake_work *other = work->store->works; other != NULL; other = other->next) {
        if (other->call->op == SV_STORE_EVENTS && !other->is_new &&
            other->call->shard == work->call->shard)
            other->after = other->after > gone ? other->after - gone : 0;
    }
}

bool fake_trim(struct fake_work *work)
{
    struct sv_store_trim *in = &work->call->u.trim;
    struct fake_shard *shard = fake_shard_of(work);
    struct fake_stream *outbox = &shard->outbox;
    const char *holder = "";
    size_t gone = 0;

    while (gone < outbox->count && gone < in->entries_max && is_old(work, &outbox->entries[gone]) &&
           fake_sinks_are_past(shard, &outbox->entries[gone], &holder))
        free(outbox->entries[gone++].payload);
    outbox->count -= gone;
    if (gone > 0) {
        memmove(outbox->entries, outbox->entries + gone, outbox->count * sizeof(*outbox->entries));
        move_readers(work, gone);
        fake_count(shard, "trimmed", (int64_t)gone);
    }
    in->trimmed = gone;
    in->more = *holder == '\0' && outbox->count > 0 && is_old(work, &outbox->entries[0]);
    (void)snprintf(in->held_by, sizeof(in->held_by), "%s%s", *holder != '\0' ? "sink:" : "",
                   holder);
    return true;
}
