/* The small parts of the Redis store: what INFO says, names of keys, memory of a call. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "inner.h"

static void test_info(void **state)
{
    static const struct {
        const char *text;
        enum sv_err err;
        bool may_evict, not_durable;
    } cases[] = {
        {"# Server\r\nredis_version:7.0.15\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n",
         SV_OK, false, false},
        {"redis_version:7.2.4\r\nmaxmemory_policy:allkeys-lru\r\naof_enabled:0\r\n", SV_OK, true,
         true},
        {"redis_version:10.1.0\r\n", SV_OK, false, false},
        {"redis_version:6.2.14\r\nmaxmemory_policy:noeviction\r\n", SV_EREFUSED, false, false},
        {"x_redis_version:7.0.0\r\n", SV_EREFUSED, false, false},
        {"redis_version:7.0.0", SV_OK, false, false},
        {"", SV_EREFUSED, false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sv_store_server server = {.may_evict = false};
        struct sv_errinfo info = {.code = SV_OK};

        assert_int_equal(sv_store_check_info(cases[i].text, &server, &info), cases[i].err);
        assert_int_equal(server.may_evict, cases[i].may_evict);
        assert_int_equal(server.not_durable, cases[i].not_durable);
        if (cases[i].err != SV_OK)
            assert_non_null(strstr(info.text, "7.0 is needed"));
    }
}

static void test_keys(void **state)
{
    struct sv_redis_store store = {.prefix = "p[1]"};
    struct sv_store_call call = {.shard = 3};
    struct sv_store_work work = {.store = &store, .call = &call};

    (void)state;
    assert_string_equal(sv_store_key(&work, "jobs"), "p[1]:{3}:jobs");
    assert_string_equal(sv_store_key_of(&work, "due:hi", "a:b"), "p[1]:{3}:due:hi:a:b");
    assert_string_equal(sv_store_key_receipt(&work, "a:b%", "c:d"), "p[1]:{3}:job:a%3Ab%25:c:d");
    assert_string_equal(sv_store_key_owner(&work, "x.example"), "p[1]:{o:x.example}");
    assert_string_equal(sv_store_key_limiter(&work, "a", "r", "g"), "p[1]:{q:a:r:g}");
    assert_string_equal(sv_store_key_pattern(&work, "d"), "p\\[1\\]:{3}:d:*");
    sv_store_arena_fini(&work.arena);
}

static void test_arena(void **state)
{
    struct sv_store_arena arena = {.chunks = NULL};
    char *pieces[200];

    (void)state;
    for (size_t i = 0; i < 200; i++) {
        size_t len = i % 7 == 0 ? 10000 : i;

        pieces[i] = sv_store_arena_alloc(&arena, 1, len + 1);
        assert_int_equal((uintptr_t)pieces[i] % sizeof(void *), 0);
        for (size_t at = 0; at <= len; at++)
            assert_int_equal(pieces[i][at], 0);
        memset(pieces[i], (int)i, len + 1);
    }
    for (size_t i = 0; i < 200; i++)
        assert_int_equal((unsigned char)pieces[i][i % 7 == 0 ? 10000 : i], i);
    assert_string_equal(sv_store_arena_strndup(&arena, "abc", 2), "ab");
    assert_string_equal(sv_store_arena_strndup(&arena, "", 0), "");
    sv_store_arena_fini(&arena);
    assert_null(arena.chunks);
}

static void test_op_names(void **state)
{
    (void)state;
    for (int op = 0; op < SV_STORE_OP_COUNT; op++)
        assert_true(strlen(sv_store_op_name((enum sv_store_op)op)) > 2);
    assert_string_equal(sv_store_op_name(SV_STORE_OP_COUNT), "invalid");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_info),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_arena),
        cmocka_unit_test(test_op_names),
    };

    return cmocka_run_group_tests_name("store_parts", tests, NULL, NULL);
}
