/* "Did you mean ...?": the candidate with the fewest typing mistakes. */
#ifndef SV_WORKER_NEAREST_H
#define SV_WORKER_NEAREST_H

#include <stddef.h>

enum { SV_NEAREST_BYTES_MAX = 64 }; /* longer words are never near to anything */

struct sv_nearest {
    const char *word; /* borrowed: what was typed */
    const char *best; /* borrowed from the offers; NULL = nothing is near */
    size_t distance;
};

void sv_nearest_init(struct sv_nearest *nearest, const char *word);

/* Keeps `candidate` (borrowed) when it is nearer than what was offered before and near enough: at
 * most one mistake in three characters. */
void sv_nearest_offer(struct sv_nearest *nearest, const char *candidate);

/* Insertions, deletions, replacements and swaps of neighbours between two words of at most
 * SV_NEAREST_BYTES_MAX bytes; beyond that SIZE_MAX. */
size_t sv_nearest_distance(const char *a, const char *b);

#endif
