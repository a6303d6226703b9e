/* How AWS's services are to be reached: what the variables and the shared files say besides keys
 * (AWS SDKs and Tools Reference Guide, "FIPS endpoints", "Dual-stack endpoints", "Retry
 * behavior"). */
#ifndef SV_AWS_SETTINGS_H
#define SV_AWS_SETTINGS_H

#include "sv/credentials.h"

enum { SV_AWS_ATTEMPTS_MAX = 100 };

struct sv_aws_settings {   /* all zero = nothing is set */
    bool use_fips;         /* AWS_USE_FIPS_ENDPOINT, use_fips_endpoint */
    bool use_dual_stack;   /* AWS_USE_DUALSTACK_ENDPOINT, use_dualstack_endpoint */
    unsigned attempts_max; /* AWS_MAX_ATTEMPTS, max_attempts */
};

/* A variable wins over the profile (NULL or "" = the usual one). Reads files: at start only. Files
 * that cannot be read say nothing; whether that matters is found out when keys are looked for.
 * SV_EINVALID names the setting that cannot be understood. */
enum sv_err sv_aws_settings_load(const char *profile, sv_env_fn *env, void *context,
                                 struct sv_aws_settings *out, struct sv_errinfo *info)
    __attribute__((warn_unused_result));

#endif
