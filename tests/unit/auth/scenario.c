#include "scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"

enum { TEXT_BYTES = 16384, SCENARIOS_MAX = 128 };

static bool is_feedback_host(const char *host)
{
    return strcmp(host, "feedback-smtp.eu-west-1.amazonses.com") == 0 ||
           strcmp(host, "feedback-smtp.us-east-1.amazonses.com") == 0;
}

struct sv_judge *scenario_judge(const struct scenario *scenario)
{
    struct sv_expect expect = {
        .domain = scenario->domain != NULL ? scenario->domain : "client.com",
        .region = "eu-west-1",
        .dkim_tokens = {TOKEN_1, TOKEN_2, TOKEN_3},
        .dkim_tokens_count = 3,
        .dkim_zone = scenario->dkim_zone != NULL ? scenario->dkim_zone : DKIM_ZONE,
        .is_feedback_host = is_feedback_host,
        .was_right = scenario->was_right ? ~0u : 0,
    };

    if ((scenario->told & TOLD_NO_TOKENS) != 0)
        expect.dkim_tokens_count = 0;
    expect.discover = (scenario->told & TOLD_DISCOVER) != 0;
    if ((scenario->told & TOLD_BYODKIM) != 0) {
        expect.dkim_tokens_count = 0;
        expect.byodkim_selector = "own";
        expect.byodkim_key = DKIM_KEY;
    }
    if ((scenario->told & TOLD_NO_ZONE) != 0)
        expect.dkim_zone = NULL;
    if ((scenario->told & TOLD_OWNERSHIP) != 0)
        expect.ownership_token = "ownershipTOKEN=";
    if ((scenario->told & TOLD_MAIL_FROM) != 0)
        expect.mail_from = scenario->mail_from != NULL ? scenario->mail_from : "mail.client.com";
    if (scenario->seen_name != NULL) {
        expect.seen_names = &scenario->seen_name;
        expect.seen_names_count = 1;
    }
    return sv_judge_new(&expect, scenario->zone);
}

size_t scenario_ask(struct sv_judge *judge, struct zone *zone)
{
    struct sv_dns_question question;
    size_t count = 0;

    while (sv_judge_next(judge, &question)) {
        const struct sv_dns_answer *answer = NULL;
        count++;
        if (zone_look(zone, &question, &answer))
            sv_judge_answer(judge, &question, answer);
        else
            sv_judge_answer(judge, &question, NULL);
    }
    assert_true(sv_judge_done(judge));
    assert_true(count <= SV_JUDGE_QUESTIONS_MAX);
    return count;
}

size_t scenario_hear(struct sv_judge *judge, struct voices *voices)
{
    struct sv_dns_question question;
    size_t count = 0;

    while (sv_judge_next(judge, &question)) {
        count++;
        sv_judge_views(judge, &question, voices_ask(voices, &question));
    }
    assert_true(sv_judge_done(judge));
    assert_true(count <= SV_JUDGE_QUESTIONS_MAX);
    return count;
}

static void hear(const struct scenario *scenario, struct sv_judge *judge)
{
    struct voices *voices;
    size_t count = 0;

    while (count < VOICES_MAX && scenario->voices[count].who != NULL)
        count++;
    voices = voices_new(scenario->dns, scenario->voices, count, scenario->cut);
    voices_close(voices, scenario->closed, scenario->withheld);
    (void)scenario_hear(judge, voices);
    voices_free(voices);
}

static const char *tri_name(enum sv_tri tri)
{
    return tri == SV_TRI_YES ? "yes" : tri == SV_TRI_NO ? "no" : "unknown";
}

void flags_of(const struct sv_report *report, char *out, size_t bytes)
{
    char open[SV_RECORDS_MAX + 1] = "";
    size_t count = 0;

    for (size_t i = 0; i < report->records_count; i++) {
        if (report->unsettled[i])
            open[count++] = (char)('0' + i);
    }
    (void)snprintf(out, bytes,
                   "required=%s absent=%s ttl=%u mail_from=%s spf=%s dmarc=%s bulk=%s open=%s. "
                   "seen_everywhere_at=%lld disputed=%s closed=%s hidden=%zu",
                   sv_record_status_name(report->required), report->required_absent ? "yes" : "no",
                   (unsigned)report->required_ttl_s, sv_record_status_name(report->mail_from),
                   tri_name(report->spf_configured), tri_name(report->dmarc_configured),
                   tri_name(report->meets_bulk_sender_requirements), open,
                   (long long)report->required_seen_everywhere_at,
                   report->required_disputed ? "yes" : "no",
                   report->authority_closed ? "yes" : "no", report->findings_hidden);
}

