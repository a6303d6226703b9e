/* Secrets in files, as L3 of the operations reference wants them. */
#ifndef SV_WORKER_SECRET_H
#define SV_WORKER_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "sv/err.h"

enum { SV_SECRET_PATH_BYTES = 1100 };

/* Where the secret `id` is: $CREDENTIALS_DIRECTORY/<id> when that is there, else `file`, the
 * setting of the same purpose. False when neither is. */
bool sv_secret_find(char *const *environment, const char *id, const char *file,
                    char out[SV_SECRET_PATH_BYTES]);

/* The one line of a plain file that others cannot read, without its line end; out is a string.
 * SV_ENOTFOUND, SV_EDENIED (not readable by us, readable by others, empty, or longer than `bytes`
 * takes); `info` names the file and never quotes it. */
enum sv_err sv_secret_read(const char *path, char *out, size_t bytes, struct sv_errinfo *info)
    __attribute__((warn_unused_result));

#endif
