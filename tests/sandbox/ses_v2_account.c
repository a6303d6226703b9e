#include "ses_v2.h"

#include "call.h"
#include "sv/json.h"

/* What SES API v2 tells about the account. */

static json_t *quota_json(const struct sb_account *about)
{
    json_t *quota = sv_json_object();

    sv_json_set(quota, "Max24HourSend", json_real(about->quota_day));
    sv_json_set(quota, "MaxSendRate", json_real(about->quota_second));
    sv_json_set(quota, "SentLast24Hours", json_real(about->sent));
    return quota;
}

void sb_v2_get_account(struct sb_call *call)
{
    const struct sb_account *about = &call->store->about;
    json_t *out = call->output;

    sv_json_set_bool(out, "DedicatedIpAutoWarmupEnabled", false);
    sv_json_set_bool(out, "ProductionAccessEnabled", about->is_production);
    sv_json_set_bool(out, "SendingEnabled", about->sends);
    sv_json_set_str(out, "EnforcementStatus", about->enforcement);
    sv_json_set(out, "SendQuota", quota_json(about));
    sv_json_set(out, "SuppressionAttributes",
                json_pack("{s:[s, s]}", "SuppressedReasons", "BOUNCE", "COMPLAINT"));
    sv_json_set(out, "VdmAttributes",
                json_pack("{s:s}", "VdmEnabled", about->has_vdm ? "ENABLED" : "DISABLED"));
    if (!about->is_production)
        return;               /* nobody has asked for a review */
    if (about->is_production) /* the way out of the sandbox is a review */
        sv_json_set(out, "Details", json_pack("{s:{s:s}}", "ReviewDetails", "Status", "GRANTED"));
}
