/* The five rules of an asynchronous operation, on sv_dns: a start that fails never calls back; one
 * that succeeds does once, and not before it has returned; cancel still calls back; the memory of a
 * query may go in its callback; close cancels all, calls back last, and leaves a clean loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "script.h"
#include "slow_clock.h"
#include "sv/dns.h"

enum { TRY_MS = 5, TOTAL_MS = 15, TURNS_EACH = 25, UNREACHABLE = -1 };

/* One server each; a query goes to one of them. */
static const struct {
    enum step step;
    enum over_tcp tcp;
} kinds[] = {
    {STEP_ANSWER, OVER_TCP_ANSWER},     {STEP_SILENT, OVER_TCP_ANSWER},
    {STEP_TRUNCATED, OVER_TCP_ANSWER},  {STEP_TRUNCATED, OVER_TCP_SLOW},
    {STEP_TRUNCATED, OVER_TCP_REFUSE},  {STEP_TRUNCATED, OVER_TCP_CUT},
    {STEP_NINE_WRONG, OVER_TCP_ANSWER}, {STEP_LOWER_CASE, OVER_TCP_ANSWER},
    {STEP_SERVFAIL, OVER_TCP_ANSWER},   {STEP_FORMERR_TO_EDNS, OVER_TCP_ANSWER},
    {STEP_DUPLICATE, OVER_TCP_ANSWER},
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]), QUERIES = 2 * KINDS + 2 };

struct bed {
    uv_loop_t loop;
    struct slow_clock clock;
    struct sv_rand rand;
    struct sv_dns *dns;
    struct script servers[KINDS];
    struct call *calls[QUERIES];
    bool starting, canceling;
    unsigned started, ended, canceled, answered, closed;
    void (*in_callback)(struct bed *bed, struct call *call); /* what the owner does there */
};

struct call { /* freed in its callback */
    struct sv_dns_query query;
    struct bed *bed;
    size_t number;
};

static void on_closed(void *context)
{
    struct bed *bed = context;

    assert_int_equal(bed->ended, bed->started); /* the very last */
    bed->closed++;
}

static void on_done(struct sv_dns_query *query, enum sv_err err, const struct sv_dns_answer *answer)
{
    struct call *call = query->owner;
    struct bed *bed = call->bed;

    assert_false(bed->starting);
    assert_false(bed->canceling);
    assert_int_equal(bed->closed, 0);
    assert_ptr_equal(bed->calls[call->number], call); /* once */
    if (err == SV_ECANCELED) {
        assert_null(answer);
        bed->canceled++;
    } else {
        assert_int_equal(err, SV_OK);
        assert_non_null(answer);
        bed->answered++;
    }
    bed->ended++;
    if (bed->in_callback != NULL)
        bed->in_callback(bed, call);
    bed->calls[call->number] = NULL;
    memset(call, 0xee, sizeof(*call));
    free(call);
}

/* UNREACHABLE: to an address that cannot be sent to, so that the failure is known inside start. */
static void start(struct bed *bed, size_t number, int kind)
{
    struct call *call = calloc(1, sizeof(*call));
    struct sv_dns_question question = {.name = "Client.example", .type = SV_RR_TXT};
    struct sv_dns_server server;
    struct sv_dns_ask ask = {
        .question = &question, .servers = &server, .servers_count = 1, .recursion = true};
    struct sv_errinfo info = {0};

    assert_non_null(call);
    call->bed = bed;
    call->number = number;
    call->query.owner = call;
    bed->calls[number] = call;
    if (kind == UNREACHABLE)
        assert_int_equal(sv_dns_server_parse("255.255.255.255:53", &server, NULL), SV_OK);
    else
        server = bed->servers[kind].server;
    bed->starting = true;
    if (sv_dns_start(bed->dns, &call->query, &ask, on_done, &info) != SV_OK)
        fail_msg("%s", info.text);
    bed->starting = false;
    bed->started++;
}

static struct bed *open_bed(void)
{
    struct bed *bed = test_calloc(1, sizeof(*bed));
    struct sv_dns_options options = {
        .rand = &bed->rand, .clock = &bed->clock.clock, .try_ms = TRY_MS, .total_ms = TOTAL_MS};

    assert_int_equal(uv_loop_init(&bed->loop), 0);
    slow_clock_init(&bed->clock, 1);
    sv_rand_system_init(&bed->rand);
    bed->dns = sv_dns_new(&bed->loop, &options);
    for (size_t i = 0; i < KINDS; i++) {
        bed->servers[i].steps[0] = kinds[i].step;
        bed->servers[i].tcp = kinds[i].tcp;
        script_open(&bed->servers[i], &bed->loop);
    }
    return bed;
}

static void start_all(struct bed *bed)
{
    for (size_t i = 0; i < QUERIES; i++)
        start(bed, i, i < 2 * KINDS ? (int)(i % KINDS) : UNREACHABLE);
}

static bool turn(struct bed *bed)
{
    int alive = uv_run(&bed->loop, UV_RUN_NOWAIT);

    slow_clock_turn(&bed->clock);
    return alive != 0;
}

