/* The configuration: precedence, every kind of mistake, all of them at once, and the way back to
 * text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "config_sinks.h"
#include "config_text.h"
#include "exit.h"
#include "wire_sinks.h"

enum { OUTPUT_BYTES = 32 * 1024, TEXT_BYTES_MAX = 1 << 20 };

struct loaded {
    struct sv_config *config;
    int code;
    char problems[OUTPUT_BYTES];
};

static void load(struct loaded *out, const struct sv_config_sources *sources)
{
    struct sv_problems problems;
    FILE *stream = fmemopen(out->problems, sizeof(out->problems), "w");

    assert_non_null(stream);
    out->problems[0] = '\0';
    sv_problems_init(&problems);
    out->code = sv_config_load(sources, &out->config, &problems);
    sv_problems_print(&problems, stream);
    assert_int_equal(fclose(stream), 0);
    assert_true((out->config == NULL) == (problems.errors > 0));
    sv_problems_fini(&problems);
}

static void load_text(struct loaded *out, const char *text)
{
    struct sv_config_sources sources = {.file = "x.conf", .text = text, .text_bytes = strlen(text)};

    load(out, &sources);
}

static void test_defaults(void **state)
{
    struct sv_policy policy = sv_policy_default();
    struct sv_limits limits = sv_limits_default();
    struct loaded got;

    (void)state;
    load_text(&got, "");
    assert_int_equal(got.code, SV_EXIT_OK);
    assert_string_equal(got.config->redis.url, "redis://127.0.0.1:6379/0");
    assert_memory_equal(&got.config->policy, &policy, sizeof(policy));
    assert_memory_equal(&got.config->limits, &limits, sizeof(limits));
    assert_int_equal(got.config->worker.drain_timeout_ms, 25 * SV_SECOND);
    assert_int_equal(got.config->accounts_count, 1);
    assert_string_equal(got.config->accounts[0].name, "default");
    assert_int_equal(got.config->accounts[0].rate_millihertz, 1000);
    sv_config_free(got.config);
}

/* What `config defaults` prints is a file that sets every key to what it is anyway. */
static void test_printed_defaults_are_the_defaults(void **state)
{
    struct loaded built_in;
    struct loaded printed;
    struct sv_buf file;
    struct sv_buf a;
    struct sv_buf b;

    (void)state;
    sv_buf_init(&file, TEXT_BYTES_MAX);
    sv_buf_init(&a, TEXT_BYTES_MAX);
    sv_buf_init(&b, TEXT_BYTES_MAX);
    sv_config_write_defaults(&file);
    load_text(&built_in, "");
    load_text(&printed, sv_buf_str(&file));
    assert_string_equal(printed.problems, "");
    config_text(built_in.config, &a);
    config_text(printed.config, &b);
    assert_string_equal(sv_buf_str(&a), sv_buf_str(&b));
    for (size_t i = 0; sv_settings[i].section != NULL; i++) {
        enum sv_origin_kind expected =
            sv_settings[i].type == SV_SETTING_SECRET ? SV_ORIGIN_BUILT_IN : SV_ORIGIN_FILE;

        assert_int_equal(printed.config->origins[i].kind, expected);
        assert_non_null(sv_settings[i].help);
    }
    sv_config_free(built_in.config);
    sv_config_free(printed.config);
    sv_buf_fini(&file);
    sv_buf_fini(&a);
    sv_buf_fini(&b);
}

