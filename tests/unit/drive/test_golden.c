/* One event of each type, byte for byte as tests/golden/events keeps it. A change of these files is
 * a change of the contract: SV_GOLDEN=write rewrites them, and the diff is what to think about. */
#include "sv/cloudevent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "sv/json.h"

enum { TEXT_BYTES = 64 * 1024 };

static const sv_ms now = 1767225600123;

/* What becomes of one domain, told by one event each. */
static const struct move {
    enum sv_news news;
    enum sv_status from, to;
    enum sv_reason reason;
    enum sv_conclusion before, after;
    enum sv_axis axis_before, axis_after;
    const char *finding; /* one that came; NULL = none */
    bool records;        /* what has to be published is told */
} moves[] = {
    {SV_NEWS_REGISTERED, SV_STATUS_NEW, SV_STATUS_PENDING, SV_REASON_REGISTERED, SV_CONCLUSION_NONE,
     SV_CONCLUSION_NONE, SV_AXIS_UNKNOWN, SV_AXIS_PENDING, NULL, true},
    {SV_NEWS_UPDATED, SV_STATUS_PENDING, SV_STATUS_PENDING, SV_REASON_CHANGED, SV_CONCLUSION_NONE,
     SV_CONCLUSION_DNS_WRONG, SV_AXIS_PENDING, SV_AXIS_PENDING, "dkim_cname_missing", false},
    {SV_NEWS_VERIFIED, SV_STATUS_PENDING, SV_STATUS_VERIFIED, SV_REASON_SES_VERIFIED,
     SV_CONCLUSION_DNS_RIGHT_SES_WAITING, SV_CONCLUSION_ALL_GOOD, SV_AXIS_PENDING, SV_AXIS_SUCCESS,
     NULL, false},
    {SV_NEWS_AT_RISK, SV_STATUS_VERIFIED, SV_STATUS_AT_RISK, SV_REASON_RECORDS_WRONG,
     SV_CONCLUSION_ALL_GOOD, SV_CONCLUSION_RECORD_GONE, SV_AXIS_SUCCESS, SV_AXIS_SUCCESS,
     "dkim_cname_partial", false},
    {SV_NEWS_RESTORED, SV_STATUS_AT_RISK, SV_STATUS_VERIFIED, SV_REASON_HEALED,
     SV_CONCLUSION_RECORD_GONE, SV_CONCLUSION_ALL_GOOD, SV_AXIS_SUCCESS, SV_AXIS_SUCCESS, NULL,
     false},
    {SV_NEWS_FAILED, SV_STATUS_AT_RISK, SV_STATUS_FAILED, SV_REASON_SES_FAILED,
     SV_CONCLUSION_SES_TROUBLE, SV_CONCLUSION_SES_GAVE_UP, SV_AXIS_TEMPORARY_FAILURE,
     SV_AXIS_FAILED, "dkim_cname_missing", false},
    {SV_NEWS_REMOVED, SV_STATUS_FAILED, SV_STATUS_REMOVED, SV_REASON_REMOVED,
     SV_CONCLUSION_SES_GAVE_UP, SV_CONCLUSION_NONE, SV_AXIS_FAILED, SV_AXIS_UNKNOWN, NULL, false},
};

static void compare(const char *name, const char *text)
{
    const char *source = getenv("SV_SOURCE_DIR"), *mode = getenv("SV_GOLDEN");
    static char kept[TEXT_BYTES];
    char path[512];
    size_t len;
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/tests/golden/events/%s.json",
                   source != NULL ? source : ".", name);
    if (mode != NULL && strcmp(mode, "write") == 0) {
        file = fopen(path, "w");
        assert_non_null(file);
        assert_true(fprintf(file, "%s\n", text) > 0);
        assert_int_equal(fclose(file), 0);
        return;
    }
    file = fopen(path, "r");
    if (file == NULL)
        fail_msg("%s is missing", path);
    len = fread(kept, 1, sizeof kept - 1, file);
    (void)fclose(file);
    assert_true(len > 0);
    kept[len - 1] = '\0'; /* the newline */
    if (strcmp(kept, text) != 0)
        fail_msg("%s is not what is told any more:\n%s\n%s", path, kept, text);
}

