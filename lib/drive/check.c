/* One domain under a fence, from claim to commit.
 *
 * Happy path of a look: START -> DNS (the judge's questions) -> SES (unless DNS says it is no use)
 * -> MAIL (now and then, where the account wants it) -> DECIDE (the core) -> COMMIT -> END. Work
 * owed at SES goes first: provisioning, restarts, deletion; each ends in a commit of its own, so
 * that a crash repeats at most that work. What can go wrong: an answer that does not come is
 * unknown and the core backs off; a lease that was lost makes the check fenced, and everything it
 * found is dropped; a drain hands the domain back untouched. */
#include "inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/digest.h"
#include "sv/require.h"

enum { HELD_UP_MS = 30 * 1000 };

static void free_check(struct check *check)
{
    struct sv_drive *drive = check->drive;
    struct shard *shard = check->shard;

    check_look_stop(check);
    check_commit_free(check);
    free(check->findings);
    free(check->renewal);
    if (check->ses != NULL)
        free(check->ses->tags);
    free(check->ses);
    free(check->told);
    if (check->previous != NULL)
        check->previous->next = check->next;
    else
        drive->checks = check->next;
    if (check->next != NULL)
        check->next->previous = check->previous;
    drive->inflight--;
    free(check);
    queue_room(shard);
    drive_settle(drive);
}

static bool is_renewing(const struct check *check)
{
    return check->renewal != NULL && !errand_is_idle(check->renewal);
}

static bool is_calling_ses(const struct check *check)
{
    return check->ses != NULL && check->ses->ticket.state != TICKET_IDLE;
}

/* True when nothing will call back any more. */
static bool is_quiet(const struct check *check)
{
    return errand_is_idle(&check->errand) && !is_renewing(check) && !is_calling_ses(check) &&
           check->questions_count == 0 && !check->round_waiting && !check->letter.posted;
}

/* Work that is owed comes before looking; giving the domain back comes before everything. */
static bool start(struct check *check)
{
    uint32_t todo = check->before.domain.todo;
    bool needs_ses = (todo & (SV_TODO_REMOVE | SV_TODO_DELETE)) != SV_TODO_REMOVE;

    if (check->teller == NULL && needs_ses) {
        sv_log_line(check->drive->options.log, SV_LOG_ERROR, "account_unknown",
                    "the account of this domain is not configured: it cannot be looked at",
                    SV_LOG_STR("domain", check->before.registration.domain),
                    SV_LOG_STR("account", check->before.registration.account));
        return check_decide(check, SV_INPUT_FAULT);
    }
    if ((todo & SV_TODO_REMOVE) != 0)
        check->step = CHECK_DELETE;
    else if ((todo & SV_TODO_PROVISION) != 0)
        check->step = CHECK_OWN;
    else if ((todo & SV_TODO_RESTART_DKIM) != 0)
        check->step = CHECK_RESTART_DKIM;
    else if ((todo & SV_TODO_RESTART_MAIL_FROM) != 0)
        check->step = CHECK_RESTART_MAIL_FROM;
    else if ((todo & SV_TODO_RESTORE_SET) != 0)
        check->step = CHECK_RESTORE_SET;
    else
        check->step = CHECK_DNS;
    if (check->step != CHECK_DNS)
        check->ses = sv_alloc(1, sizeof *check->ses);
    return true;
}

/* A job that is open shows that the client still wants the domain. */
static bool is_given_up(const struct check *check)
{
    return check->before.job.entry_id[0] == '\0' &&
           sv_domain_is_given_up(&check->before.domain, &check->drive->options.policy, &check->seen,
                                 check->before.registration.registered_at, drive_now(check->drive));
}

static bool step(struct check *check)
{
    switch (check->step) {
    case CHECK_START:
        return start(check);
    case CHECK_OWN:
    case CHECK_CREATE:
    case CHECK_GET:
    case CHECK_SIGNING:
    case CHECK_CONFIGURATION_SET:
    case CHECK_MAIL_FROM:
    case CHECK_LEGACY:
    case CHECK_DELETE:
        return check_provision_step(check);
    case CHECK_RESTART_DKIM:
    case CHECK_RESTART_OWNERSHIP:
    case CHECK_RESTART_MAIL_FROM:
    case CHECK_RESTORE_SET:
        return check_restart_step(check);
    case CHECK_DNS:
    case CHECK_SES:
    case CHECK_DETAIL:
        return check_look_step(check);
    case CHECK_MAIL:
        return check_mail_step(check);
    case CHECK_DECIDE:
        return check_decide(check, is_given_up(check) ? SV_INPUT_REMOVED : SV_INPUT_LOOKED);
    case CHECK_COMMIT:
    case CHECK_DISOWN:
        return check_commit_step(check);
    case CHECK_END:
        return false;
    }
    return false;
}

