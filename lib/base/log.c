#include "sv/log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log_format.h"
#include "sv/alloc.h"
#include "sv/digest.h"
#include "sv/require.h"

enum {
    FOLDS_MAX = 64,             /* different problems remembered at once; more are simply written */
    FOLD_WINDOW_MS = 10 * 1000, /* L5: a repeated problem at most once per 10 s */
    FOLD_OVER_MS = 2 * FOLD_WINDOW_MS, /* nothing more came when it could have been written */
};

/* One problem that was written lately; its words, to tell what was held back when it is over. */
struct fold {
    uint64_t digest; /* of level, event, domain and msg; 0 = free place */
    sv_ms at;        /* when it was written; monotonic */
    uint64_t suppressed;
    enum sv_log_level level;
    char event[48], msg[192], domain[256]; /* domain: "" = none */
};

struct sv_log {
    int fd;
    enum sv_log_format format;
    enum sv_log_level level;
    const struct sv_clock *clock;
    bool priority;
    bool torn;               /* the last line went out in part: a newline ends it first */
    uint64_t dropped;        /* since the start */
    uint64_t dropped_untold; /* not yet told by a line that got through */
    struct fold folds[FOLDS_MAX];
};

/* The journal tells its socket as "device:inode"; the descriptor may have been redirected since
 * (systemd.exec(5), $JOURNAL_STREAM). */
static bool is_journal(int fd)
{
    const char *told = getenv("JOURNAL_STREAM");
    struct stat stream;
    char found[48];

    if (told == NULL || fstat(fd, &stream) != 0)
        return false;
    (void)snprintf(found, sizeof(found), "%ju:%ju", (uintmax_t)stream.st_dev,
                   (uintmax_t)stream.st_ino);
    return strcmp(told, found) == 0;
}

struct sv_log *sv_log_new(int fd, enum sv_log_format format, enum sv_log_level level,
                          const struct sv_clock *clock)
{
    struct sv_log *log = sv_alloc(1, sizeof(*log));

    if (format == SV_LOG_AUTO)
        format = isatty(fd) == 1 ? SV_LOG_TEXT : SV_LOG_JSON;
    *log = (struct sv_log){
        .fd = fd,
        .format = format,
        .level = level,
        .clock = clock,
        .priority = is_journal(fd),
    };
    return log;
}

void sv_log_set_level(struct sv_log *log, enum sv_log_level level)
{
    log->level = level;
}

bool sv_log_wants(const struct sv_log *log, enum sv_log_level level)
{
    return log != NULL && level >= log->level;
}

static uint64_t digest_str(uint64_t digest, const char *text)
{
    return sv_fnv1a(digest, text, strlen(text) + 1);
}

/* "" = the line is of no domain. */
static const char *domain_of(const struct sv_log_event *event)
{
    for (const struct sv_log_field *field = event->fields; field->key != NULL; field++) {
        if (strcmp(field->key, "domain") == 0 && field->kind == SV_LOG_FIELD_STR &&
            field->text != NULL)
            return field->text;
    }
    return "";
}

/* What makes two lines "the same problem". Never 0. */
static uint64_t digest_of(const struct sv_log_event *event)
{
    uint64_t digest = SV_FNV_START;
    uint8_t level = (uint8_t)event->level;

    digest = sv_fnv1a(digest, &level, 1);
    digest = digest_str(digest, event->event);
    digest = digest_str(digest, event->msg);
    digest = digest_str(digest, domain_of(event));
    return digest == 0 ? 1 : digest;
}

/* The place that remembers `digest`, or the one to use for it: free, else the oldest. */
static struct fold *find_fold(struct sv_log *log, uint64_t digest)
{
    struct fold *oldest = &log->folds[0];

    for (size_t i = 0; i < FOLDS_MAX; i++) {
        struct fold *fold = &log->folds[i];

        if (fold->digest == digest)
            return fold;
        if (oldest->digest != 0 && (fold->digest == 0 || fold->at < oldest->at))
            oldest = fold;
    }
    return oldest;
}

/* True when the descriptor takes a whole line now. The flags of a borrowed descriptor are shared
 * with other processes, so it is asked each time instead of being made non-blocking. A pipe that
 * nobody can read from any more polls writable with an error: writing would raise SIGPIPE. */
static bool is_writable(int fd)
{
    struct pollfd poller = {.fd = fd, .events = POLLOUT};

    return poll(&poller, 1, 0) == 1 && poller.revents == POLLOUT;
}

