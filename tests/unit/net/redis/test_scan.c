#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec.h"

enum { BYTES_MAX = 1 << 20 };

/* How the scanner sees `text` when it comes in pieces of `step` bytes. */
static enum sv_err scan_all(const char *text, size_t len, size_t step, unsigned *replies,
                            struct sv_errinfo *info)
{
    struct sv_redis_scan scan;

    *replies = 0;
    sv_redis_scan_init(&scan, BYTES_MAX);
    for (size_t at = 0; at < len;) {
        size_t some = len - at < step ? len - at : step;
        size_t used = 0;
        bool whole = false;
        enum sv_err err = sv_redis_scan_feed(&scan, text + at, some, &used, &whole, info);

        if (err != SV_OK)
            return err;
        assert_true(used > 0 && used <= some);
        assert_true(whole || used == some);
        at += used;
        *replies += whole;
    }
    return SV_OK;
}

#define DEEP7 "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n"

static const struct {
    const char *text;
    enum sv_err want;
    unsigned replies;
} rows[] = {
    {"+OK\r\n", SV_OK, 1},
    {"+\r\n", SV_OK, 1},
    {"-ERR no\r\n", SV_OK, 1},
    {":0\r\n:1\r\n:-1\r\n", SV_OK, 3},
    {":9223372036854775807\r\n:-9223372036854775808\r\n", SV_OK, 2},
    {"$0\r\n\r\n", SV_OK, 1},
    {"$-1\r\n", SV_OK, 1},
    {"$4\r\na\r\nb\r\n", SV_OK, 1},
    {"*-1\r\n", SV_OK, 1},
    {"*0\r\n", SV_OK, 1},
    {"*2\r\n$1\r\na\r\n:3\r\n", SV_OK, 1},
    {"*2\r\n*2\r\n:1\r\n:2\r\n*0\r\n+x\r\n", SV_OK, 2},
    {"*3\r\n*-1\r\n$-1\r\n*1\r\n*1\r\n-E\r\n:1\r\n", SV_OK, 2},
    {DEEP7 ":1\r\n", SV_OK, 1},
    {DEEP7 "*0\r\n", SV_OK, 1},
    {DEEP7 "*1\r\n", SV_ETOOBIG, 0},
    {"*1000000\r\n", SV_ETOOBIG, 0},
    {"*9223372036854775807\r\n", SV_ETOOBIG, 0},
    {"*10900\r\n", SV_OK, 0},      /* 10900 x 96 bytes fit into a mebibyte, */
    {"*10922\r\n", SV_ETOOBIG, 0}, /* this does not */
    {"*2\r\n*10900\r\n", SV_OK, 0},
    {"*2\r\n*10920\r\n", SV_ETOOBIG, 0},
    {"$2147483647\r\n", SV_ETOOBIG, 0},
    {"$1048400\r\n", SV_OK, 0},
    {"$1048576\r\n", SV_ETOOBIG, 0},
    {"$9223372036854775807\r\n", SV_ETOOBIG, 0},
    {"$9223372036854775808\r\n", SV_EMALFORMED, 0},
    {"*99999999999999999999999\r\n", SV_EMALFORMED, 0},
    {":9223372036854775808\r\n", SV_EMALFORMED, 0},
    {":-9223372036854775809\r\n", SV_EMALFORMED, 0},
    {"$-2\r\n", SV_EMALFORMED, 0},
    {"*-2\r\n", SV_EMALFORMED, 0},
    {"$-0\r\n", SV_EMALFORMED, 0},
    {":-0\r\n", SV_EMALFORMED, 0},
    {":+1\r\n", SV_EMALFORMED, 0},
    {":01\r\n", SV_EMALFORMED, 0},
    {":\r\n", SV_EMALFORMED, 0},
    {":-\r\n", SV_EMALFORMED, 0},
    {":1-\r\n", SV_EMALFORMED, 0},
    {":--1\r\n", SV_EMALFORMED, 0},
    {":1 \r\n", SV_EMALFORMED, 0},
    {"$1\r\nab\r\n", SV_EMALFORMED, 0},
    {"$1\r\na\n", SV_EMALFORMED, 0},
    {"$1\r\na\rb", SV_EMALFORMED, 0},
    {"+a\n", SV_EMALFORMED, 0},
    {"+a\rb\r\n", SV_EMALFORMED, 0},
    {":1\r:", SV_EMALFORMED, 0},
    {"%1\r\n", SV_EMALFORMED, 0},
    {"_\r\n", SV_EMALFORMED, 0},
    {",1.5\r\n", SV_EMALFORMED, 0},
    {">2\r\n", SV_EMALFORMED, 0},
    {"\r\n", SV_EMALFORMED, 0},
    {"HTTP/1.1 400 Bad Request\r\n", SV_EMALFORMED, 0},
    {"", SV_OK, 0},
};

