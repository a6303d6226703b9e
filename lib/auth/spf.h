/* The text of SPF records (RFC 7208): which text is one, and its terms. Private to lib/auth. */
#ifndef SV_AUTH_SPF_H
#define SV_AUTH_SPF_H

#include <stdbool.h>

#include "txt.h"

/* Begins with "v=spf1" and a blank or the end (RFC 7208 section 4.5). */
bool sv_spf_is_record(struct sv_span text);

/* Was meant to be an SPF record, but is none. */
bool sv_spf_is_malformed(struct sv_span text);

enum sv_spf_kind { SV_SPF_OTHER, SV_SPF_ALL, SV_SPF_INCLUDE_OF, SV_SPF_REDIRECT, SV_SPF_EXISTS };

struct sv_spf_term {
    struct sv_span text; /* the whole term */
    enum sv_spf_kind kind;
    char qualifier;        /* + - ~ ?; '+' where none is written */
    struct sv_span domain; /* include, exists, redirect: what follows : or = */
};

/* The next term behind the version, moving `rest` behind it; false at the end. Start with the whole
 * record. */
bool sv_spf_next(struct sv_span *rest, struct sv_spf_term *term);

/* True for "amazonses.com" in any case, with or without a final dot. */
bool sv_spf_is_ses(struct sv_span domain);

/* True for what can be asked for: labels of printable ASCII without blanks, none empty or longer
 * than 63 octets, and more than one (RFC 7208 section 4.3). */
bool sv_spf_is_name(struct sv_span domain);

/* True for what can only have been meant to be include:amazonses.com. */
bool sv_spf_is_near_ses(const struct sv_spf_term *term);

/* The record with `include:amazonses.com` before its first all, other forms of that term removed:
 * what the owner should publish. False when it does not fit. */
bool sv_spf_suggest(struct sv_span record, struct sv_line *out);

/* One record with the terms of all of these and SES's include. False when it does not fit. */
bool sv_spf_merge(const struct sv_span *records, size_t count, struct sv_line *out);

#endif