static void run_to_the_end(struct bed *bed)
{
    while (uv_run(&bed->loop, UV_RUN_ONCE) != 0)
        slow_clock_turn(&bed->clock);
}

static void end_bed(struct bed *bed)
{
    for (size_t i = 0; i < KINDS; i++)
        script_close(&bed->servers[i]);
    run_to_the_end(bed);
    assert_int_equal(bed->closed, 1);
    assert_int_equal(bed->ended, bed->started);
    assert_int_equal(uv_loop_close(&bed->loop), 0);
    test_free(bed);
}

static void test_each_ends_once(void **state)
{
    struct bed *bed = open_bed();

    (void)state;
    start_all(bed);
    assert_int_equal(bed->ended, 0);
    run_to_the_end(bed); /* ends by itself: nothing keeps the loop alive when all have ended */
    assert_int_equal(bed->answered, QUERIES);
    sv_dns_close(bed->dns, on_closed, bed);
    end_bed(bed);
}

static void test_failed_start_never_calls_back(void **state)
{
    struct bed *bed = open_bed();
    struct sv_dns_question question = {.name = ".bad", .type = SV_RR_TXT};
    struct sv_dns_ask ask = {
        .question = &question, .servers = &bed->servers[0].server, .servers_count = 1};
    struct call call = {.bed = bed};

    (void)state;
    assert_int_equal(sv_dns_start(bed->dns, &call.query, &ask, on_done, NULL), SV_EINVALID);
    run_to_the_end(bed);
    sv_dns_close(bed->dns, on_closed, bed);
    memcpy(question.name, "good", 5);
    assert_int_equal(sv_dns_start(bed->dns, &call.query, &ask, on_done, NULL), SV_ECANCELED);
    end_bed(bed);
}

static void count_only(struct sv_dns_query *query, enum sv_err err,
                       const struct sv_dns_answer *answer)
{
    unsigned *ended = query->owner;

    (void)answer;
    *ended += err == SV_ECANCELED;
}

static void test_in_flight_limit(void **state)
{
    static struct sv_dns_query queries[SV_DNS_INFLIGHT_MAX + 1];
    struct bed *bed = open_bed();
    struct sv_dns_question question = {.name = "a.example", .type = SV_RR_TXT};
    struct sv_dns_ask ask = {.question = &question,
                             .servers = &bed->servers[1].server,
                             .servers_count = 1,
                             .recursion = true};
    unsigned ended = 0;

    (void)state;
    for (size_t i = 0; i <= SV_DNS_INFLIGHT_MAX; i++) {
        queries[i].owner = &ended;
        assert_int_equal(sv_dns_start(bed->dns, &queries[i], &ask, count_only, NULL),
                         i < SV_DNS_INFLIGHT_MAX ? SV_OK : SV_EBUSY);
    }
    sv_dns_close(bed->dns, on_closed, bed);
    run_to_the_end(bed);
    assert_int_equal(ended, SV_DNS_INFLIGHT_MAX);
    end_bed(bed);
}

static void count_usable(struct sv_dns_query *query, enum sv_err err,
                         const struct sv_dns_answer *answer)
{
    unsigned *usable = query->owner;

    *usable += err == SV_OK && answer->outcome == SV_DNS_DATA;
}

/* Starts 200 queries that all have to go on over TCP. */
static void start_truncated(struct bed *bed, struct sv_dns_query *queries,
                            const struct script *server, unsigned *usable)
{
    struct sv_dns_question question = {.name = "a.example", .type = SV_RR_TXT};
    struct sv_dns_ask ask = {
        .question = &question, .servers = &server->server, .servers_count = 1, .recursion = true};

    for (size_t i = 0; i < 200; i++) {
        queries[i].owner = usable;
        assert_int_equal(sv_dns_start(bed->dns, &queries[i], &ask, count_usable, NULL), SV_OK);
    }
}

static void open_patient(struct bed *bed)
{
    struct sv_dns_options options = {.rand = &bed->rand, .clock = &bed->clock.clock};

    options.try_ms = options.total_ms = 100 * SV_SECOND;
    bed->dns = sv_dns_new(&bed->loop, &options);
}

/* Canceled and closed while many wait on one connection. */
static void test_close_under_many_on_a_connection(void **state)
{
    static struct sv_dns_query queries[200];
    struct bed *bed = open_bed();
    unsigned usable = 0;

    (void)state;
    sv_dns_close(bed->dns, on_closed, bed);
    run_to_the_end(bed);
    bed->closed = 0;
    open_patient(bed);
    start_truncated(bed, queries, &bed->servers[2], &usable);
    run_to_the_end(bed);
    assert_int_equal(usable, 200);
    start_truncated(bed, queries, &bed->servers[3], &usable);
    while (bed->servers[3].tcp_asked < 200)
        (void)turn(bed);
    for (size_t i = 0; i < 200; i += 2)
        sv_dns_cancel(&queries[i]);
    for (unsigned i = 0; i < 20; i++)
        (void)turn(bed);
    sv_dns_close(bed->dns, on_closed, bed);
    end_bed(bed);
    assert_int_equal(usable, 200);
}

