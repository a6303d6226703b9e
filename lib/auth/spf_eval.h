/* check_host() of RFC 7208 over a source of answers. Nothing is suspended: while answers are
 * missing the result is SV_SPF_UNDECIDED, the source has seen which ones are wanted, and the same
 * call is simply made again later. Private to lib/auth. */
#ifndef SV_AUTH_SPF_EVAL_H
#define SV_AUTH_SPF_EVAL_H

#include <stdbool.h>
#include <stddef.h>

#include "sv/rr.h"
#include "sv/spf_tree.h"

#include "spf_term.h"

enum {
    SV_SPF_LOOKUPS_MAX = 10, /* section 4.6.4 */
    SV_SPF_VOIDS_MAX = 2,
    SV_SPF_HOSTS_MAX = 10, /* names of one mx or ptr */
    SV_SPF_COUNT_MAX = 64, /* where counting goes on beyond the limits */
    SV_SPF_EXPLANATION_BYTES = 512,
};

struct sv_spf_reply {
    bool known;      /* false: not answered so far */
    bool incomplete; /* there is more than these values */
    enum sv_dns_outcome outcome;
    const struct sv_span *values; /* TXT: octets; MX: "10 host"; A, AAAA: the address as text; PTR:
                                     the host */
    size_t count;
};

/* `name` in presentation form. `out` comes zeroed: not known. */
typedef void sv_spf_ask_fn(void *context, const char *name, enum sv_rr_type type,
                           struct sv_spf_reply *out);

struct sv_spf_source {
    sv_spf_ask_fn *ask;
    void *context;
};

/* Told for every term that is counted, `depth` includes and redirects below the first record (which
 * has 0). */
typedef void sv_spf_visit_fn(void *context, unsigned depth, const struct sv_spf_term *term);

struct sv_spf_check {
    struct sv_spf_source source;
    const char *domain; /* presentation form */
    /* NULL stands for some address, not told, that the record of `passing` lets pass; mechanisms
     * that look at it may match or not. */
    const struct sv_ip *ip;
    const char *passing; /* the name whose record it is known to pass, so that nobody asks; NULL =
                            none */
    bool unlisted; /* with ip NULL: nobody knows any such address, so no range or host is one */
    struct sv_span local;      /* of the sender; empty = postmaster */
    const char *sender_domain; /* NULL = `domain` */
    const char *helo;     /* NULL: there is no message; terms that depend on one may match or not */
    const char *receiver; /* NULL = "unknown" */
    unsigned long unix_s; /* for %{t} */
    bool explain;         /* exp= is wanted; needs an address and a message */
    bool count_on;        /* the limits end nothing: to know how far a record passes them */
    sv_spf_visit_fn *visit;
    void *visit_context;
};

struct sv_spf_verdict {
    enum sv_spf_result result;
    bool waiting;  /* undecided only because an answer is missing */
    bool doubtful; /* before the decision stood a term that may match, fail or cost more */
    unsigned lookups, voids;
    char explanation[SV_SPF_EXPLANATION_BYTES]; /* raw octets of 7 bits; "" = none */
};

void sv_spf_check(const struct sv_spf_check *check, struct sv_spf_verdict *out);

#endif