void check_post(struct check *check)
{
    post(check->drive, &check->letter);
}

static void on_errand(struct errand *errand, enum sv_err err)
{
    struct check *check = errand->owner;

    check->result = err;
    if (err != SV_OK && err != SV_ECANCELED)
        sv_log_failure(check->drive->options.log, SV_LOG_ERROR, "store_call_failed",
                       check->before.registration.domain, &errand->call.info);
    check_post(check);
}

void check_ask_store(struct check *check)
{
    check->errand.call.shard = check->shard->index;
    errand_run(check->drive, &check->errand, on_errand, check);
}

void check_ask_own(struct check *check, enum sv_store_own_verb verb)
{
    check->errand.call.op = SV_STORE_OWN;
    check->errand.call.u.own = (struct sv_store_own){
        .verb = verb,
        .registrable = check->registrable,
        .domain = check->before.registration.domain,
        .account = check->before.registration.account,
        .client_id = check->client_id,
        .uid = check->uid,
        .allow_overlap = check->drive->options.allow_overlap,
    };
    check_ask_store(check);
}

/* A lease that was not confirmed for half its time may be another's by now (after a freeze, for
 * instance): nothing is begun before it is renewed. What was found already is for the commit, whose
 * fence decides. */
static bool is_in_doubt(const struct check *check)
{
    const struct sv_drive *drive = check->drive;

    return check->step < CHECK_COMMIT &&
           drive_monotonic(drive) - check->held_mono >= drive->options.lease_ms / 2;
}

static bool may_call(const struct ticket *ticket)
{
    struct check *check = ticket->owner;

    check->put_off = is_in_doubt(check);
    return !check->put_off;
}

static void on_ticket(struct ticket *ticket, enum sv_err err)
{
    struct check *check = ticket->owner;

    check->result = err;
    check_post(check);
}

void check_ask_ses(struct check *check, enum sv_ses_op op)
{
    struct own_call *ses = check->ses;
    struct ticket *ticket;

    if (ses == NULL)
        ses = check->ses = sv_alloc(1, sizeof *ses);
    ticket = &ses->ticket;
    ses->identity = (struct sv_ses_identity){0};
    ses->domain_name = check->before.registration.domain;
    ticket->owner = check;
    ticket->done = on_ticket;
    ticket->fill = NULL;
    ticket->may_call = may_call;
    ticket->call.domains = &ses->domain_name;
    ticket->call.domains_count = 1;
    ticket->call.results = &ses->identity;
    ticket->call.setup = check->teller->account.setup;
    gate_queue(&check->teller->gates[op], ticket);
}

void check_cancel_ses(struct check *check)
{
    if (check->ses != NULL)
        ticket_cancel(&check->ses->ticket);
}

/* The core says when to look again; the planner, when others are looked at, too. */
static void meet_others(struct check *check)
{
    const char *account = check->before.registration.account;
    struct sv_effects *effects = &check->effects;

    effects->wait_ms = sv_planner_meet_ms(check->input.now, effects->wait_ms,
                                          sv_fnv1a(SV_FNV_START, account, strlen(account)));
    if (effects->wait_ms >= 0)
        check->after.domain.next_check_at = check->input.now + effects->wait_ms;
}

