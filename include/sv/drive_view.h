/* What a running driver shows to those who look at it: its accounts, its queues, and the checks
 * that take longest. For the status port; nothing here changes anything. */
#ifndef SV_DRIVE_VIEW_H
#define SV_DRIVE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sv/domain.h"
#include "sv/planner.h"
#include "sv/time.h"

struct sv_drive;

/* One SES account. Texts are borrowed until the loop turns on. */
struct sv_drive_account {
    const char *name, *region;
    sv_ms interval_ms;             /* between two reads of all workers, as the limiter last told */
    unsigned workers;              /* that share the permits, this one included */
    size_t waiting[SV_ASK_KINDS];  /* domains that wait for a read */
    sv_ms waited_ms[SV_ASK_KINDS]; /* the one that has waited longest */
    sv_ms bound_ms[SV_ASK_KINDS];  /* what one more would be told */
    uint64_t calls, failures;      /* of this worker since its start */
    size_t line;                   /* calls about one domain that wait for their permit */
    bool paused;                   /* by an operator */
    unsigned circuit;              /* 0 closed, 1 half open, 2 open: the worst of its actions */
    const char *trouble;           /* why it is open; NULL = it is closed */
};

/* False: there is no account of this index. */
bool sv_drive_view_account(const struct sv_drive *drive, size_t index,
                           struct sv_drive_account *out);

/* One shard, as last measured (sv_drive_measure). */
struct sv_drive_queue {
    sv_ms measured_at; /* the store's clock; 0 = not yet, and the rest is 0 */
    int64_t unread, pending, clients_due, events, dead_letters;
    sv_ms oldest_job_ms, oldest_due_ms; /* 0 = there is none */
    int64_t domains[SV_STATUS_COUNT];
};

/* False: there is no shard of this index. */
bool sv_drive_view_queue(const struct sv_drive *drive, size_t index, struct sv_drive_queue *out);

/* A check under way. Texts are borrowed until the loop turns on. */
struct sv_drive_busy {
    const char *domain, *client_id, *account;
    const char *step; /* "dns", "ses", "commit" ... */
    sv_ms age_ms;     /* since its claim */
};

/* The checks that have been under way longest, the longest first; returns how many, at most `max`.
 */
size_t sv_drive_view_busy(const struct sv_drive *drive, struct sv_drive_busy *out, size_t max);

/* What an operator holds up, as this worker knows. */
struct sv_drive_held {
    bool all;
    size_t accounts, clients;
};
void sv_drive_view_held(const struct sv_drive *drive, struct sv_drive_held *out);

/* One sink in the shards where this worker delivers to it, as the store last told. */
struct sv_drive_sink {
    const char *name; /* borrowed */
    unsigned shards_served;
    uint64_t waiting; /* events that are not delivered yet; of each shard at most 1001 unread */
    sv_ms oldest_ms;  /* the oldest of them is so old, as far as they have been read; 0 = none */
    uint64_t dead;
    bool disabled;     /* by its target, in one of the shards at least */
    sv_ms failed_at;   /* the last attempt of this worker that failed, or since when it is disabled;
                          0 = none that is known */
    const char *error; /* borrowed: what that was answered, without secrets; "" = nothing */
};

/* False: there is no sink of this index. */
bool sv_drive_view_sink(const struct sv_drive *drive, size_t index, struct sv_drive_sink *out);

#endif
