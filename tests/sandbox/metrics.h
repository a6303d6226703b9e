/* What BatchGetMetricData and ListRecommendations tell, as set through the control port. */
#ifndef SB_METRICS_H
#define SB_METRICS_H

#include <jansson.h>

#include "identity.h"

/* Takes {"identity": D, "daily": {"SEND": 1000, ...}, "error": "INTERNAL_FAILURE"}: the same
 * numbers every day; with an error, queries about D end in it. */
enum sv_err sb_metrics_set(struct sb_account *about, json_t *set, struct sv_errinfo *info)
    __attribute__((warn_unused_result));

/* Replaces all by an array of {"identity", "type", "impact", "status", "description"}. */
enum sv_err sb_recommendations_set(struct sb_store *store, const json_t *list, sv_ms now,
                                   struct sv_errinfo *info) __attribute__((warn_unused_result));

#endif
