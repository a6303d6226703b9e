/* SES calls wait here for a permit of the limiter that all workers share.
 *
 * Happy path: the first ticket's gate asks for a permit, gets one, fills the ticket and calls SES;
 * the answer goes to the ticket's owner. No permit yet: the gate asks again when the limiter said,
 * for the whole line at once, so that a long line costs one question. An ailing service, a
 * throttle, a learned clock skew or refused keys: the ticket waits by itself and comes back to the
 * head of its line, a few times and while the account's quota of retries lasts (sv/retry.h). A
 * throttle slows the limiter down for everybody. A permit that comes late (we were held up, or the
 * store is slow) is let go, since others have theirs by now. While a fuse is open the line is
 * refused at once.
 * Anything else is the owner's to judge. */
#include "inside.h"

#include <stdio.h>

#include "sv/gcra.h"
#include "sv/require.h"

/* How long fresh keys take to come, and how long after the last search another one is worth it. */
enum { REST_MS = 1000, LIMITER_FAILED_MS = 5000, KEYS_WAIT_MS = 2000, KEYS_AGAIN_MS = 30000 };
#define WORKERS_REMEMBERED_MS SV_DAY
enum { METRICS_MILLIHERTZ = 16000 /* BatchGetMetricData: 16 calls a second */ };

static void pump(struct gate *gate);

static void push_front(struct gate *gate, struct ticket *ticket)
{
    ticket->state = TICKET_QUEUED;
    ticket->next = gate->head;
    gate->head = ticket;
    if (gate->tail == NULL)
        gate->tail = ticket;
}

static struct ticket *pop(struct gate *gate)
{
    struct ticket *ticket = gate->head;

    gate->head = ticket->next;
    if (gate->head == NULL)
        gate->tail = NULL;
    ticket->next = NULL;
    return ticket;
}

/* Takes a ticket out of a list; false when it was not there. */
static bool unlink_ticket(struct ticket **link, const struct ticket *ticket)
{
    while (*link != NULL && *link != ticket)
        link = &(*link)->next;
    if (*link == NULL)
        return false;
    *link = ticket->next;
    return true;
}

static void end(struct ticket *ticket, enum sv_err err)
{
    struct sv_drive *drive = ticket->gate->drive;

    ticket->state = TICKET_IDLE;
    drive->pending_calls--;
    ticket->done(ticket, err);
    drive_settle(drive);
}

/* The ticket is over: its owner is told, and whoever waited for the outcome goes on. */
static void finish(struct ticket *ticket, enum sv_err err)
{
    struct gate *gate = ticket->gate;
    bool was_trial = fuses_judge(ticket, err);

    end(ticket, err);
    pump(gate);
    for (int op = 0; was_trial && op < SV_SES_OP_COUNT; op++)
        pump(&gate->teller->gates[op]);
}

/* At most as many as stand there now: an owner may queue the next one at once. */
static void refuse_line(struct gate *gate)
{
    size_t count = 0;

    for (const struct ticket *ticket = gate->head; ticket != NULL; ticket = ticket->next)
        count++;
    for (; count > 0 && gate->head != NULL; count--) {
        struct ticket *ticket = pop(gate);

        end(ticket, fuses_refuse(ticket));
    }
    pump(gate);
}

static void on_again(struct alarm *alarm)
{
    struct ticket *ticket = alarm->owner;
    struct gate *gate = ticket->gate;

    (void)unlink_ticket(&gate->waiting, ticket);
    push_front(gate, ticket);
    pump(gate);
}

static void try_again(struct ticket *ticket, sv_ms wait_ms)
{
    struct gate *gate = ticket->gate;

    ticket->state = TICKET_WAITING;
    ticket->next = gate->waiting;
    gate->waiting = ticket;
    alarm_set(gate->drive, &ticket->again, wait_ms);
}

/* True when other keys are being looked for. */
static bool renew_keys(struct gate *gate)
{
    struct teller *teller = gate->teller;
    sv_ms now = drive_monotonic(gate->drive);

    if (teller->account.renew_keys == NULL)
        return false;
    if (teller->keys_renewed_mono == 0 || now - teller->keys_renewed_mono >= KEYS_AGAIN_MS) {
        teller->keys_renewed_mono = now;
        teller->account.renew_keys(teller->account.renew_context);
    }
    return true;
}

static sv_ms backoff_ms(const struct ticket *ticket)
{
    sv_ms most_ms = sv_retry_backoff_ms(ticket->attempts);
    sv_ms wait_ms = (sv_ms)sv_rand_below(ticket->gate->drive->options.rand, (uint64_t)most_ms + 1);

    return ticket->call.retry_after_ms > wait_ms ? ticket->call.retry_after_ms : wait_ms;
}