bool check_decide(struct check *check, enum sv_input_kind kind)
{
    struct sv_drive *drive = check->drive;

    if (kind == SV_INPUT_PROVISIONED)
        check_note_provisioned(check);
    check->seen.restart_barred = check->teller != NULL && check_restart_is_barred(check);
    check->input = (struct sv_input){
        .kind = kind,
        .now = drive_now(drive),
        .random = sv_rand_u64(drive->options.rand),
        .hurry = check->before.job.entry_id[0] != '\0',
        .adopted = check->after.registration.adopt,
        .mail_from_wanted = check->after.registration.mail_from[0] != '\0',
        .never_verified = kind == SV_INPUT_REMOVED && check->step == CHECK_DECIDE,
        .reputation_every_ms = check->teller == NULL ? 0 : rater_every_ms(check->teller),
        .restarted = check->restarted,
        .records =
            kind == SV_INPUT_PROVISIONED || kind == SV_INPUT_RESTARTED || kind == SV_INPUT_LOOKED
                ? check_records(check)
                : 0,
        .seen = check->seen,
    };
    sv_domain_step(&check->after.domain, &drive->options.policy, &check->input, &check->effects);
    meet_others(check);
    if (kind == SV_INPUT_PROVISIONED && check->after.registration.registered_at == 0)
        check->after.registration.registered_at = check->input.now;
    if (kind == SV_INPUT_LOOKED && check->effects.shown == SV_CONCLUSION_DNS_RIGHT_SES_WAITING)
        check_note_pending(check);
    check->step = CHECK_COMMIT;
    return true;
}

/* From when the lease counts that a renewal was answered with. It counts for a moment even if the
 * answer took long, or a slow store would let nothing be done at all; and a store that tells
 * nothing about leases does not, either: then the fence alone decides. */
static sv_ms held_since(const struct check *check, enum sv_err err)
{
    sv_ms now = drive_monotonic(check->drive);
    sv_ms least = now - check->drive->options.lease_ms / 4;

    if (err != SV_OK)
        return now;
    return check->renewed_mono > least ? check->renewed_mono : least;
}

static void on_renewed(struct errand *errand, enum sv_err err)
{
    struct check *check = errand->owner;

    /* A renewal that comes behind our own commit or release finds the domain gone from us, too. */
    if (err == SV_OK && !errand->call.u.hold.held && !check->releasing &&
        check->step < CHECK_COMMIT) {
        check->fenced = true;
        check->drive->stats.checks_fenced++;
        sv_log_line(check->drive->options.log, SV_LOG_WARN, "lease_lost",
                    "another worker looks after this domain: what was found is dropped",
                    SV_LOG_STR("domain", check->before.registration.domain));
        check_cancel_ses(check);
        errand_cancel(&check->errand);
    }
    if (err != SV_ECANCELED)
        check->held_mono = held_since(check, err);
    check_post(check);
}

void check_renew(struct check *check)
{
    struct sv_drive *drive = check->drive;

    if (check->fenced || check->releasing || check->step == CHECK_END || is_renewing(check))
        return;
    if (check->renewal == NULL)
        check->renewal = sv_alloc(1, sizeof *check->renewal);
    check->renewed_mono = drive_monotonic(drive);
    check->renewal->call.op = SV_STORE_RENEW;
    check->renewal->call.shard = check->shard->index;
    check->renewal->call.u.hold = (struct sv_store_hold){
        .uid = check->uid,
        .client_id = check->client_id,
        .own = check->own,
        .fence = check->fence,
        .lease_ms = drive->options.lease_ms,
    };
    errand_run(drive, check->renewal, on_renewed, check);
}

static void on_released(struct errand *errand, enum sv_err err)
{
    struct check *check = errand->owner;

    if (err == SV_OK)
        check->drive->stats.checks_released++;
    check->released = true;
    check_post(check);
}

static void send_release(struct check *check, sv_ms wait_ms)
{
    check->errand.call.op = SV_STORE_RELEASE;
    check->errand.call.shard = check->shard->index;
    check->errand.call.u.hold = (struct sv_store_hold){
        .uid = check->uid,
        .client_id = check->client_id,
        .own = check->own,
        .fence = check->fence,
        .wait_ms = wait_ms,
    };
    errand_run(check->drive, &check->errand, on_released, check);
}

/* True when the lease is sure enough; otherwise the renewal posts the check. */
static bool make_sure(struct check *check)
{
    if (!is_in_doubt(check))
        return true;
    check_renew(check);
    return false;
}

/* Goes on as far as it can without waiting. */
static void go_on(struct check *check)
{
    if (!make_sure(check))
        return;
    if (check->put_off) {
        check->put_off = false;
        gate_queue(check->ses->ticket.gate, &check->ses->ticket);
        return;
    }
    while (step(check))
        ;
}

