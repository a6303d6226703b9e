/* Asks before something is done that cannot be undone (C3). */
#ifndef SV_WORKER_CONFIRM_H
#define SV_WORKER_CONFIRM_H

#include "options.h"

/* SV_EXIT_OK: go on, because --yes was given or somebody at the terminal said yes to `question`.
 * SV_EXIT_USAGE with a message: nobody can be asked. SV_EXIT_WRONG: the answer was no. */
int sv_confirm(const struct sv_args *args, const char *question);

#endif
