/* What sv_dns_resolver adds to sv_dns: one query for identical questions, a memory of answers, a
 * line when sv_dns is full, servers in turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "script.h"
#include "slow_clock.h"
#include "sv/dns_resolver.h"

enum { MANY = 1500, SERVERS = 3, RIVAL = SERVERS /* a server that only others ask */ };

struct bed {
    uv_loop_t loop;
    struct slow_clock clock;
    struct sv_rand rand;
    struct sv_dns *dns;
    struct script servers[SERVERS + 1];
    struct sv_resolver *resolver;
    unsigned answered, usable, canceled, closed;
    enum sv_dns_trouble trouble; /* of the last answer */
    struct sv_lookup lookups[MANY];
};

static void on_closed(void *context)
{
    struct bed *bed = context;

    bed->closed++;
}

static void on_done(struct sv_lookup *lookup, enum sv_err err, const struct sv_dns_views *views)
{
    struct bed *bed = lookup->owner;

    bed->canceled += err == SV_ECANCELED;
    bed->answered += err == SV_OK;
    bed->trouble = err == SV_OK ? views->resolvers[0]->trouble : SV_DNS_NO_TROUBLE;
    bed->usable += err == SV_OK && views->resolvers[0]->outcome != SV_DNS_UNKNOWN;
}

static struct bed *open_bed(enum step first, unsigned lookups_max)
{
    struct bed *bed = test_calloc(1, sizeof(*bed));
    struct sv_dns_options options = {
        .rand = &bed->rand, .clock = &bed->clock.clock, .try_ms = 1000, .total_ms = 5000};
    struct sv_dns_server servers[SERVERS];
    struct sv_dns_resolver_options resolver = {
        .servers = servers, .servers_count = SERVERS, .lookups_max = lookups_max};

    assert_int_equal(uv_loop_init(&bed->loop), 0);
    slow_clock_init(&bed->clock, 250);
    sv_rand_system_init(&bed->rand);
    bed->dns = sv_dns_new(&bed->loop, &options);
    bed->servers[RIVAL].steps[0] = STEP_SILENT;
    script_open(&bed->servers[RIVAL], &bed->loop);
    for (size_t i = 0; i < SERVERS; i++) {
        bed->servers[i].steps[0] = first;
        script_open(&bed->servers[i], &bed->loop);
        servers[i] = bed->servers[i].server;
    }
    resolver.dns = bed->dns;
    bed->resolver = sv_dns_resolver_new(&bed->loop, &resolver);
    return bed;
}

static enum sv_err start(struct bed *bed, size_t number, const char *name, enum sv_rr_type type)
{
    struct sv_lookup *lookup = &bed->lookups[number];

    lookup->owner = bed;
    lookup->question.type = type;
    memcpy(lookup->question.name, name, strlen(name) + 1);
    return sv_lookup_start(bed->resolver, lookup, on_done, NULL);
}

static void run(struct bed *bed)
{
    while (uv_run(&bed->loop, UV_RUN_ONCE) != 0)
        slow_clock_turn(&bed->clock);
}

static void end_bed(struct bed *bed)
{
    sv_resolver_close(bed->resolver, on_closed, bed);
    run(bed);
    sv_dns_close(bed->dns, on_closed, bed);
    for (size_t i = 0; i <= SERVERS; i++)
        script_close(&bed->servers[i]);
    run(bed);
    assert_int_equal(bed->closed, 2);
    assert_int_equal(uv_loop_close(&bed->loop), 0);
    test_free(bed);
}

static size_t asked(const struct bed *bed)
{
    return bed->servers[0].asked + bed->servers[1].asked + bed->servers[2].asked;
}

static void test_identical_questions_are_asked_once(void **state)
{
    struct bed *bed = open_bed(STEP_ANSWER, 0);

    (void)state;
    assert_int_equal(start(bed, 0, "a.example", SV_RR_TXT), SV_OK);
    assert_int_equal(start(bed, 1, "A.eXample", SV_RR_TXT), SV_OK);
    assert_int_equal(start(bed, 2, "a.example", SV_RR_TXT), SV_OK);
    assert_int_equal(start(bed, 3, "a.example", SV_RR_MX), SV_OK);
    assert_int_equal(start(bed, 4, "b.example", SV_RR_TXT), SV_OK);
    run(bed);
    assert_int_equal(bed->usable, 5);
    assert_int_equal(asked(bed), 3);
    assert_int_equal(start(bed, 0, "a.example", SV_RR_TXT), SV_OK); /* remembered */
    run(bed);
    assert_int_equal(bed->usable, 6);
    assert_int_equal(asked(bed), 3);
    end_bed(bed);
}

