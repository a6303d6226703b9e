/* UTF-8 of strangers, one character at a time (RFC 3629). */
#ifndef SV_UTF8_H
#define SV_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The length (1-4) of the character that starts at `text`, its code point in `*point` (NULL is
 * fine). 0 when `len` is 0 or the bytes are no well-formed character: overlong, surrogate, cut off,
 * too large. */
size_t sv_utf8_next(const char *text, size_t len, uint32_t *point);

/* The largest length <= `bytes_max` at which `text` can be cut without splitting a character. */
size_t sv_utf8_cut(const char *text, size_t len, size_t bytes_max);

/* True for characters that change how the surrounding text is shown: controls, line separators,
 * direction marks. They must never reach a terminal or a log unescaped. */
bool sv_utf8_is_unsafe(uint32_t point);

#endif
