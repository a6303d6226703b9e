/* A sorted table from text to pointers: small, ordered for listings, good for some ten thousand
 * entries. */
#ifndef SB_MAP_H
#define SB_MAP_H

#include <stdbool.h>
#include <stddef.h>

struct sb_map_entry {
    char *key;
    void *value;
};

struct sb_map {
    struct sb_map_entry *entries; /* in strcmp order of their keys */
    size_t count;
    size_t cap;
};

/* The value under `key`, or NULL. */
void *sb_map_get(const struct sb_map *map, const char *key);

/* The place where `key` is, or would be inserted: the first entry that is not before it. */
size_t sb_map_place(const struct sb_map *map, const char *key);

/* Inserts under a key that is not inside yet. Copies the key, borrows the value. */
void sb_map_put(struct sb_map *map, const char *key, void *value);

/* Takes the entry out and returns its value; NULL when there was none. */
void *sb_map_remove(struct sb_map *map, const char *key);

/* Frees the keys and the table; `drop` (NULL is fine) is called with every value first. */
void sb_map_fini(struct sb_map *map, void (*drop)(void *value));

#endif
