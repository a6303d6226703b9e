/* The terms of an SPF record, read by the grammar of RFC 7208 section 12. Private to lib/auth. */
#ifndef SV_AUTH_SPF_TERM_H
#define SV_AUTH_SPF_TERM_H

#include <stdbool.h>

#include "ip.h"
#include "txt.h"

enum sv_spf_kind {
    SV_SPF_OTHER, /* nothing that is known */
    SV_SPF_ALL,
    SV_SPF_INCLUDE_OF,
    SV_SPF_A,
    SV_SPF_MX,
    SV_SPF_PTR,
    SV_SPF_IP4,
    SV_SPF_IP6,
    SV_SPF_EXISTS,
    SV_SPF_REDIRECT,
    SV_SPF_EXP,
    SV_SPF_MODIFIER, /* any other name=value: ignored (section 6) */
};

enum sv_spf_fault {
    SV_SPF_GOOD,
    SV_SPF_FAULT_NAME,     /* no such mechanism */
    SV_SPF_FAULT_ADDRESS,  /* ip4, ip6: not an address */
    SV_SPF_FAULT_PREFIX,   /* a prefix length out of range or with leading zeros */
    SV_SPF_FAULT_DOMAIN,   /* does not end in a macro or a valid top label (section 7.1) */
    SV_SPF_FAULT_MACRO,    /* a % that begins no macro, or a letter that is not allowed there */
    SV_SPF_FAULT_OCTET,    /* an octet that is not visible ASCII */
    SV_SPF_FAULT_EMPTY,    /* what must follow is missing */
    SV_SPF_FAULT_ARGUMENT, /* something follows that may not */
    SV_SPF_FAULT_SIGN,     /* a qualifier before a modifier */
    SV_SPF_FAULT_TWICE,    /* a second redirect or exp */
};

/* A reason to read after "error at ...: ". */
const char *sv_spf_fault_text(enum sv_spf_fault fault);

struct sv_spf_term {
    struct sv_span text; /* the whole term */
    enum sv_spf_kind kind;
    char qualifier;        /* + - ~ ?; '+' where none is written */
    struct sv_span domain; /* what follows : or =, without prefix lengths; empty = none written */
    struct sv_ip network;  /* ip4, ip6 */
    unsigned prefix4, prefix6;
    enum sv_spf_fault fault; /* kind and domain are filled in as far as they can be told */
};

/* Reads one word. */
void sv_spf_term_parse(struct sv_span word, struct sv_spf_term *term);

/* The next term behind the version, moving `rest` behind it; false at the end. Start with the whole
 * record. */
bool sv_spf_next(struct sv_span *rest, struct sv_spf_term *term);

/* True for a term that asks DNS and is counted (RFC 7208 section 4.6.4). */
bool sv_spf_term_is_lookup(const struct sv_spf_term *term);

/* Everything that is to be known of a record before it is evaluated (section 4.6). */
struct sv_spf_outline {
    enum sv_spf_fault fault; /* the first one */
    struct sv_spf_term bad;  /* the term that has it */
    bool has_all;
    struct sv_span redirect, exp; /* their domains; .text NULL = not there */
    struct sv_span redirect_term;
};

void sv_spf_outline(struct sv_span record, struct sv_spf_outline *out);

#endif
