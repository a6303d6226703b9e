/* What the files of the fake store share. */
#ifndef SV_FAKE_STORE_INNER_H
#define SV_FAKE_STORE_INNER_H

#include "sv/digest.h"

/* Ours instead of the default one, whose switch falls through without saying so. */
#define HASH_FUNCTION(key, len, value) ((value) = (unsigned)sv_fnv1a(SV_FNV_START, (key), (len)))
#include <uthash.h>

#include "arena.h"
#include "fake_store.h"
#include "sv/gcra.h"

enum { FAKE_SHARDS_MAX = 64, FAKE_FIELDS_MAX = SV_STORE_FIELDS_MAX };

enum fake_place { FAKE_NOWHERE, FAKE_DUE_HI, FAKE_DUE_LO, FAKE_RUNNING };

struct fake_text { /* a name and its value */
    char *name, *value;
};

struct fake_job {
    char *entry, *id, *type; /* NULL = none open */
};

struct fake_domain {
    char uid[33];
    char *client, *email, *detail, *own;
    char *last_word; /* entry id of the last register, adopt or remove, if an earlier one was held
                        then */
    uint64_t committer; /* digest of the `own` of the last commit; 0 = none yet */
    char status[24];
    bool counted; /* among its client's domains */
    uint64_t sequence, fence, committed;
    uint32_t attempts, reclaims, todo, promised, withdrawn;
    bool again;
    sv_ms attempted_at;
    enum fake_place place;
    sv_ms at; /* due, or the lease's end */
    struct fake_job job;
    size_t texts_count;
    struct fake_text texts[FAKE_FIELDS_MAX]; /* the driver's own fields */
    UT_hash_handle hh;
};

struct fake_entry { /* of the inbox or the outbox */
    char id[SV_STORE_ENTRY_ID_BYTES];
    char *payload;
    size_t payload_bytes;
    bool pending;
    bool settled;
};

struct fake_stream {
    struct fake_entry *entries;
    size_t count, cap;
    size_t first; /* everything before was settled */
};

struct fake_known { /* a set of texts */
    char *key;
    UT_hash_handle hh;
};

struct fake_counter {
    char name[40];
    int64_t value;
};

struct fake_letter {
    char entry_id[SV_STORE_ENTRY_ID_BYTES];
    sv_ms at;
    char *reason, *error, *payload;
    size_t payload_bytes;
    char *client, *uid, *job_id, *type; /* crash_loop only */
};

struct fake_pause {
    enum sv_store_pause_scope scope;
    char *name, *by, *why;
    sv_ms since;
};

struct fake_open { /* read for a sink and not settled */
    char entry[SV_STORE_ENTRY_ID_BYTES];
    unsigned attempts;
    sv_ms due;
};

struct fake_dead { /* a dead letter of a sink */
    char id[SV_STORE_ENTRY_ID_BYTES], entry[SV_STORE_ENTRY_ID_BYTES];
    char *event_id, *type, *subject, *error;
    unsigned attempts;
    sv_ms at;
};

struct fake_sink {
    char *name, *worker; /* worker NULL = nobody serves */
    sv_ms till, disabled_at;
    char *why;
    bool has_place;
    uint64_t turn, last;    /* last: number of the newest entry that was read */
    struct fake_open *open; /* in the order of the outbox */
    size_t open_count;
    struct fake_dead *dead; /* the oldest first */
    size_t dead_count;
    struct fake_sink *next;
};

struct fake_shard {
    struct fake_domain *domains; /* by uid */
    struct fake_stream inbox, outbox;
    struct fake_known *receipts;
    struct fake_counter counters[SV_STORE_COUNTERS_MAX];
    size_t counters_count;
    sv_ms epoch;                             /* of its events; 0 = none yet */
    char last_client[SV_STORE_CLIENT_BYTES]; /* where going round stopped */
    struct fake_sink *sinks;
    struct fake_letter *letters; /* the oldest first */
    size_t letters_count;
};

struct fake_name {
    char *registrable, *domain, *account, *client, *uid;
    sv_ms at; /* when it was claimed last */
    bool held;
    struct fake_name *next;
};

struct fake_limit {
    char *key;
    struct sv_gcra gcra;
    UT_hash_handle hh;
};

struct fake_sweep {
    char *key, *worker; /* worker NULL = nobody walks */
    sv_ms started_at, finished_at, till;
    size_t pages, domains;
    UT_hash_handle hh;
};

struct fake_beat {
    char worker[SV_STORE_WORKER_BYTES];
    sv_ms until;
};

