/* The calls of sv/store.h that sweeps of an account's list need: HURRY, SWEEP. */
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

#endif
