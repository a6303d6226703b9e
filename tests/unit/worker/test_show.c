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

/* What is printed for a finding about the one wrong record a.com. */
static const char *publish(const char *type, const char *value, const char *expected)
{
    json_t *finding = sv_json_object(), *record = sv_json_object(), *records = sv_json_array();
    struct sv_show show = begin();

    sv_json_set_str(finding, "owner", "a.com");
    sv_json_set_str(finding, "severity", "error");
    sv_json_set_str(finding, "expected", expected);
    sv_json_set_str(record, "name", "A.com");
    sv_json_set_str(record, "host", "@");
    sv_json_set_str(record, "type", type);
    sv_json_set_str(record, "value", value);
    sv_json_set_int(record, "ttl", 1800);
    sv_json_set_str(record, "status", "wrong");
    sv_json_append(records, record);
    sv_show_publish(&show, finding, records);
    end(&show);
    json_decref(records);
    json_decref(finding);
    return out;
}

static void a_value_to_paste_is_never_broken(void **state)
{
    static const char value[] =
        "v=DMARC1; p=quarantine; rua=mailto:dmarc-reports@a-rather-long-name"
        ".example, mailto:second@example.com";

    (void)state;
    (void)publish("TXT", value, value);
    assert_int_equal(strncmp(out, "    publish   A.com. 1800 IN TXT \"", 34), 0);
    assert_int_equal(strncmp(out + 34, value, strlen(value)), 0);
    assert_string_equal(out + 34 + strlen(value),
                        "\"\n    as host   @ (where the panel adds the domain)\n");
    assert_non_null(strstr(publish("MX", "10 mail.b.com", ""), " IN MX 10 mail.b.com.\n"));
    assert_non_null(strstr(publish("TXT", "a\"b\\c", ""), " IN TXT \"a\\\"b\\\\c\"\n"));
}

static void a_long_text_is_published_in_strings_of_255(void **state)
{
    char value[401] = "";

    (void)state;
    memset(value, 'k', sizeof(value) - 1);
    assert_null(strstr(publish("TXT", value, ""), "kkk\n"));
    assert_int_equal(strcspn(strchr(out, '"') + 1, "\""), 255);
    assert_int_equal(strspn(strstr(out, "\" \"") + 3, "k"), 400 - 255);
}

/* Receivers would refuse everything else that the client sends. */
static void other_senders_are_never_pasted_over(void **state)
{
    static const char ses[] = "v=spf1 include:amazonses.com ~all";
    char cut[SV_FINDING_VALUE_BYTES] = "v=spf1 ";

    (void)state;
    assert_non_null(strstr(publish("TXT", ses, ses), ses));
    assert_non_null(strstr(publish("TXT", ses, "v=spf1 mx include:amazonses.com -all"),
                           "\"v=spf1 mx include:amazonses.com -all\"\n"));
    assert_string_equal(publish("TXT", ses, ""), "");
    assert_string_equal(publish("TXT", ses, "include:amazonses.com"), "");
    assert_string_equal(publish("TXT", "v=DMARC1; p=none", "p=none"), "");
    memset(cut + 7, 'x', sizeof(cut) - 8);
    assert_string_equal(publish("TXT", ses, cut), "");
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
        cmocka_unit_test(a_long_text_is_published_in_strings_of_255),
        cmocka_unit_test(other_senders_are_never_pasted_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
