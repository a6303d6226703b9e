/* One look at a domain's DNS, start to end, on a private loop: judge and resolver, nothing else. */
#ifndef SV_WORKER_LOOK_H
#define SV_WORKER_LOOK_H

#include "config.h"
#include "sv/dns.h"
#include "sv/judge.h"

struct sv_look_options {
    const struct sv_config *config;      /* borrowed: DNS timeouts */
    const struct sv_dns_server *servers; /* borrowed */
    size_t servers_count;                /* 1 .. SV_DNS_SERVERS_MAX */
    const struct sv_dns_server *former;  /* borrowed: servers the zone may have had before */
    size_t former_count;                 /* 0 .. SV_VIEWS_FORMER_MAX */
    sv_ms patience_ms;                   /* for all questions together; the rest is unknown then */
};

/* Asks everything `judge` wants to know, until it is done or patience ends. SV_ESYSTEM when the
 * operating system gives no loop. */
enum sv_err sv_look(struct sv_judge *judge, const struct sv_look_options *options,
                    struct sv_errinfo *info) __attribute__((warn_unused_result));

#endif
