#include "sv/argv.h"

#include <stdbool.h>
#include <string.h>

struct splitter {
    const char *at;
    struct sv_argv *out;
    size_t count, used;
    bool in_word;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Our bytes never outnumber those of the command: each word's 0 byte stands for its separator. */
static void put(struct splitter *splitter, char c)
{
    splitter->out->bytes[splitter->used++] = c;
}

/* Every byte up to the other quote stands for itself. */
static const char *take_single(struct splitter *splitter)
{
    const char *end = strchr(splitter->at + 1, '\'');

    if (end == NULL)
        return "a quote is not closed";
    for (const char *at = splitter->at + 1; at < end; at++)
        put(splitter, *at);
    splitter->at = end + 1;
    return NULL;
}

/* Between double quotes a backslash is special only before a double quote and a backslash. */
static const char *take_double(struct splitter *splitter)
{
    const char *at = splitter->at + 1;

    for (; *at != '\0' && *at != '"'; at++) {
        if (at[0] == '\\' && (at[1] == '"' || at[1] == '\\'))
            at++;
        put(splitter, *at);
    }
    if (*at == '\0')
        return "a quote is not closed";
    splitter->at = at + 1;
    return NULL;
}

static const char *take_escaped(struct splitter *splitter)
{
    if (splitter->at[1] == '\0')
        return "it ends with a backslash";
    put(splitter, splitter->at[1]);
    splitter->at += 2;
    return NULL;
}

static void end_word(struct splitter *splitter)
{
    if (splitter->in_word)
        put(splitter, '\0');
    splitter->in_word = false;
}

static const char *step(struct splitter *splitter)
{
    char c = *splitter->at;

    if (is_blank(c)) {
        end_word(splitter);
        splitter->at++;
        return NULL;
    }
    if (!splitter->in_word) {
        if (splitter->count == SV_ARGV_WORDS_MAX)
            return "it has more than 64 words";
        splitter->out->words[splitter->count++] = splitter->out->bytes + splitter->used;
        splitter->in_word = true;
    }
    if (c == '\'')
        return take_single(splitter);
    if (c == '"')
        return take_double(splitter);
    if (c == '\\')
        return take_escaped(splitter);
    put(splitter, c);
    splitter->at++;
    return NULL;
}

enum sv_err sv_argv_split(const char *command, struct sv_argv *out, struct sv_errinfo *info)
{
    struct splitter splitter = {.at = command, .out = out};
    const char *problem = NULL;

    if (strlen(command) >= sizeof out->bytes)
        return sv_err_set(info, SV_ETOOBIG, "credentials", 0, "the command is over %d bytes",
                          (int)sizeof out->bytes - 1);
    while (problem == NULL && *splitter.at != '\0')
        problem = step(&splitter);
    end_word(&splitter);
    out->words[splitter.count] = NULL;
    if (problem == NULL && (splitter.count == 0 || out->words[0][0] == '\0'))
        problem = "it names no program";
    return problem == NULL
               ? SV_OK
               : sv_err_set(info, SV_EMALFORMED, "credentials", 0, "the command: %s", problem);
}
