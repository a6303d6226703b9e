#include "inner.h"

static enum sv_tri succeeded(enum sv_axis axis)
{
    if (axis == SV_AXIS_UNKNOWN)
        return SV_TRI_UNKNOWN;
    return axis == SV_AXIS_SUCCESS ? SV_TRI_YES : SV_TRI_NO;
}

/* "Not started" means that nobody asked SES for a custom MAIL FROM. */
static enum sv_tri configured(enum sv_axis mail_from)
{
    switch (mail_from) {
    case SV_AXIS_UNKNOWN:
    case SV_AXIS_COUNT:
        return SV_TRI_UNKNOWN;
    case SV_AXIS_NONE:
    case SV_AXIS_NOT_STARTED:
    case SV_AXIS_GONE:
        return SV_TRI_NO;
    case SV_AXIS_PENDING:
    case SV_AXIS_SUCCESS:
    case SV_AXIS_FAILED:
    case SV_AXIS_TEMPORARY_FAILURE:
        return SV_TRI_YES;
    }
    return SV_TRI_UNKNOWN;
}

bool sv_status_is_sending(enum sv_status status)
{
    return status == SV_STATUS_VERIFIED || status == SV_STATUS_AT_RISK;
}

void sv_domain_flags(const struct sv_domain *domain, struct sv_flags *flags)
{
    *flags = (struct sv_flags){
        .domain_verified = succeeded(domain->identity),
        .dkim_enabled = domain->signing,
        .dkim_verified = succeeded(domain->dkim),
        .mail_from_configured = configured(domain->mail_from),
        .mail_from_verified = succeeded(domain->mail_from),
        .spf_configured = domain->spf,
        .dmarc_configured = domain->dmarc,
        .sending_enabled = sv_status_is_sending(domain->status) ? SV_TRI_YES : SV_TRI_NO,
        .meets_bulk_sender_requirements = domain->bulk,
    };
    if (domain->status == SV_STATUS_NEW)
        flags->sending_enabled = SV_TRI_UNKNOWN;
}
