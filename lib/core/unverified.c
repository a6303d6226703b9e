#include "inner.h"

/* A name that was claimed and never verified is released after a while, so that it stands in
 * nobody's way for ever. */

static bool says_no(const struct sv_observation *seen)
{
    if (!seen->ses_known)
        return seen->ses_skipped; /* the records are provably absent */
    return seen->identity != SV_AXIS_SUCCESS || seen->dkim != SV_AXIS_SUCCESS;
}

bool sv_domain_is_given_up(const struct sv_domain *domain, const struct sv_policy *policy,
                           const struct sv_observation *seen, sv_ms registered_at, sv_ms now)
{
    bool waits = domain->status == SV_STATUS_PENDING || domain->status == SV_STATUS_FAILED;

    if (policy->unverified_ms == 0 || registered_at == 0 || !waits || domain->was_verified)
        return false;
    return domain->todo == 0 && says_no(seen) && now - registered_at >= policy->unverified_ms &&
           now - domain->next_check_at < SV_DAY;
}
