/* Broken replies through the whole engine (F34, F38): refused one like the other, with nothing left
 * behind, and with the answers of honest giants unharmed. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "script.h"
#include "slow_clock.h"
#include "sv/dns.h"

enum { PACKETS = 2000, AT_ONCE = 100, GROWTH_BYTES_MAX = 16384 };

struct bed {
    uv_loop_t loop;
    struct slow_clock clock;
    struct sv_rand rand;
    struct sv_dns *dns;
    struct script server;
    struct sv_dns_query queries[AT_ONCE];
    size_t started, ended, wanted;
    struct sv_dns_answer *answer; /* the last one, where it is wanted */
    bool keep;
    struct sv_dns_stats stats;
    unsigned closed;
};

static void on_closed(void *context)
{
    struct bed *bed = context;

    bed->closed++;
}

static struct bed *begin(enum step step, enum over_tcp tcp)
{
    struct bed *bed = test_calloc(1, sizeof(*bed));
    struct sv_dns_options options = {
        .rand = &bed->rand, .clock = &bed->clock.clock, .try_ms = 40, .tries_max = 1};

    assert_int_equal(uv_loop_init(&bed->loop), 0);
    slow_clock_init(&bed->clock, 8);
    sv_rand_system_init(&bed->rand);
    bed->dns = sv_dns_new(&bed->loop, &options);
    bed->server.steps[0] = step;
    bed->server.tcp = tcp;
    script_open(&bed->server, &bed->loop);
    return bed;
}

static void end(struct bed *bed)
{
    sv_dns_answer_free(bed->answer);
    sv_dns_close(bed->dns, on_closed, bed);
    script_close(&bed->server);
    (void)uv_run(&bed->loop, UV_RUN_DEFAULT);
    assert_int_equal(bed->closed, 1);
    assert_int_equal(uv_loop_close(&bed->loop), 0);
    test_free(bed);
}

static void on_done(struct sv_dns_query *query, enum sv_err err,
                    const struct sv_dns_answer *answer);

static void ask(struct bed *bed, struct sv_dns_query *query)
{
    struct sv_dns_question question = {.name = "client.example", .type = SV_RR_TXT};
    struct sv_dns_ask ask = {.question = &question,
                             .servers = &bed->server.server,
                             .servers_count = 1,
                             .recursion = true};

    bed->started++;
    query->owner = bed;
    assert_int_equal(sv_dns_start(bed->dns, query, &ask, on_done, NULL), SV_OK);
}

static void on_done(struct sv_dns_query *query, enum sv_err err, const struct sv_dns_answer *answer)
{
    struct bed *bed = query->owner;

    assert_int_equal(err, SV_OK);
    bed->ended++;
    if (bed->keep)
        bed->answer = sv_dns_answer_copy(answer);
    if (bed->started < bed->wanted)
        ask(bed, query);
}

static void ask_many(struct bed *bed, size_t count)
{
    bed->started = bed->ended = 0;
    bed->wanted = count;
    for (size_t i = 0; i < AT_ONCE && i < count; i++)
        ask(bed, &bed->queries[i]);
    while (bed->ended < count) {
        (void)uv_run(&bed->loop, UV_RUN_ONCE);
        slow_clock_turn(&bed->clock);
    }
    sv_dns_stats(bed->dns, &bed->stats);
}

/* Behind id and question anything may change: octets, counts, the length. */
static void mangle_anyhow(struct reply *r, void *context)
{
    struct sv_rand *dice = context;
    unsigned times = 1 + (unsigned)sv_rand_below(dice, 6);

    for (unsigned i = 0; i < times; i++) {
        size_t at = 3 + (size_t)sv_rand_below(dice, r->len - 3);
        if (at < 6 || at >= 32) /* the question is "client.example", and itself 20 octets */
            r->bytes[at] = (uint8_t)sv_rand_u64(dice);
    }
    if (sv_rand_below(dice, 4) == 0)
        r->len = 32 + (size_t)sv_rand_below(dice, r->len - 32);
    else if (sv_rand_below(dice, 8) == 0)
        reply_u32(r, (uint32_t)sv_rand_u64(dice));
}

/* The pools and tables of the engine are filled by the first thousands; from then on nothing may
 * grow. Sanitizers keep their own books, which are looked at when the program ends. */
