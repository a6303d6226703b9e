#include "sv/public_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static bool is_in(const uint8_t *bytes, const struct sv_network *network)
{
    size_t whole = network->bits / 8;
    unsigned rest = network->bits % 8;

    if (memcmp(bytes, network->bytes, whole) != 0)
        return false;
    return rest == 0 || (bytes[whole] ^ network->bytes[whole]) >> (8 - rest) == 0;
}

bool sv_ipv4_is_public(const uint8_t bytes[4])
{
    static const struct sv_network special[] = {
        {.bits = 8, .bytes = {0}},             /* this network */
        {.bits = 8, .bytes = {10}},            /* private */
        {.bits = 10, .bytes = {100, 64}},      /* shared behind carriers' NAT */
        {.bits = 8, .bytes = {127}},           /* loopback */
        {.bits = 16, .bytes = {169, 254}},     /* link-local, metadata of clouds */
        {.bits = 12, .bytes = {172, 16}},      /* private */
        {.bits = 24, .bytes = {192, 0, 0}},    /* protocol assignments */
        {.bits = 24, .bytes = {192, 0, 2}},    /* documentation */
        {.bits = 24, .bytes = {192, 31, 196}}, /* AS112 */
        {.bits = 24, .bytes = {192, 52, 193}}, /* tunnels of multicast */
        {.bits = 24, .bytes = {192, 88, 99}},  /* relays of 6to4 */
        {.bits = 16, .bytes = {192, 168}},     /* private */
        {.bits = 24, .bytes = {192, 175, 48}}, /* AS112 */
        {.bits = 15, .bytes = {198, 18}},      /* benchmarking */
        {.bits = 24, .bytes = {198, 51, 100}}, /* documentation */
        {.bits = 24, .bytes = {203, 0, 113}},  /* documentation */
        {.bits = 3, .bytes = {224}},           /* multicast and reserved */
    };

    for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
        if (is_in(bytes, &special[i]))
            return false;
    }
    return true;
}

bool sv_ipv6_is_public(const uint8_t bytes[16])
{
    static const struct sv_network global = {.bits = 3, .bytes = {0x20}};
    static const struct sv_network special[] = {
        {.bits = 23, .bytes = {0x20, 0x01}}, /* protocols, Teredo and benchmarking among them */
        {.bits = 32, .bytes = {0x20, 0x01, 0x0d, 0xb8}},             /* documentation */
        {.bits = 16, .bytes = {0x20, 0x02}},                         /* 6to4 */
        {.bits = 48, .bytes = {0x26, 0x20, 0x00, 0x4f, 0x80, 0x00}}, /* AS112 */
        {.bits = 20, .bytes = {0x3f, 0xff}},                         /* documentation */
    };

    if (!is_in(bytes, &global))
        return false;
    for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
        if (is_in(bytes, &special[i]))
            return false;
    }
    return true;
}

/* NULL for a family that is neither. */
static const uint8_t *bytes_of(const struct sockaddr *address, bool *is_v6)
{
    *is_v6 = address->sa_family == AF_INET6;
    if (*is_v6)
        return ((const struct sockaddr_in6 *)(const void *)address)->sin6_addr.s6_addr;
    if (address->sa_family != AF_INET)
        return NULL;
    return (const uint8_t *)&((const struct sockaddr_in *)(const void *)address)->sin_addr;
}

bool sv_sockaddr_is_public(const struct sockaddr *address)
{
    bool is_v6;
    const uint8_t *bytes = bytes_of(address, &is_v6);

    if (bytes == NULL)
        return false;
    return is_v6 ? sv_ipv6_is_public(bytes) : sv_ipv4_is_public(bytes);
}

static bool read_bits(const char *text, unsigned most, unsigned *out)
{
    size_t len = strspn(text, "0123456789");

    if (len == 0 || len > 3 || text[len] != '\0')
        return false;
    *out = (unsigned)strtoul(text, NULL, 10);
    return *out <= most;
}

bool sv_network_parse(const char *text, struct sv_network *out)
{
    char address[INET6_ADDRSTRLEN] = "";
    size_t len = strcspn(text, "/");

    *out = (struct sv_network){.is_v6 = strchr(text, ':') != NULL};
    if (len >= sizeof(address))
        return false;
    memcpy(address, text, len);
    if (inet_pton(out->is_v6 ? AF_INET6 : AF_INET, address, out->bytes) != 1)
        return false;
    out->bits = out->is_v6 ? 128 : 32;
    return text[len] == '\0' || read_bits(text + len + 1, out->bits, &out->bits);
}

bool sv_network_has(const struct sv_network *network, const struct sockaddr *address)
{
    bool is_v6;
    const uint8_t *bytes = bytes_of(address, &is_v6);

    return bytes != NULL && is_v6 == network->is_v6 && is_in(bytes, network);
}
