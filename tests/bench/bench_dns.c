/* How much a query costs: bench_dns ADDR:PORT [COUNT] [IN_FLIGHT] [NAME]
 * Asks COUNT times for TXT of NAME (with "%" replaced by a running number) and prints queries per
 * second and CPU microseconds per query. The server's own work is in another process. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <uv.h>

#include "sv/dns.h"
#include "sv/rand.h"
#include "sv/time.h"

struct bench {
    struct sv_dns *dns;
    struct sv_dns_server server;
    const char *name;
    unsigned long wanted, started, done, usable;
};

static void on_done(struct sv_dns_query *query, enum sv_err err,
                    const struct sv_dns_answer *answer);

static void on_closed(void *context)
{
    (void)context;
}

static void ask(struct bench *bench, struct sv_dns_query *query)
{
    struct sv_dns_question question = {.type = SV_RR_TXT};
    struct sv_dns_ask ask = {
        .question = &question, .servers = &bench->server, .servers_count = 1, .recursion = true};
    const char *percent = strchr(bench->name, '%');
    struct sv_errinfo info;

    if (percent == NULL)
        (void)snprintf(question.name, sizeof(question.name), "%s", bench->name);
    else
        (void)snprintf(question.name, sizeof(question.name), "%.*s%lu%s",
                       (int)(percent - bench->name), bench->name, bench->started, percent + 1);
    bench->started++;
    query->owner = bench;
    if (sv_dns_start(bench->dns, query, &ask, on_done, &info) != SV_OK) {
        (void)fprintf(stderr, "bench_dns: %s\n", info.text);
        exit(1);
    }
}

static void on_done(struct sv_dns_query *query, enum sv_err err, const struct sv_dns_answer *answer)
{
    struct bench *bench = query->owner;

    bench->done++;
    bench->usable += err == SV_OK && answer->outcome != SV_DNS_UNKNOWN;
    if (bench->started < bench->wanted)
        ask(bench, query);
    else if (bench->done == bench->wanted)
        sv_dns_close(bench->dns, on_closed, NULL);
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static void report(const struct bench *bench, double wall_s, const struct sv_dns_stats *stats)
{
    struct rusage use;
    double user, system;

    (void)getrusage(RUSAGE_SELF, &use);
    user = seconds(use.ru_utime);
    system = seconds(use.ru_stime);
    printf("queries=%lu usable=%lu qps=%.0f cpu_us_per_query=%.2f (user %.2f, system %.2f) "
           "sockets_opened=%llu timeouts=%llu max_rss_kb=%ld\n",
           bench->done, bench->usable, (double)bench->done / wall_s,
           (user + system) * 1e6 / (double)bench->done, user * 1e6 / (double)bench->done,
           system * 1e6 / (double)bench->done, (unsigned long long)stats->sockets_opened,
           (unsigned long long)stats->timeouts, use.ru_maxrss);
}

int main(int argc, char **argv)
{
    static struct sv_dns_query queries[SV_DNS_INFLIGHT_MAX];
    struct bench bench = {.name = argc > 4 ? argv[4] : "%.bench.example", .wanted = 100000};
    struct sv_rand rand;
    struct sv_dns_options options = {.rand = &rand, .clock = sv_clock_system()};
    struct sv_dns_stats stats = {0};
    unsigned long in_flight = argc > 3 ? strtoul(argv[3], NULL, 10) : 100;
    struct sv_errinfo info;
    uv_loop_t loop;
    uint64_t began;

    if (argc > 2)
        bench.wanted = strtoul(argv[2], NULL, 10);
    if (argc < 2 || in_flight < 1 || in_flight > SV_DNS_INFLIGHT_MAX || bench.wanted < in_flight ||
        sv_dns_server_parse(argv[1], &bench.server, &info) != SV_OK) {
        (void)fprintf(stderr, "usage: bench_dns ADDR:PORT [COUNT] [IN_FLIGHT] [NAME]\n");
        return 64;
    }
    sv_rand_system_init(&rand);
    if (uv_loop_init(&loop) != 0)
        return 70;
    bench.dns = sv_dns_new(&loop, &options);
    began = uv_hrtime();
    for (unsigned long i = 0; i < in_flight; i++)
        ask(&bench, &queries[i]);
    while (bench.done < bench.wanted && uv_run(&loop, UV_RUN_ONCE) != 0)
        if (bench.done < bench.wanted)
            sv_dns_stats(bench.dns, &stats);
    report(&bench, (double)(uv_hrtime() - began) / 1e9, &stats);
    uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop) == 0 ? 0 : 70;
}
