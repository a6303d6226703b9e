/* What is wrong with a domain's DNS, as data: a stable code, whom it is about, what was expected
 * and found. The text for people is rendered last, from the catalogue. */
#ifndef SV_FINDING_H
#define SV_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sv/buf.h"
#include "sv/finding_codes.h"
#include "sv/name.h"
#include "sv/rr.h"

/* error blocks sending; temporary means "could not find out" or "wait", and never causes an event.
 */
enum sv_severity { SV_SEVERITY_NONE, SV_TEMPORARY, SV_INFO, SV_WARNING, SV_ERROR };

/* "error", "warning", "info", "temporary". */
const char *sv_severity_name(enum sv_severity severity);

/* The codes of sv/finding_codes.h, in that order: a smaller number is nearer to the cause. */
enum sv_finding_code {
    SV_F_NONE,
#define X(code, name, severity) code,
    SV_FINDING_MAP(X)
#undef X
        SV_F_COUNT
};

enum {
    SV_FINDINGS_MAX = 32,
    SV_FINDING_VALUE_BYTES = 256,
    SV_WITNESSES_MAX = 3, /* beside the server that decided */
};

struct sv_evidence {
    char server[SV_DNS_SERVER_BYTES];
    enum sv_dns_outcome outcome;
    enum sv_dns_trouble trouble;
    uint8_t rcode;
    bool aa, ad, tc, tcp;
    uint16_t ede; /* info code + 1; 0 = none */
    uint32_t ttl_s;
    sv_ms at;
};

struct sv_finding {
    enum sv_finding_code code;
    enum sv_severity severity; /* the catalogue's, or lowered where the rule says so */
    char owner[SV_NAME_BYTES]; /* the name it is about */
    char expected[SV_FINDING_VALUE_BYTES];
    char
        found[SV_FINDING_VALUE_BYTES]; /* cut and escaped where longer or odd; "" = nothing there */
    char other[SV_NAME_BYTES];         /* a second name the advice speaks of; "" = none */
    uint32_t number;                   /* {n}: bits, octets, look-ups, seconds; 0 = none */
    sv_ms until;                       /* {until}: when caches expire, signatures end; 0 = none */
    struct sv_evidence evidence;       /* the answer that decided; server "" = none */
    size_t witnesses_count;
    struct sv_evidence witnesses[SV_WITNESSES_MAX]; /* others that said the same, or the contrary */
};

/* "dkim_cname_missing" ... Never NULL for a code of the table. */
const char *sv_finding_name(enum sv_finding_code code);
enum sv_finding_code sv_finding_parse(const char *name); /* SV_F_NONE for an unknown word */
enum sv_severity sv_finding_severity(enum sv_finding_code code);

/* The advice line with its places filled in, appended to `out`; false when the buffer's limit is
 * hit (then a part of it may be there). `domain` is {d}; an empty {found} reads "nothing". */
bool sv_finding_advice(const struct sv_finding *finding, const char *domain, struct sv_buf *out)
    __attribute__((warn_unused_result));

/* A digest of the set of (code, owner) of error, warning and info findings: neither order, case of
 * the owner nor repetition counts, and temporary ones do not either (design section 3.5: the change
 * set). 0 for the empty set. */
uint64_t sv_findings_digest(const struct sv_finding *findings, size_t count);

#endif
