/* Tags of identities. */
#ifndef SB_TAGS_H
#define SB_TAGS_H

#include <jansson.h>
#include <stdbool.h>

struct sb_call;

enum { SB_TAGS_MAX = 50, SB_TAG_KEY_CHARS_MAX = 128, SB_TAG_VALUE_CHARS_MAX = 256 };

/* Checks a list of {"Key", "Value"} (NULL is fine) and takes it into `tags`, where it replaces
 * values under the same keys. False after a refusal; nothing was taken then. */
bool sb_tags_take(struct sb_call *call, json_t *tags, const json_t *list);

#endif
