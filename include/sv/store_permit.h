/* The call of sv/store.h that asks the limiter: PERMIT. */
#ifndef SV_STORE_PERMIT_H
#define SV_STORE_PERMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "sv/time.h"

/* PERMIT: generic cell rate, burst 1, shared by all workers (sv/gcra.h). Not bound to a shard.
 * Workers that were refused get permits in turn, the one that has waited longest first. */
struct sv_store_permit {
    const char *account, *region, *action;
    const char *worker; /* name and nonce of this process */
    int64_t interval_us;
    bool throttled; /* SES throttled our last call: everybody slows down before this is answered */
    /* out */
    sv_ms wait_ms;     /* 0 = granted, otherwise ask again after this */
    sv_ms interval_ms; /* between permits now: the configured interval, or slower after throttles */
    unsigned workers;  /* that want permits now, this one included */
    int64_t now_us;    /* of the store's clock, when it decided */
};

#endif
