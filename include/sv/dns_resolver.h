/* Questions answered with a report (sv/views.h).
 *
 * A question about a client's own name (SV_ASK_OWNED) goes to every server of the zone that holds
 * it, found by walking down from the root, and then to up to three resolvers, unless that would
 * plant a negative entry. Any other question goes to the resolvers, one at a time: the first usable
 * answer decides and is kept for its TTL. Identical questions under way are asked once. */
#ifndef SV_DNS_RESOLVER_H
#define SV_DNS_RESOLVER_H

#include "sv/dns.h"
#include "sv/log.h"
#include "sv/resolver.h"

struct sv_dns_resolver_options {
    struct sv_dns *dns;                  /* borrowed */
    const struct sv_dns_server *servers; /* resolvers; copied */
    size_t servers_count;                /* 1 .. SV_DNS_SERVERS_MAX */
    const struct sv_dns_server *former;  /* servers that zones may have had before, asked too for
                                            what is owned; copied, with their ports */
    size_t former_count;                 /* 0 .. SV_VIEWS_FORMER_MAX */
    unsigned lookups_max; /* waiting and in flight; 0 = 16,384; beyond it start answers SV_EBUSY */
    sv_ms total_ms;       /* one owned question with everything it needs; 0 = 6 s */
    sv_ms try_ms;         /* how long one resolver's answer makes the others hurry; 0 = 1500 ms */

    bool authority;                    /* ask zones' own servers too */
    const struct sv_dns_server *roots; /* copied, without their ports; none: the Internet's own */
    size_t roots_count;                /* 0 .. SV_DNS_SERVERS_MAX */
    uint16_t authority_port;           /* 0 = 53 */
    bool allow_private;                /* name servers at addresses that are not public */

    const char *system_path;      /* copied; a resolv.conf file that replaces `servers` whenever it
                                     changes and holds any; NULL = they stay */
    sv_ms system_every_ms;        /* how often that is looked for; 0 = 5 s */
    const struct sv_clock *clock; /* borrowed; NULL = the loop's */
    struct sv_log *log;           /* borrowed; may be NULL */
};

struct sv_resolver *sv_dns_resolver_new(uv_loop_t *loop,
                                        const struct sv_dns_resolver_options *options);

#endif
