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

#include "sv/breaker.h"
#include "sv/cloudevent.h"
#include "sv/drive.h"
#include "sv/heap.h"
#include "sv/judge.h"
#include "sv/planner.h"
#include "sv/retry.h"
#include "sv/state.h"
#include "sv/tags.h"

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

/* ---- fuses: SES is left alone after refusals that asking again does not mend ---- */

struct gate;
struct ticket;

/* One per account, for its keys and what AWS thinks of it; one per gate, for its permission and
 * health. */
struct fuse {
    struct sv_breaker breaker;
    struct sv_errinfo why; /* it opened */
    enum sv_ses_denial denial;
};

/* What both fuses of a gate say. */
enum sv_breaker_answer fuses_ask(const struct gate *gate);
/* The call that is about to be made is the trial of whichever is half open. */
void fuses_try(struct ticket *ticket);
/* The final outcome of a ticket; tells when one opens or closes. True = it was somebody's trial. */
bool fuses_judge(struct ticket *ticket, enum sv_err err);
/* Fills the call of a ticket that is not let through, and returns its error. */
enum sv_err fuses_refuse(struct ticket *ticket);

/* ---- gates and tickets: SES calls behind the shared limiter ---- */

struct ticket {
    struct sv_ses_call call;
    /* Called when the permit is there, just before the call: the last moment to fill a batch.
     * False = there is nothing to ask any more: `done` comes with SV_ECANCELED. NULL = filled. */
    bool (*fill)(struct ticket *ticket);
    void (*done)(struct ticket *ticket, enum sv_err err);
    void *owner;
    bool may_miss; /* SV_ENOTFOUND is no failure: nothing is logged */
    struct gate *gate;
    unsigned attempts;
    unsigned cost;      /* tokens that the last retry took */
    bool resigned;      /* was signed anew already, with other keys or another time */
    bool tries_account; /* is the trial of the account's fuse */
    bool tries_gate;
    struct alarm again;
    enum { TICKET_IDLE, TICKET_QUEUED, TICKET_CALLING, TICKET_WAITING } state;
    struct ticket *next; /* in the gate's line, among its calls, or among those that wait */
};

struct gate { /* one account and action: one call a second, first come first served */
    struct sv_drive *drive;
    const struct sv_account *account;
    struct teller *teller;
    enum sv_ses_op op;
    struct ticket *head, *tail; /* the line */
    struct ticket *calling;     /* under way at SES */
    struct ticket *waiting;     /* for their next attempt */
    struct errand permit;
    struct alarm wait;
    struct fuse fuse;
    bool pausing;
    bool told_missing;   /* that IAM gives no permission: once, until it does */
    bool throttled;      /* the limiter is told with the next question */
    struct sv_pace pace; /* as the limiter told */
    sv_ms workers_seen_mono;
};

void gate_init(struct gate *gate, struct sv_drive *drive, struct teller *teller, enum sv_ses_op op);
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

/* ---- greetings: what an account may do, asked once ---- */

struct greeting {
    struct teller *teller;
    struct ticket ticket;
    struct sv_ses_account about;
    struct sv_ses_identity result;
    unsigned next;
};

void greet(struct teller *teller);

/* One account with its gates. */
struct teller {
    struct sv_account account;
    struct fuse fuse;
    struct sv_retry_quota quota;
    sv_ms keys_renewed_mono; /* when fresh keys were last asked for; 0 = never */
    struct gate gates[SV_SES_OP_COUNT];
    struct reader reader;
    struct sweeper *sweeper; /* NULL = none */
    struct greeting greeting;
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
    CHECK_SIGNING,
    CHECK_CONFIGURATION_SET,
    CHECK_MAIL_FROM,
    CHECK_LEGACY,
    CHECK_RESTART_DKIM,
    CHECK_RESTART_OWNERSHIP,
    CHECK_RESTART_MAIL_FROM,
    CHECK_RESTORE_SET,
    CHECK_DELETE,
    CHECK_DNS,
    CHECK_SES,
    CHECK_DETAIL,
    CHECK_DECIDE,
    CHECK_COMMIT,
    CHECK_DISOWN,
    CHECK_END,
};

/* Tokens that are not those we know; believed when the whole round is. */
struct told {
    size_t tokens_count;
    char tokens[SV_SES_TOKENS_MAX][SV_SES_TOKEN_BYTES];
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
    struct sv_ses_identity found;    /* what was there already, once SES has shown it */
    struct sv_tags *tags;            /* of one that is being created; NULL = none yet */
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
    struct errand errand;          /* one store call of this check at a time */
    struct errand *renewal;        /* NULL until the first: few checks take that long */
    struct own_call *ses;          /* NULL until SES is asked for this domain alone */
    enum sv_err result;            /* of the last errand or ticket */
    struct told *told;             /* NULL = the tokens are those we know */
    enum sv_tri mail_from_drifted; /* by this look's read */
    uint32_t restarted;            /* the SV_TODO_ bit that was done */
    bool existed;                  /* the identity was there before the job that asks for it */

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
bool check_provision_step(struct check *check); /* OWN .. LEGACY, DELETE */
bool check_restart_step(struct check *check);   /* RESTART_DKIM .. RESTORE_SET */
bool check_look_step(struct check *check);      /* DNS, SES, DETAIL */
void check_look_stop(struct check *check);      /* ends the asking: lookups canceled, judge freed */
bool check_commit_step(struct check *check);    /* COMMIT, DISOWN */
void check_commit_free(struct check *check);
/* Lets the core decide and goes to COMMIT. */
bool check_decide(struct check *check, enum sv_input_kind kind);

/* True when the answer to the step's call is there; otherwise the call is started, and the check
 * waits. */
bool check_called_ses(struct check *check, enum sv_ses_op op);
/* Likewise: sets the custom MAIL FROM that is registered, or switches it off. */
bool check_put_mail_from(struct check *check);

/* What SES shows (shown.c). The account's setup, never NULL: */
const struct sv_ses_setup *check_setup(const struct check *check);
/* Take over from the last reply how the identity signs: as it says or as was asked; what was made
 * as we asked; what was there, by a Get. */
void check_keep_dkim(struct check *check, enum sv_dkim_method method);
void check_keep_made(struct check *check);
void check_keep_found(struct check *check);
/* True when what was found is what a worker that died had made for the same job. */
bool check_is_half_made(const struct check *check);
/* The call that makes what was found sign as wanted; SV_SES_OP_COUNT = none. */
enum sv_ses_op check_signing_call(const struct check *check);
/* Digest of the records to be published; 0 = not known. */
uint32_t check_records(const struct check *check);
void check_note_provisioned(struct check *check);
/* True when no call restarts DKIM and leaves it as it is. */
bool check_restart_is_barred(const struct check *check);
/* One result of a batched read; check_take_told believes them, once the round is through. */
void check_tell(struct check *check, enum sv_ses_op op, const struct sv_ses_identity *result);
void check_take_told(struct check *check);
/* What only a Get tells, when one was made in this look. */
void check_take_details(struct check *check, const struct sv_ses_identity *got);

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
