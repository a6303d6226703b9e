/* Alertmanager API v2: an alert is known by its labels, all of them, and lasts until its endsAt.
 * Prometheus repeats its alerts every few minutes; an event comes once, so its alert is given a
 * year, and what repairs it ends it. At risk and failed are two alerts, since their severities
 * differ: each ends when the other begins. */
#include "notice.h"

#define LASTS_MS (365 * SV_DAY)

static const struct {
    const char *name, *severity;
} alerts[] = {{"SesverifyDomainAtRisk", "warning"}, {"SesverifyDomainFailed", "critical"}};

static void set_time(json_t *out, const char *key, sv_ms at)
{
    char text[SV_TIME_TEXT_BYTES];

    sv_json_set_str(out, key, sv_time_format(at, text));
}

static json_t *annotations(const struct sv_notice *notice)
{
    json_t *out = sv_json_object();
    struct sv_buf summary;

    sv_buf_init(&summary, 1024);
    (void)!sv_notice_sentence(notice, &summary); /* a name has at most 253 bytes: it fits */
    sv_json_set_str(out, "summary", sv_buf_str(&summary));
    sv_buf_fini(&summary);
    sv_json_set_str(out, "reason", notice->reason);
    sv_json_set_str(out, "conclusion", notice->conclusion);
    if (notice->advice[0] != '\0') {
        sv_json_set_str(out, "finding", notice->code);
        sv_json_set_str(out, "description", notice->advice);
    }
    if (notice->stops_sending_at[0] != '\0')
        sv_json_set_str(out, "stops_sending_at", notice->stops_sending_at);
    return out;
}

static json_t *alert(const struct sv_notice *notice, unsigned index, bool fires)
{
    json_t *out = sv_json_object(), *labels = sv_json_object();

    sv_json_set_str(labels, "alertname", alerts[index].name);
    sv_json_set_str(labels, "domain", notice->domain);
    sv_json_set_str(labels, "client_id", notice->client_id);
    sv_json_set_str(labels, "account", notice->account);
    sv_json_set_str(labels, "severity", alerts[index].severity);
    sv_json_set(out, "labels", labels);
    if (fires)
        sv_json_set(out, "annotations", annotations(notice));
    set_time(out, "startsAt", notice->at);
    set_time(out, "endsAt", fires ? notice->at + LASTS_MS : notice->at);
    return out;
}

json_t *sv_alertmanager_message(const struct sv_notice *notice)
{
    bool is_at_risk = notice->kind == SV_NOTICE_AT_RISK,
         is_failed = notice->kind == SV_NOTICE_FAILED;
    bool closes = notice->kind == SV_NOTICE_GOOD || notice->kind == SV_NOTICE_REMOVED;
    json_t *out;

    if (!is_at_risk && !is_failed && !(closes && notice->was_bad))
        return NULL;
    out = sv_json_array();
    sv_json_append(out, alert(notice, 0, is_at_risk));
    sv_json_append(out, alert(notice, 1, is_failed));
    return out;
}