/* Whether the call is made once more, and when. A fuse's trial is not: others wait for it. */
static bool is_worth_repeating(struct ticket *ticket, enum sv_err err, sv_ms *wait_ms)
{
    struct gate *gate = ticket->gate;
    unsigned attempts_max = gate->account->attempts_max;
    bool is_keys = err == SV_EDENIED && ticket->call.denial == SV_SES_DENIAL_KEYS;
    bool is_signed_anew = is_keys || err == SV_ECLOCK;
    unsigned cost = sv_retry_cost(err);

    if (gate->drive->phase != DRIVE_WORKING ||
        ticket->attempts >= (attempts_max == 0 ? SV_RETRY_ATTEMPTS : attempts_max) ||
        (is_signed_anew && ticket->resigned) || (is_keys && !renew_keys(gate)) ||
        ticket->tries_account || ticket->tries_gate)
        return false;
    if (!is_keys && (cost == 0 || !sv_retry_take(&gate->teller->quota, cost)))
        return false;
    ticket->cost = cost;
    ticket->resigned = ticket->resigned || is_signed_anew;
    *wait_ms = is_keys ? KEYS_WAIT_MS : err == SV_ECLOCK ? 0 : backoff_ms(ticket);
    return true;
}

/* The limiter is told with the next question; it slows everybody down, and lets nobody through for
 * one of its intervals. */
static void slow_down(struct gate *gate, sv_ms retry_after_ms)
{
    gate->throttled = true;
    if (retry_after_ms == 0)
        return;
    gate->pausing = true;
    alarm_set(gate->drive, &gate->wait, retry_after_ms);
}

/* IAM's actions have the names of the operations. */
static void tell_missing(struct gate *gate, const struct sv_ses_call *call)
{
    const struct sv_account *account = gate->account;
    bool is_known = account->principal != NULL && account->principal[0] != '\0';
    const char *op = sv_ses_op_name(gate->op);
    char message[400];

    if (gate->told_missing)
        return;
    gate->told_missing = true;
    (void)snprintf(message, sizeof message, "ses:%s is not allowed for %s", op,
                   is_known ? account->principal : "these credentials");
    sv_log_line(gate->drive->options.log, SV_LOG_ERROR, "permission_missing", message,
                SV_LOG_STR("account", account->name), SV_LOG_STR("operation", op),
                SV_LOG_STR("error_code", sv_err_name(SV_EDENIED)),
                SV_LOG_STR("error", call->info.text),
                SV_LOG_STR("request_id", call->request_id[0] == '\0' ? NULL : call->request_id));
}

/* An account without Virtual Deliverability Manager refuses; the rater tells that once. */
static bool is_told_elsewhere(enum sv_ses_op op, enum sv_err err)
{
    return (op == SV_SES_METRICS || op == SV_SES_RECOMMENDATIONS) && err == SV_EREFUSED;
}

static void tell_failure(const struct ticket *ticket, enum sv_err err)
{
    struct gate *gate = ticket->gate;
    const struct sv_ses_call *call = &ticket->call;

    gate->drive->stats.ses_failures[gate->op]++;
    gate->failures++;
    if (err == SV_EDENIED && call->denial == SV_SES_DENIAL_PERMISSION) {
        tell_missing(gate, call);
        return;
    }
    sv_log_line(gate->drive->options.log,
                is_told_elsewhere(gate->op, err) ? SV_LOG_DEBUG : SV_LOG_WARN, "ses_call_failed",
                call->info.text, SV_LOG_STR("account", gate->account->name),
                SV_LOG_STR("operation", sv_ses_op_name(gate->op)),
                SV_LOG_STR("error_code", sv_err_name(err)),
                SV_LOG_STR("request_id", call->request_id[0] == '\0' ? NULL : call->request_id),
                SV_LOG_INT("attempt", ticket->attempts));
}

static void on_ses(struct sv_ses_call *call, enum sv_err err)
{
    struct ticket *ticket = call->owner;
    struct gate *gate = ticket->gate;
    sv_ms wait_ms = 0;

    (void)unlink_ticket(&gate->calling, ticket);
    measure_ses(ticket, err);
    if (err == SV_OK) {
        gate->told_missing = false;
        sv_retry_succeed(&gate->teller->quota, ticket->cost);
    } else if (err != SV_ECANCELED && (err != SV_ENOTFOUND || !ticket->may_miss)) {
        tell_failure(ticket, err);
    }
    if (err == SV_ETHROTTLED)
        slow_down(gate, call->retry_after_ms);
    if (!is_worth_repeating(ticket, err, &wait_ms)) {
        finish(ticket, err);
        return;
    }
    measure_retry(gate->drive, err);
    try_again(ticket, wait_ms);
}

