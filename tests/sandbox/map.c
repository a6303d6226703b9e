#include "map.h"

#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/require.h"

size_t sb_map_place(const struct sb_map *map, const char *key)
{
    size_t low = 0;
    size_t high = map->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(map->entries[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const struct sb_map *map, size_t place, const char *key)
{
    return place < map->count && strcmp(map->entries[place].key, key) == 0;
}

void *sb_map_get(const struct sb_map *map, const char *key)
{
    size_t place = sb_map_place(map, key);

    return is_at(map, place, key) ? map->entries[place].value : NULL;
}

void sb_map_put(struct sb_map *map, const char *key, void *value)
{
    size_t place = sb_map_place(map, key);

    SV_REQUIRE(!is_at(map, place, key));
    if (map->count == map->cap) {
        map->cap = map->cap == 0 ? 16 : 2 * map->cap;
        map->entries = sv_realloc(map->entries, map->cap * sizeof *map->entries);
    }
    if (place < map->count)
        memmove(&map->entries[place + 1], &map->entries[place],
                (map->count - place) * sizeof *map->entries);
    map->entries[place] = (struct sb_map_entry){.key = sv_strdup(key), .value = value};
    map->count++;
}

void *sb_map_remove(struct sb_map *map, const char *key)
{
    size_t place = sb_map_place(map, key);
    void *value;

    if (!is_at(map, place, key))
        return NULL;
    value = map->entries[place].value;
    free(map->entries[place].key);
    map->count--;
    if (place < map->count)
        memmove(&map->entries[place], &map->entries[place + 1],
                (map->count - place) * sizeof *map->entries);
    return value;
}

void sb_map_fini(struct sb_map *map, void (*drop)(void *value))
{
    for (size_t i = 0; i < map->count; i++) {
        if (drop != NULL)
            drop(map->entries[i].value);
        free(map->entries[i].key);
    }
    free(map->entries);
    *map = (struct sb_map){0};
}
