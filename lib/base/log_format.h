/* How one event becomes one line of at most SV_LOG_LINE_MAX bytes; no I/O here. */
#ifndef SV_LOG_FORMAT_H
#define SV_LOG_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sv/log.h"

enum {
    SV_LOG_LINE_MAX = 4096,  /* PIPE_BUF: a pipe that polls writable takes this much at once */
    SV_LOG_VALUE_MAX = 1024, /* bytes of one value before escaping (L6) */
};

struct sv_log_event {
    enum sv_log_level level;
    sv_ms at;
    const char *event;
    const char *msg;
    const struct sv_log_field *fields;
    uint64_t suppressed; /* left out when 0, as `dropped` */
    uint64_t dropped;
    bool priority; /* begin with the journal's <N> */
};

struct sv_log_text {
    char bytes[SV_LOG_LINE_MAX];
    size_t len; /* with the newline; no 0 behind it */
};

/* `format` is not SV_LOG_AUTO. Fields that do not fit are cut or left out, and "truncated" says so.
 */
void sv_log_render(const struct sv_log_event *event, enum sv_log_format format,
                   struct sv_log_text *out);

#endif
