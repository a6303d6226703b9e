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
        enum sv_redis_kind kind;
        enum sv_err err;
        unsigned doubts;
    } cases[] = {
        {"# Server\r\nredis_version:7.0.15\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n",
         SV_REDIS_ONE, SV_OK, 0},
        {"redis_version:7.2.4\r\nmaxmemory_policy:allkeys-lru\r\naof_enabled:0\r\n", SV_REDIS_ONE,
         SV_OK, SV_SERVER_MAY_EVICT | SV_SERVER_NOT_DURABLE},
        {"redis_version:10.1.0\r\n", SV_REDIS_ONE, SV_OK, 0},
        {"redis_version:6.2.14\r\nmaxmemory_policy:noeviction\r\n", SV_REDIS_ONE, SV_EINVALID, 0},
        {"x_redis_version:7.0.0\r\n", SV_REDIS_ONE, SV_EINVALID, 0},
        {"redis_version:7.0.0", SV_REDIS_ONE, SV_OK, 0},
        {"", SV_REDIS_ONE, SV_EINVALID, 0},
        {"redis_version:7.0.0\naof_enabled:1\naof_last_write_status:err\n", SV_REDIS_ONE, SV_OK,
         SV_SERVER_AOF_FAILS},
        {"redis_version:7.0.0\naof_enabled:1\naof_last_write_status:ok\n", SV_REDIS_ONE, SV_OK, 0},
        {"redis_version:7.0.0\nconnected_slaves:0\ncluster_enabled:0\n", SV_REDIS_ONE, SV_OK, 0},
        {"redis_version:7.0.0\nconnected_slaves:0\n", SV_REDIS_SENTINEL, SV_OK,
         SV_SERVER_NO_REPLICA},
        {"redis_version:7.0.0\nconnected_slaves:2\n", SV_REDIS_ONE, SV_OK, SV_SERVER_REPLICAS_IDLE},
        {"redis_version:7.0.0\nconnected_slaves:2\nmin_slaves_good_slaves:2\n", SV_REDIS_SENTINEL,
         SV_OK, 0},
        {"redis_version:7.0.0\ncluster_enabled:1\n", SV_REDIS_ONE, SV_EINVALID, 0},
        {"redis_version:7.0.0\ncluster_enabled:1\n", SV_REDIS_SENTINEL, SV_EINVALID, 0},
        {"redis_version:7.0.0\ncluster_enabled:1\nconnected_slaves:1\n", SV_REDIS_CLUSTER, SV_OK,
         SV_SERVER_REPLICAS_IDLE},
        {"redis_version:7.0.0\ncluster_enabled:0\n", SV_REDIS_CLUSTER, SV_EINVALID, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unsigned found = 0;
        struct sv_errinfo info = {.code = SV_OK};

        assert_int_equal(sv_store_server_read(cases[i].text, cases[i].kind, &found, &info),
                         cases[i].err);
        assert_int_equal(found, cases[i].doubts);
        if (cases[i].err != SV_OK)
            assert_non_null(
                strstr(info.text, strstr(cases[i].text, "cluster") ? "cluster" : "7.0 is needed"));
    }
}

/* Strict is about what the server's own settings may lose, not about how it is set up. */
static void test_doubts(void **state)
{
    struct sv_errinfo info = {.code = SV_OK};

    (void)state;
    for (unsigned found = 0; found < 2 * SV_SERVER_NO_REPLICA; found++) {
        bool is_unsafe = (found & (SV_SERVER_MAY_EVICT | SV_SERVER_NOT_DURABLE)) != 0;

        assert_int_equal(sv_store_server_judge(found, false, NULL, &info), SV_OK);
        assert_int_equal(sv_store_server_judge(found, true, NULL, &info),
                         is_unsafe ? SV_EINVALID : SV_OK);
    }
    assert_non_null(strstr(info.text, "redis.unsafe_server"));
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
        cmocka_unit_test(test_info),  cmocka_unit_test(test_doubts),   cmocka_unit_test(test_keys),
        cmocka_unit_test(test_arena), cmocka_unit_test(test_op_names),
    };

    return cmocka_run_group_tests_name("store_parts", tests, NULL, NULL);
}
