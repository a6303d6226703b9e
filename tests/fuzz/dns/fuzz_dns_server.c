/* Server addresses as text: refused, or an address of one of the two families with a port. */
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "sv/dns.h"
#include "sv/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char text[128];
    struct sv_dns_server server;
    struct sv_errinfo info = {0};
    enum sv_err err;

    if (len >= sizeof(text))
        return 0;
    memcpy(text, bytes, len);
    text[len] = 0;
    err = sv_dns_server_parse(text, &server, &info);
    if (err != SV_OK) {
        SV_REQUIRE(err == SV_EINVALID && info.text[0] != 0);
        return 0;
    }
    if (server.address.ss_family == AF_INET)
        SV_REQUIRE(((const struct sockaddr_in *)(const void *)&server.address)->sin_port != 0);
    else
        SV_REQUIRE(server.address.ss_family == AF_INET6 &&
                   ((const struct sockaddr_in6 *)(const void *)&server.address)->sin6_port != 0);
    return 0;
}
