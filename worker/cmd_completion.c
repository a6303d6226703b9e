/* `sesverify completion SHELL`: a script that completes commands, options and settings. */
#include <string.h>

#include "commands.h"
#include "completion.h"
#include "exit.h"
#include "nearest.h"
#include "setup.h"

static const struct {
    const char *name;
    void (*print)(FILE *out);
} shells[] = {
    {"bash", sv_completion_bash},
    {"zsh", sv_completion_zsh},
    {"fish", sv_completion_fish},
};

static int run(const struct sv_args *args)
{
    struct sv_nearest nearest;

    sv_nearest_init(&nearest, args->operands[0]);
    for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
        if (strcmp(args->operands[0], shells[i].name) == 0) {
            shells[i].print(stdout);
            return SV_EXIT_OK;
        }
        sv_nearest_offer(&nearest, shells[i].name);
    }
    if (nearest.best != NULL)
        sv_setup_complain(args, "'%.60s' is no shell known here (did you mean '%s'?)",
                          args->operands[0], nearest.best);
    else
        sv_setup_complain(args, "'%.60s' is no shell known here: bash, zsh or fish",
                          args->operands[0]);
    return SV_EXIT_USAGE;
}

const struct sv_command sv_command_completion = {
    .name = "completion",
    .operands = "SHELL",
    .operands_min = 1,
    .operands_max = 1,
    .operand_choices = "bash zsh fish",
    .summary = "a script that completes commands and options",
    .details = "SHELL is bash, zsh or fish. Completes commands, options, settings and the words\n"
               "that there are few of. Packages install all three.",
    .examples = {"sesverify completion bash > /etc/bash_completion.d/sesverify",
                 "source <(sesverify completion zsh)"},
    .run = run,
};
