/* The calls of sv/store.h that only look: READ, LIST, COUNTERS, OWNERS, EVENTS. */
#ifndef SV_STORE_LISTS_H
#define SV_STORE_LISTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sv/time.h"

struct sv_field;

/* READ. `found` false: no such domain. Borrowed until done returns. */
struct sv_store_read {
    const char *uid;
    bool found;
    const char *client_id, *contact_email;
    const struct sv_field *fields;
    size_t fields_count;
    const char *detail; /* lines as above; the first is "" without findings; NULL = none */
    bool running;
    sv_ms due_at; /* 0 = not waiting */
};

enum { SV_STORE_CURSOR_BYTES = 24 };

/* LIST: pages of uids in no order; a uid may come twice. cursor "0" starts; next_cursor "0" ends.
 */
struct sv_store_list {
    const char *cursor;
    size_t count_hint;
    size_t count;
    const char *const *uids;
    char next_cursor[SV_STORE_CURSOR_BYTES];
};

enum { SV_STORE_COUNTERS_MAX = 64 };

struct sv_store_counter {
    const char *name;
    int64_t value;
};

/* COUNTERS: names such as accepted, done, coalesced, rejected, dead, stale, open, waiting, running,
 * inbox, pending, events, dead_letters, and one status_<word> per status. `waiting` is what is
 * neither removed nor running. oldest_job_ms and oldest_due_ms tell how long the oldest job in the
 * inbox and the most overdue look have waited (0 = there is none), clients_due how many clients
 * have a look due. Borrowed until done returns. */
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

struct sv_store_entry;

/* EVENTS: the outbox behind `after` ("0" = from the start, "$" = only new ones), waiting up to
 * block_ms for the first (0 = do not); or with `newest` its last entries_max entries, the newest
 * first, without looking at the others. */
struct sv_store_events {
    const char *after;
    bool newest;
    sv_ms block_ms;
    size_t entries_max;
    size_t count;
    const struct sv_store_entry *entries;
};

#endif
