/* Questions answered by recursive servers: the configured ones or the system's. Identical questions
 * under way are asked once; the first server that gives a usable answer decides, the next one is
 * tried after silence or SERVFAIL. */
#ifndef SV_DNS_RESOLVER_H
#define SV_DNS_RESOLVER_H

#include "sv/dns.h"
#include "sv/resolver.h"

struct sv_dns_resolver_options {
    struct sv_dns *dns;                  /* borrowed */
    const struct sv_dns_server *servers; /* copied */
    size_t servers_count;                /* 1 .. SV_DNS_SERVERS_MAX */
    unsigned lookups_max; /* waiting and in flight; 0 = 16,384; beyond it start answers SV_EBUSY */
};

struct sv_resolver *sv_dns_resolver_new(uv_loop_t *loop,
                                        const struct sv_dns_resolver_options *options);

#endif
