#include "txt.h"

#include <stdint.h>
#include <string.h>

#include "sv/require.h"

void sv_line_init(struct sv_line *line, char *text, size_t bytes)
{
    SV_REQUIRE(bytes > 0);
    text[0] = '\0';
    *line = (struct sv_line){.text = text, .bytes = bytes};
}

void sv_line_add_bytes(struct sv_line *line, const char *bytes, size_t len)
{
    size_t room = line->bytes - 1 - line->len;

    if (len > room) {
        line->cut = true;
        len = room;
    }
    if (len > 0)
        memcpy(line->text + line->len, bytes, len);
    line->len += len;
    line->text[line->len] = '\0';
}

void sv_line_add(struct sv_line *line, const char *text)
{
    sv_line_add_bytes(line, text, strlen(text));
}

void sv_line_add_number(struct sv_line *line, unsigned long number)
{
    char digits[24];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    sv_line_add_bytes(line, digits + at, sizeof(digits) - at);
}

static bool is_printable(char c)
{
    return c >= 0x20 && c < 0x7f;
}

/* How many octets from the front on are shown as they are. */
static size_t plain_run(struct sv_span octets)
{
    size_t len = 0;

    while (len < octets.len && is_printable(octets.text[len]))
        len++;
    return len;
}

/* What did not fit is told by dots at the end. */
static void end_in_dots(struct sv_line *line)
{
    static const char dots[] = "...";
    size_t keep = line->bytes > sizeof(dots) ? line->bytes - sizeof(dots) : 0;

    line->len = line->len < keep ? line->len : keep;
    sv_line_add_bytes(line, dots, sizeof(dots) - 1);
    line->cut = true;
}

void sv_line_add_shown(struct sv_line *line, struct sv_span octets)
{
    while (octets.len > 0) {
        size_t run = plain_run(octets);
        unsigned odd = run < octets.len ? (uint8_t)octets.text[run] : 0;
        char shown[4] = {'\\', (char)('0' + odd / 100), (char)('0' + odd / 10 % 10),
                         (char)('0' + odd % 10)};
        bool has_odd = run < octets.len;
        sv_line_add_bytes(line, octets.text, run);
        if (line->cut || (has_odd && line->bytes - 1 - line->len < sizeof(shown))) {
            end_in_dots(line);
            return;
        }
        if (has_odd)
            sv_line_add_bytes(line, shown, sizeof(shown));
        run += has_odd ? 1 : 0;
        octets.text += run;
        octets.len -= run;
    }
}

bool sv_name_build(char out[SV_NAME_BYTES], const char *a, const char *b, const char *c)
{
    const char *const parts[] = {a, b, c};
    size_t len = 0;

    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        size_t part_len = parts[i] != NULL ? strlen(parts[i]) : 0;
        if (part_len > SV_NAME_BYTES - 1 - len) {
            out[0] = '\0';
            return false;
        }
        if (part_len > 0)
            memcpy(out + len, parts[i], part_len);
        len += part_len;
    }
    out[len] = '\0';
    return true;
}

struct sv_span sv_span_of(const char *text)
{
    return (struct sv_span){.text = text, .len = strlen(text)};
}

bool sv_char_is_in(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* How many octets from the front on are those of the text. Mostly none, so nothing is measured
 * before. */
static size_t common(struct sv_span span, const char *text)
{
    size_t len = 0;

    while (len < span.len && text[len] != '\0' &&
           sv_char_lower(span.text[len]) == sv_char_lower(text[len]))
        len++;
    return len;
}

bool sv_span_starts(struct sv_span span, const char *text)
{
    return text[common(span, text)] == '\0';
}

bool sv_span_equals(struct sv_span span, const char *text)
{
    size_t len = common(span, text);

    return len == span.len && text[len] == '\0';
}

/* The first octet at or behind `from` that is `c`; the end where there is none. */
static size_t find_octet(struct sv_span span, size_t from, int c)
{
    const char *at = from < span.len ? memchr(span.text + from, c, span.len - from) : NULL;

    return at != NULL ? (size_t)(at - span.text) : span.len;
}

/* Whole keys are searched for words that they do not hold, so what can be left to memchr is. */
bool sv_span_holds(struct sv_span span, const char *text)
{
    char lower = sv_char_lower(*text);
    int upper = lower >= 'a' && lower <= 'z' ? lower - 'a' + 'A' : lower;
    size_t small = find_octet(span, 0, lower);
    size_t capital = find_octet(span, 0, upper);

    while (small < span.len || capital < span.len) {
        size_t at = small < capital ? small : capital;
        if (sv_span_starts((struct sv_span){span.text + at, span.len - at}, text))
            return true;
        small = small == at ? find_octet(span, at + 1, lower) : small;
        capital = capital == at ? find_octet(span, at + 1, upper) : capital;
    }
    return *text == '\0';
}

struct sv_span sv_mx_host(struct sv_span value)
{
    const char *blank = value.len > 0 ? memchr(value.text, ' ', value.len) : NULL;
    struct sv_span host = {.text = value.text};

    if (blank == NULL)
        return host;
    host = (struct sv_span){.text = blank + 1, .len = value.len - (size_t)(blank + 1 - value.text)};
    if (host.len > 0 && host.text[host.len - 1] == '.')
        host.len--;
    return host;
}

/* UTF-8 of what surrounds pasted values, beside the ASCII blanks and quotes. */
static const char *const wrappers[] = {
    " ",
    "\t",
    "\r",
    "\n",
    "\"",
    "'",
    "`",
    "\xc2\xa0",     /* non-breaking blank */
    "\xe2\x80\x8b", /* zero-width blank */
    "\xe2\x80\x8c",
    "\xe2\x80\x8d",
    "\xe2\x80\x8e", /* zero-width joiners and marks */
    "\xef\xbb\xbf", /* byte order mark */
    "\xe2\x80\x98",
    "\xe2\x80\x99",
    "\xe2\x80\x9c",
    "\xe2\x80\x9d", /* typographic quotes */
};

static size_t wrapper_at(struct sv_span span, bool at_end)
{
    for (size_t i = 0; i < sizeof(wrappers) / sizeof(*wrappers); i++) {
        size_t len = strlen(wrappers[i]);
        if (len > span.len)
            continue;
        if (memcmp(span.text + (at_end ? span.len - len : 0), wrappers[i], len) == 0)
            return len;
    }
    return 0;
}

struct sv_span sv_span_trim(struct sv_span span)
{
    size_t len;

    while ((len = wrapper_at(span, false)) > 0) {
        span.text += len;
        span.len -= len;
    }
    while ((len = wrapper_at(span, true)) > 0)
        span.len -= len;
    return span;
}

struct sv_span sv_span_strip(struct sv_span span)
{
    while (span.len > 0 && sv_char_is_blank(span.text[0])) {
        span.text++;
        span.len--;
    }
    while (span.len > 0 && sv_char_is_blank(span.text[span.len - 1]))
        span.len--;
    return span;
}

bool sv_span_word(struct sv_span *rest, struct sv_span *word)
{
    while (rest->len > 0 && *rest->text == ' ') {
        rest->text++;
        rest->len--;
    }
    *word = (struct sv_span){.text = rest->text};
    while (word->len < rest->len && word->text[word->len] != ' ')
        word->len++;
    rest->text += word->len;
    rest->len -= word->len;
    return word->len > 0;
}
