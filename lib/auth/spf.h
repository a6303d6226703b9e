/* The text of SPF records (RFC 7208): which text is one, and what people mean by it. Private to
 * lib/auth. */
#ifndef SV_AUTH_SPF_H
#define SV_AUTH_SPF_H

#include <stdbool.h>

#include "sv/axis.h"

#include "spf_term.h"
#include "txt.h"

/* Begins with "v=spf1" and a blank or the end (RFC 7208 section 4.5). */
bool sv_spf_is_record(struct sv_span text);

/* How many SPF records are among these TXT records (section 4.5); the first one. */
size_t sv_spf_select(const struct sv_span *texts, size_t texts_count, struct sv_span *record);

/* Octets as a name to ask for: escaped where needed (RFC 1035 section 5.1), without a final dot.
 * False for what is no domain name: one label, an empty or a long one (RFC 7208 section 4.3). */
bool sv_spf_name(struct sv_span octets, char out[SV_NAME_BYTES]);

/* Was meant to be an SPF record, but is none. */
bool sv_spf_is_malformed(struct sv_span text);

/* True for "amazonses.com" in any case, with or without a final dot. */
bool sv_spf_is_ses(struct sv_span domain);

/* Whether a record that is valid includes SES, with nothing before that decides: YES, or NO for a
 * record with an error; UNKNOWN: that takes an evaluation. */
enum sv_tri sv_spf_includes_ses(struct sv_span record);

/* True for what can only have been meant to be include:amazonses.com. */
bool sv_spf_is_near_ses(const struct sv_spf_term *term);

/* Where a blank was lost inside of a word: a valid term ends and another one begins; 0 = nowhere.
 */
size_t sv_spf_gap(struct sv_span word);

/* The record with `include:amazonses.com` before its first all and whatever refuses, other forms of
 * that term removed: what the owner should publish. False when it does not fit. */
bool sv_spf_suggest(struct sv_span record, struct sv_line *out);

/* The same of a text that was meant to be a record (sv_spf_is_malformed). False also when one of
 * its terms is not valid: then only its owner knows what was meant. */
bool sv_spf_repair(struct sv_span text, struct sv_line *out);

/* One record with the terms of all of these and SES's include. False when it does not fit. */
bool sv_spf_merge(const struct sv_span *records, size_t count, struct sv_line *out);

#endif
