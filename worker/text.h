/* Words that several commands print. */
#ifndef SV_WORKER_TEXT_H
#define SV_WORKER_TEXT_H

#include <jansson.h>

#include "sv/axis.h"
#include "sv/domain.h"
#include "sv/records.h"
#include "sv/time.h"
#include "term.h"

/* A member of our own JSON as text; "" where it is null or missing. Borrowed. */
const char *sv_text_of(const json_t *object, const char *key);

/* "right", "wrong" or "undecidable": an exit code of check and explain as a word. */
const char *sv_text_verdict(int code);
enum sv_colour sv_text_colour_of_verdict(int code);

/* One line of JSON on standard output; takes `tree`. */
void sv_text_print_json(json_t *tree);

enum sv_colour sv_text_colour_of_status(enum sv_status status);
enum sv_colour sv_text_colour_of_record(const char *status);
enum sv_colour sv_text_colour_of_axis(enum sv_axis axis);

/* A table of records (sv_kept_records_json) with the verdict on each. */
void sv_text_print_records(const json_t *records, sv_ms now, bool colour);

enum { SV_TEXT_WHEN_BYTES = 64 };

/* "in 3 min", "2 h ago", "never" for 0. Returns `out`. */
const char *sv_text_when(sv_ms at, sv_ms now, char out[SV_TEXT_WHEN_BYTES]);

#endif
