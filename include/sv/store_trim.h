/* The call of sv/store.h that ends the life of events: TRIM. */
#ifndef SV_STORE_TRIM_H
#define SV_STORE_TRIM_H

#include <stdbool.h>
#include <stddef.h>

#include "sv/time.h"

enum { SV_STORE_GROUP_BYTES = 129 };

/* TRIM: deletes the oldest events of a shard's outbox that are older than `keep_ms` and that every
 * consumer group has read and acknowledged, at most `entries_max`. Without a group age alone
 * decides. Nothing is deleted that a group may still ask for. */
struct sv_store_trim {
    sv_ms keep_ms;
    size_t entries_max; /* 1 .. 1000 */
    /* out */
    size_t trimmed;
    bool more;                          /* there are more that may go */
    char held_by[SV_STORE_GROUP_BYTES]; /* a group that has not read or not acknowledged an event
                                           older than keep_ms; "" = none */
};

#endif
