#include "sv/state.h"

#include <stdio.h>
#include <string.h>

#include "cmocka_all.h"

static struct sv_record_sheet example(void)
{
    struct sv_record_sheet sheet = {
        .domain = {.status = SV_STATUS_VERIFIED,
                   .identity = SV_AXIS_SUCCESS,
                   .dkim = SV_AXIS_SUCCESS,
                   .mail_from = SV_AXIS_PENDING,
                   .signing = SV_TRI_YES,
                   .spf = SV_TRI_NO,
                   .dmarc = SV_TRI_YES,
                   .conclusion = SV_CONCLUSION_ALL_GOOD,
                   .mail_from_wanted = true,
                   .was_verified = true,
                   .findings = {0, 1, 2, 3, 4, 0xffffffff},
                   .records = 0xfffffffe,
                   .drift = SV_DRIFT_MAIL_FROM,
                   .restores = 2,
                   .tries = 3,
                   .caches_until = 1700000003600,
                   .status_since = 1700000000000,
                   .looking_since = 1700000000000,
                   .ses_asked_at = 1700000000001,
                   .detailed_at = 1700000000002,
                   .ses_reason = SV_SES_REASON_OTHER,
                   .ses_checked_at = 1700000000003},
        .registration = {.dkim = SV_DKIM_DEED,
                         .own_key = 7,
                         .tokens_count = 3,
                         .tokens = {"aaa", "bbb", "ccc"},
                         .zone = "dkim.amazonses.com",
                         .verdicts = "ooow",
                         .registered_at = 1699999999999},
    };

    return sheet;
}

/* Redis keeps what is written, and gives the fields back in any order beside those of jobs and
 * scripts. */
static size_t keep(const struct sv_state_fields *written, struct sv_field *kept, size_t count)
{
    for (size_t i = written->count; i-- > 0;) {
        if (written->fields[i].value != NULL)
            kept[count++] = written->fields[i];
    }
    return count;
}

static void what_is_written_is_read_back(void **state)
{
    struct sv_record_sheet sheet = example(), back;
    struct sv_job job = {.type = SV_JOB_REGISTER,
                         .account = "eu",
                         .domain = "a.com",
                         .mail_from = "mail.a.com",
                         .legacy_txt = true};
    struct sv_field kept[2 * SV_STORE_FIELDS_MAX] = {{"seq", "7"},      {"f", "12"},
                                                     {"job", "5-1"},    {"jid", "j"},
                                                     {"jt", "recheck"}, {"zz", "newer"}};
    struct sv_state_fields core, jobs;
    struct sv_errinfo info;
    size_t count = 6;

    (void)state;
    sv_state_write(&sheet, &core);
    sv_state_write_job(&job, &jobs);
    count = keep(&core, kept, count);
    count = keep(&jobs, kept, count);
    assert_int_equal(sv_state_read(kept, count, &back, &info), SV_OK);
    sheet.domain.sequence = 7;
    assert_memory_equal(&back.domain, &sheet.domain, sizeof back.domain);
    assert_string_equal(back.registration.domain, "a.com");
    assert_string_equal(back.registration.account, "eu");
    assert_string_equal(back.registration.mail_from, "mail.a.com");
    assert_true(back.registration.legacy_txt);
    assert_int_equal(back.registration.dkim, SV_DKIM_DEED);
    assert_int_equal(back.registration.own_key, 7);
    assert_int_equal(back.registration.tokens_count, 3);
    assert_string_equal(back.registration.tokens[2], "ccc");
    assert_string_equal(back.registration.verdicts, "ooow");
    assert_string_equal(back.job.entry_id, "5-1");
    assert_int_equal(back.job.type, SV_JOB_RECHECK);
}

static void zeroes_are_deleted(void **state)
{
    struct sv_record_sheet sheet = {.domain = {.status = SV_STATUS_PENDING}};
    struct sv_state_fields out;
    size_t written = 0;

    (void)state;
    sv_state_write(&sheet, &out);
    for (size_t i = 0; i < out.count; i++)
        written += out.fields[i].value != NULL;
    assert_int_equal(written, 1); /* the status alone */
}