static void test_precedence(void **state)
{
    static const char text[] = "[redis]\nprefix = file\nshards = 2\n[log]\nlevel = warn\n";
    char e1[] = "SESVERIFY_REDIS_PREFIX=env";
    char e2[] = "SESVERIFY_REDIS_SHARDS=4";
    char e3[] = "SESVERIFY_DNS_SERVERS="; /* empty = not set */
    char *environment[] = {e1, e2, e3, NULL};
    const char *sets[] = {"redis.prefix=flag"};
    struct sv_config_sources sources = {.file = "x.conf",
                                        .text = text,
                                        .text_bytes = sizeof(text) - 1,
                                        .sets = sets,
                                        .sets_count = 1,
                                        .environment = environment};
    struct loaded got;
    char origin[64];

    (void)state;
    load(&got, &sources);
    assert_string_equal(got.problems, "");
    assert_string_equal(got.config->redis.prefix, "flag");
    assert_int_equal(got.config->redis.shards, 4);
    assert_int_equal(got.config->log.level, SV_LOG_WARN);
    for (size_t i = 0; sv_settings[i].section != NULL; i++) {
        if (strcmp(sv_settings[i].key, "level") == 0) {
            sv_origin_write(got.config, &got.config->origins[i], origin, sizeof(origin));
            assert_string_equal(origin, "x.conf:5");
        }
    }
    sv_config_free(got.config);
}

static void test_accounts(void **state)
{
    static const char text[] = "[account eu]\nregion = eu-west-1\nrate = 0.5\n"
                               "[account us.2]\nprofile = p\n";
    char e1[] = "AWS_DEFAULT_REGION=us-east-1";
    char e2[] = "SESVERIFY_ACCOUNT_EU_RATE=14";
    char e3[] = "SESVERIFY_ACCOUNT_US_2_ENDPOINT_URL=http://127.0.0.1:1";
    char *environment[] = {e1, e2, e3, NULL};
    const char *sets[] = {"account.us.2.rate=10.25", "account.new.region=eu-north-1"};
    struct sv_config_sources sources = {.text = text,
                                        .text_bytes = sizeof(text) - 1,
                                        .sets = sets,
                                        .sets_count = 2,
                                        .environment = environment};
    struct loaded got;

    (void)state;
    load(&got, &sources);
    assert_string_equal(got.problems, "");
    assert_int_equal(got.config->accounts_count, 3);
    assert_string_equal(got.config->accounts[0].region, "eu-west-1");
    assert_int_equal(got.config->accounts[0].rate_millihertz, 14000);
    assert_string_equal(got.config->accounts[1].region, "us-east-1");
    assert_string_equal(got.config->accounts[1].endpoint_url, "http://127.0.0.1:1");
    assert_int_equal(got.config->accounts[1].rate_millihertz, 10250);
    assert_string_equal(got.config->accounts[2].region, "eu-north-1");
    sv_config_free(got.config);
}

static void test_sinks(void **state)
{
    static const char text[] = "[sink hook]\nurl = https://a.example/x\nevents = verified, failed\n"
                               "severity = warning\nretries = 0s, 1s\n"
                               "[sink my-pipe]\nkind = exec\n";
    char e1[] = "SESVERIFY_SINK_MY_PIPE_COMMAND=/bin/true";
    char *environment[] = {e1, NULL};
    const char *sets[] = {"sink.hook.timeout=3s", "sink.out.kind=stdout"};
    struct sv_config_sources sources = {.text = text,
                                        .text_bytes = sizeof(text) - 1,
                                        .sets = sets,
                                        .sets_count = 2,
                                        .environment = environment};
    struct loaded got;
    struct sv_delivery_filter filter;

    (void)state;
    load(&got, &sources);
    assert_string_equal(got.problems, "");
    assert_int_equal(got.config->sinks_count, 3);
    assert_string_equal(got.config->sinks[0].name, "hook");
    assert_int_equal(got.config->sinks[0].timeout_ms, 3000);
    assert_string_equal(got.config->sinks[1].command, "/bin/true");
    assert_string_equal(sv_sink_kinds[got.config->sinks[2].kind], "stdout");
    assert_ptr_equal(sv_config_sink_find(got.config, "my-pipe"), &got.config->sinks[1]);
    assert_null(sv_config_sink_find(got.config, "none"));
    assert_int_equal(sv_config_sink_plan(&got.config->sinks[0]).waits_ms[1], 1000);
    filter = sv_config_sink_filter(&got.config->sinks[0]);
    assert_int_equal(filter.kinds_count, 2);
    assert_int_equal(filter.least, SV_DELIVERY_WARNING);
    sv_config_free(got.config);
}

