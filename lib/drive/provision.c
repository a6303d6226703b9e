/* Work owed at SES: creating the identity, restarting its verification, deleting it. Every call may
 * be repeated, so each step simply runs again after a crash. */
#include "inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
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
                check->ticket.call.info.text,
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
           strcasestr(check->ticket.call.info.text, "replica") != NULL;
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

/* --- what SES shows of the identity --- */

static const struct sv_ses_setup *setup_of(const struct check *check)
{
    static const struct sv_ses_setup plain = {.dkim = SV_DKIM_EASY};

    return check->teller->account.setup != NULL ? check->teller->account.setup : &plain;
}

static enum sv_dkim_method wanted_method(const struct check *check)
{
    enum sv_dkim_method method = setup_of(check)->dkim;

    return method != SV_DKIM_UNKNOWN ? method : SV_DKIM_EASY;
}

static void keep_selector(struct sv_registration *registration, const char *selector)
{
    (void)memset(registration->tokens, 0, sizeof registration->tokens);
    (void)snprintf(registration->tokens[0], sizeof registration->tokens[0], "%s", selector);
    registration->tokens_count = selector[0] != '\0' ? 1 : 0;
    registration->zone[0] = '\0';
}

/* `method` is what the reply said, or what was asked for where it does not say. A reply without
 * tokens tells nothing of them. */
static void keep_dkim(struct check *check, enum sv_dkim_method method)
{
    struct sv_registration *registration = &check->after.registration;
    const struct sv_ses_identity *identity = &check->identity;

    registration->dkim = method;
    if (method == SV_DKIM_BYODKIM) {
        keep_selector(registration,
                      identity->tokens_count == 1 ? identity->tokens[0] : registration->tokens[0]);
        return;
    }
    if (identity->tokens_count == 0)
        return;
    registration->tokens_count = identity->tokens_count;
    (void)memset(registration->tokens, 0, sizeof registration->tokens);
    for (size_t i = 0; i < identity->tokens_count; i++)
        (void)snprintf(registration->tokens[i], sizeof registration->tokens[i], "%s",
                       identity->tokens[i]);
    if (identity->hosted_zone[0] != '\0')
        (void)snprintf(registration->zone, sizeof registration->zone, "%s", identity->hosted_zone);
}

/* What was made as we asked: a reply that does not say how it signs has nothing to add. */
static void keep_made(struct check *check)
{
    enum sv_dkim_method told = check->identity.dkim_method;
    enum sv_dkim_method method = told != SV_DKIM_UNKNOWN ? told : wanted_method(check);

    if (method == SV_DKIM_BYODKIM)
        keep_selector(&check->after.registration, setup_of(check)->selector);
    keep_dkim(check, method);
}

/* What was there. An adopted identity keeps the MAIL FROM it has, unless the job names one. */
static void keep_found(struct check *check)
{
    struct sv_registration *registration = &check->after.registration;
    const struct sv_ses_identity *identity = &check->identity;

    check->found = *identity;
    if (identity->tokens_count == 0)
        keep_selector(registration, "");
    keep_dkim(check,
              identity->dkim_method != SV_DKIM_UNKNOWN ? identity->dkim_method : SV_DKIM_EASY);
    if (registration->adopt && registration->mail_from[0] == '\0')
        (void)snprintf(registration->mail_from, sizeof registration->mail_from, "%s",
                       identity->mail_from_domain);
}

/* A worker that died between the call and its commit leaves an identity behind; its keys are then
 * younger than the job. Those of Easy DKIM have a date; a selector or a parent that is ours says as
 * much. */
static bool is_half_made(const struct check *check)
{
    enum { SLACK_MS = 60 * 1000 }; /* between the clocks of Redis and SES */
    const struct sv_ses_identity *found = &check->found;
    sv_ms asked_at = strtoll(check->before.job.entry_id, NULL, 10); /* "1764000000000-0" */

    switch (found->dkim_method) {
    case SV_DKIM_BYODKIM:
        return wanted_method(check) == SV_DKIM_BYODKIM &&
               strcmp(found->tokens[0], setup_of(check)->selector) == 0;
    case SV_DKIM_DEED:
        return wanted_method(check) == SV_DKIM_DEED &&
               strcmp(found->dkim_parent, setup_of(check)->parent_region) == 0;
    case SV_DKIM_EASY:
    case SV_DKIM_UNKNOWN:
    case SV_DKIM_METHOD_COUNT:
        break;
    }
    return found->dkim_key_made_at != 0 && found->dkim_key_made_at + SLACK_MS >= asked_at;
}

/* --- making it --- */

static bool create(struct check *check)
{
    if (!check->waiting) {
        struct sv_tag_facts facts = {.client_id = check->client_id,
                                     .domain_id = check->uid,
                                     .domain = check->before.registration.domain};

        if (check->tags == NULL)
            check->tags = sv_alloc(1, sizeof *check->tags);
        sv_tags_fill(setup_of(check), &facts, check->tags);
        check->ticket.call.tags = check->tags->tags;
        check->ticket.call.tags_count = check->tags->count;
    }
    if (!called_ses(check, SV_SES_CREATE))
        return false;
    if (check->result == SV_EEXISTS || check->result == SV_ECONFLICT) {
        check->step = CHECK_GET; /* see what is there */
        return true;
    }
    if (check->result != SV_OK)
        return fail(check, SV_TODO_PROVISION);
    keep_made(check);
    check->step = CHECK_MAIL_FROM;
    return true;
}

