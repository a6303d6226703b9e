/* From settings to the options of the resolver: the same for the worker and for `check`. */
#ifndef SV_WORKER_DNS_OPTIONS_H
#define SV_WORKER_DNS_OPTIONS_H

#include "config.h"
#include "sv/dns_resolver.h"

struct sv_dns_settings {
    struct sv_dns_options dns;               /* rand and clock are the caller's to set */
    struct sv_dns_resolver_options resolver; /* dns, log and system_path likewise */
    struct sv_dns_server roots[SV_DNS_SERVERS_MAX];
};

/* `servers` are the resolvers to use; borrowed, like `config`, for as long as `out` is used. `out`
 * must stay put. */
void sv_dns_settings_read(const struct sv_config *config, const struct sv_dns_server *servers,
                          size_t count, struct sv_dns_settings *out);

#endif
