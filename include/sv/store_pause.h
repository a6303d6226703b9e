/* The calls of sv/store.h that hold work up: PAUSE, PAUSES. What is paused stays in the store until
 * somebody resumes it; jobs are taken in all the same, and wait. */
#ifndef SV_STORE_PAUSE_H
#define SV_STORE_PAUSE_H

#include <stdbool.h>
#include <stddef.h>

#include "sv/time.h"

enum {
    SV_STORE_PAUSES_MAX = 1000, /* at once */
    SV_STORE_PAUSE_WORD_BYTES = 201,
};

enum sv_store_pause_scope {
    SV_STORE_PAUSE_ALL,     /* everything */
    SV_STORE_PAUSE_ACCOUNT, /* an SES account's domains */
    SV_STORE_PAUSE_CLIENT,  /* a client's domains */
};

/* PAUSE: one thing is paused or resumed. What is paused already stays as it was. Not bound to a
 * shard. */
struct sv_store_pause {
    bool resume;
    enum sv_store_pause_scope scope;
    const char *name;     /* account or client; ALL: "" */
    const char *by, *why; /* PAUSE: for people, at most SV_STORE_PAUSE_WORD_BYTES - 1 bytes each,
                             without line ends */
    bool changed;         /* out: false = it was so already */
    bool full;            /* out: SV_STORE_PAUSES_MAX are paused; nothing was done */
};

struct sv_store_paused {
    enum sv_store_pause_scope scope;
    const char *name;
    sv_ms since;
    const char *by, *why;
};

/* PAUSES: all of them, in no order. Not bound to a shard. Borrowed until done returns. */
struct sv_store_pauses {
    size_t count;
    const struct sv_store_paused *items;
};

#endif
