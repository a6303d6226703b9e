/* The driver's insides, shared by the files of lib/drive only.
 *
 * Everything that takes time is one of three things: an errand (a store call that is repeated while
 * the store is away), a ticket (an SES call that waits for a permit at its gate), or a lookup.
 * Their callbacks copy what they are lent and post the check or entry they belong to; run_turn
 * steps it. Nothing is stepped from inside somebody's callback. */
#ifndef SV_DRIVE_INSIDE_H
#define SV_DRIVE_INSIDE_H

#include <jansson.h>
#include <uv.h>

#include "sv/cloudevent.h"
#include "sv/drive.h"
#include "sv/heap.h"
#include "sv/judge.h"
#include "sv/planner.h"
#include "sv/state.h"

/* ---- alarms: one heap, one uv_timer ---- */

struct alarm {
    struct sv_heap_node node;
    void (*ring)(struct alarm *alarm);
    void *owner;
};

void alarm_init(struct alarm *alarm, void (*ring)(struct alarm *alarm), void *owner);
void alarm_set(struct sv_drive *drive, struct alarm *alarm, sv_ms wait_ms);
void alarm_stop(struct sv_drive *drive, struct alarm *alarm);

/* ---- letters: what is ready to be stepped ---- */

struct letter {
    void (*step)(void *owner);
    void *owner;
    struct letter *next;
    bool posted; /* posting twice before the turn is one step */
};

void post(struct sv_drive *drive, struct letter *letter);

/* ---- errands: store calls, repeated while the failure is temporary ---- */

struct errand {
    struct sv_drive *drive;
    struct sv_store_call call;
    void (*done)(struct errand *errand,
                 enum sv_err err); /* copies outputs; temporary only after errand_give_up */
    void *owner;
    struct alarm again;
    sv_ms wait_ms;
    enum { ERRAND_IDLE, ERRAND_CALLING, ERRAND_WAITING } state;
    enum sv_err refusal; /* the store would not even start the call */
    bool canceled;
    bool once;                      /* not to be repeated any more */
    struct errand *next, *previous; /* all that are not idle */
};

/* Runs `errand->call`, filled by the caller; done comes exactly once, never from inside, with
 * SV_ECANCELED after errand_cancel. Inputs must stay until then. */
void errand_run(struct sv_drive *drive, struct errand *errand,
                void (*done)(struct errand *errand, enum sv_err err), void *owner);
void errand_cancel(struct errand *errand);
/* Lets a call under way end by itself, but does not repeat it any more. */
void errand_give_up(struct errand *errand);
bool errand_is_idle(const struct errand *errand);

/* ---- gates and tickets: SES calls behind the shared limiter ---- */

struct ticket {
    struct sv_ses_call call;
    /* Called when the permit is there, just before the call: the last moment to fill a batch.
     * False = there is nothing to ask any more: `done` comes with SV_ECANCELED. NULL = filled. */
    bool (*fill)(struct ticket *ticket);
    void (*done)(struct ticket *ticket, enum sv_err err);
    void *owner;
    struct gate *gate;
    unsigned attempts;
    enum { TICKET_IDLE, TICKET_QUEUED, TICKET_CALLING } state;
    struct ticket *next; /* in the gate's line, or among its calls */
};

struct gate { /* one account and action: one call a second, first come first served */
    struct sv_drive *drive;
    const struct sv_account *account;
    enum sv_ses_op op;
    struct ticket *head, *tail; /* the line */
    struct ticket *calling;     /* under way at SES */
    struct errand permit;
    struct alarm wait;
    unsigned throttles; /* in a row: pauses double */
    bool pausing;
    bool throttled;      /* the limiter is told with the next question */
    struct sv_pace pace; /* as the limiter told */
    sv_ms workers_seen_mono;
};

void gate_init(struct gate *gate, struct sv_drive *drive, const struct sv_account *account,
               enum sv_ses_op op);
void gate_queue(struct gate *gate, struct ticket *ticket);
void gate_stop(struct gate *gate); /* cancels the permit and every ticket */
/* What the limiter last told, or what it would tell a lone worker at first. */
struct sv_pace gate_pace(const struct gate *gate);
/* The ticket's `done` comes with SV_ECANCELED: at once from the line, later from a call under way.
 */
void ticket_cancel(struct ticket *ticket);

/* ---- readers: batched reads of one account ---- */

struct check;
struct round;
struct entry;

