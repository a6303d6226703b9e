/* The pool of sockets: many random ports, none for long, and what happens when descriptors run
 * out (F43). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "script.h"
#include "slow_clock.h"
#include "sv/dns.h"

enum { PORTS = 65536 };

struct bed {
    uv_loop_t loop;
    struct slow_clock clock;
    struct sv_rand rand;
    struct sv_dns *dns;
    struct script server;
    bool answered, usable;
    struct sv_dns_stats stats;
    unsigned closed;
    unsigned uses[PORTS]; /* queries seen from each port */
    uint8_t ids[PORTS / 8];
};

static void on_closed(void *context)
{
    struct bed *bed = context;

    bed->closed++;
}

static void on_done(struct sv_dns_query *query, enum sv_err err, const struct sv_dns_answer *answer)
{
    struct bed *bed = query->owner;

    assert_int_equal(err, SV_OK);
    bed->answered = true;
    bed->usable = answer->outcome == SV_DNS_DATA;
}

static struct bed *open_bed(void)
{
    struct bed *bed = test_calloc(1, sizeof(*bed));
    struct sv_dns_options options = {
        .rand = &bed->rand, .clock = &bed->clock.clock, .try_ms = 500, .total_ms = 1500};

    assert_int_equal(uv_loop_init(&bed->loop), 0);
    slow_clock_init(&bed->clock, 100);
    sv_rand_system_init(&bed->rand);
    bed->dns = sv_dns_new(&bed->loop, &options);
    script_open(&bed->server, &bed->loop);
    return bed;
}

static void run(struct bed *bed)
{
    while (uv_run(&bed->loop, UV_RUN_ONCE) != 0)
        slow_clock_turn(&bed->clock);
}

static void close_bed(struct bed *bed)
{
    sv_dns_close(bed->dns, on_closed, bed);
    script_close(&bed->server);
    run(bed);
    assert_int_equal(bed->closed, 1);
    assert_int_equal(uv_loop_close(&bed->loop), 0);
    test_free(bed);
}

static enum sv_err ask(struct bed *bed)
{
    struct sv_dns_question question = {.name = "a.example", .type = SV_RR_TXT};
    struct sv_dns_ask ask = {.question = &question,
                             .servers = &bed->server.server,
                             .servers_count = 1,
                             .recursion = true};
    struct sv_dns_query query = {.owner = bed};
    enum sv_err err;

    bed->answered = false;
    err = sv_dns_start(bed->dns, &query, &ask, on_done, NULL);
    if (err != SV_OK)
        return err;
    while (!bed->answered && uv_run(&bed->loop, UV_RUN_ONCE) != 0)
        slow_clock_turn(&bed->clock);
    assert_true(bed->usable);
    bed->uses[bed->server.last_port]++;
    bed->ids[bed->server.last_id / 8] |= (uint8_t)(1u << bed->server.last_id % 8);
    sv_dns_stats(bed->dns, &bed->stats);
    return SV_OK;
}

static size_t ports_seen(const struct bed *bed)
{
    size_t count = 0;

    for (size_t i = 0; i < PORTS; i++)
        count += bed->uses[i] > 0;
    return count;
}

static size_t ids_seen(const struct bed *bed)
{
    size_t count = 0;

    for (size_t i = 0; i < PORTS; i++)
        count += bed->ids[i / 8] >> i % 8 & 1;
    return count;
}

/* 6,000 draws out of 1,024 places leave 3 unseen on average, out of 65,536 ids repeat 265. */
static void test_many_ports_and_ids(void **state)
{
    struct bed *bed = open_bed();
    unsigned most = 0;

    (void)state;
    for (unsigned i = 0; i < 6000; i++)
        assert_int_equal(ask(bed), SV_OK);
    for (size_t i = 0; i < PORTS; i++)
        most = bed->uses[i] > most ? bed->uses[i] : most;
    print_message("%zu ports, %zu ids, %u queries from one port at most\n", ports_seen(bed),
                  ids_seen(bed), most);
    assert_in_range(ports_seen(bed), 1000, 1024);
    assert_in_range(ids_seen(bed), 5500, 6000);
    assert_in_range(most, 1, 40);
    assert_int_equal(bed->stats.sockets_open, bed->stats.sockets_opened);
    close_bed(bed);
}

