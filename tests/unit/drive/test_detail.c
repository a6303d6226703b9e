#include "sv/detail.h"

#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "sv/json.h"

static const struct sv_evidence nsd = {.server = "192.0.2.1:53",
                                       .outcome = SV_DNS_NXDOMAIN,
                                       .rcode = 3,
                                       .aa = true,
                                       .tcp = true,
                                       .ede = 1,
                                       .ttl_s = 900,
                                       .at = 1700000000123};
static const struct sv_evidence lame = {
    .server = "[2001:db8::1]:53", .trouble = SV_DNS_REFUSED, .rcode = 5, .at = 1700000000456};

static struct sv_finding missing(unsigned number)
{
    struct sv_finding out = {.code = SV_F_DKIM_CNAME_MISSING,
                             .severity = SV_WARNING, /* lowered: not the catalogue's */
                             .expected = "t.dkim.amazonses.com",
                             .found = "TXT \"x\"",
                             .other = "other.a.com",
                             .number = 7,
                             .until = 1700000900000,
                             .evidence = nsd,
                             .witnesses_count = 2,
                             .witnesses = {lame, nsd}};

    (void)snprintf(out.owner, sizeof(out.owner), "t%u._domainkey.a.com", number);
    return out;
}

static json_t *list_of(size_t count)
{
    json_t *list = sv_json_array();

    for (size_t i = 0; i < count; i++) {
        struct sv_finding finding = missing((unsigned)i);

        sv_json_append(list, sv_json_finding(&finding, "a.com"));
    }
    return list;
}

static void findings_come_back_whole(void **state)
{
    json_t *findings = list_of(2), *back;
    char *text = sv_detail_write(findings, false, 1700000000123);

    (void)state;
    back = sv_detail_read(text, "a.com");
    assert_true(json_equal(json_object_get(back, "findings"), findings));
    assert_string_equal(sv_json_str(back, "observed_at"), "2023-11-14T22:13:20.123Z");
    assert_int_equal(json_integer_value(json_object_get(back, "findings_omitted")), 0);
    assert_true(json_is_false(json_object_get(back, "authority_closed")));
    assert_int_equal(json_array_size(json_object_get(back, "changes")), 0);
    json_decref(back);
    json_decref(findings);
    free(text);
}

static void findings_without_evidence_come_back_whole(void **state)
{
    struct sv_finding finding = {
        .code = SV_F_SPF_MISSING, .severity = SV_WARNING, .owner = "a.com"};
    json_t *findings = sv_json_array(), *back;
    char *text;

    (void)state;
    sv_json_append(findings, sv_json_finding(&finding, "a.com"));
    text = sv_detail_write(findings, false, 1);
    back = sv_detail_read(text, "a.com");
    assert_true(json_equal(json_object_get(back, "findings"), findings));
    json_decref(back);
    json_decref(findings);
    free(text);
}

static void many_findings_lose_witnesses_then_the_last_ones(void **state)
{
    json_t *findings = list_of(32), *back, *list, *first;
    char *text = sv_detail_write(findings, false, 1700000000123);
    size_t kept;

    (void)state;
    assert_in_range(strlen(text), SV_DETAIL_FINDINGS_BYTES_MAX - 300, SV_DETAIL_FINDINGS_BYTES_MAX);
    back = sv_detail_read(text, "a.com");
    list = json_object_get(back, "findings");
    kept = json_array_size(list);
    first = json_array_get(list, 0);
    assert_true(kept >= 8);
    assert_int_equal(json_array_size(json_object_get(first, "witnesses")), 0);
    assert_string_equal(sv_json_str(first, "owner"), "t0._domainkey.a.com");
    assert_int_equal(json_integer_value(json_object_get(back, "findings_omitted")), 32 - kept);
    assert_int_equal(json_array_size(findings), 32); /* the caller's list is untouched */
    json_decref(back);
    json_decref(findings);
    free(text);
}

/* Every value as long as it gets, and of characters that take two in JSON: none is lost to nothing.
 */
static void the_longest_finding_is_kept(void **state)
{
    struct sv_finding finding = {.code = SV_F_DNS_NS_INCONSISTENT,
                                 .severity = SV_ERROR,
                                 .number = UINT32_MAX,
                                 .until = 1700000000000};
    json_t *findings = sv_json_array(), *back;
    char *text;

    (void)state;
    memset(finding.owner, '\\', sizeof(finding.owner) - 1);
    memset(finding.expected, '"', sizeof(finding.expected) - 1);
    memset(finding.found, '\\', sizeof(finding.found) - 1);
    memset(finding.other, '"', sizeof(finding.other) - 1);
    memset(finding.evidence.server, '\\', sizeof(finding.evidence.server) - 1);
    for (size_t i = 0; i < SV_FINDINGS_MAX; i++)
        sv_json_append(findings, sv_json_finding(&finding, "a.com"));
    text = sv_detail_write(findings, false, 1700000000123);
    assert_true(strlen(text) <= SV_DETAIL_FINDINGS_BYTES_MAX);
    back = sv_detail_read(text, "a.com");
    assert_int_equal(json_array_size(json_object_get(back, "findings")), 1);
    assert_int_equal(json_integer_value(json_object_get(back, "findings_omitted")),
                     SV_FINDINGS_MAX - 1);
    json_decref(back);
    json_decref(findings);
    free(text);
}

