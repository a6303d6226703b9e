/* BatchGetMetricData and ListRecommendations: what is asked, and which replies are believed. */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "adapt/ses/ses_private.h"

#define DAY_S ((sv_ms)86400)

static struct sv_ses_metrics metrics;
static struct sv_ses_advice_page page;
static struct sv_ses_identity result;
static const char *const domains[] = {"a.example"};

static struct sv_ses_call metrics_call(void)
{
    return (struct sv_ses_call){.op = SV_SES_METRICS,
                                .domains = domains,
                                .domains_count = 1,
                                .results = &result,
                                .metrics = &metrics,
                                .since = 20000 * DAY_S * 1000,
                                .until = 20002 * DAY_S * 1000 + 1};
}

static struct sv_ses_call advice_call(const char *token)
{
    return (struct sv_ses_call){
        .op = SV_SES_RECOMMENDATIONS, .advice_page = &page, .page_token = token};
}

static enum sv_err read_reply(struct sv_ses_call *call, long status, const char *body)
{
    struct sv_http_answer answer = {.status = status};
    bool is_signature;
    enum sv_err err;

    memset(&metrics, 0x7f, sizeof metrics); /* start need not clean up */
    memset(&page, 0x7f, sizeof page);
    sv_buf_init(&answer.body, 1024 * 1024);
    assert_true(sv_buf_add_str(&answer.body, body));
    err = sv_ses_reply_read(call, &answer, NULL, &is_signature);
    sv_buf_fini(&answer.body);
    return err;
}

/* ses.md section 11: Namespace VDM, the dimension EMAIL_IDENTITY, up to 10 queries. */
static void one_call_asks_every_metric_of_one_domain(void **state)
{
    static const char *const names[] = {"SEND", "PERMANENT_BOUNCE", "TRANSIENT_BOUNCE",
                                        "DELIVERY_COMPLAINT", "COMPLAINT"};
    struct sv_ses_call call = metrics_call();
    struct sv_ses_ask ask;
    struct sv_errinfo info;
    json_t *body, *queries;

    (void)state;
    assert_int_equal(sv_ses_ask_build(&call, &ask, &info), SV_OK);
    assert_string_equal(ask.method, "POST");
    assert_string_equal(sv_buf_str(&ask.path), "/v2/email/metrics/batch");
    body = sv_json_parse(sv_buf_str(&ask.body), ask.body.len, 65536, 8, &info);
    queries = json_object_get(body, "Queries");
    assert_int_equal(json_array_size(queries), 5);
    for (size_t i = 0; i < 5; i++) {
        const json_t *query = json_array_get(queries, i);

        assert_string_equal(sv_json_str(query, "Id"), names[i]);
        assert_string_equal(sv_json_str(query, "Metric"), names[i]);
        assert_string_equal(sv_json_str(query, "Namespace"), "VDM");
        assert_string_equal(sv_json_str(json_object_get(query, "Dimensions"), "EMAIL_IDENTITY"),
                            "a.example");
        assert_int_equal(json_integer_value(json_object_get(query, "StartDate")), 20000 * DAY_S);
        assert_int_equal(json_integer_value(json_object_get(query, "EndDate")), 20002 * DAY_S + 1);
    }
    json_decref(body);
    sv_ses_ask_fini(&ask);
}

static void recommendations_ask_for_the_open_ones(void **state)
{
    struct sv_ses_call call = advice_call(NULL);
    struct sv_ses_ask ask;
    struct sv_errinfo info;

    (void)state;
    assert_int_equal(sv_ses_ask_build(&call, &ask, &info), SV_OK);
    assert_string_equal(ask.method, "POST");
    assert_string_equal(sv_buf_str(&ask.path), "/v2/email/vdm/recommendations");
    assert_non_null(strstr(sv_buf_str(&ask.body), "\"Filter\":{\"STATUS\":\"OPEN\"}"));
    assert_non_null(strstr(sv_buf_str(&ask.body), "\"PageSize\":100"));
    assert_null(strstr(sv_buf_str(&ask.body), "NextToken"));
    sv_ses_ask_fini(&ask);
    call = advice_call("t\"1");
    assert_int_equal(sv_ses_ask_build(&call, &ask, &info), SV_OK);
    assert_non_null(strstr(sv_buf_str(&ask.body), "\"NextToken\":\"t\\\"1\""));
    sv_ses_ask_fini(&ask);
}

