/* Asking SES to look again, and putting back what somebody changed. Every call may be repeated. One
 * kind of work at a time: a setting that SES refuses must not keep the commit of a restart that was
 * made, or it would be made again with every look. */
#include "inside.h"

#include <stdio.h>

#include "sv/require.h"

static const char dkim_text[] = "SES was asked to look for the domain's records again";

/* A restart that could not be made. One that SES refuses must not keep us from looking, or nobody
 * would ever notice that the identity is gone; it stays owed and is tried again with each look. */
static bool miss(struct check *check)
{
    if (check->result == SV_ECANCELED || sv_err_is_temporary(check->result))
        return check_decide(check, SV_INPUT_FAULT);
    check->step = CHECK_DNS;
    return true;
}

static bool finish(struct check *check, uint32_t work, const char *what)
{
    sv_log_line(check->drive->options.log, SV_LOG_INFO, "ses_restarted", what,
                SV_LOG_STR("domain", check->before.registration.domain),
                SV_LOG_STR("client_id", check->client_id));
    check->restarted = work;
    return check_decide(check, SV_INPUT_RESTARTED);
}

/* The call that restarts DKIM (ses facts section 5); SV_SES_OP_COUNT where there is none, or where
 * DKIM is well and only the ownership record was given up. */
static enum sv_ses_op dkim_call(const struct check *check)
{
    const struct sv_domain *domain = &check->before.domain;

    if (check_restart_is_barred(check) || domain->dkim == SV_AXIS_SUCCESS ||
        domain->dkim == SV_AXIS_TEMPORARY_FAILURE)
        return SV_SES_OP_COUNT;
    return check->before.registration.dkim == SV_DKIM_BYODKIM ? SV_SES_PUT_SIGNING
                                                              : SV_SES_VERIFY_DKIM;
}

static bool restart_dkim(struct check *check)
{
    enum sv_ses_op op = dkim_call(check);

    if (op != SV_SES_OP_COUNT) {
        if (!check_called_ses(check, op))
            return false;
        if (check->result != SV_OK)
            return miss(check);
        if (op == SV_SES_PUT_SIGNING)
            check_keep_made(check);
        else
            check_keep_dkim(check, SV_DKIM_EASY);
    }
    check->step = CHECK_RESTART_OWNERSHIP;
    return true;
}

/* By its TXT record, where there is one, or where nothing else is left to restart. */
static bool restart_ownership(struct check *check)
{
    struct sv_registration *registration = &check->after.registration;
    bool by_txt = registration->legacy_txt || dkim_call(check) == SV_SES_OP_COUNT;

    if (!by_txt || !sv_axis_gave_up(check->before.domain.identity))
        return finish(check, SV_TODO_RESTART_DKIM, dkim_text);
    if (!check_called_ses(check, SV_SES_VERIFY_DOMAIN))
        return false;
    if (check->result != SV_OK)
        return miss(check);
    if (registration->legacy_txt && check->ses->identity.verification_token[0] != '\0')
        (void)snprintf(registration->ownership_token, sizeof registration->ownership_token, "%s",
                       check->ses->identity.verification_token);
    return finish(check, SV_TODO_RESTART_DKIM, dkim_text);
}

static bool restart_mail_from(struct check *check)
{
    if (!check_put_mail_from(check))
        return false;
    return check->result == SV_OK
               ? finish(check, SV_TODO_RESTART_MAIL_FROM, "SES was given the MAIL FROM again")
               : miss(check);
}

static bool restore_set(struct check *check)
{
    if (!check_called_ses(check, SV_SES_PUT_CONFIGURATION_SET))
        return false;
    return check->result == SV_OK
               ? finish(check, SV_TODO_RESTORE_SET, "SES was given the configuration set again")
               : miss(check);
}

bool check_restart_step(struct check *check)
{
    switch (check->step) {
    case CHECK_RESTART_DKIM:
        return restart_dkim(check);
    case CHECK_RESTART_OWNERSHIP:
        return restart_ownership(check);
    case CHECK_RESTART_MAIL_FROM:
        return restart_mail_from(check);
    case CHECK_RESTORE_SET:
        return restore_set(check);
    case CHECK_START:
    case CHECK_OWN:
    case CHECK_CREATE:
    case CHECK_GET:
    case CHECK_SIGNING:
    case CHECK_CONFIGURATION_SET:
    case CHECK_MAIL_FROM:
    case CHECK_LEGACY:
    case CHECK_DELETE:
    case CHECK_DNS:
    case CHECK_SES:
    case CHECK_DETAIL:
    case CHECK_MAIL:
    case CHECK_DECIDE:
    case CHECK_COMMIT:
    case CHECK_DISOWN:
    case CHECK_END:
        break;
    }
    SV_REQUIRE(false);
    return false;
}
