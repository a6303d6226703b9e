/* The DNS records a domain has to publish so that SES verifies it and its mail is authenticated.
 * Pure. */
#ifndef SV_RECORDS_H
#define SV_RECORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "sv/axis.h"
#include "sv/err.h"
#include "sv/name.h"
#include "sv/rr.h"

enum {
    SV_RECORD_VALUE_BYTES = 512,
    SV_RECORDS_MAX = 8,
    SV_RECORD_TTL_S = 1800,
    SV_DKIM_TOKENS_MAX = 3,
    SV_SEEN_NAMES_MAX = 16,
};

/* What SES and the settings ask of one domain. Strings are borrowed. */
struct sv_expect {
    const char *domain; /* normal form */
    const char *region; /* may be NULL only where mail_from is */
    const char *dkim_tokens[SV_DKIM_TOKENS_MAX];
    size_t dkim_tokens_count; /* 0 = not told (check without tokens) */
    const char *dkim_zone;    /* SES's hosted zone; NULL = not told: the region's documented one */
    /* BYODKIM, instead of tokens: the selector (1-63 letters, digits and inner hyphens) and the
     * public key in base64 (SubjectPublicKeyInfo or RSAPublicKey). A selector alone says that the
     * domain is signed for, by a key that we do not know: then there is no record to ask for. */
    const char *byodkim_selector, *byodkim_key;
    const char *mail_from;       /* full name; NULL = no custom MAIL FROM */
    const char *ownership_token; /* NULL = not asked for */
    /* Owner names as somebody entered them, e.g. copied from a panel; full names. Only of these can
     * a misspelled one be told, since DNS does not list what a zone holds. */
    const char *const *seen_names;
    size_t seen_names_count; /* at most SV_SEEN_NAMES_MAX */
    bool discover;           /* look for what was not told: sv_discovery of the report */
    unsigned was_right; /* bit n: the last look found record n of sv_records_list right everywhere;
                           then one question tells of a DKIM alias and its key */
    bool seen_before;   /* its records were right once: resolvers may be asked for what is absent */
    const char *dmarc_policy; /* with {domain} in it; NULL = v=DMARC1; p=quarantine;
                                 rua=mailto:dmarc-reports@{domain} */
    bool (*is_feedback_host)(const char *host); /* any region's host is fine (ses facts section 4);
                                                   NULL = own region only */
};

enum sv_record_kind {
    SV_RECORD_OWNERSHIP,
    SV_RECORD_DKIM,
    SV_RECORD_MAIL_FROM_MX,
    SV_RECORD_MAIL_FROM_SPF,
    SV_RECORD_SPF,
    SV_RECORD_DMARC,
};

/* The four answers to "is it right?" (design section 3.5). Zero is unknown. */
enum sv_record_status { SV_RECORD_UNKNOWN, SV_RECORD_OK, SV_RECORD_WRONG, SV_RECORD_WAITING };

const char *sv_record_status_name(
    enum sv_record_status status); /* "ok" "wrong" "waiting" "unknown" */

struct sv_record {
    enum sv_record_kind kind;
    enum sv_rr_type type;
    char name[SV_NAME_BYTES];
    char host[SV_NAME_BYTES]; /* what to type where the panel adds the zone itself; "@" for the zone
                               */
    char value[SV_RECORD_VALUE_BYTES];
    unsigned ttl_s;
    bool high_priority; /* HIGH or MEDIUM */
    bool required;      /* SES needs it to verify: DKIM and, without DKIM, ownership */
    const char *purpose, *description; /* constants */
};

/* Fills `out` in the order people enter them: ownership, DKIM, MAIL FROM MX and SPF or the domain's
 * SPF, DMARC. `host` is relative to `zone` (usually the registrable domain; NULL = the domain
 * itself). Returns how many. A record whose name would pass 253 characters is left out: no DNS
 * could hold it. A dmarc_policy that outgrows its value is replaced by the default one. */
size_t sv_records_list(const struct sv_expect *expect, const char *zone,
                       struct sv_record out[SV_RECORDS_MAX]);

/* A bare label or a full name below `domain` to the full MAIL FROM name, normal form. SV_EINVALID
 * names why: not a strict subdomain, or no valid name. */
enum sv_err sv_mail_from_name(const char *domain, const char *given, char out[SV_NAME_BYTES],
                              struct sv_errinfo *info) __attribute__((warn_unused_result));

#endif