static void impossible_values_are_named(void **state)
{
    static const struct sv_field rows[] = {
        {"st", "sending"}, {"i", "8"},           {"dk", "-1"}, {"b", "99"},
        {"nx", "1e9"},     {"g3", "4294967296"}, {"seq", "x"}, {"ss", "99999999999999999999"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sv_field fields[] = {{"dom", "a.com"}, rows[i]};
        struct sv_record_sheet back;
        struct sv_errinfo info;

        assert_int_equal(sv_state_read(fields, 2, &back, &info), SV_EMALFORMED);
        if (strstr(info.text, rows[i].name) == NULL)
            fail_msg("%s is not named: %s", rows[i].name, info.text);
    }
}

static void a_hash_without_a_domain_is_none(void **state)
{
    struct sv_record_sheet back;
    struct sv_errinfo info;

    (void)state;
    assert_int_equal(sv_state_read(NULL, 0, &back, &info), SV_EMALFORMED);
}

static void the_longest_values_fit(void **state)
{
    struct sv_record_sheet sheet = example();
    struct sv_state_fields out;

    (void)state;
    for (size_t i = 0; i < SV_SES_TOKENS_MAX; i++)
        (void)memset(sheet.registration.tokens[i], 'k', sizeof sheet.registration.tokens[i] - 1);
    (void)memset(sheet.registration.zone, 'z', sizeof sheet.registration.zone - 1);
    (void)memset(sheet.registration.ownership_token, 't',
                 sizeof sheet.registration.ownership_token - 1);
    sheet.domain.status_since = sheet.domain.ses_asked_at = INT64_MAX;
    sv_state_write(&sheet, &out); /* aborts when it does not fit */
    assert_true(out.count <= SV_STORE_FIELDS_MAX);
}

/* The records of a key of the operator's own are known while the settings hold that very key. */
static void an_own_key_is_known_by_its_digest(void **state)
{
    static const struct sv_ses_setup ours = {
        .dkim = SV_DKIM_BYODKIM, .selector = "s1", .public_key = "MIIB"};
    static const struct sv_ses_setup rotated = {
        .dkim = SV_DKIM_BYODKIM, .selector = "s1", .public_key = "MIIC"};
    static const struct sv_ses_setup easy = {.dkim = SV_DKIM_EASY};
    struct sv_registration registration = {
        .dkim = SV_DKIM_BYODKIM, .tokens_count = 1, .tokens = {"s1"}};
    const struct sv_ses_setup *const others[] = {&rotated, &easy, NULL};
    struct sv_expect expect = {.domain = "a.com"};

    (void)state;
    assert_int_equal(sv_state_key_digest(NULL), 0);
    registration.own_key = sv_state_key_digest(ours.public_key);
    sv_state_expect_dkim(&registration, &ours, &expect);
    assert_string_equal(expect.byodkim_selector, "s1");
    assert_string_equal(expect.byodkim_key, "MIIB");
    assert_int_equal(expect.dkim_tokens_count, 0);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        expect = (struct sv_expect){.domain = "a.com"};
        sv_state_expect_dkim(&registration, others[i], &expect);
        assert_string_equal(expect.byodkim_selector, "s1");
        assert_null(expect.byodkim_key);
    }
    registration.own_key = 0; /* somebody gave SES a key at this selector, not we */
    expect = (struct sv_expect){.domain = "a.com"};
    sv_state_expect_dkim(&registration, &ours, &expect);
    assert_null(expect.byodkim_key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_own_key_is_known_by_its_digest),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(zeroes_are_deleted),
        cmocka_unit_test(impossible_values_are_named),
        cmocka_unit_test(a_hash_without_a_domain_is_none),
        cmocka_unit_test(the_longest_values_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
