#include "term.h"

#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "sv/utf8.h"

const char sv_term_reset[] = "\033[0m";

bool sv_term_wants_colour(FILE *out, char *const *environment)
{
    const char *term = sv_environment_find(environment, "TERM");

    if (sv_environment_find(environment, "NO_COLOR") != NULL)
        return false;
    return isatty(fileno(out)) == 1 && (term == NULL || strcmp(term, "dumb") != 0);
}

const char *sv_term_start(enum sv_colour colour)
{
    static const char *const starts[] = {
        [SV_PLAIN] = "",       [SV_BOLD] = "\033[1m",   [SV_DIM] = "\033[2m",
        [SV_RED] = "\033[31m", [SV_GREEN] = "\033[32m", [SV_YELLOW] = "\033[33m",
    };

    return starts[colour];
}

struct range {
    uint32_t first, last;
};

static bool is_in(uint32_t point, const struct range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (point >= ranges[i].first && point <= ranges[i].last)
            return true;
    }
    return false;
}

/* The blocks of Unicode's East Asian Width W and F, and of general category Mn, as far as domain
 * names and our own texts use them. */
static size_t columns_of(uint32_t point)
{
    static const struct range wide[] = {
        {0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0x33ff}, {0x3400, 0x4dbf},
        {0x4e00, 0x9fff},   {0xa000, 0xa4cf},   {0xac00, 0xd7a3}, {0xf900, 0xfaff},
        {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6}, {0x1f300, 0x1f64f},
        {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
    };
    static const struct range marks[] = {
        {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x064b, 0x065f}, {0x093a, 0x093a},
        {0x093c, 0x093c}, {0x0941, 0x0948}, {0x094d, 0x094d}, {0x0bc0, 0x0bc0}, {0x0bcd, 0x0bcd},
        {0x0e31, 0x0e31}, {0x0e34, 0x0e3a}, {0x0e47, 0x0e4e}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff},
        {0x200b, 0x200f}, {0x20d0, 0x20ff}, {0x3099, 0x309a}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f},
    };

    if (is_in(point, marks, sizeof(marks) / sizeof(marks[0])))
        return 0;
    return is_in(point, wide, sizeof(wide) / sizeof(wide[0])) ? 2 : 1;
}

size_t sv_term_columns(const char *text)
{
    size_t len = strlen(text);
    size_t columns = 0;

    while (len > 0) {
        uint32_t point = 0;
        size_t step = sv_utf8_next(text, len, &point);

        columns += step == 0 ? 1 : columns_of(point);
        step = step == 0 ? 1 : step;
        text += step;
        len -= step;
    }
    return columns;
}

void sv_term_make_safe(char *text)
{
    size_t len = strlen(text);

    while (len > 0) {
        uint32_t point = 0;
        size_t step = sv_utf8_next(text, len, &point);

        if (step == 0 || sv_utf8_is_unsafe(point)) {
            step = step == 0 ? 1 : step;
            memset(text, '?', step);
        }
        text += step;
        len -= step;
    }
}
