#include "sv/cloudevent.h"

#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "sv/json.h"

struct scene {
    struct sv_record_sheet before, after;
    struct sv_effects effects;
    struct sv_policy policy;
    struct sv_event_facts facts;
    json_t *findings;
};

static void set_scene(struct scene *scene)
{
    *scene = (struct scene){
        .before = {.domain = {.status = SV_STATUS_PENDING, .sequence = 6},
                   .registration = {.account = "eu", .domain = "a.com", .tokens_count = 3}},
        .effects = {.news = SV_NEWS_VERIFIED,
                    .from = SV_STATUS_PENDING,
                    .to = SV_STATUS_VERIFIED,
                    .reason = SV_REASON_SES_VERIFIED,
                    .shown = SV_CONCLUSION_ALL_GOOD,
                    .wait_ms = 1000},
        .policy = sv_policy_default(),
    };
    scene->after = scene->before;
    scene->after.domain.status = SV_STATUS_VERIFIED;
    scene->after.domain.identity = scene->after.domain.dkim = SV_AXIS_SUCCESS;
    scene->after.domain.sequence = 7;
    scene->findings = sv_json_array();
    scene->facts = (struct sv_event_facts){.uid = "0123456789abcdef",
                                           .client_id = "c",
                                           .contact_email = "x@a.com",
                                           .before = &scene->before,
                                           .after = &scene->after,
                                           .effects = &scene->effects,
                                           .findings = scene->findings,
                                           .policy = &scene->policy,
                                           .now = 1700000000123};
}

static json_t *render(struct scene *scene)
{
    char *text = sv_cloudevent_domain(&scene->facts);
    struct sv_errinfo info;
    json_t *event = sv_json_parse(text, strlen(text), SV_STORE_EVENT_BYTES_MAX, 16, &info);

    assert_non_null(event);
    free(text);
    return event;
}

static void expect_str(const json_t *event, const char *path, const char *wanted)
{
    const json_t *value = sv_json_path(event, path);

    if (value == NULL || !json_is_string(value) || strcmp(json_string_value(value), wanted) != 0)
        fail_msg("%s is %s, not %s", path, value == NULL ? "absent" : json_string_value(value),
                 wanted);
}

static void a_transition_is_told_whole(void **state)
{
    struct scene scene;
    json_t *event;

    (void)state;
    set_scene(&scene);
    event = render(&scene);
    expect_str(event, "specversion", "1.0");
    expect_str(event, "type", "io.sesverify.domain.verified.v1");
    expect_str(event, "source", "/sesverify/eu/0123456789abcdef");
    expect_str(event, "id", "0123456789abcdef.0000000007.verified");
    expect_str(event, "subject", "a.com");
    expect_str(event, "sequence", "0000000007");
    expect_str(event, "data.from", "pending_verification");
    expect_str(event, "data.to", "verified");
    expect_str(event, "data.reason", "ses_verified");
    expect_str(event, "data.axes.identity", "success");
    expect_str(event, "data.changed.status.old", "pending_verification");
    expect_str(event, "data.changed.dkim.new", "success");
    expect_str(event, "data.observed_at", "2023-11-14T22:13:20.123Z");
    expect_str(event, "data.next_check_at", "2023-11-14T22:13:21.123Z");
    assert_true(json_is_true(sv_json_path(event, "data.domain_verified")));
    assert_true(json_is_null(sv_json_path(event, "data.spf_configured")));
    assert_null(sv_json_path(event, "data.changed.mail_from"));
    assert_null(sv_json_path(event, "traceparent"));
    json_decref(event);
    json_decref(scene.findings);
}

