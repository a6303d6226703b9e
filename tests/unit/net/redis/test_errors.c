#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "errors.h"

static void every_word_has_its_meaning(void **state)
{
    static const struct {
        const char *text;
        enum sv_err want;
    } rows[] = {
        {"LOADING Redis is loading the dataset in memory", SV_EUNAVAILABLE},
        {"BUSY Redis is busy running a script.", SV_EUNAVAILABLE},
        {"TRYAGAIN Multiple keys request during rehashing of slot", SV_EUNAVAILABLE},
        {"CLUSTERDOWN Hash slot not served", SV_EUNAVAILABLE},
        {"MASTERDOWN Link with MASTER is down", SV_EUNAVAILABLE},
        {"NOREPLICAS Not enough good replicas to write.", SV_EUNAVAILABLE},
        {"OOM command not allowed when used memory > 'maxmemory'.", SV_EFULL},
        {"MISCONF Redis is configured to save RDB snapshots", SV_EFULL},
        {"READONLY You can't write against a read only replica.", SV_ECONNECT},
        {"UNBLOCKED force unblock from blocking operation", SV_ECONNECT},
        {"NOAUTH Authentication required.", SV_EDENIED},
        {"WRONGPASS invalid username-password pair", SV_EDENIED},
        {"NOPERM this user has no permissions", SV_EDENIED},
        {"NOSCRIPT No matching script.", SV_ENOTFOUND},
        {"NOGROUP No such key 'x'", SV_ENOTFOUND},
        {"ERR unknown command", SV_EREFUSED},
        {"WRONGTYPE Operation against a key", SV_EREFUSED},
        {"MOVED 3999 127.0.0.1:6381", SV_EREFUSED},
        {"CROSSSLOT Keys in request", SV_EREFUSED},
        /* Whole words, exactly as the server writes them. */
        {"BUSYGROUP Consumer Group name already exists", SV_EREFUSED},
        {"BUSYKEY Target key name already exists.", SV_EREFUSED},
        {"loading", SV_EREFUSED},
        {"LOAD", SV_EREFUSED},
        {"LOADING", SV_EUNAVAILABLE},
        {" LOADING", SV_EREFUSED},
        {"", SV_EREFUSED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sv_errinfo info = {.text = ""};

        print_message("%s\n", rows[i].text);
        assert_int_equal(sv_redis_error(rows[i].text, strlen(rows[i].text), &info), rows[i].want);
        assert_int_equal(info.code, rows[i].want);
        assert_string_equal(info.text, rows[i].text);
        assert_int_equal(sv_redis_error(rows[i].text, strlen(rows[i].text), NULL), rows[i].want);
    }
}

/* What a server without AUTH answers to it, word for word from Redis 5. */
static void the_discreet_one_repeats_only_the_word(void **state)
{
    static const char text[] =
        "ERR unknown command `AUTH`, with args beginning with: `user`, `SECRET`, ";
    struct sv_errinfo info = {.text = ""};

    (void)state;
    assert_int_equal(sv_redis_error_discreet(text, strlen(text), &info), SV_EREFUSED);
    assert_non_null(strstr(info.text, "ERR"));
    assert_null(strstr(info.text, "SECRET"));
    assert_null(strstr(info.text, "unknown"));
}

static void long_and_odd_texts_are_cut(void **state)
{
    char text[4096];
    struct sv_errinfo info = {.text = ""};

    (void)state;
    memset(text, 'A', sizeof(text));
    assert_int_equal(sv_redis_error(text, sizeof(text), &info), SV_EREFUSED);
    assert_int_equal(strlen(info.text), SV_ERR_TEXT_BYTES - 1);
    assert_int_equal(sv_redis_error("OOM \0x", 6, &info), SV_EFULL);
    assert_int_equal(sv_redis_error("OOM a\033b", 7, &info), SV_EFULL);
    assert_string_equal(info.text, "OOM a?b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_word_has_its_meaning),
        cmocka_unit_test(the_discreet_one_repeats_only_the_word),
        cmocka_unit_test(long_and_odd_texts_are_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
