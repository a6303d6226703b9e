/* The calls of sv/store.h that sweeps need, of an account's list and of claimed names: HURRY,
 * SWEEP, STRAYS. */
#ifndef SV_STORE_SWEEP_H
#define SV_STORE_SWEEP_H

#include <stdbool.h>
#include <stddef.h>

#include "sv/time.h"

/* HURRY: changes when a domain is looked at, never what it is; one that runs, is removed or is due
 * anyway is left alone. */
struct sv_store_hurry {
    const char *uid, *client_id;
    bool hurried; /* out */
};

enum sv_store_sweep_verb {
    SV_STORE_SWEEP_LOOK,  /* only tells */
    SV_STORE_SWEEP_BEGIN, /* takes the turn, unless somebody walks, or began since `started_at` */
    SV_STORE_SWEEP_PAGE,  /* prolongs the lease */
    SV_STORE_SWEEP_FINISH,
};

/* SWEEP: one worker at a time walks the list of an account; after its lease the turn is free again.
 * Not bound to a shard. */
struct sv_store_sweep {
    enum sv_store_sweep_verb verb;
    const char *account, *region, *worker;
    sv_ms lease_ms;             /* BEGIN, PAGE */
    size_t pages, domains;      /* in: PAGE, FINISH; out: of the sweep under way, or the last */
    sv_ms started_at;           /* in, BEGIN: as LOOK told; out */
    bool held;                  /* out: the turn is ours; FINISH: was ours */
    sv_ms finished_at, wait_ms; /* out: 0 = under way; how long another worker's lease lasts */
    sv_ms now;                  /* out: the store's clock */
};

enum { SV_STORE_STRAYS_MAX = 500, SV_STORE_STRAYS_CURSOR_BYTES = 32 };

/* A name that a client has claimed and does not hold (yet, or any more). */
struct sv_store_stray {
    const char *registrable, *domain, *account, *client_id, *uid;
    sv_ms claimed_at;
};

/* STRAYS: one page of the names that are claimed and not held, in no order; one may come twice, and
 * what is more than SV_STORE_STRAYS_MAX in a page is left out. Not bound to a shard. Borrowed until
 * done returns. */
struct sv_store_strays {
    const char *cursor; /* "0" begins */
    /* out */
    size_t count;
    const struct sv_store_stray *strays;
    char next_cursor[SV_STORE_STRAYS_CURSOR_BYTES]; /* "0" ends */
};

#endif
