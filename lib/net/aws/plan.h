/* Where the keys of one account come from, decided before anything is sent: a base, then the roles
 * to assume on top of it. */
#ifndef SV_AWS_PLAN_H
#define SV_AWS_PLAN_H

#include "places.h"

enum { SV_PLAN_ROLES_MAX = 5, SV_PLAN_URL_BYTES = 1024 };

enum sv_plan_base {
    SV_PLAN_NOTHING,
    SV_PLAN_KEYS,         /* of the environment or a file */
    SV_PLAN_WEB_IDENTITY, /* a token in a file, given to STS */
    SV_PLAN_CONTAINER,    /* ECS, EKS Pod Identity */
    SV_PLAN_IMDS,         /* an EC2 instance's role */
    SV_PLAN_PROCESS,      /* a program of the operator's prints them */
    SV_PLAN_SSO,          /* IAM Identity Center, by the sign-in of a person */
};

struct sv_plan_role {
    char arn[257];
    char external_id[1225]; /* "" = none */
    char session_name[65];  /* "" = ours */
    unsigned duration_s;    /* 0 = one hour */
};

/* What the account's own section says; "" or NULL = not set. */
struct sv_plan_wish {
    const char *profile, *role_arn, *external_id, *role_session_name;
    const char *region;
};

struct sv_plan {
    enum sv_plan_base base;
    struct sv_credentials keys;                   /* base KEYS */
    char token_file[SV_PLACES_PATH_BYTES];        /* WEB_IDENTITY, SSO; CONTAINER: "" = none */
    char token[4096];                             /* CONTAINER: value of Authorization, "" = none */
    char url[SV_PLAN_URL_BYTES];                  /* CONTAINER: whole; IMDS, SSO: without path */
    bool url_plain;                               /* SSO: http:// is fine: somebody set it */
    char sso_role[65], sso_account[13];           /* SSO */
    char command[2048];                           /* PROCESS: not for logs */
    sv_ms timeout_ms;                             /* IMDS: of one attempt */
    unsigned attempts;                            /* IMDS */
    bool no_imds_v1;                              /* IMDS: version 1 must not be used */
    struct sv_plan_role web_role;                 /* WEB_IDENTITY */
    struct sv_plan_role roles[SV_PLAN_ROLES_MAX]; /* the last one is assumed first */
    size_t roles_count;
    char sts_url[SV_PLAN_URL_BYTES]; /* the origin, with a path if somebody set one */
    bool sts_plain;                  /* http:// is fine: somebody set it */
    char region[41];
    char source[64];
    /* Everything before the instance metadata was tried and holds nothing, and nobody said that
     * this machine has such a service. */
    bool last_resort;
};

/* Reads variables and files anew. SV_ENOTFOUND says what was tried; SV_EMALFORMED, SV_EINVALID and
 * SV_EDENIED name the place and what is wrong with it. The order is that of AWS's own tools; a
 * profile that the account names switches all others off. The caller wipes the plan. */
enum sv_err sv_plan_make(const struct sv_plan_wish *wish, sv_env_fn *env, void *context,
                         struct sv_plan *out, struct sv_errinfo *info)
    __attribute__((warn_unused_result));

/* Where STS is asked: what somebody set, or the region's own endpoint. `is_plain`: http:// is fine,
 * since somebody set it. SV_ETOOBIG. */
enum sv_err sv_plan_sts(const char *region, sv_env_fn *env, void *context,
                        char url[SV_PLAN_URL_BYTES], bool *is_plain, struct sv_errinfo *info)
    __attribute__((warn_unused_result));

void sv_plan_wipe(struct sv_plan *plan);

/* True when a container's endpoint may be asked without TLS: loopback and the addresses that ECS
 * and EKS give themselves. `url` begins with http://. */
bool sv_plan_is_container_host(const char *url);

#endif
