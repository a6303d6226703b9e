/* What a worker tells of itself as JSON: /status of the status port, which `top`, `stats` and the
 * page show. */
#ifndef SV_WORKER_STATUS_JSON_H
#define SV_WORKER_STATUS_JSON_H

#include <jansson.h>
#include <stdbool.h>

#include "config.h"
#include "sv/metrics.h"
#include "wire.h"

struct sv_status_source {
    const struct sv_config *config; /* borrowed */
    const struct sv_wire *wire;     /* borrowed; its parts may be gone */
    struct sv_metrics *metrics;     /* borrowed */
    const char *phase;              /* "starting", "running", "draining" */
    bool redis_ready;
    bool names;       /* domains and clients may be told */
    sv_ms now;        /* wall clock */
    sv_ms started_at; /* wall clock */
};

/* sesverify.worker.v1, a new reference. Figures of the queues are those last measured. */
json_t *sv_status_json(const struct sv_status_source *source);

#endif
