/* The text of DMARC records where it is meant to hurt. What records mean is in tests/vectors. */
#include <string.h>
#include <time.h>

#include "cmocka_all.h"
#include "dmarc.h"

/* A record is parsed dozens of times in one look, so once must be short whatever it holds. */
static void hostile_records_are_parsed_soon(void **state)
{
    enum { BYTES = 4096, ROUNDS = 100, CPU_MS_MAX = 300 };
    static const char *const fillers[] = {" ", ",", " ,", ", ", "p ", "p,", ";", "p=;", "=", "x"};
    static char text[BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(fillers) / sizeof(*fillers); i++) {
        struct sv_dmarc_record record;
        clock_t start = clock();
        struct sv_line line;
        sv_line_init(&line, text, sizeof(text));
        sv_line_add(&line, "v=DMARC1; p=none");
        while (line.len + sizeof("p= x") < sizeof(text))
            sv_line_add(&line, fillers[i]);
        sv_line_add(&line, "x");
        for (size_t round = 0; round < ROUNDS; round++)
            sv_dmarc_parse((struct sv_span){.text = text, .len = line.len}, &record);
        if ((clock() - start) * 1000 / CLOCKS_PER_SEC >= CPU_MS_MAX)
            fail_msg("\"%s\" many times takes too long", fillers[i]);
    }
}

/* A semicolon that was lost is seen however wide the gap is, and nowhere else. */
static void a_lost_semicolon_is_seen(void **state)
{
    static const struct {
        const char *text;
        enum sv_dmarc_fault fault; /* of its second tag */
    } cases[] = {
        {"v=DMARC1; p=none rua=mailto:a@x.com", SV_DMARC_FAULT_JOINED},
        {"v=DMARC1; p=none,rua=mailto:a@x.com", SV_DMARC_FAULT_JOINED},
        {"v=DMARC1; p=none ,    rua  = mailto:a@x.com", SV_DMARC_FAULT_JOINED},
        {"v=DMARC1; rua=mailto:a@x.com, mailto:b@x.com", SV_DMARC_FAULT_NONE},
        {"v=DMARC1; rua=mailto:a@x.com?p=none", SV_DMARC_FAULT_NONE},
        {"v=DMARC1; p=none  ", SV_DMARC_FAULT_NONE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct sv_dmarc_reader reader = {.rest = sv_span_of(cases[i].text)};
        struct sv_dmarc_tag tag;
        assert_true(sv_dmarc_next(&reader, &tag));
        assert_true(sv_dmarc_next(&reader, &tag));
        if (tag.fault != cases[i].fault)
            fail_msg("%s: %d", cases[i].text, (int)tag.fault);
    }
}

/* Texts at the name that were meant to be a record, and texts that were not. */
static void a_policy_without_a_version_is_a_record_that_went_wrong(void **state)
{
    static const struct {
        const char *text;
        bool malformed;
    } cases[] = {{"p=none; rua=mailto:a@x.com", true},
                 {"p=whatever; x=y", false},
                 {"v=DMARC; p=none", true},
                 {"v=spf1 -all", false},
                 {"v=DMARC1; p=none", false},
                 {"DMARC1", true}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        if (sv_dmarc_is_malformed(sv_span_of(cases[i].text)) != cases[i].malformed)
            fail_msg("%s", cases[i].text);
    }
}

static void a_percentage_has_three_digits_at_most(void **state)
{
    static const struct {
        const char *text;
        unsigned percent;
    } cases[] = {{"v=DMARC1; p=none; pct=50", 50},
                 {"v=DMARC1; p=none; pct=050", 50},
                 {"v=DMARC1; p=none; pct=0050", 100},
                 {"v=DMARC1; p=none; pct=101", 100}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct sv_dmarc_record record;
        sv_dmarc_parse(sv_span_of(cases[i].text), &record);
        assert_int_equal(record.percent, cases[i].percent);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_records_are_parsed_soon),
        cmocka_unit_test(a_lost_semicolon_is_seen),
        cmocka_unit_test(a_policy_without_a_version_is_a_record_that_went_wrong),
        cmocka_unit_test(a_percentage_has_three_digits_at_most),
    };

    return cmocka_run_group_tests_name("dmarc", tests, NULL, NULL);
}