struct fake_work {
    struct sv_store_call *call;
    struct fake_store *store;
    struct sv_store_arena arena;
    uint64_t end_at; /* loop time: TAKE and EVENTS wait until then */
    bool canceled, is_new;
    size_t after; /* EVENTS: entries before this one are old */
    struct fake_work *next;
};

struct fake_store {
    struct sv_store base; /* first */
    uv_loop_t *loop;
    unsigned shards_count;
    struct fake_shard shards[FAKE_SHARDS_MAX];
    struct fake_name *names;
    struct fake_pause *pauses;
    size_t pauses_count;
    struct fake_limit *limits;
    struct fake_sweep *sweeps;
    struct fake_beat beats[SV_STORE_WORKERS_MAX];
    size_t beats_count;
    bool clock_is_set;
    sv_ms now;
    uint64_t claims, entries;
    sv_ms last_id_ms; /* of the streams' entries */
    bool not_ready, hasty, held;
    enum sv_store_op held_op;
    struct sv_fake_fault fault;
    uint64_t faults; /* calls that ended with it */
    uint64_t calls[SV_STORE_OP_COUNT];
    struct fake_work *works; /* in order of their starts */
    uv_timer_t timer;
    bool timer_closing;
    sv_store_closed_fn *closed;
    void *closed_context;
};

/* Microseconds of the store's clock. */
int64_t fake_now_us(const struct fake_store *store);
sv_ms fake_now(const struct fake_store *store);
struct fake_shard *fake_shard_of(const struct fake_work *work);

/* --- fake_domain.c --- */

void fake_set(char **text, const char *value); /* copies; NULL frees */
struct fake_domain *fake_domain_find(const struct fake_shard *shard, const char *uid);
struct fake_domain *fake_domain_add(struct fake_shard *shard, const char *uid, const char *client);
/* Registered anew: only the numbers stay. */
void fake_domain_reset(struct fake_domain *domain);
void fake_domain_set_field(struct fake_domain *domain, const char *name, const char *value);
void fake_domain_set_status(struct fake_shard *shard, struct fake_domain *domain,
                            const char *status);
void fake_domain_move_up(struct fake_domain *domain, sv_ms now);
void fake_domain_hand_back(struct fake_domain *domain, sv_ms due);
void fake_job_open(struct fake_domain *domain, const char *entry, const char *id, const char *type);
void fake_job_close(struct fake_shard *shard, struct fake_domain *domain, const char *outcome);
void fake_give_back(struct fake_domain *domain);
/* All fields, as a claim returns them. */
const struct sv_field *fake_domain_fields(const struct fake_domain *domain,
                                          struct sv_store_arena *arena, size_t *count);
void fake_count(struct fake_shard *shard, const char *name, int64_t by);
struct fake_entry *fake_stream_add(struct fake_store *store, struct fake_stream *stream,
                                   const char *payload, size_t bytes);
struct fake_entry *fake_stream_find(const struct fake_stream *stream, const char *id);
bool fake_receipt_known(const struct fake_shard *shard, const char *client, const char *job_id);
void fake_receipt_add(struct fake_shard *shard, const char *client, const char *job_id);
void fake_shard_fini(struct fake_shard *shard);

/* --- fake_letters.c --- */

/* Copies; NULL texts are fine; the letter's time is set here. */
void fake_letter_add(struct fake_work *work, const struct sv_store_letter *letter);
void fake_letters_fini(struct fake_shard *shard);

/* --- fake_pause.c --- */

void fake_pauses_fini(struct fake_store *store);

/* --- fake_sinks.c --- */

void fake_sinks_fini(struct fake_shard *shard);
/* True when no sink of the shard may still ask for this entry of the outbox; `*holder` is told the
 * name of one that may. */
bool fake_sinks_are_past(const struct fake_shard *shard, const struct fake_entry *entry,
                         const char **holder);

/* --- fake_sweep.c --- */

void fake_sweeps_fini(struct fake_store *store);

/* --- the operations; false = not yet, keep waiting --- */

typedef bool fake_op_fn(struct fake_work *work);

fake_op_fn fake_take, fake_take_pending, fake_admit, fake_bury, fake_own, fake_permit, fake_claim,
    fake_renew, fake_commit, fake_release, fake_reap, fake_read, fake_list, fake_enqueue,
    fake_events, fake_counters, fake_owners, fake_hurry, fake_sweep, fake_letters, fake_letter_end,
    fake_beat, fake_retire, fake_look, fake_places, fake_trim, fake_pause, fake_pauses, fake_sink,
    fake_parcels, fake_settle, fake_sink_dead, fake_replay, fake_strays;

#endif
