#include "sv/state.h"

#include <stdio.h>
#include <string.h>

#include "../../../lib/drive/state_pack.h"
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
                   .reputation = SV_REPUTATION_REVIEW,
                   .mail = {.sent = 4294967295u,
                            .permanent_bounces = 4294967295u,
                            .transient_bounces = 4294967295u,
                            .tracked = 4294967295u,
                            .complaints = 4294967295u,
                            .advice = SV_ADVICE_ALL},
                   .mail_at = 1700000000002,
                   .reputation_at = 1700000000003,
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
        {"st", "sending"},
        {"i", "8"},
        {"dk", "-1"},
        {"b", "99"},
        {"nx", "1e9"},
        {"g3", "4294967296"},
        {"seq", "x"},
        {"ss", "99999999999999999999"},
        {"rp", "5"},
        {"rq", "1,2,3,4,5"},
        {"rq", "1,2,3,4,5,6,7"},
        {"rq", "1,2,3,4,5,4294967296"},
        {"rq", "-1,2,3,4,5,6"},
        {"rq", "1,,3,4,5,6"},
        {"rq", "1,2,3,4,5,6 "},
        {"rt", "x"},
        {"s", ""},
        {"s", "00000000"},            /* a state is missing */
        {"s", "800000000"},           /* no such axis */
        {"s", "00000000W"},           /* more bits than there are */
        {"s", "00000000!"},           /* no digit */
        {"s", "000000000,ooooooooo"}, /* more verdicts than records */
        {"s", "000000000,,4000000"},  /* 2 to the 36 looks */
        {"s", "000000000,,1,!"},
        {"s", "000000000,,1,="},             /* the same as what? */
        {"s", "000000000,,1,1,=1"},          /* the same, or 1? */
        {"s", "000000000,,1,8000000000000"}, /* out of 63 bits */
        {"s", "000000000,,1,1,1,1,1,1"},     /* a time too many */
        {"g", "4000000"},
        {"g", "1,2,3,4,5,6,7,8"},
        {"g", "1,2,3, 4"},
        {"ka", "0123456789"},
        {"ka", "0123456789012345678901234567890123456789"}, /* where is the other half? */
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

#define LATEST 253402300799999 /* the last millisecond of the year 9999 */

static const char *value_of(const struct sv_state_fields *out, const char *name)
{
    for (size_t i = 0; i < out->count; i++) {
        if (strcmp(out->fields[i].name, name) == 0)
            return out->fields[i].value;
    }
    return "not written at all";
}

/* What a worker of version 1 kept of a domain that waits for its records, as it wrote it. */
static const struct sv_field version_1[] = {
    {"ver", "1"},
    {"cl", "client-000001"},
    {"st", "pending_verification"},
    {"seq", "2"},
    {"f", "2"},
    {"cf", "2"},
    {"nx", "1795937944744"},
    {"acct", "default"},
    {"dom", "d0000001.xxxxxxxxxxxxx.example"},
    {"mfd", "bounce.d0000001.xxxxxxxxxxxxx.example"},
    {"b", "1"},
    {"bu", "1"},
    {"co", "4"},
    {"dk", "3"},
    {"dm", "1"},
    {"g0", "3524089409"},
    {"g2", "3857497316"},
    {"g4", "935257922"},
    {"i", "3"},
    {"k1", "mqzu7razkm7p2sgiujvldycmkfwrtuhk"},
    {"k2", "pyo6pm5o3gp3dyosi3mtwcixajimhmtd"},
    {"k3", "6pry4evjsvu26xvhm236gk3xull6fhpj"},
    {"ls", "1795937042706"},
    {"mf", "3"},
    {"rd", "63532038"},
    {"rg", "1795937042706"},
    {"rv", "wwwwww"},
    {"sa", "1795937043743"},
    {"sg", "2"},
    {"sp", "1"},
    {"ss", "1795937042706"},
    {"tr", "1"},
    {"z", "dkim.amazonses.com"},
    {"fa", "3"},
};
enum { VERSION_1_FIELDS = sizeof version_1 / sizeof version_1[0] };

static bool is_written(const struct sv_state_fields *out, const char *name)
{
    for (size_t i = 0; i < out->count; i++) {
        if (strcmp(out->fields[i].name, name) == 0)
            return true;
    }
    return false;
}

