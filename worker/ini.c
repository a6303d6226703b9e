#include "ini.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "sv/utf8.h"

struct parse {
    const struct sv_ini_reader *reader;
    unsigned line;
    bool lost; /* the last header was faulty */
    char section[SV_INI_LINE_BYTES_MAX + 1];
    char text[SV_INI_LINE_BYTES_MAX + 1]; /* the line at hand */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* Cuts blanks from both ends, in place. */
static char *trim(char *text)
{
    size_t len;

    while (is_blank(*text))
        text++;
    len = strlen(text);
    while (len > 0 && is_blank(text[len - 1]))
        len--;
    text[len] = '\0';
    return text;
}

static void fault(struct parse *parse, const char *text)
{
    parse->reader->fault(parse->reader->context, parse->line, text);
}

static void emit(struct parse *parse, const char *key, const char *value)
{
    struct sv_ini_entry entry = {
        .line = parse->line, .section = parse->section, .key = key, .value = value};

    parse->reader->entry(parse->reader->context, &entry);
}

/* "[ account  main ]" becomes "account main". */
static void read_header(struct parse *parse, char *text)
{
    size_t len = strlen(text);
    char *name;
    size_t put = 0;

    parse->lost = true;
    if (text[len - 1] != ']') {
        fault(parse, "a section header ends in ']' (no comment behind it)");
        return;
    }
    text[len - 1] = '\0';
    name = trim(text + 1);
    if (*name == '\0' || strpbrk(name, "[]") != NULL) {
        fault(parse, "a section header is [name] or [account name]");
        return;
    }
    for (size_t i = 0; name[i] != '\0'; i++) {
        char c = (char)(is_blank(name[i]) ? ' ' : name[i]);

        if (c != ' ' || parse->section[put - 1] != ' ')
            parse->section[put++] = c;
    }
    parse->section[put] = '\0';
    parse->lost = false;
    emit(parse, NULL, "");
}

static void read_setting(struct parse *parse, char *text)
{
    char *equals = strchr(text, '=');
    char *key;

    if (equals == NULL) {
        fault(parse, "a line is 'key = value', '[section]', or a comment that starts with '#'");
        return;
    }
    *equals = '\0';
    key = trim(text);
    if (*key == '\0') {
        fault(parse, "there is no key before '='");
        return;
    }
    for (const char *at = key; *at != '\0'; at++) {
        if (!is_word(*at)) {
            fault(parse, "a key is made of a-z, 0-9 and '_'");
            return;
        }
    }
    if (!parse->lost)
        emit(parse, key, trim(equals + 1));
}

/* True when every character is well-formed and harmless; tabs are blanks here. */
static bool is_clean(const char *bytes, size_t len)
{
    while (len > 0) {
        uint32_t point;
        size_t step = sv_utf8_next(bytes, len, &point);

        if (step == 0 || (point != '\t' && sv_utf8_is_unsafe(point)))
            return false;
        bytes += step;
        len -= step;
    }
    return true;
}

static void read_line(struct parse *parse, const char *bytes, size_t len)
{
    char *text;

    if (len > 0 && bytes[len - 1] == '\r')
        len--;
    if (len > SV_INI_LINE_BYTES_MAX) {
        fault(parse, "the line is longer than 4096 bytes");
        return;
    }
    if (!is_clean(bytes, len)) {
        fault(parse, "the line holds bytes that are no UTF-8, or control characters");
        return;
    }
    memcpy(parse->text, bytes, len);
    parse->text[len] = '\0';
    text = trim(parse->text);
    if (*text == '\0' || *text == '#' || *text == ';')
        return;
    if (*text == '[')
        read_header(parse, text);
    else
        read_setting(parse, text);
}

void sv_ini_read(const char *bytes, size_t len, const struct sv_ini_reader *reader)
{
    struct parse parse = {.reader = reader};

    while (len > 0) {
        const char *end = memchr(bytes, '\n', len);
        size_t line_len = end != NULL ? (size_t)(end - bytes) : len;
        size_t step = line_len + (end != NULL ? 1 : 0);

        parse.line++;
        read_line(&parse, bytes, line_len);
        bytes += step;
        len -= step;
    }
}