static void test_a_sinks_plan_is_the_published_one(void **state)
{
    static const char text[] = "[sink hook]\nurl = https://a.example/x\n";
    struct sv_config_sources sources = {.text = text, .text_bytes = sizeof(text) - 1};
    struct sv_delivery_plan published = sv_delivery_plan_default();
    struct sv_delivery_plan plan;
    struct loaded got;

    (void)state;
    load(&got, &sources);
    assert_string_equal(got.problems, "");
    plan = sv_config_sink_plan(&got.config->sinks[0]);
    assert_int_equal(plan.attempts, published.attempts);
    assert_memory_equal(plan.waits_ms, published.waits_ms, sizeof(plan.waits_ms));
    sv_config_free(got.config);
}

/* One mistake in a file, and what is said about it. */
static const struct {
    const char *text;
    const char *said; /* NULL = it is fine */
} file_cases[] = {
    {"[sink A]\nkind = stdout\n", "a sink's name is 1 to 32 lower-case letters"},
    {"[sinks]\nkind = stdout\n", "unknown section [sinks] (did you mean [sink NAME]?)"},
    {"[sink a]\nkind = webhok\n", "(did you mean 'webhook'?)"},
    {"[sink a]\nkind = stdout\n", NULL},
    {"[sink a]\nkind = stdout\nevents = verifed\n", "(did you mean 'verified'?)"},
    {"[sink a]\nkind = stdout\nretries = 5\n", "retries: '5' is not a duration"},
    {"[sink a]\nkind = stdout\nretries =\n", "at least one attempt"},
    {"[sink a]\nkind = stdout\nports = 70000\n", "ports: '70000' is no port"},
    {"[sink a]\nkind = stdout\nallow_addresses = 10.0.0.0/33\n", "'10.0.0.0/33' is neither"},
    {"[sink a]\nkind = stdout\nallow_addresses = 10.0.0.0/8, ::1\n", NULL},
    {"[sink a]\nurl = http://a.example\n", "begins with https://"},
    {"[sink a]\n", "a webhook needs url"},
    {"[sink a]\nformat = pagerduty\nsecret_file = /x\n", "a webhook needs url"},
    {"[sink a]\nformat = slack\nsecret_file = /x\n", NULL},
    {"[sink a]\nformat = alertmanager\n", NULL}, /* a credential may hold it */
    {"[sink a]\nformat = slack\nurl = https://a.example/\nsecret_file = /x\n", "not both"},
    {"[sink a]\nkind = redis\nstream = s\nformat = slack\nurl = redis://a\nsecret_file = /x\n",
     NULL},
    {"[sink a]\nkind = stdout\n[sink b]\nkind = exec\ncommand = /bin/true\n[sink c]\n"
     "kind = stdout\n",
     "kind: [sink a] writes to standard output already"},
    {"[sink a]\nkind = exec\n", "exec needs command"},
    {"[sink a]\nkind = exec\ncommand = true\n", "an absolute path"},
    {"[sink a]\nkind = redis\nurl = redis://x\n", "redis needs stream"},
    {"[redis]\nshards = 64\n", NULL},
    {"[redis]\nshards = 3\n", "x.conf:2: error: redis.shards: 3 is not a power of two"},
    {"[redis]\nshards = 128\n", "'128' is out of range, allowed is 1 .. 64"},
    {"[redis]\nshards = 0\n", "out of range"},
    {"[redis]\nshards = -1\n", "'-1' is not a whole number"},
    {"[redis]\nshards = 1 \n", NULL},
    {"[redis]\nshards = 99999999999999999999\n", "is not a whole number"},
    {"[redis]\nshards =\n", "'' is not a whole number"},
    {"[redis]\nreply_max = 64KiB\n", "allowed is 1MiB .. 1GiB"},
    {"[redis]\nreply_max = 64MiB\n", NULL},
    {"[redis]\nreply_max = 67108864B\n", NULL},
    {"[redis]\nreply_max = 64\n", "is not a size with its unit"},
    {"[redis]\nreply_max = 64mb\n", "is not a size with its unit"},
    {"[redis]\nurl =\n", "redis.url: the value is empty"},
    {"[redis]\nurl = http://x\n", "x.conf:2: error: redis.url: "},
    {"[redis]\nurl = rediss://h\ntls_ca_file = /a\ntls_cert_file = /b\ntls_key_file = /c\n", NULL},
    {"[redis]\ntls_ca_file = /a\n", "x.conf:2: error: redis.tls_ca_file: redis.url does not begin"},
    {"[redis]\nurl = unix:///a\ntls_server_name = h\n",
     "redis.tls_server_name: redis.url does not"},
    {"[redis]\nurl = rediss://h\ntls_key_file = /a\n", "needs redis.tls_cert_file"},
    {"[redis]\nurl = redis://a@h\nuser = b\n", "redis.user: redis.url names another user"},
    {"[redis]\nurl = redis://a@h\nuser = a\n", NULL},
    {"[redis]\nurl = redis://u:secret@h\n", "a password belongs neither in the file"},
    {"[redis]\nprefix = a{b\n", "redis.prefix: '{'"},
    {"[redis]\npassword = x\n", "use 'password_file'"},
    {"[redis]\nulr = redis://x\n", "unknown key 'ulr' in [redis] (did you mean 'url'?)"},
    {"[redis]\nfirst_look = 1s\n", "(it belongs to [schedule])"},
    {"[redis]\nqwertzuiop = 1\n", "unknown key 'qwertzuiop' in [redis]\n"},
    {"[reddis]\nurl = redis://x\n", "unknown section [reddis] (did you mean [redis]?)"},
    {"[zzzzzzzz]\nurl = redis://x\n", "unknown section [zzzzzzzz]\n"},
    {"[acount]\nregion = x\n", "(did you mean [account NAME]?)"},
    {"[redis]\nprefix = a\nprefix = b\n",
     "x.conf:3: error: 'prefix' was set on line 2 of this file already"},
    {"[redis]\nprefix = a\n[redis]\nshards = 2\n", "x.conf:3: error: section [redis] is there"},
    {"prefix = a\n", "x.conf:1: error: 'prefix' stands before the first [section]"},
    {"[redis\n", "x.conf:1: error: a section header ends"},
    {"[dns]\nservers = 192.0.2.1, 192.0.2.2:5353 [2001:db8::1]:53\n", NULL},
    {"[dns]\nservers = 192.0.2.1, dns.example\n", "x.conf:2: error: dns.servers: "},
    {"[dns]\nauthoritative = off\n", NULL},
    {"[dns]\nauthoritative = autp\n", "'autp' is not one of auto | off (did you mean 'auto'?)"},
    {"[dns]\ntry_timeout = 10s\n",
     "x.conf:2: error: dns.try_timeout is longer than dns.query_timeout"},
    {"[schedule]\nfloor = 10ms\ncap = 10ms\n", NULL},
    {"[schedule]\nfloor = 9ms\n", "allowed is 10ms .. 1d"},
    {"[schedule]\nfloor = 10\n", "is not a duration with its unit"},
    {"[schedule]\ncap = 1s\n", "x.conf:2: error: schedule.floor is longer than schedule.cap"},
    {"[domains]\nallow_special_use = yes\n", NULL},
    {"[domains]\nallow_special_use = TRUE\n", "'TRUE' is not true or false"},
    {"[domains]\nrestricted = Example.COM, b\xc3\xbc"
     "cher.example\n",
     NULL},
    {"[domains]\nrestricted = -x-.example\n", "x.conf:2: error: domains.restricted: "},
    {"[records]\ndmarc = p=none\n", "begins with v=DMARC1"},
    {"[account a b]\n", "an account's name is 1 to 64"},
    {"[account a]\nregion = EU\n", "x.conf:2: error: account a: 'EU' is no region"},
    {"[account a]\nrate = 0\n", "out of range, allowed is 0.001 .. 1000"},
    {"[account a]\nrate = 1.0001\n", "is not calls per second"},
    {"[account a]\nrate = .5\n", "is not calls per second"},
    {"[account a]\nendpoint_url = ftp://x\n", "begins with neither https:// nor http://"},
    {"[account a]\nregio = x\n", "(did you mean 'region'?)"},
};

