/* The bookkeeping of questions and answers: late, repeated, foreign and missing ones. */
#include "sv/judge.h"

#include <stdio.h>
#include <string.h>

#include "cmocka_all.h"
#include "scenario.h"

#define OWNER_1 TOKEN_1 "._domainkey.client.com"

static const struct scenario right = {.dns = MAIL_RIGHT, .told = TOLD_MAIL_FROM};

static void questions_are_handed_out_once(void **state)
{
    struct sv_judge *judge = scenario_judge(&right);
    struct sv_dns_question questions[SV_JUDGE_QUESTIONS_MAX];
    size_t count = 0;

    (void)state;
    while (sv_judge_next(judge, &questions[count]))
        count++;
    assert_int_equal(count, 6); /* three aliases, MX, SPF, DMARC */
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++)
            assert_false(questions[i].type == questions[j].type &&
                         sv_name_equal(questions[i].name, questions[j].name));
    }
    assert_false(sv_judge_done(judge));
    sv_judge_free(judge);
}

/* Beside the six records: the key behind each alias, the rest of the way of DMARC from the MAIL
 * FROM domain to com, whether the domain receives mail, and the record of SES that the SPF record
 * includes. Where the aliases were right before, they come with their keys. */
static void a_right_domain_costs_few_more_than_its_records(void **state)
{
    (void)state;
    for (unsigned was_right = 0; was_right < 2; was_right++) {
        const struct scenario again = {
            .dns = MAIL_RIGHT, .told = TOLD_MAIL_FROM, .was_right = was_right == 1};
        struct zone *zone = zone_new(again.dns);
        struct sv_judge *judge = scenario_judge(&again);
        size_t keys = was_right == 1 ? 0 : 3;
        assert_int_equal(scenario_ask(judge, zone), 6 + keys + 2 + 1 + 1);
        assert_int_equal(sv_judge_report(judge)->records_count, 6);
        sv_judge_free(judge);
        zone_free(zone);
    }
}

/* The three aliases, SPF and DMARC; DMARC at com, and whether the domain receives mail; and the
 * eight probes: four wrong places of the first alias and a neighbouring zone, the doubled owner of
 * SPF and spf.client.com, the doubled owner of DMARC. Their other places have to wait. */
static void an_empty_domain_costs_few_more(void **state)
{
    struct zone *zone = zone_new("");
    const struct scenario empty = {.dns = ""};
    struct sv_judge *judge = scenario_judge(&empty);

    (void)state;
    assert_int_equal(scenario_ask(judge, zone), 5 + 2 + 8);
    sv_judge_free(judge);
    zone_free(zone);
}

/* Beside the six records: each alias, MX, SPF and DMARC at the doubled name; the siblings that tell
 * of wildcards there, one below _domainkey and one for MX and TXT each; DMARC above the MAIL FROM
 * domain, at com, and whether the domain receives mail. */
static void doubled_records_are_found_within_the_probes(void **state)
{
    static const enum sv_finding_code wanted[] = {SV_F_DKIM_CNAME_DOUBLED_SUFFIX,
                                                  SV_F_MAILFROM_MX_WRONG_OWNER,
                                                  SV_F_SPF_WRONG_OWNER, SV_F_DMARC_WRONG_OWNER};
    static const struct scenario doubled = {
        .told = TOLD_MAIL_FROM,
        .dns = "$1._domainkey.client.com.client.com CNAME $1.$z\n"
               "$2._domainkey.client.com.client.com CNAME $2.$z\n"
               "$3._domainkey.client.com.client.com CNAME $3.$z\n"
               "mail.client.com.client.com MX 10 feedback-smtp.eu-west-1.amazonses.com\n"
               "mail.client.com.client.com TXT v=spf1 include:amazonses.com ~all\n"
               "_dmarc.client.com.client.com TXT v=DMARC1; p=none\n"};
    struct zone *zone = zone_new(doubled.dns);
    struct sv_judge *judge = scenario_judge(&doubled);
    const struct sv_report *report;

    (void)state;
    assert_int_equal(scenario_ask(judge, zone), 6 + 6 + 3 + 3);
    report = sv_judge_report(judge);
    assert_int_equal(report->findings_count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(sv_finding_name(report->findings[i].code), sv_finding_name(wanted[i]));
    sv_judge_free(judge);
    zone_free(zone);
}

static void the_report_can_be_had_at_any_time(void **state)
{
    struct zone *zone = zone_new(right.dns);
    struct sv_judge *judge = scenario_judge(&right);
    struct sv_dns_question question;
    const struct sv_dns_answer *answer;
    const struct sv_report *report = sv_judge_report(judge);

    (void)state;
    assert_int_equal(report->findings_count, 0);
    assert_int_equal(report->records_count, 6);
    assert_int_equal(report->required, SV_RECORD_UNKNOWN);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(report->statuses[i], SV_RECORD_UNKNOWN);
        assert_string_equal(report->seen_by[i].server, "");
    }
    for (size_t i = 0; i < 6; i++) {
        assert_true(sv_judge_next(judge, &question));
        assert_true(zone_look(zone, &question, &answer));
        sv_judge_answer(judge, &question, answer);
        report = sv_judge_report(judge);
        assert_int_equal(report->statuses[i], SV_RECORD_OK);
        assert_string_equal(report->seen_by[i].server, "192.0.2.53:53");
        assert_int_equal(report->seen_by[i].ttl_s, ZONE_TTL_S);
        assert_int_equal(report->seen_by[i].at, 1000);
        assert_int_equal(report->findings_count, 0);
    }
    assert_int_equal(report->required, SV_RECORD_OK);
    (void)scenario_ask(judge, zone); /* the keys, and the way of DMARC */
    assert_int_equal(sv_judge_report(judge)->required, SV_RECORD_OK);
    assert_int_equal(sv_judge_report(judge)->findings_count, 0);
    assert_true(sv_judge_done(judge));
    sv_judge_free(judge);
    zone_free(zone);
}

