/* What `top` shows, as text of a given size, from what the status port tells. */
#ifndef SV_WORKER_TOP_FRAME_H
#define SV_WORKER_TOP_FRAME_H

#include <jansson.h>
#include <stdbool.h>

#include "sv/buf.h"
#include "sv/time.h"

enum { SV_TOP_COLUMNS_MIN = 40, SV_TOP_COLUMNS_MAX = 400, SV_TOP_BYTES_MAX = 1 << 20 };

struct sv_top_frame {
    const json_t *now;   /* borrowed: sesverify.worker.v1 */
    const json_t *rates; /* borrowed: sv_top_rates; NULL = not known yet */
    const char *trouble; /* borrowed: why `now` is old; NULL = it is not */
    unsigned columns;
    unsigned rows; /* 0 = as many as there is to tell */
    bool colour;
    bool blocks;          /* bars of block characters instead of # */
    const char *line_end; /* borrowed: behind every line but the last */
};

/* Counts per minute between two answers `span_ms` apart: {"checks", "jobs", "ses_calls",
 * "dns_questions"}. NULL when they are not of the same process, or one is missing. A new reference.
 */
json_t *sv_top_rates(const json_t *before, const json_t *now, sv_ms span_ms);

/* Appends the frame. Lines are cut at `columns`; no line is empty at the end. */
void sv_top_draw(const struct sv_top_frame *frame, struct sv_buf *out);

#endif
