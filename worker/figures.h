/* The figures of this process that the operating system keeps (Prometheus's process_* names). */
#ifndef SV_WORKER_FIGURES_H
#define SV_WORKER_FIGURES_H

#include "sv/metrics.h"

/* Reads /proc/self; what cannot be read is left out. */
void sv_figures_set(struct sv_metrics *metrics);

#endif
