/* The calls of sv/store.h that list something: LIST, COUNTERS, OWNERS. */
#ifndef SV_STORE_LISTS_H
#define SV_STORE_LISTS_H

#include <stddef.h>
#include <stdint.h>

/* LIST: pages of uids in no order; a uid may come twice. cursor "0" starts; next_cursor "0" ends.
 */
struct sv_store_list {
    const char *cursor;
    size_t count_hint;
    size_t count;
    const char *const *uids;
    char next_cursor[24];
};

enum { SV_STORE_COUNTERS_MAX = 64 };

struct sv_store_counter {
    const char *name;
    int64_t value;
};

/* COUNTERS: names such as accepted, done, coalesced, rejected, dead, stale, open, waiting, running,
 * inbox, pending, events, dead_letters, and one status_<word> per status. `waiting` is what is
 * neither removed nor running. Borrowed until done returns. */
struct sv_store_counters {
    size_t count;
    const struct sv_store_counter *items;
};

enum { SV_STORE_OWNERS_MAX = 64 };

struct sv_store_owner {
    const char *account, *client_id;
};

/* OWNERS: everybody who has claimed exactly `domain`, held or not yet, in no order; normally one
 * client. Not bound to a shard. Borrowed until done returns. */
struct sv_store_owners {
    const char *registrable, *domain;
    size_t count;
    const struct sv_store_owner *owners;
};

#endif
