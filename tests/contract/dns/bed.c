#include "bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { TRY_MS = 30, TOTAL_MS = 1500 };

static void on_closed(void *context)
{
    struct bed *bed = context;

    bed->closed++;
}

void bed_open(struct bed *bed)
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

void bed_close(struct bed *bed)
{
    sv_dns_close(bed->dns, on_closed, bed);
    for (size_t i = 0; i < bed->servers_count; i++)
        script_close(&bed->servers[i]);
    (void)uv_run(&bed->loop, UV_RUN_DEFAULT);
    assert_int_equal(bed->closed, 1);
    assert_int_equal(uv_loop_close(&bed->loop), 0);
}

void bed_on_done(struct sv_dns_query *query, enum sv_err err, const struct sv_dns_answer *answer)
{
    struct bed *bed = query->owner;

    assert_int_equal(err, SV_OK);
    assert_null(bed->answer);
    bed->answer = sv_dns_answer_copy(answer);
}

void bed_ask(struct bed *bed, bool recursion, enum sv_rr_type type)
{
    struct sv_dns_question question = {.name = "Client.example", .type = type};
    struct sv_dns_server servers[BED_SERVERS_MAX];
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
    if (sv_dns_start(bed->dns, &query, &ask, bed_on_done, &info) != SV_OK)
        fail_msg("%s", info.text);
    while (bed->answer == NULL && uv_run(&bed->loop, UV_RUN_ONCE) != 0)
        slow_clock_turn(&bed->clock);
    assert_non_null(bed->answer);
    sv_dns_stats(bed->dns, &bed->stats);
}
