#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sv/redis_place.h"

static void accepted_urls(void **state)
{
    static const struct {
        const char *url;
        enum sv_redis_kind kind;
        const char *described;
        const char *user, *password;
        unsigned database;
        bool tls;
    } rows[] = {
        {"redis://u:p@h/3", SV_REDIS_ONE, "h:6379", "u", "p", 3, false},
        {"redis://[::1]:7", SV_REDIS_ONE, "[::1]:7", "", "", 0, false},
        {"unix:///run/r.sock", SV_REDIS_ONE, "/run/r.sock", "", "", 0, false},
        {"redis+sentinel://a/main", SV_REDIS_SENTINEL, "a:26379/main", "", "", 0, false},
        {"REDIS+Sentinel://a/m", SV_REDIS_SENTINEL, "a:26379/m", "", "", 0, false},
        {"redis+sentinel://u:p%2F@a:1,[fe80::2],b,[::1]:9/m.x-y_1/12", SV_REDIS_SENTINEL,
         "a:1,[fe80::2]:26379,b:26379,[::1]:9/m.x-y_1", "u", "p/", 12, false},
        {"rediss+sentinel://:a@b,c@d/m", SV_REDIS_SENTINEL, "d:26379/m", "", "a@b,c", 0, true},
        {"redis+cluster://a,b:7001", SV_REDIS_CLUSTER, "a:6379,b:7001", "", "", 0, false},
        {"rediss+cluster://u:p@a/", SV_REDIS_CLUSTER, "a:6379", "u", "p", 0, true},
        {"redis+cluster://a/0", SV_REDIS_CLUSTER, "a:6379", "", "", 0, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sv_redis_address address;
        struct sv_redis_place place;
        struct sv_errinfo info = {.text = ""};
        char text[200];

        print_message("%s\n", rows[i].url);
        assert_int_equal(sv_redis_place_parse(rows[i].url, &address, &place, &info), SV_OK);
        assert_int_equal(place.kind, rows[i].kind);
        sv_redis_place_describe(&address, &place, text, sizeof(text));
        assert_string_equal(text, rows[i].described);
        assert_string_equal(address.user, rows[i].user);
        assert_string_equal(address.password, rows[i].password);
        assert_int_equal(address.database, rows[i].database);
        assert_int_equal(address.tls, rows[i].tls);
        if (place.hosts_count > 0)
            assert_string_equal(address.host, place.hosts[0].host);
    }
}

/* The word "leak" stands for the password. */
static void refused_urls(void **state)
{
    static const struct {
        const char *url, *want;
    } rows[] = {
        {"redis+sentinel://:leak@a", "name of the primary"},
        {"redis+sentinel://:leak@a/", "name of the primary"},
        {"redis+sentinel://:leak@a/x y", "letters, digits"},
        {"redis+sentinel://:leak@a/m/x", "database"},
        {"redis+sentinel://:leak@a/m/1/2", "database"},
        {"redis+sentinel://:leak@/m", "host"},
        {"redis+sentinel://:leak@a,/m", "host"},
        {"redis+sentinel://:leak@,a/m", "host"},
        {"redis+sentinel://:leak@a:0/m", "port"},
        {"redis+sentinel://:le/ak@a/m", "%2F"},
        {"redis+cluster://:leak@a/1", "database 0 only"},
        {"redis+cluster://:leak@a/0/1", "database 0 only"},
        {"redis+cluster://", "host"},
        {"redis+cluster://a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", "more than 16"},
        {"redis+other://a", "does not begin with"},
        {"redis+cluster://:leak%zz@a", "percent"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sv_redis_address address, empty = {.port = 0};
        struct sv_redis_place place;
        struct sv_errinfo info = {.text = ""};

        print_message("%s\n", rows[i].url);
        assert_int_equal(sv_redis_place_parse(rows[i].url, &address, &place, &info), SV_EINVALID);
        assert_non_null(strstr(info.text, rows[i].want));
        assert_null(strstr(info.text, "leak"));
        assert_memory_equal(&address, &empty, sizeof(address));
    }
}

static void a_text_that_is_too_long_is_refused(void **state)
{
    static char url[8192];
    struct sv_redis_address address;
    struct sv_redis_place place;
    struct sv_errinfo info;
    char text[8];

    (void)state;
    memset(url, 'x', sizeof(url) - 1);
    memcpy(url, "redis+cluster://", 16);
    assert_int_equal(sv_redis_place_parse(url, &address, &place, &info), SV_EINVALID);
    assert_non_null(strstr(info.text, "4096"));
    assert_int_equal(sv_redis_place_parse("redis+cluster://abc:1,def:2", &address, &place, &info),
                     SV_OK);
    sv_redis_place_describe(&address, &place, text, sizeof(text));
    assert_string_equal(text, "abc:1,d");
}

static void hosts_are_compared_by_name_and_port(void **state)
{
    struct sv_redis_host a = {.host = "Name.example", .port = 1};
    struct sv_redis_host b = {.host = "name.example", .port = 1};

    (void)state;
    assert_true(sv_redis_host_equals(&a, &b));
    b.port = 2;
    assert_false(sv_redis_host_equals(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepted_urls),
        cmocka_unit_test(refused_urls),
        cmocka_unit_test(a_text_that_is_too_long_is_refused),
        cmocka_unit_test(hosts_are_compared_by_name_and_port),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