static void test_servers_take_turns(void **state)
{
    struct bed *bed = open_bed(STEP_ANSWER, 0);

    (void)state;
    for (unsigned i = 0; i < 9; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "n%u.example", i);
        assert_int_equal(start(bed, 0, name, SV_RR_TXT), SV_OK);
        run(bed);
    }
    for (size_t i = 0; i < SERVERS; i++)
        assert_int_equal(bed->servers[i].asked, 3);
    end_bed(bed);
}

/* dns-auth section 2.6: SERVFAIL with checking and an answer without is bogus, but only when
 * checking fails once more. One that stumbles once is believed when it answers. */
static void test_servfail_is_asked_again(void **state)
{
    static const struct {
        enum step first, unchecked, third;
        unsigned usable;
        enum sv_dns_trouble trouble;
        size_t asked; /* the last server, which is asked again */
    } cases[] = {
        {STEP_SERVFAIL, STEP_SERVFAIL, STEP_ANSWER, 0, SV_DNS_SERVFAIL, 2},
        {STEP_SERVFAIL, STEP_ANSWER, STEP_SERVFAIL, 0, SV_DNS_BOGUS, 3},
        {STEP_SERVFAIL, STEP_NXDOMAIN, STEP_SERVFAIL, 0, SV_DNS_BOGUS, 3},
        {STEP_SERVFAIL, STEP_ANSWER, STEP_ANSWER, 1, SV_DNS_NO_TROUBLE, 3},
        {STEP_SERVFAIL, STEP_ANSWER, STEP_REFUSED, 0, SV_DNS_SERVFAIL, 3},
        {STEP_REFUSED, STEP_ANSWER, STEP_ANSWER, 0, SV_DNS_REFUSED, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bed *bed = open_bed(cases[i].first, 0);
        for (size_t s = 0; s < SERVERS; s++) {
            bed->servers[s].steps[1] = cases[i].unchecked;
            bed->servers[s].steps[2] = cases[i].third;
        }
        assert_int_equal(start(bed, 0, "a.example", SV_RR_TXT), SV_OK);
        run(bed);
        assert_int_equal(bed->answered, 1);
        assert_int_equal(bed->usable, cases[i].usable);
        assert_int_equal(bed->trouble, cases[i].trouble);
        assert_int_equal(asked(bed), SERVERS - 1 + cases[i].asked);
        end_bed(bed);
    }
}

static void start_many(struct bed *bed, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "n%zu.example", i);
        assert_int_equal(start(bed, i, name, SV_RR_TXT), SV_OK);
    }
}

static void test_beyond_the_limit_of_sv_dns_they_wait(void **state)
{
    struct bed *bed = open_bed(STEP_ANSWER, 0);

    (void)state;
    start_many(bed, MANY);
    run(bed);
    assert_int_equal(bed->usable, MANY);
    assert_int_equal(asked(bed), MANY);
    end_bed(bed);
}

static void count_other(struct sv_dns_query *query, enum sv_err err,
                        const struct sv_dns_answer *answer)
{
    unsigned *ended = query->owner;

    (void)err;
    (void)answer;
    (*ended)++;
}

/* Fills sv_dns with queries of somebody else, to a server that is silent. */
static void fill(struct bed *bed, struct sv_dns_query *others, unsigned *ended)
{
    struct sv_dns_question question = {.name = "o.example", .type = SV_RR_TXT};
    struct sv_dns_ask ask = {
        .question = &question, .servers = &bed->servers[RIVAL].server, .servers_count = 1};

    for (size_t i = 0; i < SV_DNS_INFLIGHT_MAX; i++) {
        others[i].owner = ended;
        assert_int_equal(sv_dns_start(bed->dns, &others[i], &ask, count_other, NULL), SV_OK);
    }
}

struct rival {
    struct sv_dns_query queries[SV_DNS_INFLIGHT_MAX];
    unsigned ended;
};

