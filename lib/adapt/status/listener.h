/* A listening TCP socket made from text. */
#ifndef SV_STATUS_LISTENER_H
#define SV_STATUS_LISTENER_H

#include <stddef.h>

#include "sv/err.h"

/* Listens on ADDR:PORT or [ADDR]:PORT; the caller closes `*fd`. `name` becomes the address as it
 * is, with the port that was picked for port 0. SV_EINVALID, SV_ESYSTEM. */
enum sv_err sv_listener_open(const char *text, int backlog, int *fd, char *name, size_t name_bytes,
                             struct sv_errinfo *info) __attribute__((warn_unused_result));

#endif
