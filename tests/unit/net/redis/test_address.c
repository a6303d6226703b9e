#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sv/redis.h"

static void accepted_urls(void **state)
{
    static const struct {
        const char *url;
        struct sv_redis_address want;
    } rows[] = {
        {"redis://localhost", {.host = "localhost", .port = 6379}},
        {"REDIS://localhost/", {.host = "localhost", .port = 6379}},
        {"redis://10.0.0.1:6380/15", {.host = "10.0.0.1", .port = 6380, .database = 15}},
        {"redis://[::1]", {.host = "::1", .port = 6379}},
        {"redis://[fe80::1%eth0]:7/1", {.host = "fe80::1%eth0", .port = 7, .database = 1}},
        {"redis://:pw@h", {.host = "h", .port = 6379, .password = "pw"}},
        {"redis://u:pw@h:1", {.host = "h", .port = 1, .user = "u", .password = "pw"}},
        {"redis://u@h", {.host = "h", .port = 6379, .user = "u"}},
        {"redis://u:@h", {.host = "h", .port = 6379, .user = "u"}},
        {"redis://u:a:b@c@h", {.host = "h", .port = 6379, .user = "u", .password = "a:b@c"}},
        {"redis://u%3A:p%2f%40%3F@h",
         {.host = "h", .port = 6379, .user = "u:", .password = "p/@?"}},
        {"rediss://cache.example.net", {.tls = true, .host = "cache.example.net", .port = 6379}},
        {"unix:///run/redis.sock", {.is_unix = true, .host = "/run/redis.sock"}},
        {"unix:///run/a%20b?db=3", {.is_unix = true, .host = "/run/a b", .database = 3}},
        {"unix://u:p@/run/r", {.is_unix = true, .host = "/run/r", .user = "u", .password = "p"}},
        {"unix:///run/x@y", {.is_unix = true, .host = "/run/x@y"}},
        {"redis://h/99999", {.host = "h", .port = 6379, .database = 99999}},
        {"redis://h:65535", {.host = "h", .port = 65535}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sv_redis_address got;
        struct sv_errinfo info = {.text = ""};

        print_message("%s\n", rows[i].url);
        assert_int_equal(sv_redis_address_parse(rows[i].url, &got, &info), SV_OK);
        assert_string_equal(got.host, rows[i].want.host);
        assert_string_equal(got.user, rows[i].want.user);
        assert_string_equal(got.password, rows[i].want.password);
        assert_int_equal(got.port, rows[i].want.port);
        assert_int_equal(got.database, rows[i].want.database);
        assert_int_equal(got.tls, rows[i].want.tls);
        assert_int_equal(got.is_unix, rows[i].want.is_unix);
    }
}

/* The message names the part; a marker in the URL stands for the password and is never repeated. */
static void refused_urls(void **state)
{
    static const struct {
        const char *url;
        const char *names;
    } rows[] = {
        {"", "begin with"},
        {"localhost:6379", "begin with"},
        {"http://localhost", "begin with"},
        {"redis:/localhost", "begin with"},
        {"redis://", "host"},
        {"redis:///0", "host"},
        {"redis://:6379", "host"},
        {"redis://:SECRET@", "host"},
        {"redis://h h", "host"},
        {"redis://h\n", "host"},
        {"redis://h?x=1", "host"},
        {"redis://h#f", "host"},
        {"redis://[::1", "']'"},
        {"redis://[]", "host"},
        {"redis://[::1]6379", "']'"},
        {"redis://[::1]:", "port"},
        {"redis://::1", "host"},
        {"redis://h:", "port"},
        {"redis://h:0", "port"},
        {"redis://h:65536", "port"},
        {"redis://h:6379x", "port"},
        {"redis://h:-1", "port"},
        {"redis://h:4294967297", "port"},
        {"redis://h/x", "database"},
        {"redis://h/-1", "database"},
        {"redis://h/100000", "database"},
        {"redis://h/1/", "database"},
        {"redis://h/1?x", "database"},
        {"redis://:SECRET/x@h", "%2F"},
        {"redis://u:SECRET%@h", "password"},
        {"redis://u:SECRET%4@h", "password"},
        {"redis://u:SECRET%zz@h", "password"},
        {"redis://u:SECRET%00@h", "password"},
        {"redis://u%0a:SECRET@h", "user"},
        {"unix://", "path"},
        {"unix://run/redis.sock", "path"},
        {"unix://u:SECRET@run/redis.sock", "path"},
        {"unix:///r?db=", "db="},
        {"unix:///r?db=x", "db="},
        {"unix:///r?name=x", "db="},
        {"unix:///r%", "path"},
        {"unix://?db=1/", "db="},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        static const struct sv_redis_address none;
        struct sv_redis_address got;
        struct sv_errinfo info = {.text = ""};

        assert_int_equal(sv_redis_address_parse(rows[i].url, &got, &info), SV_EINVALID);
        print_message("%s: %s\n", rows[i].url, info.text);
        assert_non_null(strstr(info.text, rows[i].names));
        assert_null(strstr(info.text, "SECRET"));
        assert_memory_equal(&got, &none, sizeof(got));
    }
}

static char *repeat(const char *before, char c, size_t count, const char *after)
{
    char *text = calloc(1, strlen(before) + count + strlen(after) + 1);

    assert_non_null(text);
    memcpy(text, before, strlen(before));
    memset(text + strlen(before), c, count);
    memcpy(text + strlen(before) + count, after, strlen(after));
    return text;
}

static void every_part_has_its_limit(void **state)
{
    static const struct {
        const char *before;
        size_t count;
        const char *after;
        enum sv_err want;
    } rows[] = {
        {"redis://", 255, "", SV_OK},
        {"redis://", 256, "", SV_EINVALID},
        {"redis://", 127, ":p@h", SV_OK},
        {"redis://", 128, ":p@h", SV_EINVALID},
        {"redis://:", 511, "@h", SV_OK},
        {"redis://:", 512, "@h", SV_EINVALID},
        {"unix:///", 106, "", SV_OK},
        {"unix:///", 107, "", SV_EINVALID},
        {"redis://h/", 100000, "", SV_EINVALID},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sv_redis_address got;
        char *url = repeat(rows[i].before, 'a', rows[i].count, rows[i].after);

        assert_int_equal(sv_redis_address_parse(url, &got, NULL), rows[i].want);
        free(url);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepted_urls),
        cmocka_unit_test(refused_urls),
        cmocka_unit_test(every_part_has_its_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
