#include "sv/job.h"

#include <stdio.h>
#include <string.h>

#include "cmocka_all.h"

#define LONG_64  "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"
#define LONG_129 LONG_64 LONG_64 "e"

static const char *const restricted[] = {"platform.com", NULL};
static const struct sv_name_rules rules = {.restricted = restricted};

struct row {
    const char *name, *payload;
    enum sv_job_fault fault;
    const char *reason, *mentions;
};

static const struct row refused[] = {
    {"no json", "{\"type\":", SV_JOB_DEAD, "malformed_json", ""},
    {"empty", "", SV_JOB_DEAD, "malformed_json", ""},
    {"array", "[]", SV_JOB_DEAD, "malformed_json", "not a JSON object"},
    {"repeated key", "{\"type\":\"register\",\"type\":\"remove\"}", SV_JOB_DEAD, "malformed_json",
     ""},
    {"deep", "{\"a\":[[[[[[[[[[1]]]]]]]]]]}", SV_JOB_DEAD, "malformed_json", ""},
    {"no type", "{\"client_id\":\"c\",\"domain\":\"a.com\"}", SV_JOB_DEAD, "missing_field", "type"},
    {"type is a number", "{\"type\":7,\"client_id\":\"c\",\"domain\":\"a.com\"}", SV_JOB_DEAD,
     "invalid_field", "type"},
    {"unknown type", "{\"type\":\"verify\",\"client_id\":\"c\",\"domain\":\"a.com\"}", SV_JOB_DEAD,
     "unknown_type", "verify"},
    {"no client", "{\"type\":\"register\",\"domain\":\"a.com\"}", SV_JOB_DEAD, "missing_field",
     "client_id"},
    {"long client", "{\"type\":\"register\",\"client_id\":\"" LONG_129 "\",\"domain\":\"a.com\"}",
     SV_JOB_DEAD, "invalid_field", "client_id"},
    {"control byte in client",
     "{\"type\":\"register\",\"client_id\":\"a\\u0007\",\"domain\":\"a.com\"}", SV_JOB_DEAD,
     "invalid_field", "client_id"},
    {"long id",
     "{\"type\":\"register\",\"client_id\":\"c\",\"id\":\"" LONG_64 "x\",\"domain\":\"a.com\"}",
     SV_JOB_DEAD, "invalid_field", "\"id\""},
    {"no domain", "{\"type\":\"register\",\"client_id\":\"c\"}", SV_JOB_DEAD, "missing_field",
     "domain"},
    {"bad behaviour",
     "{\"type\":\"register\",\"client_id\":\"c\",\"domain\":\"a.com\",\"behavior_on_mx_failure\":"
     "\"drop\"}",
     SV_JOB_DEAD, "invalid_field", "behavior_on_mx_failure"},
    {"legacy_txt is a string",
     "{\"type\":\"register\",\"client_id\":\"c\",\"domain\":\"a.com\",\"legacy_txt\":\"yes\"}",
     SV_JOB_DEAD, "invalid_field", "legacy_txt"},
    {"mail from outside",
     "{\"type\":\"register\",\"client_id\":\"c\",\"domain\":\"a.com\",\"mail_from\":\"mail.b."
     "com\"}",
     SV_JOB_DEAD, "invalid_mail_from", ""},
    {"label too long", "{\"type\":\"register\",\"client_id\":\"c\",\"domain\":\"" LONG_64 ".com\"}",
     SV_JOB_REJECTED, "invalid_domain", ""},
    {"single label", "{\"type\":\"register\",\"client_id\":\"c\",\"domain\":\"localhost\"}",
     SV_JOB_REJECTED, "invalid_domain", ""},
    {"address", "{\"type\":\"register\",\"client_id\":\"c\",\"domain\":\"192.0.2.1\"}",
     SV_JOB_REJECTED, "invalid_domain", ""},
    {"public suffix", "{\"type\":\"register\",\"client_id\":\"c\",\"domain\":\"co.uk\"}",
     SV_JOB_REJECTED, "restricted_domain", "public_suffix"},
    {"private suffix", "{\"type\":\"register\",\"client_id\":\"c\",\"domain\":\"github.io\"}",
     SV_JOB_REJECTED, "restricted_domain", "public_suffix"},
    {"special use", "{\"type\":\"register\",\"client_id\":\"c\",\"domain\":\"a.test\"}",
     SV_JOB_REJECTED, "restricted_domain", "special_use"},
    {"the operator's own",
     "{\"type\":\"register\",\"client_id\":\"c\",\"domain\":\"x.platform.com\"}", SV_JOB_REJECTED,
     "restricted_domain", "restricted_list"},
};

