/* What most commands begin with: configuration, names, exit codes. Mistakes go to stderr. */
#ifndef SV_WORKER_SETUP_H
#define SV_WORKER_SETUP_H

#include "config.h"
#include "options.h"
#include "sv/name.h"

/* The configuration a command asked for; SV_EXIT_OK, or the code to leave with. Warnings are
 * printed by `run` and `config check` only, which pass `problems`; NULL = print errors alone. */
int sv_setup_config(const struct sv_args *args, struct sv_config **out,
                    struct sv_problems *problems);

/* The exit code that fits an error of Redis or another service. */
int sv_setup_exit_of(enum sv_err err);

/* Prints "sesverify COMMAND: text". */
void sv_setup_complain(const struct sv_args *args, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The domain operand in normal form; SV_EXIT_DATA with a message otherwise. */
int sv_setup_domain(const struct sv_args *args, const char *given, char out[SV_NAME_BYTES]);

/* The shard of a client (design section 3.2). */
unsigned sv_setup_shard(const struct sv_config *config, const char *client_id);

#endif
