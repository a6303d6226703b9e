/* Where an account's keys come from, decided from variables alone; files are in test_credentials.c
 * and in the tests of the worker. */
#include "cmocka_all.h"

#include <string.h>

#include "net/aws/plan.h"

struct variable {
    const char *name, *value;
};

static const char *look_up(void *context, const char *name)
{
    for (const struct variable *at = context; at->name != NULL; at++) {
        if (strcmp(at->name, name) == 0)
            return at->value;
    }
    return NULL;
}

static void container_hosts_are_few(void **state)
{
    static const struct {
        const char *url;
        bool fine;
    } cases[] = {
        {"http://127.0.0.1/x", true},
        {"http://127.255.3.1:80/x", true},
        {"http://localhost:1/", true},
        {"http://169.254.170.2/a", true},
        {"http://169.254.170.23/v1/c", true},
        {"http://[fd00:ec2::23]/v1", true},
        {"http://[::1]:8080/", true},
        {"http://169.254.170.24/", false},
        {"http://169.254.169.254/", false},
        {"http://127.0.0.1.example/", false},
        {"http://127.0.0.1@192.0.2.1/", false},
        {"http://127.0.0.256/", false},
        {"http://localhost@192.0.2.1/", false},
        {"http://user:p@localhost/", false},
        {"http://[::1].example/", false},
        {"http://[::1", false},
        {"http://", false},
        {"https://127.0.0.1/", false},
        {"http://192.0.2.1/", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (sv_plan_is_container_host(cases[i].url) != cases[i].fine)
            fail_msg("%s", cases[i].url);
    }
}

/* Hosts as botocore's endpoints.json and the SES reference, section 7, write them for STS. */
static void sts_is_asked_in_the_region(void **state)
{
    static const struct {
        const char *region, *fips, *dual, *url;
    } cases[] = {
        {"eu-west-1", "false", "false", "https://sts.eu-west-1.amazonaws.com"},
        {"us-east-1", "true", "false", "https://sts-fips.us-east-1.amazonaws.com"},
        {"us-east-1", "false", "true", "https://sts.us-east-1.api.aws"},
        {"us-east-1", "true", "true", "https://sts-fips.us-east-1.api.aws"},
        {"us-gov-west-1", "true", "false", "https://sts.us-gov-west-1.amazonaws.com"},
        {"cn-north-1", "false", "false", "https://sts.cn-north-1.amazonaws.com.cn"},
        {"eusc-de-east-1", "false", "false", "https://sts.eusc-de-east-1.amazonaws.eu"},
    };
    static struct sv_plan plan;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct variable env[] = {{"AWS_ACCESS_KEY_ID", "A"},
                                 {"AWS_SECRET_ACCESS_KEY", "s"},
                                 {"AWS_USE_FIPS_ENDPOINT", cases[i].fips},
                                 {"AWS_USE_DUALSTACK_ENDPOINT", cases[i].dual},
                                 {NULL, NULL}};
        struct sv_plan_wish wish = {.region = cases[i].region};

        assert_int_equal(sv_plan_make(&wish, look_up, env, &plan, NULL), SV_OK);
        assert_string_equal(plan.sts_url, cases[i].url);
        assert_false(plan.sts_plain);
    }
}

static void the_own_endpoint_of_sts_wins(void **state)
{
    struct variable env[] = {{"AWS_ACCESS_KEY_ID", "A"},
                             {"AWS_SECRET_ACCESS_KEY", "s"},
                             {"AWS_ENDPOINT_URL", "http://127.0.0.1:1"},
                             {"AWS_ENDPOINT_URL_STS", "http://127.0.0.1:2"},
                             {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", ""},
                             {NULL, NULL}};
    struct sv_plan_wish wish = {.region = "eu-west-1"};
    static struct sv_plan plan;

    (void)state;
    assert_int_equal(sv_plan_make(&wish, look_up, env, &plan, NULL), SV_OK);
    assert_string_equal(plan.sts_url, "http://127.0.0.1:2");
    assert_true(plan.sts_plain);
    env[3].value = "";
    assert_int_equal(sv_plan_make(&wish, look_up, env, &plan, NULL), SV_OK);
    assert_string_equal(plan.sts_url, "http://127.0.0.1:1");
    env[4].value = "true";
    assert_int_equal(sv_plan_make(&wish, look_up, env, &plan, NULL), SV_OK);
    assert_string_equal(plan.sts_url, "https://sts.eu-west-1.amazonaws.com");
}

/* The real addresses cannot be asked by a test: only what would be asked is looked at. */
static void the_usual_addresses(void **state)
{
    struct variable ecs[] = {{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x"}, {NULL, NULL}};
    struct variable ec2[] = {{"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv4"},
                             {"AWS_METADATA_SERVICE_NUM_ATTEMPTS", "4"},
                             {NULL, NULL}};
    struct sv_plan_wish wish = {.region = "eu-west-1"};
    static struct sv_plan plan;

    (void)state;
    assert_int_equal(sv_plan_make(&wish, look_up, ecs, &plan, NULL), SV_OK);
    assert_string_equal(plan.url, "http://169.254.170.2/v2/x");
    assert_int_equal(sv_plan_make(&wish, look_up, ec2, &plan, NULL), SV_OK);
    assert_int_equal(plan.base, SV_PLAN_IMDS);
    assert_string_equal(plan.url, "http://169.254.169.254");
    assert_int_equal(plan.attempts, 4);
    assert_int_equal(plan.timeout_ms, 1000);
    ec2[0].value = "IPv6";
    assert_int_equal(sv_plan_make(&wish, look_up, ec2, &plan, NULL), SV_OK);
    assert_string_equal(plan.url, "http://[fd00:ec2::254]");
    assert_true(plan.last_resort);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(container_hosts_are_few),
        cmocka_unit_test(sts_is_asked_in_the_region),
        cmocka_unit_test(the_own_endpoint_of_sts_wins),
        cmocka_unit_test(the_usual_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