static void registered_comes_from_null_with_the_records(void **state)
{
    struct sv_record record = {.type = SV_RR_CNAME,
                               .name = "k._domainkey.a.com",
                               .host = "k._domainkey",
                               .value = "k.dkim.amazonses.com",
                               .ttl_s = 1800,
                               .high_priority = true,
                               .purpose = "p",
                               .description = "d"};
    struct scene scene;
    json_t *event, *first;

    (void)state;
    set_scene(&scene);
    scene.effects.news = SV_NEWS_REGISTERED;
    scene.effects.from = SV_STATUS_REMOVED; /* registered anew: nobody wants to know */
    scene.facts.records = &record;
    scene.facts.records_count = 1;
    event = render(&scene);
    assert_true(json_is_null(sv_json_path(event, "data.from")));
    first = json_array_get(sv_json_path(event, "data.dns_records"), 0);
    expect_str(first, "type", "CNAME");
    expect_str(first, "priority", "HIGH");
    expect_str(first, "status", "unknown");
    expect_str(first, "host", "k._domainkey");
    assert_int_equal(json_integer_value(json_object_get(first, "ttl")), 1800);
    expect_str(event, "data.estimated_propagation", "minutes to 48 hours");
    json_decref(event);
    json_decref(scene.findings);
}

static void add_findings(struct scene *scene, size_t count, size_t bytes)
{
    char *text = malloc(bytes + 1);

    (void)memset(text, 'x', bytes);
    text[bytes] = '\0';
    for (size_t i = 0; i < count; i++) {
        json_t *finding = sv_json_object();

        sv_json_set_str(finding, "code", "dkim_cname_missing");
        sv_json_set_str(finding, "found", text);
        sv_json_append(scene->findings, finding);
    }
    free(text);
}

static void findings_are_cut_at_sixteen(void **state)
{
    struct scene scene;
    json_t *event;

    (void)state;
    set_scene(&scene);
    add_findings(&scene, 20, 10);
    scene.facts.findings_omitted = 2;
    event = render(&scene);
    assert_int_equal(json_array_size(sv_json_path(event, "data.findings")), 16);
    assert_int_equal(json_integer_value(sv_json_path(event, "data.findings_omitted")), 6);
    json_decref(event);
    json_decref(scene.findings);
}

static void add_code(struct scene *scene, const char *code, const char *severity)
{
    json_t *finding = sv_json_object();

    sv_json_set_str(finding, "code", code);
    sv_json_set_str(finding, "severity", severity);
    sv_json_append(scene->findings, finding);
}

static void expect_changed_findings(struct scene *scene, const char *wanted)
{
    json_t *event = render(scene);
    struct sv_buf text;

    sv_buf_init(&text, 1024);
    assert_true(sv_json_write(sv_json_path(event, "data.changed.findings"), &text));
    assert_string_equal(sv_buf_str(&text), wanted);
    sv_buf_fini(&text);
    json_decref(event);
}

static void changed_findings_are_the_set_that_counts(void **state)
{
    struct scene scene;

    (void)state;
    set_scene(&scene);
    add_code(&scene, "dns_servfail", "temporary");
    add_code(&scene, "spf_missing", "error");
    add_code(&scene, "dmarc_missing", "warning");
    add_code(&scene, "spf_missing", "error"); /* of another owner */
    scene.after.domain.findings[SV_GROUP_SPF] = 7;
    expect_changed_findings(&scene, "{\"old\":[],\"new\":[\"spf_missing\",\"dmarc_missing\"]}");
    scene.before.domain.findings[SV_GROUP_SPF] = 8; /* there were some: nobody knows which */
    expect_changed_findings(&scene, "{\"old\":null,\"new\":[\"spf_missing\",\"dmarc_missing\"]}");
    json_decref(scene.findings);
}

