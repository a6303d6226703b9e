/* The five rules on every resolver: the real one over sv_dns and a scripted server, asked plainly
 * and about a client's own name, and the fake. What all must answer alike is asked of all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <netinet/in.h>

#include "fake_resolver.h"
#include "script.h"
#include "slow_clock.h"
#include "sv/dns_resolver.h"

enum {
    TRY_MS = 5, /* of silence, which is soon over */
    TOTAL_MS = 15,
    PATIENT_MS = 20000, /* where an answer comes, however busy the machine */
    LOOKUPS = 12,
    TURNS_EACH = 25,
};

struct bed {
    uv_loop_t loop;
    struct slow_clock clock;
    struct sv_rand rand;
    struct sv_dns *dns;       /* NULL on the fake */
    struct script servers[2]; /* not on the fake */
    struct sv_resolver *resolver;
    unsigned how;
    struct call *calls[LOOKUPS];
    bool starting, canceling;
    unsigned started, ended, canceled, answered, closed, dns_closed;
    void (*in_callback)(struct bed *bed, struct call *call);
};

struct call { /* freed in its callback */
    struct sv_lookup lookup;
    struct bed *bed;
    size_t number;
};

static void on_dns_closed(void *context)
{
    struct bed *bed = context;

    bed->dns_closed++;
}

static void on_closed(void *context)
{
    struct bed *bed = context;

    assert_int_equal(bed->ended, bed->started);
    bed->closed++;
}

static void on_done(struct sv_lookup *lookup, enum sv_err err, const struct sv_dns_views *views)
{
    struct call *call = lookup->owner;
    struct bed *bed = call->bed;

    assert_false(bed->starting);
    assert_false(bed->canceling);
    assert_int_equal(bed->closed, 0);
    assert_ptr_equal(bed->calls[call->number], call);
    if (err == SV_ECANCELED) {
        assert_null(views);
        bed->canceled++;
    } else {
        assert_int_equal(err, SV_OK);
        assert_non_null(views);
        bed->answered++;
    }
    bed->ended++;
    if (bed->in_callback != NULL)
        bed->in_callback(bed, call);
    bed->calls[call->number] = NULL;
    memset(call, 0xee, sizeof(*call));
    free(call);
}

/* Opens one kind of resolver: the first server answers, or is silent. */
struct kind {
    const char *name;
    void (*open)(struct bed *bed, enum step step);
};

static void open_with(struct bed *bed, enum step step, bool authority)
{
    sv_ms try_ms = step == STEP_SILENT ? TRY_MS : PATIENT_MS;
    sv_ms total_ms = step == STEP_SILENT ? TOTAL_MS : PATIENT_MS;
    struct sv_dns_options options = {.rand = &bed->rand,
                                     .clock = &bed->clock.clock,
                                     .try_ms = try_ms,
                                     .total_ms = total_ms,
                                     .per_server_max = 100, /* nobody stands in line here */
                                     .per_server_s = 1000};
    struct sv_dns_server servers[2];
    struct sv_dns_resolver_options resolver = {.servers = servers,
                                               .servers_count = 2,
                                               .try_ms = try_ms,
                                               .total_ms = total_ms,
                                               .authority = authority,
                                               .roots = servers,
                                               .roots_count = 1,
                                               .allow_private = true};

    bed->dns = sv_dns_new(&bed->loop, &options);
    for (size_t i = 0; i < 2; i++) {
        bed->servers[i].steps[0] = step;
        script_open(&bed->servers[i], &bed->loop);
        servers[i] = bed->servers[i].server;
    }
    resolver.dns = bed->dns;
    resolver.authority_port = ntohs(((struct sockaddr_in *)&servers[0].address)->sin_port);
    bed->resolver = sv_dns_resolver_new(&bed->loop, &resolver);
}

static void open_real(struct bed *bed, enum step step)
{
    open_with(bed, step, false);
}

