/* Any bytes as an answer with keys: the first byte says of which giver (x STS, p a program, s SSO,
 * anything else a container or an instance). */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "net/aws/reply.h"
#include "sv/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static bool is_value(const char *text, size_t bytes)
{
    size_t len = strnlen(text, bytes);

    for (size_t i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] >= 0x7f)
            return false;
    }
    return len > 0 && len < bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct sv_credentials out;
    char code[SV_KEY_ERROR_BYTES], text[SV_KEY_REPLY_BYTES_MAX + 2];
    struct sv_errinfo info = {.text = ""};
    enum sv_err err;

    if (len == 0 || len >= sizeof text)
        return 0;
    memset(&out, 0, sizeof out);
    memcpy(text, bytes + 1, len - 1);
    text[len - 1] = '\0';
    if (bytes[0] == 'x')
        err = sv_key_reply_sts(text, len - 1, &out, &info);
    else if (bytes[0] == 'p')
        err = sv_key_reply_process(text, len - 1, &out, &info);
    else if (bytes[0] == 's')
        err = sv_key_reply_sso(text, len - 1, &out, &info);
    else
        err = sv_key_reply_json(text, len - 1, &out, &info);
    sv_key_reply_sts_error(text, len - 1, code);
    SV_REQUIRE(strnlen(code, sizeof code) < sizeof code);
    if (err != SV_OK) {
        SV_REQUIRE(err == SV_EMALFORMED || err == SV_EDENIED);
        SV_REQUIRE(info.text[0] != '\0');
        return 0;
    }
    SV_REQUIRE(is_value(out.access_key_id, sizeof out.access_key_id));
    SV_REQUIRE(is_value(out.secret_access_key, sizeof out.secret_access_key));
    if (bytes[0] != 'p' || out.session_token[0] != '\0')
        SV_REQUIRE(is_value(out.session_token, sizeof out.session_token));
    return 0;
}
