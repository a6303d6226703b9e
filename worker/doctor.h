/* What `sesverify doctor` looks for in what is kept, and what it found. The rules are pure: they
 * are given what was read. The numbers are those of the invariants of docs/invariants.md. */
#ifndef SV_WORKER_DOCTOR_H
#define SV_WORKER_DOCTOR_H

#include <jansson.h>

#include "sv/digest.h"
#include "sv/domain.h"
#include "sv/store.h"

enum {
    SV_DOCTOR_FINDINGS_MAX = 1000, /* told one by one; the rest is counted */
    SV_DOCTOR_SUBJECT_BYTES = 160,
    SV_DOCTOR_TEXT_BYTES = 200,
    SV_DOCTOR_INVARIANTS = 15,
    SV_DOCTOR_COUNTERS_MAX = 64,
    SV_DOCTOR_STRANGERS_MAX = 1000,
};

/* Name, invariant (0 = none of them), whether it is a fault or worth a look, word. */
#define SV_DOCTOR_ILLS(X)                                                                          \
    X(BALANCE_BROKEN, 1, true, "balance_broken")                                                   \
    X(COUNTER_IMPOSSIBLE, 1, true, "counter_impossible")                                           \
    X(OPEN_MISCOUNTED, 1, true, "open_miscounted")                                                 \
    X(ANSWERED_TWICE, 1, true, "answered_twice")                                                   \
    X(ANSWERS_MISCOUNTED, 1, true, "answers_miscounted")                                           \
    X(IN_TWO_PLACES, 2, true, "in_two_places")                                                     \
    X(OF_ANOTHER_CLIENT, 2, true, "of_another_client")                                             \
    X(PLACE_WITHOUT_RECORD, 2, true, "place_without_record")                                       \
    X(WORK_EXPIRES, 2, true, "work_expires")                                                       \
    X(OPEN_JOB_FORGOTTEN, 3, true, "open_job_forgotten")                                           \
    X(DOMAIN_FORGOTTEN, 3, true, "domain_forgotten")                                               \
    X(HALF_A_JOB, 3, true, "half_a_job")                                                           \
    X(DUE_TIME_DIFFERS, 3, true, "due_time_differs")                                               \
    X(PROMISE_LOST, 3, true, "promise_lost")                                                       \
    X(RECEIPT_MISSING, 3, true, "receipt_missing")                                                 \
    X(RECEIPT_ORPHANED, 3, true, "receipt_orphaned")                                               \
    X(RECEIPT_LIFETIME, 3, true, "receipt_lifetime")                                               \
    X(RING_DIFFERS, 3, true, "ring_differs")                                                       \
    X(EVENT_GAP, 4, true, "event_gap")                                                             \
    X(EVENT_UNREADABLE, 4, true, "event_unreadable")                                               \
    X(EVENTS_DIFFER, 4, true, "events_differ")                                                     \
    X(EPOCH_FELL, 4, true, "epoch_fell")                                                           \
    X(EVENT_FROM_WRONG, 5, true, "event_from_wrong")                                               \
    X(EVENT_KIND_WRONG, 5, true, "event_kind_wrong")                                               \
    X(STATUS_DIFFERS, 5, true, "status_differs")                                                   \
    X(EVENT_WITHOUT_RECORD, 5, true, "event_without_record")                                       \
    X(STATUS_MISCOUNTED, 5, true, "status_miscounted")                                             \
    X(FENCE_BEHIND, 6, true, "fence_behind")                                                       \
    X(HOLDER_DIFFERS, 6, true, "holder_differs")                                                   \
    X(COMMIT_CONFLICT, 6, true, "commit_conflict")                                                 \
    X(NOT_COUNTED, 7, true, "not_counted")                                                         \
    X(COUNTED_WRONGLY, 7, true, "counted_wrongly")                                                 \
    X(LIMIT_EXCEEDED, 7, false, "limit_exceeded")                                                  \
    X(LETTER_BY_HALF, 9, true, "letter_by_half")                                                   \
    X(PENDING_IDLE, 9, false, "pending_idle")                                                      \
    X(GROUP_MISSING, 9, true, "group_missing")                                                     \
    X(WRONG_TYPE, 0, true, "wrong_type")                                                           \
    X(RECORD_UNREADABLE, 0, true, "record_unreadable")                                             \
    X(WRONG_UID, 0, true, "wrong_uid")                                                             \
    X(WRONG_SHARD, 0, true, "wrong_shard")                                                         \
    X(SCHEMA_DIFFERS, 0, true, "schema_differs")                                                   \
    X(NAME_UNOWNED, 0, true, "name_unowned")                                                       \
    X(OWNER_LEFT_OVER, 0, false, "owner_left_over")                                                \
    X(DETAIL_LEFT_OVER, 0, false, "detail_left_over")                                              \
    X(UNKNOWN_KEY, 0, false, "unknown_key")                                                        \
    X(UNKNOWN_FIELD, 0, false, "unknown_field")                                                    \
    X(LEASE_NOT_REAPED, 0, false, "lease_not_reaped")                                              \
    X(OVERDUE, 0, false, "overdue")                                                                \
    X(SINK_DISABLED, 0, false, "sink_disabled")

