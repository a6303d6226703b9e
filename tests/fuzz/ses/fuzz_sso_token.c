/* Any bytes as the cache file of a sign-in. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "net/aws/sso_token.h"
#include "sv/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct sv_sso_token out;
    struct sv_errinfo info = {.text = ""};

    memset(&out, 0, sizeof out);
    if (sv_sso_token_read((const char *)bytes, len, &out, &info) != SV_OK) {
        SV_REQUIRE(info.code == SV_EMALFORMED);
        return 0;
    }
    SV_REQUIRE(out.access_token[0] != '\0' &&
               strnlen(out.access_token, sizeof out.access_token) < sizeof out.access_token);
    SV_REQUIRE(strpbrk(out.access_token, "\r\n\t ") == NULL);
    return 0;
}
