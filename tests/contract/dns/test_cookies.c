/* Cookies (RFC 7873, RFC 9018): what goes out, what is kept, and what is not believed without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "script.h"
#include "slow_clock.h"
#include "sv/dns.h"

enum { SERVERS = 2, TRY_MS = 30, TOTAL_MS = 1500 };

struct bed {
    uv_loop_t loop;
    struct slow_clock clock;
    struct sv_rand rand;
    struct sv_dns *dns;
    struct script servers[SERVERS];
    size_t servers_count;
    struct sv_dns_answer *answer;
    struct sv_dns_stats stats;
    unsigned closed;
};

static void on_closed(void *context)
{
    struct bed *bed = context;

    bed->closed++;
}

static void open_bed(struct bed *bed)
{
    struct sv_dns_options options = {
        .rand = &bed->rand, .clock = &bed->clock.clock, .try_ms = TRY_MS, .total_ms = TOTAL_MS};

    assert_int_equal(uv_loop_init(&bed->loop), 0);
    slow_clock_init(&bed->clock, 8);
    sv_rand_system_init(&bed->rand);
    bed->dns = sv_dns_new(&bed->loop, &options);
    for (size_t i = 0; i < bed->servers_count; i++)
        script_open(&bed->servers[i], &bed->loop);
}

static void close_bed(struct bed *bed)
{
    sv_dns_close(bed->dns, on_closed, bed);
    for (size_t i = 0; i < bed->servers_count; i++)
        script_close(&bed->servers[i]);
    (void)uv_run(&bed->loop, UV_RUN_DEFAULT);
    assert_int_equal(bed->closed, 1);
    assert_int_equal(uv_loop_close(&bed->loop), 0);
}

static void on_done(struct sv_dns_query *query, enum sv_err err, const struct sv_dns_answer *answer)
{
    struct bed *bed = query->owner;

    assert_int_equal(err, SV_OK);
    assert_null(bed->answer);
    bed->answer = sv_dns_answer_copy(answer);
}

/* Asks one question of all servers, in their order, and waits for its answer. */
static void ask(struct bed *bed, bool recursion, enum sv_rr_type type)
{
    struct sv_dns_question question = {.name = "Client.example", .type = type};
    struct sv_dns_server servers[SERVERS];
    struct sv_dns_ask ask = {.question = &question,
                             .servers = servers,
                             .servers_count = bed->servers_count,
                             .recursion = recursion};
    struct sv_dns_query query = {.owner = bed};
    struct sv_errinfo info = {0};

    sv_dns_answer_free(bed->answer);
    bed->answer = NULL;
    for (size_t i = 0; i < bed->servers_count; i++)
        servers[i] = bed->servers[i].server;
    if (sv_dns_start(bed->dns, &query, &ask, on_done, &info) != SV_OK)
        fail_msg("%s", info.text);
    while (bed->answer == NULL && uv_run(&bed->loop, UV_RUN_ONCE) != 0)
        slow_clock_turn(&bed->clock);
    assert_non_null(bed->answer);
    sv_dns_stats(bed->dns, &bed->stats);
}

static struct bed *begin(enum step first, enum step second, enum step third)
{
    struct bed *bed = test_calloc(1, sizeof(*bed));

    bed->servers_count = 1;
    bed->servers[0].steps[0] = first;
    bed->servers[0].steps[1] = second;
    bed->servers[0].steps[2] = third;
    open_bed(bed);
    return bed;
}

static void end(struct bed *bed)
{
    sv_dns_answer_free(bed->answer);
    close_bed(bed);
    test_free(bed);
}

static void expect_data(const struct bed *bed, size_t asked, size_t cookie_bytes)
{
    assert_int_equal(bed->answer->outcome, SV_DNS_DATA);
    assert_int_equal(bed->servers[0].asked, asked);
    assert_int_equal(bed->servers[0].last_cookie_bytes, cookie_bytes);
}

static void test_server_cookie_is_kept(void **state)
{
    struct bed *bed = begin(STEP_COOKIE, STEP_END, STEP_END);
    uint8_t first[8];

    (void)state;
    ask(bed, true, SV_RR_TXT);
    expect_data(bed, 1, 8);
    memcpy(first, bed->servers[0].last_cookie, sizeof(first));
    ask(bed, true, SV_RR_TXT);
    expect_data(bed, 2, 16);
    assert_memory_equal(bed->servers[0].last_cookie, first, sizeof(first));
    assert_memory_equal(bed->servers[0].last_cookie + 8, "biscuits", 8);
    end(bed);
}