static bool get(struct check *check)
{
    if (!called_ses(check, SV_SES_GET))
        return false;
    if (check->result != SV_OK)
        return fail(check, SV_TODO_PROVISION);
    keep_found(check);
    check->existed = check->before.registration.adopt || !is_half_made(check);
    check->step = CHECK_SIGNING;
    return true;
}

/* --- bringing what was there to what is wanted --- */

/* Changing how an identity signs leaves its mail unsigned until the new records are seen: one that
 * works is left alone, and so is an adopted one. */
static bool may_change_signing(const struct check *check)
{
    enum sv_axis dkim = check->found.dkim;

    return !check->before.registration.adopt && dkim != SV_AXIS_SUCCESS &&
           dkim != SV_AXIS_TEMPORARY_FAILURE;
}

static bool signs_as_wanted(const struct check *check)
{
    const struct sv_ses_identity *found = &check->found;

    if (found->dkim_method == SV_DKIM_UNKNOWN || found->dkim_method != wanted_method(check))
        return false;
    if (found->dkim_method == SV_DKIM_BYODKIM)
        return strcmp(found->tokens[0], setup_of(check)->selector) == 0;
    return found->dkim_method != SV_DKIM_DEED ||
           strcmp(found->dkim_parent, setup_of(check)->parent_region) == 0;
}

/* The call that brings it about; SV_SES_OP_COUNT = none. An identity that was verified by TXT alone
 * may have no DKIM at all: then it gets some. */
static enum sv_ses_op signing_call(const struct check *check)
{
    enum sv_dkim_method wanted = wanted_method(check);
    bool nothing = check->found.tokens_count == 0 && check->found.dkim_method != SV_DKIM_BYODKIM;

    if (nothing && (wanted == SV_DKIM_EASY || check->before.registration.adopt))
        return SV_SES_VERIFY_DKIM;
    if (signs_as_wanted(check) || !may_change_signing(check))
        return SV_SES_OP_COUNT;
    if (check->found.dkim_method == SV_DKIM_UNKNOWN && wanted == SV_DKIM_EASY)
        return SV_SES_OP_COUNT; /* it has tokens: that is Easy DKIM, whatever SES calls it */
    return wanted != SV_DKIM_DEED ? SV_SES_PUT_SIGNING : SV_SES_OP_COUNT;
}

static bool set_signing(struct check *check)
{
    enum sv_ses_op op = signing_call(check);

    if (op == SV_SES_OP_COUNT) {
        check->step = CHECK_CONFIGURATION_SET;
        return true;
    }
    if (!called_ses(check, op))
        return false;
    if (check->result != SV_OK)
        return fail(check, SV_TODO_PROVISION);
    if (op == SV_SES_PUT_SIGNING)
        keep_made(check);
    else
        keep_dkim(check, SV_DKIM_EASY);
    check->step = CHECK_CONFIGURATION_SET;
    return true;
}

static bool set_configuration_set(struct check *check)
{
    const char *set = setup_of(check)->configuration_set;

    if (set == NULL || set[0] == '\0' || strcmp(set, check->found.configuration_set) == 0) {
        check->step = CHECK_MAIL_FROM;
        return true;
    }
    if (!called_ses(check, SV_SES_PUT_CONFIGURATION_SET))
        return false;
    if (check->result != SV_OK)
        return fail(check, SV_TODO_PROVISION);
    check->step = CHECK_MAIL_FROM;
    return true;
}

/* As called_ses: sets the custom MAIL FROM that is registered, or switches it off. */
static bool put_mail_from(struct check *check)
{
    const struct sv_registration *registration = &check->after.registration;

    check->ticket.call.mail_from = registration->mail_from;
    check->ticket.call.reject_on_mx_failure = registration->reject_on_mx_failure;
    return called_ses(check, SV_SES_PUT_MAIL_FROM);
}

/* Saying the same again would make SES look for it from the start. */
static bool has_mail_from(const struct check *check)
{
    const struct sv_registration *registration = &check->after.registration;
    bool rejects = check->found.rejects_on_mx_failure == SV_TRI_YES;

    if (!sv_name_equal(registration->mail_from, check->found.mail_from_domain))
        return false;
    return registration->mail_from[0] == '\0' || registration->adopt ||
           (registration->reject_on_mx_failure == rejects &&
            check->found.rejects_on_mx_failure != SV_TRI_UNKNOWN);
}

static bool set_mail_from(struct check *check)
{
    if (!check->waiting && has_mail_from(check)) {
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
                   check->identity.verification_token);
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
    case CHECK_SIGNING:
        return set_signing(check);
    case CHECK_CONFIGURATION_SET:
        return set_configuration_set(check);
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
