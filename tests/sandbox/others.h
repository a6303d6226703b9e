/* What other people's name servers say, as far as a sending domain needs them: Amazon's own zones
 * (the keys behind the DKIM aliases, the SPF record of amazonses.com, the mail hosts) and the
 * registries of the top-level domains that demonstration and tests use. A zone file goes before. */
#ifndef SB_OTHERS_H
#define SB_OTHERS_H

#include "identity.h"
#include "zone.h"

struct sb_others {
    struct sb_zone zone;            /* what is always there */
    const struct sb_stores *stores; /* whose identities have keys; borrowed */
};

void sb_others_init(struct sb_others *others, const struct sb_stores *stores);
void sb_others_fini(struct sb_others *others);

/* True for a region in which SES has an endpoint. */
bool sb_region_is_known(const char *region);

/* The TXT record with the key at TOKEN.SigningHostedZone, when an identity has that token now; NULL
 * for every other name, that of an identity which is gone included. The caller frees it. */
ldns_rr *sb_others_dkim_key(const struct sb_others *others, const ldns_rdf *name);

#endif
