/* What most commands begin with: configuration, secrets, addresses. Mistakes go to stderr. */
#ifndef SV_WORKER_SETUP_H
#define SV_WORKER_SETUP_H

#include "config.h"
#include "options.h"
#include "sv/name.h"
#include "sv/redis.h"

/* The configuration a command asked for; SV_EXIT_OK, or the code to leave with. Warnings are
 * printed by `run` and `config check` only, which pass `problems`; NULL = print errors alone. */
int sv_setup_config(const struct sv_args *args, struct sv_config **out,
                    struct sv_problems *problems);

/* Where Redis is and as whom (L3): $CREDENTIALS_DIRECTORY/redis_password, redis.password_file,
 * SESVERIFY_REDIS_PASSWORD, then the URL's own. `log` and `rand` are left to the caller. */
int sv_setup_redis(const struct sv_config *config, char *const *environment,
                   struct sv_redis_options *out);

/* "127.0.0.1:6379", for messages; never a password. */
void sv_setup_redis_name(const struct sv_redis_address *address, char *out, size_t bytes);

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