static void test_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(file_cases) / sizeof(file_cases[0]); i++) {
        struct loaded got;

        load_text(&got, file_cases[i].text);
        if (file_cases[i].said == NULL) {
            assert_string_equal(got.problems, "");
        } else {
            if (strstr(got.problems, file_cases[i].said) == NULL)
                fail_msg("%s said: %s", file_cases[i].text, got.problems);
            assert_int_equal(got.code, SV_EXIT_CONFIG);
        }
        sv_config_free(got.config);
    }
}

static void test_all_mistakes_at_once(void **state)
{
    static const char text[] = "[redis]\nshards = x\nulr = y\n\nbroken\n[log]\nlevel = loud\n";
    char e1[] = "SESVERIFY_WORKER_LEASE=soon";
    char *environment[] = {e1, NULL};
    const char *sets[] = {"log.fromat=json", "nonsense", "lgo.level=info", "dns.tries=2",
                          "dns.tries=3"};
    struct sv_config_sources sources = {.file = "x.conf",
                                        .text = text,
                                        .text_bytes = sizeof(text) - 1,
                                        .sets = sets,
                                        .sets_count = 5,
                                        .environment = environment};
    static const char *const wanted[] = {
        "x.conf:2: error: redis.shards",
        "x.conf:3: error: unknown key 'ulr'",
        "x.conf:5: error: a line is",
        "x.conf:7: error: log.level: 'loud'",
        "environment SESVERIFY_WORKER_LEASE: error: worker.lease: 'soon'",
        "--set log.fromat: error: unknown key 'fromat' in [log] (did you mean 'format'?)",
        "--set nonsense: error: is not of the form section.key=value",
        "--set dns.tries: error: given twice",
        "--set lgo.level: error: unknown section [lgo] (did you mean [log]?)",
    };
    struct loaded got;

    (void)state;
    load(&got, &sources);
    assert_int_equal(got.code, SV_EXIT_CONFIG);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        if (strstr(got.problems, wanted[i]) == NULL)
            fail_msg("'%s' is missing in: %s", wanted[i], got.problems);
    }
}

