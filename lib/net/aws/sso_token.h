/* The token of a person's sign-in to IAM Identity Center ("SSO"), which AWS's tools keep in a file.
 */
#ifndef SV_AWS_SSO_TOKEN_H
#define SV_AWS_SSO_TOKEN_H

#include "sv/err.h"
#include "sv/time.h"

enum { SV_SSO_TOKEN_BYTES = 16 * 1024, SV_SSO_FILE_BYTES_MAX = 64 * 1024 };

struct sv_sso_token { /* secret: wiped by its owner */
    char access_token[SV_SSO_TOKEN_BYTES];
    sv_ms expires_at;
};

/* "<sha1 of `key`>.json": the key is the session's name, or the start URL of a profile without one
 * (botocore, SSOTokenLoader). */
void sv_sso_token_file_name(const char *key, char out[46]);

/* The file's JSON: accessToken, expiresAt ("2026-01-01T00:00:00Z", or with the older suffix "UTC").
 * SV_EMALFORMED never shows a value. */
enum sv_err sv_sso_token_read(const char *bytes, size_t len, struct sv_sso_token *out,
                              struct sv_errinfo *info) __attribute__((warn_unused_result));

#endif