/* Findings were once kept whole, as an array: such a value is dropped, and written anew by the next
 * look. */
static void what_an_older_version_kept_is_dropped(void **state)
{
    static const char *const texts[] = {"[{\"code\":\"spf_missing\",\"owner\":\"a.com\"}]",
                                        "{\"findings\":{\"code\":1},\"at\":\"x\",\"omitted\":[]}",
                                        "{\"findings\":[{\"c\":\"spf_missing\",\"by\":[7,{},[]]}]",
                                        "{", "\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        json_t *back = sv_detail_read(texts[i], "a.com");

        assert_int_equal(json_array_size(json_object_get(back, "findings")), 0);
        assert_int_equal(json_array_size(json_object_get(back, "changes")), 0);
        assert_true(json_is_null(json_object_get(back, "observed_at")));
        json_decref(back);
    }
}

static void nothing_is_nothing(void **state)
{
    json_t *none = sv_json_array(), *back = sv_detail_read(NULL, "a.com");
    char *text = sv_detail_write(none, false, 1);

    (void)state;
    assert_string_equal(text, "");
    assert_true(json_is_null(json_object_get(back, "observed_at")));
    assert_true(json_is_null(json_object_get(back, "authority_closed")));
    assert_int_equal(json_array_size(json_object_get(back, "findings")), 0);
    json_decref(back);
    json_decref(none);
    free(text);
}

static void a_closed_port_is_kept_with_and_without_findings(void **state)
{
    (void)state;
    for (size_t count = 0; count <= 2; count++) {
        json_t *findings = list_of(count), *back;
        char *text = sv_detail_write(findings, true, 1700000000123);

        back = sv_detail_read(text, "a.com");
        assert_true(json_is_true(json_object_get(back, "authority_closed")));
        assert_true(json_equal(json_object_get(back, "findings"), findings));
        assert_string_equal(sv_json_str(back, "observed_at"), "2023-11-14T22:13:20.123Z");
        json_decref(back);
        json_decref(findings);
        free(text);
    }
}

static void what_cannot_be_read_is_left_out(void **state)
{
    static const char text[] =
        "{\"at\":1,\"findings\":[{\"c\":\"of_tomorrow\",\"o\":\"a.com\"},7,{}]}\n"
        "no json\n[1]\n{\"k\":\"updated\",\"t\":\"verified\",\"v\":\"owWu?\"}";
    json_t *back = sv_detail_read(text, "a.com"), *changes, *records;
    json_t *finding = json_array_get(json_object_get(back, "findings"), 0);

    (void)state;
    assert_int_equal(json_array_size(json_object_get(back, "findings")), 1);
    assert_string_equal(sv_json_str(finding, "code"), "of_tomorrow");
    changes = json_object_get(back, "changes");
    assert_int_equal(json_array_size(changes), 1);
    records = json_object_get(json_array_get(changes, 0), "records");
    assert_string_equal(json_string_value(json_array_get(records, 0)), "ok");
    assert_string_equal(json_string_value(json_array_get(records, 1)), "wrong");
    assert_string_equal(json_string_value(json_array_get(records, 2)), "waiting");
    assert_string_equal(json_string_value(json_array_get(records, 4)), "unknown");
    json_decref(back);
}

/* ---- changes ---- */

struct scene {
    struct sv_record_sheet before, after;
    struct sv_effects effects;
    struct sv_event_facts facts;
};

static void set_scene(struct scene *scene, enum sv_news news)
{
    *scene = (struct scene){.effects = {.news = news,
                                        .from = SV_STATUS_VERIFIED,
                                        .to = SV_STATUS_VERIFIED,
                                        .reason = SV_REASON_CHANGED,
                                        .shown = SV_CONCLUSION_ALL_GOOD}};
    scene->facts = (struct sv_event_facts){.before = &scene->before,
                                           .after = &scene->after,
                                           .effects = &scene->effects,
                                           .now = 1700000000123};
}

static void add_code(json_t *findings, const char *code, const char *severity)
{
    json_t *finding = sv_json_object();

    sv_json_set_str(finding, "code", code);
    sv_json_set_str(finding, "severity", severity);
    sv_json_append(findings, finding);
}

static void put_before(char *history, size_t bytes, char *line)
{
    size_t line_len = line != NULL ? strlen(line) : 0;
    size_t older_len = strlen(history);

    assert_non_null(line);
    assert_true(older_len + line_len + 2 <= bytes);
    memmove(history + 1 + line_len, history, older_len + 1);
    history[0] = '\n';
    memcpy(history + 1, line, line_len);
    free(line);
}

static void expect_list(const json_t *change, const char *key, const char *wanted)
{
    char *text = json_dumps(json_object_get(change, key), JSON_COMPACT | JSON_ENCODE_ANY);

    assert_string_equal(text, wanted);
    free(text);
}

