#include "zone.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/buf.h"

void sb_zone_key(const ldns_rdf *name, char out[SB_ZONE_KEY_BYTES])
{
    const uint8_t *wire = ldns_rdf_data(name);
    size_t size = ldns_rdf_size(name);
    size_t starts[128];
    size_t labels = 0, used = 0;

    for (size_t at = 0; at < size && wire[at] != 0 && labels < 128; at += wire[at] + 1u)
        starts[labels++] = at;
    while (labels-- > 0) {
        const uint8_t *label = wire + starts[labels];

        for (size_t i = 1; i <= label[0]; i++) {
            uint8_t c = label[i];

            if (c <= 0x20 || c >= 0x7f || c == '\\')
                used += (size_t)snprintf(out + used, 5, "\\%03u", (unsigned)c);
            else
                out[used++] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
        }
        out[used++] = 1;
    }
    out[used] = 0;
}

static void drop_node(void *value)
{
    struct sb_zone_node *node = value;

    for (size_t i = 0; i < node->count; i++)
        ldns_rr_free(node->records[i]);
    free(node->records);
    free(node);
}

void sb_zone_fini(struct sb_zone *zone)
{
    sb_map_fini(&zone->nodes, drop_node);
    zone->records = 0;
}

const struct sb_zone_node *sb_zone_at(const struct sb_zone *zone, const char *key)
{
    return sb_map_get(&zone->nodes, key);
}

bool sb_zone_has_below(const struct sb_zone *zone, const char *key)
{
    size_t len = strlen(key);
    size_t place = sb_map_place(&zone->nodes, key);

    if (place < zone->nodes.count && strcmp(zone->nodes.entries[place].key, key) == 0)
        place++;
    return place < zone->nodes.count && strncmp(zone->nodes.entries[place].key, key, len) == 0;
}

ldns_rr *sb_zone_first(const struct sb_zone_node *node, ldns_rr_type type)
{
    for (size_t i = 0; node != NULL && i < node->count; i++) {
        if (ldns_rr_get_type(node->records[i]) == type)
            return node->records[i];
    }
    return NULL;
}

const ldns_rr *sb_zone_apex(const struct sb_zone *zone, const char *key, size_t *apex_len)
{
    char at[SB_ZONE_KEY_BYTES];
    size_t len = strlen(key);

    memcpy(at, key, len + 1);
    for (;;) {
        const ldns_rr *soa = sb_zone_first(sb_zone_at(zone, at), LDNS_RR_TYPE_SOA);

        *apex_len = len;
        if (soa != NULL || len == 0)
            return soa;
        len--; /* the separator behind the last label */
        while (len > 0 && at[len - 1] != 1)
            len--;
        at[len] = 0;
    }
}

/* Why the record may not stand beside those of the node; NULL when it may. */
static const char *conflict(const struct sb_zone_node *node, const ldns_rr *record)
{
    ldns_rr_type type = ldns_rr_get_type(record);

    if (node->count == 0)
        return NULL;
    if (type == LDNS_RR_TYPE_CNAME || sb_zone_first(node, LDNS_RR_TYPE_CNAME) != NULL)
        return "a CNAME must be alone at its name (RFC 2181 section 10.1)";
    if (type == LDNS_RR_TYPE_SOA && sb_zone_first(node, LDNS_RR_TYPE_SOA) != NULL)
        return "a zone has one SOA";
    if (node->count == SB_ZONE_NODE_RECORDS_MAX)
        return "too many records at one name";
    return NULL;
}

static void append(struct sb_zone_node *node, ldns_rr *record)
{
    node->records = sv_realloc(node->records, (node->count + 1) * sizeof(ldns_rr *));
    node->records[node->count++] = record;
}

/* Takes the record in either case. True in `*added` when it was not there before. */
static enum sv_err add_record(struct sb_zone *zone, ldns_rr *record, bool *added,
                              struct sv_errinfo *info)
{
    char key[SB_ZONE_KEY_BYTES];
    struct sb_zone_node *node;
    const char *why;

    *added = false;
    sb_zone_key(ldns_rr_owner(record), key);
    node = sb_map_get(&zone->nodes, key);
    if (node == NULL) {
        node = sv_alloc(1, sizeof *node);
        sb_map_put(&zone->nodes, key, node);
    }
    for (size_t i = 0; i < node->count; i++) {
        if (ldns_rr_compare(node->records[i], record) == 0) {
            ldns_rr_set_ttl(node->records[i], ldns_rr_ttl(record));
            ldns_rr_free(record);
            return SV_OK;
        }
    }
    why = zone->records == SB_ZONE_RECORDS_MAX ? "too many records" : conflict(node, record);
    if (why != NULL) {
        ldns_rr_free(record);
        return sv_err_set(info, SV_EMALFORMED, "zone", 0, "%s", why);
    }
    append(node, record);
    zone->records++;
    *added = true;
    return SV_OK;
}

static enum sv_err add_line(struct sb_zone *zone, const char *line, bool *added,
                            struct sv_errinfo *info)
{
    ldns_rr *record = sb_zone_parse_line(line, info);

    *added = false;
    if (record == NULL)
        return info->code;
    return add_record(zone, record, added, info);
}

enum sv_err sb_zone_replace(struct sb_zone *zone, const char *text, const char *source,
                            struct sv_errinfo *info)
{
    struct sb_zone fresh = {0};
    struct sv_errinfo inner = {0};
    unsigned number = 0;
    bool added;

