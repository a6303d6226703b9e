#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "slots.h"
#include "sv/rand.h"

/* From the specification's own reference and `CLUSTER KEYSLOT` of a real server (7.0.15). */
static void slots_of_keys(void **state)
{
    static const struct {
        const char *key;
        unsigned slot;
    } rows[] = {
        {"123456789", 12739},
        {"foo", 12182},
        {"{user1000}.following", 3443},
        {"foo{}{bar}", 8363},
        {"foo{{bar}}zap", 4015},
        {"foo{bar}{zap}", 5061},
        {"foo{bar", 15278},
        {"sv:{0}:jobs", 13907},
        {"sv:{63}:jobs", 10499},
        {"sv:{o:example.com}", 5064},
        {"sv:{q:a:eu-west-1:read}", 13317},
        {"", 0},
        {"}{x}", 16287},
        {"a{b}", 3300},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(sv_redis_slot_of(rows[i].key, strlen(rows[i].key)), rows[i].slot);
    assert_int_equal(sv_redis_slot_of("a{b}\0x", 6), sv_redis_slot_of("b", 1));
}

/* --- replies --- */

static redisReply *reply_of(const char *text)
{
    redisReader *reader = redisReaderCreate();
    void *reply = NULL;

    assert_int_equal(redisReaderFeed(reader, text, strlen(text)), REDIS_OK);
    assert_int_equal(redisReaderGetReply(reader, &reply), REDIS_OK);
    redisReaderFree(reader);
    assert_non_null(reply);
    return reply;
}

static void ranges_are_read(void **state)
{
    static const struct {
        const char *reply;
        unsigned first, last, port;
        const char *host; /* NULL = not a range */
    } rows[] = {
        {"*1\r\n*3\r\n:0\r\n:5460\r\n*3\r\n$9\r\n127.0.0.1\r\n:7000\r\n$2\r\nid\r\n", 0, 5460, 7000,
         "127.0.0.1"},
        {"*1\r\n*4\r\n:7\r\n:7\r\n*4\r\n$1\r\nh\r\n:1\r\n$1\r\ni\r\n*0\r\n*2\r\n$1\r\nr\r\n:2\r\n",
         7, 7, 1, "h"},
        {"*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n$-1\r\n:7000\r\n", 0, 1, 7000, "asked"},
        {"*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n$0\r\n\r\n:7000\r\n", 0, 1, 7000, "asked"},
        {"*0\r\n", 0, 0, 0, NULL},
        {"+OK\r\n", 0, 0, 0, NULL},
        {"*1\r\n:1\r\n", 0, 0, 0, NULL},
        {"*1\r\n*2\r\n:0\r\n:1\r\n", 0, 0, 0, NULL},
        {"*1\r\n*3\r\n:2\r\n:1\r\n*2\r\n$1\r\nh\r\n:7000\r\n", 0, 0, 0, NULL},
        {"*1\r\n*3\r\n:0\r\n:16384\r\n*2\r\n$1\r\nh\r\n:7000\r\n", 0, 0, 0, NULL},
        {"*1\r\n*3\r\n:-1\r\n:1\r\n*2\r\n$1\r\nh\r\n:7000\r\n", 0, 0, 0, NULL},
        {"*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n$1\r\nh\r\n:0\r\n", 0, 0, 0, NULL},
        {"*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n$1\r\nh\r\n:65536\r\n", 0, 0, 0, NULL},
        {"*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n:3\r\n:7000\r\n", 0, 0, 0, NULL},
        {"*1\r\n*3\r\n:0\r\n:1\r\n*0\r\n", 0, 0, 0, NULL},
        {"*1\r\n*3\r\n:0\r\n:1\r\n$1\r\nh\r\n", 0, 0, 0, NULL},
    };
    const struct sv_redis_host asked = {.host = "asked", .port = 9};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        redisReply *reply = reply_of(rows[i].reply);
        struct sv_redis_range range;
        bool good = sv_redis_range_read(reply, 0, &asked, &range);

        assert_int_equal(good, rows[i].host != NULL);
        if (good) {
            assert_int_equal(range.first, rows[i].first);
            assert_int_equal(range.last, rows[i].last);
            assert_int_equal(range.primary.port, rows[i].port);
            assert_string_equal(range.primary.host, rows[i].host);
        }
        freeReplyObject(reply);
    }
}