#define SV_DOCTOR_ENUM(name, invariant, is_fault, word) SV_ILL_##name,
enum sv_ill { SV_DOCTOR_ILLS(SV_DOCTOR_ENUM) SV_ILL_COUNT };
#undef SV_DOCTOR_ENUM

const char *sv_ill_name(enum sv_ill ill);
unsigned sv_ill_invariant(enum sv_ill ill); /* 0 = none */
bool sv_ill_is_fault(enum sv_ill ill);

struct sv_doctor_finding {
    enum sv_ill ill;
    long shard;                            /* -1 = of no shard */
    char subject[SV_DOCTOR_SUBJECT_BYTES]; /* domain id, client, key, entry */
    char text[SV_DOCTOR_TEXT_BYTES];
};

/* What is remembered of each domain of a shard while its events are read. */
struct sv_doctor_row {
    char uid[SV_UID_BYTES];
    bool seen;             /* its record was read */
    bool unread;           /* it could not be: damaged, or always moving */
    bool open;             /* with an open job */
    bool met;              /* an event of it was read */
    enum sv_status status; /* of the record; SV_STATUS_COUNT = an unknown word */
    enum sv_status told;   /* by its last event; SV_STATUS_NEW = none */
    uint64_t client_hash;
    uint64_t job_hash; /* of the open job's id */
    uint64_t sequence; /* of the record */
    uint64_t heard;    /* of its last event */
    uint64_t epoch;    /* of its last event; 0 = of an older program, or none yet */
};

struct sv_doctor_stranger {
    char uid[SV_UID_BYTES], entry[SV_STORE_ENTRY_ID_BYTES];
};

struct sv_doctor_counter {
    char name[48], value[32];
};

struct sv_doctor_counters {
    size_t count;
    struct sv_doctor_counter items[SV_DOCTOR_COUNTERS_MAX];
};

struct sv_doctor {
    /* What the configuration says. */
    unsigned shards, domains_max, attempts_max;
    /* The shard in hand; -1 = names, which are of none. */
    long shard;
    size_t rows_count, rows_cap;
    struct sv_doctor_row *rows; /* owned; by uid, each once, when sv_doctor_rows_sort was called */
    /* Domains that events name and the rows do not: registered meanwhile, or gone. */
    size_t strangers_count;
    struct sv_doctor_stranger strangers[SV_DOCTOR_STRANGERS_MAX];
    bool trimmed; /* its outbox does not go back to the beginning */
    /* What was found. */
    size_t findings_count;
    struct sv_doctor_finding findings[SV_DOCTOR_FINDINGS_MAX];
    size_t ills[SV_ILL_COUNT];
    /* What could not be decided, by invariant: what changed while it was read. */
    bool undecided[SV_DOCTOR_INVARIANTS + 1];
    /* What was looked at. */
    size_t domains, clients, receipts, events, letters, owners, keys;
};

struct sv_doctor *sv_doctor_new(void);
void sv_doctor_free(struct sv_doctor *doctor);

/* Notes one finding about `subject`. */
void sv_doctor_find(struct sv_doctor *doctor, enum sv_ill ill, const char *subject,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));
size_t sv_doctor_faults(const struct sv_doctor *doctor);

/* --- doctor_rows.c: the domains of the shard in hand --- */

/* False: a uid longer than ours, which is no domain. */
bool sv_doctor_rows_add(struct sv_doctor *doctor, const char *uid);
void sv_doctor_rows_sort(struct sv_doctor *doctor);
/* NULL = no such domain. */
struct sv_doctor_row *sv_doctor_rows_find(const struct sv_doctor *doctor, const char *uid);
void sv_doctor_rows_clear(struct sv_doctor *doctor);

/* --- doctor_domain.c --- */

/* One domain with its record; fills the row. */
void sv_doctor_domain(struct sv_doctor *doctor, const struct sv_store_places *places,
                      struct sv_doctor_row *row);
/* Where `client_id`'s queues name a domain that its record does not. */
void sv_doctor_stray(struct sv_doctor *doctor, const char *client_id,
                     const struct sv_store_places *places);
/* A client's places in the rings, and how many domains it has. */
void sv_doctor_client(struct sv_doctor *doctor, const char *client_id,
                      const struct sv_store_places *places);
/* A receipt, read anew after the rows: `job` is "<client, escaped>:<job id>". */
void sv_doctor_receipt(struct sv_doctor *doctor, const char *job, const char *value, sv_ms ttl_ms);

/* --- doctor_events.c --- */

/* One entry of the outbox, in order. Returns its answer's outcome ("done" ...) for the count of
 * answers, NULL for everything else; a static word. */
const char *sv_doctor_event(struct sv_doctor *doctor, const struct sv_store_entry *entry);
/* After the last event. */
void sv_doctor_events_end(struct sv_doctor *doctor);

/* --- doctor_counters.c --- */

/* The number under `name`; 0 when it is not there or no number. */
long long sv_doctor_counter(const struct sv_doctor_counters *counters, const char *name);
bool sv_doctor_counters_equal(const struct sv_doctor_counters *a,
                              const struct sv_doctor_counters *b);
/* What holds at any instant: the balance of jobs. */
void sv_doctor_counters_check(struct sv_doctor *doctor, const struct sv_doctor_counters *counters);
/* What holds when nothing moved while the rows were read. */
void sv_doctor_sums(struct sv_doctor *doctor, const struct sv_doctor_counters *counters);

#endif
