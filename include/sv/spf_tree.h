/* The SPF record of one name as the tree that receivers walk (RFC 7208), for people and JSON. */
#ifndef SV_SPF_TREE_H
#define SV_SPF_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "sv/name.h"
#include "sv/rr.h"

/* RFC 7208 section 2.6. Zero: not evaluated, because an answer is missing. */
enum sv_spf_result {
    SV_SPF_UNDECIDED,
    SV_SPF_NONE,
    SV_SPF_NEUTRAL,
    SV_SPF_PASS,
    SV_SPF_FAIL,
    SV_SPF_SOFTFAIL,
    SV_SPF_TEMPERROR,
    SV_SPF_PERMERROR,
};

/* "undecided", "none", "neutral", "pass" ... */
const char *sv_spf_result_name(enum sv_spf_result result);

enum { SV_SPF_NODES_MAX = 64, SV_SPF_TERM_BYTES = 96 };

/* A term that costs a look-up, or (depth 0) the record itself. Its children follow it. */
struct sv_spf_node {
    unsigned depth;
    char term[SV_SPF_TERM_BYTES]; /* as written, shown text; "" at depth 0 */
    char name[SV_NAME_BYTES];     /* the name that is asked for; "" where a macro hides it */
    enum sv_dns_outcome outcome;  /* of that name */
    unsigned lookups;             /* this term and everything below it, every branch walked */
    bool used;                    /* walked when SES's addresses are evaluated */
};

struct sv_spf_tree {
    char owner[SV_NAME_BYTES];                   /* "" = no SPF record was judged */
    enum sv_spf_result for_ses;                  /* the worst result over SES's addresses */
    unsigned lookups_used, lookups_worst, voids; /* of the 10 and 2 that are allowed (4.6.4) */
    bool cut;                                    /* there are more nodes than fit */
    size_t nodes_count;
    struct sv_spf_node nodes[SV_SPF_NODES_MAX]; /* those behind the last one are not filled */
};

#endif
