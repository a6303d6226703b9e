/* The interface to queue, schedule, state and outbox that the driver sees: one call = one request
 * object. The store checks fences, limits and receipts and writes what it is given; it decides no
 * status. Implementations: sv_redis_store_new, and a fake for tests. Every call is safe to repeat
 * with the same arguments. */
#ifndef SV_STORE_H
#define SV_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sv/digest.h"
#include "sv/err.h"
#include "sv/store_fleet.h"
#include "sv/store_hold.h"
#include "sv/store_letters.h"
#include "sv/store_lists.h"
#include "sv/store_look.h"
#include "sv/store_move.h"
#include "sv/store_pause.h"
#include "sv/store_permit.h"
#include "sv/store_sinks.h"
#include "sv/store_sweep.h"
#include "sv/store_trim.h"
#include "sv/time.h"

enum {
    SV_STORE_JOB_BYTES_MAX = 64 * 1024, /* a larger entry is buried inside Redis, unread */
    SV_STORE_ENTRY_ID_BYTES = 44,
    SV_STORE_CLIENT_BYTES = 129,
    SV_STORE_OWN_BYTES = 64,
    SV_STORE_FIELDS_MAX = 64,
    SV_STORE_TAKE_MAX = 64,
    SV_STORE_CLAIM_MAX = 256,
    SV_STORE_EVENT_BYTES_MAX = 20 * 1024,
    SV_STORE_DOMAIN_EVENT_BYTES_MAX = SV_STORE_EVENT_BYTES_MAX - 24, /* the store adds `epoch` */
    SV_STORE_DETAIL_BYTES_MAX = 4 * 1024, /* findings and changes together */
    SV_STORE_CHANGE_BYTES_MAX = 512,
    SV_STORE_CHANGES_MAX = 20,
};

enum sv_store_op {
    SV_STORE_PREPARE, /* looks at the server, makes group and scripts; once per shard at start */
    SV_STORE_TAKE,    /* reads new jobs, waiting for the first */
    SV_STORE_TAKE_PENDING, /* jobs read before and never settled: ours, and others' idle ones */
    SV_STORE_ADMIT,        /* settles one entry at the door */
    SV_STORE_BURY,         /* a malformed entry to the dead letters */
    SV_STORE_OWN,          /* claims, confirms or releases a name for a client */
    SV_STORE_CLAIM,        /* takes due domains under a fence and a lease */
    SV_STORE_RENEW,        /* prolongs a lease */
    SV_STORE_COMMIT,       /* state, events, receipt and next due time in one step */
    SV_STORE_RELEASE,      /* hands a claimed domain back untouched */
    SV_STORE_REAP,         /* returns domains whose lease is past to their queue */
    SV_STORE_PERMIT,       /* asks the shared limiter for one call */
    SV_STORE_READ,         /* one domain as it is kept */
    SV_STORE_LIST,         /* pages through all domains */
    SV_STORE_ENQUEUE,      /* pushes a job, as the platform does */
    SV_STORE_EVENTS,       /* reads the outbox behind a position */
    SV_STORE_COUNTERS,     /* the shard's counters and queue lengths */
    SV_STORE_OWNERS,       /* who has claimed a name */
    SV_STORE_HURRY,        /* brings the look at a waiting domain forward to now */
    SV_STORE_SWEEP,        /* whose turn it is to walk an account's list */
    SV_STORE_LETTERS,      /* reads dead letters */
    SV_STORE_LETTER_END,   /* retries or drops one */
    SV_STORE_BEAT,         /* tells that this worker lives, and asks who else does */
    SV_STORE_RETIRE,       /* forgets readers of the inbox that are gone */
    SV_STORE_LOOK,         /* pages of keys as they are */
    SV_STORE_PLACES,       /* one domain and everywhere it stands, at one instant */
    SV_STORE_TRIM,         /* deletes old events that everybody has read */
    SV_STORE_PAUSE,        /* pauses or resumes clients, accounts, everything */
    SV_STORE_PAUSES,       /* what is paused */
    SV_STORE_SINK,         /* whose turn it is to serve a sink, and how the sink stands */
    SV_STORE_PARCELS,      /* reads events for a sink */
    SV_STORE_SETTLE,       /* what came of an attempt to deliver one */
    SV_STORE_SINK_DEAD,    /* reads the dead letters of a sink */
    SV_STORE_REPLAY,       /* events go to a sink once more */
    SV_STORE_MOVE,         /* takes a shard apart, for another number of shards */
    SV_STORE_STRAYS,       /* pages of names that are claimed and not held */
    SV_STORE_OP_COUNT
};

