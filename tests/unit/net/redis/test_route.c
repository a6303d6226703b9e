#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "route.h"

static void first_keys(void **state)
{
    static const struct {
        const char *words[12];
        const char *key; /* NULL = none */
    } rows[] = {
        {{"HGETALL", "k"}, "k"},
        {{"get", "k"}, "k"},
        {{"XADD", "k", "*", "job", "x"}, "k"},
        {{"EVALSHA", "digest", "2", "k1", "k2", "a"}, "k1"},
        {{"evalsha", "digest", "0", "a"}, NULL},
        {{"EVALSHA", "digest"}, NULL},
        {{"XREADGROUP", "GROUP", "g", "c", "COUNT", "1", "STREAMS", "k", ">"}, "k"},
        {{"XREAD", "COUNT", "1"}, NULL},
        {{"XGROUP", "CREATE", "k", "g", "0"}, "k"},
        {{"XINFO", "STREAM", "k"}, "k"},
        {{"MEMORY", "USAGE", "k"}, "k"},
        {{"XPENDING", "k", "g"}, "k"},
        {{"SCRIPT", "LOAD", "return 1"}, NULL},
        {{"SCAN", "0", "MATCH", "x"}, NULL},
        {{"INFO"}, NULL},
        {{"GET"}, NULL},
        {{NULL}, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sv_redis_words words = {.argv = rows[i].words};
        const char *key = NULL;
        size_t len = 0;

        while (rows[i].words[words.count] != NULL)
            words.count++;
        assert_int_equal(sv_redis_key_find(&words, &key, &len), rows[i].key != NULL);
        if (rows[i].key != NULL) {
            assert_int_equal(len, strlen(rows[i].key));
            assert_memory_equal(key, rows[i].key, len);
        }
    }
}

static void keys_may_hold_anything(void **state)
{
    const size_t bytes[] = {3, 4};
    const char *const argv[] = {"GET", "a\0b "};
    struct sv_redis_words words = {.count = 2, .argv = argv, .argv_bytes = bytes};
    const char *key;
    size_t len;

    (void)state;
    assert_true(sv_redis_key_find(&words, &key, &len));
    assert_int_equal(len, 4);
    assert_ptr_equal(key, argv[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_keys),
        cmocka_unit_test(keys_may_hold_anything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
