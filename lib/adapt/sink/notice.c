#include "notice.h"

#include <string.h>

static const char domain_type[] = "io.sesverify.domain.",
                  job_type[] = "io.sesverify.job.finished.v1";

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = sv_json_str(object, key);

    return text != NULL ? text : "";
}

static enum sv_notice_kind kind_of(const char *type, const json_t *data)
{
    static const struct {
        const char *rest;
        enum sv_notice_kind kind;
    } kinds[] = {
        {"at_risk.v1", SV_NOTICE_AT_RISK}, {"failed.v1", SV_NOTICE_FAILED},
        {"verified.v1", SV_NOTICE_GOOD},   {"restored.v1", SV_NOTICE_GOOD},
        {"removed.v1", SV_NOTICE_REMOVED},
    };

    if (strcmp(type, job_type) == 0)
        return strcmp(text_of(data, "outcome"), "dead") == 0 ? SV_NOTICE_JOB_DEAD : SV_NOTICE_NONE;
    if (strncmp(type, domain_type, sizeof domain_type - 1) != 0)
        return SV_NOTICE_NONE;
    type += sizeof domain_type - 1;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(type, kinds[i].rest) == 0)
            return kinds[i].kind;
    }
    return SV_NOTICE_NONE;
}

/* The findings stand in the order of their weight; "temporary" is what could not be found out. */
static void read_finding(const json_t *data, struct sv_notice *out)
{
    const json_t *list = json_object_get(data, "findings");

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *finding = json_array_get(list, i);

        if (strcmp(text_of(finding, "severity"), "temporary") == 0)
            continue;
        out->code = text_of(finding, "code");
        out->advice = text_of(finding, "advice");
        return;
    }
}

void sv_notice_read(const json_t *event, const struct sv_sink_message_facts *facts,
                    struct sv_notice *out)
{
    const json_t *data = json_object_get(event, "data");
    const char *from = text_of(data, "from"), *type = text_of(event, "type");

    *out = (struct sv_notice){
        .kind = kind_of(type, data),
        .was_bad = strcmp(from, "at_risk") == 0 || strcmp(from, "failed") == 0,
        .was_pending = strcmp(from, "pending_verification") == 0,
        .is_restored = strcmp(type, "io.sesverify.domain.restored.v1") == 0,
        .uid = text_of(data, "domain_id"),
        .domain = text_of(data, "domain"),
        .client_id = text_of(data, "client_id"),
        .account = text_of(data, "account"),
        .reason = text_of(data, "reason"),
        .conclusion = text_of(data, "conclusion"),
        .stops_sending_at = text_of(data, "stops_sending_at"),
        .time = text_of(event, "time"),
        .code = "",
        .advice = "",
        .job_type = text_of(data, "type"),
        .facts = facts,
    };
    if (sv_time_parse(out->time, strlen(out->time), &out->at) != SV_OK)
        out->kind = SV_NOTICE_NONE;
    if (out->kind != SV_NOTICE_JOB_DEAD && (*out->uid == '\0' || *out->domain == '\0'))
        out->kind = SV_NOTICE_NONE;
    if (out->kind == SV_NOTICE_AT_RISK || out->kind == SV_NOTICE_FAILED)
        read_finding(data, out);
}

static bool flapping_sentence(const struct sv_notice *notice, struct sv_buf *out)
{
    return sv_buf_printf(out,
                         "%s is flapping: %u changes within %lld minutes; further ones are held "
                         "back until it is quiet",
                         notice->domain, notice->facts->flapping,
                         (long long)(notice->facts->window_ms / SV_MINUTE));
}

static bool job_sentence(const struct sv_notice *notice, struct sv_buf *out)
{
    bool has_type = *notice->job_type != '\0', has_domain = *notice->domain != '\0';

    return sv_buf_printf(out, "a %s%sjob%s%s could not be done: %s", notice->job_type,
                         has_type ? " " : "", has_domain ? " for " : "", notice->domain,
                         notice->reason);
}

bool sv_notice_sentence(const struct sv_notice *notice, struct sv_buf *out)
{
    const char *end = "";

    if (notice->facts->flapping > 0)
        return flapping_sentence(notice, out);
    switch (notice->kind) {
    case SV_NOTICE_NONE:
        return false;
    case SV_NOTICE_JOB_DEAD:
        return job_sentence(notice, out);
    case SV_NOTICE_AT_RISK:
        end = "may soon stop sending";
        break;
    case SV_NOTICE_FAILED:
        end = notice->was_pending ? "did not verify" : "cannot send any more";
        break;
    case SV_NOTICE_GOOD:
        end = notice->is_restored ? "is well again" : "is verified: mail may be sent";
        break;
    case SV_NOTICE_REMOVED:
        end = strcmp(notice->reason, "never_verified") == 0 ? "was released: it never verified"
                                                            : "was given back by its client";
        break;
    }
    return sv_buf_printf(out, "%s %s", notice->domain, end);
}