static json_t *findings_of(const char *code)
{
    json_t *list = sv_json_array();
    struct sv_finding finding = {
        .owner = "bbb._domainkey.client.example",
        .expected = "bbb.dkim.amazonses.com",
        .evidence = {.server = "192.0.2.53:53",
                     .outcome = SV_DNS_NXDOMAIN,
                     .rcode = 3,
                     .aa = true,
                     .ttl_s = 60,
                     .at = now - SV_SECOND},
        .witnesses_count = 1,
        .witnesses = {{.server = "198.51.100.1:53",
                       .outcome = SV_DNS_UNKNOWN,
                       .trouble = SV_DNS_TIMEOUT,
                       .at = now - SV_SECOND}},
    };

    if (code != NULL) {
        finding.code = sv_finding_parse(code);
        finding.severity = sv_finding_severity(finding.code);
        sv_json_append(list, sv_json_finding(&finding, "client.example"));
    }
    return list;
}

static void set_sheets(const struct move *move, struct sv_record_sheet *before,
                       struct sv_record_sheet *after)
{
    *before = (struct sv_record_sheet){
        .domain = {.status = move->from,
                   .identity = move->axis_before,
                   .dkim = move->axis_before,
                   .conclusion = move->before,
                   .status_since = now - SV_HOUR,
                   .looking_since = now - SV_HOUR},
        .registration = {.account = "default",
                         .domain = "client.example",
                         .mail_from = "bounce.client.example",
                         .traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                         .tokens_count = 3,
                         .tokens = {"aaa", "bbb", "ccc"}},
    };
    *after = *before;
    after->domain.status = move->to;
    after->domain.identity = after->domain.dkim = move->axis_after;
    after->domain.conclusion = move->after;
    after->domain.status_since = now;
    after->domain.signing = SV_TRI_YES;
    after->domain.sequence = 7;
    after->domain.findings[0] = move->finding != NULL;
}

static size_t list_records(struct sv_record out[SV_RECORDS_MAX])
{
    static const struct sv_expect expect = {
        .domain = "client.example",
        .region = "eu-west-1",
        .dkim_tokens = {"aaa", "bbb", "ccc"},
        .dkim_tokens_count = 3,
        .dkim_zone = "dkim.amazonses.com",
        .mail_from = "bounce.client.example",
        .ownership_token = "ddd",
    };

    return sv_records_list(&expect, "client.example", out);
}

static void tell(const struct move *move)
{
    struct sv_record_sheet before, after;
    struct sv_record records[SV_RECORDS_MAX];
    struct sv_policy policy = sv_policy_default();
    bool removed = move->news == SV_NEWS_REMOVED;
    struct sv_effects effects = {
        .news = move->news,
        .from = move->from,
        .to = move->to,
        .reason = move->reason,
        .shown = move->after,
        .wait_ms = removed ? -1 : SV_MINUTE,
    };
    struct sv_event_facts facts = {
        .uid = "acb4fca421444766",
        .client_id = "acme",
        .contact_email = "dns@client.example",
        .before = &before,
        .after = &after,
        .effects = &effects,
        .policy = &policy,
        .job_id = move->records || removed ? "signup-17" : NULL,
        .now = now,
    };
    json_t *findings = findings_of(move->finding);
    char name[64], *text;

    set_sheets(move, &before, &after);
    if (move->records) {
        facts.records = records;
        facts.records_count = list_records(records);
        (void)snprintf(after.registration.ownership_token,
                       sizeof after.registration.ownership_token, "ddd");
    }
    facts.findings = findings;
    text = sv_cloudevent_domain(&facts);
    (void)snprintf(name, sizeof name, "domain.%s.v1", sv_news_name(move->news));
    compare(name, text);
    free(text);
    json_decref(findings);
}

static void every_event_of_a_domain_is_as_it_was(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++)
        tell(&moves[i]);
}

static void an_answer_is_as_it_was(void **state)
{
    static const struct sv_job job = {
        .type = SV_JOB_REGISTER,
        .id = "signup-17",
        .client_id = "acme",
        .account = "default",
        .domain = "client.example",
        .contact_email = "dns@client.example",
        .traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    };
    struct sv_job_facts facts = {.entry_id = "1767225600000-0",
                                 .job = &job,
                                 .uid = "acb4fca421444766",
                                 .identity_existed = SV_TRI_NO,
                                 .now = now};
    char *text = sv_cloudevent_job_finished(&facts, "done", NULL, SV_TRI_UNKNOWN);

    (void)state;
    compare("job.finished.v1", text);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_of_a_domain_is_as_it_was),
        cmocka_unit_test(an_answer_is_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
