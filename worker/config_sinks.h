/* What [sink NAME] sections must hold together, and what delivery makes of them. */
#ifndef SV_WORKER_CONFIG_SINKS_H
#define SV_WORKER_CONFIG_SINKS_H

#include "config.h"
#include "sv/delivery.h"

/* Adds what is wrong to `problems`. */
void sv_config_sinks_check(const struct sv_config *config, struct sv_problems *problems);

/* Warns of what is for test networks only. */
void sv_config_sinks_announce(const struct sv_config *config, struct sv_problems *problems);

/* True for a webhook whose address is its secret, since whoever knows it may write there. */
bool sv_config_sink_url_is_secret(const struct sv_config_sink *sink);

/* Of a sink that was checked; the filter borrows its texts. */
struct sv_delivery_plan sv_config_sink_plan(const struct sv_config_sink *sink);
struct sv_delivery_filter sv_config_sink_filter(const struct sv_config_sink *sink);

#endif
