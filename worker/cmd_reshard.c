/* `sesverify reshard`: another number of shards. */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "exit.h"
#include "reshard.h"
#include "setup.h"
#include "sv/alloc.h"
#include "sv/json.h"
#include "table.h"
#include "text.h"

static void print_json(const struct sv_reshard *reshard)
{
    json_t *object = sv_json_object(), *counts = sv_json_object();

    for (int kind = 0; kind < SV_STORE_MOVED_COUNT; kind++) {
        json_t *count = sv_json_object();

        sv_json_set(count, "seen",
                    reshard->continued ? json_null()
                                       : json_integer((long long)reshard->seen[kind]));
        sv_json_set_int(count, "moved", (long long)reshard->moved[kind]);
        sv_json_set(counts, sv_reshard_kinds[kind], count);
    }
    sv_json_set_str(object, "schema", "sesverify.reshard.v1");
    sv_json_set_int(object, "from", reshard->from);
    sv_json_set_int(object, "to", reshard->to);
    sv_json_set_bool(object, "dry_run", reshard->dry_run);
    sv_json_set_bool(object, "continued", reshard->continued);
    sv_json_set(object, "counts", counts);
    sv_json_set_bool(object, "sums_differ", reshard->sums_differ);
    sv_json_set_int(object, "faults", (long long)reshard->faults);
    sv_text_print_json(object);
}

static void print_table(const struct sv_reshard *reshard, bool colour)
{
    const char *heads[] = {"", "SEEN", reshard->dry_run ? "TO BE MOVED" : "MOVED"};
    struct sv_table table;

    sv_table_init(&table, sizeof(heads) / sizeof(heads[0]), heads);
    for (int kind = 0; kind < SV_STORE_MOVED_COUNT; kind++) {
        char number[24];

        sv_table_row(&table);
        sv_table_set(&table, 0, SV_PLAIN, sv_reshard_kinds[kind]);
        (void)snprintf(number, sizeof(number), "%zu", reshard->seen[kind]);
        sv_table_set(&table, 1, SV_PLAIN, reshard->continued ? "" : number);
        (void)snprintf(number, sizeof(number), "%zu", reshard->moved[kind]);
        sv_table_set(&table, 2, SV_PLAIN, number);
    }
    sv_table_print(&table, colour, stdout);
    sv_table_fini(&table);
}

static void print_text(const struct sv_reshard *reshard, bool colour)
{
    if (reshard->nothing) {
        (void)printf("there are %u shards already\n", reshard->to);
        return;
    }
    (void)printf("%u -> %u shards%s\n", reshard->from, reshard->to,
                 reshard->continued ? ", an earlier run continued" : "");
    print_table(reshard, colour);
    if (reshard->dry_run)
        (void)printf("nothing was changed\n");
    else
        (void)printf("%s: redis.shards is %u now, for every worker and every producer\n",
                     reshard->faults > 0 || reshard->sums_differ ? "wrong" : "right", reshard->to);
}

/* A power of two that shards may be; 0 = it is none. */
static unsigned read_shards(const char *text)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0' || number > SV_SHARDS_MAX ||
        (number & (number - 1)) != 0)
        return 0;
    return (unsigned)number;
}

static int run(const struct sv_args *args)
{
    struct sv_reshard *reshard;
    struct sv_config *config = NULL;
    unsigned to = read_shards(args->operands[0]);
    int code;

    if (to == 0) {
        sv_setup_complain(args, "shards are a power of two, 1 to %d, not %.40s", SV_SHARDS_MAX,
                          args->operands[0]);
        return SV_EXIT_USAGE;
    }
    code = sv_setup_config(args, &config, NULL);
    if (code != SV_EXIT_OK)
        return code;
    reshard = sv_alloc(1, sizeof(*reshard));
    reshard->args = args;
    reshard->to = to;
    reshard->dry_run = sv_args_has(args, "dry-run");
    code = sv_reshard_run(reshard, config);
    if (code == SV_EXIT_OK) {
        if (sv_args_has(args, "json"))
            print_json(reshard);
        else
            print_text(reshard, sv_term_wants_colour(stdout, args->environment));
        code = reshard->faults > 0 || reshard->sums_differ ? SV_EXIT_WRONG : SV_EXIT_OK;
    }
    free(reshard);
    sv_config_free(config);
    return code;
}

static const struct sv_option options[] = {
    {"dry-run", NULL, false, "change nothing, count what would be moved"},
    {"yes", NULL, false, "do not ask"},
    {.name = NULL},
};

const struct sv_command sv_command_reshard = {
    .name = "reshard",
    .operands = "SHARDS",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "change the number of shards; the workers are stopped",
    .details =
        "Moves every client's domains, receipts, events, jobs and dead letters into the shard "
        "where\n"
        "they belong with another redis.shards (a power of two). Refuses while a worker beats, "
        "and\n"
        "while a consumer group has events left to read. Looks with `doctor` before and after, "
        "and\n"
        "asks before it begins, unless --yes is given. From then on no worker starts until it is "
        "done.\n"
        "Broken off at any point, the same command goes on; nothing is lost or doubled. Set\n"
        "redis.shards afterwards. Exit code 1 when something is wrong before or afterwards, 75 "
        "when\n"
        "somebody is at work or behind. docs/running.md tells the steps.",
    .options = options,
    .configured = true,
    .facts = true,
    .examples = {"sesverify reshard 16 --dry-run", "sesverify reshard 16 --yes --json"},
    .run = run,
};