static void call_ses(struct gate *gate, struct ticket *ticket)
{
    struct sv_drive *drive = gate->drive;
    enum sv_err err;

    ticket->state = TICKET_CALLING;
    if ((ticket->may_call != NULL && !ticket->may_call(ticket)) ||
        (ticket->fill != NULL && ticket->attempts == 0 && !ticket->fill(ticket))) {
        finish(ticket, SV_ECANCELED);
        return;
    }
    fuses_try(ticket);
    ticket->attempts++;
    ticket->call.owner = ticket;
    ticket->called_mono = drive_monotonic(drive);
    ticket->call.op = gate->op;
    ticket->call.denial = SV_SES_DENIAL_NONE;
    ticket->call.retry_after_ms = 0;
    drive->stats.ses_calls[gate->op]++;
    gate->calls++;
    err = sv_ses_start(gate->account->ses, &ticket->call, on_ses, &ticket->call.info);
    if (err != SV_OK) {
        finish(ticket, err);
        return;
    }
    ticket->next = gate->calling;
    gate->calling = ticket;
}

/* A worker that wants no permit now may want one soon: who shared them in the last day counts, so
 * that the bound on waiting is told too long rather than too short. */
static void learn_pace(struct gate *gate, const struct sv_store_permit *told)
{
    sv_ms now = drive_monotonic(gate->drive);

    gate->pace.interval_ms = told->interval_ms;
    if (told->workers < gate->pace.workers && now - gate->workers_seen_mono < WORKERS_REMEMBERED_MS)
        return;
    gate->pace.workers = told->workers;
    gate->workers_seen_mono = now;
}

/* Nobody knows when between question and answer the permit was given, so its age counts from the
 * question. */
static bool let_go_if_late(struct gate *gate)
{
    const struct sv_store_permit *permit = &gate->permit.call.u.permit;
    sv_ms age_ms = drive_monotonic(gate->drive) - gate->permit.called_mono;

    gate->let_go = !gate->let_go && sv_gcra_is_late(age_ms, permit->interval_ms);
    if (gate->let_go) {
        gate->throttled = true;
        sv_log_line(gate->drive->options.log, SV_LOG_WARN, "ses_permit_late",
                    "this machine or redis is slow: a call of SES was put off",
                    SV_LOG_STR("account", gate->account->name),
                    SV_LOG_STR("operation", sv_ses_op_name(gate->op)), SV_LOG_INT("age_ms", age_ms),
                    SV_LOG_INT("interval_ms", permit->interval_ms));
    } else {
        sv_log_line(gate->drive->options.log, SV_LOG_DEBUG, "ses_permit", "SES may be called",
                    SV_LOG_STR("account", gate->account->name),
                    SV_LOG_STR("operation", sv_ses_op_name(gate->op)), SV_LOG_INT("age_ms", age_ms),
                    SV_LOG_INT("granted_us", permit->now_us));
    }
    return gate->let_go;
}

/* An operator holds the account up: nothing is called, and no permit is used. */
static bool rest(const struct gate *gate)
{
    return pause_holds_account(gate->drive, gate->account->name);
}

static void on_permit(struct errand *errand, enum sv_err err)
{
    struct gate *gate = errand->owner;
    sv_ms wait_ms = errand->call.u.permit.wait_ms;

    if (err == SV_OK)
        learn_pace(gate, &errand->call.u.permit);
    if (err == SV_ECANCELED || gate->head == NULL || gate->pausing)
        return;         /* a permit that comes while SES wants us to pause is let go */
    if (err != SV_OK) { /* the limiter itself is broken: without it nobody may call */
        sv_log_failure(gate->drive->options.log, SV_LOG_ERROR, "limiter_failed", NULL,
                       &errand->call.info);
        wait_ms = LIMITER_FAILED_MS;
    }
    if (wait_ms > 0 || rest(gate)) {
        gate->pausing = true;
        alarm_set(gate->drive, &gate->wait, wait_ms > 0 ? wait_ms : REST_MS);
        return;
    }
    if (let_go_if_late(gate)) {
        pump(gate);
        return;
    }
    switch (fuses_ask(gate)) {
    case SV_BREAKER_REFUSE:
        refuse_line(gate);
        return;
    case SV_BREAKER_WAIT: /* the permit is let go */
        return;
    case SV_BREAKER_TRY:
    case SV_BREAKER_CLOSED:
        break;
    }
    call_ses(gate, pop(gate));
    pump(gate);
}