static void letters_of(const struct sv_report *report, char *out)
{
    static const char letters[] = {'?', 'o', 'w', 'W'};

    for (size_t i = 0; i < report->records_count; i++)
        *out++ = letters[report->statuses[i]];
    *out = '\0';
}

/* Cuts the next line off; NULL at the end. */
static char *next_line(char **rest)
{
    char *line = strsep(rest, "\n");

    return line != NULL && *line == '\0' ? NULL : line;
}

static void compare_findings(const struct scenario *scenario, const struct sv_report *report)
{
    char *wanted = zone_expand(scenario->findings != NULL ? scenario->findings : "");
    char *rest = wanted;
    size_t i = 0;

    for (char *line; (line = next_line(&rest)) != NULL; i++) {
        char got[1024];
        const struct sv_finding *finding = &report->findings[i];
        if (i >= report->findings_count)
            fail_msg("not found: %s", line);
        if (strchr(line, '[') != NULL)
            (void)snprintf(got, sizeof(got), "%s %s %s [%s]", sv_severity_name(finding->severity),
                           sv_finding_name(finding->code), finding->owner, finding->found);
        else
            (void)snprintf(got, sizeof(got), "%s %s %s", sv_severity_name(finding->severity),
                           sv_finding_name(finding->code), finding->owner);
        assert_string_equal(got, line);
    }
    if (i < report->findings_count)
        fail_msg("not expected: %s %s [%s]", sv_finding_name(report->findings[i].code),
                 report->findings[i].owner, report->findings[i].found);
    free(wanted);
}

/* What must hold of any report. */
static void check_report(const struct sv_report *report, const char *domain)
{
    assert_int_equal(report->digest, sv_findings_digest(report->findings, report->findings_count));
    for (size_t i = 0; i < report->findings_count; i++) {
        const struct sv_finding *finding = &report->findings[i];
        struct sv_buf advice;
        sv_buf_init(&advice, 4096);
        assert_true(sv_finding_advice(finding, domain, &advice));
        if (strchr(finding->found, '{') == NULL) /* an SPF macro */
            assert_null(strchr(sv_buf_str(&advice), '{'));
        sv_buf_fini(&advice);
        assert_string_not_equal(finding->owner, "");
        assert_string_not_equal(finding->evidence.server, ""); /* somebody said so */
        assert_true(i == 0 || finding[-1].code <= finding->code);
    }
}

static void run_once(const struct scenario *scenario)
{
    struct zone *zone = zone_new(scenario->dns);
    struct sv_judge *judge = scenario_judge(scenario);
    char line[TEXT_BYTES];
    const struct sv_report *report;

    if (scenario->voices[0].who != NULL)
        hear(scenario, judge);
    else
        (void)scenario_ask(judge, zone);
    report = sv_judge_report(judge);
    check_report(report, "client.com");
    letters_of(report, line);
    assert_string_equal(line, scenario->records);
    compare_findings(scenario, report);
    if (scenario->expected != NULL) {
        char *expected = zone_expand(scenario->expected);
        assert_string_equal(report->findings[0].expected, expected);
        free(expected);
    }
    flags_of(report, line, sizeof(line));
    if (scenario->flags != NULL && strstr(line, scenario->flags) == NULL)
        fail_msg("%s does not say %s", line, scenario->flags);
    sv_judge_free(judge);
    zone_free(zone);
}

/* What was right before spares questions and changes no verdict. */
static void run(void **state)
{
    struct scenario scenario = *(const struct scenario *)*state;

    run_once(&scenario);
    scenario.was_right = true;
    run_once(&scenario);
}

int scenarios_run(const char *group, const struct scenario *scenarios, size_t count)
{
    struct CMUnitTest tests[SCENARIOS_MAX];

    assert_true(count <= SCENARIOS_MAX);
    memset(tests, 0, sizeof(tests));
    for (size_t i = 0; i < count; i++) {
        tests[i].name = scenarios[i].name;
        tests[i].test_func = run;
        memcpy(&tests[i].initial_state, &(const struct scenario *){&scenarios[i]}, sizeof(void *));
    }
    return _cmocka_run_group_tests(group, tests, count, NULL, NULL);
}
