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

/* SES said no for good: the job ends, and a domain that was never registered is forgotten again. */
static bool give_up(struct check *check, const char *reason)
{
    struct sv_domain *domain = &check->after.domain;

    sv_log_line(check->drive->options.log, SV_LOG_ERROR, "provisioning_refused",
                check->ticket.call.info.text,
                SV_LOG_STR("domain", check->before.registration.domain),
                SV_LOG_STR("client_id", check->client_id), SV_LOG_STR("reason", reason));
    check->job_outcome = "dead";
    check->job_reason = reason;
    if (domain->status == SV_STATUS_NEW || domain->status == SV_STATUS_REMOVED)
        return check_decide(check, SV_INPUT_REMOVED);
    domain->todo &= ~(uint32_t)SV_TODO_PROVISION; /* a known domain stays as it was */
    return check_decide(check, SV_INPUT_FAULT);
}

/* What every failed call comes to: wait and repeat, or give up. Missing permissions and used-up
 * quotas are the operator's to mend: the job stays open until then. */
static bool fail(struct check *check)
{
    switch (check->result) {
    case SV_EREFUSED:
    case SV_EINVALID:
        return give_up(check, "ses_refused");
    case SV_ENOTFOUND:
        return give_up(check, "identity_not_found");
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
    struct sv_store_own *own = &check->errand.call.u.own;
    static const char overlap[] = "claimed_by_another_client";

    if (!check->waiting) {
        check->waiting = true;
        check->errand.call.op = SV_STORE_OWN;
        *own = (struct sv_store_own){
            .verb = SV_STORE_OWN_CONFIRM,
            .registrable = check->registrable,
            .domain = check->before.registration.domain,
            .account = check->before.registration.account,
            .client_id = check->client_id,
            .uid = check->uid,
            .allow_overlap = check->drive->options.allow_overlap,
        };
        check_ask_store(check);
        return false;
    }
    check->waiting = false;
    if (check->result != SV_OK)
        return check_decide(check, SV_INPUT_FAULT);
    if (!own->granted) { /* somebody took the name between admission and now */
        check->job_outcome = "rejected";
        check->job_reason = overlap;
        return check_decide(check, SV_INPUT_REMOVED);
    }
    check->step = check->before.registration.adopt ? CHECK_GET : CHECK_CREATE;
    return true;
}

static void keep_identity(struct check *check)
{
    struct sv_registration *registration = &check->after.registration;
    const struct sv_ses_identity *identity = &check->identity;

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
        return fail(check);
    keep_identity(check);
    check->step = CHECK_MAIL_FROM;
    return true;
}

static bool get(struct check *check)
{
    if (!called_ses(check, SV_SES_GET))
        return false;
    if (check->result != SV_OK)
        return fail(check);
    keep_identity(check);
    check->step = CHECK_MAIL_FROM;
    return true;
}

static bool set_mail_from(struct check *check)
{
    const struct sv_registration *registration = &check->after.registration;
    bool differs = !sv_name_equal(registration->mail_from, check->identity.mail_from_domain);

    if (!check->waiting && !differs && registration->mail_from[0] == '\0') {
        check->step = CHECK_LEGACY;
        return true;
    }
    check->ticket.call.mail_from = registration->mail_from;
    check->ticket.call.reject_on_mx_failure = registration->reject_on_mx_failure;
    if (!called_ses(check, SV_SES_PUT_MAIL_FROM))
        return false;
    if (check->result != SV_OK)
        return fail(check);
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
        return fail(check);
    (void)snprintf(registration->ownership_token, sizeof registration->ownership_token, "%s",
                   check->identity.verification_token);
    return check_decide(check, SV_INPUT_PROVISIONED);
}

static bool restart_mail_from(struct check *check)
{
    const struct sv_registration *registration = &check->before.registration;

    check->ticket.call.mail_from = registration->mail_from;
    check->ticket.call.reject_on_mx_failure = registration->reject_on_mx_failure;
    if (!called_ses(check, SV_SES_PUT_MAIL_FROM))
        return false;
    return check_decide(check, check->result == SV_OK ? SV_INPUT_RESTARTED : SV_INPUT_FAULT);
}

static bool restart_dkim(struct check *check)
{
    if (!called_ses(check, SV_SES_VERIFY_DKIM))
        return false;
    if (check->result != SV_OK)
        return check_decide(check, SV_INPUT_FAULT);
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
        return check_decide(check, SV_INPUT_FAULT);
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