/* The first server is the root's, and holds everything below it. */
static void open_owned(struct bed *bed, enum step step)
{
    bed->how = SV_ASK_OWNED;
    open_with(bed, step, true);
}

/* The authoritative side is not asked, so all resolvers are. */
static void open_owned_off(struct bed *bed, enum step step)
{
    bed->how = SV_ASK_OWNED;
    open_with(bed, step, false);
}

static void open_fake(struct bed *bed, enum step step)
{
    bed->resolver = sv_fake_resolver_new(&bed->loop, &bed->clock.clock);
    if (step == STEP_ANSWER)
        sv_fake_resolver_add_txt(bed->resolver, "client.example", "hello");
    if (step == STEP_SILENT)
        sv_fake_resolver_trouble(bed->resolver, "*", SV_RR_NONE, SV_DNS_TIMEOUT);
    if (step == STEP_NODATA)
        sv_fake_resolver_add_a(bed->resolver, "client.example", "192.0.2.1");
    if (step == STEP_ALIAS) {
        sv_fake_resolver_add_cname(bed->resolver, "client.example", "target.example");
        sv_fake_resolver_add_txt(bed->resolver, "target.example", "behind");
    }
    if (step == STEP_SERVFAIL)
        sv_fake_resolver_trouble(bed->resolver, "client.example", SV_RR_TXT, SV_DNS_SERVFAIL);
}

static const struct kind kinds[] = {{"real", open_real},
                                    {"owned", open_owned},
                                    {"owned, no authority", open_owned_off},
                                    {"fake", open_fake}};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static struct bed *open_bed(size_t kind, enum step step)
{
    struct bed *bed = test_calloc(1, sizeof(*bed));

    assert_int_equal(uv_loop_init(&bed->loop), 0);
    slow_clock_init(&bed->clock, 1);
    sv_rand_system_init(&bed->rand);
    kinds[kind].open(bed, step);
    return bed;
}

static void run_to_the_end(struct bed *bed)
{
    while (uv_run(&bed->loop, UV_RUN_ONCE) != 0)
        slow_clock_turn(&bed->clock);
}

static void close_resolver(struct bed *bed)
{
    sv_resolver_close(bed->resolver, on_closed, bed);
}

/* Takes everything down behind a closed resolver. */
static void end_bed(struct bed *bed)
{
    run_to_the_end(bed);
    assert_int_equal(bed->closed, 1);
    assert_int_equal(bed->ended, bed->started);
    if (bed->dns != NULL) {
        sv_dns_close(bed->dns, on_dns_closed, bed);
        script_close(&bed->servers[0]);
        script_close(&bed->servers[1]);
        run_to_the_end(bed);
        assert_int_equal(bed->dns_closed, 1);
    }
    assert_int_equal(uv_loop_close(&bed->loop), 0);
    test_free(bed);
}

static enum sv_err try_start(struct bed *bed, size_t number, const char *name)
{
    struct call *call = calloc(1, sizeof(*call));
    enum sv_err err;

    assert_non_null(call);
    call->bed = bed;
    call->number = number;
    call->lookup.owner = call;
    call->lookup.question.type = SV_RR_TXT;
    call->lookup.question.how = bed->how;
    memcpy(call->lookup.question.name, name, strlen(name) + 1);
    bed->starting = true;
    err = sv_lookup_start(bed->resolver, &call->lookup, on_done, NULL);
    bed->starting = false;
    if (err != SV_OK) {
        free(call);
        return err;
    }
    bed->calls[number] = call;
    bed->started++;
    return SV_OK;
}

/* Three questions, each asked more than once. */
static void start_all(struct bed *bed)
{
    static const char *const names[] = {"client.example", "CLIENT.example", "b.example",
                                        "c.example"};

    for (size_t i = 0; i < LOOKUPS; i++)
        assert_int_equal(try_start(bed, i, names[i % 4]), SV_OK);
}

