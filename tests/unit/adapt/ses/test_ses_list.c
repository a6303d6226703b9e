/* Pages of ListEmailIdentities, as they should be and in every way they should not be believed. */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapt/ses/ses_private.h"

static struct sv_ses_page page;

static enum sv_err read_page(const char *body, struct sv_errinfo *info)
{
    struct sv_ses_call call = {.op = SV_SES_LIST, .page = &page};
    struct sv_http_answer answer = {.status = 200};
    bool is_signature;
    enum sv_err err;

    memset(&page, 0x7f, sizeof page); /* start need not clean up */
    sv_buf_init(&answer.body, 1024 * 1024);
    assert_true(sv_buf_add_str(&answer.body, body));
    err = sv_ses_reply_read(&call, &answer, NULL, &is_signature);
    *info = call.info;
    sv_buf_fini(&answer.body);
    return err;
}

/* Field names and values: ses.md section 3.3, "List reply". */
static void lines_are_read(void **state)
{
    struct sv_errinfo info;

    (void)state;
    assert_int_equal(
        read_page("{\"EmailIdentities\":["
                  "{\"IdentityType\":\"DOMAIN\",\"IdentityName\":\"a.example\",\"SendingEnabled\":"
                  "true,\"VerificationStatus\":\"SUCCESS\"},"
                  "{\"IdentityType\":\"DOMAIN\",\"IdentityName\":\"B.example\",\"SendingEnabled\":"
                  "false,\"VerificationStatus\":\"TEMPORARY_FAILURE\"},"
                  "{\"IdentityType\":\"EMAIL_ADDRESS\",\"IdentityName\":\"x@a.example\"},"
                  "{\"IdentityType\":\"MANAGED_DOMAIN\",\"IdentityName\":\"m.example\","
                  "\"VerificationStatus\":\"SUPER\",\"New\":[]}],\"NextToken\":\"t/1==\"}",
                  &info),
        SV_OK);
    assert_int_equal(page.count, 4);
    assert_string_equal(page.next_token, "t/1==");
    assert_string_equal(page.listed[0].name, "a.example");
    assert_true(page.listed[0].is_domain);
    assert_int_equal(page.listed[0].identity, SV_AXIS_SUCCESS);
    assert_int_equal(page.listed[0].sending_enabled, SV_TRI_YES);
    assert_string_equal(page.listed[1].name, "B.example");
    assert_int_equal(page.listed[1].identity, SV_AXIS_TEMPORARY_FAILURE);
    assert_int_equal(page.listed[1].sending_enabled, SV_TRI_NO);
    assert_false(page.listed[2].is_domain);
    assert_int_equal(page.listed[2].identity, SV_AXIS_UNKNOWN);
    assert_int_equal(page.listed[2].sending_enabled, SV_TRI_UNKNOWN);
    assert_false(page.listed[3].is_domain);
    assert_int_equal(page.listed[3].identity, SV_AXIS_UNKNOWN);
}

static void the_last_page_has_no_token(void **state)
{
    static const char *const bodies[] = {
        "{\"EmailIdentities\":[]}",
        "{\"EmailIdentities\":[],\"NextToken\":null}",
        "{\"EmailIdentities\":[],\"NextToken\":\"\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct sv_errinfo info;

        assert_int_equal(read_page(bodies[i], &info), SV_OK);
        assert_int_equal(page.count, 0);
        assert_string_equal(page.next_token, "");
    }
}

