/* How much a whole judgement costs: bench_judge ADDR:PORT [COUNT] [IN_FLIGHT] [NAME]
 * Judges COUNT domains, each called NAME with "%" replaced by a running number, with the resolver
 * and the judge that the worker has, IN_FLIGHT of them at once, and prints what one check took.
 * The server at ADDR:PORT plays the only resolver (tests/bench/dns.py writes its zone); zones' own
 * servers are not asked. The server's own work is in another process. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <uv.h>

#include "sv/alloc.h"
#include "sv/dns.h"
#include "sv/dns_resolver.h"
#include "sv/judge.h"
#include "sv/rand.h"
#include "sv/time.h"

enum { CHECKS_IN_FLIGHT_MAX = 1000 };

struct bench {
    struct sv_dns *dns;
    struct sv_resolver *resolver;
    const char *name;
    unsigned long wanted, started, done, right, questions;
    struct sv_dns_stats stats; /* when the last check was done */
};

struct check {
    struct bench *bench;
    struct sv_judge *judge;
};

struct question {
    struct check *check;
    struct sv_lookup lookup;
};

static void start_check(struct check *check);

static void on_dns_closed(void *context)
{
    (void)context;
}

static void on_resolver_closed(void *context)
{
    struct bench *bench = context;

    sv_dns_close(bench->dns, on_dns_closed, NULL);
}

static bool is_right(const struct sv_report *report)
{
    for (size_t i = 0; i < report->findings_count; i++) {
        if (report->findings[i].severity == SV_ERROR)
            return false;
    }
    return report->required == SV_RECORD_OK && report->mail_from == SV_RECORD_OK;
}

/* The first one that is not right is shown: figures of another verdict mean nothing. */
static void complain(const struct bench *bench, const struct sv_report *report)
{
    if (bench->right + 1 != bench->done)
        return;
    (void)fprintf(stderr, "bench_judge: not right: required %s, MAIL FROM %s\n",
                  sv_record_status_name(report->required),
                  sv_record_status_name(report->mail_from));
    for (size_t i = 0; i < report->findings_count; i++)
        (void)fprintf(stderr, "  %s %s: %s\n", sv_finding_name(report->findings[i].code),
                      report->findings[i].owner, report->findings[i].found);
}

static void finish_check(struct check *check)
{
    struct bench *bench = check->bench;
    const struct sv_report *report = sv_judge_report(check->judge);

    bench->done++;
    if (is_right(report))
        bench->right++;
    else
        complain(bench, report);
    sv_judge_free(check->judge);
    if (bench->started < bench->wanted)
        start_check(check);
    else if (bench->done == bench->wanted) {
        sv_dns_stats(bench->dns, &bench->stats);
        sv_resolver_close(bench->resolver, on_resolver_closed, bench);
    }
}

static void ask_what_it_wants(struct check *check);

static void on_lookup(struct sv_lookup *lookup, enum sv_err err, const struct sv_dns_views *views)
{
    struct question *question = lookup->owner;
    struct check *check = question->check;

    sv_judge_views(check->judge, &lookup->question, err == SV_OK ? views : NULL);
    free(question);
    ask_what_it_wants(check);
    if (sv_judge_done(check->judge))
        finish_check(check);
}

static void ask_what_it_wants(struct check *check)
{
    struct sv_dns_question asked;
    struct sv_errinfo info;

    while (sv_judge_next(check->judge, &asked)) {
        struct question *question = sv_alloc(1, sizeof *question);

        check->bench->questions++;
        question->check = check;
        question->lookup.owner = question;
        question->lookup.question = asked;
        if (sv_lookup_start(check->bench->resolver, &question->lookup, on_lookup, &info) != SV_OK) {
            (void)fprintf(stderr, "bench_judge: %s\n", info.text);
            exit(1);
        }
    }
}

