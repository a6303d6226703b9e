#include "sv/err.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "sv/require.h"
#include "sv/utf8.h"

struct word {
    const char *name;
    const char *text;
    bool again;
};

static const struct word words[] = {
#define X(code, again, word, text) [code] = {word, text, again},
    SV_ERR_MAP(X)
#undef X
};

static const struct word *lookup(enum sv_err code)
{
    SV_REQUIRE((size_t)code < sizeof(words) / sizeof(words[0]));
    return &words[code];
}

/* Texts quote what strangers sent; they must be safe to print and valid in JSON. */
static void make_printable(char *text)
{
    size_t len = strlen(text);
    size_t from = 0;
    size_t to = 0;

    while (from < len) {
        uint32_t point;
        size_t bytes = sv_utf8_next(text + from, len - from, &point);

        if (bytes == 0 || sv_utf8_is_unsafe(point)) {
            text[to++] = '?';
            from += bytes == 0 ? 1 : bytes;
            continue;
        }
        memmove(text + to, text + from, bytes);
        to += bytes;
        from += bytes;
    }
    text[to] = '\0';
}

enum sv_err sv_err_set(struct sv_errinfo *info, enum sv_err code, const char *where, long native,
                       const char *format, ...)
{
    struct sv_errinfo fresh = {.code = code, .native = native}; /* the arguments may be in `info` */
    va_list args;
    int len;

    if (info == NULL)
        return code;
    va_start(args, format);
    len = vsnprintf(fresh.text, sizeof(fresh.text), format, args);
    va_end(args);
    SV_REQUIRE(len >= 0);
    if ((size_t)len >= sizeof(fresh.text)) {
        /* The cut may have split a character: drop its beginning. */
        size_t end = sizeof(fresh.text) - 1;
        size_t back = 0;

        while (back < 3 && ((unsigned char)fresh.text[end - 1 - back] & 0xc0u) == 0x80u)
            back++;
        if (sv_utf8_next(fresh.text + end - 1 - back, back + 1, NULL) == 0)
            fresh.text[end - 1 - back] = '\0';
    }
    (void)snprintf(fresh.where, sizeof(fresh.where), "%s", where);
    make_printable(fresh.text);
    make_printable(fresh.where);
    *info = fresh;
    return code;
}

const char *sv_err_name(enum sv_err code)
{
    return lookup(code)->name;
}

const char *sv_err_text(enum sv_err code)
{
    return lookup(code)->text;
}

bool sv_err_is_temporary(enum sv_err code)
{
    return lookup(code)->again;
}
