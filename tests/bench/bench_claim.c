/* Claims due domains from a Redis as a worker does, and keeps them: what a claim costs in Redis is
 * read from its own statistics by the caller (tests/bench/scale.py).
 *
 *   bench_claim URL CLAIMS   ends when CLAIMS domains were claimed or nothing more is due;
 *                            prints how many domains in how many calls */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "sv/rand.h"
#include "sv/redis_store.h"
#include "sv/require.h"

enum { COUNT_MAX = 64, PER_CLIENT_MAX = COUNT_MAX / 4 + 1 }; /* as lib/drive/queue.c does */

struct bench {
    uv_loop_t loop;
    struct sv_store *store;
    struct sv_store_call call;
    unsigned long wanted, claimed, calls;
};

static void on_closed(void *context)
{
    (void)context;
}

static void ask(struct bench *bench);

static void on_claimed(struct sv_store_call *call, enum sv_err err)
{
    struct bench *bench = call->owner;

    if (err != SV_OK)
        (void)fprintf(stderr, "bench_claim: %s\n", call->info.text);
    SV_REQUIRE(err == SV_OK);
    bench->calls++;
    bench->claimed += call->u.claim.count;
    if (call->u.claim.count == 0 || bench->claimed >= bench->wanted)
        sv_store_close(bench->store, on_closed, NULL);
    else
        ask(bench);
}

static void ask(struct bench *bench)
{
    bench->call = (struct sv_store_call){
        .op = SV_STORE_CLAIM,
        .owner = bench,
        .u.claim = {.count_max = COUNT_MAX,
                    .per_client_max = PER_CLIENT_MAX,
                    .lease_ms = SV_HOUR,
                    .worker = "bench"},
    };
    SV_REQUIRE(sv_store_start(bench->store, &bench->call, on_claimed, &bench->call.info) == SV_OK);
}

static void on_state(void *context, bool ready, const struct sv_errinfo *why)
{
    struct bench *bench = context;

    if (!ready)
        (void)fprintf(stderr, "bench_claim: %s\n", why->text);
    SV_REQUIRE(ready);
    if (bench->calls == 0)
        ask(bench);
}

int main(int argc, char **argv)
{
    struct bench bench = {0};
    struct sv_redis_store_options options = {.shards = 1, .consumer = "bench", .read_only = true};
    struct sv_rand rand;
    struct sv_errinfo info;

    if (argc != 3 || sv_redis_address_parse(argv[1], &options.redis.address, &info) != SV_OK) {
        (void)fprintf(stderr, "usage: bench_claim URL CLAIMS\n");
        return 64;
    }
    bench.wanted = strtoul(argv[2], NULL, 10);
    sv_rand_seeded_init(&rand, 1);
    options.redis.rand = &rand;
    SV_REQUIRE(uv_loop_init(&bench.loop) == 0);
    bench.store = sv_redis_store_new(&bench.loop, &options, on_state, &bench);
    (void)uv_run(&bench.loop, UV_RUN_DEFAULT);
    printf("%lu %lu\n", bench.claimed, bench.calls);
    return uv_loop_close(&bench.loop) == 0 ? 0 : 1;
}
