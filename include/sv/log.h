/* One line per event that an operator would ask about (L5-L7). */
#ifndef SV_LOG_H
#define SV_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "sv/err.h"
#include "sv/time.h"

/* The four levels: error - somebody must act; warn - it may become so; info - state changes; debug
 * - every event. */
enum sv_log_level { SV_LOG_DEBUG, SV_LOG_INFO, SV_LOG_WARN, SV_LOG_ERROR };
enum sv_log_format { SV_LOG_AUTO, SV_LOG_JSON, SV_LOG_LOGFMT, SV_LOG_TEXT };

/* One key (our own word) and its value (anybody's bytes); made by the SV_LOG_STR, SV_LOG_INT and
 * SV_LOG_BOOL macros. */
struct sv_log_field {
    const char *key; /* NULL ends a list */
    enum { SV_LOG_FIELD_STR, SV_LOG_FIELD_INT, SV_LOG_FIELD_BOOL } kind;
    const char *text; /* NULL leaves the field out */
    int64_t number;
};

#define SV_LOG_STR(k, v) ((struct sv_log_field){.key = (k), .kind = SV_LOG_FIELD_STR, .text = (v)})
#define SV_LOG_INT(k, v)                                                                           \
    ((struct sv_log_field){.key = (k), .kind = SV_LOG_FIELD_INT, .number = (int64_t)(v)})
#define SV_LOG_BOOL(k, v)                                                                          \
    ((struct sv_log_field){.key = (k), .kind = SV_LOG_FIELD_BOOL, .number = (v)})

struct sv_log;

/* Writes to file descriptor `fd` (borrowed, usually 2). SV_LOG_AUTO is text on a terminal, JSON
 * otherwise; under the journal ($JOURNAL_STREAM) every line gets its <N> priority. Never blocks: a
 * line that the descriptor cannot take now is dropped and counted, and the count is told with the
 * next line that gets through. `clock` is borrowed. */
struct sv_log *sv_log_new(int fd, enum sv_log_format format, enum sv_log_level level,
                          const struct sv_clock *clock);
/* Tells first what is still folded away. NULL is fine; the descriptor stays open. */
void sv_log_free(struct sv_log *log);

/* Raises or lowers what is written (SIGUSR2, reload). */
void sv_log_set_level(struct sv_log *log, enum sv_log_level level);
bool sv_log_wants(const struct sv_log *log, enum sv_log_level level);

/* Writes one line: ts, level, event (a stable snake_case word), msg and the fields. Values are
 * escaped and cut at 1 KiB, lines at 4096 bytes ("truncated" tells). An identical warn or error
 * (same event, domain and msg) within 10 s is folded into a `suppressed` count on the next one. A
 * NULL `log` writes nothing. */
void sv_log_write(struct sv_log *log, enum sv_log_level level, const char *event, const char *msg,
                  const struct sv_log_field *fields);

/* Usage: sv_log_line(log, SV_LOG_INFO, "drain_started", "stopping", SV_LOG_INT("inflight", n)); */
#define sv_log_line(log, level, event, msg, ...)                                                   \
    sv_log_write((log), (level), (event), (msg),                                                   \
                 (const struct sv_log_field[]){__VA_ARGS__ __VA_OPT__(, ){.key = NULL}})

/* Tells of problems that stopped while repetitions of theirs were folded away: the last of them,
 * with how many were before it, and with its domain only. To be called about once a second, so that
 * an end without another line is told as well. NULL is fine. */
void sv_log_settle(struct sv_log *log);

/* The usual line for a failure: adds error_code, error and where from `info`. */
void sv_log_failure(struct sv_log *log, enum sv_log_level level, const char *event,
                    const char *domain, const struct sv_errinfo *info);

/* Lines dropped since the start because nobody read them. */
uint64_t sv_log_dropped(const struct sv_log *log);

#endif
