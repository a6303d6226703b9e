#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec.h"
#include "sv/rand.h"

static void commands_are_written(void **state)
{
    static const char *const words[] = {"SET", "k", "a\0b"};
    static const size_t lens[] = {3, 1, 3};
    static const char want[] = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\na\0b\r\n";
    struct sv_redis_words binary = {.count = 3, .argv = words, .argv_bytes = lens};
    struct sv_redis_words strings = {.count = 3, .argv = words};
    struct sv_buf out;

    (void)state;
    sv_buf_init(&out, 1000);
    assert_int_equal(sv_redis_codec_write(&out, 1000, &binary, NULL), SV_OK);
    assert_int_equal(out.len, sizeof(want) - 1);
    assert_memory_equal(out.data, want, out.len);
    assert_int_equal(sv_redis_codec_write(&out, 1000, &strings, NULL), SV_OK);
    assert_string_equal(out.data + sizeof(want) - 1, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\na\r\n");
    sv_buf_fini(&out);
}

static void limits_of_commands(void **state)
{
    static const char *words[SV_REDIS_ARGS_MAX + 1];
    static const size_t huge[] = {4, SIZE_MAX - 3, 8};
    struct sv_redis_words ask = {.argv = words};
    struct sv_errinfo info;
    struct sv_buf out;

    (void)state;
    for (size_t i = 0; i <= SV_REDIS_ARGS_MAX; i++)
        words[i] = "PING";
    sv_buf_init(&out, 100);
    assert_int_equal(sv_redis_codec_write(&out, 100, &ask, &info), SV_EINVALID);
    ask.count = SV_REDIS_ARGS_MAX + 1;
    assert_int_equal(sv_redis_codec_write(&out, 100, &ask, &info), SV_EINVALID);
    ask.count = SV_REDIS_ARGS_MAX;
    assert_int_equal(sv_redis_codec_write(&out, 100, &ask, &info), SV_ETOOBIG);
    ask.count = 3;
    ask.argv_bytes = huge; /* would overflow a sum */
    assert_int_equal(sv_redis_codec_write(&out, 100, &ask, &info), SV_ETOOBIG);
    ask.argv_bytes = NULL;
    ask.count = 1;
    assert_int_equal(sv_redis_codec_write(&out, 13, &ask, &info), SV_EBUSY);
    assert_int_equal(out.len, 0);
    assert_int_equal(sv_redis_codec_write(&out, 14, &ask, &info), SV_OK);
    assert_int_equal(out.len, 14);
    sv_buf_fini(&out);
    sv_buf_init(&out, 1 << 20);
    ask.count = SV_REDIS_ARGS_MAX;
    assert_int_equal(sv_redis_codec_write(&out, 1 << 20, &ask, &info), SV_OK);
    sv_buf_fini(&out);
}

static void show(const redisReply *reply, struct sv_buf *out)
{
    assert_true(sv_buf_printf(out, "%d", reply->type));
    if (reply->type == REDIS_REPLY_INTEGER)
        assert_true(sv_buf_printf(out, "(%lld)", reply->integer));
    if (reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS ||
        reply->type == REDIS_REPLY_ERROR)
        assert_true(sv_buf_printf(out, "'%.*s'", (int)reply->len, reply->str));
    if (reply->type == REDIS_REPLY_ARRAY) {
        assert_true(sv_buf_add_str(out, "["));
        for (size_t i = 0; i < reply->elements; i++)
            show(reply->element[i], out);
        assert_true(sv_buf_add_str(out, "]"));
    }
}

static void replies_are_the_same_for_every_split(void **state)
{
    static const char text[] =
        "+OK\r\n*3\r\n$4\r\na\r\nb\r\n:-42\r\n*2\r\n$-1\r\n-ERR x\r\n"
        "*-1\r\n*0\r\n$0\r\n\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:7\r\n";
    static const char want[] = "5'OK'2[1'a\r\nb'3(-42)2[46'ERR x']]42[]1''"
                               "2[2[2[2[2[2[2[3(7)]]]]]]]";

    (void)state;
    for (size_t step = 1; step < sizeof(text); step++) {
        struct sv_redis_codec codec;
        struct sv_buf got;

        sv_redis_codec_init(&codec, 1 << 20);
        sv_buf_init(&got, 1000);
        for (size_t at = 0; at < sizeof(text) - 1;) {
            size_t some = sizeof(text) - 1 - at < step ? sizeof(text) - 1 - at : step;
            redisReply *reply = NULL;
            size_t used = 0;

            assert_int_equal(sv_redis_codec_read(&codec, text + at, some, &used, &reply, NULL),
                             SV_OK);
            at += used;
            if (reply != NULL) {
                show(reply, &got);
                freeReplyObject(reply);
            }
        }
        assert_string_equal(sv_buf_str(&got), want);
        sv_buf_fini(&got);
        sv_redis_codec_fini(&codec);
    }
}

static void half_a_reply_leaves_no_leak(void **state)
{
    struct sv_redis_codec codec;
    redisReply *reply = NULL;
    size_t used = 0;

    (void)state;
    sv_redis_codec_init(&codec, 1 << 20);
    assert_int_equal(sv_redis_codec_read(&codec, "*2\r\n$1\r\na\r\n", 11, &used, &reply, NULL),
                     SV_OK);
    assert_null(reply);
    sv_redis_codec_fini(&codec);
    sv_redis_codec_fini(&codec); /* twice is fine */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_written),
        cmocka_unit_test(limits_of_commands),
        cmocka_unit_test(replies_are_the_same_for_every_split),
        cmocka_unit_test(half_a_reply_leaves_no_leak),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
