/* Work owed at SES: creating the identity, bringing one that was there to what is wanted, deleting
 * it. Every call may be repeated, so each step simply runs again after a crash. */
#include "inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/require.h"

/* True when the answer to the step's call is there; otherwise the call is started and the check
 * waits. */
bool check_called_ses(struct check *check, enum sv_ses_op op)
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

static bool is_creating(const struct check *check)
{
    return check->step == CHECK_CREATE;
}

/* SES deletes no identity whose keys replicas in other regions share; it has no error code for
 * that.
 */
static bool has_replicas(const struct check *check)
{
    return check->step == CHECK_DELETE &&
           strcasestr(check->ses->ticket.call.info.text, "replica") != NULL;
}

/* Whatever SES did not find: an identity to adopt, or a configuration set. One that was there a
 * moment ago is looked for again. */
static bool miss_something(struct check *check, uint32_t work)
{
    if (is_creating(check) || check->step == CHECK_CONFIGURATION_SET)
        return give_up(check, work, "dead", "configuration_set_not_found");
    if (check->step == CHECK_GET && !check->before.registration.adopt)
        return check_decide(check, SV_INPUT_FAULT);
    if (check->before.domain.identity == SV_AXIS_GONE && !is_asked_for(check, work)) {
        /* Somebody else made it, and deleted it: we look whether it comes back, and make none. */
        check->step = CHECK_DNS;
        return true;
    }
    return give_up(check, work, "dead", "identity_not_found");
}

/* What every failed call comes to: wait and repeat, or give up. Somebody else's change passes;
 * repeating begins with reading what is there now. Missing permissions are the operator's to mend:
 * the job stays open until then. An account that is full does not get emptier by waiting. */
static bool fail(struct check *check, uint32_t work)
{
    switch (check->result) {
    case SV_EREFUSED:
    case SV_EINVALID:
        if (has_replicas(check))
            return give_up(check, work, "dead", "identity_has_replicas");
        return give_up(check, work, "dead", "ses_refused");
    case SV_ENOTFOUND:
        return miss_something(check, work);
    case SV_EQUOTA:
        if (is_creating(check))
            return give_up(check, work, "rejected", "ses_identity_quota");
        break;
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

/* --- making it --- */

static bool create(struct check *check)
{
    if (!check->waiting) {
        struct sv_tag_facts facts = {.client_id = check->client_id,
                                     .domain_id = check->uid,
                                     .domain = check->before.registration.domain};

        if (check->ses->tags == NULL)
            check->ses->tags = sv_alloc(1, sizeof *check->ses->tags);
        sv_tags_fill(check_setup(check), &facts, check->ses->tags);
        check->ses->ticket.call.tags = check->ses->tags->tags;
        check->ses->ticket.call.tags_count = check->ses->tags->count;
    }
    if (!check_called_ses(check, SV_SES_CREATE))
        return false;
    if (check->result == SV_EEXISTS || check->result == SV_ECONFLICT) {
        check->step = CHECK_GET; /* see what is there */
        return true;
    }
    if (check->result != SV_OK)
        return fail(check, SV_TODO_PROVISION);
    check_keep_made(check);
    check->step = CHECK_MAIL_FROM;
    return true;
}

static bool get(struct check *check)
{
    if (!check_called_ses(check, SV_SES_GET))
        return false;
    if (check->result != SV_OK)
        return fail(check, SV_TODO_PROVISION);
    check_keep_found(check);
    check->existed = check->before.registration.adopt || !check_is_half_made(check);
    check->step = CHECK_SIGNING;
    return true;
}

/* --- bringing what was there to what is wanted --- */

static bool set_signing(struct check *check)
{
    enum sv_ses_op op = check_signing_call(check);

    if (op == SV_SES_OP_COUNT) {
        check->step = CHECK_CONFIGURATION_SET;
        return true;
    }
    if (!check_called_ses(check, op))
        return false;
    if (check->result != SV_OK)
        return fail(check, SV_TODO_PROVISION);
    if (op == SV_SES_PUT_SIGNING)
        check_keep_made(check);
    else
        check_keep_dkim(check, SV_DKIM_EASY);
    check->step = CHECK_CONFIGURATION_SET;
    return true;
}

static bool set_configuration_set(struct check *check)
{
    const char *set = check_setup(check)->configuration_set;

    if (set == NULL || set[0] == '\0' || strcmp(set, check->ses->found.configuration_set) == 0) {
        check->step = CHECK_MAIL_FROM;
        return true;
    }
    if (!check_called_ses(check, SV_SES_PUT_CONFIGURATION_SET))
        return false;
    if (check->result != SV_OK)
        return fail(check, SV_TODO_PROVISION);
    check->step = CHECK_MAIL_FROM;
    return true;
}

/* As check_called_ses: sets the custom MAIL FROM that is registered, or switches it off. */
bool check_put_mail_from(struct check *check)
{
    const struct sv_registration *registration = &check->after.registration;

    check->ses->ticket.call.mail_from = registration->mail_from;
    check->ses->ticket.call.reject_on_mx_failure = registration->reject_on_mx_failure;
    return check_called_ses(check, SV_SES_PUT_MAIL_FROM);
}

/* Saying the same again would make SES look for it from the start. */
static bool has_mail_from(const struct check *check)
{
    const struct sv_registration *registration = &check->after.registration;
    bool rejects = check->ses->found.rejects_on_mx_failure == SV_TRI_YES;

    if (!sv_name_equal(registration->mail_from, check->ses->found.mail_from_domain))
        return false;
    return registration->mail_from[0] == '\0' || registration->adopt ||
           (registration->reject_on_mx_failure == rejects &&
            check->ses->found.rejects_on_mx_failure != SV_TRI_UNKNOWN);
}

static bool set_mail_from(struct check *check)
{
    if (!check->waiting && has_mail_from(check)) {
        check->step = CHECK_LEGACY;
        return true;
    }
    if (!check_put_mail_from(check))
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
    if (!check_called_ses(check, SV_SES_VERIFY_DOMAIN))
        return false;
    if (check->result != SV_OK)
        return fail(check, SV_TODO_PROVISION);
    (void)snprintf(registration->ownership_token, sizeof registration->ownership_token, "%s",
                   check->ses->identity.verification_token);
    return check_decide(check, SV_INPUT_PROVISIONED);
}

static bool delete_identity(struct check *check)
{
    if ((check->before.domain.todo & SV_TODO_DELETE) == 0)
        return check_decide(check, SV_INPUT_REMOVED);
    if (!check_called_ses(check, SV_SES_DELETE))
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
    case CHECK_SIGNING:
        return set_signing(check);
    case CHECK_CONFIGURATION_SET:
        return set_configuration_set(check);
    case CHECK_MAIL_FROM:
        return set_mail_from(check);
    case CHECK_LEGACY:
        return verify_legacy(check);
    case CHECK_DELETE:
        return delete_identity(check);
    case CHECK_START:
    case CHECK_RESTART_DKIM:
    case CHECK_RESTART_OWNERSHIP:
    case CHECK_RESTART_MAIL_FROM:
    case CHECK_RESTORE_SET:
    case CHECK_DNS:
    case CHECK_SES:
    case CHECK_DETAIL:
    case CHECK_DECIDE:
    case CHECK_COMMIT:
    case CHECK_DISOWN:
    case CHECK_END:
        break;
    }
    SV_REQUIRE(false);
    return false;
}
