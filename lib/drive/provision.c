/* Work owed at SES: creating the identity, restarting its verification, deleting it. Every call may
 * be repeated, so each step simply runs again after a crash. */
#include "inside.h"

#include <stdio.h>
#include <string.h>

#include "sv/require.h"

/* True when the answer to the step's call is there; otherwise the call is started and the check
 * waits. */
static bool called_ses(struct check *check, enum sv_ses_op op)
{
    if (check->waiting) {
        check->waiting = false;
        return true;
    }
    check->waiting = true;
    check_ask_ses(check, op);
    return false;
}

/* True when the client itself asked for this work, with the job that is open now. */
static bool is_asked_for(const struct check *check, uint32_t work)
{
    const struct sv_open_job *job = &check->before.job;

    if (job->entry_id[0] == '\0')
        return false;
    if (work == SV_TODO_PROVISION)
        return job->type == SV_JOB_REGISTER || job->type == SV_JOB_ADOPT;
    return job->type == SV_JOB_REMOVE;
}

/* The work was refused for good: the job ends. A domain that was never registered is forgotten
 * again, a known one stays as it was. What is owed without a job, such as an identity that is gone,
 * stays owed: somebody may mend the account. */
static bool give_up(struct check *check, uint32_t work, const char *outcome, const char *reason)
{
    struct sv_domain *domain = &check->after.domain;
    bool is_told = domain->status != SV_STATUS_NEW && domain->status != SV_STATUS_REMOVED;

    sv_log_line(check->drive->options.log, SV_LOG_ERROR, "work_refused",
                check->ses->ticket.call.info.text,
                SV_LOG_STR("domain", check->before.registration.domain),
                SV_LOG_STR("client_id", check->client_id), SV_LOG_STR("reason", reason));
    if (is_asked_for(check, work)) {
        check->job_outcome = outcome;
        check->job_reason = reason;
    }
    if (!is_told)
        return check_decide(check, SV_INPUT_REMOVED);
    if (work != SV_TODO_PROVISION || domain->identity != SV_AXIS_GONE)
        domain->todo &= ~work;
    return check_decide(check, SV_INPUT_FAULT);
}

/* What every failed call comes to: wait and repeat, or give up. Missing permissions and used-up
 * quotas are the operator's to mend: the job stays open until then. */
static bool fail(struct check *check, uint32_t work)
{
    switch (check->result) {
    case SV_EREFUSED:
    case SV_EINVALID:
        return give_up(check, work, "dead", "ses_refused");
    case SV_ENOTFOUND:
        return give_up(check, work, "dead", "identity_not_found");
    case SV_OK:
    case SV_ECANCELED:
    case SV_ETIMEOUT:
    case SV_ECONNECT:
    case SV_EUNAVAILABLE:
    case SV_ETHROTTLED:
    case SV_ECONFLICT:
    case SV_EFULL:
    case SV_EBUSY:
    case SV_ECLOCK:
    case SV_EDENIED:
    case SV_EQUOTA:
    case SV_EEXISTS:
    case SV_EMALFORMED:
    case SV_ETOOBIG:
    case SV_ESYSTEM:
        break;
    }
    return check_decide(check, SV_INPUT_FAULT);
}

static bool own(struct check *check)
{
    if (!check->waiting) {
        check->waiting = true;
        check_ask_own(check, SV_STORE_OWN_CONFIRM);
        return false;
    }
    check->waiting = false;
    if (check->result != SV_OK)
        return check_decide(check, SV_INPUT_FAULT);
    if (!check->errand.call.u.own.granted) /* somebody took the name between admission and now */
        return give_up(check, SV_TODO_PROVISION, "rejected", "claimed_by_another_client");
    check->step = check->before.registration.adopt ? CHECK_GET : CHECK_CREATE;
    return true;
}

static void keep_identity(struct check *check)
{
    struct sv_registration *registration = &check->after.registration;
    const struct sv_ses_identity *identity = &check->ses->identity;

    registration->tokens_count = identity->tokens_count;
    (void)memset(registration->tokens, 0, sizeof registration->tokens);
    for (size_t i = 0; i < identity->tokens_count; i++)
        (void)snprintf(registration->tokens[i], sizeof registration->tokens[i], "%s",
                       identity->tokens[i]);
    (void)snprintf(registration->zone, sizeof registration->zone, "%s", identity->hosted_zone);
    /* An adopted identity keeps the MAIL FROM it has, unless the job names one. */
    if (registration->adopt && registration->mail_from[0] == '\0')
        (void)snprintf(registration->mail_from, sizeof registration->mail_from, "%s",
                       identity->mail_from_domain);
}

