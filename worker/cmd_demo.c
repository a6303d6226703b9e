/* `sesverify demo`: the whole thing on one machine, without any account. */
#include "commands.h"
#include "demo.h"
#include "exit.h"
#include "sv/time.h"
#include "term.h"

#include <string.h>

static int run(const struct sv_args *args)
{
    const char *deadline = sv_args_value(args, "deadline", "100s");
    struct demo_options options = {
        .keep = sv_args_has(args, "keep"),
        .json = sv_args_has(args, "json"),
        .colour = !sv_args_has(args, "json") && sv_term_wants_colour(stdout, args->environment),
        .sandbox = sv_args_value(args, "sandbox", NULL),
        .redis_server = sv_args_value(args, "redis-server", NULL),
    };

    if (sv_duration_parse(deadline, strlen(deadline), &options.deadline_ms) != SV_OK) {
        (void)fprintf(stderr,
                      "sesverify demo: --deadline wants a duration with its unit, as 100s\n");
        return SV_EXIT_USAGE;
    }
    return demo_run(&options);
}

static const struct sv_option options[] = {
    {"keep", NULL, false, "stay up after the summary, until Ctrl-C"},
    {"deadline", "TIME", false, "give up after this long (100s)"},
    {"sandbox", "PATH", false, "the program sesverify-sandbox (beside this one, or on the PATH)"},
    {"redis-server", "PATH", false, "the program redis-server (on the PATH)"},
    {0},
};

const struct sv_command sv_command_demo = {
    .name = "demo",
    .operands = "",
    .summary = "the whole thing on this machine: no account, no configuration",
    .details = "Starts a private Redis, an SES stand-in, a DNS server and the worker on loopback, "
               "with seven\n"
               "clients whose records appear, are wrong, get fixed and break. Events scroll by; "
               "the table at\n"
               "the end is folded from them. Exits 0 only if every domain ended where it should.",
    .options = options,
    .facts = true,
    .examples = {"sesverify demo", "sesverify demo --keep"},
    .run = run,
};
