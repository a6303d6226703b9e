/* What no single value can tell: formats of other layers, and values that must fit together. */
#ifndef SV_WORKER_CONFIG_CHECK_H
#define SV_WORKER_CONFIG_CHECK_H

#include "config.h"

/* Adds what is wrong to `problems`; brings domains.restricted into normal form. */
void sv_config_check(struct sv_config *config, struct sv_problems *problems);

#endif
