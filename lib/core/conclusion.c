#include "inner.h"

bool sv_observation_is_told(const struct sv_observation *seen)
{
    if (!seen->ses_known)
        return seen->ses_skipped;
    if (seen->identity == SV_AXIS_GONE)
        return true;
    /* DKIM missing beside an identity that is there is a reply that contradicts itself. */
    return seen->identity != SV_AXIS_UNKNOWN && seen->dkim != SV_AXIS_UNKNOWN &&
           seen->dkim != SV_AXIS_GONE;
}

bool sv_observation_is_empty(const struct sv_observation *seen)
{
    return !seen->ses_known && !seen->ses_skipped && seen->required == SV_SEEN_UNKNOWN;
}

static bool either_is(const struct sv_domain *domain, enum sv_axis axis)
{
    return domain->identity == axis || domain->dkim == axis;
}

bool sv_domain_has_succeeded(const struct sv_domain *domain)
{
    return domain->identity == SV_AXIS_SUCCESS && domain->dkim == SV_AXIS_SUCCESS;
}

static enum sv_conclusion when_right(const struct sv_domain *domain,
                                     const struct sv_observation *seen)
{
    if (sv_heal_is_needed(domain))
        return seen->restart_barred ? SV_CONCLUSION_OPERATOR_NEEDED : SV_CONCLUSION_RESTART_DUE;
    if (either_is(domain, SV_AXIS_TEMPORARY_FAILURE))
        return SV_CONCLUSION_SES_TROUBLE;
    return sv_domain_has_succeeded(domain) ? SV_CONCLUSION_ALL_GOOD
                                           : SV_CONCLUSION_DNS_RIGHT_SES_WAITING;
}

static enum sv_conclusion when_wrong(const struct sv_domain *domain)
{
    if (either_is(domain, SV_AXIS_FAILED))
        return SV_CONCLUSION_SES_GAVE_UP;
    return sv_domain_has_succeeded(domain) ? SV_CONCLUSION_RECORD_GONE : SV_CONCLUSION_DNS_WRONG;
}

enum sv_conclusion sv_conclusion_draw(const struct sv_domain *domain,
                                      const struct sv_observation *seen)
{
    if (!sv_observation_is_told(seen))
        return SV_CONCLUSION_CANNOT_TELL;
    if (domain->identity == SV_AXIS_GONE)
        return SV_CONCLUSION_IDENTITY_GONE;
    if (seen->ses_known && seen->identity == SV_AXIS_GONE)
        return SV_CONCLUSION_CANNOT_TELL; /* said once; believed after a second read */
    if (sv_domain_has_succeeded(domain) && domain->signing == SV_TRI_NO)
        return SV_CONCLUSION_SIGNING_DISABLED;
    switch (seen->required) {
    case SV_SEEN_UNKNOWN:
        return SV_CONCLUSION_CANNOT_TELL;
    case SV_SEEN_RIGHT:
        return when_right(domain, seen);
    case SV_SEEN_WRONG:
        return when_wrong(domain);
    case SV_SEEN_WAITING:
        return SV_CONCLUSION_DNS_SPREADING;
    }
    return SV_CONCLUSION_CANNOT_TELL;
}

enum sv_untold sv_conclusion_untold(const struct sv_observation *seen)
{
    if (!sv_observation_is_told(seen))
        return SV_UNTOLD_SES;
    if (seen->ses_known && seen->identity == SV_AXIS_GONE)
        return SV_UNTOLD_UNCONFIRMED;
    return seen->untold != SV_UNTOLD_NONE ? seen->untold : SV_UNTOLD_NOT_ASKED;
}