static void test_each_ends_once(void **state)
{
    static const enum step steps[] = {STEP_ANSWER, STEP_SILENT, STEP_SERVFAIL};

    (void)state;
    for (size_t i = 0; i < KINDS * 3; i++) {
        struct bed *bed = open_bed(i % KINDS, steps[i / KINDS]);
        start_all(bed);
        assert_int_equal(bed->ended, 0);
        run_to_the_end(bed);
        assert_int_equal(bed->answered, LOOKUPS);
        close_resolver(bed);
        end_bed(bed);
    }
}

static void test_failed_start_never_calls_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        struct bed *bed = open_bed(i, STEP_ANSWER);
        assert_int_equal(try_start(bed, 0, "a..b"), SV_EINVALID);
        run_to_the_end(bed);
        close_resolver(bed);
        assert_int_equal(try_start(bed, 0, "a.b"), SV_ECANCELED);
        end_bed(bed);
    }
}

static void cancel(struct bed *bed, size_t number)
{
    if (bed->calls[number] == NULL)
        return;
    bed->canceling = true;
    sv_lookup_cancel(&bed->calls[number]->lookup);
    sv_lookup_cancel(&bed->calls[number]->lookup);
    bed->canceling = false;
}

static unsigned more_turns(unsigned turns)
{
    return turns < TURNS_EACH ? turns + 1 : turns + turns / 4;
}

static void turn_often(struct bed *bed, unsigned turns)
{
    for (unsigned i = 0; i < turns; i++) {
        (void)uv_run(&bed->loop, UV_RUN_NOWAIT);
        slow_clock_turn(&bed->clock);
    }
}

static void test_cancel_after_each_turn(void **state)
{
    static const enum step steps[] = {STEP_ANSWER, STEP_SILENT};

    (void)state;
    for (size_t i = 0; i < KINDS * 2; i++) {
        unsigned canceled = 1;
        for (unsigned turns = 0; canceled > 0; turns = more_turns(turns)) {
            struct bed *bed = open_bed(i % KINDS, steps[i / KINDS]);
            start_all(bed);
            turn_often(bed, turns);
            for (size_t n = 0; n < LOOKUPS; n++)
                if (n % 3 != 0) /* all of some questions, not all of others */
                    cancel(bed, n);
            run_to_the_end(bed);
            canceled = bed->canceled;
            if (turns == 0)
                assert_int_equal(canceled, LOOKUPS * 2 / 3);
            close_resolver(bed);
            end_bed(bed);
        }
    }
}

static void test_close_after_each_turn(void **state)
{
    static const enum step steps[] = {STEP_ANSWER, STEP_SILENT};

    (void)state;
    for (size_t i = 0; i < KINDS * 2; i++) {
        unsigned canceled = 1;
        for (unsigned turns = 0; canceled > 0; turns = more_turns(turns)) {
            struct bed *bed = open_bed(i % KINDS, steps[i / KINDS]);
            start_all(bed);
            turn_often(bed, turns);
            close_resolver(bed);
            run_to_the_end(bed);
            canceled = bed->canceled;
            if (turns == 0)
                assert_int_equal(canceled, LOOKUPS);
            end_bed(bed);
        }
    }
}

static void close_once(struct bed *bed, struct call *call)
{
    (void)call;
    if (bed->ended == 2)
        close_resolver(bed);
}

static void test_close_in_a_callback(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        struct bed *bed = open_bed(i, STEP_ANSWER);
        bed->in_callback = close_once;
        start_all(bed);
        run_to_the_end(bed);
        assert_int_equal(bed->answered, 2);
        assert_int_equal(bed->canceled, LOOKUPS - 2);
        end_bed(bed);
    }
}

static void cancel_others(struct bed *bed, struct call *call)
{
    sv_lookup_cancel(&call->lookup);
    for (size_t i = 0; i < LOOKUPS; i++)
        if (bed->calls[i] != NULL && bed->calls[i] != call)
            sv_lookup_cancel(&bed->calls[i]->lookup);
}

