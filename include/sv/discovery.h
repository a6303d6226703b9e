/* What DNS shows of a domain's set-up at SES to somebody who was told nothing: for people, never
 * for a verdict. */
#ifndef SV_DISCOVERY_H
#define SV_DISCOVERY_H

#include <stdbool.h>

#include "sv/axis.h"
#include "sv/name.h"

enum { SV_REGION_BYTES = 32 };

struct sv_discovery {
    /* A name below the domain whose MX is SES's feedback host, and the region that this host names.
     * Only usual labels are tried: "" = at none of them. */
    char mail_from[SV_NAME_BYTES];
    char region[SV_REGION_BYTES];
    enum sv_tri ownership; /* there is a TXT record at _amazonses, whatever it says */
    enum sv_tri
        domainkeys; /* there is something below _domainkey, as far as the servers tell that */
    bool unsettled; /* a question got no answer: there may be more */
};

#endif
