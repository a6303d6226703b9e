/* Makes the sinks of the configuration: the only place that names every kind of them. */
#ifndef SV_WORKER_WIRE_SINKS_H
#define SV_WORKER_WIRE_SINKS_H

#include "config.h"
#include "sv/sink.h"
#include "wire.h"

/* The kinds, as the setting `kind` names them; NULL ends the list. */
extern const char *const sv_sink_kinds[];

/* Makes one sink of `config`. SV_EINVALID (configuration), SV_EDENIED, SV_ENOTFOUND (secrets). */
typedef enum sv_err sv_sink_open_fn(struct sv_wire *wire, const struct sv_config_sink *config,
                                    struct sv_sink **out, struct sv_errinfo *info);

/* Makes all of them, wire->sinks and wire->routes. SV_EXIT_OK, or the exit code after a line in the
 * log. */
int sv_wire_sinks_open(struct sv_wire *wire);

/* For when no driver was made, who would close them: calls `closed` when all are closed, at once
 * when there are none. */
void sv_wire_sinks_close(struct sv_wire *wire, sv_wire_closed_fn *closed);

#endif