static void test_cancel_in_a_callback(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        struct bed *bed = open_bed(i, STEP_ANSWER);
        bed->in_callback = cancel_others;
        start_all(bed);
        run_to_the_end(bed);
        assert_int_equal(bed->answered, 1);
        assert_int_equal(bed->canceled, LOOKUPS - 1);
        close_resolver(bed);
        end_bed(bed);
    }
}

static void start_same_again(struct bed *bed, struct call *call)
{
    if (bed->started < 200)
        assert_int_equal(try_start(bed, call->number, "client.example"), SV_OK);
    call->number = LOOKUPS - 1; /* on_done clears this place, which is kept free */
}

static void test_start_in_a_callback(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        struct bed *bed = open_bed(i, STEP_ANSWER);
        bed->in_callback = start_same_again;
        assert_int_equal(try_start(bed, 0, "client.example"), SV_OK);
        assert_int_equal(try_start(bed, 1, "client.example"), SV_OK);
        run_to_the_end(bed);
        assert_int_equal(bed->answered, bed->started);
        close_resolver(bed);
        end_bed(bed);
    }
}

/* What the same question ends in, wherever it is asked. */
static void keep_answer(struct sv_lookup *lookup, enum sv_err err, const struct sv_dns_views *views)
{
    struct sv_dns_answer **seen = lookup->owner;

    assert_int_equal(err, SV_OK);
    assert_null(*seen);
    *seen = sv_dns_answer_copy(views->servers_count > 0 ? views->servers[0].answer
                                                        : views->resolvers[0]);
}

static void test_answers_alike(void **state)
{
    static const struct {
        enum step step;
        enum sv_dns_outcome outcome;
        enum sv_dns_trouble trouble;
        size_t records_count;
        const char *final_name;
    } alike[] = {
        {STEP_ANSWER, SV_DNS_DATA, 0, 1, "client.example"},
        {STEP_ALIAS, SV_DNS_DATA, 0, 2, "target.example"},
        {STEP_NODATA, SV_DNS_NODATA, 0, 0, "client.example"},
        {STEP_NXDOMAIN, SV_DNS_NXDOMAIN, 0, 0, "client.example"},
        {STEP_SERVFAIL, SV_DNS_UNKNOWN, SV_DNS_SERVFAIL, 0, "client.example"},
        {STEP_SILENT, SV_DNS_UNKNOWN, SV_DNS_TIMEOUT, 0, "client.example"},
    };

    (void)state;
    for (size_t i = 0; i < KINDS * sizeof(alike) / sizeof(alike[0]); i++) {
        struct bed *bed = open_bed(i % KINDS, alike[i / KINDS].step);
        struct sv_dns_answer *seen = NULL;
        struct sv_lookup lookup = {
            .owner = &seen,
            .question = {.name = "client.example", .type = SV_RR_TXT, .how = bed->how}};
        print_message("%s %zu\n", kinds[i % KINDS].name, i / KINDS);
        assert_int_equal(sv_lookup_start(bed->resolver, &lookup, keep_answer, NULL), SV_OK);
        run_to_the_end(bed);
        assert_non_null(seen);
        assert_int_equal(seen->outcome, alike[i / KINDS].outcome);
        assert_int_equal(seen->trouble, alike[i / KINDS].trouble);
        assert_int_equal(seen->records_count, alike[i / KINDS].records_count);
        assert_string_equal(seen->final_name, alike[i / KINDS].final_name);
        sv_dns_answer_free(seen);
        close_resolver(bed);
        end_bed(bed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_ends_once),
        cmocka_unit_test(test_failed_start_never_calls_back),
        cmocka_unit_test(test_cancel_after_each_turn),
        cmocka_unit_test(test_close_after_each_turn),
        cmocka_unit_test(test_close_in_a_callback),
        cmocka_unit_test(test_cancel_in_a_callback),
        cmocka_unit_test(test_start_in_a_callback),
        cmocka_unit_test(test_answers_alike),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
