/* AWS credentials and the places they come from. */
#ifndef SV_CREDENTIALS_H
#define SV_CREDENTIALS_H

#include "sv/err.h"
#include "sv/time.h"

enum { SV_ACCESS_KEY_BYTES = 136, SV_SECRET_KEY_BYTES = 256, SV_SESSION_TOKEN_BYTES = 8192 };

/* Secret: never logged, wiped by sv_credentials_wipe. */
struct sv_credentials {
    char access_key_id[SV_ACCESS_KEY_BYTES];
    char secret_access_key[SV_SECRET_KEY_BYTES];
    char session_token[SV_SESSION_TOKEN_BYTES]; /* "" = none */
    sv_ms expires_at;                           /* 0 = never */
    char source[64]; /* for people: "environment", "shared file, profile x" */
};

/* How a variable of the environment is read; getenv in the program, a table in tests. NULL = not
 * set. */
typedef const char *sv_env_fn(void *context, const char *name);

/* The environment (AWS_ACCESS_KEY_ID ...), then the shared files (AWS_SHARED_CREDENTIALS_FILE,
 * AWS_CONFIG_FILE, AWS_PROFILE; an explicit `profile`, NULL = none, switches the environment's keys
 * off). Reads files: call it at start and on reload only. SV_ENOTFOUND lists where it looked;
 * SV_EMALFORMED names file and line; SV_EDENIED an unreadable file. */
enum sv_err sv_credentials_load(const char *profile, sv_env_fn *env, void *context,
                                struct sv_credentials *out, struct sv_errinfo *info)
    __attribute__((warn_unused_result));

void sv_credentials_wipe(struct sv_credentials *credentials);

#endif
