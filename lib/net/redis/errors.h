/* The first word of a server's error reply, translated into our errors. */
#ifndef SV_NET_REDIS_ERRORS_H
#define SV_NET_REDIS_ERRORS_H

#include <stddef.h>

#include "sv/err.h"

/* Translates the text of an error reply (without its '-') by its first word, as sv/redis.h lists
 * them, and copies the text into `info` (NULL is fine). Unknown words are SV_EREFUSED. */
enum sv_err sv_redis_error(const char *text, size_t len, struct sv_errinfo *info);

/* The same, but only the first word gets into `info`: a server without AUTH repeats its arguments.
 */
enum sv_err sv_redis_error_discreet(const char *text, size_t len, struct sv_errinfo *info);

#endif
