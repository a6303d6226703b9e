/* sv_plan_sim: virtual days of full accounts behind SES's limits, and the worker's own planner
 * decided again from its trace. Exits 1 when something that may never be was, or when the planner
 * decides otherwise than the worker's did. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"

static _Noreturn void usage(void)
{
    (void)fprintf(stderr,
                  "usage: sv_plan_sim [--short] [--seed N] [--days N] [--accounts N]\n"
                  "                   [--identities N] [--workers N] [--sweep-every SECONDS]\n"
                  "       sv_plan_sim --replay FILE\n");
    exit(2);
}

static uint64_t number(const char *text, uint64_t most)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);

    if (end == text || *end != '\0' || value > most)
        usage();
    return value;
}

static void take_option(struct plan_options *options, const char *name, const char *value)
{
    if (strcmp(name, "--seed") == 0)
        options->seed = number(value, UINT64_MAX / 2);
    else if (strcmp(name, "--days") == 0)
        options->days = (unsigned)number(value, 3650);
    else if (strcmp(name, "--accounts") == 0)
        options->accounts = (unsigned)number(value, 32);
    else if (strcmp(name, "--identities") == 0)
        options->identities = (unsigned)number(value, 100000);
    else if (strcmp(name, "--workers") == 0)
        options->workers = (unsigned)number(value, SV_GCRA_WORKERS_MAX);
    else if (strcmp(name, "--sweep-every") == 0)
        options->sweep_every_ms = (sv_ms)number(value, 1000000) * SV_SECOND;
    else
        usage();
}

int main(int argc, char **argv)
{
    struct plan_options options = {.seed = 1,
                                   .accounts = 10,
                                   .identities = 10000,
                                   .workers = 3,
                                   .days = 30,
                                   .inflight_max = 400,
                                   .interval_ms = 1010, /* the worker's: one percent of slack */
                                   .sweep_every_ms = SV_HOUR};
    struct plan *plan;
    bool good;

    if (argc == 3 && strcmp(argv[1], "--replay") == 0)
        return plan_replay(argv[2]);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--short") == 0) {
            options.accounts = 2;
            options.identities = 1000;
            options.days = 3;
        } else if (i + 1 < argc) {
            take_option(&options, argv[i], argv[i + 1]);
            i++;
        } else {
            usage();
        }
    }
    if (options.accounts == 0 || options.identities < 20 || options.workers == 0)
        usage();
    options.big = options.identities / 2;
    plan = plan_new(&options);
    plan_run(plan);
    plan_report(plan, stdout);
    good = plan_judge(plan, stdout);
    plan_free(plan);
    return good ? 0 : 1;
}