static void changes_tell_what_came_and_what_went(void **state)
{
    struct scene scene;
    char history[4096] = "";
    json_t *findings = sv_json_array(), *back, *changes, *newest;

    (void)state;
    set_scene(&scene, SV_NEWS_UPDATED);
    scene.facts.findings = findings;
    add_code(findings, "dkim_cname_missing", "error");
    add_code(findings, "dkim_cname_missing", "error");
    add_code(findings, "dns_servfail", "temporary");
    scene.after.domain.findings[SV_GROUP_DKIM] = 5;
    put_before(history, sizeof(history), sv_change_write(&scene.facts, true));
    scene.before = scene.after;
    scene.effects.to = SV_STATUS_AT_RISK;
    scene.effects.reason = SV_REASON_RECORDS_WRONG;
    scene.effects.shown = SV_CONCLUSION_RECORD_GONE;
    put_before(history, sizeof(history), sv_change_write(&scene.facts, true));
    json_array_clear(findings);
    add_code(findings, "spf_missing", "warning");
    scene.after.domain.findings[SV_GROUP_DKIM] = 6;
    put_before(history, sizeof(history), sv_change_write(&scene.facts, true));
    back = sv_detail_read(history, "a.com");
    changes = json_object_get(back, "changes");
    assert_int_equal(json_array_size(changes), 3);
    newest = json_array_get(changes, 0);
    expect_list(newest, "came", "[\"spf_missing\"]");
    expect_list(newest, "went", "[\"dkim_cname_missing\"]");
    expect_list(json_array_get(changes, 1), "came", "null"); /* its findings did not change */
    expect_list(json_array_get(changes, 2), "came", "[\"dkim_cname_missing\"]");
    assert_string_equal(sv_json_str(json_array_get(changes, 1), "from"), "verified");
    assert_string_equal(sv_json_str(json_array_get(changes, 1), "to"), "at_risk");
    assert_string_equal(sv_json_str(json_array_get(changes, 1), "reason"),
                        "required_records_wrong");
    json_decref(back);
    json_decref(findings);
}

static void half_a_look_compares_no_codes(void **state)
{
    struct scene scene;
    char *line;

    (void)state;
    set_scene(&scene, SV_NEWS_UPDATED);
    scene.after.domain.findings[SV_GROUP_SPF] = 5;
    line = sv_change_write(&scene.facts, false);
    assert_null(strstr(line, "\"n\""));
    free(line);
}

static void what_ses_says_is_kept_where_it_changed(void **state)
{
    struct scene scene;
    json_t *back, *change;
    char history[600] = "";

    (void)state;
    set_scene(&scene, SV_NEWS_UPDATED);
    scene.before.domain.dkim = SV_AXIS_PENDING;
    scene.after.domain.dkim = SV_AXIS_FAILED;
    (void)snprintf(scene.after.registration.verdicts, sizeof(scene.after.registration.verdicts),
                   "oow");
    put_before(history, sizeof(history), sv_change_write(&scene.facts, true));
    back = sv_detail_read(history, "a.com");
    change = json_array_get(json_object_get(back, "changes"), 0);
    expect_list(change, "set", "{\"dkim\":\"failed\"}");
    expect_list(change, "records", "[\"ok\",\"ok\",\"wrong\"]");
    json_decref(back);
}

static void the_longest_change_fits(void **state)
{
    struct scene scene;
    json_t *findings = sv_json_array();
    char *line;

    (void)state;
    set_scene(&scene, SV_NEWS_FAILED);
    scene.facts.findings = findings;
    scene.after.domain.findings[SV_GROUP_DKIM] = 5;
    for (int code = SV_F_NONE + 1; code < SV_F_NONE + 33; code++)
        add_code(findings, sv_finding_name((enum sv_finding_code)code), "error");
    line = sv_change_write(&scene.facts, true);
    assert_non_null(line);
    assert_in_range(strlen(line), 20, SV_STORE_CHANGE_BYTES_MAX);
    assert_non_null(strstr(line, "\"failed\""));
    free(line);
    json_decref(findings);
}

static void no_news_is_no_change(void **state)
{
    struct scene scene;

    (void)state;
    set_scene(&scene, SV_NEWS_NONE);
    assert_null(sv_change_write(&scene.facts, true));
    set_scene(&scene, SV_NEWS_REGISTERED);
    assert_null(sv_change_write(&scene.facts, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(findings_come_back_whole),
        cmocka_unit_test(findings_without_evidence_come_back_whole),
        cmocka_unit_test(many_findings_lose_witnesses_then_the_last_ones),
        cmocka_unit_test(the_longest_finding_is_kept),
        cmocka_unit_test(what_an_older_version_kept_is_dropped),
        cmocka_unit_test(nothing_is_nothing),
        cmocka_unit_test(a_closed_port_is_kept_with_and_without_findings),
        cmocka_unit_test(what_cannot_be_read_is_left_out),
        cmocka_unit_test(changes_tell_what_came_and_what_went),
        cmocka_unit_test(half_a_look_compares_no_codes),
        cmocka_unit_test(what_ses_says_is_kept_where_it_changed),
        cmocka_unit_test(the_longest_change_fits),
        cmocka_unit_test(no_news_is_no_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
