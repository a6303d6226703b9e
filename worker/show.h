/* What `check` and `explain` have to tell, as text for a ticket: plain lines, aligned, the same on
 * a terminal and in a pipe but for colour. Values that are to be copied are never broken. */
#ifndef SV_WORKER_SHOW_H
#define SV_WORKER_SHOW_H

#include <jansson.h>
#include <stdio.h>

#include "sv/judge.h"
#include "sv/time.h"
#include "term.h"

struct sv_show {
    FILE *out;
    bool colour;
    sv_ms now; /* what "in 12 min" counts from */
};

enum { SV_SHOW_COLUMNS = 100, SV_SHOW_INDENT = 2, SV_SHOW_LABEL = 10, SV_SHOW_TIME_BYTES = 80 };

/* Text from anywhere: control characters become '?'. */
void sv_show_text(const struct sv_show *show, enum sv_colour colour, const char *text);

/* An empty line and a title. */
void sv_show_head(const struct sv_show *show, const char *title);

/* One line: `indent` blanks, the label padded, the text. Control characters become '?'. */
void sv_show_line(const struct sv_show *show, unsigned indent, const char *label,
                  enum sv_colour colour, const char *text);
void sv_show_linef(const struct sv_show *show, unsigned indent, const char *label,
                   const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The same for sentences, broken between words at SV_SHOW_COLUMNS. */
void sv_show_prose(const struct sv_show *show, unsigned indent, const char *label,
                   const char *text);

/* The same for what happens at an instant: the time as of sv_show_time, then the sentence. */
void sv_show_at(const struct sv_show *show, sv_ms at, const char *text);

/* "14:05 UTC (in 12 min)", with the date where it is another day; "unknown" for 0. Returns `out`.
 */
const char *sv_show_time(const struct sv_show *show, sv_ms at, char out[SV_SHOW_TIME_BYTES]);

/* An instant of our own JSON; 0 for null. */
sv_ms sv_show_instant(const json_t *object, const char *key);

/* Which finding is to be repaired first: the first error, because what could not be found out or
 * may be better explains none; without errors the first that is more than info. -1 when there is
 * none. */
int sv_show_primary(const json_t *findings);

/* The findings, the primary one first and marked; with the record to paste where one of `records`
 * (sv_json_record) is meant. `omitted` and `hidden` are told at the end. */
struct sv_show_more {
    size_t omitted, hidden;
    bool right; /* the verdict: what could not be found out is then the cause of nothing */
};
void sv_show_findings(const struct sv_show *show, const json_t *findings, const json_t *records,
                      const struct sv_show_more *more);

/* The line to publish for a finding, where one of the records is meant; nothing otherwise. */
void sv_show_publish(const struct sv_show *show, const json_t *finding, const json_t *records);

/* One record and what was seen of it (JSON of `check` or `explain`). */
void sv_show_record(const struct sv_show *show, const json_t *record);

/* The parts of a report that only `check` has. Nothing is printed for what was not judged. */
void sv_show_spf(const struct sv_show *show, const struct sv_spf_tree *tree);
void sv_show_dmarc(const struct sv_show *show, const struct sv_dmarc_path *path);
void sv_show_discovery(const struct sv_show *show, const struct sv_discovery *found);
void sv_show_bulk(const struct sv_show *show, const struct sv_bulk *bulk);

/* The same as JSON; null where nothing was judged. */
json_t *sv_show_spf_json(const struct sv_spf_tree *tree);
json_t *sv_show_dmarc_json(const struct sv_dmarc_path *path);
json_t *sv_show_discovery_json(const struct sv_discovery *found);
json_t *sv_show_bulk_json(const struct sv_bulk *bulk);

/* What large receivers demand and no DNS shows; NULL-terminated. */
extern const char *const sv_show_not_in_dns[];

/* What will happen when, the soonest first: [{"at", "what", "text"}]. What was before `now` (also
 * 0, unknown) does not happen next and is left out. */
void sv_show_foresee(json_t *forecast, sv_ms now, sv_ms at, const char *what, const char *text);
void sv_show_foresee_findings(json_t *forecast, const json_t *findings, sv_ms now);
void sv_show_forecast(const struct sv_show *show, const json_t *forecast);

#endif
