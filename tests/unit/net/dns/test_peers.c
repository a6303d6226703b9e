/* What is kept of each server address: deadlines from measured times (dns-auth section 2.3), doubts
 * about EDNS, and a table that stays bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dns_internal.h"

static sv_ms now;

static sv_ms tell(void *context)
{
    (void)context;
    return now;
}

static const struct sv_clock stopped = {.wall = tell, .monotonic = tell};
static struct sv_rand source;

static struct sv_dns *begin(sv_ms try_ms)
{
    struct sv_dns *dns = test_calloc(1, sizeof(*dns));

    sv_rand_seeded_init(&source, 1);
    dns->options = (struct sv_dns_options){
        .rand = &source, .clock = &stopped, .try_ms = try_ms, .tries_max = 3};
    now = 1000000;
    sv_dns_peers_init(dns);
    return dns;
}

static void end(struct sv_dns *dns)
{
    sv_dns_peers_fini(dns);
    test_free(dns);
}

static void join(struct sv_dns *dns, struct sv_dns_exchange *exchange, uint32_t host)
{
    static union sv_dns_address server; /* the peer keeps a copy */

    exchange->dns = dns;
    exchange->servers = &server;
    server.v4 = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(53), .sin_addr.s_addr = htonl(host)};
    sv_dns_peer_join(exchange);
}

static void test_deadline_follows_the_mean(void **state)
{
    static const struct {
        sv_ms try_ms;
        uint32_t rtt_ms;
        sv_ms expected_ms;
    } cases[] = {
        {2000, 1, 250},    {2000, 50, 250},   {2000, 100, 500},   {2000, 300, 1500},
        {2000, 900, 2000}, {9000, 900, 4500}, {9000, 3000, 5000}, {100, 1, 100},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sv_dns *dns = begin(cases[i].try_ms);
        struct sv_dns_exchange exchange = {0};
        sv_ms start_ms = cases[i].try_ms < 5000 ? cases[i].try_ms : 5000;
        join(dns, &exchange, 1);
        assert_int_equal(sv_dns_peer_try_ms(dns, exchange.peer), start_ms);
        sv_dns_peer_on_rtt(exchange.peer, cases[i].rtt_ms);
        assert_int_equal(sv_dns_peer_try_ms(dns, exchange.peer), cases[i].expected_ms);
        end(dns);
    }
}

/* One slow reply moves it by an eighth, many make it theirs. */
static void test_mean_is_smoothed(void **state)
{
    struct sv_dns *dns = begin(5000);
    struct sv_dns_exchange exchange = {0};

    (void)state;
    join(dns, &exchange, 1);
    sv_dns_peer_on_rtt(exchange.peer, 80);
    sv_dns_peer_on_rtt(exchange.peer, 160);
    assert_int_equal(sv_dns_peer_try_ms(dns, exchange.peer), 5 * 90);
    for (unsigned i = 0; i < 60; i++)
        sv_dns_peer_on_rtt(exchange.peer, 160);
    assert_in_range(sv_dns_peer_try_ms(dns, exchange.peer), 5 * 155, 5 * 160);
    end(dns);
}

/* Otherwise a server that has become slower than its deadline would stay silent for good. */
static void test_silence_gives_more_time(void **state)
{
    static const sv_ms expected_ms[] = {500, 1000, 2000, 2000};
    struct sv_dns *dns = begin(2000);
    struct sv_dns_exchange exchange = {0};

    (void)state;
    join(dns, &exchange, 1);
    sv_dns_peer_on_silence(dns, exchange.peer);
    assert_int_equal(sv_dns_peer_try_ms(dns, exchange.peer), 2000); /* nothing is measured */
    sv_dns_peer_on_rtt(exchange.peer, 1);
    assert_int_equal(sv_dns_peer_try_ms(dns, exchange.peer), 250);
    for (size_t i = 0; i < sizeof(expected_ms) / sizeof(expected_ms[0]); i++) {
        sv_dns_peer_on_silence(dns, exchange.peer);
        assert_int_equal(sv_dns_peer_try_ms(dns, exchange.peer), expected_ms[i]);
    }
    end(dns);
}

