/* Manners towards servers asked without recursion (dns-auth section 2.3): few in flight to one
 * address, few in a second, the others in line. */
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

enum {
    QUERIES = 100,
    SECOND_MS = 998, /* times are told in whole milliseconds of two clocks */
    STALL_MS = 10,   /* the most that a pause of the machine counts */
};

struct bed {
    uv_loop_t loop;
    struct slow_clock clock;
    struct sv_rand rand;
    struct sv_dns *dns;
    struct script servers[2];
    struct sv_dns_query queries[QUERIES];
    sv_ms sent_at[QUERIES];
    size_t ended, usable, timeouts, nobody_asked, canceled;
    struct sv_dns_stats stats;
    unsigned closed;
};

static void on_closed(void *context)
{
    struct bed *bed = context;

    bed->closed++;
}

/* Without a clock in the options it is one that a busy machine does not hurry. */
static struct bed *begin(struct sv_dns_options options, enum step step)
{
    struct bed *bed = test_calloc(1, sizeof(*bed));

    assert_int_equal(uv_loop_init(&bed->loop), 0);
    sv_rand_system_init(&bed->rand);
    options.rand = &bed->rand;
    slow_clock_init(&bed->clock, STALL_MS);
    if (options.clock == NULL)
        options.clock = &bed->clock.clock;
    bed->dns = sv_dns_new(&bed->loop, &options);
    for (size_t i = 0; i < 2; i++) {
        bed->servers[i].steps[0] = step;
        script_open(&bed->servers[i], &bed->loop);
    }
    return bed;
}

static void turn(struct bed *bed)
{
    (void)uv_run(&bed->loop, UV_RUN_ONCE);
    slow_clock_turn(&bed->clock);
    sv_dns_stats(bed->dns, &bed->stats);
}

/* Until the servers have seen so many, and some turns more, in which nothing else may come. */
static void settle(struct bed *bed, size_t asked)
{
    for (unsigned more = 0; more < 40; more++) {
        (void)uv_run(&bed->loop, UV_RUN_NOWAIT);
        slow_clock_turn(&bed->clock);
        if (bed->servers[0].asked + bed->servers[1].asked < asked)
            more = 0;
    }
    assert_int_equal(bed->servers[0].asked + bed->servers[1].asked, asked);
}

static void end(struct bed *bed)
{
    sv_dns_close(bed->dns, on_closed, bed);
    for (size_t i = 0; i < 2; i++)
        script_close(&bed->servers[i]);
    (void)uv_run(&bed->loop, UV_RUN_DEFAULT);
    assert_int_equal(bed->closed, 1);
    assert_int_equal(uv_loop_close(&bed->loop), 0);
    test_free(bed);
}

static void on_done(struct sv_dns_query *query, enum sv_err err, const struct sv_dns_answer *answer)
{
    struct bed *bed = query->owner;

    bed->ended++;
    if (err != SV_OK) {
        bed->canceled++;
        return;
    }
    if (answer->outcome == SV_DNS_DATA)
        bed->sent_at[bed->usable++] = answer->at - answer->rtt_ms;
    bed->timeouts += answer->trouble == SV_DNS_TIMEOUT;
    bed->nobody_asked += answer->trouble == SV_DNS_TIMEOUT && answer->server[0] == 0;
}

static void start(struct bed *bed, const struct script *server, size_t from, size_t count,
                  bool recursion)
{
    struct sv_dns_question question = {.name = "a.example", .type = SV_RR_TXT};
    struct sv_dns_ask ask = {.question = &question,
                             .servers = &server->server,
                             .servers_count = 1,
                             .recursion = recursion};

    for (size_t i = from; i < from + count; i++) {
        bed->queries[i].owner = bed;
        assert_int_equal(sv_dns_start(bed->dns, &bed->queries[i], &ask, on_done, NULL), SV_OK);
    }
}

/* The most that were sent in any second: a second that begins with a packet is the fullest. */
static size_t most_in_a_second(const struct bed *bed)
{
    size_t most = 0;

    for (size_t i = 0; i < bed->usable; i++) {
        size_t count = 0;
        for (size_t j = 0; j < bed->usable; j++)
            count +=
                bed->sent_at[j] >= bed->sent_at[i] && bed->sent_at[j] < bed->sent_at[i] + SECOND_MS;
        most = count > most ? count : most;
    }
    return most;
}

/* All are answered, in no second more than 20, and not much slower than that either. */
static void test_twenty_a_second(void **state)
{
    struct sv_dns_options options = {.total_ms = 30000, .clock = sv_clock_system()};
    struct bed *bed = begin(options, STEP_ANSWER);
    uint64_t began = uv_hrtime();
    uint64_t passed_ms;

    (void)state;
    start(bed, &bed->servers[0], 0, 50, false);
    while (bed->ended < 50)
        turn(bed);
    passed_ms = (uv_hrtime() - began) / 1000000;
    print_message("50 queries in %lld ms, %zu in the fullest second\n", (long long)passed_ms,
                  most_in_a_second(bed));
    assert_int_equal(bed->usable, 50);
    assert_in_range(most_in_a_second(bed), 1, 20);
    assert_in_range(passed_ms, 2000, 20000); /* 50 - 4 gaps of 63 ms are 2,898 */
    assert_in_range(bed->stats.waits, 46, 50);
    end(bed);
}

