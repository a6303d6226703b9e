/* Bounded text for lib/auth: lines that know where they end, spans of foreign octets, names put
 * together from parts. Private to the layer. */
#ifndef SV_AUTH_TXT_H
#define SV_AUTH_TXT_H

#include <stdbool.h>
#include <stddef.h>

#include "sv/name.h"

/* Borrowed octets without a 0 behind them. */
struct sv_span {
    const char *text;
    size_t len;
};

/* Text that is written into the caller's array and never past it. */
struct sv_line {
    char *text;   /* always ended by a 0 byte */
    size_t bytes; /* room, the 0 byte included; at least 1 */
    size_t len;
    bool cut; /* something did not fit */
};

void sv_line_init(struct sv_line *line, char *text, size_t bytes);
void sv_line_add(struct sv_line *line, const char *text);
void sv_line_add_bytes(struct sv_line *line, const char *bytes, size_t len);
void sv_line_add_number(struct sv_line *line, unsigned long number);

/* Foreign octets for people: what is not printable ASCII becomes \DDD (RFC 1035 section 5.1), the
 * rest stays as it is. Where it does not fit, the line ends in "...". */
void sv_line_add_shown(struct sv_line *line, struct sv_span octets);

/* a + b + c as a name; false (and "") when that passes 253 characters. NULL counts as "". */
bool sv_name_build(char out[SV_NAME_BYTES], const char *a, const char *b, const char *c);

struct sv_span sv_span_of(const char *text);
bool sv_char_is_in(char c, const char *set);

/* Inline, because they see every octet of every record, several times. */

static inline char sv_char_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* A blank or a tab: WSP of RFC 5234. */
static inline bool sv_char_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* What folding leaves, too: line ends (RFC 6376 section 2.8). */
static inline bool sv_char_is_fws(char c)
{
    return sv_char_is_blank(c) || c == '\r' || c == '\n';
}

static inline bool sv_char_is_digit(char c)
{
    return c >= '0' && c <= '9'; /* ASCII */
}

static inline bool sv_char_is_alpha(char c)
{
    c = sv_char_lower(c);
    return c >= 'a' && c <= 'z'; /* ASCII */
}

/* ASCII case is ignored in all of these. */
bool sv_span_equals(struct sv_span span, const char *text);
bool sv_span_starts(struct sv_span span, const char *text);
bool sv_span_holds(struct sv_span span, const char *text);

/* The host of an MX record as facts keep it, "10 host", without a final dot; empty = a null MX (RFC
 * 7505), or no such text. */
struct sv_span sv_mx_host(struct sv_span value);

/* Blanks, quotes (also typographic ones), non-breaking and zero-width blanks at both ends away:
 * what panels and word processors put around a value. */
struct sv_span sv_span_trim(struct sv_span span);

/* Blanks and tabs at both ends away. */
struct sv_span sv_span_strip(struct sv_span span);

/* The next word between blanks, moving `rest` behind it; false at the end. */
bool sv_span_word(struct sv_span *rest, struct sv_span *word);

#endif
