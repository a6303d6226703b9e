#include "sv/ownership.h"

#include <stdbool.h>
#include <string.h>

#include "sv/digest.h"
#include "sv/require.h"

/* Rendezvous: every pair of worker and shard has a weight, and a shard goes to the worker with the
 * greatest. So that shares are equal also with few shards, a worker whose share is full is passed
 * over. A worker that joins takes its share from all the others, one that leaves gives to all of
 * them; the rest mostly stays where it was. */

struct share {
    const char *name;
    uint64_t hash, shards;
    unsigned count;
};

struct fleet {
    struct share shares[SV_OWNERSHIP_WORKERS_MAX]; /* in the order of their names */
    size_t count;
    unsigned shards;
    unsigned full; /* shards of every worker */
    unsigned more; /* workers that may have one more than that */
};

static uint64_t all_shards(unsigned shards)
{
    return shards == SV_OWNERSHIP_SHARDS_MAX ? UINT64_MAX : (1ull << shards) - 1;
}

size_t sv_ownership_width(size_t workers, unsigned shards)
{
    SV_REQUIRE(workers >= 1 && shards >= 1);
    for (size_t width = 1; width < workers; width++) {
        size_t parts = width * shards, least = parts / workers;
        size_t most = (parts + workers - 1) / workers;

        if (5 * most * workers <= 6 * parts && 5 * least * workers >= 4 * parts)
            return width;
    }
    return workers;
}

/* Digested twice, so that all bits of the last byte reach the high ones. */
static uint64_t weight(const struct share *share, unsigned shard)
{
    uint8_t byte = (uint8_t)shard;
    uint64_t once = sv_fnv1a(share->hash, &byte, 1);

    return sv_fnv1a(SV_FNV_START, &once, sizeof(once));
}

static bool serves(const struct share *share, unsigned shard)
{
    return (share->shards >> shard & 1) != 0;
}

static bool has_room(const struct fleet *fleet, const struct share *share)
{
    return share->count < fleet->full || (share->count == fleet->full && fleet->more > 0);
}

static void give(struct fleet *fleet, struct share *share, unsigned shard)
{
    if (share->count == fleet->full)
        fleet->more--;
    share->shards |= 1ull << shard;
    share->count++;
}

static struct share *heaviest(struct fleet *fleet, unsigned shard)
{
    struct share *best = NULL;

    for (size_t i = 0; i < fleet->count; i++) {
        struct share *share = &fleet->shares[i];

        if (!serves(share, shard) && has_room(fleet, share) &&
            (best == NULL || weight(share, shard) > weight(best, shard)))
            best = share;
    }
    return best;
}

/* Whoever has room serves this shard already. Another worker gives it one of its own and takes this
 * shard instead; with whom nothing can be exchanged is passed over. */
static void exchange(struct fleet *fleet, unsigned shard)
{
    struct share *roomy = fleet->shares;

    while (!has_room(fleet, roomy))
        roomy++; /* as many places as parts: there is one */
    for (size_t i = 0; i < fleet->count; i++) {
        struct share *other = &fleet->shares[i];
        uint64_t gifts = other->shards & ~roomy->shards;

        if (serves(other, shard) || gifts == 0)
            continue;
        other->shards ^= (gifts & -gifts) | 1ull << shard;
        roomy->shards |= gifts & -gifts;
        if (roomy->count++ == fleet->full)
            fleet->more--;
        return;
    }
}

static void add_worker(struct fleet *fleet, const char *name)
{
    size_t at = fleet->count++;

    for (; at > 0 && strcmp(fleet->shares[at - 1].name, name) > 0; at--)
        fleet->shares[at] = fleet->shares[at - 1];
    fleet->shares[at] =
        (struct share){.name = name, .hash = sv_fnv1a(SV_FNV_START, name, strlen(name))};
}

static const struct share *find(const struct fleet *fleet, const char *name)
{
    for (size_t i = 0; i < fleet->count; i++) {
        if (strcmp(fleet->shares[i].name, name) == 0)
            return &fleet->shares[i];
    }
    return NULL;
}

uint64_t sv_ownership_shards(const char *const *workers, size_t count, const char *self,
                             unsigned shards)
{
    struct fleet fleet = {.shards = shards};
    const struct share *own;
    size_t width;

    SV_REQUIRE(shards >= 1 && shards <= SV_OWNERSHIP_SHARDS_MAX);
    for (size_t i = 0; count <= SV_OWNERSHIP_WORKERS_MAX && i < count; i++)
        add_worker(&fleet, workers[i]);
    own = find(&fleet, self);
    if (own == NULL)
        return all_shards(shards);
    width = sv_ownership_width(count, shards);
    if (width == count)
        return all_shards(shards);
    fleet.full = (unsigned)(width * shards / count);
    fleet.more = (unsigned)(width * shards % count);
    for (size_t round = 0; round < width; round++) {
        for (unsigned shard = 0; shard < shards; shard++) {
            struct share *share = heaviest(&fleet, shard);

            if (share != NULL)
                give(&fleet, share, shard);
            else
                exchange(&fleet, shard);
        }
    }
    return own->shards;
}
