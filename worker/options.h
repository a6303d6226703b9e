/* The command line: one table per command, one reader for all of them (C1). */
#ifndef SV_WORKER_OPTIONS_H
#define SV_WORKER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { SV_OPERANDS_MAX = 8, SV_GIVEN_MAX = 300, SV_OPTION_ERROR_BYTES = 256 };

struct sv_option {
    const char *name;  /* without "--"; NULL ends a table */
    const char *value; /* what help calls its value; NULL = a flag */
    bool many;         /* may be given more than once */
    const char *help;  /* one line */
};

struct sv_args;

/* Returns the exit code. */
typedef int sv_command_fn(const struct sv_args *args);

struct sv_command {
    const char *name;     /* "run", "config check"; NULL ends the table */
    const char *operands; /* "DOMAIN", "[DOMAIN]", "" */
    size_t operands_min, operands_max;
    const char *operand_choices; /* the first operand is one of these words; NULL = anything */
    const char *summary;         /* one line */
    const char *details;         /* more lines for --help; may be NULL */
    const struct sv_option *options;
    bool configured; /* takes --config and --set */
    bool facts;      /* takes --json */
    const char *examples[2];
    sv_command_fn *run;
};

struct sv_args {
    const struct sv_command *command;
    char *const *environment;
    bool help;
    size_t operands_count;
    const char *operands[SV_OPERANDS_MAX];
    size_t given_count;
    struct {
        const char *name;  /* of the table */
        const char *value; /* NULL for a flag */
    } given[SV_GIVEN_MAX];
};

/* Reads the words behind the command's name: "--name value", "--name=value", "--flag", "--" ends
 * the options. Everything is borrowed. False with one sentence in `error`, the nearest option
 * included. With --help nothing else is checked. */
bool sv_args_read(const struct sv_command *command, int count, char *const *words,
                  struct sv_args *out, char error[SV_OPTION_ERROR_BYTES]);

bool sv_args_has(const struct sv_args *args, const char *name);

/* The value of an option, `fallback` when it was not given. */
const char *sv_args_value(const struct sv_args *args, const char *name, const char *fallback);

/* All values of an option that may be given more than once; returns how many (at most `max`). */
size_t sv_args_values(const struct sv_args *args, const char *name, const char **out, size_t max);

/* The options a command takes, its own first, those of all commands included; NULL behind the last.
 */
const struct sv_option *sv_command_option(const struct sv_command *command, size_t index);

/* Usage, operands, options, two examples. */
void sv_command_help(const struct sv_command *command, FILE *out);

#endif
