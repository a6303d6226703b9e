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

#include "sv/brake.h"
#include "sv/breaker.h"
#include "sv/cloudevent.h"
#include "sv/drive.h"
#include "sv/drive_view.h"
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
    sv_ms called_mono; /* the store, last */
    enum { ERRAND_IDLE, ERRAND_CALLING, ERRAND_WAITING } state;
    enum sv_err refusal; /* the store would not even start the call */
    bool canceled;
    bool once;                      /* not to be repeated any more */
    bool was_repeated;              /* the store may have done it before, and nobody heard */
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
    /* Asked before every attempt; false = not now: `done` comes with SV_ECANCELED. NULL = always.
     */
    bool (*may_call)(const struct ticket *ticket);
    void (*done)(struct ticket *ticket, enum sv_err err);
    void *owner;
    bool may_miss; /* SV_ENOTFOUND is no failure: nothing is logged */
    struct gate *gate;
    unsigned attempts;
    unsigned cost;      /* tokens that the last retry took */
    bool resigned;      /* was signed anew already, with other keys or another time */
    bool tries_account; /* is the trial of the account's fuse */
    bool tries_gate;
    sv_ms called_mono; /* the call under way began */
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
    uint64_t calls, failures; /* since the start */
    bool pausing;
    bool told_missing;   /* that IAM gives no permission: once, until it does */
    bool throttled;      /* the limiter is told with the next question */
    bool let_go;         /* the last permit came too late */
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
    struct rater *rater;     /* NULL = reputation is off */
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

/* ---- raters: what SES tells of an account's mail ---- */

void rater_start(struct sv_drive *drive, struct teller *teller);
void rater_stop(struct teller *teller); /* what is under way ends, nothing new begins */
void rater_free(struct teller *teller);
/* How often the account's domains are judged now; 0 = not at all. */
sv_ms rater_every_ms(const struct teller *teller);

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
    CHECK_MAIL,
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
    struct sv_ses_metrics metrics;   /* likewise, METRICS */
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
    char own[SV_STORE_OWN_BYTES]; /* with the fence: it is we who hold the domain */
    uint64_t fence;
    sv_ms claimed_mono; /* the work began */
    sv_ms held_mono;    /* the lease that is known to be ours was asked for then */
    sv_ms renewed_mono; /* the last one was */
    struct sv_record_sheet before, after;
    enum check_step step;
    bool arriving;   /* claimed, and not stepped yet: may want to ask DNS */
    bool waiting;    /* for a callback that will post us */
    bool is_loose;   /* our name is a mere claim: the removal may be written */
    bool fenced;     /* somebody else holds the domain: drop everything */
    bool releasing;  /* to be handed back untouched */
    bool released;   /* that is done, or was tried in vain */
    bool put_off;    /* SES was not called while the lease was in doubt */
    bool is_held_up; /* its account is paused: handed back for longer than a moment */
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
    bool has_findings; /* DNS was looked at, so they are known */
    struct sv_finding *findings;
    size_t findings_count, findings_omitted;
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
bool check_mail_step(struct check *check);      /* MAIL */
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

/* A walk through a shard whose server's clock went back: replan.c. */
struct replan {
    struct shard *shard;
    struct errand errand;
    bool known, walking;
    sv_ms
        ahead_ms; /* the server's clock minus our monotonic one, when it was told last; if known */
    char (*uids)[SV_UID_BYTES]; /* owned: a page */
    size_t count, at, hurried;
    char cursor[SV_STORE_CURSOR_BYTES], client_id[SV_STORE_CLIENT_BYTES];
};

/* A walk through the names that are claimed only: strays.c. */
struct strays {
    struct errand errand;
    struct alarm alarm;
    struct stray *page; /* owned */
    size_t count, at;
    char cursor[SV_STORE_STRAYS_CURSOR_BYTES];
};

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
    bool refused; /* nothing was settled since: whoever lives and is refused counts no deaths */
    struct errand claim;
    sv_ms claimed_mono; /* when the claim under way began: no lease of it is younger */
    char (*claim_paused)[SV_STORE_CLIENT_BYTES]; /* owned; what the claim under way borrows */
    struct alarm claim_at;
    bool claim_again;       /* something became due while claiming */
    bool hungry;            /* found no room; woken when there is some */
    uint64_t hungry_number; /* its place among those that wait for room; 0 = none */
    struct errand reap;
    struct alarm reap_at;
    bool served;   /* its jobs and due domains are ours to take: fleet.c */
    bool helping;  /* not ours, but visited: claimed from while there is more */
    bool was_read; /* by this process: it has a consumer there */
    struct errand retire;
    struct errand measure;
    struct sv_drive_queue measured; /* as last measured */
    struct errand trim;
    struct alarm trim_at;
    char held_by[SV_STORE_GROUP_BYTES]; /* the group that was told to hold events; "" = none */
    struct replan replan;
    struct strays strays;
};

/* ---- pauses: what an operator holds up ---- */

