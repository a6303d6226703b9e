/* Which client a domain belongs to, as a file says it: one line for each domain,
 *
 *     domain,client_id[,contact_email]
 *
 * Blank lines and lines that begin with # are comments. A client id that holds a comma stands in
 * double quotes, a double quote in it is written twice (RFC 4180). */
#ifndef SV_WORKER_IMPORT_MAP_H
#define SV_WORKER_IMPORT_MAP_H

#include <stdbool.h>
#include <stddef.h>

#include "sv/err.h"
#include "sv/job.h"

enum { SV_IMPORT_MAP_LINES_MAX = 1000000, SV_IMPORT_MAP_LINE_BYTES = 2048 };

struct sv_import_map;

struct sv_import_line {
    const char *client_id;
    const char *contact_email; /* "" = none */
};

/* Reads a whole file. SV_ENOTFOUND, SV_EDENIED (no such file, not readable), SV_EMALFORMED (the
 * text names the line), SV_ETOOBIG. The caller frees *out. */
enum sv_err sv_import_map_read(const char *path, struct sv_import_map **out,
                               struct sv_errinfo *info) __attribute__((warn_unused_result));
void sv_import_map_free(struct sv_import_map *map); /* NULL is fine */

/* `domain` in normal form. False where no line names it. Borrowed from the map. */
bool sv_import_map_find(const struct sv_import_map *map, const char *domain,
                        struct sv_import_line *out);

/* How many domains of the map were never found: probably a typing error, or another account. */
size_t sv_import_map_unused(const struct sv_import_map *map);

#endif
