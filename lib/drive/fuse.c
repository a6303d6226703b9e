/* Fuses: when SES refuses the keys of an account, or AWS holds it, all its gates stop; when it
 * lacks a permission, or one kind of call fails again and again, that gate does. Meanwhile calls
 * end at once, DNS is looked at as ever, and from time to time one call tries whether somebody
 * mended it. Opening and closing are told once. */
#include "inside.h"

#include <stdio.h>

#include "sv/require.h"

enum { AILING_MAX = 4 };

static const sv_ms ailing_cap_ms = SV_MINUTE;

/* The pace is that of looks that find nothing out; an ailing service heals sooner than what
 * somebody has to mend. */
static struct sv_breaker_rule rule_for(const struct gate *gate, enum sv_err err)
{
    const struct sv_policy *policy = &gate->drive->options.policy;
    bool is_denied = err == SV_EDENIED;
    bool is_short = !is_denied && ailing_cap_ms < policy->fault_cap_ms;

    return (struct sv_breaker_rule){.failures_max = is_denied ? 0 : AILING_MAX,
                                    .first_ms = policy->fault_first_ms,
                                    .cap_ms = is_short ? ailing_cap_ms : policy->fault_cap_ms};
}

/* SES understood the request and said something about it. */
static bool is_answer(enum sv_err err)
{
    return err == SV_OK || err == SV_ENOTFOUND || err == SV_EEXISTS || err == SV_EREFUSED ||
           err == SV_EQUOTA || err == SV_ECONFLICT;
}

static const char *reason(const struct fuse *fuse)
{
    if (fuse->why.code != SV_EDENIED)
        return "unavailable";
    switch (fuse->denial) {
    case SV_SES_DENIAL_KEYS:
        return "keys_refused";
    case SV_SES_DENIAL_PERMISSION:
        return "permission_missing";
    case SV_SES_DENIAL_ACCOUNT:
        return "account_held";
    case SV_SES_DENIAL_NONE:
        break;
    }
    return "denied";
}

static const char *advice(const struct fuse *fuse)
{
    if (fuse->why.code != SV_EDENIED)
        return "SES fails again and again; nothing to be done here";
    switch (fuse->denial) {
    case SV_SES_DENIAL_KEYS:
        return "SES refuses the keys of this account: give it others, or see whether they are "
               "active and of this account";
    case SV_SES_DENIAL_PERMISSION:
        return "the keys have no permission for this operation: allow it in their IAM policy";
    case SV_SES_DENIAL_ACCOUNT:
        return "AWS holds this account: see its SES console and AWS's mails to its owner";
    case SV_SES_DENIAL_NONE:
        break;
    }
    return "something between us and SES refuses this operation: a proxy, a firewall, a "
           "certificate";
}

/* The message names account and operation, or the log would fold several of them into one. */
static void tell_open(const struct gate *gate, const struct fuse *fuse)
{
    bool is_whole = fuse == &gate->teller->fuse;
    const char *op = is_whole ? "everything" : sv_ses_op_name(gate->op);
    char message[SV_ERR_TEXT_BYTES];

    (void)snprintf(message, sizeof message, "account %.60s, %s: %s", gate->account->name, op,
                   advice(fuse));
    sv_log_line(gate->drive->options.log, fuse->why.code == SV_EDENIED ? SV_LOG_ERROR : SV_LOG_WARN,
                "ses_paused", message, SV_LOG_STR("account", gate->account->name),
                SV_LOG_STR("operation", is_whole ? NULL : op), SV_LOG_STR("reason", reason(fuse)),
                SV_LOG_INT("wait_ms", fuse->breaker.wait_ms),
                SV_LOG_STR("error_code", sv_err_name(fuse->why.code)),
                SV_LOG_STR("error", fuse->why.text));
}

static void fail(const struct ticket *ticket, struct fuse *fuse, bool is_trial, enum sv_err err)
{
    const struct gate *gate = ticket->gate;
    struct sv_breaker_rule rule = rule_for(gate, err);
    bool was_open = fuse->breaker.wait_ms > 0, is_news;

    is_news = !was_open || (is_trial && fuse->denial != ticket->call.denial);
    if (!was_open || is_trial) {
        fuse->why = ticket->call.info;
        fuse->why.code = err;
        fuse->denial = ticket->call.denial;
    }
    sv_breaker_fail(&fuse->breaker, &rule, is_trial, drive_monotonic(gate->drive));
    if (is_news && fuse->breaker.wait_ms > 0)
        tell_open(gate, fuse);
}