static void what_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        const struct row *row = &refused[i];
        struct sv_errinfo info = {.code = SV_OK};
        const char *reason = NULL;
        struct sv_job job;
        enum sv_job_fault fault =
            sv_job_parse(&(struct sv_job_text){row->payload, strlen(row->payload), "5-1"}, &rules,
                         &job, &reason, &info);

        if (fault != row->fault || reason == NULL || strcmp(reason, row->reason) != 0 ||
            strstr(info.text, row->mentions) == NULL)
            fail_msg("%s: fault %d, reason %s, \"%s\"", row->name, (int)fault,
                     reason == NULL ? "-" : reason, info.text);
        assert_string_equal(job.id[0] == '\0' ? "5-1" : job.id, job.id);
    }
}

static void a_whole_job_is_read(void **state)
{
    static const char payload[] =
        "{\"type\":\"register\",\"client_id\":\"Klient "
        "\\u00fc\",\"domain\":\"B\\u00fccher.Example.COM.\","
        "\"id\":\"j-1\",\"account\":\"eu\",\"contact_email\":\"a@b.c\",\"mail_from\":\"bounce\","
        "\"behavior_on_mx_failure\":\"reject_message\",\"legacy_txt\":true,\"new_field\":{\"x\":[1]"
        "},"
        "\"traceparent\":\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\"}";
    const struct sv_name_rules open_rules = {.allow_special_use = true};
    const char *reason = "unset";
    struct sv_errinfo info;
    struct sv_job job;

    (void)state;
    assert_int_equal(sv_job_parse(&(struct sv_job_text){payload, sizeof payload - 1, "5-1"},
                                  &open_rules, &job, &reason, &info),
                     SV_JOB_FINE);
    assert_null(reason);
    assert_int_equal(job.type, SV_JOB_REGISTER);
    assert_string_equal(job.client_id, "Klient \xc3\xbc");
    assert_string_equal(job.domain, "xn--bcher-kva.example.com");
    assert_string_equal(job.id, "j-1");
    assert_string_equal(job.account, "eu");
    assert_string_equal(job.mail_from, "bounce.xn--bcher-kva.example.com");
    assert_true(job.reject_on_mx_failure && job.legacy_txt && !job.delete_identity);
    assert_int_equal(strlen(job.traceparent), 55);
}

static void defaults_are_the_documented_ones(void **state)
{
    static const char payload[] =
        "{\"type\":\"recheck\",\"client_id\":\"c\",\"domain\":\"a.com\",\"id\":null,"
        "\"traceparent\":\"garbage\"}";
    const char *reason;
    struct sv_errinfo info;
    struct sv_job job;

    (void)state;
    assert_int_equal(sv_job_parse(&(struct sv_job_text){payload, sizeof payload - 1, "5-1"}, &rules,
                                  &job, &reason, &info),
                     SV_JOB_FINE);
    assert_string_equal(job.id, "5-1");
    assert_string_equal(job.account, "default");
    assert_string_equal(job.traceparent, "");
    assert_string_equal(job.mail_from, "");
}

static void trace_contexts(void **state)
{
    (void)state;
    assert_true(sv_traceparent_is_valid("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
    assert_false(sv_traceparent_is_valid(""));
    assert_false(
        sv_traceparent_is_valid("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
    assert_false(
        sv_traceparent_is_valid("00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
    assert_false(
        sv_traceparent_is_valid("00-00000000000000000000000000000000-b7ad6b7169203331-01"));
    assert_false(
        sv_traceparent_is_valid("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"));
    assert_false(
        sv_traceparent_is_valid("00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(a_whole_job_is_read),
        cmocka_unit_test(defaults_are_the_documented_ones),
        cmocka_unit_test(trace_contexts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