struct pauses {
    struct errand look;
    struct alarm look_at;
    bool known; /* they were read once: before that nothing is claimed */
    bool all;
    size_t accounts_count, clients_count;
    const struct teller *accounts[SV_ACCOUNTS_MAX];
    char (*clients)[SV_STORE_CLIENT_BYTES]; /* owned, sorted */
};

void pause_start(struct sv_drive *drive);
void pause_stop(struct sv_drive *drive); /* what is paused stays so until the end */
void pause_free(struct sv_drive *drive);
bool pause_holds_account(const struct sv_drive *drive, const char *account);
bool pause_holds(const struct check *check);
/* A copy of the paused clients for one claim; NULL when there are none. The caller frees it. */
char (*pause_copy_clients(const struct sv_drive *drive))[SV_STORE_CLIENT_BYTES];

void intake_start(struct shard *shard);
void intake_begin(struct shard *shard); /* the shard is served from now on */
void intake_stop(struct shard *shard);
void queue_start(struct shard *shard);
void queue_change(struct shard *shard); /* the shard is served from now on, or not any more */
void queue_visit(struct shard *shard);  /* one look at a shard that others serve */
void queue_stop(struct shard *shard);
/* What the shard's server says the time is, each time that it says so. */
void replan_notice(struct shard *shard, sv_ms store_now);
void replan_stop(struct shard *shard);
void trimmer_start(struct shard *shard);
void trimmer_stop(struct shard *shard);
void strays_start(struct shard *shard);
void strays_stop(struct shard *shard);
void queue_wake(struct shard *shard);    /* something may be due now */
void queue_room(struct shard *shard);    /* a check of this shard has ended */
void queue_line(struct sv_drive *drive); /* the line of those that want to ask DNS got shorter */

/* ---- couriers: events for sinks ---- */

struct couriers;

/* Nothing happens without routes. */
void couriers_new(struct sv_drive *drive);
/* Gives each sink its place in the outbox of each shard, so that it is told all that is written
 * from then on; `placed` runs once, later or at once. */
void couriers_place(struct sv_drive *drive, void (*placed)(struct sv_drive *drive));
void couriers_start(struct sv_drive *drive);
void couriers_stop(struct sv_drive *drive); /* nothing new begins; attempts under way go on */
/* The drain's time is over: attempts that only their target could end are ended. */
void couriers_hand_back(struct sv_drive *drive);
/* For the end of a drain, when it is asked again and again: gives back each turn for which nothing
 * is under way any more, and is true when all are. */
bool couriers_have_left(struct sv_drive *drive);
/* Closes the sinks, which ends what is under way. */
void couriers_close(struct sv_drive *drive);
void couriers_free(struct sv_drive *drive);
void couriers_wake(struct shard *shard); /* there may be a new event */

/* ---- the fleet: which shards this worker serves ---- */

struct fleet {
    struct errand beat, bye;
    struct alarm beat_at, visit_at, retire_at;
    unsigned visit_turn, retire_turn; /* shards looked at last */
    unsigned served, told_served;     /* how many; as the log was told */
    size_t workers;                   /* that beat, as the last beat told */
    bool refused;                     /* the store takes no beats */
};

void fleet_start(struct sv_drive *drive);
void fleet_stop(struct sv_drive *drive);
void fleet_say_bye(struct sv_drive *drive); /* the others take over at once */
/* For the end of a drain, when nothing is under way: takes our consumers away, and is true when
 * that and the bye are done, or were tried in vain. */
bool fleet_has_left(struct sv_drive *drive);

/* ---- what the metrics count (measure.c); nothing happens without a registry ---- */

void measure_taken(const struct shard *shard);
void measure_job(const struct shard *shard, const char *outcome); /* ended at the door */
void measure_dead(const struct shard *shard, const char *reason);
void measure_commit(const struct check *check); /* one that was written, told once */
void measure_ses(const struct ticket *ticket, enum sv_err err);
void measure_retry(const struct sv_drive *drive, enum sv_err err);
void measure_store(const struct errand *errand, enum sv_err err);

/* The worst circuit of an account (drive_view.c): 0 closed, 1 half open, 2 open. */
unsigned view_circuit(const struct sv_drive *drive, const struct teller *teller);

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
    struct fleet fleet;
    struct pauses pauses;
    struct couriers *couriers; /* NULL without routes */
    unsigned prepared;
    struct teller *tellers;
    struct check *checks;
    struct check *asking_head, *asking_tail; /* the line of those that want to ask DNS */
    unsigned asking_line;                    /* how many those are, and may be: just claimed */
    unsigned asking;                         /* checks that are asking, the slow ones apart */
    unsigned inflight;
    unsigned reserved; /* by claims under way */
    struct sv_brake brake;
    uint64_t hungry_count; /* numbers given out */
    struct errand *errands;
    unsigned pending_calls; /* errands, tickets, lookups and entries that will call back */
    sv_ms store_ahead_ms;   /* the store's clock minus our monotonic one */
    struct sv_drive_stats stats;
    struct alarm drain_deadline;
    bool handed_back; /* the drain has asked every check to let go */
    struct alarm renew_at;
    sv_ms measured_mono; /* the shards' figures were last asked for; 0 = never */
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
