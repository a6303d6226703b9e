/* sv_sim: virtual years of many domains, from a seed. Exits 1 with the seed and the last steps when
 * an invariant breaks, 3 when the run was slower than --floor. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sv/digest.h"

#include "sim.h"

struct options {
    uint64_t seed, seeds, years, floor;
    size_t domains;
    enum sim_break broken;
    const char *expect_hash;
    bool report;
};

static _Noreturn void usage(void)
{
    (void)fprintf(stderr, "usage: sv_sim [--seed N] [--seeds K] [--domains D] [--years Y]\n"
                          "              [--break RULE] [--floor DOMAIN_YEARS_PER_SECOND]\n"
                          "              [--expect-hash HEX] [--report]\nrules:");
    for (int rule = 1; rule < SIM_BREAK_COUNT; rule++)
        (void)fprintf(stderr, " %s", sim_break_name((enum sim_break)rule));
    (void)fprintf(stderr, "\n");
    exit(2);
}

static uint64_t number(const char *text, uint64_t max)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);

    if (end == text || *end != '\0' || value > max)
        usage();
    return value;
}

static enum sim_break rule_named(const char *name)
{
    for (int rule = 1; rule < SIM_BREAK_COUNT; rule++) {
        if (strcmp(sim_break_name((enum sim_break)rule), name) == 0)
            return (enum sim_break)rule;
    }
    usage();
}

static void take_option(struct options *options, const char *name, const char *value)
{
    if (strcmp(name, "--seed") == 0)
        options->seed = number(value, UINT64_MAX / 2);
    else if (strcmp(name, "--seeds") == 0)
        options->seeds = number(value, 1000000);
    else if (strcmp(name, "--domains") == 0)
        options->domains = (size_t)number(value, SIM_DOMAINS_MAX);
    else if (strcmp(name, "--years") == 0)
        options->years = number(value, 1000);
    else if (strcmp(name, "--floor") == 0)
        options->floor = number(value, 1000000000);
    else if (strcmp(name, "--expect-hash") == 0)
        options->expect_hash = value;
    else if (strcmp(name, "--break") == 0)
        options->broken = rule_named(value);
    else
        usage();
}

static struct options parse(int argc, char **argv)
{
    struct options options = {.seed = 1, .seeds = 1, .years = 1, .domains = 100};

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--report") == 0)
            options.report = true;
        else if (i + 1 < argc)
            take_option(&options, argv[i], argv[i + 1]), i++;
        else
            usage();
    }
    return options;
}

/* The same seed once more, now remembering what happened to the domain that broke. */
static void tell_violation(const struct options *options, const struct sim *broken)
{
    static struct sim sim;
    uint64_t from;

    sim_init(&sim, broken->seed, options->domains, (sv_ms)options->years * 365 * SV_DAY);
    sim.broken = options->broken;
    sim.traced = true;
    sim.violator = broken->violator;
    sim_run(&sim);
    (void)printf("BROKEN seed %" PRIu64 " domain %zu: %s\n", broken->seed, broken->violator,
                 broken->violation);
    from = sim.trail_count > SIM_TRAIL_MAX ? sim.trail_count - SIM_TRAIL_MAX : 0;
    for (uint64_t i = from; i < sim.trail_count; i++)
        (void)printf("  %s\n", sim.trail[i % SIM_TRAIL_MAX]);
    (void)printf("again: sv_sim --seed %" PRIu64 " --domains %zu --years %" PRIu64 "\n",
                 broken->seed, options->domains, options->years);
    sim_fini(&sim);
}

static void add_counts(struct sim_counts *sum, const struct sim_counts *counts)
{
    const uint64_t *from = (const uint64_t *)counts;
    uint64_t *to = (uint64_t *)sum;

    for (size_t i = 0; i < sizeof(*sum) / sizeof(uint64_t); i++)
        to[i] += from[i];
}

static void report(const struct sim_counts *counts)
{
    (void)printf("looks %" PRIu64 " commits %" PRIu64 " fenced %" PRIu64 " repeated %" PRIu64
                 " reaped %" PRIu64 " killed %" PRIu64 " released %" PRIu64 "\n",
                 counts->looks, counts->commits, counts->stale, counts->already, counts->reaped,
                 counts->killed, counts->released);
    (void)printf("jobs %" PRIu64 " rejected %" PRIu64 " clock jumps %" PRIu64 " faults %" PRIu64
                 " restarts %" PRIu64 " provisions %" PRIu64 " SES spared %" PRIu64 "\n",
                 counts->jobs, counts->rejected, counts->jumps, counts->faults, counts->restarts,
                 counts->provisions, counts->gated);
    for (int news = 1; news < SV_NEWS_COUNT; news++)
        (void)printf("%s%s %" PRIu64,
                     news > 1 ? ", " : "events: ", sv_news_name((enum sv_news)news),
                     counts->news[news]);
    (void)printf("\n");
    for (int from = 0; from < SV_STATUS_COUNT; from++) {
        for (int to = 0; to < SV_STATUS_COUNT; to++) {
            if (counts->moves[from][to] > 0)
                (void)printf("  %-20s -> %-20s %10" PRIu64 "\n",
                             sv_status_name((enum sv_status)from),
                             sv_status_name((enum sv_status)to), counts->moves[from][to]);
        }
    }
}

static double seconds_now(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    static struct sim sim;
    struct options options = parse(argc, argv);
    struct sim_counts sum = {0};
    uint64_t hash = SV_FNV_START;
    double began = seconds_now(), took, rate;
    char hex[17];

    for (uint64_t i = 0; i < options.seeds; i++) {
        sim_init(&sim, options.seed + i, options.domains, (sv_ms)options.years * 365 * SV_DAY);
        sim.broken = options.broken;
        sim_run(&sim);
        add_counts(&sum, &sim.counts);
        hash = (hash ^ sim.hash) * 0x100000001b3ull;
        if (sim.violation != NULL) {
            tell_violation(&options, &sim);
            sim_fini(&sim);
            return 1;
        }
        sim_fini(&sim);
    }
    took = seconds_now() - began;
    rate = (double)(options.seeds * options.domains * options.years) / (took > 0 ? took : 1e-9);
    (void)snprintf(hex, sizeof(hex), "%016" PRIx64, hash);
    (void)printf("seeds %" PRIu64 "..%" PRIu64 ": %" PRIu64 " domain-years, %" PRIu64
                 " steps, %" PRIu64 " events, hash %s, %.0f domain-years per CPU second\n",
                 options.seed, options.seed + options.seeds - 1,
                 options.seeds * options.domains * options.years, sum.steps, sum.events, hex, rate);
    if (options.report)
        report(&sum);
    if (options.expect_hash != NULL && strcmp(options.expect_hash, hex) != 0) {
        (void)printf("expected hash %s: the events are not those of the recorded run\n",
                     options.expect_hash);
        return 1;
    }
    return rate < (double)options.floor ? 3 : 0;
}