/* False when nothing or only a part went out. */
static bool emit(struct sv_log *log, const char *bytes, size_t len)
{
    ssize_t sent;

    if (!is_writable(log->fd))
        return false;
    do
        sent = write(log->fd, bytes, len);
    while (sent < 0 && errno == EINTR);
    if (sent > 0)
        log->torn = (size_t)sent < len;
    return sent == (ssize_t)len;
}

static void put(struct sv_log *log, struct sv_log_event *line)
{
    struct sv_log_text text;

    line->at = log->clock->wall(log->clock->context);
    line->priority = log->priority;
    line->dropped = log->dropped_untold;
    sv_log_render(line, log->format, &text);
    if ((log->torn && !emit(log, "\n", 1)) || !emit(log, text.bytes, text.len)) {
        log->dropped++;
        log->dropped_untold++;
        return;
    }
    log->dropped_untold = 0;
}

/* The last of what was held back, with the number of those before it: so that one and `suppressed`
 * of all lines add up to how often it happened. */
static void tell_held(struct sv_log *log, struct fold *fold)
{
    struct sv_log_field fields[] = {
        SV_LOG_STR("domain", fold->domain[0] != '\0' ? fold->domain : NULL), {.key = NULL}};
    struct sv_log_event line = {.level = fold->level,
                                .event = fold->event,
                                .msg = fold->msg,
                                .fields = fields,
                                .suppressed = fold->suppressed - 1};

    if (sv_log_wants(log, fold->level))
        put(log, &line);
}

/* True when the line is folded away; otherwise its `suppressed` is filled. */
static bool fold_away(struct sv_log *log, struct sv_log_event *event)
{
    uint64_t digest = digest_of(event);
    sv_ms now = log->clock->monotonic(log->clock->context);
    struct fold *fold = find_fold(log, digest);

    if (fold->digest == digest) {
        if (now - fold->at < FOLD_WINDOW_MS) {
            fold->suppressed++;
            return true;
        }
        event->suppressed = fold->suppressed;
    } else if (fold->suppressed > 0) {
        tell_held(log, fold);
    }
    *fold = (struct fold){.digest = digest, .at = now, .level = event->level};
    (void)snprintf(fold->event, sizeof(fold->event), "%s", event->event);
    (void)snprintf(fold->msg, sizeof(fold->msg), "%s", event->msg);
    (void)snprintf(fold->domain, sizeof(fold->domain), "%s", domain_of(event));
    return false;
}

static void tell_what_is_over(struct sv_log *log, sv_ms over_ms)
{
    sv_ms now = log->clock->monotonic(log->clock->context);

    for (size_t i = 0; i < FOLDS_MAX; i++) {
        struct fold *fold = &log->folds[i];

        if (fold->suppressed == 0 || now - fold->at < over_ms)
            continue;
        tell_held(log, fold);
        fold->suppressed = 0;
        fold->at = now;
    }
}

void sv_log_settle(struct sv_log *log)
{
    if (log != NULL)
        tell_what_is_over(log, FOLD_OVER_MS);
}

void sv_log_free(struct sv_log *log)
{
    if (log != NULL)
        tell_what_is_over(log, 0);
    free(log);
}

void sv_log_write(struct sv_log *log, enum sv_log_level level, const char *event, const char *msg,
                  const struct sv_log_field *fields)
{
    static const struct sv_log_field none = {.key = NULL};
    struct sv_log_event line = {
        .level = level,
        .event = event,
        .msg = msg == NULL ? "" : msg,
        .fields = fields == NULL ? &none : fields,
    };

    if (!sv_log_wants(log, level))
        return;
    if (level >= SV_LOG_WARN && fold_away(log, &line))
        return;
    put(log, &line);
}

void sv_log_failure(struct sv_log *log, enum sv_log_level level, const char *event,
                    const char *domain, const struct sv_errinfo *info)
{
    sv_log_line(log, level, event, sv_err_text(info->code), SV_LOG_STR("domain", domain),
                SV_LOG_STR("error_code", sv_err_name(info->code)), SV_LOG_STR("error", info->text),
                SV_LOG_STR("where", info->where), SV_LOG_INT("native", info->native));
}

uint64_t sv_log_dropped(const struct sv_log *log)
{
    return log == NULL ? 0 : log->dropped;
}