static void on_leave(uv_timer_t *timer)
{
    struct rival *rival = timer->data;

    for (size_t i = 0; i < SV_DNS_INFLIGHT_MAX; i++)
        sv_dns_cancel(&rival->queries[i]);
    uv_close((uv_handle_t *)timer, NULL);
}

/* When others have filled sv_dns, nothing of ours lands to wake the line; a timer does, as often as
 * it takes. */
static void test_others_have_the_room(void **state)
{
    static struct rival rival;
    struct bed *bed = open_bed(STEP_ANSWER, 0);
    uv_timer_t leave;

    (void)state;
    fill(bed, rival.queries, &rival.ended);
    assert_int_equal(start(bed, 0, "a..b", SV_RR_TXT), SV_EINVALID); /* told at once, even so */
    start_many(bed, 10);
    sv_lookup_cancel(&bed->lookups[3]); /* in the middle of the line */
    sv_lookup_cancel(&bed->lookups[0]);
    sv_lookup_cancel(&bed->lookups[9]);
    assert_int_equal(uv_timer_init(&bed->loop, &leave), 0);
    leave.data = &rival;
    assert_int_equal(uv_timer_start(&leave, on_leave, 100, 0), 0); /* some looks for room later */
    while (rival.ended < SV_DNS_INFLIGHT_MAX && uv_run(&bed->loop, UV_RUN_ONCE) != 0)
        slow_clock_turn(&bed->clock);
    run(bed);
    assert_int_equal(rival.ended, SV_DNS_INFLIGHT_MAX);
    assert_int_equal(bed->usable, 7);
    assert_int_equal(bed->canceled, 3);
    end_bed(bed);
}

static void test_nobody_jumps_the_line(void **state)
{
    static struct rival rival;
    struct bed *bed = open_bed(STEP_ANSWER, 0);

    (void)state;
    fill(bed, rival.queries, &rival.ended);
    start_many(bed, 3);
    sv_dns_cancel(&rival.queries[0]);
    while (rival.ended == 0) /* one place is free now */
        (void)uv_run(&bed->loop, UV_RUN_NOWAIT);
    assert_int_equal(start(bed, 3, "late.example", SV_RR_TXT), SV_OK);
    while (bed->servers[0].asked == 0)
        (void)uv_run(&bed->loop, UV_RUN_ONCE);
    assert_true(sv_name_equal(bed->servers[0].last_name, "n0.example"));
    for (size_t i = 0; i < SV_DNS_INFLIGHT_MAX; i++)
        sv_dns_cancel(&rival.queries[i]);
    end_bed(bed);
}

static void test_limit_of_lookups(void **state)
{
    struct bed *bed = open_bed(STEP_SILENT, 20);

    (void)state;
    start_many(bed, 20);
    assert_int_equal(start(bed, 20, "x.example", SV_RR_TXT), SV_EBUSY);
    sv_lookup_cancel(&bed->lookups[7]);
    uv_run(&bed->loop, UV_RUN_NOWAIT);
    assert_int_equal(bed->canceled, 1);
    assert_int_equal(start(bed, 20, "x.example", SV_RR_TXT), SV_OK);
    end_bed(bed);
}

/* The owner of sv_dns may close it first; lookups end canceled, and the resolver still closes. */
static void test_dns_is_closed_underneath(void **state)
{
    struct bed *bed = open_bed(STEP_SILENT, 0);

    (void)state;
    start_many(bed, 600);
    sv_dns_close(bed->dns, on_closed, bed);
    run(bed);
    assert_int_equal(bed->canceled + bed->answered, 600);
    assert_int_equal(bed->usable, 0);
    sv_resolver_close(bed->resolver, on_closed, bed);
    for (size_t i = 0; i <= SERVERS; i++)
        script_close(&bed->servers[i]);
    run(bed);
    assert_int_equal(bed->closed, 2);
    assert_int_equal(uv_loop_close(&bed->loop), 0);
    test_free(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identical_questions_are_asked_once),
        cmocka_unit_test(test_servers_take_turns),
        cmocka_unit_test(test_servfail_is_asked_again),
        cmocka_unit_test(test_beyond_the_limit_of_sv_dns_they_wait),
        cmocka_unit_test(test_others_have_the_room),
        cmocka_unit_test(test_nobody_jumps_the_line),
        cmocka_unit_test(test_limit_of_lookups),
        cmocka_unit_test(test_dns_is_closed_underneath),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