static void test_F34_malformed_packets_leave_nothing_behind(void **state)
{
    const char *given = getenv("SV_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : uv_hrtime();
    struct sv_rand dice;
    struct bed *bed = begin(STEP_ANSWER, OVER_TCP_REFUSE);
    size_t before, after;
    struct mallinfo2 heap;

    (void)state;
    print_message("SV_SEED=%llu\n", (unsigned long long)seed);
    sv_rand_seeded_init(&dice, seed);
    bed->server.mangle = mangle_anyhow;
    bed->server.mangle_context = &dice;
    ask_many(bed, 4 * PACKETS);
    heap = mallinfo2();
    before = heap.uordblks + heap.hblkhd;
    ask_many(bed, PACKETS);
    heap = mallinfo2();
    after = heap.uordblks + heap.hblkhd;
    print_message("%d packets: %lld octets more (at most %d); of %llu in all %llu were malformed, "
                  "%llu fitted nobody\n",
                  PACKETS, (long long)after - (long long)before, GROWTH_BYTES_MAX,
                  (unsigned long long)bed->stats.queries, (unsigned long long)bed->stats.malformed,
                  (unsigned long long)bed->stats.mismatches);
    assert_true(bed->stats.malformed > PACKETS);
    assert_true(after < before + GROWTH_BYTES_MAX);
    end(bed);
}

static void add_tsig_twice(struct reply *r, void *context)
{
    (void)context;
    for (unsigned i = 0; i < 2; i++)
        reply_rr(r, REPLY_ADDITIONAL, "key", 250, 0, "\3md5\0abcdefghijklmnop", 21);
}

static void add_loop(struct reply *r, void *context)
{
    char owner[16];

    (void)context;
    (void)snprintf(owner, sizeof(owner), "@%zu", r->len);
    reply_txt(r, owner, "loop");
}

static void raise_count(struct reply *r, void *context)
{
    reply_set_u16(r, *(const size_t *)context, 0xffff);
}

static void test_F34_loops_counts_and_tsig(void **state)
{
    static size_t counts[] = {6, 8, 10};
    struct {
        void (*mangle)(struct reply *r, void *context);
        void *context;
    } kinds[] = {
        {add_tsig_twice, NULL},    {add_loop, NULL},          {raise_count, &counts[0]},
        {raise_count, &counts[1]}, {raise_count, &counts[2]},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct bed *bed = begin(STEP_ANSWER, OVER_TCP_REFUSE);
        bed->server.mangle = kinds[i].mangle;
        bed->server.mangle_context = kinds[i].context;
        bed->keep = true;
        ask_many(bed, 1);
        assert_int_equal(bed->answer->outcome, SV_DNS_UNKNOWN);
        assert_int_equal(bed->answer->trouble, SV_DNS_MALFORMED);
        assert_int_equal(bed->answer->records_count, 0);
        assert_int_equal(bed->stats.malformed, 1);
        end(bed);
    }
}

static void test_F38_txt_of_64_kib(void **state)
{
    static char text[65000];
    struct bed *bed = begin(STEP_TRUNCATED, OVER_TCP_PLAIN);

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    bed->server.text = text;
    bed->keep = true;
    ask_many(bed, 1);
    assert_int_equal(bed->answer->outcome, SV_DNS_DATA);
    assert_int_equal(bed->answer->records_count, 1);
    assert_int_equal(bed->answer->records[0].text_bytes, sizeof(text) - 1);
    assert_memory_equal(bed->answer->records[0].text, text, sizeof(text));
    end(bed);
}

static void test_F38_300_records_give_256(void **state)
{
    struct bed *bed = begin(STEP_TRUNCATED, OVER_TCP_300);

    (void)state;
    bed->server.text = "v=spf1 -all";
    bed->keep = true;
    ask_many(bed, 1);
    assert_int_equal(bed->answer->records_count, SV_DNS_RECORDS_MAX);
    assert_string_equal((const char *)bed->answer->records[0].text, "v=spf1 -all");
    assert_string_equal((const char *)bed->answer->records[255].text, "one of 300");
    end(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_F34_malformed_packets_leave_nothing_behind),
        cmocka_unit_test(test_F34_loops_counts_and_tsig),
        cmocka_unit_test(test_F38_txt_of_64_kib),
        cmocka_unit_test(test_F38_300_records_give_256),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
