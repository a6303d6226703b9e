/* Any bytes as one of AWS's shared files: the first byte says which of the two (c, and s for a
 * session in it, the config file). */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "net/aws/shared_file.h"
#include "sv/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static bool is_value(const char *text, size_t bytes)
{
    size_t len = strnlen(text, bytes);

    for (size_t i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] >= 0x7f)
            return false;
    }
    return len < bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct sv_shared_profile out;
    struct sv_shared_file file = {.name = "FILE"};
    struct sv_errinfo info = {.text = ""};
    enum sv_err err;

    if (len == 0)
        return 0;
    memset(&out, 0, sizeof out);
    file.bytes = (const char *)bytes + 1;
    file.len = len - 1;
    file.is_config = bytes[0] == 'c';
    file.is_session = bytes[0] == 's';
    err = sv_shared_file_read(&file, "x", &out, &info);
    if (err != SV_OK) {
        SV_REQUIRE(err == SV_EMALFORMED || err == SV_ETOOBIG);
        SV_REQUIRE(strncmp(info.text, "FILE ", 5) == 0);
        return 0;
    }
    SV_REQUIRE(is_value(out.keys.access_key_id, sizeof out.keys.access_key_id));
    SV_REQUIRE(is_value(out.keys.secret_access_key, sizeof out.keys.secret_access_key));
    SV_REQUIRE(is_value(out.keys.session_token, sizeof out.keys.session_token));
    SV_REQUIRE(is_value(out.settings.role_arn, sizeof out.settings.role_arn));
    SV_REQUIRE(is_value(out.settings.mfa_serial, sizeof out.settings.mfa_serial));
    SV_REQUIRE(is_value(out.settings.sso_start_url, sizeof out.settings.sso_start_url));
    SV_REQUIRE(strnlen(out.settings.credential_process, sizeof out.settings.credential_process) <
               sizeof out.settings.credential_process);
    SV_REQUIRE(!file.is_session || (!out.has_access_key && !out.has_secret_key));
    SV_REQUIRE(out.has_access_key == (out.keys.access_key_id[0] != '\0'));
    SV_REQUIRE(out.has_secret_key == (out.keys.secret_access_key[0] != '\0'));
    SV_REQUIRE(out.found || (!out.has_access_key && !out.has_secret_key));
    return 0;
}
