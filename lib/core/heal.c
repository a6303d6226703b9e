#include "inner.h"

bool sv_heal_is_needed(const struct sv_domain *domain)
{
    return sv_axis_gave_up(domain->identity) || sv_axis_gave_up(domain->dkim);
}

/* The day of the budget begins with a restart and ends 24 h later. */
static bool day_is_over(const struct sv_domain *domain, sv_ms now)
{
    return domain->restarts_from == 0 || now - domain->restarts_from >= SV_DAY;
}

sv_ms sv_heal_allowed_at(const struct sv_domain *domain, const struct sv_policy *policy)
{
    sv_ms cooled =
        domain->restarted_at != 0 ? domain->restarted_at + policy->restart_cooldown_ms : 0;
    sv_ms refilled = domain->restarts_from != 0 && domain->restarts >= policy->restarts_per_day
                         ? domain->restarts_from + SV_DAY
                         : 0;

    return cooled > refilled ? cooled : refilled;
}

static bool is_allowed(const struct sv_domain *domain, const struct sv_policy *policy, sv_ms now)
{
    return now >= sv_heal_allowed_at(domain, policy);
}

void sv_heal_count(struct sv_domain *domain, sv_ms now)
{
    if (day_is_over(domain, now)) {
        domain->restarts_from = now;
        domain->restarts = 0;
    }
    domain->restarts++;
    domain->restarted_at = now;
}

/* Restarting before DNS is right would only start another wait that fails. TemporaryFailure is no
 * case for it: SES goes on looking by itself, and a restart would turn an identity that still sends
 * into one that waits. */
static void owe_dkim(struct sv_domain *domain, bool allowed, const struct sv_observation *seen)
{
    bool not_right = seen->required == SV_SEEN_WRONG || seen->required == SV_SEEN_WAITING;

    if (!sv_heal_is_needed(domain) || not_right || seen->restart_barred)
        domain->todo &= ~(uint32_t)SV_TODO_RESTART_DKIM;
    else if (seen->required == SV_SEEN_RIGHT && allowed)
        domain->todo |= SV_TODO_RESTART_DKIM;
}

/* There is nothing left to restart: it is created again. */
static void owe_identity(struct sv_domain *domain, bool allowed)
{
    domain->todo &= ~(uint32_t)SV_TODO_RESTART_DKIM;
    if (allowed)
        domain->todo |= SV_TODO_PROVISION;
}

/* Where nobody said it of the records themselves, no finding about them says it. */
static enum sv_seen mail_from_seen(const struct sv_observation *seen)
{
    if (seen->mail_from_records != SV_SEEN_UNKNOWN || !seen->group_known[SV_GROUP_MAIL_FROM])
        return seen->mail_from_records;
    return seen->group_digest[SV_GROUP_MAIL_FROM] == 0 ? SV_SEEN_RIGHT : SV_SEEN_WRONG;
}

static bool may_restore(const struct sv_domain *domain, uint32_t drift)
{
    return (domain->drift & drift) != 0 && domain->restores < SV_RESTORES_MAX;
}

/* SES was told of it and does not look any more, or hesitates. Mail goes the same way while it
 * waits and while it hesitates, so that asking again costs nothing. */
static bool mail_from_is_doubted(const struct sv_domain *domain)
{
    return domain->mail_from == SV_AXIS_FAILED || domain->mail_from == SV_AXIS_TEMPORARY_FAILURE;
}

/* One call both restarts the search and puts back what somebody changed. */
static void owe_mail_from(struct sv_domain *domain, bool allowed, const struct sv_observation *seen)
{
    enum sv_seen records = mail_from_seen(seen);
    bool right = records == SV_SEEN_RIGHT;
    bool needed = (domain->drift & SV_DRIFT_MAIL_FROM) != 0
                      ? may_restore(domain, SV_DRIFT_MAIL_FROM)
                      : mail_from_is_doubted(domain);

    if (!domain->mail_from_wanted || !needed || (records != SV_SEEN_UNKNOWN && !right))
        domain->todo &= ~(uint32_t)SV_TODO_RESTART_MAIL_FROM;
    else if (right && allowed && domain->status == SV_STATUS_VERIFIED)
        domain->todo |= SV_TODO_RESTART_MAIL_FROM;
}

/* No record stands behind it: it can be put back whatever DNS says. */
static void owe_set(struct sv_domain *domain, bool allowed)
{
    if (domain->identity == SV_AXIS_GONE || !may_restore(domain, SV_DRIFT_CONFIGURATION_SET))
        domain->todo &= ~(uint32_t)SV_TODO_RESTORE_SET;
    else if (allowed)
        domain->todo |= SV_TODO_RESTORE_SET;
}

void sv_heal_done(struct sv_domain *domain, uint32_t done)
{
    uint32_t put_back = 0;

    if ((domain->todo & done & SV_TODO_RESTART_MAIL_FROM) != 0)
        put_back |= SV_DRIFT_MAIL_FROM;
    if ((domain->todo & done & SV_TODO_RESTORE_SET) != 0)
        put_back |= SV_DRIFT_CONFIGURATION_SET;
    if ((domain->drift & put_back) != 0)
        domain->restores++;
    domain->drift &= ~put_back;
    domain->todo &= ~(done & (uint32_t)SV_TODO_RESTARTS);
}

void sv_heal_owe(struct sv_domain *domain, const struct sv_policy *policy,
                 const struct sv_observation *seen, sv_ms now)
{
    bool allowed = is_allowed(domain, policy, now);

    switch (domain->status) {
    case SV_STATUS_PENDING:
    case SV_STATUS_FAILED:
        if (domain->identity == SV_AXIS_GONE)
            owe_identity(domain, allowed);
        else if (seen->identity != SV_AXIS_GONE) /* else it may be gone: wait for the second read */
            owe_dkim(domain, allowed, seen);
        owe_set(domain, allowed);
        break;
    case SV_STATUS_VERIFIED:
    case SV_STATUS_AT_RISK:
        owe_mail_from(domain, allowed, seen);
        owe_set(domain, allowed);
        break;
    case SV_STATUS_NEW:
    case SV_STATUS_REMOVED:
    case SV_STATUS_COUNT:
        break;
    }
}