/* One odd line must not hide the others, and must not become a domain. */
static void a_line_that_is_no_name_stays_a_line(void **state)
{
    static const char *const lines[] = {
        "{}",
        "{\"IdentityType\":\"DOMAIN\"}",
        "{\"IdentityType\":\"DOMAIN\",\"IdentityName\":7}",
        "{\"IdentityType\":\"DOMAIN\",\"IdentityName\":\"\"}",
        "{\"IdentityType\":\"DOMAIN\",\"IdentityName\":\"a b\"}",
        "{\"IdentityType\":\"DOMAIN\",\"IdentityName\":\"\\u001b[2J\"}",
        "{\"IdentityType\":5,\"IdentityName\":\"a.example\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct sv_errinfo info;
        char body[256];

        (void)snprintf(body, sizeof body,
                       "{\"EmailIdentities\":[%s,{\"IdentityType\":\"DOMAIN\",\"IdentityName\":"
                       "\"z.example\"}]}",
                       lines[i]);
        assert_int_equal(read_page(body, &info), SV_OK);
        assert_int_equal(page.count, 2);
        assert_false(page.listed[0].is_domain);
        assert_string_equal(page.listed[1].name, "z.example");
    }
}

static void other_shapes_are_not_believed(void **state)
{
    static const char *const bodies[] = {
        "",
        "{}",
        "[]",
        "null",
        "<html></html>",
        "{\"EmailIdentities\":null}",
        "{\"EmailIdentities\":{}}",
        "{\"EmailIdentities\":[7]}",
        "{\"EmailIdentities\":[],\"NextToken\":7}",
        "{\"EmailIdentities\":[],\"NextToken\":\"a b\"}",
        "{\"EmailIdentities\":[]",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct sv_errinfo info = {.text = ""};

        assert_int_equal(read_page(bodies[i], &info), SV_EMALFORMED);
        assert_int_equal(page.count, 0);
        assert_true(info.text[0] != '\0');
    }
}

static void more_lines_than_asked_for_are_refused(void **state)
{
    struct sv_errinfo info;
    struct sv_buf body;

    (void)state;
    sv_buf_init(&body, 1024 * 1024);
    assert_true(sv_buf_add_str(&body, "{\"EmailIdentities\":[{}"));
    for (int i = 1; i < SV_SES_PAGE_MAX; i++)
        assert_true(sv_buf_add_str(&body, ",{}"));
    assert_true(sv_buf_add_str(&body, "]}"));
    assert_int_equal(read_page(sv_buf_str(&body), &info), SV_OK);
    assert_int_equal(page.count, SV_SES_PAGE_MAX);
    body.len -= 2;
    assert_true(sv_buf_add_str(&body, ",{}]}"));
    assert_int_equal(read_page(sv_buf_str(&body), &info), SV_EMALFORMED);
    sv_buf_fini(&body);
}

static void a_tag_is_found_among_others(void **state)
{
    static const struct {
        const char *tags, *value;
    } cases[] = {
        {"[{\"Key\":\"team\",\"Value\":\"x\"},{\"Key\":\"client\",\"Value\":\"acme-7\"}]",
         "acme-7"},
        {"[]", ""},
        {"null", ""},
        {"[{\"Key\":\"client\",\"Value\":\"two words\"}]", ""},
        {"[{\"Key\":\"Client\",\"Value\":\"acme\"}]", ""},
        {"[7,{\"Key\":3}]", ""},
    };
    static const char *const domains[] = {"a.example"};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sv_ses_identity result;
        char value[SV_SES_TAG_BYTES] = "stale";
        struct sv_ses_call call = {.op = SV_SES_GET,
                                   .domains = domains,
                                   .domains_count = 1,
                                   .results = &result,
                                   .tag_key = "client",
                                   .tag_value = value};
        struct sv_errinfo info;
        char body[512];

        (void)snprintf(body, sizeof body, "{\"VerificationStatus\":\"SUCCESS\",\"Tags\":%s}",
                       cases[i].tags);
        sv_ses_results_forget(&call);
        assert_int_equal(sv_ses_json_read(&call, body, strlen(body), &info), SV_OK);
        assert_string_equal(value, cases[i].value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_read),
        cmocka_unit_test(the_last_page_has_no_token),
        cmocka_unit_test(a_line_that_is_no_name_stays_a_line),
        cmocka_unit_test(other_shapes_are_not_believed),
        cmocka_unit_test(more_lines_than_asked_for_are_refused),
        cmocka_unit_test(a_tag_is_found_among_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
