#include "exec_line.h"

#include <stdlib.h>
#include <string.h>

enum { SECONDS_DIGITS_MAX = 5, SECONDS_MAX = 86400 };

/* The next word, up to a blank; goes behind that. False when there is none or it does not fit. */
static bool take(const char **at, const char *end, char *out, size_t bytes)
{
    const char *blank = memchr(*at, ' ', (size_t)(end - *at));
    size_t len = (size_t)((blank != NULL ? blank : end) - *at);

    if (len == 0 || len >= bytes || memchr(*at, '\0', len) != NULL)
        return false;
    memcpy(out, *at, len);
    out[len] = '\0';
    *at += len + (blank != NULL);
    return true;
}

static bool read_seconds(const char *text, sv_ms *out)
{
    size_t len = strspn(text, "0123456789");
    long seconds;

    if (len == 0 || len > SECONDS_DIGITS_MAX || text[len] != '\0')
        return false;
    seconds = strtol(text, NULL, 10);
    *out = (seconds < SECONDS_MAX ? seconds : SECONDS_MAX) * SV_SECOND;
    return true;
}

bool sv_exec_line_read(const char *line, size_t len, struct sv_exec_line *out)
{
    static const struct {
        const char *word;
        enum sv_sink_outcome outcome;
    } words[] = {{"ok", SV_SINK_DELIVERED}, {"later", SV_SINK_LATER}, {"refused", SV_SINK_REFUSED}};
    const char *at = line, *end = line + len;
    char word[16], seconds[16];
    size_t i = 0;

    *out = (struct sv_exec_line){.id = ""};
    while (end > line && (end[-1] == '\r' || end[-1] == ' '))
        end--;
    if (!take(&at, end, word, sizeof word) || !take(&at, end, out->id, sizeof out->id))
        return false;
    while (i < 3 && strcmp(words[i].word, word) != 0)
        i++;
    if (i == 3)
        return false;
    out->outcome = words[i].outcome;
    if (at >= end)
        return true;
    if (out->outcome == SV_SINK_LATER)
        return take(&at, end, seconds, sizeof seconds) && at >= end &&
               read_seconds(seconds, &out->retry_after_ms);
    len = (size_t)(end - at) < sizeof out->reason ? (size_t)(end - at) : sizeof out->reason - 1;
    memcpy(out->reason, at, len);
    return true;
}
