/* Changes the number of shards of an installation whose workers are stopped. */
#ifndef SV_WORKER_RESHARD_H
#define SV_WORKER_RESHARD_H

#include "client.h"
#include "doctor_walk.h"

struct sv_reshard {
    const struct sv_args *args;
    bool dry_run;
    unsigned to;
    /* out */
    unsigned from;
    bool continued; /* an earlier one had been broken off */
    bool nothing;   /* it has so many shards already */
    size_t seen[SV_STORE_MOVED_COUNT];
    size_t moved[SV_STORE_MOVED_COUNT]; /* by this run; with dry_run: to be moved */
    bool sums_differ;                   /* what there was before and is there now */
    size_t faults;                      /* that `doctor` found at the end */
    /* private from here on */
    struct sv_config config; /* borrows all but the number of shards */
    struct sv_client client;
    char name[SV_STORE_WORKER_BYTES], other[SV_STORE_WORKER_BYTES];
    uint64_t beaten_ns;
    unsigned shard; /* in hand */
    bool counting;
    char cursor[SV_STORE_MOVE_CURSOR_BYTES];
    char strange[96], owed[96], behind[96];
    bool is_behind;
    struct sv_names readers;
    char note[128];
};

/* The words of the kinds: "domains" ... */
extern const char *const sv_reshard_kinds[SV_STORE_MOVED_COUNT];

/* Asks before it begins. SV_EXIT_OK when all is done, or was counted; otherwise the exit code after
 * a message: what is half done then goes on with the next call. */
int sv_reshard_run(struct sv_reshard *reshard, const struct sv_config *config);

#endif
