/* When zones' own servers are asked, and what the test-network settings become. */
#include <stdio.h>
#include <string.h>

#include "cmocka_all.h"
#include "dns_options.h"

static struct sv_config *load(const char *text, struct sv_problems *problems)
{
    struct sv_config_sources sources = {.file = "x.conf", .text = text, .text_bytes = strlen(text)};
    struct sv_config *config = NULL;

    sv_problems_init(problems);
    (void)sv_config_load(&sources, &config, problems);
    return config;
}

static bool asks(const char *text, const char *const *servers)
{
    struct sv_dns_server parsed[4];
    struct sv_dns_settings settings;
    struct sv_problems problems;
    struct sv_config *config = load(text, &problems);
    size_t count = 0;

    assert_non_null(config);
    for (; servers[count] != NULL; count++)
        assert_int_equal(sv_dns_server_parse(servers[count], &parsed[count], NULL), SV_OK);
    sv_dns_settings_read(config, parsed, count, &settings);
    sv_config_free(config);
    sv_problems_fini(&problems);
    return settings.resolver.authority;
}

/* Design section 3.6: a private tree of DNS on other ports stays alone, unless it has roots. */
static void test_auto(void **state)
{
    static const char *const usual[] = {"192.0.2.1", "[2001:db8::1]:53", NULL};
    static const char *const mixed[] = {"127.0.0.1:5353", "192.0.2.1:53", NULL};
    static const char *const odd[] = {"127.0.0.1:5353", "[::1]:5354", NULL};
    const char *roots = "[dns]\nroot_servers = 127.1.0.1\n";

    (void)state;
    assert_true(asks("", usual));
    assert_true(asks("", mixed));
    assert_false(asks("", odd));
    assert_true(asks(roots, odd));
    assert_false(asks("[dns]\nauthoritative = off\n", usual));
    assert_false(asks("[dns]\nauthoritative = off\nroot_servers = 127.1.0.1\n", usual));
}

static void test_values_arrive(void **state)
{
    struct sv_dns_server server;
    struct sv_dns_settings settings;
    struct sv_problems problems;
    struct sv_config *config =
        load("[dns]\nroot_servers = 127.1.0.1 fd53::1\nauthority_port = 5300\n"
             "allow_private = true\nquery_timeout = 4s\ntry_timeout = 1s\n"
             "authority_rate = 200\n",
             &problems);

    (void)state;
    assert_non_null(config);
    assert_int_equal(problems.errors, 0);
    assert_int_equal(sv_dns_server_parse("127.0.0.1", &server, NULL), SV_OK);
    sv_dns_settings_read(config, &server, 1, &settings);
    assert_int_equal(settings.resolver.roots_count, 2);
    assert_int_equal(settings.resolver.roots[1].address.ss_family, AF_INET6);
    assert_int_equal(settings.resolver.authority_port, 5300);
    assert_true(settings.resolver.allow_private);
    assert_int_equal(settings.resolver.total_ms, 4000);
    assert_int_equal(settings.dns.total_ms, 4000);
    assert_int_equal(settings.resolver.try_ms, 1000);
    assert_int_equal(settings.dns.per_server_s, 200);
    sv_config_free(config);
    sv_problems_fini(&problems);
}

static void test_an_address_that_is_none_is_refused(void **state)
{
    struct sv_problems problems;

    (void)state;
    assert_null(load("[dns]\nroot_servers = root.example\n", &problems));
    assert_int_equal(problems.errors, 1);
    sv_problems_fini(&problems);
    assert_null(load("[dns]\nauthority_port = 65536\n", &problems));
    assert_int_equal(problems.errors, 1);
    sv_problems_fini(&problems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_auto),
        cmocka_unit_test(test_values_arrive),
        cmocka_unit_test(test_an_address_that_is_none_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
