#include "inner.h"

/* The earlier of two instants that are known. */
static sv_ms earlier(sv_ms a, sv_ms b)
{
    if (a == 0 || b == 0)
        return a + b;
    return a < b ? a : b;
}

sv_ms sv_domain_stops_sending_at(const struct sv_domain *domain, const struct sv_policy *policy)
{
    bool gone = sv_status_is_sending(domain->status) &&
                (domain->dns_wrong || domain->wrong_at != 0) && domain->caches_until != 0;

    return earlier(domain->temporary_at != 0 ? domain->temporary_at + policy->patience_ms : 0,
                   gone ? domain->caches_until + policy->patience_ms : 0);
}

sv_ms sv_domain_dns_expected_by(const struct sv_domain *domain)
{
    bool doubted = domain->dns_wrong || domain->wrong_at != 0;

    if (domain->conclusion == SV_CONCLUSION_ALL_GOOD && !doubted) /* caches elsewhere lag behind */
        return domain->caches_until;
    return domain->conclusion == SV_CONCLUSION_DNS_SPREADING ? domain->caches_until : 0;
}

sv_ms sv_domain_restart_due_at(const struct sv_domain *domain, const struct sv_policy *policy)
{
    sv_ms due = 0;

    if (domain->conclusion != SV_CONCLUSION_RESTART_DUE)
        return 0;
    if ((domain->todo & SV_TODO_RESTART_DKIM) == 0)
        due = sv_heal_allowed_at(domain, policy);
    return due > domain->next_check_at ? due : domain->next_check_at;
}

sv_ms sv_domain_ses_looks_until(const struct sv_domain *domain, const struct sv_policy *policy)
{
    bool pending = domain->identity == SV_AXIS_PENDING || domain->dkim == SV_AXIS_PENDING;

    if (domain->temporary_at != 0)
        return domain->temporary_at + policy->patience_ms;
    return pending && domain->looking_since != 0 ? domain->looking_since + policy->patience_ms : 0;
}
