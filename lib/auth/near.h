/* How far two texts are apart, to tell a typing error from a different thing. Private to lib/auth.
 */
#ifndef SV_AUTH_NEAR_H
#define SV_AUTH_NEAR_H

#include <stdbool.h>

#include "txt.h"

/* Typing errors are at most this many edits: an edit inserts, drops or replaces one octet or swaps
 * two neighbours (Damerau-Levenshtein, optimal string alignment). */
enum { SV_NEAR_EDITS_MAX = 2 };

/* True when `found` is `wanted` within SV_NEAR_EDITS_MAX edits, ASCII case ignored. Takes time in
 * proportion to the length, whatever the octets are. */
bool sv_near(struct sv_span found, struct sv_span wanted);

#endif
