/* The INI dialect of AWS's shared files (~/.aws/credentials, ~/.aws/config), strict and bounded. */
#ifndef SV_AWS_SHARED_FILE_H
#define SV_AWS_SHARED_FILE_H

#include <stdbool.h>

#include "sv/credentials.h"

enum { SV_SHARED_FILE_BYTES_MAX = 1024 * 1024, SV_SHARED_LINE_BYTES_MAX = 16 * 1024 };

/* The other settings of a profile that we know; "" = not set. */
struct sv_shared_settings {
    char role_arn[257];
    char source_profile[129];
    char credential_source[33];
    char external_id[1225];
    char role_session_name[65];
    char duration_seconds[8];
    char mfa_serial[257];
    char web_identity_token_file[1024];
    char credential_process[2048]; /* may hold what its owner put there: not for logs */
    char sso_session[129];
    char sso_start_url[513];
    char sso_region[41];
    char sso_account_id[13];
    char sso_role_name[65];
    char use_fips_endpoint[8], use_dualstack_endpoint[8], max_attempts[8];
};

/* What one profile said; wiped by sv_credentials_wipe on `keys`. */
struct sv_shared_profile {
    bool found; /* its section exists */
    bool has_access_key, has_secret_key;
    /* The profile asks for a way to get keys that we do not know: the setting's name, or "". */
    char unsupported[32];
    struct sv_credentials keys;
    struct sv_shared_settings settings;
};

struct sv_shared_file {
    const char *name;  /* for the error text */
    const char *bytes; /* borrowed, as all of it */
    size_t len;
    bool is_config;  /* every name but default must have the prefix "profile " */
    bool is_session; /* a config file, of which "[sso-session NAME]" is wanted */
};

/* Adds to what *out holds already; a later line wins. SV_EMALFORMED and SV_ETOOBIG name file and
 * line. */
enum sv_err sv_shared_file_read(const struct sv_shared_file *file, const char *profile,
                                struct sv_shared_profile *out, struct sv_errinfo *info)
    __attribute__((warn_unused_result));

#endif