static void test_rate_can_be_set(void **state)
{
    struct sv_dns_options options = {
        .total_ms = 30000, .per_server_max = 50, .per_server_s = 200, .clock = sv_clock_system()};
    struct bed *bed = begin(options, STEP_ANSWER);

    (void)state;
    start(bed, &bed->servers[0], 0, QUERIES, false);
    while (bed->ended < QUERIES)
        turn(bed);
    assert_int_equal(bed->usable, QUERIES);
    assert_in_range(most_in_a_second(bed), 21, 200); /* more than the 20 of nothing set */
    end(bed);
}

/* Those with recursion do not wait, and one server's line is not another's. */
static void test_four_in_flight(void **state)
{
    struct bed *bed =
        begin((struct sv_dns_options){.try_ms = 60000, .total_ms = 60000, .per_server_s = 1000},
              STEP_SILENT);

    (void)state;
    start(bed, &bed->servers[0], 0, 50, false);
    start(bed, &bed->servers[1], 50, 3, false);
    settle(bed, 7);
    assert_int_equal(bed->servers[0].asked, 4);
    assert_int_equal(bed->servers[1].asked, 3);
    start(bed, &bed->servers[0], 53, 20, true);
    settle(bed, 27);
    assert_int_equal(bed->servers[0].asked, 24);
    sv_dns_cancel(&bed->queries[4]); /* first in line, as long as nobody makes room */
    sv_dns_cancel(&bed->queries[0]); /* on the wire: makes room for one */
    sv_dns_cancel(&bed->queries[30]);
    while (bed->ended < 3)
        turn(bed);
    settle(bed, 28);
    assert_int_equal(bed->servers[0].asked, 25);
    assert_int_equal(bed->canceled, 3);
    end(bed); /* with 44 in line */
}

/* A query whose turn never came says so: no server is named. */
static void test_deadline_goes_on_in_line(void **state)
{
    struct bed *bed =
        begin((struct sv_dns_options){.try_ms = 5000, .total_ms = 200, .per_server_s = 1000},
              STEP_SILENT);

    (void)state;
    start(bed, &bed->servers[0], 0, 10, false);
    while (bed->ended < 10)
        turn(bed);
    assert_int_equal(bed->timeouts, 10);
    assert_int_equal(bed->nobody_asked, 6);
    assert_int_equal(bed->servers[0].asked, 4);
    end(bed);
}

/* 2 s less the last quarter of a second, one each 63 ms: of a hundred some thirty can have their
 * turn, the others need not wait to be told. */
static void test_who_cannot_have_a_turn_does_not_wait(void **state)
{
    struct bed *bed = begin((struct sv_dns_options){.total_ms = 2000}, STEP_ANSWER);

    (void)state;
    start(bed, &bed->servers[0], 0, QUERIES, false);
    while (bed->ended < 60)
        turn(bed);
    assert_true(bed->usable <= 10); /* the burst, and few more */
    while (bed->ended < QUERIES)
        turn(bed);
    assert_int_equal(bed->nobody_asked, bed->timeouts);
    assert_in_range(bed->usable, 20, 40);
    end(bed);
}

/* Those in line are not in flight: one slow server does not take the place of all others. */
static void test_line_leaves_room_for_others(void **state)
{
    static struct sv_dns_query waiting[SV_DNS_INFLIGHT_MAX + 100];
    struct bed *bed =
        begin((struct sv_dns_options){.try_ms = 60000, .total_ms = 60000}, STEP_SILENT);
    struct sv_dns_question question = {.name = "a.example", .type = SV_RR_TXT};
    struct sv_dns_ask ask = {
        .question = &question, .servers = &bed->servers[0].server, .servers_count = 1};

    (void)state;
    for (size_t i = 0; i < SV_DNS_INFLIGHT_MAX + 100; i++) {
        waiting[i].owner = bed;
        assert_int_equal(sv_dns_start(bed->dns, &waiting[i], &ask, on_done, NULL), SV_OK);
    }
    bed->servers[1].steps[0] = STEP_ANSWER;
    start(bed, &bed->servers[1], 0, 1, true);
    while (bed->ended < 1)
        turn(bed);
    assert_int_equal(bed->usable, 1);
    end(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_twenty_a_second),
        cmocka_unit_test(test_rate_can_be_set),
        cmocka_unit_test(test_four_in_flight),
        cmocka_unit_test(test_deadline_goes_on_in_line),
        cmocka_unit_test(test_who_cannot_have_a_turn_does_not_wait),
        cmocka_unit_test(test_line_leaves_room_for_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