static void a_report_asks_for_nothing(void **state)
{
    struct zone *zone = zone_new("");
    const struct scenario empty = {.dns = ""};
    struct sv_judge *judge = scenario_judge(&empty);
    struct sv_dns_question question;
    const struct sv_dns_answer *answer;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_true(sv_judge_next(judge, &question));
        assert_true(zone_look(zone, &question, &answer));
        sv_judge_answer(judge, &question, answer);
        (void)sv_judge_report(judge);
    }
    assert_true(sv_judge_next(judge, &question)); /* the fifth and last of the expected records */
    (void)sv_judge_report(judge);
    assert_false(sv_judge_next(judge, &question));
    sv_judge_free(judge);
    zone_free(zone);
}

static void foreign_and_repeated_answers_are_ignored(void **state)
{
    struct zone *zone = zone_new(right.dns);
    struct zone *other = zone_new("");
    struct sv_judge *judge = scenario_judge(&right);
    struct sv_dns_question question = {.name = "$", .type = SV_RR_TXT};
    const struct sv_dns_answer *answer;

    (void)state;
    assert_true(zone_look(zone, &question, &answer));
    sv_judge_answer(judge, &question, answer); /* never asked */
    while (sv_judge_next(judge, &question)) {
        assert_true(zone_look(zone, &question, &answer));
        sv_judge_answer(judge, &question, answer);
        assert_true(zone_look(other, &question, &answer));
        sv_judge_answer(judge, &question, answer); /* once more, and different */
        sv_judge_answer(judge, &question, NULL);
    }
    assert_true(sv_judge_done(judge));
    assert_int_equal(sv_judge_report(judge)->findings_count, 0);
    sv_judge_free(judge);
    zone_free(other);
    zone_free(zone);
}

static void an_answer_before_its_question_is_ignored(void **state)
{
    struct zone *zone = zone_new("");
    struct sv_judge *judge = scenario_judge(&right);
    struct sv_dns_question question = {.name = "_dmarc.client.com", .type = SV_RR_TXT};
    const struct sv_dns_answer *answer;

    (void)state;
    assert_true(zone_look(zone, &question, &answer));
    sv_judge_answer(judge, &question, answer);
    assert_int_equal(sv_judge_report(judge)->findings_count, 0);
    assert_false(sv_judge_done(judge));
    sv_judge_free(judge);
    zone_free(zone);
}

static void the_case_of_the_question_does_not_matter(void **state)
{
    struct zone *zone = zone_new(right.dns);
    struct sv_judge *judge = scenario_judge(&right);
    struct sv_dns_question question;
    const struct sv_dns_answer *answer;

    (void)state;
    while (sv_judge_next(judge, &question)) {
        assert_true(zone_look(zone, &question, &answer));
        for (char *c = question.name; *c != '\0'; c++)
            *c = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
        sv_judge_answer(judge, &question, answer);
    }
    assert_true(sv_judge_done(judge));
    sv_judge_free(judge);
    zone_free(zone);
}

