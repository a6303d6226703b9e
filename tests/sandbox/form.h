/* Percent encoding and the form encoding of Query requests, read strictly. */
#ifndef SB_FORM_H
#define SB_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "sv/buf.h"

enum { SB_FORM_PAIRS_MAX = 1000 };

struct sb_form_pair {
    char *name; /* decoded */
    char *value;
};

struct sb_form {
    struct sb_form_pair *pairs; /* in the order they were sent */
    size_t count;
};

/* Splits and decodes `len` bytes of name=value pairs. Refuses, with a reason in `why`, whatever a
 * careful client does not send: bytes outside A-Z a-z 0-9 - _ . ~ that are not escaped ('+' is a
 * blank, '*' passes), a broken escape, an encoded 0 byte, the same name twice (but TagKeys, the one
 * list in a query string), more than SB_FORM_PAIRS_MAX pairs. Free with sb_form_fini in either
 * case. */
bool sb_form_parse(struct sb_form *form, const char *bytes, size_t len, char why[96]);
void sb_form_fini(struct sb_form *form);

/* The value under `name`, or NULL. */
const char *sb_form_get(const struct sb_form *form, const char *name);

/* True when `words`, each with a blank behind it, has the `len` bytes of `name` as a word. */
bool sb_words_have(const char *words, const char *name, size_t len);

/* Decodes %XX in `len` bytes into a new string ('+' stays); NULL for a broken escape or a 0 byte.
 */
char *sb_percent_decode(const char *bytes, size_t len);

/* Appends with everything but A-Z a-z 0-9 - _ . ~ escaped (RFC 3986, upper-case hex). */
void sb_percent_encode(struct sv_buf *out, const char *text);

#endif
