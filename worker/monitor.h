/* What a running worker shows of itself: the metrics, and the pages of the status port
 * (operations.md M1). It only looks; nothing here changes anything. */
#ifndef SV_WORKER_MONITOR_H
#define SV_WORKER_MONITOR_H

#include <stdbool.h>
#include <uv.h>

#include "config.h"
#include "sv/metrics.h"
#include "wire.h"

enum sv_monitor_phase { SV_MONITOR_STARTING, SV_MONITOR_RUNNING, SV_MONITOR_DRAINING };

struct sv_monitor_options {
    uv_loop_t *loop;                /* borrowed */
    const struct sv_config *config; /* borrowed */
    struct sv_log *log;             /* borrowed */
    const struct sv_clock *clock;   /* borrowed */
    struct sv_metrics *metrics;     /* borrowed */
    struct sv_wire *wire;           /* borrowed; its parts may be gone */
};

struct sv_monitor;

typedef void sv_monitor_closed_fn(void *context);

/* Opens the status port, unless status.listen is off. A port that cannot be opened is told as an
 * error in the log, and the worker works without: mail matters more than figures. */
struct sv_monitor *sv_monitor_new(const struct sv_monitor_options *options);

/* What /readyz and /status tell from now on. */
void sv_monitor_set_phase(struct sv_monitor *monitor, enum sv_monitor_phase phase);

/* Closes the port, then calls `closed` as the last thing. */
void sv_monitor_close(struct sv_monitor *monitor, sv_monitor_closed_fn *closed, void *context);

#endif
