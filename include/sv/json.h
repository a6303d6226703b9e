/* JSON through jansson, bounded: sizes and depth are checked before a tree is built. */
#ifndef SV_JSON_H
#define SV_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "sv/buf.h"
#include "sv/err.h"

/* Parses exactly one JSON value. Refuses more than `bytes_max` bytes (SV_ETOOBIG), nesting deeper
 * than `depth_max`, repeated keys, invalid UTF-8, 0 bytes (also as an escape) and trailing bytes
 * (SV_EMALFORMED, position in the text). The caller owns the tree: json_decref. NULL on failure
 * with `info` filled. */
json_t *sv_json_parse(const char *bytes, size_t len, size_t bytes_max, unsigned depth_max,
                      struct sv_errinfo *info);

/* Compact text in insertion order, appended to `out`; false, and nothing appended, when the
 * buffer's limit is hit or the tree is deeper than 64 levels. */
bool sv_json_write(json_t *tree, struct sv_buf *out) __attribute__((warn_unused_result));

/* The string under `key`, or NULL when absent or of another type. Borrowed from the tree. */
const char *sv_json_str(const json_t *object, const char *key);

/* The member under `key` walking objects by dots ("DkimAttributes.Status"), or NULL. Borrowed. */
json_t *sv_json_path(const json_t *object, const char *path);

/* Setters that take plain values and end the process when memory is gone. Keys are our own
 * words, and not looked at. NULL text becomes JSON null; each byte that is no UTF-8 becomes U+FFFD.
 */
void sv_json_set_str(json_t *object, const char *key, const char *text);
void sv_json_set_int(json_t *object, const char *key, long long number);
void sv_json_set_bool(json_t *object, const char *key, bool value);
void sv_json_set(json_t *object, const char *key, json_t *value); /* takes `value` */
void sv_json_append(json_t *array, json_t *value);                /* takes `value` */
json_t *sv_json_object(void);
json_t *sv_json_array(void);

#endif
