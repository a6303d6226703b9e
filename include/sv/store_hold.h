/* The calls of sv/store.h about domains that somebody holds: RENEW, RELEASE, REAP. */
#ifndef SV_STORE_HOLD_H
#define SV_STORE_HOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sv/time.h"

/* RENEW. RELEASE: due again after wait_ms, an open recheck's attempt given back, nothing else. */
struct sv_store_hold {
    const char *uid, *client_id;
    const char *own; /* as claimed, with the fence */
    uint64_t fence;
    sv_ms lease_ms; /* RENEW */
    sv_ms wait_ms;  /* RELEASE */
    bool held;      /* out: false = fenced */
};

#define SV_STORE_LEASE_MAX_MS SV_DAY /* as the setting's limit; reap.lua has it too */

/* REAP: at most `count_max` domains whose lease is past go back, fence raised (a lease beyond
 * SV_STORE_LEASE_MAX_MS is of a clock that was ahead, and past); after `reclaims_max`
 * in a row without a commit, a domain's open job ends dead ("crash_loop") and the domain waits
 * `crash_wait_ms`. */
struct sv_store_reap {
    size_t count_max;
    unsigned reclaims_max;
    sv_ms crash_wait_ms;
    /* out */
    size_t reaped;
    size_t dead; /* open jobs that ended so */
};

#endif
