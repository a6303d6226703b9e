#include "sso_token.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "sv/digest.h"
#include "sv/json.h"
#include "sv/require.h"

enum { DEPTH_MAX = 8, SHA1_BYTES = 20, HEX_BYTES = 40 };

void sv_sso_token_file_name(const char *key, char out[46])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    /* Not for safety: that is how the files are named. */
    SV_REQUIRE(EVP_Digest(key, strlen(key), digest, &len, EVP_sha1(), NULL) == 1 &&
               len == SHA1_BYTES);
    sv_hex(digest, len, out);
    memcpy(out + HEX_BYTES, ".json", sizeof ".json");
}

static enum sv_err malformed(struct sv_errinfo *info, const char *why)
{
    return sv_err_set(info, SV_EMALFORMED, "credentials", 0, "the SSO cache file %s", why);
}

static bool take_time(const char *text, sv_ms *out)
{
    char usual[48];
    size_t len = text != NULL ? strlen(text) : 0;

    if (len < 4 || len >= sizeof usual)
        return false;
    memcpy(usual, text, len + 1);
    if (strcmp(usual + len - 3, "UTC") == 0) {
        memcpy(usual + len - 3, "Z", sizeof "Z");
        len -= 2;
    }
    return sv_time_parse(usual, len, out) == SV_OK;
}

static enum sv_err take(const json_t *tree, struct sv_sso_token *out, struct sv_errinfo *info)
{
    const char *token = sv_json_str(tree, "accessToken");
    size_t len = token != NULL ? strlen(token) : 0;

    if (len == 0 || len >= sizeof out->access_token)
        return malformed(info, "holds no accessToken");
    for (size_t i = 0; i < len; i++) {
        if (token[i] <= ' ' || token[i] >= 0x7f)
            return malformed(info, "holds an accessToken with odd characters");
    }
    if (!take_time(sv_json_str(tree, "expiresAt"), &out->expires_at))
        return malformed(info, "holds no expiresAt");
    memcpy(out->access_token, token, len + 1);
    return SV_OK;
}

enum sv_err sv_sso_token_read(const char *bytes, size_t len, struct sv_sso_token *out,
                              struct sv_errinfo *info)
{
    json_t *tree = sv_json_parse(bytes, len, SV_SSO_FILE_BYTES_MAX, DEPTH_MAX, NULL);
    enum sv_err err;

    if (json_is_object(tree))
        err = take(tree, out, info);
    else
        err = malformed(info, "is no JSON object");
    json_decref(tree);
    return err;
}