static bool create(struct check *check)
{
    if (!called_ses(check, SV_SES_CREATE))
        return false;
    if (check->result == SV_EEXISTS) {
        check->step = CHECK_GET;
        return true;
    }
    if (check->result != SV_OK)
        return fail(check, SV_TODO_PROVISION);
    keep_identity(check);
    check->step = CHECK_MAIL_FROM;
    return true;
}

static bool get(struct check *check)
{
    if (!called_ses(check, SV_SES_GET))
        return false;
    if (check->result != SV_OK)
        return fail(check, SV_TODO_PROVISION);
    keep_identity(check);
    check->step = CHECK_MAIL_FROM;
    return true;
}

/* As called_ses: sets the custom MAIL FROM that is registered, or switches it off. */
static bool put_mail_from(struct check *check)
{
    const struct sv_registration *registration = &check->after.registration;

    check->ses->ticket.call.mail_from = registration->mail_from;
    check->ses->ticket.call.reject_on_mx_failure = registration->reject_on_mx_failure;
    return called_ses(check, SV_SES_PUT_MAIL_FROM);
}

static bool set_mail_from(struct check *check)
{
    const struct sv_registration *registration = &check->after.registration;
    bool differs = !sv_name_equal(registration->mail_from, check->ses->identity.mail_from_domain);

    if (!check->waiting && !differs && registration->mail_from[0] == '\0') {
        check->step = CHECK_LEGACY;
        return true;
    }
    if (!put_mail_from(check))
        return false;
    if (check->result != SV_OK)
        return fail(check, SV_TODO_PROVISION);
    check->step = CHECK_LEGACY;
    return true;
}

static bool verify_legacy(struct check *check)
{
    struct sv_registration *registration = &check->after.registration;

    if (!registration->legacy_txt)
        return check_decide(check, SV_INPUT_PROVISIONED);
    if (!called_ses(check, SV_SES_VERIFY_DOMAIN))
        return false;
    if (check->result != SV_OK)
        return fail(check, SV_TODO_PROVISION);
    (void)snprintf(registration->ownership_token, sizeof registration->ownership_token, "%s",
                   check->ses->identity.verification_token);
    return check_decide(check, SV_INPUT_PROVISIONED);
}

/* A restart that could not be made. One that SES refuses must not keep us from looking, or nobody
 * would ever notice that the identity is gone; it stays owed and is tried again with each look. */
static bool miss(struct check *check)
{
    if (check->result == SV_ECANCELED || sv_err_is_temporary(check->result))
        return check_decide(check, SV_INPUT_FAULT);
    check->step = CHECK_DNS;
    return true;
}

static bool restart_mail_from(struct check *check)
{
    if (!put_mail_from(check))
        return false;
    return check->result == SV_OK ? check_decide(check, SV_INPUT_RESTARTED) : miss(check);
}

static bool restart_dkim(struct check *check)
{
    if (!called_ses(check, SV_SES_VERIFY_DKIM))
        return false;
    if (check->result != SV_OK)
        return miss(check);
    if ((check->before.domain.todo & SV_TODO_RESTART_MAIL_FROM) != 0) {
        check->step = CHECK_RESTART_MAIL_FROM;
        return true;
    }
    return check_decide(check, SV_INPUT_RESTARTED);
}

static bool delete_identity(struct check *check)
{
    if ((check->before.domain.todo & SV_TODO_DELETE) == 0)
        return check_decide(check, SV_INPUT_REMOVED);
    if (!called_ses(check, SV_SES_DELETE))
        return false;
    if (check->result != SV_OK && check->result != SV_ENOTFOUND)
        return fail(check, SV_TODO_REMOVE | SV_TODO_DELETE);
    return check_decide(check, SV_INPUT_REMOVED);
}

bool check_provision_step(struct check *check)
{
    switch (check->step) {
    case CHECK_OWN:
        return own(check);
    case CHECK_CREATE:
        return create(check);
    case CHECK_GET:
        return get(check);
    case CHECK_MAIL_FROM:
        return set_mail_from(check);
    case CHECK_LEGACY:
        return verify_legacy(check);
    case CHECK_RESTART_DKIM:
        return restart_dkim(check);
    case CHECK_RESTART_MAIL_FROM:
        return restart_mail_from(check);
    case CHECK_DELETE:
        return delete_identity(check);
    case CHECK_START:
    case CHECK_DNS:
    case CHECK_SES:
    case CHECK_DECIDE:
    case CHECK_COMMIT:
    case CHECK_DISOWN:
    case CHECK_END:
        break;
    }
    SV_REQUIRE(false);
    return false;
}
