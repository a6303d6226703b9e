/* PagerDuty Events API v2: an alert is opened and closed by its dedup_key, which is the condition
 * (this domain, its sending), not the event; a repeat changes nothing. */
#include <stdio.h>

#include "notice.h"

enum { DEDUP_KEY_BYTES = 256, SUMMARY_BYTES_MAX = 1024 };

static json_t *details(const struct sv_notice *notice)
{
    json_t *out = sv_json_object();

    sv_json_set_str(out, "domain", notice->domain);
    sv_json_set_str(out, "client_id", notice->client_id);
    sv_json_set_str(out, "account", notice->account);
    sv_json_set_str(out, "reason", notice->reason);
    sv_json_set_str(out, "conclusion", notice->conclusion);
    if (notice->stops_sending_at[0] != '\0')
        sv_json_set_str(out, "stops_sending_at", notice->stops_sending_at);
    if (notice->code[0] != '\0') {
        sv_json_set_str(out, "finding", notice->code);
        sv_json_set_str(out, "advice", notice->advice);
    }
    return out;
}

/* A domain that never could send is its client's matter first. */
static const char *severity_of(const struct sv_notice *notice)
{
    return notice->kind == SV_NOTICE_FAILED && !notice->was_pending ? "error" : "warning";
}

static json_t *payload(const struct sv_notice *notice)
{
    json_t *out = sv_json_object();
    struct sv_buf summary;

    sv_buf_init(&summary, SUMMARY_BYTES_MAX);
    (void)!sv_notice_sentence(notice, &summary); /* a name has at most 253 bytes: it fits */
    sv_json_set_str(out, "summary", sv_buf_str(&summary));
    sv_json_set_str(out, "source", notice->domain);
    sv_json_set_str(out, "severity", severity_of(notice));
    sv_json_set_str(out, "timestamp", notice->time);
    sv_json_set_str(out, "component", "sesverify");
    sv_json_set_str(out, "group", notice->client_id);
    sv_json_set_str(out, "class", notice->reason);
    sv_json_set(out, "custom_details", details(notice));
    sv_buf_fini(&summary);
    return out;
}

json_t *sv_pagerduty_message(const struct sv_notice *notice)
{
    bool opens = notice->kind == SV_NOTICE_AT_RISK || notice->kind == SV_NOTICE_FAILED;
    bool closes = notice->kind == SV_NOTICE_GOOD || notice->kind == SV_NOTICE_REMOVED;
    char key[DEDUP_KEY_BYTES];
    json_t *out;

    if (!opens && !(closes && notice->was_bad))
        return NULL;
    (void)snprintf(key, sizeof key, "sesverify/%s/sending", notice->uid);
    out = sv_json_object();
    sv_json_set_str(out, "routing_key",
                    notice->facts->routing_key != NULL ? notice->facts->routing_key : "");
    sv_json_set_str(out, "event_action", opens ? "trigger" : "resolve");
    sv_json_set_str(out, "dedup_key", key);
    if (opens)
        sv_json_set(out, "payload", payload(notice));
    return out;
}
