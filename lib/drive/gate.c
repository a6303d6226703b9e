/* SES calls wait here for a permit of the limiter that all workers share.
 *
 * Happy path: the first ticket's gate asks for a permit, gets one, fills the ticket and calls SES;
 * the answer goes to the ticket's owner. No permit yet: the gate asks again when the limiter said,
 * for the whole line at once, so that a long line costs one question. A throttle, an ailing service
 * or a learned clock skew: the ticket goes back to the head of its line, a few times; after a
 * throttle the whole gate pauses, longer each time. Anything else is the owner's to judge. */
#include "inside.h"

#include "sv/gcra.h"
#include "sv/require.h"

enum { ATTEMPTS_MAX = 3, PAUSE_FIRST_MS = 1000, PAUSE_CAP_MS = 60000, THROTTLES_MAX = 6 };
enum { LIMITER_FAILED_MS = 5000 };

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

static bool is_worth_repeating(enum sv_err err)
{
    return sv_err_is_temporary(err) && err != SV_EBUSY;
}

static void slow_down(struct gate *gate)
{
    sv_ms pause_ms = (sv_ms)PAUSE_FIRST_MS << gate->throttles;

    if (gate->throttles < THROTTLES_MAX)
        gate->throttles++;
    pause_ms = pause_ms > PAUSE_CAP_MS ? PAUSE_CAP_MS : pause_ms;
    pause_ms += (sv_ms)sv_rand_below(gate->drive->options.rand, (uint64_t)pause_ms / 2);
    gate->pausing = true;
    alarm_set(gate->drive, &gate->wait, pause_ms);
}

static void on_ses(struct sv_ses_call *call, enum sv_err err)
{
    struct ticket *ticket = call->owner;
    struct gate *gate = ticket->gate;
    struct sv_drive *drive = gate->drive;

    (void)unlink_ticket(&gate->calling, ticket);
    gate->throttled = gate->throttled || err == SV_ETHROTTLED;
    if (err == SV_OK) {
        gate->throttles = 0;
    } else if (err != SV_ECANCELED) {
        drive->stats.ses_failures[gate->op]++;
        sv_log_line(drive->options.log, SV_LOG_WARN, "ses_call_failed", call->info.text,
                    SV_LOG_STR("account", gate->account->name),
                    SV_LOG_STR("operation", sv_ses_op_name(gate->op)),
                    SV_LOG_STR("error_code", sv_err_name(err)),
                    SV_LOG_STR("request_id", call->request_id[0] == '\0' ? NULL : call->request_id),
                    SV_LOG_INT("attempt", ticket->attempts));
    }
    if (is_worth_repeating(err) && !drive_is_closing(drive)) {
        slow_down(gate);
        if (ticket->attempts < ATTEMPTS_MAX && drive->phase == DRIVE_WORKING) {
            push_front(gate, ticket);
            return;
        }
    }
    end(ticket, err);
}

static void call_ses(struct gate *gate, struct ticket *ticket)
{
    struct sv_drive *drive = gate->drive;
    enum sv_err err;

    ticket->state = TICKET_CALLING;
    if (ticket->fill != NULL && ticket->attempts == 0 && !ticket->fill(ticket)) {
        end(ticket, SV_ECANCELED);
        return;
    }
    ticket->attempts++;
    ticket->call.owner = ticket;
    ticket->call.op = gate->op;
    drive->stats.ses_calls[gate->op]++;
    err = sv_ses_start(gate->account->ses, &ticket->call, on_ses, &ticket->call.info);
    if (err != SV_OK) {
        end(ticket, err);
        return;
    }
    ticket->next = gate->calling;
    gate->calling = ticket;
}

static void on_permit(struct errand *errand, enum sv_err err)
{
    struct gate *gate = errand->owner;
    sv_ms wait_ms = errand->call.u.permit.wait_ms;

    if (err == SV_OK)
        gate->pace = (struct sv_pace){.interval_ms = errand->call.u.permit.interval_ms,
                                      .workers = errand->call.u.permit.workers};
    if (err == SV_ECANCELED || gate->head == NULL || gate->pausing)
        return;         /* a permit that comes while SES wants us to pause is let go */
    if (err != SV_OK) { /* the limiter itself is broken: without it nobody may call */
        sv_log_failure(gate->drive->options.log, SV_LOG_ERROR, "limiter_failed", NULL,
                       &errand->call.info);
        wait_ms = LIMITER_FAILED_MS;
    }
    if (wait_ms > 0) {
        gate->pausing = true;
        alarm_set(gate->drive, &gate->wait, wait_ms);
        return;
    }
    call_ses(gate, pop(gate));
    pump(gate);
}

static int64_t interval_us(const struct gate *gate)
{
    return sv_gcra_interval_us(gate->account->rate_millihertz);
}

struct sv_pace gate_pace(const struct gate *gate)
{
    sv_ms interval_ms = (interval_us(gate) + 999) / 1000;

    return gate->pace.workers > 0 ? gate->pace
                                  : (struct sv_pace){.interval_ms = interval_ms, .workers = 1};
}

static void pump(struct gate *gate)
{
    struct sv_store_permit *permit = &gate->permit.call.u.permit;

    if (gate->head == NULL || gate->pausing || !errand_is_idle(&gate->permit) ||
        drive_is_closing(gate->drive))
        return;
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

static void on_wait(struct alarm *alarm)
{
    struct gate *gate = alarm->owner;

    gate->pausing = false;
    pump(gate);
}

void gate_init(struct gate *gate, struct sv_drive *drive, const struct sv_account *account,
               enum sv_ses_op op)
{
    *gate = (struct gate){.drive = drive, .account = account, .op = op};
    alarm_init(&gate->wait, on_wait, gate);
}

void gate_queue(struct gate *gate, struct ticket *ticket)
{
    SV_REQUIRE(ticket->state == TICKET_IDLE);
    ticket->gate = gate;
    ticket->attempts = 0;
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
        end(ticket, SV_ECANCELED);
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
    for (struct ticket *ticket = gate->calling; ticket != NULL; ticket = ticket->next)
        ticket_cancel(ticket); /* which ends later, never from inside */
}
