/* How the DMARC policy of a domain is found, by RFC 9989 and by RFC 7489, for people and JSON. */
#ifndef SV_DMARC_PATH_H
#define SV_DMARC_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "sv/axis.h"
#include "sv/name.h"

enum { SV_DMARC_STEPS_MAX = 8 }; /* RFC 9989 section 4.10: at most 8 queries */

enum sv_dmarc_found {
    SV_DMARC_FOUND_UNKNOWN, /* not asked yet, or nobody answered */
    SV_DMARC_FOUND_NONE,
    SV_DMARC_FOUND_RECORD,
    SV_DMARC_FOUND_SEVERAL, /* all of them are discarded */
    SV_DMARC_FOUND_INVALID, /* one, with a tag in it twice: discarded too */
};

/* "unknown", "none", "record", "several", "invalid". */
const char *sv_dmarc_found_name(enum sv_dmarc_found found);

enum sv_dmarc_policy {
    SV_DMARC_POLICY_UNKNOWN,
    SV_DMARC_POLICY_ABSENT, /* DMARC does not apply */
    SV_DMARC_NONE,
    SV_DMARC_QUARANTINE,
    SV_DMARC_REJECT,
};

/* "unknown", "absent", "none", "quarantine", "reject". */
const char *sv_dmarc_policy_name(enum sv_dmarc_policy policy);

struct sv_dmarc_step {
    char name[SV_NAME_BYTES]; /* the name asked, with its _dmarc label */
    enum sv_dmarc_found found;
    char psd; /* 'u', 'y', 'n'; 0 without a record */
};

/* What one standard makes of it. */
struct sv_dmarc_verdict {
    char organizational_domain[SV_NAME_BYTES]; /* "" = unknown */
    char record_at[SV_NAME_BYTES];             /* where the record that applies is; "" = nowhere */
    enum sv_dmarc_policy policy;               /* that applies, t=y not yet taken into account */
};

struct sv_dmarc_path {
    size_t steps_count;
    struct sv_dmarc_step steps[SV_DMARC_STEPS_MAX];
    struct sv_dmarc_verdict now;    /* RFC 9989 */
    struct sv_dmarc_verdict before; /* RFC 7489 */
    bool test_mode;                 /* t=y: receivers apply the policy one step weaker */
    /* Whether the names of what SES sends for this domain are aligned with it, by RFC 9989. That
     * they also pass is for others to say. */
    enum sv_tri dkim_aligned, spf_aligned;
};

/* The conditions of large receivers for bulk senders that DNS can show (dns-auth section 9). */
enum sv_bulk_condition {
    SV_BULK_SPF,       /* valid at the envelope domain, and SES passes */
    SV_BULK_DKIM,      /* the aliases are right, the key has at least 1024 bits */
    SV_BULK_DMARC,     /* a record applies, at least p=none */
    SV_BULK_ALIGNMENT, /* at least one identifier is aligned */
    SV_BULK_RECEIVES,  /* the From domain can receive mail */
    SV_BULK_COUNT
};

const char *sv_bulk_condition_name(enum sv_bulk_condition condition); /* "spf", "dkim" ... */

struct sv_bulk {
    enum sv_tri meets; /* NO when one condition fails, YES when all hold */
    enum sv_tri conditions[SV_BULK_COUNT];
};

#endif