struct reader {
    struct sv_drive *drive;
    struct teller *teller;
    struct sv_planner planner;
    struct round *gathering; /* its first ticket waits for a permit */
    struct alarm linger;
};

/* One account with its gates. */
struct teller {
    struct sv_account account;
    struct gate gates[SV_SES_OP_COUNT];
    struct reader reader;
    struct sweeper *sweeper; /* NULL = none */
};

void reader_init(struct reader *reader, struct sv_drive *drive, struct teller *teller);
void reader_queue(struct reader *reader, struct check *check);
void reader_forget(struct reader *reader, struct check *check);
/* True = this check may ask for details; reader_forget ends that, too. */
bool reader_begin_detail(struct reader *reader, struct check *check);
void reader_end_detail(struct reader *reader, struct check *check);
void reader_stop(struct reader *reader);

/* ---- sweeps: an account's list, walked now and then ---- */

void sweeper_start(struct sv_drive *drive, struct teller *teller);
void sweeper_stop(struct teller *teller); /* what is under way ends, nothing new begins */
void sweeper_free(struct teller *teller);

/* What the planner is given and says, to options.plan_trace; nothing without one. */
void plan_trace_open(const struct reader *reader);
void plan_trace_pace(const struct reader *reader);
void plan_trace_add(const struct reader *reader, const struct check *check);
void plan_trace_remove(const struct reader *reader, const struct check *check);
void plan_trace_wait(const struct reader *reader, sv_ms now, bool crowded, sv_ms wait_ms);
void plan_trace_take(const struct reader *reader, struct sv_ask *const *asks, size_t count);
void plan_trace_detail(const struct reader *reader, bool granted);
void plan_trace_detail_end(const struct reader *reader);

/* ---- checks: one domain under a fence ---- */

enum check_step {
    CHECK_START,
    CHECK_OWN,
    CHECK_CREATE,
    CHECK_GET,
    CHECK_MAIL_FROM,
    CHECK_LEGACY,
    CHECK_RESTART_DKIM,
    CHECK_RESTART_MAIL_FROM,
    CHECK_DELETE,
    CHECK_DNS,
    CHECK_SES,
    CHECK_DETAIL,
    CHECK_DECIDE,
    CHECK_COMMIT,
    CHECK_DISOWN,
    CHECK_END,
};

enum asking {
    ASKING_NOT,
    ASKING_IN_LINE, /* waits for its turn */
    ASKING_NOW,
    ASKING_SLOWLY, /* has given its place to another */
};

/* One SES call of a check at a time; the batched reads are the reader's. */
struct own_call {
    struct ticket ticket;
    struct sv_ses_identity identity; /* what it answered */
    const char *domain_name;         /* for ticket.call.domains */
};

struct check {
    struct sv_drive *drive;
    struct shard *shard;
    struct teller *teller; /* NULL = the account is not configured any more */
    char uid[SV_UID_BYTES];
    char client_id[SV_CLIENT_BYTES];
    char contact_email[SV_EMAIL_BYTES];
    char registrable[SV_NAME_BYTES];
    uint64_t fence;
    sv_ms renewed_mono;
    struct sv_record_sheet before, after;
    enum check_step step;
    bool waiting;   /* for a callback that will post us */
    bool fenced;    /* somebody else holds the domain: drop everything */
    bool releasing; /* to be handed back untouched */
    bool released;  /* that is done, or was tried in vain */
    struct letter letter;
    struct errand errand;   /* one store call of this check at a time */
    struct errand *renewal; /* NULL until the first: few checks take that long */
    struct own_call *ses;   /* NULL unless work is owed at SES */
    enum sv_err result;     /* of the last errand or ticket */

    enum asking asking;
    struct check *next_asking; /* the line */
    struct sv_judge *judge;
    struct question *questions; /* under way */
    unsigned questions_count;
    struct alarm dns_deadline; /* before: when it is slow */
    bool dns_over;
    json_t *findings;
    size_t findings_omitted;
    struct sv_observation seen;
    bool detailing;     /* one of the planner's details is ours */
    bool round_waiting; /* in the reader's list, or in a round */
    struct round *round;

    struct sv_input input;
    struct sv_effects effects;
    const char *job_outcome, *job_reason;
    struct saving *saving;         /* what the commit under way borrows */
    struct check *next, *previous; /* all checks */
    struct sv_ask ask;             /* the planner's */
};

