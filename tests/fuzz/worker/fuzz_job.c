/* Z4: a job as anybody may push it. What is refused says why; what is taken is within its limits,
 * and is the same job when it is written and read again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sv/job.h"
#include "sv/json.h"
#include "sv/require.h"
#include "sv/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const struct sv_name_rules rules = {.restricted = NULL};

static json_t *write_job(const struct sv_job *job)
{
    const struct {
        const char *name, *value;
    } texts[] = {
        {"type", sv_job_type_name(job->type)},
        {"client_id", job->client_id},
        {"domain", job->domain},
        {"id", job->id},
        {"account", job->account},
        {"contact_email", job->contact_email},
        {"mail_from", job->mail_from},
        {"behavior_on_mx_failure",
         job->reject_on_mx_failure ? "reject_message" : "use_default_value"},
        {"traceparent", job->traceparent},
    };
    json_t *out = sv_json_object();

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (texts[i].value[0] != '\0')
            sv_json_set_str(out, texts[i].name, texts[i].value);
    }
    sv_json_set_bool(out, "legacy_txt", job->legacy_txt);
    sv_json_set_bool(out, "delete_identity", job->delete_identity);
    return out;
}

static void read_again(const struct sv_job *job)
{
    json_t *tree = write_job(job);
    struct sv_errinfo info = {.text = ""};
    const char *reason = NULL;
    struct sv_job again;
    struct sv_buf text;

    sv_buf_init(&text, SV_STORE_JOB_BYTES_MAX);
    SV_REQUIRE(sv_json_write(tree, &text));
    SV_REQUIRE(sv_job_parse(&(struct sv_job_text){text.data, text.len, "6-1"}, &rules, &again,
                            &reason, &info) == SV_JOB_FINE);
    SV_REQUIRE(again.type == job->type && strcmp(again.client_id, job->client_id) == 0 &&
               strcmp(again.domain, job->domain) == 0 && strcmp(again.id, job->id) == 0 &&
               strcmp(again.account, job->account) == 0 &&
               strcmp(again.contact_email, job->contact_email) == 0 &&
               strcmp(again.mail_from, job->mail_from) == 0 &&
               strcmp(again.traceparent, job->traceparent) == 0);
    SV_REQUIRE(again.reject_on_mx_failure == job->reject_on_mx_failure &&
               again.legacy_txt == job->legacy_txt &&
               again.delete_identity == job->delete_identity);
    sv_buf_fini(&text);
    json_decref(tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct sv_job_text text = {(const char *)bytes, len, "5-1"};
    struct sv_errinfo info = {.text = ""};
    const char *reason = NULL;
    struct sv_job job;

    if (sv_job_parse(&text, &rules, &job, &reason, &info) != SV_JOB_FINE) {
        SV_REQUIRE(reason != NULL && reason[0] != '\0' && info.text[0] != '\0');
        return 0;
    }
    SV_REQUIRE(job.client_id[0] != '\0' && job.domain[0] != '\0' && job.id[0] != '\0');
    read_again(&job);
    return 0;
}
