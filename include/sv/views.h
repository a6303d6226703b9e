/* Everything that was asked about one question, by whom: the words in which lib/adapt/dns reports
 * and lib/auth compares. Reporting only: nothing here says what is right. */
#ifndef SV_VIEWS_H
#define SV_VIEWS_H

#include <stdbool.h>
#include <stddef.h>

#include "sv/name.h"
#include "sv/rr.h"

enum {
    SV_VIEWS_RESOLVERS_MAX = 8,
    SV_VIEWS_SERVERS_MAX = 16, /* addresses of one zone's servers that are asked */
    SV_VIEWS_FORMER_MAX = 4,   /* beside them: servers that the zone may have had before */
    SV_CUT_HOSTS_MAX = 16,
};

/* What the way down from the root found about the zone that holds the name. Zero is "not known". */
enum sv_cut_state {
    SV_CUT_UNKNOWN,  /* not walked, or nobody on the way answered */
    SV_CUT_FOUND,    /* `zone` holds the name */
    SV_CUT_NXDOMAIN, /* the servers of `parent` say that `missing` does not exist */
    SV_CUT_SILENT,   /* `zone` is delegated, but no address of its servers is known or answers */
};

struct sv_cut_host {
    const char *host;         /* name of the server */
    bool at_parent, at_child; /* which side lists it; at_child is only known where the zone was
                                 asked for its NS records */
    bool without_address;     /* no address could be found */
    bool private_address;     /* it has only addresses that are not public */
};

struct sv_cut {
    enum sv_cut_state state;
    char zone[SV_NAME_BYTES];
    char parent[SV_NAME_BYTES];
    char missing[SV_NAME_BYTES]; /* NXDOMAIN: the highest name that is not there */
    bool child_listed;           /* the zone itself was asked for its NS records and answered */
    bool signed_at_parent; /* the parent has a DS record for the zone, as far as it was told */
    size_t hosts_count;
    const struct sv_cut_host *hosts;
};

/* One server of the zone, asked without recursion. `answer` is never NULL: silence is
 * SV_DNS_UNKNOWN with its trouble. */
struct sv_server_view {
    const char *host; /* its name as listed */
    const struct sv_dns_answer *answer;
    uint32_t serial; /* of the zone, where the server was asked for its SOA; 0 = not told */
    bool answered_without_tcp; /* TC over UDP, and TCP did not work */
    bool former; /* not one of the zone's servers: somebody named it as one that was. `host` is its
                    address */
};

struct sv_dns_views {
    /* The recursive view, one answer for each resolver that was asked. */
    size_t resolvers_count;
    const struct sv_dns_answer *const *resolvers;
    /* The authoritative view, and behind it the former servers, if any were named. */
    size_t servers_count;
    const struct sv_server_view *servers;
    const struct sv_cut *cut; /* NULL = the authoritative side was not asked at all */
    bool closed;   /* it was to be asked, but port 53 to the outside is closed: resolvers only */
    bool withheld; /* resolvers were not asked, because that would plant a negative entry */
};

/* A report of one answer only. Points into `answer` and `slot`, which must outlive it. */
static inline struct sv_dns_views sv_dns_views_of(const struct sv_dns_answer *const *slot)
{
    return (struct sv_dns_views){.resolvers_count = 1, .resolvers = slot};
}

#endif
