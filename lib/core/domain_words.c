#include <string.h>

#include "sv/domain.h"

/* The words are public API: added, never renamed. */

static const char *const statuses[SV_STATUS_COUNT] = {
    [SV_STATUS_NEW] = "new",           [SV_STATUS_PENDING] = "pending_verification",
    [SV_STATUS_VERIFIED] = "verified", [SV_STATUS_AT_RISK] = "at_risk",
    [SV_STATUS_FAILED] = "failed",     [SV_STATUS_REMOVED] = "removed",
};

static const char *const conclusions[SV_CONCLUSION_COUNT] = {
    [SV_CONCLUSION_NONE] = "not_looked_yet",
    [SV_CONCLUSION_ALL_GOOD] = "all_good",
    [SV_CONCLUSION_DNS_RIGHT_SES_WAITING] = "dns_right_ses_not_looked_yet",
    [SV_CONCLUSION_DNS_SPREADING] = "dns_right_not_yet_everywhere",
    [SV_CONCLUSION_DNS_WRONG] = "dns_wrong",
    [SV_CONCLUSION_RECORD_GONE] = "ses_success_but_dns_wrong",
    [SV_CONCLUSION_SES_TROUBLE] = "ses_temporary_failure",
    [SV_CONCLUSION_SES_GAVE_UP] = "ses_gave_up_dns_wrong",
    [SV_CONCLUSION_RESTART_DUE] = "ses_gave_up_restart_due",
    [SV_CONCLUSION_IDENTITY_GONE] = "identity_gone",
    [SV_CONCLUSION_SIGNING_DISABLED] = "dkim_signing_disabled",
    [SV_CONCLUSION_OPERATOR_NEEDED] = "ses_gave_up_operator_needed",
    [SV_CONCLUSION_CANNOT_TELL] = "cannot_tell",
};

static const char *const reasons[SV_REASON_COUNT] = {
    [SV_REASON_NONE] = "none",
    [SV_REASON_REGISTERED] = "registered",
    [SV_REASON_SES_VERIFIED] = "ses_verified",
    [SV_REASON_HEALED] = "healed",
    [SV_REASON_RECORDS_WRONG] = "required_records_wrong",
    [SV_REASON_SES_TEMPORARY] = "ses_temporary_failure",
    [SV_REASON_SIGNING_DISABLED] = "dkim_signing_disabled",
    [SV_REASON_SES_FAILED] = "ses_failed",
    [SV_REASON_IDENTITY_GONE] = "identity_gone",
    [SV_REASON_REMOVED] = "removed_by_client",
    [SV_REASON_NEVER_VERIFIED] = "never_verified",
    [SV_REASON_CHANGED] = "changed",
    [SV_REASON_RECORDS_CHANGED] = "dns_records_changed",
    [SV_REASON_DRIFTED] = "settings_drifted",
    [SV_REASON_DRIFT_ENDED] = "settings_restored",
};

static const char *const kinds_of_news[SV_NEWS_COUNT] = {
    [SV_NEWS_NONE] = "none",         [SV_NEWS_REGISTERED] = "registered",
    [SV_NEWS_VERIFIED] = "verified", [SV_NEWS_AT_RISK] = "at_risk",
    [SV_NEWS_RESTORED] = "restored", [SV_NEWS_FAILED] = "failed",
    [SV_NEWS_REMOVED] = "removed",   [SV_NEWS_UPDATED] = "updated",
};

static const char *const drifts[SV_DRIFT_COUNT] = {"mail_from", "configuration_set", "dkim_method"};

static const char *word(const char *const *words, unsigned count, unsigned index)
{
    return index < count ? words[index] : "invalid";
}

/* Index of the word, or `count`. */
static unsigned find(const char *const *words, unsigned count, const char *text)
{
    unsigned index = 0;

    while (index < count && (text == NULL || strcmp(words[index], text) != 0))
        index++;
    return index;
}

const char *sv_status_name(enum sv_status status)
{
    return word(statuses, SV_STATUS_COUNT, (unsigned)status);
}

enum sv_status sv_status_parse(const char *text)
{
    return (enum sv_status)find(statuses, SV_STATUS_COUNT, text);
}

const char *sv_conclusion_name(enum sv_conclusion conclusion)
{
    return word(conclusions, SV_CONCLUSION_COUNT, (unsigned)conclusion);
}

const char *sv_reason_name(enum sv_reason reason)
{
    return word(reasons, SV_REASON_COUNT, (unsigned)reason);
}

const char *sv_news_name(enum sv_news news)
{
    return word(kinds_of_news, SV_NEWS_COUNT, (unsigned)news);
}

const char *sv_drift_name(unsigned index)
{
    return word(drifts, SV_DRIFT_COUNT, index);
}
