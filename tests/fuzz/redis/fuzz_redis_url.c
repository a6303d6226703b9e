/* Any bytes as redis.url: what is accepted is within its limits, what is refused says why and
 * leaves nothing behind. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sv/redis.h"
#include "sv/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const struct sv_redis_address none;
    struct sv_redis_address address;
    struct sv_errinfo info = {.text = ""};
    char *url = malloc(len + 1);

    SV_REQUIRE(url != NULL);
    memcpy(url, bytes, len);
    url[len] = '\0';
    if (sv_redis_address_parse(url, &address, &info) == SV_OK) {
        SV_REQUIRE(address.host[0] != '\0');
        SV_REQUIRE(address.is_unix ? address.host[0] == '/' && strlen(address.host) <= 107
                                   : address.port >= 1 && address.port <= 65535);
        SV_REQUIRE(address.database <= 99999);
        SV_REQUIRE(!(address.is_unix && address.tls));
    } else {
        SV_REQUIRE(info.code == SV_EINVALID && info.text[0] != '\0');
        SV_REQUIRE(memcmp(&address, &none, sizeof(none)) == 0);
    }
    free(url);
    return 0;
}
