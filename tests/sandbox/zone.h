/* The records the DNS stand-in serves: absolute master-file-like lines, replaced as a whole or not
 * at all. */
#ifndef SB_ZONE_H
#define SB_ZONE_H

#include <ldns/ldns.h>
#include <stdbool.h>
#include <stddef.h>

#include "map.h"
#include "sv/err.h"

enum {
    SB_ZONE_RECORDS_MAX = 50000,
    SB_ZONE_NODE_RECORDS_MAX = 256,
    SB_ZONE_TEXT_BYTES_MAX = 16 * 1024 * 1024,
    SB_ZONE_KEY_BYTES = 1100, /* 255 bytes, each escaped to four at worst, and separators */
};

/* Every name that owns records. */
struct sb_zone_node {
    ldns_rr **records;
    size_t count;
};

struct sb_zone {
    struct sb_map
        nodes; /* by reversed lower-case labels: a name's descendants follow it directly */
    size_t records;
};

/* One change: lines to take away, then lines to add, all or nothing. A line to remove may be a
 * whole record, "name TYPE" or just "name". */
struct sb_zone_change {
    const char *const *remove;
    size_t remove_count;
    const char *const *add;
    size_t add_count;
    size_t removed; /* out: records that went */
    size_t added;   /* out: records that came; those present before are not counted */
};

void sb_zone_fini(struct sb_zone *zone);

/* Replaces everything by `text`; `source` names it in errors ("FILE:LINE: ..."). Old data stay on
 * failure. */
enum sv_err sb_zone_replace(struct sb_zone *zone, const char *text, const char *source,
                            struct sv_errinfo *info) __attribute__((warn_unused_result));

/* The same from a file. */
enum sv_err sb_zone_load(struct sb_zone *zone, const char *path, struct sv_errinfo *info)
    __attribute__((warn_unused_result));

enum sv_err sb_zone_change(struct sb_zone *zone, struct sb_zone_change *change,
                           struct sv_errinfo *info) __attribute__((warn_unused_result));

/* The key of a name: its labels from the top, lower case, each followed by byte 1. */
void sb_zone_key(const ldns_rdf *name, char out[SB_ZONE_KEY_BYTES]);

/* The records at that key, or NULL. */
const struct sb_zone_node *sb_zone_at(const struct sb_zone *zone, const char *key);

/* True when a name below that key owns records: then the name itself exists (RFC 8020). */
bool sb_zone_has_below(const struct sb_zone *zone, const char *key);

/* The SOA of the closest zone that holds the key, and the length of that zone's own key; NULL when
 * none does. */
const ldns_rr *sb_zone_apex(const struct sb_zone *zone, const char *key, size_t *apex_len);

/* The first record of that type, or NULL. */
ldns_rr *sb_zone_first(const struct sb_zone_node *node, ldns_rr_type type);

/* One line of a zone file as a record: `name TTL [IN] TYPE value`. NULL for a bad line, with `info`
 * filled, and for an empty one, without. The caller frees it. */
ldns_rr *sb_zone_parse_line(const char *line, struct sv_errinfo *info);

#endif
