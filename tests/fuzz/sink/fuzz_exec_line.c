/* What the program of an exec sink prints: what is taken as an answer has an id, waits for a day at
 * most, and is read the same way when it is written again. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "adapt/sink/exec_line.h"
#include "sv/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* What ends in a point keeps its end: carriage returns and blanks there are dropped. */
static int write_again(const struct sv_exec_line *line, char *out, size_t bytes)
{
    switch (line->outcome) {
    case SV_SINK_LATER:
        return snprintf(out, bytes, "later %s %lld", line->id,
                        (long long)(line->retry_after_ms / SV_SECOND));
    case SV_SINK_REFUSED:
        return snprintf(out, bytes, "refused %s %s.", line->id, line->reason);
    case SV_SINK_DELIVERED:
        return snprintf(out, bytes, "ok %s .", line->id);
    case SV_SINK_GONE:
        break;
    }
    SV_REQUIRE(false); /* no program can say that */
    return -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char text[SV_EXEC_LINE_BYTES_MAX];
    struct sv_exec_line line, again;
    int written;

    if (!sv_exec_line_read((const char *)bytes, len, &line))
        return 0;
    SV_REQUIRE(line.id[0] != '\0' && strchr(line.id, ' ') == NULL);
    SV_REQUIRE(line.retry_after_ms >= 0 && line.retry_after_ms <= SV_DAY);
    SV_REQUIRE(line.outcome == SV_SINK_LATER || line.retry_after_ms == 0);
    SV_REQUIRE(memchr(line.reason, '\0', sizeof(line.reason)) != NULL);
    written = write_again(&line, text, sizeof(text));
    SV_REQUIRE(written > 0 && (size_t)written < sizeof(text));
    SV_REQUIRE(sv_exec_line_read(text, (size_t)written, &again));
    SV_REQUIRE(again.outcome == line.outcome && strcmp(again.id, line.id) == 0);
    SV_REQUIRE(again.retry_after_ms == line.retry_after_ms);
    return 0;
}
