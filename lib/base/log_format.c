#include "log_format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sv/require.h"
#include "sv/utf8.h"

/* Kept free at the end of a line for the mark of a cut, the closing bracket and the newline. */
enum { TAIL_BYTES = 32 };

/* Less room than this is not worth a field: separator, quotes, a few characters. */
enum { FIELD_BYTES_MIN = 16 };

/* The longest escape of one character: "\u2028", or a surrogate pair for what is not in the BMP. */
enum { ESCAPE_BYTES = 16 };

struct line {
    struct sv_log_text *out;
    enum sv_log_format format;
    bool truncated;
};

static size_t room(const struct line *line)
{
    return SV_LOG_LINE_MAX - TAIL_BYTES - line->out->len;
}

/* The caller has checked the room. */
static void put(struct line *line, const char *bytes, size_t len)
{
    SV_REQUIRE(len <= SV_LOG_LINE_MAX - line->out->len);
    memcpy(line->out->bytes + line->out->len, bytes, len);
    line->out->len += len;
}

static void put_str(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

/* Writes one character (or broken byte) of `text` to `to`, escaped where it must be; returns the
 * bytes of `text` that it was. A broken byte is shown as \xNN, in JSON with a doubled backslash. */
static size_t escape(const char *text, size_t len, enum sv_log_format format, char to[ESCAPE_BYTES])
{
    uint32_t point = 0;
    size_t bytes = sv_utf8_next(text, len, &point);
    char c = text[0];

    if (bytes == 0) {
        (void)snprintf(to, ESCAPE_BYTES, "%s\\x%02x", format == SV_LOG_JSON ? "\\" : "",
                       (unsigned)(unsigned char)c);
        return 1;
    }
    if (c == '"' || c == '\\')
        (void)snprintf(to, ESCAPE_BYTES, "\\%c", c);
    else if (c == '\n' || c == '\t' || c == '\r')
        (void)snprintf(to, ESCAPE_BYTES, "\\%c", c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
    else if (sv_utf8_is_unsafe(point))
        (void)snprintf(to, ESCAPE_BYTES, "\\u%04x",
                       (unsigned)point); /* all of them are in the BMP */
    else { /* nearly every character: snprintf took most of a line's time */
        memcpy(to, text, bytes);
        to[bytes] = '\0';
    }
    return bytes;
}

/* The inside of a value: escaped, cut after SV_LOG_VALUE_MAX bytes or where the line is full. */
static void put_escaped(struct line *line, const char *text)
{
    size_t whole = strnlen(text, SV_LOG_VALUE_MAX + 1);
    size_t len = sv_utf8_cut(text, whole, SV_LOG_VALUE_MAX);
    bool cut = len < whole;

    for (size_t at = 0; at < len;) {
        char piece[ESCAPE_BYTES];
        size_t taken = escape(text + at, len - at, line->format, piece);

        if (strlen(piece) + sizeof("...\"") > room(line)) {
            cut = true;
            break;
        }
        put_str(line, piece);
        at += taken;
    }
    if (cut) {
        put_str(line, "...");
        line->truncated = true;
    }
}

/* logfmt and text quote only what would be misread without quotes. */
static bool needs_quotes(const struct line *line, const char *text)
{
    if (line->format == SV_LOG_JSON || *text == '\0')
        return true;
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text <= ' ' || strchr("\"=\\\x7f", *text) != NULL ||
            (unsigned char)*text >= 0x80)
            return true;
    }
    return false;
}

static void put_value(struct line *line, const char *text)
{
    bool quotes = needs_quotes(line, text);

    if (quotes)
        put(line, "\"", 1);
    put_escaped(line, text);
    if (quotes)
        put(line, "\"", 1);
}

/* False, and the line is marked, when there is no room for a field called `key`. Keys are our own
 * words. */
static bool put_key(struct line *line, const char *key)
{
    bool json = line->format == SV_LOG_JSON;
    size_t len = strlen(key);

    if (len + FIELD_BYTES_MIN > room(line)) {
        line->truncated = true;
        return false;
    }
    put_str(line, json ? ",\"" : " ");
    put(line, key, len);
    put_str(line, json ? "\":" : "=");
    return true;
}

static void put_field_str(struct line *line, const char *key, const char *text)
{
    if (put_key(line, key))
        put_value(line, text);
}

static void put_field_int(struct line *line, const char *key, int64_t number)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%" PRId64, number);
    if (sizeof(text) + strlen(key) + FIELD_BYTES_MIN > room(line))
        line->truncated = true;
    else if (put_key(line, key))
        put_str(line, text);
}

static void put_field(struct line *line, const struct sv_log_field *field)
{
    switch (field->kind) {
    case SV_LOG_FIELD_STR:
        if (field->text != NULL)
            put_field_str(line, field->key, field->text);
        break;
    case SV_LOG_FIELD_INT:
        put_field_int(line, field->key, field->number);
        break;
    case SV_LOG_FIELD_BOOL:
        if (put_key(line, field->key))
            put_str(line, field->number != 0 ? "true" : "false");
        break;
    }
}

static const char *level_name(enum sv_log_level level)
{
    switch (level) {
    case SV_LOG_DEBUG:
        return "debug";
    case SV_LOG_INFO:
        return "info";
    case SV_LOG_WARN:
        return "warn";
    case SV_LOG_ERROR:
        break;
    }
    return "error";
}

/* The numbers of syslog(3) and sd-daemon(3). */
static const char *level_priority(enum sv_log_level level)
{
    switch (level) {
    case SV_LOG_DEBUG:
        return "<7>";
    case SV_LOG_INFO:
        return "<6>";
    case SV_LOG_WARN:
        return "<4>";
    case SV_LOG_ERROR:
        break;
    }
    return "<3>";
}

/* Everything before the fields. */
static void put_head(struct line *line, const struct sv_log_event *event)
{
    char at[SV_TIME_TEXT_BYTES];

    (void)sv_time_format(event->at, at);
    if (event->priority)
        put_str(line, level_priority(event->level));
    if (line->format == SV_LOG_TEXT) {
        char level[8];

        (void)snprintf(level, sizeof(level), "%-5s", level_name(event->level));
        put_str(line, at);
        put(line, " ", 1);
        put_str(line, level);
        put(line, " ", 1);
        put_escaped(line, event->event);
        put_str(line, ": ");
        put_escaped(line, event->msg);
        return;
    }
    put_str(line, line->format == SV_LOG_JSON ? "{\"ts\":\"" : "ts=");
    put_str(line, at);
    if (line->format == SV_LOG_JSON)
        put(line, "\"", 1);
    put_field_str(line, "level", level_name(event->level));
    put_field_str(line, "event", event->event);
    put_field_str(line, "msg", event->msg);
}

void sv_log_render(const struct sv_log_event *event, enum sv_log_format format,
                   struct sv_log_text *out)
{
    struct line line = {.out = out, .format = format};

    SV_REQUIRE(format != SV_LOG_AUTO);
    out->len = 0;
    put_head(&line, event);
    /* The counts come first: a line full of fields must not hide that others are missing. */
    if (event->suppressed > 0)
        put_field_int(&line, "suppressed", (int64_t)event->suppressed);
    if (event->dropped > 0)
        put_field_int(&line, "dropped", (int64_t)event->dropped);
    for (const struct sv_log_field *field = event->fields; field->key != NULL; field++)
        put_field(&line, field);
    if (line.truncated)
        put_str(&line, format == SV_LOG_JSON ? ",\"truncated\":true" : " truncated=true");
    put_str(&line, format == SV_LOG_JSON ? "}\n" : "\n");
}
