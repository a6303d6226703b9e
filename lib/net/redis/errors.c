#include "errors.h"

#include <string.h>

static const struct word {
    const char *text;
    enum sv_err err;
} words[] = {
    /* It will pass by itself: keep the work and come back later. */
    {"LOADING", SV_EUNAVAILABLE},
    {"BUSY", SV_EUNAVAILABLE},
    {"TRYAGAIN", SV_EUNAVAILABLE},
    {"CLUSTERDOWN", SV_EUNAVAILABLE},
    {"MASTERDOWN", SV_EUNAVAILABLE},
    {"NOREPLICAS", SV_EUNAVAILABLE},
    /* It takes nothing new until somebody makes room. */
    {"OOM", SV_EFULL},
    {"MISCONF", SV_EFULL},
    /* We talk to a former primary; the connection must be made anew. */
    {"READONLY", SV_ECONNECT},
    {"UNBLOCKED", SV_ECONNECT},
    {"NOAUTH", SV_EDENIED},
    {"WRONGPASS", SV_EDENIED},
    {"NOPERM", SV_EDENIED},
    {"NOSCRIPT", SV_ENOTFOUND},
    {"NOGROUP", SV_ENOTFOUND},
};

static size_t first_word(const char *text, size_t len)
{
    const char *blank = memchr(text, ' ', len);

    return blank == NULL ? len : (size_t)(blank - text);
}

/* Whole words only: BUSYGROUP is an answer, BUSY is a state. */
static enum sv_err look_up(const char *text, size_t len)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strlen(words[i].text) == len && memcmp(words[i].text, text, len) == 0)
            return words[i].err;
    }
    return SV_EREFUSED;
}

/* What fits into an errinfo; the format's precision is an int. */
static int shown(size_t len)
{
    return len < SV_ERR_TEXT_BYTES ? (int)len : SV_ERR_TEXT_BYTES;
}

enum sv_err sv_redis_error(const char *text, size_t len, struct sv_errinfo *info)
{
    return sv_err_set(info, look_up(text, first_word(text, len)), "redis", 0, "%.*s", shown(len),
                      text);
}

enum sv_err sv_redis_error_discreet(const char *text, size_t len, struct sv_errinfo *info)
{
    size_t word = first_word(text, len);

    return sv_err_set(info, look_up(text, word), "redis", 0, "the server answers %.*s", shown(word),
                      text);
}
