/* What the givers of temporary keys answer. */
#ifndef SV_AWS_KEY_REPLY_H
#define SV_AWS_KEY_REPLY_H

#include "sv/credentials.h"

enum { SV_KEY_REPLY_BYTES_MAX = 64 * 1024, SV_KEY_ERROR_BYTES = 64 };

/* A container's or an instance's JSON: AccessKeyId, SecretAccessKey, Token, Expiration. Text of an
 * error never shows a value. Only the keys and the expiry of *out are written. */
enum sv_err sv_key_reply_json(const char *bytes, size_t len, struct sv_credentials *out,
                              struct sv_errinfo *info) __attribute__((warn_unused_result));

/* What a credential_process prints: JSON with Version 1, AccessKeyId, SecretAccessKey, and if it
 * likes SessionToken and Expiration; without the latter the keys never expire. */
enum sv_err sv_key_reply_process(const char *bytes, size_t len, struct sv_credentials *out,
                                 struct sv_errinfo *info) __attribute__((warn_unused_result));

/* IAM Identity Center's roleCredentials{accessKeyId, secretAccessKey, sessionToken, expiration};
 * the last is a number of milliseconds. */
enum sv_err sv_key_reply_sso(const char *bytes, size_t len, struct sv_credentials *out,
                             struct sv_errinfo *info) __attribute__((warn_unused_result));

/* STS's XML: Credentials{AccessKeyId, SecretAccessKey, SessionToken, Expiration}. */
enum sv_err sv_key_reply_sts(const char *bytes, size_t len, struct sv_credentials *out,
                             struct sv_errinfo *info) __attribute__((warn_unused_result));

enum { SV_CALLER_ACCOUNT_BYTES = 13, SV_CALLER_ARN_BYTES = 320 };

/* STS's XML: GetCallerIdentityResult{Account, Arn}. */
enum sv_err sv_key_reply_caller(const char *bytes, size_t len,
                                char account[SV_CALLER_ACCOUNT_BYTES],
                                char arn[SV_CALLER_ARN_BYTES], struct sv_errinfo *info)
    __attribute__((warn_unused_result));

/* The word in STS's <Code>, e.g. "AccessDenied"; "" when there is none that can be shown. */
void sv_key_reply_sts_error(const char *bytes, size_t len, char out[SV_KEY_ERROR_BYTES]);

#endif