static void tables_of_replies(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t step = 1; step <= strlen(rows[i].text) + 1; step++) {
            struct sv_errinfo info = {.text = ""};
            unsigned replies = 0;
            enum sv_err err = scan_all(rows[i].text, strlen(rows[i].text), step, &replies, &info);

            if (err != rows[i].want || (err == SV_OK && replies != rows[i].replies))
                fail_msg("row %zu, step %zu: %s, %u replies (%s)", i, step, sv_err_name(err),
                         replies, info.text);
            assert_true(err == SV_OK || info.text[0] != '\0');
        }
    }
}

/* A line has no announced size, so it is counted as it comes. */
static void an_endless_line_ends(void **state)
{
    static const char *const starts[] = {"+", "-", "*3\r\n+"};
    static char block[4096];

    (void)state;
    memset(block, 'x', sizeof(block));
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        struct sv_redis_scan scan;
        enum sv_err err;
        size_t used = 0;
        size_t sum = 0;
        bool whole = false;

        sv_redis_scan_init(&scan, BYTES_MAX);
        err = sv_redis_scan_feed(&scan, starts[i], strlen(starts[i]), &used, &whole, NULL);
        assert_int_equal(err, SV_OK);
        while (err == SV_OK && sum <= 2 * BYTES_MAX) {
            err = sv_redis_scan_feed(&scan, block, sizeof(block), &used, &whole, NULL);
            sum += used;
        }
        assert_int_equal(err, SV_ETOOBIG);
        assert_true(sum <= BYTES_MAX);
    }
}

/* Each element is small, together they are too many. */
static void the_sum_counts_not_the_single_piece(void **state)
{
    static const char bulk[] = "$1000\r\n";
    static char body[1002];
    struct sv_redis_scan scan;
    enum sv_err err;
    size_t used = 0;
    bool whole = false;
    unsigned count = 0;

    (void)state;
    memset(body, 'x', 1000);
    memcpy(body + 1000, "\r\n", 2);
    sv_redis_scan_init(&scan, BYTES_MAX);
    err = sv_redis_scan_feed(&scan, "*5000\r\n", 7, &used, &whole, NULL);
    for (; err == SV_OK && count < 5000; count++) {
        err = sv_redis_scan_feed(&scan, bulk, strlen(bulk), &used, &whole, NULL);
        if (err == SV_OK)
            err = sv_redis_scan_feed(&scan, body, sizeof(body), &used, &whole, NULL);
    }
    assert_int_equal(err, SV_ETOOBIG);
    assert_in_range(count, 500, 600);
}

/* The sum begins anew with each reply, or a long life would end by itself. */
static void small_replies_never_add_up(void **state)
{
    struct sv_redis_scan scan;
    size_t used = 0;
    bool whole = false;

    (void)state;
    sv_redis_scan_init(&scan, 1024);
    for (unsigned i = 0; i < 10000; i++) {
        assert_int_equal(sv_redis_scan_feed(&scan, "*1\r\n+OK\r\n", 9, &used, &whole, NULL), SV_OK);
        assert_true(whole);
    }
}

static void a_reply_may_be_as_large_as_the_limit(void **state)
{
    struct sv_redis_scan scan;
    size_t used = 0;
    bool whole = false;

    (void)state;
    sv_redis_scan_init(&scan, SV_REDIS_NODE_BYTES + 5);
    assert_int_equal(sv_redis_scan_feed(&scan, "+OK\r\n", 5, &used, &whole, NULL), SV_OK);
    assert_true(whole);
    assert_int_equal(sv_redis_scan_feed(&scan, "+OKS\r\n", 6, &used, &whole, NULL), SV_ETOOBIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_of_replies),
        cmocka_unit_test(an_endless_line_ends),
        cmocka_unit_test(the_sum_counts_not_the_single_piece),
        cmocka_unit_test(small_replies_never_add_up),
        cmocka_unit_test(a_reply_may_be_as_large_as_the_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
