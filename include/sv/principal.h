/* Who AWS takes us for: STS GetCallerIdentity, which needs no permission. */
#ifndef SV_PRINCIPAL_H
#define SV_PRINCIPAL_H

#include "sv/credentials.h"
#include "sv/http.h"

struct sv_principal;

/* On SV_OK account and arn are filled; otherwise info says why not. */
typedef void sv_principal_done_fn(struct sv_principal *principal, enum sv_err err);

struct sv_principal { /* embed it */
    void *owner;      /* yours, untouched */
    char account[13];
    char arn[320];
    struct sv_errinfo info;
    /* private from here on */
    sv_principal_done_fn *done;
    const struct sv_clock *clock;
    struct sv_http_request request;
};

struct sv_principal_ask {
    struct sv_http *http;         /* borrowed until done */
    const struct sv_clock *clock; /* the same */
    const struct sv_credentials *keys;
    sv_ms skew_ms; /* to add to our clock */
    const char *region;
    sv_env_fn *env; /* for the endpoint's variables, see AWS_ENDPOINT_URL_STS */
    void *env_context;
};

/* One question, with the rules of every request of the house. */
enum sv_err sv_principal_start(struct sv_principal *principal, const struct sv_principal_ask *ask,
                               sv_principal_done_fn *done) __attribute__((warn_unused_result));

#endif
