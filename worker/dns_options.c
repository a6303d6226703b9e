#include "dns_options.h"

#include <netinet/in.h>

#include "sv/require.h"

enum { DNS_PORT = 53 };

static bool is_usual(const struct sv_dns_server *server)
{
    in_port_t port = server->address.ss_family == AF_INET6
                         ? ((const struct sockaddr_in6 *)&server->address)->sin6_port
                         : ((const struct sockaddr_in *)&server->address)->sin_port;

    return ntohs(port) == DNS_PORT;
}

/* Resolvers at other ports belong to a private tree of DNS, which the Internet's root servers know
 * nothing of. */
static bool asks_authority(const struct sv_config *config, const struct sv_dns_server *servers,
                           size_t count)
{
    if (config->dns.authoritative == SV_DNS_AUTHORITATIVE_OFF)
        return false;
    if (config->dns.root_servers.count > 0)
        return true;
    for (size_t i = 0; i < count; i++)
        if (is_usual(&servers[i]))
            return true;
    return false;
}

void sv_dns_settings_read(const struct sv_config *config, const struct sv_dns_server *servers,
                          size_t count, struct sv_dns_settings *out)
{
    *out = (struct sv_dns_settings){
        .dns = {.try_ms = config->dns.try_timeout_ms,
                .total_ms = config->dns.query_timeout_ms,
                .tries_max = config->dns.tries_max,
                .per_server_s = config->dns.authority_rate},
        .resolver = {.servers = servers,
                     .servers_count = count,
                     .total_ms = config->dns.query_timeout_ms,
                     .try_ms = config->dns.try_timeout_ms,
                     .authority = asks_authority(config, servers, count),
                     .roots_count = config->dns.root_servers.count,
                     .authority_port = (uint16_t)config->dns.authority_port,
                     .allow_private = config->dns.allow_private},
    };
    out->resolver.roots = out->roots;
    for (size_t i = 0; i < config->dns.root_servers.count;
         i++) /* the check of settings read them */
        SV_REQUIRE(sv_dns_server_parse(config->dns.root_servers.items[i], &out->roots[i], NULL) ==
                   SV_OK);
}