    while (*text != 0) {
        size_t len = strcspn(text, "\n");
        char *line = sv_strndup(text, len);

        number++;
        (void)add_line(&fresh, line, &added, &inner);
        free(line);
        if (inner.code != SV_OK) {
            sb_zone_fini(&fresh);
            return sv_err_set(info, inner.code, "zone", 0, "%s:%u: %s", source, number, inner.text);
        }
        text += len;
        text += *text == '\n';
    }
    sb_zone_fini(zone);
    *zone = fresh;
    return SV_OK;
}

enum sv_err sb_zone_load(struct sb_zone *zone, const char *path, struct sv_errinfo *info)
{
    FILE *file = fopen(path, "re");
    struct sv_buf text;
    char chunk[4096];
    size_t got;
    enum sv_err err = SV_OK;

    if (file == NULL)
        return sv_err_set(info, SV_ESYSTEM, "zone", errno, "cannot read %s: %s", path,
                          strerror(errno));
    sv_buf_init(&text, SB_ZONE_TEXT_BYTES_MAX);
    while (err == SV_OK && (got = fread(chunk, 1, sizeof chunk, file)) > 0) {
        if (!sv_buf_add(&text, chunk, got))
            err = sv_err_set(info, SV_ETOOBIG, "zone", 0, "%s is larger than 16 MiB", path);
    }
    if (err == SV_OK && ferror(file))
        err = sv_err_set(info, SV_ESYSTEM, "zone", errno, "cannot read %s", path);
    (void)fclose(file);
    if (err == SV_OK)
        err = sb_zone_replace(zone, sv_buf_str(&text), path, info);
    sv_buf_fini(&text);
    return err;
}

/* Takes away everything at that key of `type` (0: any) that equals `record` (NULL: any). */
static size_t prune(struct sb_zone *zone, const char *key, ldns_rr_type type, const ldns_rr *record)
{
    struct sb_zone_node *node = sb_map_get(&zone->nodes, key);
    size_t kept = 0, gone;

    if (node == NULL)
        return 0;
    for (size_t i = 0; i < node->count; i++) {
        ldns_rr *old = node->records[i];

        if ((type == 0 || ldns_rr_get_type(old) == type) &&
            (record == NULL || ldns_rr_compare(old, record) == 0))
            ldns_rr_free(old);
        else
            node->records[kept++] = old;
    }
    gone = node->count - kept;
    node->count = kept;
    zone->records -= gone;
    if (kept == 0)
        drop_node(sb_map_remove(&zone->nodes, key));
    return gone;
}

/* "name", "name TYPE", or a whole record line. */
static enum sv_err remove_line(struct sb_zone *zone, const char *line, size_t *removed,
                               struct sv_errinfo *info)
{
    char name[1100] = "", type[16] = "", more[2] = "";
    int words = sscanf(line, "%1099s %15s %1s", name, type, more);
    char key[SB_ZONE_KEY_BYTES];
    ldns_rr *record = NULL;
    ldns_rdf *owner;
    ldns_rr_type number = 0;

    if (words <= 0)
        return SV_OK;
    if (words >= 3) {
        record = sb_zone_parse_line(line, info);
        if (record == NULL)
            return info->code;
    } else if (words == 2) {
        number = ldns_get_rr_type_by_name(type);
        if (number == 0)
            return sv_err_set(info, SV_EMALFORMED, "zone", 0, "unknown type '%s'", type);
    }
    owner = ldns_dname_new_frm_str(name);
    if (owner == NULL) {
        ldns_rr_free(record);
        return sv_err_set(info, SV_EMALFORMED, "zone", 0, "bad name '%.80s'", name);
    }
    sb_zone_key(owner, key);
    *removed += prune(zone, key, number, record);
    ldns_rdf_deep_free(owner);
    ldns_rr_free(record);
    return SV_OK;
}

static struct sb_zone copy_of(const struct sb_zone *zone)
{
    struct sb_zone copy = {.records = zone->records};

    for (size_t i = 0; i < zone->nodes.count; i++) {
        const struct sb_zone_node *old = zone->nodes.entries[i].value;
        struct sb_zone_node *node = sv_alloc(1, sizeof *node);

        for (size_t j = 0; j < old->count; j++)
            append(node, ldns_rr_clone(old->records[j]));
        sb_map_put(&copy.nodes, zone->nodes.entries[i].key, node);
    }
    return copy;
}

enum sv_err sb_zone_change(struct sb_zone *zone, struct sb_zone_change *change,
                           struct sv_errinfo *info)
{
    struct sb_zone fresh = copy_of(zone);
    struct sv_errinfo inner = {0};
    const char *list = "remove";
    size_t i;
    bool added;

    change->added = change->removed = 0;
    for (i = 0; i < change->remove_count && inner.code == SV_OK; i++)
        (void)remove_line(&fresh, change->remove[i], &change->removed, &inner);
    if (inner.code == SV_OK) {
        list = "add";
        for (i = 0; i < change->add_count && inner.code == SV_OK; i++) {
            (void)add_line(&fresh, change->add[i], &added, &inner);
            change->added += added ? 1 : 0;
        }
    }
    if (inner.code != SV_OK) {
        sb_zone_fini(&fresh);
        return sv_err_set(info, inner.code, "zone", 0, "%s[%zu]: %s", list, i - 1, inner.text);
    }
    sb_zone_fini(zone);
    *zone = fresh;
    return SV_OK;
}