/* The metrics have a quota of their own, which the account's rate does not speak of. */
static int64_t interval_us(const struct gate *gate)
{
    return sv_gcra_interval_us(gate->op == SV_SES_METRICS ? METRICS_MILLIHERTZ
                                                          : gate->account->rate_millihertz);
}

struct sv_pace gate_pace(const struct gate *gate)
{
    sv_ms interval_ms = (interval_us(gate) + 999) / 1000;

    return gate->pace.workers > 0 ? gate->pace
                                  : (struct sv_pace){.interval_ms = interval_ms, .workers = 1};
}

static void ask_permit(struct gate *gate)
{
    struct sv_store_permit *permit = &gate->permit.call.u.permit;

    gate->permit.call.op = SV_STORE_PERMIT;
    gate->permit.call.shard = 0;
    *permit = (struct sv_store_permit){
        .account = gate->account->name,
        .region = gate->account->region,
        .action = sv_ses_op_name(gate->op),
        .worker = gate->drive->options.worker,
        .throttled = gate->throttled,
        .interval_us = interval_us(gate),
    };
    gate->throttled = false;
    errand_run(gate->drive, &gate->permit, on_permit, gate);
}

/* Owners are never called from inside gate_queue: a line is refused on a later turn. */
static void pump(struct gate *gate)
{
    if (gate->head == NULL || gate->pausing || !errand_is_idle(&gate->permit) ||
        drive_is_closing(gate->drive))
        return;
    if (rest(gate)) {
        gate->pausing = true;
        alarm_set(gate->drive, &gate->wait, REST_MS);
        return;
    }
    switch (fuses_ask(gate)) {
    case SV_BREAKER_REFUSE:
        gate->pausing = true;
        alarm_set(gate->drive, &gate->wait, 0);
        return;
    case SV_BREAKER_WAIT: /* whose trial it is will pump us */
        return;
    case SV_BREAKER_TRY:
    case SV_BREAKER_CLOSED:
        ask_permit(gate);
        return;
    }
}

static void on_wait(struct alarm *alarm)
{
    struct gate *gate = alarm->owner;

    gate->pausing = false;
    if (fuses_ask(gate) == SV_BREAKER_REFUSE)
        refuse_line(gate);
    else
        pump(gate);
}

void gate_init(struct gate *gate, struct sv_drive *drive, struct teller *teller, enum sv_ses_op op)
{
    *gate = (struct gate){.drive = drive, .account = &teller->account, .teller = teller, .op = op};
    alarm_init(&gate->wait, on_wait, gate);
}

void gate_queue(struct gate *gate, struct ticket *ticket)
{
    SV_REQUIRE(ticket->state == TICKET_IDLE);
    ticket->gate = gate;
    ticket->attempts = ticket->cost = 0;
    ticket->resigned = ticket->tries_account = ticket->tries_gate = false;
    alarm_init(&ticket->again, on_again, ticket);
    ticket->state = TICKET_QUEUED;
    ticket->next = NULL;
    if (gate->tail == NULL)
        gate->head = ticket;
    else
        gate->tail->next = ticket;
    gate->tail = ticket;
    gate->drive->pending_calls++;
    pump(gate);
}

static void drop(struct gate *gate, struct ticket *ticket)
{
    if (!unlink_ticket(&gate->head, ticket) || gate->tail != ticket)
        return;
    gate->tail = gate->head;
    while (gate->tail != NULL && gate->tail->next != NULL)
        gate->tail = gate->tail->next;
}

void ticket_cancel(struct ticket *ticket)
{
    switch (ticket->state) {
    case TICKET_IDLE:
        return;
    case TICKET_QUEUED:
        drop(ticket->gate, ticket);
        finish(ticket, SV_ECANCELED);
        return;
    case TICKET_WAITING:
        alarm_stop(ticket->gate->drive, &ticket->again);
        (void)unlink_ticket(&ticket->gate->waiting, ticket);
        finish(ticket, SV_ECANCELED);
        return;
    case TICKET_CALLING:
        sv_ses_cancel(&ticket->call);
        return;
    }
}

void gate_stop(struct gate *gate)
{
    alarm_stop(gate->drive, &gate->wait);
    errand_cancel(&gate->permit);
    while (gate->head != NULL)
        ticket_cancel(gate->head);
    while (gate->waiting != NULL)
        ticket_cancel(gate->waiting);
    for (struct ticket *ticket = gate->calling; ticket != NULL; ticket = ticket->next)
        ticket_cancel(ticket); /* which ends later, never from inside */
}
