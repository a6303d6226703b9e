/* Which shards a worker serves: by rendezvous over the workers that beat. Every worker computes the
 * same shares from the same list, without asking anybody. Efficiency only, never safety: fences
 * decide who may write, so two workers that see different lists cost work and nothing else. Pure;
 * lib/drive/fleet.c acts on it. */
#ifndef SV_OWNERSHIP_H
#define SV_OWNERSHIP_H

#include <stddef.h>
#include <stdint.h>

enum {
    SV_OWNERSHIP_SHARDS_MAX = 64,
    SV_OWNERSHIP_WORKERS_MAX = 256, /* of a fleet with more, every worker serves all shards */
};

/* How many workers serve one shard together: the least number with which everybody has something to
 * do and nobody's share is more than a fifth above or below the average. As many as there are
 * workers with one shard, one with many shards. `workers` and `shards` are at least 1. */
size_t sv_ownership_width(size_t workers, unsigned shards);

/* The shards of `self`, as bits. `workers` in any order, each name once; they are only read. All
 * shards when `self` is not among them: a worker that the others do not know of relies on nobody.
 */
uint64_t sv_ownership_shards(const char *const *workers, size_t count, const char *self,
                             unsigned shards);

#endif
