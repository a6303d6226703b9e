/* The errors of the house: one enum for control flow, one plain struct for people. */
#ifndef SV_ERR_H
#define SV_ERR_H

#include <stdbool.h>

/* X(code, worth trying again later, word for logs, text for people). Foreign codes (errno,
 * CURLcode, rcode, Redis error words, AWS codes) are translated into these once, at the adapter's
 * edge. */
#define SV_ERR_MAP(X)                                                                              \
    X(SV_OK, false, "ok", "ok")                                                                    \
    X(SV_ECANCELED, false, "canceled", "canceled by its owner")                                    \
    X(SV_ETIMEOUT, true, "timeout", "no answer in time")                                           \
    X(SV_ECONNECT, true, "connect", "connection failed or lost")                                   \
    X(SV_EUNAVAILABLE, true, "unavailable", "the service answers that it cannot serve now")        \
    X(SV_ETHROTTLED, true, "throttled", "the service asks us to slow down")                        \
    X(SV_ECONFLICT, true, "conflict", "somebody else is changing the same thing")                  \
    X(SV_EFULL, true, "full", "the service is out of space")                                       \
    X(SV_EBUSY, true, "busy", "a limit of our own is reached")                                     \
    X(SV_ECLOCK, true, "clock", "our clock and the service's differ too much")                     \
    X(SV_EDENIED, false, "denied", "credentials or permission refused")                            \
    X(SV_EQUOTA, false, "quota", "a quota of the account is used up")                              \
    X(SV_EREFUSED, false, "refused", "the service refuses this request for good")                  \
    X(SV_ENOTFOUND, false, "not_found", "no such thing")                                           \
    X(SV_EEXISTS, false, "exists", "exists already")                                               \
    X(SV_EMALFORMED, false, "malformed", "malformed data")                                         \
    X(SV_ETOOBIG, false, "too_big", "larger than its limit")                                       \
    X(SV_EINVALID, false, "invalid", "invalid argument or setting")                                \
    X(SV_ESYSTEM, false, "system", "the operating system refused")

enum sv_err {
#define X(code, again, word, text) code,
    SV_ERR_MAP(X)
#undef X
};

enum { SV_ERR_WHERE_BYTES = 16, SV_ERR_TEXT_BYTES = 240 };

/* A plain value: copy it freely, there is nothing to free. */
struct sv_errinfo {
    enum sv_err code;
    long native; /* errno, CURLcode, rcode, HTTP status: whatever `where` speaks */
    char where[SV_ERR_WHERE_BYTES];
    char text[SV_ERR_TEXT_BYTES];
};

/* Fills `info` (NULL is fine) and returns `code`, so that a failing line can be one `return`.
 * Control bytes and invalid UTF-8 in the formatted text are replaced by '?'; what does not fit is
 * cut between characters. The arguments may point into `info`: wrapping an older text is one call.
 */
enum sv_err sv_err_set(struct sv_errinfo *info, enum sv_err code, const char *where, long native,
                       const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The stable word for logs and JSON, e.g. "timeout" for SV_ETIMEOUT. Never NULL. */
const char *sv_err_name(enum sv_err code);

/* One English clause for people, e.g. "no answer in time". Never NULL. */
const char *sv_err_text(enum sv_err code);

/* True when the same request may succeed later without anybody changing anything. */
bool sv_err_is_temporary(enum sv_err code);

#endif
