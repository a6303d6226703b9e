#include "inner.h"

static bool words_are_sane(const struct sv_domain *domain)
{
    return (unsigned)domain->status < SV_STATUS_COUNT &&
           (unsigned)domain->identity < SV_AXIS_COUNT && (unsigned)domain->dkim < SV_AXIS_COUNT &&
           (unsigned)domain->mail_from < SV_AXIS_COUNT && (unsigned)domain->signing <= SV_TRI_YES &&
           (unsigned)domain->spf <= SV_TRI_YES && (unsigned)domain->dmarc <= SV_TRI_YES &&
           (unsigned)domain->bulk <= SV_TRI_YES &&
           (unsigned)domain->conclusion < SV_CONCLUSION_CANNOT_TELL &&
           (unsigned)domain->ses_reason < SV_SES_REASON_COUNT &&
           (domain->todo & ~(uint32_t)SV_TODO_ALL) == 0 &&
           (domain->drift & ~(uint32_t)SV_DRIFT_ALL) == 0 && domain->restores <= SV_RESTORES_MAX;
}

static bool times_are_sane(const struct sv_domain *domain)
{
    const sv_ms times[] = {domain->status_since, domain->looking_since, domain->wrong_at,
                           domain->temporary_at, domain->bad_at,        domain->ses_asked_at,
                           domain->restarted_at, domain->restarts_from, domain->next_check_at,
                           domain->caches_until, domain->detailed_at,   domain->ses_checked_at};

    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        if (times[i] < 0 || times[i] > SV_INSTANT_MAX)
            return false;
    }
    return true;
}

/* Nothing was asked yet, or is asked any more. */
static bool is_blank(const struct sv_domain *domain)
{
    return domain->identity == SV_AXIS_UNKNOWN && domain->dkim == SV_AXIS_UNKNOWN &&
           domain->mail_from == SV_AXIS_UNKNOWN && domain->signing == SV_TRI_UNKNOWN &&
           domain->conclusion == SV_CONCLUSION_NONE && !domain->was_verified &&
           domain->drift == 0 && (domain->todo & SV_TODO_RESTARTS) == 0;
}

bool sv_domain_is_sane(const struct sv_domain *domain)
{
    if (!words_are_sane(domain) || !times_are_sane(domain))
        return false;
    if (domain->sequence == 0 && domain->status != SV_STATUS_NEW &&
        domain->status != SV_STATUS_REMOVED)
        return false; /* nobody got this far without `registered`; a name may be new a second time
                       */
    if (domain->dns_wrong && domain->status != SV_STATUS_AT_RISK)
        return false;
    if ((domain->wrong_at != 0 || domain->temporary_at != 0) &&
        !sv_status_is_sending(domain->status))
        return false;
    switch (domain->status) {
    case SV_STATUS_NEW:
    case SV_STATUS_REMOVED:
        return is_blank(domain);
    case SV_STATUS_PENDING:
        return !domain->was_verified && (domain->todo & SV_TODO_RESTART_MAIL_FROM) == 0;
    case SV_STATUS_VERIFIED:
        return domain->was_verified && domain->signing != SV_TRI_NO &&
               domain->identity != SV_AXIS_GONE && (domain->todo & SV_TODO_RESTART_DKIM) == 0;
    case SV_STATUS_AT_RISK:
        return domain->was_verified && domain->identity != SV_AXIS_GONE &&
               (domain->todo & SV_TODO_RESTART_DKIM) == 0;
    case SV_STATUS_FAILED:
        return (domain->todo & SV_TODO_RESTART_MAIL_FROM) == 0;
    case SV_STATUS_COUNT:
        break;
    }
    return false;
}