/* The entropy of what was drawn, in bits, from how often two draws were alike (order 2, which is
 * the smaller for anything uneven). */
static double collision_bits(const unsigned *counts, size_t kinds, double draws)
{
    double pairs = 0;

    for (size_t i = 0; i < kinds; i++)
        pairs += (double)counts[i] * ((double)counts[i] - 1);
    return log2(draws * (draws - 1) / pairs);
}

/* 1,024 places and 65,536 ids are 26 bits. Of 30,000 draws some 6,900 pairs of ids are alike, give
 * or take 83: 0.1 bits are more than five times that. The case of letters comes on top. */
static void test_26_bits_for_a_forger(void **state)
{
    static unsigned ids[PORTS];
    struct bed *bed = open_bed();
    double port_bits, id_bits;

    (void)state;
    memset(ids, 0, sizeof(ids));
    for (unsigned i = 0; i < 30000; i++) {
        assert_int_equal(ask(bed), SV_OK);
        ids[bed->server.last_id]++;
    }
    port_bits = collision_bits(bed->uses, PORTS, 30000);
    id_bits = collision_bits(ids, PORTS, 30000);
    print_message("ports %.2f bits, ids %.2f bits\n", port_bits, id_bits);
    assert_true(port_bits > 9.9);
    assert_true(id_bits > 15.9);
    close_bed(bed);
}

/* A source that always says the same, so that the same place is always drawn. */
static void fill_alike(struct sv_rand *source, void *out, size_t bytes)
{
    (void)source;
    memset(out, 0x5a, bytes);
}

static void test_a_socket_serves_256_queries(void **state)
{
    struct bed *bed = open_bed();

    (void)state;
    bed->rand.fill = fill_alike;
    for (unsigned i = 1; i <= 700; i++) {
        assert_int_equal(ask(bed), SV_OK);
        assert_int_equal(bed->stats.sockets_opened, (i + 255) / 256);
        assert_int_equal(bed->stats.sockets_open, 1);
    }
    for (size_t i = 0; i < PORTS; i++)
        assert_in_range(bed->uses[i], 0, 256 * 2); /* the kernel may draw a port twice */
    assert_in_range(ports_seen(bed), 2, 3);
    close_bed(bed);
}

static rlim_t set_limit(rlim_t limit)
{
    struct rlimit now;
    rlim_t before;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
    before = now.rlim_cur;
    now.rlim_cur = limit;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
    return before;
}

static void test_few_descriptors(void **state)
{
    struct bed *bed = open_bed();
    int next = dup(0);
    rlim_t before;

    (void)state;
    (void)close(next);
    before = set_limit((rlim_t)next + 5); /* five are left */
    for (unsigned i = 0; i < 300; i++)
        assert_int_equal(ask(bed), SV_OK);
    assert_int_equal(bed->stats.sockets_open, 5);
    assert_true(bed->stats.sockets_opened > 250); /* a fresh port nearly each time */
    assert_true(ports_seen(bed) > 200);
    (void)set_limit(before);
    close_bed(bed);
}

static void test_no_descriptor_and_recovery(void **state)
{
    struct bed *bed = open_bed();
    int next = dup(0);
    rlim_t before;

    (void)state;
    (void)close(next);
    before = set_limit((rlim_t)next);
    assert_int_equal(ask(bed), SV_ESYSTEM);
    assert_int_equal(ask(bed), SV_ESYSTEM);
    (void)set_limit(before);
    assert_int_equal(ask(bed), SV_OK);
    close_bed(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_ports_and_ids),
        cmocka_unit_test(test_26_bits_for_a_forger),
        cmocka_unit_test(test_a_socket_serves_256_queries),
        cmocka_unit_test(test_few_descriptors),
        cmocka_unit_test(test_no_descriptor_and_recovery),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
