/* What `check` can find out about a set-up at SES that it was told nothing of. */
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "scenario.h"

#define REST SPF_RIGHT DMARC_RIGHT

/* The report of a domain of which nothing is told. */
struct run {
    struct zone *zone;
    struct sv_judge *judge;
    const struct sv_report *report;
};

static struct run run_told(const char *dns, unsigned told)
{
    const struct scenario scenario = {.told = told | TOLD_NO_TOKENS};
    struct run run = {.zone = zone_new(dns), .judge = scenario_judge(&scenario)};

    (void)scenario_ask(run.judge, run.zone);
    run.report = sv_judge_report(run.judge);
    return run;
}

static void end(struct run *run)
{
    sv_judge_free(run->judge);
    zone_free(run->zone);
}

static void expect(const char *dns, const struct sv_discovery *wanted)
{
    struct run run = run_told(dns, TOLD_DISCOVER);
    const struct sv_discovery *got = &run.report->discovery;

    assert_string_equal(got->mail_from, wanted->mail_from);
    assert_string_equal(got->region, wanted->region);
    assert_int_equal(got->ownership, wanted->ownership);
    assert_int_equal(got->domainkeys, wanted->domainkeys);
    assert_int_equal(got->unsettled, wanted->unsettled);
    for (size_t i = 0; i < run.report->records_count; i++)
        assert_false(run.report->unsettled[i]);
    end(&run);
}

static void nothing_is_there(void **state)
{
    const struct sv_discovery nothing = {.ownership = SV_TRI_NO, .domainkeys = SV_TRI_NO};

    (void)state;
    expect(REST, &nothing);
    expect(REST "mail.client.com MX 10 mx.client.com\n"
                "bounce.client.com MX 10 inbound-smtp.eu-west-1.amazonaws.com\n",
           &nothing);
}

static void a_mail_from_tells_the_region(void **state)
{
    const struct sv_discovery found = {.mail_from = "bounces.client.com",
                                       .region = "ap-southeast-2",
                                       .ownership = SV_TRI_NO,
                                       .domainkeys = SV_TRI_NO};

    (void)state;
    expect(REST "mail.client.com MX 10 mx.client.com\n"
                "bounces.client.com MX 10 Feedback-SMTP.AP-southeast-2.amazonses.com.\n",
           &found);
}

static void what_is_below_domainkey(void **state)
{
    const struct sv_discovery keys = {.ownership = SV_TRI_NO, .domainkeys = SV_TRI_YES};
    const struct sv_discovery token = {.ownership = SV_TRI_YES, .domainkeys = SV_TRI_NO};

    (void)state;
    expect(REST "abc._domainkey.client.com CNAME abc.dkim.amazonses.com\n", &keys);
    expect(REST "_amazonses.client.com TXT token\n", &token);
}

static void a_wildcard_is_no_discovery(void **state)
{
    const struct sv_discovery nothing = {.ownership = SV_TRI_NO, .domainkeys = SV_TRI_UNKNOWN};

    (void)state;
    expect(REST "*.client.com MX 10 feedback-smtp.eu-west-1.amazonses.com\n", &nothing);
}

static void silence_is_told(void **state)
{
    const struct sv_discovery found = {.mail_from = "mail.client.com",
                                       .region = "eu-west-1",
                                       .ownership = SV_TRI_UNKNOWN,
                                       .domainkeys = SV_TRI_NO,
                                       .unsettled = true};

    (void)state;
    expect(REST MX_RIGHT "_amazonses.client.com TXT! timeout\n", &found);
}

/* Nothing is asked for by whoever was told. */
static void it_is_asked_for(void **state)
{
    struct run run = run_told(REST MX_RIGHT, 0);

    (void)state;
    assert_string_equal(run.report->discovery.mail_from, "");
    assert_int_equal(run.report->discovery.domainkeys, SV_TRI_UNKNOWN);
    end(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_there),        cmocka_unit_test(a_mail_from_tells_the_region),
        cmocka_unit_test(what_is_below_domainkey), cmocka_unit_test(a_wildcard_is_no_discovery),
        cmocka_unit_test(silence_is_told),         cmocka_unit_test(it_is_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
