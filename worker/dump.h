/* The state of the driver as one line of the log (E5). */
#ifndef SV_WORKER_DUMP_H
#define SV_WORKER_DUMP_H

#include "sv/drive.h"

void sv_dump_state(struct sv_log *log, const struct sv_drive_stats *stats);

#endif
