/* Any bytes as a credential_process. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sv/argv.h"
#include "sv/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct sv_argv out;
    struct sv_errinfo info = {.text = ""};
    char *command = strndup((const char *)bytes, len);
    enum sv_err err;
    size_t total = 0;

    SV_REQUIRE(command != NULL);
    err = sv_argv_split(command, &out, &info);
    SV_REQUIRE(err == SV_OK || err == SV_EMALFORMED || err == SV_ETOOBIG);
    for (size_t i = 0; err == SV_OK && out.words[i] != NULL; i++) {
        SV_REQUIRE(i < SV_ARGV_WORDS_MAX && out.words[i] == out.bytes + total);
        total += strlen(out.words[i]) + 1;
    }
    SV_REQUIRE(err != SV_OK || (total <= strlen(command) + 1 && out.words[0][0] != '\0'));
    free(command);
    return 0;
}
