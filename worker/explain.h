/* The story of one domain from what is kept: what it is, why, what changed, what comes next. */
#ifndef SV_WORKER_EXPLAIN_H
#define SV_WORKER_EXPLAIN_H

#include "kept.h"
#include "show.h"

/* Everything that is told, for people and programs alike: sesverify.explain.v1. `code` is the exit
 * code that fits: SV_EXIT_OK healthy, SV_EXIT_WRONG something is wrong, SV_EXIT_TEMPORARY it cannot
 * be decided yet. A new reference. */
json_t *sv_explain(const struct sv_kept *kept, const struct sv_config *config, sv_ms now,
                   int *code);

/* The same as text; the first line is the answer. */
void sv_explain_print(const struct sv_show *show, const json_t *told, int code);

#endif
