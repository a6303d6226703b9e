/* Which key decides where a command goes. */
#ifndef SV_NET_REDIS_ROUTE_H
#define SV_NET_REDIS_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "sv/redis.h"

/* The first key of the command; false when it has none (SCAN, INFO, SCRIPT LOAD, a script without
 * keys ...). A command this does not know is taken to have its first key as its first argument, as
 * almost all have. `key` points into the words. */
bool sv_redis_key_find(const struct sv_redis_words *words, const char **key, size_t *len);

#endif
