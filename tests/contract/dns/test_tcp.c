/* One connection for many queries (RFC 7766): shared, in any order, ended by either side. */
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

enum { QUERIES = 200 };

struct call {
    struct sv_dns_query query;
    char name[SV_NAME_BYTES];
    bool ended, usable;
    enum sv_err err;
};

struct bed {
    uv_loop_t loop;
    struct slow_clock clock;
    struct sv_rand rand;
    struct sv_dns *dns;
    struct script server;
    struct call calls[QUERIES];
    size_t ended, usable;
    struct sv_dns_stats stats;
    unsigned closed;
};

static void on_closed(void *context)
{
    struct bed *bed = context;

    bed->closed++;
}

/* The server truncates everything over UDP, so that all goes over TCP. */
static struct bed *begin(enum over_tcp tcp, sv_ms try_ms)
{
    struct bed *bed = test_calloc(1, sizeof(*bed));
    struct sv_dns_options options = {.rand = &bed->rand,
                                     .clock = &bed->clock.clock,
                                     .try_ms = try_ms,
                                     .total_ms = 60 * SV_SECOND};

    assert_int_equal(uv_loop_init(&bed->loop), 0);
    slow_clock_init(&bed->clock, 8);
    sv_rand_system_init(&bed->rand);
    bed->dns = sv_dns_new(&bed->loop, &options);
    bed->server.steps[0] = STEP_TRUNCATED;
    bed->server.tcp = tcp;
    script_open(&bed->server, &bed->loop);
    return bed;
}

static void turn(struct bed *bed)
{
    (void)uv_run(&bed->loop, UV_RUN_ONCE);
    slow_clock_turn(&bed->clock);
    sv_dns_stats(bed->dns, &bed->stats);
}

static void end(struct bed *bed)
{
    sv_dns_close(bed->dns, on_closed, bed);
    script_close(&bed->server);
    (void)uv_run(&bed->loop, UV_RUN_DEFAULT);
    assert_int_equal(bed->closed, 1);
    assert_int_equal(uv_loop_close(&bed->loop), 0);
    test_free(bed);
}

/* Each has a name of its own, so that an answer to another would show. */
static void on_done(struct sv_dns_query *query, enum sv_err err, const struct sv_dns_answer *answer)
{
    struct bed *bed = query->owner;
    struct call *call = (struct call *)(void *)query; /* it begins with the query */

    assert_false(call->ended);
    call->ended = true;
    call->err = err;
    bed->ended++;
    if (err != SV_OK || answer->outcome != SV_DNS_DATA)
        return;
    assert_true(answer->tcp);
    assert_string_equal(answer->records[0].owner, call->name);
    call->usable = true;
    bed->usable++;
}

static void start_one(struct bed *bed, size_t i)
{
    struct sv_dns_question question = {.type = SV_RR_TXT};
    struct sv_dns_ask ask = {.question = &question,
                             .servers = &bed->server.server,
                             .servers_count = 1,
                             .recursion = true};

    bed->calls[i] = (struct call){.query.owner = bed};
    (void)snprintf(question.name, sizeof(question.name), "n%zu.example", i);
    memcpy(bed->calls[i].name, question.name, sizeof(question.name));
    assert_int_equal(sv_dns_start(bed->dns, &bed->calls[i].query, &ask, on_done, NULL), SV_OK);
}

static void start(struct bed *bed, size_t count)
{
    bed->ended = bed->usable = 0;
    for (size_t i = 0; i < count; i++)
        start_one(bed, i);
}

static void ask(struct bed *bed, size_t count)
{
    start(bed, count);
    while (bed->ended < count)
        turn(bed);
}

static void test_one_connection_for_all(void **state)
{
    struct bed *bed = begin(OVER_TCP_300, 5000);

    (void)state;
    ask(bed, QUERIES);
    assert_int_equal(bed->usable, QUERIES);
    ask(bed, QUERIES);
    assert_int_equal(bed->usable, QUERIES);
    assert_int_equal(bed->stats.tcp_queries, 2 * QUERIES);
    assert_int_equal(bed->stats.tcp_connections, 1);
    end(bed);
}

