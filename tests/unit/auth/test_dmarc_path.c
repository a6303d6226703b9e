/* What the report says of the way to the DMARC policy, and of the demands on bulk senders. */
#include <stdio.h>
#include <string.h>

#include "cmocka_all.h"
#include "scenario.h"

#define REST   DKIM_RIGHT SPF_RIGHT
#define MAIL   DKIM_RIGHT MX_RIGHT MAIL_SPF
#define REPORT "; rua=mailto:a@client.com"

struct path_case {
    struct scenario scenario;
    const char *steps, *now, *before; /* as path_line writes them */
    /* DKIM and SPF aligned, then the five conditions and the verdict: y(es), n(o), ? */
    const char *letters;
};

static const struct path_case cases[] = {
    {.scenario = {.name = "everything_is_right", .told = TOLD_MAIL_FROM, .dns = MAIL DMARC_RIGHT},
     .steps = "_dmarc.client.com record u, _dmarc.com none",
     .now = "client.com _dmarc.client.com quarantine",
     .before = "client.com _dmarc.client.com quarantine",
     .letters = "yy yyyyy y"},
    {.scenario = {.name = "without_a_custom_mail_from_spf_passes_but_is_not_aligned",
                  .dns = REST DMARC_RIGHT},
     .steps = "_dmarc.client.com record u, _dmarc.com none",
     .now = "client.com _dmarc.client.com quarantine",
     .before = "client.com _dmarc.client.com quarantine",
     .letters = "yn yyyyy y"},
    {.scenario = {.name = "strict_spf_is_not_aligned",
                  .told = TOLD_MAIL_FROM,
                  .dns = MAIL "_dmarc.client.com TXT v=DMARC1; p=reject; aspf=s; t=y" REPORT "\n"},
     .steps = "_dmarc.client.com record u, _dmarc.com none",
     .now = "client.com _dmarc.client.com reject test",
     .before = "client.com _dmarc.client.com reject",
     .letters = "yn yyyyy y"},
    {.scenario = {.name = "the_registry_does_not_answer",
                  .told = TOLD_MAIL_FROM,
                  .dns = MAIL DMARC_RIGHT "_dmarc.com TXT! timeout\n"},
     .steps = "_dmarc.client.com record u, _dmarc.com unknown",
     .now = " _dmarc.client.com quarantine",
     .before = "client.com _dmarc.client.com quarantine",
     .letters = "y? yyyyy y"},
    {.scenario = {.name = "the_record_itself_does_not_answer",
                  .told = TOLD_MAIL_FROM,
                  .dns = MAIL "_dmarc.client.com TXT! servfail\n"},
     .steps = "_dmarc.client.com unknown, _dmarc.com none",
     .now = "  unknown",
     .before = "client.com  unknown",
     .letters = "y? yy?yy ?"},
    {.scenario = {.name = "several_records", .dns = REST DMARC_RIGHT DMARC_RIGHT},
     .steps = "_dmarc.client.com several, _dmarc.com none",
     .now = "client.com  absent",
     .before = "client.com  absent",
     .letters = "yn yynyy n"},
    {.scenario = {.name = "a_subdomain_that_does_not_exist_takes_np",
                  .domain = "gone.client.com",
                  .told = TOLD_NO_TOKENS,
                  .dns = "_dmarc.client.com TXT v=DMARC1; p=none; np=reject" REPORT "\n"},
     .steps = "_dmarc.gone.client.com none, _dmarc.client.com record u, _dmarc.com none",
     .now = "client.com _dmarc.client.com reject",
     .before = "client.com _dmarc.client.com none",
     .letters = "?n y?y?n n"},
    {.scenario = {.name = "spf_of_the_envelope_domain_is_missing",
                  .told = TOLD_MAIL_FROM,
                  .dns = DKIM_RIGHT MX_RIGHT DMARC_RIGHT},
     .steps = "_dmarc.client.com record u, _dmarc.com none",
     .now = "client.com _dmarc.client.com quarantine",
     .before = "client.com _dmarc.client.com quarantine",
     .letters = "yy nyyyy n"},
    {.scenario = {.name = "nothing_is_signed_and_nothing_is_aligned",
                  .told = TOLD_NO_TOKENS | TOLD_OWNERSHIP,
                  .dns = SPF_RIGHT DMARC_RIGHT},
     .steps = "_dmarc.client.com record u, _dmarc.com none",
     .now = "client.com _dmarc.client.com quarantine",
     .before = "client.com _dmarc.client.com quarantine",
     .letters = "nn ynyny n"},
    {.scenario = {.name = "that_the_domain_receives_mail_is_not_known",
                  .dns = REST DMARC_RIGHT "client.com MX! timeout\n"},
     .steps = "_dmarc.client.com record u, _dmarc.com none",
     .now = "client.com _dmarc.client.com quarantine",
     .before = "client.com _dmarc.client.com quarantine",
     .letters = "yn yyyy? ?"},
};