/* Any subset of the answers may be missing; the others are judged all the same, and what is missing
 * is unknown. */
static void every_combination_of_missing_answers(void **state)
{
    (void)state;
    for (unsigned run = 0; run < 2u << 6; run++) {
        const unsigned missing = run % (1u << 6);
        const struct scenario again = {
            .dns = MAIL_RIGHT, .told = TOLD_MAIL_FROM, .was_right = run != missing};
        struct zone *zone = zone_new(again.dns);
        struct sv_judge *judge = scenario_judge(&again);
        struct sv_dns_question question;
        const struct sv_dns_answer *answer;
        const struct sv_report *report;

        for (size_t i = 0; sv_judge_next(judge, &question);) {
            /* Its key is missing, so it is, too. */
            bool second = again.was_right && question.type == SV_RR_CNAME;
            assert_true(zone_look(zone, &question, &answer));
            sv_judge_answer(judge, &question, second || (missing & 1u << i) != 0 ? NULL : answer);
            i += second ? 0 : 1;
        }
        report = sv_judge_report(judge);
        for (size_t i = 0; i < report->records_count; i++)
            assert_int_equal(report->statuses[i],
                             (missing & 1u << i) != 0 ? SV_RECORD_UNKNOWN : SV_RECORD_OK);
        assert_int_equal(report->findings_count, 0);
        assert_int_equal(report->required, (missing & 7u) != 0 ? SV_RECORD_UNKNOWN : SV_RECORD_OK);
        assert_int_equal(report->mail_from,
                         (missing & 24u) != 0 ? SV_RECORD_UNKNOWN : SV_RECORD_OK);
        sv_judge_free(judge);
        zone_free(zone);
    }
}

/* How often the first alias is asked for by itself. */
static size_t count_alias_questions(const struct scenario *scenario)
{
    struct voices *voices = voices_new(scenario->dns, scenario->voices, 2, scenario->cut);
    struct sv_judge *judge = scenario_judge(scenario);
    struct sv_dns_question question;
    size_t count = 0;

    while (sv_judge_next(judge, &question)) {
        if (question.type == SV_RR_CNAME && sv_name_equal(question.name, OWNER_1))
            count++;
        sv_judge_views(judge, &question, voices_ask(voices, &question));
    }
    assert_true(sv_judge_done(judge));
    sv_judge_free(judge);
    voices_free(voices);
    return count;
}

