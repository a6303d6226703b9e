/* The calls of sv/store.h for those who check what is kept, key by key: LOOK, PLACES. Read-only. */
#ifndef SV_STORE_LOOK_H
#define SV_STORE_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sv/time.h"

struct sv_field;

enum sv_store_look_what {
    SV_STORE_LOOK_KEYS,    /* every key of the shard, in no order; one may come twice */
    SV_STORE_LOOK_OWNERS,  /* the keys "{o:<registrable>}", which are of no shard */
    SV_STORE_LOOK_SCORES,  /* a sorted set: member, score */
    SV_STORE_LOOK_FIELDS,  /* a hash: field, value */
    SV_STORE_LOOK_KEY,     /* one key, as KEYS tells of it; no item: it is not there */
    SV_STORE_LOOK_PENDING, /* jobs that were read and not settled: entry id, ms it has been idle */
    SV_STORE_LOOK_STREAM,  /* a stream: "length", "entries-added", "last-generated-id" ... */
};

enum { SV_STORE_LOOK_MAX = 500, SV_STORE_LOOK_CURSOR_BYTES = 48 };

struct sv_store_look_item {
    const char *name; /* of the key behind "sv:{s}:" (OWNERS: behind "sv:"), member, field, entry */
    const char *type; /* KEYS, OWNERS: "zset" ...; "" otherwise */
    const char *value; /* KEYS: of a string its first 64 bytes; score, field's value, idle time; ""
                          = none. Texts end at their first 0 byte */
    sv_ms ttl_ms;      /* KEYS, OWNERS: -1 = stays */
};

/* LOOK: one page. `key` is named as in the items; a key that is not there, or is of another type
 * than was asked for, has no items. Borrowed until done returns. */
struct sv_store_look {
    enum sv_store_look_what what;
    const char *key;    /* SCORES, FIELDS, KEY, STREAM */
    const char *cursor; /* "0" begins */
    /* out */
    size_t count;
    const struct sv_store_look_item *items;
    char next_cursor[SV_STORE_LOOK_CURSOR_BYTES]; /* "0" ends */
};

enum { SV_STORE_NOWHERE = -1 };

/* PLACES: one domain, and everywhere its name stands, at one instant; or with uid "" one client.
 * Borrowed until done returns. */
struct sv_store_places {
    const char *uid;
    const char *client_id; /* in: whose queues to look into; NULL = those of its record's client */
    /* out */
    bool found;   /* there is a record */
    bool damaged; /* a key is of a wrong type: the rest says nothing */
    bool moving;  /* its client or job changed again and again meanwhile: the rest says nothing */
    const struct sv_field *fields;
    size_t fields_count;
    sv_ms now; /* the store's clock */
    /* Due times and the lease's end, ms; SV_STORE_NOWHERE = not there. */
    sv_ms due_hi, due_lo, lease;
    bool counted; /* among the client's domains */
    /* Of the client: its places in the rings, and the earliest in its queues. */
    sv_ms ring, ring_hi, first_hi, first_lo;
    size_t domains; /* that are counted for the client */
    /* Of the open job. */
    const char *receipt;  /* NULL = none */
    sv_ms receipt_ttl_ms; /* -1 = stays */
    size_t detail_bytes;
};

#endif
