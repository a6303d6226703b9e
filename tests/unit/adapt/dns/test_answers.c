/* The memory of answers: how long, for which question, and no more than its limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "answers.h"

static struct sv_dns_question question(const char *name, enum sv_rr_type type, unsigned how)
{
    struct sv_dns_question out = {.type = type, .how = how};

    (void)snprintf(out.name, sizeof(out.name), "%s", name);
    return out;
}

static struct sv_answers *new_answers(void)
{
    return test_calloc(1, sizeof(struct sv_answers));
}

static void free_answers(struct sv_answers *answers)
{
    sv_answers_fini(answers);
    assert_int_equal(answers->count, 0);
    assert_int_equal(answers->bytes, 0);
    test_free(answers);
}

static void test_for_its_ttl(void **state)
{
    static const struct {
        struct sv_dns_answer answer;
        sv_ms keeps_ms;
    } cases[] = {
        {{.outcome = SV_DNS_DATA, .ttl_s = 300}, 300 * SV_SECOND},
        {{.outcome = SV_DNS_DATA, .ttl_s = 0}, 0},
        {{.outcome = SV_DNS_DATA, .ttl_s = 7 * 86400}, SV_DAY},
        {{.outcome = SV_DNS_NODATA, .ttl_s = 60}, 60 * SV_SECOND},
        {{.outcome = SV_DNS_NXDOMAIN, .ttl_s = 60}, 60 * SV_SECOND},
        {{.outcome = SV_DNS_NXDOMAIN, .ttl_s = 86400}, 3 * SV_HOUR},
        {{.trouble = SV_DNS_SERVFAIL, .ttl_s = 60}, 5 * SV_SECOND},
        {{.trouble = SV_DNS_BOGUS}, 5 * SV_SECOND},
        {{.trouble = SV_DNS_TIMEOUT, .ttl_s = 60}, 0},
        {{.trouble = SV_DNS_REFUSED, .ttl_s = 60}, 0},
    };
    const sv_ms now = 1000000;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sv_answers *answers = new_answers();
        struct sv_dns_question asked = question("a.example", SV_RR_TXT, 0);
        sv_answers_keep(answers, &asked, &cases[i].answer, now);
        assert_int_equal(sv_answers_find(answers, &asked, now) != NULL, cases[i].keeps_ms > 0);
        if (cases[i].keeps_ms > 0)
            assert_non_null(sv_answers_find(answers, &asked, now + cases[i].keeps_ms - 1));
        assert_null(sv_answers_find(answers, &asked, now + cases[i].keeps_ms));
        free_answers(answers);
    }
}

static void test_for_this_question_only(void **state)
{
    struct sv_answers *answers = new_answers();
    struct sv_dns_answer answer = {.outcome = SV_DNS_DATA, .ttl_s = 60};
    struct sv_dns_question kept = question("a.example", SV_RR_TXT, 0);
    struct sv_dns_question others[] = {question("b.example", SV_RR_TXT, 0),
                                       question("a.example", SV_RR_MX, 0),
                                       question("a.example", SV_RR_TXT, SV_ASK_UNCHECKED)};

    (void)state;
    sv_answers_keep(answers, &kept, &answer, 0);
    assert_non_null(sv_answers_find(answers, &kept, 1));
    for (size_t i = 0; i < 3; i++)
        assert_null(sv_answers_find(answers, &others[i], 1));
    free_answers(answers);
}

/* The newer one replaces the older, and silence after an answer takes it away. */
static void test_the_newest_counts(void **state)
{
    struct sv_answers *answers = new_answers();
    struct sv_dns_question asked = question("a.example", SV_RR_TXT, 0);
    struct sv_dns_answer answer = {.outcome = SV_DNS_DATA, .ttl_s = 60};

    (void)state;
    sv_answers_keep(answers, &asked, &answer, 0);
    answer.outcome = SV_DNS_NODATA;
    sv_answers_keep(answers, &asked, &answer, 1);
    assert_int_equal(answers->count, 1);
    assert_int_equal(sv_answers_find(answers, &asked, 2)->outcome, SV_DNS_NODATA);
    free_answers(answers);
}

static void test_no_more_than_its_limits(void **state)
{
    struct sv_answers *answers = new_answers();
    static uint8_t text[60000];
    struct sv_rr record = {.owner = "a", .type = SV_RR_TXT, .text = text};
    struct sv_dns_answer answer = {
        .outcome = SV_DNS_DATA, .ttl_s = 60, .records = &record, .records_count = 1};
    struct sv_dns_question first = question("n0", SV_RR_TXT, 0);
    struct sv_dns_question second = question("n1", SV_RR_TXT, 0);

    (void)state;
    for (unsigned i = 0; i < SV_ANSWERS_MAX + 1; i++) {
        char name[32];
        struct sv_dns_question asked;
        (void)snprintf(name, sizeof(name), "n%u", i);
        asked = question(name, SV_RR_TXT, 0);
        sv_answers_keep(answers, &asked, &answer, 0);
        assert_non_null(sv_answers_find(answers, &first, 0)); /* in use: it stays */
    }
    assert_int_equal(answers->count, SV_ANSWERS_MAX);
    assert_null(sv_answers_find(answers, &second, 0)); /* the oldest in use went */
    record.text_bytes = sizeof(text);
    for (unsigned i = 0; i < 1000; i++) {
        char name[32];
        struct sv_dns_question asked;
        (void)snprintf(name, sizeof(name), "big%u", i);
        asked = question(name, SV_RR_TXT, 0);
        sv_answers_keep(answers, &asked, &answer, 0);
        assert_true(answers->bytes <= SV_ANSWERS_BYTES_MAX);
        assert_non_null(sv_answers_find(answers, &asked, 0));
    }
    free_answers(answers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_for_its_ttl),
        cmocka_unit_test(test_for_this_question_only),
        cmocka_unit_test(test_the_newest_counts),
        cmocka_unit_test(test_no_more_than_its_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
