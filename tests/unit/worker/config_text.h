/* A configuration as text, so that two can be compared and one can be read again. */
#ifndef SV_TESTS_WORKER_CONFIG_TEXT_H
#define SV_TESTS_WORKER_CONFIG_TEXT_H

#include "config.h"

/* A file with exactly the values of `config`, without comments. Secrets are left out. */
void config_text(const struct sv_config *config, struct sv_buf *out);

#endif