static void calls_that_cannot_be_are_refused(void **state)
{
    struct sv_ses_call calls[] = {metrics_call(), metrics_call(), metrics_call(), advice_call(NULL),
                                  advice_call(NULL)};

    (void)state;
    calls[0].metrics = NULL;
    calls[1].until = calls[1].since;
    calls[2].domains_count = 0;
    calls[3].advice_page = NULL;
    calls[4].domains = domains;
    calls[4].domains_count = 1;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        struct sv_ses_ask ask;
        struct sv_errinfo info;

        assert_int_equal(sv_ses_ask_build(&calls[i], &ask, &info), SV_EINVALID);
        sv_ses_ask_fini(&ask);
    }
}

static void the_days_are_summed_up(void **state)
{
    struct sv_ses_call call = metrics_call();

    (void)state;
    assert_int_equal(
        read_reply(&call, 200,
                   "{\"Results\":[{\"Id\":\"COMPLAINT\",\"Timestamps\":[],\"Values\":[]},"
                   "{\"Id\":\"SEND\",\"Timestamps\":[1,2],\"Values\":[1000,2000.0]},"
                   "{\"Id\":\"TRANSIENT_BOUNCE\",\"Values\":[4294967295,1]},"
                   "{\"Id\":\"PERMANENT_BOUNCE\",\"Values\":[3]},"
                   "{\"Id\":\"DELIVERY_COMPLAINT\",\"Values\":[5]}],\"Errors\":[],\"New\":1}"),
        SV_OK);
    assert_true(metrics.told);
    assert_int_equal(metrics.mail.sent, 3000);
    assert_int_equal(metrics.mail.permanent_bounces, 3);
    assert_int_equal(metrics.mail.transient_bounces, UINT32_MAX);
    assert_int_equal(metrics.mail.tracked, 5);
    assert_int_equal(metrics.mail.complaints, 0);
    assert_int_equal(metrics.mail.advice, 0);
}

/* Each of the four that are judged has to be there; the fifth is for people. */
static void a_query_that_failed_is_no_count_of_zero(void **state)
{
    static const char *const names[] = {"SEND", "PERMANENT_BOUNCE", "DELIVERY_COMPLAINT",
                                        "COMPLAINT", "TRANSIENT_BOUNCE"};
    struct sv_ses_call call = metrics_call();

    (void)state;
    for (size_t missing = 0; missing < 5; missing++) {
        char body[1024] = "{\"Results\":[";
        size_t len = strlen(body);

        for (size_t i = 0, count = 0; i < 5; i++) {
            if (i == missing)
                continue;
            len +=
                (size_t)snprintf(body + len, sizeof body - len, "%s{\"Id\":\"%s\",\"Values\":[1]}",
                                 count++ > 0 ? "," : "", names[i]);
        }
        (void)snprintf(body + len, sizeof body - len,
                       "],\"Errors\":[{\"Id\":\"%s\",\"Code\":\"INTERNAL_FAILURE\"}]}",
                       names[missing]);
        assert_int_equal(read_reply(&call, 200, body), SV_OK);
        assert_int_equal(metrics.told, missing == 4);
    }
}

static void other_metrics_are_not_believed(void **state)
{
    static const char *const bodies[] = {
        "",
        "{}",
        "[]",
        "{\"Results\":null}",
        "{\"Results\":[7]}",
        "{\"Results\":[{\"Id\":\"CLICK\",\"Values\":[1]}]}",
        "{\"Results\":[{\"Id\":\"SEND\"}]}",
        "{\"Results\":[{\"Id\":\"SEND\",\"Values\":7}]}",
        "{\"Results\":[{\"Id\":\"SEND\",\"Values\":[-1]}]}",
        "{\"Results\":[{\"Id\":\"SEND\",\"Values\":[\"1\"]}]}",
        "{\"Results\":[{\"Id\":\"SEND\",\"Values\":[1e30]}]}",
        "{\"Results\":[{\"Id\":\"SEND\",\"Values\":[1]},{\"Id\":\"SEND\",\"Values\":[1]}]}",
    };
    struct sv_ses_call call = metrics_call();

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        if (read_reply(&call, 200, bodies[i]) != SV_EMALFORMED)
            fail_msg("believed: %s", bodies[i]);
        assert_false(metrics.told);
        assert_int_equal(metrics.mail.sent, 0);
    }
}