const char *sv_store_op_name(enum sv_store_op op); /* "admit" ... */

/* A field of the domain hash. Texts hold no 0 byte. A NULL value in a commit deletes it. */
struct sv_field {
    const char *name;
    const char *value;
};

struct sv_store_entry {
    const char *id; /* stream entry id */
    const char *payload;
    size_t payload_bytes;
    const char *buried; /* why it is a dead letter already, without payload; NULL = it is none */
    bool no_job_field;  /* payload holds what is there instead. EVENTS: no field `event`, "" */
};

/* TAKE, TAKE_PENDING. `entries` is borrowed until done returns. What a TAKE read that failed or was
 * canceled comes with the next TAKE or TAKE_PENDING, so that either can return an entry that the
 * caller is settling already; ADMIT and BURY of a settled entry do nothing. */
struct sv_store_take {
    size_t entries_max; /* in: 1 .. SV_STORE_TAKE_MAX */
    sv_ms block_ms;     /* in, TAKE: 1 .. 5000 */
    sv_ms idle_ms;      /* in, TAKE_PENDING: take over others' entries idle for longer than this */
    unsigned deliveries_max; /* in, TAKE_PENDING: read so often, it is buried; 0 = never. One that
                              * was read twice comes alone, so that it takes no other with it */
    size_t count;            /* out */
    const struct sv_store_entry *entries;
};

enum sv_store_admitted {
    SV_STORE_OPENED, /* the domain's open job now; due at once */
    SV_STORE_COALESCED,
    SV_STORE_REJECTED_COOLDOWN, /* out.retry_at */
    SV_STORE_REJECTED_DOMAIN_LIMIT,
    SV_STORE_REJECTED_NOT_REGISTERED,
    SV_STORE_REJECTED_SUPERSEDED, /* a later register, adopt or remove of the domain came first */
    SV_STORE_REJECTED_REMOVED_SINCE, /* likewise, and it was removed: the name is to be free */
    SV_STORE_REFUSED,                /* in.refusal was written */
    SV_STORE_DUPLICATE, /* the entry or the job id was settled before: nothing written but the
                           acknowledgement */
};

/* ADMIT: acknowledges and deletes the entry, and, in the same step, writes receipt, domain, due
 * time, and for everything that is not OPENED the job.finished event: `event_head`, then
 * "outcome":"...", with "reason" and "retry_at" where there are any, then `event_tail`. */
struct sv_store_admit {
    const char *entry_id;
    const char *client_id, *uid, *job_id;
    const char *type;          /* "register", "recheck", "remove", "adopt" */
    const char *refusal;       /* not NULL: reject with this reason, touch nothing else */
    uint32_t todo;             /* bits ORed into the field `todo` */
    uint32_t withdrawn;        /* bits taken out of it first: a removal withdraws what was owed */
    const char *contact_email; /* register, adopt: "" or NULL = none */
    unsigned domains_max, attempts_max;
    sv_ms cooldown_ms;
    const struct sv_field *fields; /* set whether opened or coalesced; NULL values are deleted */
    size_t fields_count;
    const char *event_head, *event_tail;
    /* out */
    enum sv_store_admitted outcome;
    sv_ms retry_at;
};

