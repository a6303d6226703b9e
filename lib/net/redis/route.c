#include "route.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NO_KEY = 0, AFTER_STREAMS = -1, SCRIPT = -2 };

/* Those whose first argument is not their first key. */
static const struct exception {
    const char *name;
    int at; /* the word that is the key, or one of the above */
} exceptions[] = {
    {"EVALSHA", SCRIPT},
    {"EVAL", SCRIPT},
    {"XREADGROUP", AFTER_STREAMS},
    {"XREAD", AFTER_STREAMS},
    {"XGROUP", 2},
    {"XINFO", 2},
    {"OBJECT", 2},
    {"MEMORY", 2},
    {"SCAN", NO_KEY},
    {"INFO", NO_KEY},
    {"SCRIPT", NO_KEY},
    {"TIME", NO_KEY},
    {"PING", NO_KEY},
    {"ROLE", NO_KEY},
    {"WAIT", NO_KEY},
    {"CLIENT", NO_KEY},
    {"CLUSTER", NO_KEY},
    {"CONFIG", NO_KEY},
    {"COMMAND", NO_KEY},
    {"ACL", NO_KEY},
    {"DBSIZE", NO_KEY},
    {"ECHO", NO_KEY},
    {"SENTINEL", NO_KEY},
};

static size_t length(const struct sv_redis_words *words, size_t i)
{
    return words->argv_bytes != NULL ? words->argv_bytes[i] : strlen(words->argv[i]);
}

static bool is_word(const struct sv_redis_words *words, size_t i, const char *name)
{
    return length(words, i) == strlen(name) && strncasecmp(words->argv[i], name, strlen(name)) == 0;
}

static int place_of(const struct sv_redis_words *words)
{
    for (size_t i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++) {
        if (is_word(words, 0, exceptions[i].name))
            return exceptions[i].at;
    }
    return 1;
}

static int after_streams(const struct sv_redis_words *words)
{
    for (size_t i = 1; i < words->count; i++) {
        if (is_word(words, i, "STREAMS"))
            return (int)i + 1;
    }
    return NO_KEY;
}

bool sv_redis_key_find(const struct sv_redis_words *words, const char **key, size_t *len)
{
    int at = words->count > 0 ? place_of(words) : NO_KEY;

    if (at == AFTER_STREAMS)
        at = after_streams(words);
    else if (at == SCRIPT)
        at = words->count > 3 && !is_word(words, 2, "0") ? 3 : NO_KEY;
    if (at == NO_KEY || (size_t)at >= words->count)
        return false;
    *key = words->argv[at];
    *len = length(words, (size_t)at);
    return true;
}