/* The hash after the commit: what is not written stays as it was. */
static size_t commit_over(const struct sv_field *before, size_t before_count,
                          const struct sv_state_fields *out, struct sv_field *after)
{
    size_t count = keep(out, after, 0);

    for (size_t i = 0; i < before_count; i++) {
        if (!is_written(out, before[i].name))
            after[count++] = before[i];
    }
    return count;
}

static void version_1_becomes_version_2(void **state)
{
    struct sv_record_sheet old, back;
    struct sv_state_fields out;
    struct sv_field kept[2 * SV_STORE_FIELDS_MAX];
    struct sv_errinfo info;
    size_t count;

    (void)state;
    assert_int_equal(sv_state_read(version_1, VERSION_1_FIELDS, &old, &info), SV_OK);
    assert_int_equal(old.version, 1);
    assert_int_equal(old.domain.identity, SV_AXIS_PENDING);
    assert_int_equal(old.domain.conclusion, SV_CONCLUSION_DNS_WRONG);
    assert_int_equal(old.domain.findings[SV_GROUP_DMARC], 935257922);
    assert_int_equal(old.domain.records, 63532038);
    assert_int_equal(old.domain.ses_asked_at, 1795937043743);
    assert_int_equal(old.domain.faults, 3);
    assert_string_equal(old.registration.verdicts, "wwwwww");
    assert_string_equal(old.registration.zone, "dkim.amazonses.com");
    assert_string_equal(old.registration.mail_from, "bounce.d0000001.xxxxxxxxxxxxx.example");
    sv_state_write(&old, &out);
    count = commit_over(version_1, VERSION_1_FIELDS, &out, kept);
    assert_int_equal(count, 15); /* ver cl seq f cf nx acct dom mfd of before; st s g ka kb fa */
    for (size_t i = 0; i < count; i++) {
        if (strcmp(kept[i].name, "ver") == 0)
            kept[i].value = "2"; /* the script's */
    }
    assert_int_equal(sv_state_read(kept, count, &back, &info), SV_OK);
    assert_int_equal(back.version, 2);
    old.version = 2;
    assert_memory_equal(&back.domain, &old.domain, sizeof back.domain);
    assert_memory_equal(&back.registration, &old.registration, sizeof back.registration);
}

/* These texts are in people's Redis: they must be written and read like this for ever. */
static void version_2_is_as_it_was(void **state)
{
    struct sv_record_sheet sheet;
    struct sv_state_fields out;
    struct sv_errinfo info;

    (void)state;
    assert_int_equal(sv_state_read(version_1, VERSION_1_FIELDS, &sheet, &info), SV_OK);
    sv_state_write(&sheet, &out);
    assert_string_equal(value_of(&out, "s"), "33321114H,wwwwww,1,Q8cC84I,=,=,Q8cC8KV");
    assert_string_equal(value_of(&out, "g"), "3oMm6,3I3LP1,,3bxBpa,,tlkT2");
    assert_string_equal(value_of(&out, "ka"), "P3DFn1bJFlr8oA9giU1CKMqPqEf-7UUphjcViU7I");
    assert_string_equal(value_of(&out, "kb"), "Hjax2HS2KCEoO_FZZXAfbMclNgTcj-ChTwBNuftf");
    assert_null(value_of(&out, "z"));
    assert_null(value_of(&out, "k1"));
}

static void a_newer_version_is_refused(void **state)
{
    static const struct sv_field fields[] = {
        {"dom", "a.com"}, {"ver", "3"}, {"s", "something new"}};
    struct sv_record_sheet back;
    struct sv_errinfo info;

    (void)state;
    assert_int_equal(sv_state_read(fields, 3, &back, &info), SV_EREFUSED);
    assert_non_null(strstr(info.text, "version 3"));
}

static void tokens_of_another_kind_stay_as_they_are(void **state)
{
    static const char *const others[] = {"selector", "MQZU7RAZKM7P2SGIUJVLDYCMKFWRTUHK",
                                         "mqzu7razkm7p2sgiujvldycmkfwrtuh1"};

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct sv_record_sheet sheet = example();
        struct sv_state_fields out;

        for (size_t k = 0; k < SV_SES_TOKENS_MAX; k++)
            (void)snprintf(sheet.registration.tokens[k], sizeof sheet.registration.tokens[k], "%s",
                           k == i ? others[i] : "mqzu7razkm7p2sgiujvldycmkfwrtuhk");
        sv_state_write(&sheet, &out);
        assert_null(value_of(&out, "ka"));
        assert_string_equal(value_of(&out, i == 0 ? "k1" : i == 1 ? "k2" : "k3"), others[i]);
    }
}

