/* Asks a worker's status port, for the commands that show what it tells. */
#ifndef SV_WORKER_VISIT_H
#define SV_WORKER_VISIT_H

#include "config.h"
#include "options.h"
#include "sv/http.h"

enum { SV_VISIT_URL_BYTES = 160, SV_VISIT_BYTES_MAX = 4 << 20 };

extern const sv_ms sv_visit_patience_ms; /* a port answers at once or is ill */

/* The address of the option --port, or status.listen; where that listens on all addresses, this
 * machine's own. SV_EXIT_OK and the URL of `path`, or a code after a message: SV_EXIT_USAGE for an
 * address that is none, SV_EXIT_CONFIG when the port is off or was picked by the system. */
int sv_visit_url(const struct sv_args *args, const struct sv_config *config, const char *path,
                 char out[SV_VISIT_URL_BYTES]);

/* What sv_http_start wants to know; `url` is borrowed. */
void sv_visit_ask(const char *url, struct sv_http_ask *out);

/* One question on a loop of its own, start to end. SV_OK with status and body, whatever the status;
 * `body` is initialised here, and the caller's to finish in every case. */
enum sv_err sv_visit(const char *url, long *status, struct sv_buf *body, struct sv_errinfo *info);

/* Every command that visits has it in its table. */
#define SV_VISIT_OPTION                                                                            \
    {                                                                                              \
        "port", "ADDR:PORT", false, "status port of the worker (default: status.listen)"           \
    }

#endif