/* A deadline that nobody needs any more does not keep the loop alive. */
static void test_loop_may_end_after_an_answer(void **state)
{
    struct bed *bed = open_bed();

    (void)state;
    sv_dns_close(bed->dns, on_closed, bed);
    run_to_the_end(bed);
    bed->closed = 0;
    open_patient(bed);
    start(bed, 0, 0);
    while (bed->ended == 0)
        (void)uv_run(&bed->loop, UV_RUN_ONCE);
    assert_false(uv_loop_alive(&bed->loop));
    sv_dns_close(bed->dns, on_closed, bed);
    end_bed(bed);
}

static void cancel(struct bed *bed, size_t number)
{
    if (bed->calls[number] == NULL)
        return;
    bed->canceling = true;
    sv_dns_cancel(&bed->calls[number]->query);
    sv_dns_cancel(&bed->calls[number]->query); /* twice is as good as once */
    bed->canceling = false;
}

/* Every turn at first, where the most happens, then ever longer steps. */
static unsigned more_turns(unsigned turns)
{
    return turns < TURNS_EACH ? turns + 1 : turns + turns / 4;
}

/* Cancels every second one after so many turns, until all end by themselves before that. */
static void test_cancel_after_each_turn(void **state)
{
    unsigned canceled = 1;

    (void)state;
    for (unsigned turns = 0; canceled > 0; turns = more_turns(turns)) {
        struct bed *bed = open_bed();
        start_all(bed);
        for (unsigned i = 0; i < turns; i++)
            (void)turn(bed);
        for (size_t i = 0; i < QUERIES; i += 2)
            cancel(bed, i);
        run_to_the_end(bed);
        canceled = bed->canceled;
        if (turns == 0)
            assert_int_equal(canceled, QUERIES / 2);
        sv_dns_close(bed->dns, on_closed, bed);
        end_bed(bed);
    }
}

static void test_close_after_each_turn(void **state)
{
    unsigned canceled = 1;

    (void)state;
    for (unsigned turns = 0; canceled > 0; turns = more_turns(turns)) {
        struct bed *bed = open_bed();
        start_all(bed);
        for (unsigned i = 0; i < turns; i++)
            (void)turn(bed);
        sv_dns_close(bed->dns, on_closed, bed);
        run_to_the_end(bed);
        canceled = bed->canceled;
        if (turns == 0)
            assert_int_equal(canceled, QUERIES);
        end_bed(bed);
    }
}

static void close_once(struct bed *bed, struct call *call)
{
    (void)call;
    if (bed->ended == 3)
        sv_dns_close(bed->dns, on_closed, bed);
}

static void test_close_in_a_callback(void **state)
{
    struct bed *bed = open_bed();

    (void)state;
    bed->in_callback = close_once;
    start_all(bed);
    run_to_the_end(bed);
    assert_int_equal(bed->answered, 3);
    end_bed(bed);
}

static void cancel_others(struct bed *bed, struct call *call)
{
    sv_dns_cancel(&call->query); /* its own: too late, no effect */
    for (size_t i = 0; i < QUERIES; i++)
        if (bed->calls[i] != NULL && bed->calls[i] != call)
            sv_dns_cancel(&bed->calls[i]->query);
}

static void test_cancel_in_a_callback(void **state)
{
    struct bed *bed = open_bed();

    (void)state;
    bed->in_callback = cancel_others;
    start_all(bed);
    run_to_the_end(bed);
    assert_int_equal(bed->answered, 1);
    assert_int_equal(bed->canceled, QUERIES - 1);
    sv_dns_close(bed->dns, on_closed, bed);
    end_bed(bed);
}

/* Each that ends starts another in its place; the turns stay bounded, and close ends it. */
static void start_again(struct bed *bed, struct call *call)
{
    size_t number = call->number;

    if (bed->closed > 0 || bed->started >= 40 * QUERIES)
        return;
    start(bed, number, (int)(bed->started % KINDS));
    call->number = QUERIES - 1; /* on_done clears this place, which is kept free */
}

static void test_start_in_a_callback(void **state)
{
    struct bed *bed = open_bed();

    (void)state;
    bed->in_callback = start_again;
    for (size_t i = 0; i < KINDS; i++)
        start(bed, i, 0);
    run_to_the_end(bed);
    assert_int_equal(bed->started, 40 * QUERIES);
    assert_int_equal(bed->answered, bed->started);
    sv_dns_close(bed->dns, on_closed, bed);
    end_bed(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_ends_once),
        cmocka_unit_test(test_failed_start_never_calls_back),
        cmocka_unit_test(test_in_flight_limit),
        cmocka_unit_test(test_close_under_many_on_a_connection),
        cmocka_unit_test(test_loop_may_end_after_an_answer),
        cmocka_unit_test(test_cancel_after_each_turn),
        cmocka_unit_test(test_close_after_each_turn),
        cmocka_unit_test(test_close_in_a_callback),
        cmocka_unit_test(test_cancel_in_a_callback),
        cmocka_unit_test(test_start_in_a_callback),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