static void redirects_are_read(void **state)
{
    static const struct {
        const char *text;
        bool is_ask;
        unsigned slot, port;
        const char *host; /* NULL = not a redirect */
    } rows[] = {
        {"MOVED 3999 127.0.0.1:6381", false, 3999, 6381, "127.0.0.1"},
        {"ASK 0 node.example:1", true, 0, 1, "node.example"},
        {"MOVED 16383 ::1:6381", false, 16383, 6381, "::1"},
        {"MOVED 5 :6381", false, 5, 6381, "here"},
        {"MOVED 16384 h:1", false, 0, 0, NULL},
        {"MOVED -1 h:1", false, 0, 0, NULL},
        {"MOVED h:1", false, 0, 0, NULL},
        {"MOVED 1 h", false, 0, 0, NULL},
        {"MOVED 1 h:0", false, 0, 0, NULL},
        {"MOVED 1 h:65536", false, 0, 0, NULL},
        {"MOVED 1 h:1x", false, 0, 0, NULL},
        {"MOVED 1:2", false, 0, 0, NULL},
        {"ASKED 1 h:1", false, 0, 0, NULL},
        {"ERR x:1", false, 0, 0, NULL},
        {"MOVED", false, 0, 0, NULL},
        {"", false, 0, 0, NULL},
    };
    const struct sv_redis_host here = {.host = "here", .port = 9};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sv_redis_host to;
        unsigned slot;
        bool is_ask, good = sv_redis_redirect_read(rows[i].text, &here, &is_ask, &slot, &to);

        print_message("%s\n", rows[i].text);
        assert_int_equal(good, rows[i].host != NULL);
        if (good) {
            assert_int_equal(is_ask, rows[i].is_ask);
            assert_int_equal(slot, rows[i].slot);
            assert_int_equal(to.port, rows[i].port);
            assert_string_equal(to.host, rows[i].host);
        }
    }
}

static void hosts_that_fit_are_read(void **state)
{
    struct sv_redis_host host;
    char name[sizeof(host.host)];

    (void)state;
    memset(name, 'h', sizeof(name));
    assert_true(sv_redis_host_read(&host, name, sizeof(name) - 1, "1", 1));
    assert_int_equal(strlen(host.host), sizeof(name) - 1);
    assert_false(sv_redis_host_read(&host, name, sizeof(name), "1", 1));
    assert_false(sv_redis_host_read(&host, "a\0b", 3, "1", 1));
}

/* Errors are at most as long as a line; whatever is in them, nothing is read beyond. */
static void any_text_is_survived(void **state)
{
    static const char letters[] = "MOVEDASK 0123456789:.-{}h";
    struct sv_rand rand;

    (void)state;
    sv_rand_seeded_init(&rand, 5);
    for (int i = 0; i < 100000; i++) {
        char *text = calloc(40, 1);
        size_t len = (size_t)sv_rand_below(&rand, 39);
        struct sv_redis_host to, here = {.host = "here", .port = 9};
        unsigned slot;
        bool is_ask;

        (void)snprintf(text, 40, "%s", (i & 1) != 0 ? "MOVED " : "");
        for (size_t k = strlen(text); k < len; k++)
            text[k] = letters[sv_rand_below(&rand, sizeof(letters) - 1)];
        assert_true(sv_redis_slot_of(text, strlen(text)) < SV_REDIS_SLOTS);
        if (sv_redis_redirect_read(text, &here, &is_ask, &slot, &to))
            assert_true(slot < SV_REDIS_SLOTS && to.port > 0 && to.host[0] != '\0');
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_of_keys),        cmocka_unit_test(ranges_are_read),
        cmocka_unit_test(redirects_are_read),   cmocka_unit_test(hosts_that_fit_are_read),
        cmocka_unit_test(any_text_is_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