static void test_replies_in_any_order(void **state)
{
    struct bed *bed = begin(OVER_TCP_BACKWARDS, 5000);

    (void)state;
    ask(bed, QUERIES);
    assert_int_equal(bed->usable, QUERIES);
    assert_int_equal(bed->stats.tcp_connections, 1);
    assert_int_equal(bed->stats.mismatches, 0);
    end(bed);
}

/* Replies to queries that were canceled are passed over, the others still arrive. */
static void test_replies_that_nobody_waits_for(void **state)
{
    struct bed *bed = begin(OVER_TCP_BACKWARDS, 5000);

    (void)state;
    start(bed, 7);
    while (bed->server.tcp_asked < 7)
        turn(bed);
    sv_dns_cancel(&bed->calls[2].query);
    sv_dns_cancel(&bed->calls[6].query);
    while (bed->ended < 2)
        turn(bed);
    start_one(bed, 7); /* the eighth sets the replies going */
    while (bed->ended < 8)
        turn(bed);
    assert_int_equal(bed->usable, 6);
    assert_in_range(bed->stats.mismatches, 0, 2); /* fewer, if they would come after the others */
    assert_int_equal(bed->stats.tcp_connections, 1);
    end(bed);
}

/* Asked again over new connections, at last one for each query, and never more than 64. */
static void test_server_that_ends_after_one(void **state)
{
    struct bed *bed = begin(OVER_TCP_ONE, 5000);
    uint64_t connections;

    (void)state;
    ask(bed, QUERIES);
    assert_int_equal(bed->usable, QUERIES);
    assert_in_range(bed->stats.tcp_connections, QUERIES, QUERIES + 4);
    assert_in_range(bed->server.tcp_open_most, 2, 64);
    connections = bed->stats.tcp_connections;
    ask(bed, QUERIES);
    assert_int_equal(bed->usable, QUERIES);
    assert_int_equal(bed->stats.tcp_connections, connections + QUERIES);
    assert_int_equal(bed->stats.timeouts, 0);
    end(bed);
}

static void test_server_that_ends_idle_connections(void **state)
{
    struct bed *bed = begin(OVER_TCP_300, 5000);

    (void)state;
    for (unsigned i = 1; i <= 5; i++) {
        ask(bed, 1);
        assert_int_equal(bed->usable, 1);
        script_end_clients(&bed->server); /* and at once the next query: it may cross the end */
    }
    assert_in_range(bed->stats.tcp_connections, 2, 10);
    end(bed);
}

static void on_alive(uv_timer_t *timer)
{
    (void)timer;
}

static void test_idle_connections_are_ended(void **state)
{
    struct bed *bed = begin(OVER_TCP_300, 5000);
    uv_timer_t alive;

    (void)state;
    ask(bed, 3);
    assert_int_equal(bed->server.tcp_open, 1);
    assert_int_equal(uv_timer_init(&bed->loop, &alive), 0);
    assert_int_equal(uv_timer_start(&alive, on_alive, 60000, 0), 0);
    while (bed->server.tcp_open > 0)
        turn(bed);
    uv_close((uv_handle_t *)&alive, NULL);
    ask(bed, 3);
    assert_int_equal(bed->usable, 3);
    assert_int_equal(bed->stats.tcp_connections, 2);
    end(bed);
}

/* What came half is no reason to wait, and silence does not spoil the next queries. */
static void test_stuck_connection_is_left(void **state)
{
    struct bed *bed = begin(OVER_TCP_BACKWARDS, 40);

    (void)state;
    ask(bed, 3); /* the server waits for eight */
    assert_int_equal(bed->usable, 0);
    assert_int_equal(bed->stats.tcp_connections, 1);
    ask(bed, 8);
    assert_int_equal(bed->usable, 8);
    assert_int_equal(bed->stats.tcp_connections, 2);
    end(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_connection_for_all),
        cmocka_unit_test(test_replies_in_any_order),
        cmocka_unit_test(test_replies_that_nobody_waits_for),
        cmocka_unit_test(test_server_that_ends_after_one),
        cmocka_unit_test(test_server_that_ends_idle_connections),
        cmocka_unit_test(test_idle_connections_are_ended),
        cmocka_unit_test(test_stuck_connection_is_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