/* Domains of a paused account come back to be looked at again: spread, so that many of them cost
 * little. */
static sv_ms held_up_ms(const struct check *check)
{
    return HELD_UP_MS + (sv_ms)sv_rand_below(check->drive->options.rand, HELD_UP_MS);
}

static void run_check(void *owner)
{
    struct check *check = owner;
    struct sv_drive *drive = check->drive;
    bool busy = !errand_is_idle(&check->errand) || is_calling_ses(check);
    bool arrived = check->arriving;

    /* A renewal or a late answer may post a check whose own call is still under way: that is no
     * turn. */
    bool over = check->fenced || check->released || drive_is_closing(drive);

    if (arrived) {
        check->arriving = false;
        drive->asking_line--;
    }
    if (!busy && !over && check->releasing)
        send_release(check, check->is_held_up ? held_up_ms(check) : 0);
    else if (!busy && !over)
        go_on(check);
    if (arrived)
        queue_line(drive);
    if (check->fenced || check->released || drive_is_closing(drive))
        check->step = CHECK_END;
    if (check->step == CHECK_END) {
        check_look_stop(check);
        if (check->renewal != NULL)
            errand_cancel(check->renewal);
        if (is_quiet(check))
            free_check(check);
    }
}

/* A commit under way is left to end by itself: whether it ran cannot be known before its answer. */
void check_release(struct check *check)
{
    if (check->releasing || check->fenced || check->step == CHECK_END ||
        check->step == CHECK_COMMIT || check->step == CHECK_DISOWN)
        return;
    check->releasing = true;
    check->is_held_up = pause_holds_account(check->drive, check->before.registration.account) &&
                        !check->drive->pauses.all;
    check_look_stop(check);
    check_cancel_ses(check);
    errand_cancel(&check->errand);
    check_post(check);
}

enum { NEWER_WAIT_MINUTES = 1 };

/* Nothing may be decided from a state that cannot be read: it stays as it is, and somebody is told.
 * One that a newer program wrote is for that program, which soon comes by. */
static void leave_alone(struct check *check, const struct sv_errinfo *why)
{
    bool newer = why->code == SV_EREFUSED;

    sv_log_line(check->drive->options.log, newer ? SV_LOG_WARN : SV_LOG_ERROR,
                newer ? "state_newer" : "state_malformed", why->text,
                SV_LOG_STR("domain_id", check->uid), SV_LOG_STR("client_id", check->client_id));
    check->releasing = true;
    send_release(check, newer ? NEWER_WAIT_MINUTES * SV_MINUTE : SV_HOUR);
}

void check_start(struct shard *shard, const struct sv_store_claimed *claimed, bool hand_back)
{
    struct sv_drive *drive = shard->drive;
    struct check *check = sv_alloc(1, sizeof *check);
    struct sv_errinfo info = {.code = SV_OK};

    check->drive = drive;
    check->shard = shard;
    check->fence = claimed->fence;
    (void)snprintf(check->own, sizeof check->own, "%s", claimed->own);
    check->claimed_mono = check->held_mono = check->renewed_mono = shard->claimed_mono;
    check->letter = (struct letter){.step = run_check, .owner = check};
    check->arriving = true;
    drive->asking_line++;
    (void)snprintf(check->uid, sizeof check->uid, "%s", claimed->uid);
    (void)snprintf(check->client_id, sizeof check->client_id, "%s", claimed->client_id);
    (void)snprintf(check->contact_email, sizeof check->contact_email, "%s",
                   claimed->contact_email == NULL ? "" : claimed->contact_email);
    check->next = drive->checks;
    if (drive->checks != NULL)
        drive->checks->previous = check;
    drive->checks = check;
    drive->inflight++;
    drive->stats.checks_started++;
    if (sv_state_read(claimed->fields, claimed->fields_count, &check->before, &info) != SV_OK) {
        leave_alone(check, &info);
        return;
    }
    if (sv_name_registrable(check->before.registration.domain, check->registrable) != SV_OK)
        (void)snprintf(check->registrable, sizeof check->registrable, "%s",
                       check->before.registration.domain);
    check->after = check->before;
    check->teller = drive_teller(drive, check->before.registration.account);
    if (hand_back || pause_holds(check))
        check_release(check);
    check_post(check);
}