/* With the key it is told of, or that there is no such name. Whatever else comes proves nothing. */
static void an_alias_is_asked_for_where_its_key_leaves_it_open(void **state)
{
    static const struct {
        const char *dns, *of_one; /* the latter: what one of two resolvers says beside that */
        size_t asked;
    } cases[] = {
        {DKIM_RIGHT, NULL, 0},
        {"client.com A 192.0.2.1\n", NULL, 0},
        {DKIM_RIGHT, "-" OWNER_1 " CNAME\n", 1},
        {DKIM_RIGHT, OWNER_1 " TXT! timeout\n", 1},
        {DKIM_RIGHT, OWNER_1 " TXT! servfail\n", 1},
        {DKIM_RIGHT OWNER_1 " TXT! never\n", NULL, 1},
        {OWNER_1 " A 192.0.2.1\n", NULL, 1},
        {OWNER_1 " TXT p=$k\n", NULL, 1},
        {OWNER_1 " TXT p=$k\n" OWNER_1 " CNAME $1.$z\n", NULL, 1},
        {OWNER_1 " CNAME $2.$z\n", NULL, 1},
        {OWNER_1 " CNAME $1.$z\n" OWNER_1 " CNAME $2.$z\n", NULL, 1},
        {DKIM_RIGHT "-$1.$z TXT\n", NULL, 1},
        {DKIM_RIGHT "-$1.$z TXT\n$1.$z A 192.0.2.1\n", NULL, 1},
        {DKIM_RIGHT "$1.$z TXT! elsewhere\n", NULL, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct scenario scenario = {
            .dns = cases[i].dns,
            .was_right = true,
            .voices = {{.who = "192.0.2.101"}, {.who = "192.0.2.102", .dns = cases[i].of_one}}};
        print_message("%s%s", cases[i].dns, cases[i].of_one != NULL ? cases[i].of_one : "");
        assert_int_equal(count_alias_questions(&scenario), cases[i].asked);
    }
}

/* What caches know of the alias is told, and not for how long they know its key. */
static void an_alias_that_came_with_its_key_has_its_own_ttl(void **state)
{
    const struct sv_rr records[] = {
        {.owner = OWNER_1, .type = SV_RR_CNAME, .ttl_s = 3600, .target = TOKEN_1 "." DKIM_ZONE},
        {.owner = TOKEN_1 "." DKIM_ZONE,
         .type = SV_RR_TXT,
         .ttl_s = 60,
         .text = (const uint8_t *)"p=" DKIM_KEY,
         .text_bytes = strlen("p=" DKIM_KEY)},
    };
    const struct sv_dns_answer answer = {.outcome = SV_DNS_DATA,
                                         .server = "192.0.2.53:53",
                                         .ttl_s = 60,
                                         .records = records,
                                         .records_count = 2};
    const struct scenario again = {.dns = "", .was_right = true};
    struct sv_judge *judge = scenario_judge(&again);
    struct sv_dns_question question;
    const struct sv_report *report;

    (void)state;
    assert_true(sv_judge_next(judge, &question));
    assert_int_equal(question.type, SV_RR_TXT);
    sv_judge_answer(judge, &question, &answer);
    report = sv_judge_report(judge);
    assert_int_equal(report->statuses[0], SV_RECORD_OK);
    assert_int_equal(report->seen_by[0].ttl_s, 3600);
    assert_string_equal(report->seen_by[0].server, "192.0.2.53:53");
    assert_string_equal(report->seen[0], TOKEN_1 "." DKIM_ZONE);
    sv_judge_free(judge);
}

static void what_was_seen_is_told(void **state)
{
    static const struct scenario odd = {
        .told = TOLD_MAIL_FROM,
        .dns = DKIM_RIGHT "mail.client.com MX 10 a.example.net\nmail.client.com MX 20 b.\n"
                          "mail.client.com TXT v=spf1 \t\x01~all\n"};
    struct zone *zone = zone_new(odd.dns);
    struct sv_judge *judge = scenario_judge(&odd);
    const struct sv_report *report;

    (void)state;
    (void)scenario_ask(judge, zone);
    report = sv_judge_report(judge);
    assert_string_equal(report->seen[0], TOKEN_1 "." DKIM_ZONE);
    assert_string_equal(report->seen[3], "10 a.example.net, 20 b.");
    assert_string_equal(report->seen[4], "v=spf1 \\009\\001~all");
    assert_string_equal(report->seen[5], "");
    sv_judge_free(judge);
    zone_free(zone);
}

/* Everything that is given away may be changed or freed after sv_judge_new. */
static void nothing_of_expect_is_borrowed(void **state)
{
    char domain[] = "client.com";
    char token[] = TOKEN_1;
    char zone_name[] = DKIM_ZONE;
    char policy[] = "v=DMARC1; p=none";
    struct sv_expect expect = {.domain = domain,
                               .dkim_tokens = {token},
                               .dkim_tokens_count = 1,
                               .dkim_zone = zone_name,
                               .dmarc_policy = policy};
    struct sv_judge *judge = sv_judge_new(&expect, domain);

    (void)state;
    memset(domain, 'x', strlen(domain));
    memset(token, 'x', strlen(token));
    memset(zone_name, 'x', strlen(zone_name));
    memset(policy, 'x', strlen(policy));
    memset(&expect, 0xff, sizeof(expect));
    assert_string_equal(sv_judge_report(judge)->records[0].name, TOKEN_1 "._domainkey.client.com");
    assert_string_equal(sv_judge_report(judge)->records[0].host, TOKEN_1 "._domainkey");
    assert_string_equal(sv_judge_report(judge)->records[0].value, TOKEN_1 "." DKIM_ZONE);
    assert_string_equal(sv_judge_report(judge)->records[2].value, "v=DMARC1; p=none");
    sv_judge_free(judge);
    sv_judge_free(NULL);
}

/* An answer that contradicts itself says nothing. */
static void contradictions_are_unknown(void **state)
{
    const struct scenario empty = {.dns = ""};
    static const struct sv_rr elsewhere = {
        .owner = "other.example", .type = SV_RR_CNAME, .target = "x.example"};
    static const struct sv_rr text = {
        .owner = "client.com", .type = SV_RR_TXT, .text = (const uint8_t *)"a", .text_bytes = 1};
    struct sv_judge *judge = scenario_judge(&empty);
    struct sv_dns_question question;

    (void)state;
    while (sv_judge_next(judge, &question)) {
        struct sv_dns_answer answer = {.outcome = SV_DNS_DATA};
        if (question.type == SV_RR_CNAME) {
            answer.records = &elsewhere; /* data, but no alias at the name asked */
            answer.records_count = 1;
        } else if (question.name[0] == '_' || question.type != SV_RR_TXT) {
            answer.outcome = SV_DNS_DATA; /* data without any */
        } else {
            answer.outcome = SV_DNS_NODATA; /* no data, but here it is */
            answer.records = &text;
            answer.records_count = 1;
        }
        sv_judge_answer(judge, &question, &answer);
    }
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(sv_judge_report(judge)->statuses[i], SV_RECORD_UNKNOWN);
    assert_int_equal(sv_judge_report(judge)->findings_count, 0);
    sv_judge_free(judge);
}

/* A resolver that runs into a loop has seen the alias all the same. */
static void an_alias_counts_though_nothing_is_behind_it(void **state)
{
    static const struct sv_rr alias = {
        .owner = "mail.client.com", .type = SV_RR_CNAME, .target = "mail.client.com"};
    const struct sv_dns_answer answer = {
        .trouble = SV_DNS_ALIAS_LOOP, .records = &alias, .records_count = 1, .server = "x"};
    struct zone *zone = zone_new(right.dns);
    struct sv_judge *judge = scenario_judge(&right);
    struct sv_dns_question question;
    const struct sv_dns_answer *other;

    (void)state;
    while (sv_judge_next(judge, &question)) {
        assert_true(zone_look(zone, &question, &other));
        sv_judge_answer(judge, &question, question.type == SV_RR_MX ? &answer : other);
    }
    assert_int_equal(sv_judge_report(judge)->findings_count, 2); /* the TXT is beside it */
    assert_int_equal(sv_judge_report(judge)->findings[0].code, SV_F_DNS_CNAME_OTHER_DATA);
    assert_int_equal(sv_judge_report(judge)->findings[1].code, SV_F_MAILFROM_IS_CNAME);
    assert_int_equal(sv_judge_report(judge)->mail_from, SV_RECORD_WRONG);
    sv_judge_free(judge);
    zone_free(zone);
}

/* Names that no DNS can hold are left out, and the rest is judged. */
static void names_too_long_are_left_out(void **state)
{
    char domain[SV_NAME_BYTES] = "";
    struct scenario longest = {.domain = domain, .dns = "", .told = TOLD_OWNERSHIP};
    struct zone *zone = zone_new("");
    struct sv_judge *judge;

    (void)state;
    for (size_t i = 0; i + 1 < sizeof(domain); i++)
        domain[i] = i % 50 == 49 ? '.' : 'a';
    judge = scenario_judge(&longest);
    assert_int_equal(scenario_ask(judge, zone), 2); /* TXT, then type 99 */
    assert_int_equal(sv_judge_report(judge)->records_count, 1);
    assert_int_equal(sv_judge_report(judge)->records[0].kind, SV_RECORD_SPF);
    assert_int_equal(sv_judge_report(judge)->required, SV_RECORD_UNKNOWN);
    sv_judge_free(judge);
    zone_free(zone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(questions_are_handed_out_once),
        cmocka_unit_test(a_right_domain_costs_few_more_than_its_records),
        cmocka_unit_test(an_empty_domain_costs_few_more),
        cmocka_unit_test(doubled_records_are_found_within_the_probes),
        cmocka_unit_test(the_report_can_be_had_at_any_time),
        cmocka_unit_test(a_report_asks_for_nothing),
        cmocka_unit_test(foreign_and_repeated_answers_are_ignored),
        cmocka_unit_test(an_answer_before_its_question_is_ignored),
        cmocka_unit_test(the_case_of_the_question_does_not_matter),
        cmocka_unit_test(every_combination_of_missing_answers),
        cmocka_unit_test(an_alias_is_asked_for_where_its_key_leaves_it_open),
        cmocka_unit_test(an_alias_that_came_with_its_key_has_its_own_ttl),
        cmocka_unit_test(what_was_seen_is_told),
        cmocka_unit_test(nothing_of_expect_is_borrowed),
        cmocka_unit_test(contradictions_are_unknown),
        cmocka_unit_test(an_alias_counts_though_nothing_is_behind_it),
        cmocka_unit_test(names_too_long_are_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
