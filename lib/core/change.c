#include <string.h>

#include "inner.h"

/* Design section 3.5: status, axes, flags, the stored conclusion and the findings; the records to
 * be published, settings that drifted, and the reputation. Times, TTLs and counts are no news to
 * anybody. */

/* What a state of an older version does not know is no change when it becomes known. */
bool sv_change_is_records(const struct sv_domain *before, const struct sv_domain *after)
{
    return before->records != 0 && after->records != 0 && before->records != after->records;
}

static bool flags_differ(const struct sv_domain *before, const struct sv_domain *after)
{
    struct sv_flags was, is;

    sv_domain_flags(before, &was);
    sv_domain_flags(after, &is);
    return was.domain_verified != is.domain_verified || was.dkim_enabled != is.dkim_enabled ||
           was.dkim_verified != is.dkim_verified ||
           was.mail_from_configured != is.mail_from_configured ||
           was.mail_from_verified != is.mail_from_verified ||
           was.spf_configured != is.spf_configured || was.dmarc_configured != is.dmarc_configured ||
           was.sending_enabled != is.sending_enabled ||
           was.meets_bulk_sender_requirements != is.meets_bulk_sender_requirements;
}

bool sv_change_is_any(const struct sv_domain *before, const struct sv_domain *after)
{
    return before->status != after->status || before->identity != after->identity ||
           before->dkim != after->dkim || before->mail_from != after->mail_from ||
           before->conclusion != after->conclusion || before->drift != after->drift ||
           sv_change_is_records(before, after) ||
           memcmp(before->findings, after->findings, sizeof(after->findings)) != 0 ||
           flags_differ(before, after) || sv_reputation_is_news(before, after);
}
