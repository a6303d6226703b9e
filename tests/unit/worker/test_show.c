/* What `check` and `explain` print, word for word: what is to be repaired, what comes next. */
#include <stdio.h>
#include <string.h>

#include "cmocka_all.h"
#include "show.h"
#include "sv/json.h"

enum { OUTPUT_BYTES = 4096 };

static const sv_ms now = 1700000000000; /* 2023-11-14T22:13:20Z */

static char out[OUTPUT_BYTES];

static struct sv_show begin(void)
{
    memset(out, 0, sizeof(out));
    return (struct sv_show){.out = fmemopen(out, sizeof(out), "w"), .now = now};
}

static void end(struct sv_show *show)
{
    assert_int_equal(fclose(show->out), 0);
}

static void add(json_t *findings, const char *severity, const char *code)
{
    json_t *finding = sv_json_object();

    sv_json_set_str(finding, "severity", severity);
    sv_json_set_str(finding, "code", code);
    sv_json_append(findings, finding);
}

static void an_error_is_repaired_before_what_could_not_be_found_out(void **state)
{
    json_t *findings = sv_json_array();

    (void)state;
    assert_int_equal(sv_show_primary(findings), -1);
    add(findings, "info", "a");
    assert_int_equal(sv_show_primary(findings), -1);
    add(findings, "temporary", "b");
    add(findings, "warning", "c");
    assert_int_equal(sv_show_primary(findings), 1);
    add(findings, "error", "d");
    add(findings, "error", "e");
    assert_int_equal(sv_show_primary(findings), 3);
    json_decref(findings);
}

static void print_findings(const json_t *findings, bool right)
{
    struct sv_show show = begin();
    const struct sv_show_more more = {.right = right};

    sv_show_findings(&show, findings, NULL, &more);
    end(&show);
}

static void nothing_is_the_cause_where_all_is_right(void **state)
{
    json_t *findings = sv_json_array();

    (void)state;
    add(findings, "temporary", "b");
    print_findings(findings, false);
    assert_non_null(strstr(out, "b  <- the cause, as far as can be told now\n"));
    print_findings(findings, true);
    assert_null(strstr(out, "<-"));
    json_decref(findings);
    findings = sv_json_array();
    add(findings, "warning", "c");
    print_findings(findings, true);
    assert_non_null(strstr(out, "c  <- repair this first\n"));
    json_decref(findings);
}

static void nothing_kept_reaches_the_terminal_raw(void **state)
{
    static const char *const keys[] = {"owner", "expected", "found", "advice"};
    json_t *findings = sv_json_array(), *finding;

    (void)state;
    add(findings, "error", "x\033[31m");
    finding = json_array_get(findings, 0);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        sv_json_set_str(finding, keys[i], "a\033]0;\xc2\x9b\xe2\x80\xae\rb");
    print_findings(findings, false);
    for (const char *at = out; *at != '\0'; at++)
        assert_true(*at == '\n' || (*at >= ' ' && *at <= '~'));
    json_decref(findings);
}

static void what_is_over_does_not_happen_next(void **state)
{
    json_t *forecast = sv_json_array();

    (void)state;
    sv_show_foresee(forecast, now, 0, "never", "x");
    sv_show_foresee(forecast, now, now - 1, "over", "x");
    sv_show_foresee(forecast, now, now + 60000, "second", "x");
    sv_show_foresee(forecast, now, now, "first", "x");
    sv_show_foresee(forecast, now, now + 86400000, "third", "x");
    sv_show_foresee(forecast, now, now + 60000, "second", "x");
    assert_int_equal(json_array_size(forecast), 3);
    for (size_t i = 0; i < 3; i++) {
        static const char *const wanted[] = {"first", "second", "third"};

        assert_string_equal(sv_json_str(json_array_get(forecast, i), "what"), wanted[i]);
    }
    json_decref(forecast);
}

static void what_happens_next_is_in_time_order_and_fits_the_page(void **state)
{
    json_t *forecast = sv_json_array();
    struct sv_show show = begin();

    (void)state;
    sv_show_foresee(forecast, now, now + 7200000, "b",
                    "by then every resolver sees the records that are right at their source");
    sv_show_foresee(forecast, now, now, "a", "the domain is being looked at");
    sv_show_forecast(&show, forecast);
    end(&show);
    assert_string_equal(out, "\nWhat happens next\n"
                             "  22:13 UTC (now)                   the domain is being looked at\n"
                             "  2023-11-15 00:13 UTC (in 2 h)     by then every resolver sees the "
                             "records that are right at their\n"
                             "                                    source\n");
    json_decref(forecast);
}

static void a_value_to_paste_is_never_broken(void **state)
{
    json_t *finding = sv_json_object(), *record = sv_json_object(), *records = sv_json_array();
    const char *value =
        "v=DMARC1; p=quarantine; rua=mailto:dmarc-reports@a-rather-long-name.example, "
        "mailto:second@example.com";
    char wanted[512];
    struct sv_show show = begin();

    (void)state;
    sv_json_set_str(finding, "owner", "_dmarc.a.com");
    sv_json_set_str(finding, "severity", "error");
    sv_json_set_str(record, "name", "_DMARC.a.com");
    sv_json_set_str(record, "type", "TXT");
    sv_json_set_str(record, "value", value);
    sv_json_set_int(record, "ttl", 1800);
    sv_json_set_str(record, "status", "wrong");
    sv_json_append(records, record);
    sv_show_publish(&show, finding, records);
    end(&show);
    (void)snprintf(wanted, sizeof(wanted), "_DMARC.a.com. 1800 IN TXT \"%s\"\n", value);
    assert_non_null(strstr(out, wanted));
    json_decref(records);
    json_decref(finding);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_is_repaired_before_what_could_not_be_found_out),
        cmocka_unit_test(nothing_is_the_cause_where_all_is_right),
        cmocka_unit_test(nothing_kept_reaches_the_terminal_raw),
        cmocka_unit_test(what_is_over_does_not_happen_next),
        cmocka_unit_test(what_happens_next_is_in_time_order_and_fits_the_page),
        cmocka_unit_test(a_value_to_paste_is_never_broken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
