/* Numbers given as options. */
#ifndef SV_WORKER_NUMBERS_H
#define SV_WORKER_NUMBERS_H

#include "options.h"

/* The value of option `name` between `min` and `max`; `fallback` when it was not given. SV_EXIT_OK,
 * or SV_EXIT_USAGE after a message. */
int sv_number_option(const struct sv_args *args, const char *name, size_t min, size_t max,
                     size_t fallback, size_t *out);

#endif