/* BURY: dead letter with reason and payload, job.finished event, acknowledgement; in one step. */
struct sv_store_bury {
    const char *entry_id;
    const char *reason; /* a stable word: "malformed_json", "wrong_shard" ... */
    const char *error;  /* one sentence for people */
    const char *payload;
    size_t payload_bytes;
    const char *event; /* whole JSON */
};

enum sv_store_own_verb {
    SV_STORE_OWN_CLAIM,
    SV_STORE_OWN_CONFIRM,
    SV_STORE_OWN_LOOSEN, /* held -> claimed: free for others an hour later, unless confirmed again
                          */
    SV_STORE_OWN_RELEASE,
    SV_STORE_OWN_DROP, /* a claim that nothing came of, if it is still the one that was seen */
};

/* OWN: one hash per registrable domain holds every claimed name under it (design section 6). Not
 * bound to a shard. LOOSEN is always granted, and changes nothing that another client holds. DROP
 * is granted when there was such a claim, and `held_by_domain` stays empty when there was none. */
struct sv_store_own {
    enum sv_store_own_verb verb;
    const char *registrable, *domain, *account, *client_id, *uid;
    bool allow_overlap; /* names above and below another client's are fine */
    sv_ms claimed_at;   /* DROP: as STRAYS told; any claim since is another one */
    sv_ms idle_ms;      /* DROP: only if it was made longer ago than that */
    /* out */
    bool granted;             /* false: another client holds this name, or one above or below */
    char held_by_domain[254]; /* then: the name that is held */
};

struct sv_store_claimed {
    const char *uid, *client_id, *contact_email;
    const char *own; /* who holds it now: process and claim; shorter than SV_STORE_OWN_BYTES */
    uint64_t fence;
    const struct sv_field *fields;
    size_t fields_count;
};

/* A Redis that lost its last writes may give a fence out twice: fence and `own` together say who
 * holds a domain.
 * CLAIM: goes round the ring of clients with something due, at most `per_client_max` of one client
 * per call, urgent ones before scheduled ones. `claimed` is borrowed until done returns. */
struct sv_store_claim {
    size_t count_max; /* 1 .. SV_STORE_CLAIM_MAX */
    size_t per_client_max;
    sv_ms lease_ms;
    const char *worker; /* name and nonce of this process */
    /* Clients whose domains are left alone, sorted by strcmp; NULL with 0. */
    const char (*paused)[SV_STORE_CLIENT_BYTES];
    size_t paused_count; /* at most SV_STORE_PAUSES_MAX */
    /* out */
    size_t count;
    const struct sv_store_claimed *claimed;
    sv_ms now;         /* the store's clock */
    sv_ms next_due_ms; /* until the earliest due time that is left, paused clients aside; 0 = more
                          is due now; -1 = nothing waits */
};

enum sv_store_verdict {
    SV_STORE_COMMITTED,
    SV_STORE_ALREADY,  /* this fence committed before: the reply was lost */
    SV_STORE_FENCED,   /* somebody else holds the domain now: drop the result */
    SV_STORE_CONFLICT, /* sequence or status is not what the claim returned: drop the result, tell
                          the operator */
};

/* COMMIT. KEYS and checks are the store's; every text was rendered before. */
struct sv_store_commit {
    const char *uid, *client_id;
    const char *own; /* as claimed, with the fence */
    uint64_t fence;
    uint64_t sequence;     /* as claimed; with an event the store writes sequence + 1 */
    const char *from, *to; /* status words, for the check and the counters */
    const struct sv_field *fields;
    size_t fields_count;
    sv_ms wait_ms;      /* until due again; -1 = never */
    bool urgent;        /* due in the urgent class */
    const char *event;  /* domain event, JSON; the store puts `epoch` in front. NULL = no change */
    const char *job_id; /* the open job this commit finishes; NULL = none */
    const char *job_outcome; /* "done", "rejected", "dead" */
    const char *job_event;   /* job.finished, whole JSON */
    bool give_back;          /* return one attempt */
    bool reset_attempts;
    /* What is kept beside the domain: one line of findings, below it one line per change, the
     * newest first. The store cuts the oldest changes off. Neither text holds a line end. */
    const char *detail; /* findings and evidence: NULL = leave, "" = delete */
    const char *change; /* put before the other changes: NULL = none, "" = delete all of them */
    bool forget_client; /* removed: the domain leaves its client's count */
    /* out */
    enum sv_store_verdict verdict;
    bool again; /* one more check was promised meanwhile: due at once */
};

