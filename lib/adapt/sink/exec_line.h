/* One line that the program of an exec sink prints; pure. */
#ifndef SV_EXEC_LINE_H
#define SV_EXEC_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "sv/sink.h"

enum { SV_EXEC_ID_BYTES = 192, SV_EXEC_REASON_BYTES = 160, SV_EXEC_LINE_BYTES_MAX = 1024 };

struct sv_exec_line {
    enum sv_sink_outcome outcome;
    char id[SV_EXEC_ID_BYTES];
    sv_ms retry_after_ms; /* LATER; at most a day */
    char reason[SV_EXEC_REASON_BYTES];
};

/* `line` without its newline. False when it is none of the three answers. */
bool sv_exec_line_read(const char *line, size_t len, struct sv_exec_line *out);

#endif