static void test_one_silence_is_no_proof_against_edns(void **state)
{
    struct sv_dns *dns = begin(2000);
    struct sv_dns_exchange exchange = {0};

    (void)state;
    join(dns, &exchange, 1);
    sv_dns_peer_on_edns(dns, exchange.peer, false);
    assert_int_equal(sv_dns_peer_habits(dns, exchange.peer), 0);
    sv_dns_peer_on_edns(dns, exchange.peer, false);
    assert_int_equal(sv_dns_peer_habits(dns, exchange.peer), SV_DNS_NO_EDNS);
    now += 15 * SV_MINUTE;
    assert_int_equal(sv_dns_peer_habits(dns, exchange.peer), 0);
    end(dns);
}

/* A busy server answers late whatever it is asked with. */
static void test_who_has_answered_edns_is_not_doubted_for_a_while(void **state)
{
    struct sv_dns *dns = begin(2000);
    struct sv_dns_exchange exchange = {0};

    (void)state;
    join(dns, &exchange, 1);
    assert_false(sv_dns_peer_knows_edns(dns, exchange.peer));
    sv_dns_peer_on_edns(dns, exchange.peer, false);
    sv_dns_peer_on_edns(dns, exchange.peer, true);
    for (unsigned i = 0; i < 100; i++)
        sv_dns_peer_on_edns(dns, exchange.peer, false);
    assert_true(sv_dns_peer_knows_edns(dns, exchange.peer));
    assert_int_equal(sv_dns_peer_habits(dns, exchange.peer), 0);
    now += 15 * SV_MINUTE;
    assert_false(sv_dns_peer_knows_edns(dns, exchange.peer));
    sv_dns_peer_on_edns(dns, exchange.peer, false);
    sv_dns_peer_on_edns(dns, exchange.peer, false);
    assert_int_equal(sv_dns_peer_habits(dns, exchange.peer), SV_DNS_NO_EDNS);
    end(dns);
}

/* Those in use keep their places; of the others the longest unused goes first. */
static void test_table_is_bounded(void **state)
{
    struct sv_dns *dns = begin(2000);
    static struct sv_dns_exchange used[600];
    struct sv_dns_exchange passing = {0};
    const struct sv_dns_peer *recent;
    uint8_t cookie[SV_DNS_CLIENT_COOKIE_BYTES];

    (void)state;
    memset(used, 0, sizeof(used));
    for (uint32_t i = 0; i < 600; i++)
        join(dns, &used[i], i);
    memcpy(cookie, used[7].peer->cookie, sizeof(cookie));
    for (uint32_t i = 600; i < 3 * SV_DNS_PEERS_MAX; i++) {
        join(dns, &passing, i);
        sv_dns_peer_on_rtt(passing.peer, 1);
    }
    assert_int_equal(dns->peers.count, SV_DNS_PEERS_MAX);
    recent = passing.peer;
    join(dns, &passing, 3 * SV_DNS_PEERS_MAX - 1000);
    assert_true(passing.peer->measured);
    join(dns, &passing, 700); /* long gone */
    assert_false(passing.peer->measured);
    join(dns, &passing, 3 * SV_DNS_PEERS_MAX - 1);
    assert_ptr_equal(passing.peer, recent);
    for (uint32_t i = 0; i < 600; i++) {
        assert_int_equal(used[i].peer->users, 1);
        assert_int_equal(used[i].peer->address.v4.sin_addr.s_addr, htonl(i));
        sv_dns_peer_leave(&used[i]);
    }
    for (uint32_t i = 0; i < SV_DNS_PEERS_MAX; i++)
        join(dns, &passing, 100000 + i);
    join(dns, &passing, 7); /* forgotten, and its cookie is the same again */
    assert_memory_equal(passing.peer->cookie, cookie, sizeof(cookie));
    end(dns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deadline_follows_the_mean),
        cmocka_unit_test(test_mean_is_smoothed),
        cmocka_unit_test(test_silence_gives_more_time),
        cmocka_unit_test(test_one_silence_is_no_proof_against_edns),
        cmocka_unit_test(test_who_has_answered_edns_is_not_doubted_for_a_while),
        cmocka_unit_test(test_table_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