static void advice_is_read_of_identities_only(void **state)
{
    static const char arn[] = "arn:aws:ses:eu-west-1:123456789012:";
    static const struct {
        const char *resource, *rest, *name;
        uint32_t advice;
    } lines[] = {
        {"identity/a.example", "\"Type\":\"BOUNCE\",\"Status\":\"OPEN\",\"Impact\":\"HIGH\"",
         "a.example", SV_ADVICE_BOUNCE | SV_ADVICE_HIGH},
        {"identity/a.example", "\"Type\":\"COMPLAINT\",\"Status\":\"OPEN\",\"Impact\":\"LOW\"",
         "a.example", SV_ADVICE_COMPLAINT},
        {"identity/a.example", "\"Type\":\"DKIM\",\"Status\":\"OPEN\",\"Impact\":\"HIGH\"",
         "a.example", SV_ADVICE_DKIM}, /* our own findings tell that better */
        {"identity/a.example", "\"Type\":\"NEW\",\"Status\":\"OPEN\",\"Impact\":\"HIGH\"",
         "a.example", SV_ADVICE_OTHER},
        {"identity/a.example", "\"Status\":\"OPEN\"", "a.example", SV_ADVICE_OTHER},
        {"identity/a.example", "\"Type\":\"BOUNCE\",\"Status\":\"FIXED\"", "", 0},
        {"identity/a b", "\"Type\":\"BOUNCE\",\"Status\":\"OPEN\"", "", 0},
        {"tenant/t", "\"Type\":\"BOUNCE\",\"Status\":\"OPEN\",\"Impact\":\"HIGH\"", "", 0},
    };
    struct sv_ses_call call = advice_call(NULL);

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char body[512];

        (void)snprintf(body, sizeof body,
                       "{\"Recommendations\":[{\"ResourceArn\":\"%s%s\",%s}],\"NextToken\":\"n\"}",
                       arn, lines[i].resource, lines[i].rest);
        assert_int_equal(read_reply(&call, 200, body), SV_OK);
        assert_int_equal(page.count, 1);
        assert_string_equal(page.lines[0].name, lines[i].name);
        assert_int_equal(page.lines[0].advice, lines[i].advice);
        assert_string_equal(page.next_token, "n");
    }
}

static void other_recommendations_are_not_believed(void **state)
{
    static const char *const bodies[] = {"", "{}", "{\"Recommendations\":{}}",
                                         "{\"Recommendations\":[7]}",
                                         "{\"Recommendations\":[],\"NextToken\":7}"};
    struct sv_ses_call call = advice_call(NULL);
    struct sv_buf body;

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        assert_int_equal(read_reply(&call, 200, bodies[i]), SV_EMALFORMED);
        assert_int_equal(page.count, 0);
    }
    sv_buf_init(&body, 65536);
    assert_true(sv_buf_add_str(&body, "{\"Recommendations\":[{}"));
    for (int i = 0; i < SV_SES_ADVICE_PAGE_MAX; i++)
        assert_true(sv_buf_add_str(&body, ",{}"));
    assert_true(sv_buf_add_str(&body, "]}"));
    assert_int_equal(read_reply(&call, 200, sv_buf_str(&body)), SV_EMALFORMED);
    sv_buf_fini(&body);
}

static void without_vdm_both_are_refused(void **state)
{
    static const char body[] = "{\"__type\":\"BadRequestException\",\"message\":\"VDM\"}";
    struct sv_ses_call calls[] = {metrics_call(), advice_call(NULL)};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(read_reply(&calls[i], 400, body), SV_EREFUSED);
        assert_false(i == 0 && metrics.told);
        assert_int_equal(i == 1 ? page.count : 0, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_call_asks_every_metric_of_one_domain),
        cmocka_unit_test(recommendations_ask_for_the_open_ones),
        cmocka_unit_test(calls_that_cannot_be_are_refused),
        cmocka_unit_test(the_days_are_summed_up),
        cmocka_unit_test(a_query_that_failed_is_no_count_of_zero),
        cmocka_unit_test(other_metrics_are_not_believed),
        cmocka_unit_test(advice_is_read_of_identities_only),
        cmocka_unit_test(other_recommendations_are_not_believed),
        cmocka_unit_test(without_vdm_both_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
