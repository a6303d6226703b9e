#include "address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sv/public_address.h"
#include "sv/require.h"

bool sv_address_of_record(const struct sv_rr *record, struct sv_address *out)
{
    *out = (struct sv_address){.v6 = record->type == SV_RR_AAAA};
    memcpy(out->bytes, record->address, out->v6 ? 16 : 4);
    return record->type == SV_RR_A || record->type == SV_RR_AAAA;
}

struct sv_address sv_address_of_server(const struct sv_dns_server *server)
{
    struct sv_address out = {.v6 = server->address.ss_family == AF_INET6};

    if (out.v6)
        memcpy(out.bytes, &((const struct sockaddr_in6 *)&server->address)->sin6_addr, 16);
    else
        memcpy(out.bytes, &((const struct sockaddr_in *)&server->address)->sin_addr, 4);
    return out;
}

struct sv_dns_server sv_address_server(const struct sv_address *address, uint16_t port)
{
    struct sv_dns_server out = {.address = {.ss_family = address->v6 ? AF_INET6 : AF_INET}};
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&out.address;
    struct sockaddr_in *v4 = (struct sockaddr_in *)&out.address;

    if (address->v6) {
        v6->sin6_port = htons(port);
        memcpy(&v6->sin6_addr, address->bytes, 16);
    } else {
        v4->sin_port = htons(port);
        memcpy(&v4->sin_addr, address->bytes, 4);
    }
    return out;
}

bool sv_address_equal(const struct sv_address *a, const struct sv_address *b)
{
    return a->v6 == b->v6 && memcmp(a->bytes, b->bytes, a->v6 ? 16 : 4) == 0;
}

void sv_server_text(const struct sv_dns_server *server, char out[SV_DNS_SERVER_BYTES])
{
    struct sv_address address = sv_address_of_server(server);
    char text[INET6_ADDRSTRLEN] = "";
    uint16_t port = ntohs(address.v6 ? ((const struct sockaddr_in6 *)&server->address)->sin6_port
                                     : ((const struct sockaddr_in *)&server->address)->sin_port);

    (void)inet_ntop(address.v6 ? AF_INET6 : AF_INET, address.bytes, text, sizeof(text));
    (void)snprintf(out, SV_DNS_SERVER_BYTES, address.v6 ? "[%s]:%u" : "%s:%u", text, port);
}

bool sv_address_is_public(const struct sv_address *address)
{
    return address->v6 ? sv_ipv6_is_public(address->bytes) : sv_ipv4_is_public(address->bytes);
}

bool sv_address_has_route(const struct sv_address *address)
{
    struct sv_dns_server to = sv_address_server(address, 53);
    int fd = socket(to.address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool has_route;

    if (fd < 0)
        return false;
    /* Connecting a datagram socket looks the route up and nothing more. */
    has_route =
        connect(fd, (struct sockaddr *)&to.address,
                address->v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in)) == 0;
    (void)close(fd);
    return has_route;
}

size_t sv_root_hints(struct sv_address out[SV_ROOT_HINTS_MAX])
{
    /* a.root-servers.net to m.root-servers.net, from IANA's named.root. */
    static const char *const hints[SV_ROOT_HINTS_MAX] = {
        "198.41.0.4",     "2001:503:ba3e::2:30", "170.247.170.2", "2801:1b8:10::b",
        "192.33.4.12",    "2001:500:2::c",       "199.7.91.13",   "2001:500:2d::d",
        "192.203.230.10", "2001:500:a8::e",      "192.5.5.241",   "2001:500:2f::f",
        "192.112.36.4",   "2001:500:12::d0d",    "198.97.190.53", "2001:500:1::53",
        "192.36.148.17",  "2001:7fe::53",        "192.58.128.30", "2001:503:c27::2:30",
        "193.0.14.129",   "2001:7fd::1",         "199.7.83.42",   "2001:500:9f::42",
        "202.12.27.33",   "2001:dc3::35",
    };

    for (size_t i = 0; i < SV_ROOT_HINTS_MAX; i++) {
        out[i] = (struct sv_address){.v6 = strchr(hints[i], ':') != NULL};
        SV_REQUIRE(inet_pton(out[i].v6 ? AF_INET6 : AF_INET, hints[i], out[i].bytes) == 1);
    }
    return SV_ROOT_HINTS_MAX;
}