static void test_environment(void **state)
{
    static const struct {
        const char *variable;
        const char *said;
    } cases[] = {
        {"SESVERIFY_SERVICE_HOST=10.0.0.1", NULL}, /* Kubernetes, not ours */
        {"SESVERIFY_PORT=tcp://10.0.0.1", NULL},
        {"SESVERIFY_REDIS_ULR=x", "no such setting (did you mean SESVERIFY_REDIS_URL?)"},
        {"SESVERIFY_ACCOUNT_OTHER_REGION=x", "no such setting"},
        {"SESVERIFY_ACCOUNT_DEFAULT_REGION=eu-west-1", NULL},
        {"SESVERIFY_REDIS_PASSWORD=x", "warning: a secret in the environment"},
        {"SESVERIFY_REDIS_URL=redis://:pw@h", "warning: redis.url: holds a password"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *variable = strdup(cases[i].variable);
        char *environment[] = {variable, NULL};
        struct sv_config_sources sources = {.text = "", .environment = environment};
        struct loaded got;

        load(&got, &sources);
        if (cases[i].said == NULL)
            assert_string_equal(got.problems, "");
        else if (strstr(got.problems, cases[i].said) == NULL)
            fail_msg("%s said: %s", cases[i].variable, got.problems);
        sv_config_free(got.config);
        free(variable);
    }
}

static void test_missing_file(void **state)
{
    struct sv_config_sources sources = {.file = "/nonexistent/x.conf"};
    struct loaded got;

    (void)state;
    load(&got, &sources);
    assert_int_equal(got.code, SV_EXIT_NO_INPUT);
    assert_string_equal(got.problems,
                        "/nonexistent/x.conf: error: cannot be read: No such file or directory\n");
}

static void test_limits(void **state)
{
    struct loaded got;
    struct sv_buf text;

    (void)state;
    sv_buf_init(&text, TEXT_BYTES_MAX);
    for (int i = 0; i < SV_ACCOUNTS_MAX + 1; i++)
        assert_true(sv_buf_printf(&text, "[account a%d]\n", i));
    load_text(&got, sv_buf_str(&text));
    assert_string_equal(got.problems, "x.conf:33: error: more than 32 accounts\n");
    sv_buf_clear(&text);
    for (int i = 0; i < SV_PROBLEMS_MAX + 7; i++)
        assert_true(sv_buf_printf(&text, "broken\n"));
    load_text(&got, sv_buf_str(&text));
    assert_non_null(strstr(got.problems, "... and 7 more errors\n"));
    sv_buf_clear(&text);
    assert_true(sv_buf_add_str(&text, "[dns]\nservers ="));
    for (int i = 0; i < 17; i++)
        assert_true(sv_buf_add_str(&text, " 192.0.2.1"));
    load_text(&got, sv_buf_str(&text));
    assert_string_equal(got.problems, "x.conf:2: error: dns.servers: more than 16 entries\n");
    sv_buf_fini(&text);
}

/* What run needs is no mistake of the file: `config check` on another machine tells it as well. */
static void test_what_run_needs(void **state)
{
    struct sv_problems problems;
    struct loaded got;

    (void)state;
    load_text(&got, "[account a]\nrole_arn = a-role\n");
    sv_problems_init(&problems);
    sv_config_check_run(got.config, &problems, false);
    assert_int_equal(problems.errors, 2); /* region and role */
    sv_problems_fini(&problems);
    sv_config_check_run(got.config, &problems, true);
    assert_int_equal(problems.errors, 0);
    assert_int_equal(problems.count, 2);
    sv_problems_fini(&problems);
    sv_config_free(got.config);
}

/* How identities are set up: what belongs together, and what no account may say. */
static void test_identities_of_an_account(void **state)
{
    static const struct {
        const char *text, *problem; /* NULL = fine */
    } cases[] = {
        {"dkim = easy\n", NULL},
        {"dkim = byodkim\ndkim_selector = sv1\ndkim_key_file = /k\n", NULL},
        {"dkim = deed\ndkim_parent_region = eu-west-1\n", NULL},
        {"configuration_set = my_Set-1\ntags = a=b, client={client_id}\n", NULL},
        {"dkim = byodkim\ndkim_selector = sv1\n", "needs dkim_key_file"},
        {"dkim = byodkim\ndkim_key_file = /k\n", "needs dkim_selector"},
        {"dkim = byodkim\ndkim_selector = s.v\ndkim_key_file = /k\n", "needs dkim_selector"},
        {"dkim = byodkim\ndkim_selector = -a\ndkim_key_file = /k\n", "needs dkim_selector"},
        {"dkim_selector = sv1\n", "need dkim = byodkim"},
        {"dkim_key_file = /k\n", "need dkim = byodkim"},
        {"dkim = deed\n", "needs dkim_parent_region"},
        {"dkim = deed\ndkim_parent_region = us-east-1\n", "in another region"},
        {"dkim_parent_region = eu-west-1\n", "needs dkim = deed"},
        {"dkim = rsa\n", "is not one of easy | byodkim | deed"},
        {"configuration_set = a b\n", "is no name of one"},
        {"tags = a\n", "is not key=value"},
        {"tags = a=1, b=2, a=3\n", "the key is there twice"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[256];
        struct loaded got;

        (void)snprintf(text, sizeof(text), "[account main]\nregion = us-east-1\n%s", cases[i].text);
        load_text(&got, text);
        if (cases[i].problem != NULL && strstr(got.problems, cases[i].problem) == NULL)
            fail_msg("no '%s' in: %s", cases[i].problem, got.problems);
        assert_int_equal(got.code, cases[i].problem == NULL ? SV_EXIT_OK : SV_EXIT_CONFIG);
        sv_config_free(got.config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_identities_of_an_account),
        cmocka_unit_test(test_printed_defaults_are_the_defaults),
        cmocka_unit_test(test_precedence),
        cmocka_unit_test(test_accounts),
        cmocka_unit_test(test_sinks),
        cmocka_unit_test(test_a_sinks_plan_is_the_published_one),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_all_mistakes_at_once),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_missing_file),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_what_run_needs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
