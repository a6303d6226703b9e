/* Domain names: one normal form (lower-case A-labels, no final dot) and the rules for what a client
 * may use. */
#ifndef SV_NAME_H
#define SV_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "sv/err.h"

enum { SV_NAME_MAX = 253, SV_NAME_BYTES = SV_NAME_MAX + 1, SV_LABEL_MAX = 63 };

/* U- or A-labels of any case, with or without a final dot, to the normal form (IDNA2008,
 * non-transitional, RFC 5891). SV_EMALFORMED names the broken label. Labels may hold letters,
 * digits and inner hyphens; a leading underscore is refused here, since no client domain has one.
 * Hyphens in the third and fourth place are fine, since such domains exist. */
enum sv_err sv_name_normalize(const char *text, size_t len, char out[SV_NAME_BYTES],
                              struct sv_errinfo *info) __attribute__((warn_unused_result));

struct sv_name_rules {
    /* Lets in RFC 6761 names such as .test, .example, .localhost: for test networks. */
    bool allow_special_use;
    /* NULL-terminated names in normal form, refused with everything below them; may be NULL. */
    const char *const *restricted;
};

/* Why a name in normal form may not be a client's domain: "single_label", "ip_literal",
 * "public_suffix", "special_use", "restricted_list"; NULL when it may (T5, T7). Both ICANN and
 * private suffixes are refused. */
const char *sv_name_refusal(const char *name, const struct sv_name_rules *rules);

/* The registrable domain of `name` ("a.b.example.co.uk" -> "example.co.uk"). SV_ENOTFOUND for a
 * public suffix. Unknown top labels follow the list's default rule "*". `name`
 * may be any owner in presentation form, but no label with an escape can be registered. */
enum sv_err sv_name_registrable(const char *name, char out[SV_NAME_BYTES])
    __attribute__((warn_unused_result));

/* True when `name` is strictly below `parent`; case is ignored, final dots too. Both may be any
 * owners in presentation form: an escaped dot is no boundary. */
bool sv_name_is_below(const char *name, const char *parent);

/* Equal without regard to case and one final dot. */
bool sv_name_equal(const char *a, const char *b);

/* The labels of `name` that come before `zone` ("a.b.example.com", "example.com" -> "a.b"; equal ->
 * "@"). */
void sv_name_relative(const char *name, const char *zone, char out[SV_NAME_BYTES]);

/* The U-label form for people; the input where it cannot be shown. */
void sv_name_display(const char *name, char out[4 * SV_NAME_BYTES]);

#endif
