/* Makes a webhook of its [sink NAME] section. */
#ifndef SV_WORKER_WIRE_WEBHOOK_H
#define SV_WORKER_WIRE_WEBHOOK_H

#include "wire_sinks.h"

/* SV_EINVALID (url; no secret where messages are ours), SV_EDENIED, SV_ENOTFOUND (the secret). */
sv_sink_open_fn sv_webhook_open;

#endif
