/* The macro language of SPF (RFC 7208 section 7). Private to lib/auth. */
#ifndef SV_AUTH_SPF_MACRO_H
#define SV_AUTH_SPF_MACRO_H

#include <stdbool.h>

#include "spf_term.h"
#include "txt.h"

enum sv_spf_use {
    SV_SPF_IN_DOMAIN,
    SV_SPF_IN_EXPLANATION, /* blanks and the letters c, r and t are fine (section 7.2) */
};

/* Whether `text` is a macro-string. */
enum sv_spf_fault sv_spf_macro_fault(struct sv_span text, enum sv_spf_use use);

/* Whether it is a domain-spec: a macro-string that ends in a macro or in a valid top label. */
enum sv_spf_fault sv_spf_domain_fault(struct sv_span text);

/* True when a macro with one of these letters (lower case) is in it. */
bool sv_spf_macro_uses(struct sv_span text, const char *letters);

/* Writes what the letter (lower case) stands for; false when that is not known yet. */
typedef bool sv_spf_letter_fn(void *context, char letter, struct sv_line *out);

/* Expands a valid macro-string; false when a letter's value is not known yet. A line that is cut
 * did not have room. */
bool sv_spf_macro_expand(struct sv_span text, sv_spf_letter_fn *letter, void *context,
                         struct sv_line *out);

#endif