/* From one bit to all of them, each alone and many at once. */
static void any_number_and_token_comes_back(void **state)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
    uint64_t dice = 88172645463325252u;

    (void)state;
    for (int round = 0; round < 2000; round++) {
        char tokens[SV_SES_TOKENS_MAX][SV_SES_TOKEN_BYTES] = {""}, back[3][SV_SES_TOKEN_BYTES];
        char first[SV_PACK_TOKENS_BYTES], second[SV_PACK_TOKENS_BYTES];
        char text[SV_PACK_NUMBER_BYTES];
        const char *at = text;
        uint64_t value;

        for (int i = 0; i < 96; i++) {
            dice ^= dice << 13, dice ^= dice >> 7, dice ^= dice << 17;
            tokens[i / 32][i % 32] = letters[dice % 32];
        }
        assert_true(sv_pack_tokens(tokens, first, second));
        assert_true(sv_pack_tokens_read(first, second, back));
        for (int i = 0; i < 3; i++)
            assert_string_equal(tokens[i], back[i]);
        dice >>= round % 64;
        (void)sv_pack_number(text, dice);
        assert_true(sv_pack_number_read(&at, UINT64_MAX, &value));
        assert_true(value == dice && *at == '\0');
        dice += 88172645463325252u;
    }
}

static void a_mail_from_below_the_domain_is_short(void **state)
{
    static const struct {
        const char *mail_from, *kept;
    } rows[] = {
        {"bounce.a.com", "bounce."},    {"x.y.a.com", "x.y."}, {"bounce.b.com", "bounce.b.com"},
        {"bouncea.com", "bouncea.com"}, {"a.com", "a.com"},    {"", NULL}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sv_job job = {.type = SV_JOB_REGISTER, .account = "default", .domain = "a.com"};
        struct sv_state_fields out;
        struct sv_field kept[SV_STORE_FIELDS_MAX];
        struct sv_record_sheet back;
        struct sv_errinfo info;

        (void)snprintf(job.mail_from, sizeof job.mail_from, "%s", rows[i].mail_from);
        sv_state_write_job(&job, &out);
        if (rows[i].kept == NULL)
            assert_null(value_of(&out, "mfd"));
        else
            assert_string_equal(value_of(&out, "mfd"), rows[i].kept);
        assert_null(value_of(&out, "acct"));
        assert_int_equal(sv_state_read(kept, keep(&out, kept, 0), &back, &info), SV_OK);
        assert_string_equal(back.registration.mail_from, rows[i].mail_from);
        assert_string_equal(back.registration.account, "default");
    }
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
    for (size_t i = 0; i < out.count; i++) {
        if (strcmp(out.fields[i].name, "rq") == 0)
            assert_true(strlen(out.fields[i].value) <= 64);
    }
    sheet = example();
    (void)memset(sheet.registration.verdicts, 'w', SV_RECORDS_MAX);
    sheet.domain.tries = UINT32_MAX;
    sheet.domain.status_since = LATEST;
    sheet.domain.looking_since = LATEST - 1;
    sheet.domain.ses_asked_at = LATEST - 2;
    sheet.registration.registered_at = LATEST - 3;
    sheet.domain.findings[SV_GROUP_DKIM] = UINT32_MAX;
    sv_state_write(&sheet, &out);
    assert_true(strlen(value_of(&out, "s")) <= 64); /* more would blow the whole hash up */
    assert_true(strlen(value_of(&out, "g")) <= 64);
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
        cmocka_unit_test(version_1_becomes_version_2),
        cmocka_unit_test(version_2_is_as_it_was),
        cmocka_unit_test(a_newer_version_is_refused),
        cmocka_unit_test(tokens_of_another_kind_stay_as_they_are),
        cmocka_unit_test(any_number_and_token_comes_back),
        cmocka_unit_test(a_mail_from_below_the_domain_is_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