/* Every value as long as it gets, and of characters that take two in JSON. */
static void the_longest_findings_fit_an_event(void **state)
{
    struct sv_finding finding = {.code = SV_F_DNS_NS_INCONSISTENT, .severity = SV_ERROR};
    struct scene scene;
    json_t *event;

    (void)state;
    set_scene(&scene);
    memset(finding.owner, '\\', sizeof(finding.owner) - 1);
    memset(finding.expected, '"', sizeof(finding.expected) - 1);
    memset(finding.found, '\\', sizeof(finding.found) - 1);
    memset(finding.other, '"', sizeof(finding.other) - 1);
    memset(finding.evidence.server, '\\', sizeof(finding.evidence.server) - 1);
    finding.witnesses_count = SV_WITNESSES_MAX;
    for (size_t i = 0; i < SV_WITNESSES_MAX; i++)
        finding.witnesses[i] = finding.evidence;
    for (size_t i = 0; i < SV_FINDINGS_MAX; i++)
        sv_json_append(scene.findings, sv_json_finding(&finding, "a.com"));
    event = render(&scene); /* fails above SV_STORE_EVENT_BYTES_MAX */
    assert_in_range(json_array_size(sv_json_path(event, "data.findings")), 4, 16);
    assert_int_equal(json_array_size(sv_json_path(event, "data.findings")) +
                         (size_t)json_integer_value(sv_json_path(event, "data.findings_omitted")),
                     SV_FINDINGS_MAX);
    json_decref(event);
    json_decref(scene.findings);
}

static void an_event_is_never_over_twenty_kilobytes(void **state)
{
    struct scene scene;
    char *text;

    (void)state;
    set_scene(&scene);
    add_findings(&scene, 16, 2000);
    text = sv_cloudevent_domain(&scene.facts);
    assert_true(strlen(text) <= SV_STORE_EVENT_BYTES_MAX);
    free(text);
    json_decref(scene.findings);
}

static void a_job_is_answered_in_two_halves(void **state)
{
    struct sv_job job = {.type = SV_JOB_RECHECK, .id = "j", .client_id = "c", .domain = "a.com"};
    struct sv_job_facts facts = {
        .shard = 3, .entry_id = "5-1", .job = &job, .uid = "", .now = 1700000000123};
    struct sv_job_event halves = sv_cloudevent_job(&facts);
    char whole[2048];
    struct sv_errinfo info;
    json_t *event;

    (void)state;
    (void)snprintf(whole, sizeof whole, "%s\"outcome\":\"coalesced\"%s", halves.head, halves.tail);
    event = sv_json_parse(whole, strlen(whole), sizeof whole, 8, &info);
    assert_non_null(event);
    expect_str(event, "id", "job.3.5-1");
    expect_str(event, "source", "/sesverify/jobs/3");
    expect_str(event, "data.outcome", "coalesced");
    expect_str(event, "data.type", "recheck");
    assert_null(sv_json_path(event, "sequence"));
    assert_null(sv_json_path(event, "data.domain_id"));
    json_decref(event);
    sv_job_event_free(&halves);
}

static void an_unreadable_job_is_answered_with_what_is_known(void **state)
{
    struct sv_job job = {.type = SV_JOB_TYPE_COUNT};
    struct sv_job_facts facts = {.entry_id = "5-1", .job = &job, .uid = "", .now = 1700000000123};
    char *text = sv_cloudevent_job_finished(&facts, "dead", "malformed_json", SV_TRI_UNKNOWN);
    struct sv_errinfo info;
    json_t *event = sv_json_parse(text, strlen(text), 4096, 8, &info);

    (void)state;
    expect_str(event, "data.outcome", "dead");
    expect_str(event, "data.reason", "malformed_json");
    assert_null(sv_json_path(event, "data.type"));
    assert_null(sv_json_path(event, "subject"));
    assert_null(sv_json_path(event, "data.definitive"));
    json_decref(event);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_transition_is_told_whole),
        cmocka_unit_test(registered_comes_from_null_with_the_records),
        cmocka_unit_test(findings_are_cut_at_sixteen),
        cmocka_unit_test(changed_findings_are_the_set_that_counts),
        cmocka_unit_test(the_longest_findings_fit_an_event),
        cmocka_unit_test(an_event_is_never_over_twenty_kilobytes),
        cmocka_unit_test(a_job_is_answered_in_two_halves),
        cmocka_unit_test(an_unreadable_job_is_answered_with_what_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