/* `hand_back`: claimed too late, to be released untouched. */
void check_start(struct shard *shard, const struct sv_store_claimed *claimed, bool hand_back);
void check_post(struct check *check);
void check_release(struct check *check); /* hand back now, whatever it waits for */
void check_renew(struct check *check);

void check_ask_ses(struct check *check, enum sv_ses_op op);
void check_cancel_ses(struct check *check);
void check_ask_store(struct check *check);
/* Confirms or releases the domain's name for its client. */
void check_ask_own(struct check *check, enum sv_store_own_verb verb);

/* The steps, by file: true = go on at once, false = a callback will post the check. */
bool check_provision_step(struct check *check); /* OWN .. DELETE */
bool check_look_step(struct check *check);      /* DNS, SES */
void check_look_stop(struct check *check);      /* ends the asking: lookups canceled, judge freed */
bool check_commit_step(struct check *check);    /* COMMIT, DISOWN */
void check_commit_free(struct check *check);
/* Lets the core decide and goes to COMMIT. */
bool check_decide(struct check *check, enum sv_input_kind kind);

/* DNS is right and only SES is waited for: adds that to the findings (dns-auth section 10.2). Being
 * temporary, it belongs to no digest and causes no event. */
void check_note_pending(struct check *check);
struct sv_expect check_expect(const struct check *check);

/* ---- intake and queue: one of each per shard ---- */

struct shard {
    struct sv_drive *drive;
    unsigned index;
    struct errand prepare;
    struct errand take;    /* new entries */
    struct errand pending; /* entries read before */
    struct alarm pending_at;
    struct entry *first_entry, *last_entry; /* being admitted, in the order of the stream */
    unsigned entries;                       /* being admitted */
    bool take_held;                         /* waits until the entries are admitted */
    bool failed;                            /* an entry could not be settled: it is pending still */
    struct errand claim;
    struct alarm claim_at;
    bool claim_again;       /* something became due while claiming */
    bool hungry;            /* found no room; woken when there is some */
    uint64_t hungry_number; /* its place among those that wait for room; 0 = none */
    struct errand reap;
    struct alarm reap_at;
};

void intake_start(struct shard *shard);
void intake_stop(struct shard *shard);
void queue_start(struct shard *shard);
void queue_stop(struct shard *shard);
void queue_wake(struct shard *shard); /* something may be due now */
void queue_room(struct shard *shard); /* a check of this shard has ended */

/* ---- the driver ---- */

enum drive_phase {
    DRIVE_IDLE,
    DRIVE_PREPARING,
    DRIVE_WORKING,
    DRIVE_DRAINING,
    DRIVE_DRAINED,
    DRIVE_CLOSING
};

struct sv_drive {
    struct sv_drive_options options;
    enum drive_phase phase;
    uv_timer_t timer;
    uv_idle_t turn;
    unsigned handles; /* uv handles not yet closed */
    struct sv_heap alarms;
    struct letter *inbox, **inbox_tail;
    struct shard shards[SV_SHARDS_MAX];
    unsigned prepared;
    struct teller *tellers;
    struct check *checks;
    struct check *asking_head, *asking_tail; /* the line of those that want to ask DNS */
    unsigned asking;                         /* checks that are asking, the slow ones apart */
    unsigned inflight;
    unsigned reserved;     /* by claims under way */
    uint64_t hungry_count; /* numbers given out */
    struct errand *errands;
    unsigned pending_calls; /* errands, tickets, lookups and entries that will call back */
    sv_ms store_ahead_ms;   /* the store's clock minus our monotonic one */
    struct sv_drive_stats stats;
    struct alarm drain_deadline;
    bool handed_back; /* the drain has asked every check to let go */
    struct alarm renew_at;
    sv_drive_prepared_fn *on_prepared;
    sv_drive_drained_fn *on_drained;
    sv_drive_closed_fn *on_closed;
    void *prepared_context, *drained_context, *closed_context;
};

sv_ms drive_monotonic(const struct sv_drive *drive);
/* The store's wall clock: due times of all workers follow one clock. */
sv_ms drive_now(const struct sv_drive *drive);
void drive_learn_now(struct sv_drive *drive, sv_ms store_now);
struct teller *drive_teller(struct sv_drive *drive, const char *account);
/* Called whenever something ended: drain and close look whether they are through. */
void drive_settle(struct sv_drive *drive);
static inline bool drive_is_closing(const struct sv_drive *drive)
{
    return drive->phase == DRIVE_CLOSING;
}

#endif