static void start_check(struct check *check)
{
    struct bench *bench = check->bench;
    const char *percent = strchr(bench->name, '%');
    char domain[SV_NAME_BYTES], mail_from[SV_NAME_BYTES + 8], tokens[SV_DKIM_TOKENS_MAX][40];
    struct sv_expect expect = {.domain = domain,
                               .mail_from = mail_from,
                               .region = "eu-west-1",
                               .dkim_tokens_count = SV_DKIM_TOKENS_MAX,
                               .dkim_zone = "dkim.amazonses.com"};

    (void)snprintf(domain, sizeof domain, "%.*s%lu%s", (int)(percent - bench->name), bench->name,
                   bench->started, percent + 1);
    (void)snprintf(mail_from, sizeof mail_from, "mail.%s", domain);
    for (int i = 0; i < SV_DKIM_TOKENS_MAX; i++) {
        (void)snprintf(tokens[i], sizeof tokens[i], "%c%031lu", 'a' + i, bench->started);
        expect.dkim_tokens[i] = tokens[i];
    }
    bench->started++;
    check->judge = sv_judge_new(&expect, domain);
    ask_what_it_wants(check);
}

static double cpu_s(void)
{
    struct rusage use;

    (void)getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

/* VmHWM of proc(5): ru_maxrss would tell the peak of whoever started us, where that is higher. */
static long peak_kb(void)
{
    FILE *file = fopen("/proc/self/status", "re");
    char line[256];
    long kb = 0;

    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "VmHWM:", 6) == 0)
            kb = strtol(line + 6, NULL, 10);
    }
    if (file != NULL)
        (void)fclose(file);
    return kb;
}

static void print_report(const struct bench *bench, double wall_s)
{
    double cpu_us = cpu_s() * 1e6;
    double checks = (double)bench->done, questions = (double)bench->questions;

    printf("checks=%lu right=%lu seconds=%.2f checks_per_s=%.0f cpu_us_per_check=%.0f "
           "questions_per_check=%.1f questions_per_s=%.0f cpu_us_per_question=%.2f "
           "packets_per_check=%.1f timeouts=%llu peak_kb=%ld\n",
           bench->done, bench->right, wall_s, checks / wall_s, cpu_us / checks, questions / checks,
           questions / wall_s, cpu_us / questions,
           (double)(bench->stats.queries + bench->stats.tcp_queries) / checks,
           (unsigned long long)bench->stats.timeouts, peak_kb());
}

static int run(struct bench *bench, uv_loop_t *loop, unsigned long in_flight)
{
    static struct check checks[CHECKS_IN_FLIGHT_MAX];
    uint64_t began = uv_hrtime();

    for (unsigned long i = 0; i < in_flight; i++) {
        checks[i].bench = bench;
        start_check(&checks[i]);
    }
    while (bench->done < bench->wanted && uv_run(loop, UV_RUN_ONCE) != 0) {
    }
    print_report(bench, (double)(uv_hrtime() - began) / 1e9);
    uv_run(loop, UV_RUN_DEFAULT);
    return uv_loop_close(loop) == 0 && bench->right == bench->wanted ? 0 : 70;
}

int main(int argc, char **argv)
{
    struct bench bench = {.name = argc > 4 ? argv[4] : "d%.example", .wanted = 2000};
    unsigned long in_flight = argc > 3 ? strtoul(argv[3], NULL, 10) : 20;
    struct sv_dns_server server;
    struct sv_rand rand;
    struct sv_errinfo info;
    uv_loop_t loop;

    if (argc > 2)
        bench.wanted = strtoul(argv[2], NULL, 10);
    if (argc < 2 || in_flight < 1 || in_flight > CHECKS_IN_FLIGHT_MAX || bench.wanted < in_flight ||
        strchr(bench.name, '%') == NULL || strlen(bench.name) > SV_NAME_BYTES / 2 ||
        sv_dns_server_parse(argv[1], &server, &info) != SV_OK) {
        (void)fprintf(stderr, "usage: bench_judge ADDR:PORT [COUNT] [IN_FLIGHT] [NAME with %%]\n");
        return 64;
    }
    sv_rand_system_init(&rand);
    if (uv_loop_init(&loop) != 0)
        return 70;
    bench.dns =
        sv_dns_new(&loop, &(struct sv_dns_options){.rand = &rand, .clock = sv_clock_system()});
    bench.resolver =
        sv_dns_resolver_new(&loop, &(struct sv_dns_resolver_options){
                                       .dns = bench.dns, .servers = &server, .servers_count = 1});
    return run(&bench, &loop, in_flight);
}