/* One server must not be able to tell another what it has of us. */
static void test_each_address_has_its_own(void **state)
{
    struct bed *bed = test_calloc(1, sizeof(*bed));
    static const uint8_t zeros[8];

    (void)state;
    bed->servers_count = 2;
    bed->servers[0].steps[0] = STEP_SERVFAIL;
    open_bed(bed);
    ask(bed, true, SV_RR_TXT);
    assert_int_equal(bed->servers[1].last_cookie_bytes, 8);
    assert_memory_not_equal(bed->servers[0].last_cookie, bed->servers[1].last_cookie, 8);
    assert_memory_not_equal(bed->servers[0].last_cookie, zeros, 8);
    end(bed);
}

static void test_badcookie_is_asked_again(void **state)
{
    struct bed *bed = begin(STEP_BADCOOKIE, STEP_END, STEP_END);

    (void)state;
    ask(bed, true, SV_RR_TXT);
    expect_data(bed, 2, 16);
    assert_false(bed->answer->tcp);
    ask(bed, true, SV_RR_TXT);
    expect_data(bed, 3, 16);
    end(bed);
}

static void test_badcookie_twice_goes_to_tcp(void **state)
{
    struct bed *bed = begin(STEP_BADCOOKIE_EVER, STEP_END, STEP_END);

    (void)state;
    ask(bed, true, SV_RR_TXT);
    expect_data(bed, 2, 16);
    assert_true(bed->answer->tcp);
    assert_int_equal(bed->stats.mismatches, 0);
    end(bed);
}

static void test_wrong_cookie_is_a_forgery(void **state)
{
    struct bed *bed = begin(STEP_COOKIE, STEP_WRONG_COOKIE, STEP_END);

    (void)state;
    ask(bed, true, SV_RR_TXT);
    ask(bed, true, SV_RR_TXT);
    assert_int_equal(bed->answer->outcome, SV_DNS_UNKNOWN);
    assert_int_equal(bed->answer->trouble, SV_DNS_TIMEOUT);
    assert_int_equal(bed->servers[0].asked, 4);
    assert_int_equal(bed->servers[0].asked_with_cookie, 4); /* not given up after silence */
    assert_int_equal(bed->stats.mismatches, 3);
    end(bed);
}

static void test_missing_cookie_is_settled_over_tcp(void **state)
{
    struct bed *bed = begin(STEP_COOKIE, STEP_ANSWER, STEP_END);

    (void)state;
    ask(bed, true, SV_RR_TXT);
    ask(bed, true, SV_RR_TXT);
    expect_data(bed, 2, 16);
    assert_true(bed->answer->tcp);
    assert_int_equal(bed->stats.mismatches, 1);
    ask(bed, true, SV_RR_TXT); /* over TCP it gave none either: it has stopped */
    expect_data(bed, 3, 8);
    assert_false(bed->answer->tcp);
    end(bed);
}

static void test_malformed_without_cookie_is_a_forgery(void **state)
{
    struct bed *bed = begin(STEP_COOKIE, STEP_MALFORMED, STEP_COOKIE);

    (void)state;
    ask(bed, true, SV_RR_TXT);
    ask(bed, true, SV_RR_TXT);
    expect_data(bed, 3, 16);
    assert_int_equal(bed->stats.mismatches, 1);
    assert_int_equal(bed->stats.malformed, 0);
    end(bed);
}

/* EDNS is not to blame for what only the option brought about. */
static void test_formerr_to_the_option(void **state)
{
    struct bed *bed = begin(STEP_FORMERR_TO_COOKIE, STEP_END, STEP_END);

    (void)state;
    ask(bed, true, SV_RR_TXT);
    expect_data(bed, 2, 0);
    assert_false(bed->answer->no_edns);
    ask(bed, true, SV_RR_TXT);
    expect_data(bed, 3, 0);
    assert_int_equal(bed->servers[0].asked_with_edns, 3);
    assert_int_equal(bed->servers[0].asked_with_cookie, 1);
    end(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server_cookie_is_kept),
        cmocka_unit_test(test_each_address_has_its_own),
        cmocka_unit_test(test_badcookie_is_asked_again),
        cmocka_unit_test(test_badcookie_twice_goes_to_tcp),
        cmocka_unit_test(test_wrong_cookie_is_a_forgery),
        cmocka_unit_test(test_missing_cookie_is_settled_over_tcp),
        cmocka_unit_test(test_malformed_without_cookie_is_a_forgery),
        cmocka_unit_test(test_formerr_to_the_option),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
