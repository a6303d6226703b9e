/* uthash with our own hash function in place of its default one, whose switch falls through without
 * saying so. */
#ifndef SV_WORKER_HASH_H
#define SV_WORKER_HASH_H

#include "sv/digest.h"

#define HASH_FUNCTION(key, len, value) ((value) = (unsigned)sv_fnv1a(SV_FNV_START, (key), (len)))
#include <uthash.h>

#endif
