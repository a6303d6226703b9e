/* The steps of a fetch, and its questions; private to the fetch. */
#ifndef SV_AWS_FETCH_ASK_H
#define SV_AWS_FETCH_ASK_H

#include "fetch.h"
#include "sts.h"

enum step {
    STEP_BASE,
    STEP_CONTAINER,
    STEP_IMDS_TOKEN,
    STEP_IMDS_ROLE,
    STEP_IMDS_KEYS,
    STEP_WEB_IDENTITY,
    STEP_SSO,
    STEP_PROCESS,
    STEP_ROLE,
    STEP_DONE
};

/* Asks over HTTP what the present step wants to know. On failure the info is filled. */
enum sv_err sv_fetch_ask(struct sv_fetch *fetch, sv_http_done_fn *answered)
    __attribute__((warn_unused_result));

/* Fills fetch->info with the step's name, its role and `why`, which may point into the info.
 * Returns `err`. */
enum sv_err sv_fetch_wrong(struct sv_fetch *fetch, enum sv_err err, const char *why);

/* The time as far as we know better than our clock. */
sv_ms sv_fetch_now(const struct sv_fetch *fetch);

#endif
