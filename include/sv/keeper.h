/* Keeps the AWS keys of one account fresh: finds them, renews them ahead of time, and holds on to
 * the old ones while a renewal fails. */
#ifndef SV_KEEPER_H
#define SV_KEEPER_H

#include <stdbool.h>

#include "sv/credentials.h"
#include "sv/http.h"
#include "sv/log.h"
#include "sv/rand.h"

struct sv_keeper;

struct sv_keeper_options {
    struct sv_http *http; /* borrowed, as all of it */
    const struct sv_clock *clock;
    struct sv_rand *rand;
    struct sv_log *log; /* may be NULL */
    sv_env_fn *env;
    void *env_context;
    const char *account; /* for the log */
    const char *region;  /* of STS */
    /* "" or NULL = not set */
    const char *profile, *role_arn, *external_id, *role_session_name;
};

/* The first search is over. On failure `info` names the source and what is wrong with it. */
typedef void sv_keeper_found_fn(void *context, enum sv_err err, const struct sv_errinfo *info);
typedef void sv_keeper_closed_fn(void *context);

/* True when the keys would come from a program of the operator's (credential_process), as variables
 * and files stand now. */
bool sv_keeper_needs_program(const struct sv_keeper_options *options);

/* Starts the search at once; `found` is called exactly once, never before this has returned. */
struct sv_keeper *sv_keeper_new(const struct sv_keeper_options *options, sv_keeper_found_fn *found,
                                void *context);

/* The keys that are in force: read them at each use, they are renewed in place. */
const struct sv_credentials *sv_keeper_keys(const struct sv_keeper *keeper);

/* To be added to our clock, as STS taught; 0 = nothing known. */
sv_ms sv_keeper_skew_ms(const struct sv_keeper *keeper);

/* Searches again now, variables and files included; what is in force stays until that succeeds. */
void sv_keeper_renew(struct sv_keeper *keeper);

/* Wipes and frees everything, then calls `closed` as the very last thing. A search that is still
 * under way ends with SV_ECANCELED before. The HTTP client is closed after this. */
void sv_keeper_close(struct sv_keeper *keeper, sv_keeper_closed_fn *closed, void *context);

#endif