static char letter(enum sv_tri tri)
{
    return tri == SV_TRI_YES ? 'y' : tri == SV_TRI_NO ? 'n' : '?';
}

static void steps_line(const struct sv_dmarc_path *path, char *out, size_t bytes)
{
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < path->steps_count; i++) {
        const struct sv_dmarc_step *step = &path->steps[i];
        const char psd[] = {step->psd != '\0' ? ' ' : '\0', step->psd, '\0'};
        len += (size_t)snprintf(out + len, bytes - len, "%s%s %s%s", i > 0 ? ", " : "", step->name,
                                sv_dmarc_found_name(step->found), psd);
        assert_true(len < bytes);
    }
}

static void verdict_line(const struct sv_dmarc_verdict *verdict, bool test_mode, char *out,
                         size_t bytes)
{
    (void)snprintf(out, bytes, "%s %s %s%s", verdict->organizational_domain, verdict->record_at,
                   sv_dmarc_policy_name(verdict->policy), test_mode ? " test" : "");
}

static void letters_line(const struct sv_report *report, char out[16])
{
    size_t at = 0;

    out[at++] = letter(report->dmarc.dkim_aligned);
    out[at++] = letter(report->dmarc.spf_aligned);
    out[at++] = ' ';
    for (size_t i = 0; i < SV_BULK_COUNT; i++)
        out[at++] = letter(report->bulk.conditions[i]);
    out[at++] = ' ';
    out[at++] = letter(report->bulk.meets);
    out[at] = '\0';
}

static void the_path_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct path_case *it = &cases[i];
        struct zone *zone = zone_new(it->scenario.dns);
        struct sv_judge *judge = scenario_judge(&it->scenario);
        const struct sv_report *report;
        char line[1024];
        print_message("%s\n", it->scenario.name);
        (void)scenario_ask(judge, zone);
        report = sv_judge_report(judge);
        steps_line(&report->dmarc, line, sizeof(line));
        assert_string_equal(line, it->steps);
        verdict_line(&report->dmarc.now, report->dmarc.test_mode, line, sizeof(line));
        assert_string_equal(line, it->now);
        verdict_line(&report->dmarc.before, false, line, sizeof(line));
        assert_string_equal(line, it->before);
        letters_line(report, line);
        assert_string_equal(line, it->letters);
        assert_int_equal(report->bulk.meets, report->meets_bulk_sender_requirements);
        sv_judge_free(judge);
        zone_free(zone);
    }
}

/* The longest walks, and more report targets than are looked at: the questions stay within their
 * limits, and at most 8 of them are steps of the walk from the domain. */
static void questions_are_limited(void **state)
{
    const struct scenario longest = {
        .domain = "a.b.c.d.e.f.g.h.i.j.mail.client.com",
        .told = TOLD_MAIL_FROM,
        .mail_from = "x.a.b.c.d.e.f.g.h.i.j.mail.client.com",
        .dns = "_dmarc.client.com TXT v=DMARC1; p=none; rua=mailto:a@a.net,mailto:a@b.net,"
               "mailto:a@c.net,mailto:a@d.net,mailto:a@e.net,mailto:a@f.net\n"
               "a.net TXT x\nb.net TXT x\nc.net TXT x\nd.net TXT x\ne.net TXT x\nf.net TXT x\n"};
    struct zone *zone = zone_new(longest.dns);
    struct sv_judge *judge = scenario_judge(&longest);
    struct sv_dns_question question;
    const struct sv_dns_answer *answer;
    size_t total = 0;
    size_t targets = 0;

    (void)state;
    while (sv_judge_next(judge, &question)) {
        total++;
        targets += strstr(question.name, "._report._dmarc.") != NULL ? 1 : 0;
        if (!sv_name_is_below(question.name, "client.com")) /* other people's names */
            assert_int_equal(question.how & SV_ASK_OWNED, 0);
        assert_true(zone_look(zone, &question, &answer));
        sv_judge_answer(judge, &question, answer);
    }
    assert_true(total <= SV_JUDGE_QUESTIONS_MAX);
    assert_int_equal(targets, 4);
    assert_int_equal(sv_judge_report(judge)->dmarc.steps_count, SV_DMARC_STEPS_MAX);
    assert_string_equal(sv_judge_report(judge)->dmarc.now.record_at, "_dmarc.client.com");
    sv_judge_free(judge);
    zone_free(zone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_path_is_told),
        cmocka_unit_test(questions_are_limited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
