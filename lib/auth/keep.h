/* Memory that grows in blocks up to a limit and is given back whole. What is in it never moves.
 * Private to lib/auth. */
#ifndef SV_AUTH_KEEP_H
#define SV_AUTH_KEEP_H

#include <stddef.h>

struct sv_keep_block;

struct sv_keep { /* starts as zeros */
    struct sv_keep_block *blocks;
    size_t bytes; /* in all blocks together */
};

/* Zeroed and aligned for any type; NULL when `limit` bytes in all would be passed. */
void *sv_keep_take(struct sv_keep *keep, size_t bytes, size_t limit);
void sv_keep_fini(struct sv_keep *keep);

#endif