/* Calls that were under way when it opened say nothing new. */
static void succeed(const struct gate *gate, struct fuse *fuse, bool is_trial)
{
    bool was_open = fuse->breaker.wait_ms > 0;

    if (was_open && !is_trial)
        return;
    sv_breaker_succeed(&fuse->breaker);
    if (was_open)
        sv_log_line(gate->drive->options.log, SV_LOG_INFO, "ses_resumed", "SES answers again",
                    SV_LOG_STR("account", gate->account->name),
                    SV_LOG_STR("operation", fuse == &gate->fuse ? sv_ses_op_name(gate->op) : NULL));
}

enum sv_breaker_answer fuses_ask(const struct gate *gate)
{
    sv_ms now = drive_monotonic(gate->drive);
    enum sv_breaker_answer account = sv_breaker_ask(&gate->teller->fuse.breaker, now);
    enum sv_breaker_answer own = sv_breaker_ask(&gate->fuse.breaker, now);

    return account < own ? account : own; /* the stricter one stands first */
}

void fuses_try(struct ticket *ticket)
{
    struct gate *gate = ticket->gate;
    sv_ms now = drive_monotonic(gate->drive);

    if (sv_breaker_ask(&gate->teller->fuse.breaker, now) == SV_BREAKER_TRY) {
        sv_breaker_try(&gate->teller->fuse.breaker);
        ticket->tries_account = true;
    }
    if (sv_breaker_ask(&gate->fuse.breaker, now) == SV_BREAKER_TRY) {
        sv_breaker_try(&gate->fuse.breaker);
        ticket->tries_gate = true;
    }
}

static void judge_account(const struct ticket *ticket, struct fuse *fuse, enum sv_err err)
{
    enum sv_ses_denial denial = ticket->call.denial;

    if (is_answer(err) || (err == SV_EDENIED && denial == SV_SES_DENIAL_PERMISSION))
        succeed(ticket->gate, fuse, ticket->tries_account);
    else if (err == SV_EDENIED && denial != SV_SES_DENIAL_NONE)
        fail(ticket, fuse, ticket->tries_account, err);
    else if (ticket->tries_account)
        sv_breaker_forget_trial(&fuse->breaker);
}

static void judge_gate(const struct ticket *ticket, struct fuse *fuse, enum sv_err err)
{
    enum sv_ses_denial denial = ticket->call.denial;
    bool is_own = denial == SV_SES_DENIAL_PERMISSION || denial == SV_SES_DENIAL_NONE;

    if (is_answer(err))
        succeed(ticket->gate, fuse, ticket->tries_gate);
    else if (err == SV_EUNAVAILABLE || err == SV_ECONNECT || err == SV_ETIMEOUT ||
             (err == SV_EDENIED && is_own))
        fail(ticket, fuse, ticket->tries_gate, err);
    else if (ticket->tries_gate)
        sv_breaker_forget_trial(&fuse->breaker);
}

bool fuses_judge(struct ticket *ticket, enum sv_err err)
{
    struct gate *gate = ticket->gate;
    bool was_trial = ticket->tries_account || ticket->tries_gate;

    if (ticket->attempts > 0) { /* or it says nothing of SES */
        judge_account(ticket, &gate->teller->fuse, err);
        judge_gate(ticket, &gate->fuse, err);
    }
    ticket->tries_account = ticket->tries_gate = false;
    return was_trial;
}

enum sv_err fuses_refuse(struct ticket *ticket)
{
    const struct gate *gate = ticket->gate;
    sv_ms now = drive_monotonic(gate->drive);
    bool is_account = sv_breaker_ask(&gate->teller->fuse.breaker, now) == SV_BREAKER_REFUSE;
    const struct fuse *fuse = is_account ? &gate->teller->fuse : &gate->fuse;

    ticket->call.denial = fuse->denial;
    ticket->call.request_id[0] = '\0';
    return sv_err_set(&ticket->call.info, fuse->why.code, "ses", fuse->why.native,
                      "not asked, SES is left alone for a while: %s", fuse->why.text);
}