struct sv_store_enqueue {
    const char *job;
    size_t job_bytes;
    char entry_id[SV_STORE_ENTRY_ID_BYTES]; /* out */
};

struct sv_store;
struct sv_store_call;

/* err SV_OK: the outputs are valid, borrowed until this returns. SV_ECONNECT, SV_ETIMEOUT: unknown
 * whether it ran; repeat the same call. SV_EUNAVAILABLE, SV_EFULL, SV_EDENIED, SV_EREFUSED,
 * SV_EMALFORMED (data of ours that cannot be), SV_ECANCELED. call->info tells more. */
typedef void sv_store_done_fn(struct sv_store_call *call, enum sv_err err);
typedef void sv_store_closed_fn(void *context);

struct sv_store_call { /* embed it in your own struct; inputs are borrowed until done */
    void *owner;       /* yours, untouched */
    enum sv_store_op op;
    unsigned shard;
    union {
        struct sv_store_take take;
        struct sv_store_admit admit;
        struct sv_store_bury bury;
        struct sv_store_own own;
        struct sv_store_claim claim;
        struct sv_store_commit commit;
        struct sv_store_hold hold;
        struct sv_store_reap reap;
        struct sv_store_permit permit;
        struct sv_store_read read;
        struct sv_store_list list;
        struct sv_store_enqueue enqueue;
        struct sv_store_events events;
        struct sv_store_counters counters;
        struct sv_store_owners owners;
        struct sv_store_hurry hurry;
        struct sv_store_sweep sweep;
        struct sv_store_trim trim;
        struct sv_store_letters letters;
        struct sv_store_letter_end letter_end;
        struct sv_store_beat beat;
        struct sv_store_retire retire;
        struct sv_store_look look;
        struct sv_store_places places;
        struct sv_store_pause pause;
        struct sv_store_pauses pauses;
        struct sv_store_sink sink;
        struct sv_store_parcels parcels;
        struct sv_store_settle settle;
        struct sv_store_sink_dead sink_dead;
        struct sv_store_replay replay;
        struct sv_store_move move;
        struct sv_store_strays strays;
    } u;
    struct sv_errinfo info;
    /* private to the store from here on */
    sv_store_done_fn *done;
    struct sv_store *store;
    void *work;
    struct sv_store_call *next, *previous;
};

struct sv_store_ops {
    enum sv_err (*start)(struct sv_store *store, struct sv_store_call *call, sv_store_done_fn *done,
                         struct sv_errinfo *info);
    void (*cancel)(struct sv_store_call *call);
    bool (*is_ready)(struct sv_store *store);
    void (*close)(struct sv_store *store, sv_store_closed_fn *closed, void *context);
};

/* An implementation begins with this struct. */
struct sv_store {
    const struct sv_store_ops *ops;
};

/* SV_ECONNECT while not connected (try again after is_ready), SV_EBUSY, SV_EINVALID, SV_ECANCELED
 * (closing). */
static inline enum sv_err sv_store_start(struct sv_store *store, struct sv_store_call *call,
                                         sv_store_done_fn *done, struct sv_errinfo *info)
{
    return store->ops->start(store, call, done, info);
}

static inline void sv_store_cancel(struct sv_store_call *call)
{
    call->store->ops->cancel(call);
}

static inline bool sv_store_is_ready(struct sv_store *store)
{
    return store->ops->is_ready(store);
}

static inline void sv_store_close(struct sv_store *store, sv_store_closed_fn *closed, void *context)
{
    store->ops->close(store, closed, context);
}

#endif
