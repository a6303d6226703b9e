/* How the parts of DMARC's judging work together. Private to lib/auth. */
#ifndef SV_AUTH_DMARC_PARTS_H
#define SV_AUTH_DMARC_PARTS_H

#include "dmarc_walk.h"
#include "judge_parts.h"

enum {
    /* Questions of the walks: 8 for {d}, for {m} what is beside them, one of the public suffix
     * list, and whether {d} receives mail. */
    SV_DMARC_LOOKS_MAX = 24,
    SV_DMARC_REPORT_LOOKS_MAX = 24, /* about report targets, which are mostly one or two */
    SV_DMARC_TARGETS_MAX = 4,
};

/* The DMARC records among the TXT of one name. */
struct sv_dmarc_choice {
    size_t count;
    struct sv_span record; /* the first */
    size_t malformed_count;
    struct sv_span malformed;
};

struct sv_dmarc_choice sv_dmarc_choose(const struct sv_fact *fact);

/* What is judged together: the walk from {d} and what each standard makes of it. */
struct sv_dmarc_view {
    struct sv_judge *judge;
    struct sv_dmarc_source source;
    const char *expected; /* the record we ask for */
    const struct sv_fact *own;
    struct sv_dmarc_walk walk;
    struct sv_dmarc_applied now, before, before_lenient;
    bool is_explained; /* a fault of the record itself was found: what differs follows from it */
};

/* Whether one answer about _dmarc.{d} is as good as a right one: a record with a valid policy, or
 * nothing where the record of a name above applies. For sv_judge_combine. */
enum sv_tri sv_dmarc_is_right(const struct sv_judge *judge, size_t record,
                              const struct sv_fact *answer);

/* The TXT at _dmarc.`name`; NULL when no DNS can hold that name. */
const struct sv_fact *sv_dmarc_fact(struct sv_judge *judge, const char *name);

/* A finding about `fact` with foreign octets as what was found. */
void sv_dmarc_find(struct sv_judge *judge, enum sv_finding_code code, const struct sv_fact *fact,
                   const char *expected, struct sv_span found);

/* What is wrong or odd in the text of the record that applies. */
void sv_dmarc_judge_record(struct sv_dmarc_view *view, const struct sv_fact *fact,
                           struct sv_span text);

/* Whether its reports arrive. */
void sv_dmarc_judge_reports(struct sv_dmarc_view *view, const struct sv_fact *fact);

/* What follows for the mail that SES sends: alignment, the organization, both standards. Fills the
 * path of the report. */
void sv_dmarc_judge_path(struct sv_dmarc_view *view);

#endif
