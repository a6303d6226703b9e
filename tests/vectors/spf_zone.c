#include "spf_zone.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sv/alloc.h"

enum { ALIASES_MAX = 8, VALUES_MAX = 64, VALUE_BYTES = 4096 };

/* The values of one answer. They stay until the test ends, since an evaluation goes back to
 * records that it was reading when it asked again. */
struct spf_list {
    struct spf_list *next;
    size_t count;
    struct sv_span values[VALUES_MAX];
    char text[VALUES_MAX][VALUE_BYTES];
};

yaml_node_t *spf_yaml_get(yaml_document_t *document, yaml_node_t *mapping, const char *key)
{
    if (mapping == NULL || mapping->type != YAML_MAPPING_NODE)
        return NULL;
    for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
         pair < mapping->data.mapping.pairs.top; pair++) {
        if (strcasecmp(spf_yaml_text(yaml_document_get_node(document, pair->key)), key) == 0)
            return yaml_document_get_node(document, pair->value);
    }
    return NULL;
}

const char *spf_yaml_text(const yaml_node_t *node)
{
    return node != NULL && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value
                                                          : "";
}

static const char *type_word(enum sv_rr_type type)
{
    return type == SV_RR_SPF ? "SPF" : sv_rr_type_name(type);
}

static yaml_node_t *item(const struct spf_zone *zone, yaml_node_t *list, size_t i)
{
    return yaml_document_get_node(zone->document, list->data.sequence.items.start[i]);
}

static size_t item_count(const yaml_node_t *list)
{
    if (list == NULL || list->type != YAML_SEQUENCE_NODE)
        return 0;
    return (size_t)(list->data.sequence.items.top - list->data.sequence.items.start);
}

/* Joins strings (TXT) without anything between, or with a blank (MX). */
static void add_text(const struct spf_zone *zone, yaml_node_t *node, const char *between,
                     struct sv_line *line)
{
    if (node->type == YAML_SCALAR_NODE)
        sv_line_add_bytes(line, (const char *)node->data.scalar.value, node->data.scalar.length);
    for (size_t i = 0; i < item_count(node); i++) {
        sv_line_add(line, i > 0 ? between : "");
        add_text(zone, item(zone, node, i), between, line);
    }
}

static void add_value(const struct spf_zone *zone, yaml_node_t *node, const char *between,
                      struct spf_list *list)
{
    struct sv_line line;

    if (list->count == VALUES_MAX || strcmp(spf_yaml_text(node), "NONE") == 0)
        return;
    sv_line_init(&line, list->text[list->count], VALUE_BYTES);
    add_text(zone, node, between, &line);
    list->values[list->count++] = (struct sv_span){.text = line.text, .len = line.len};
}

/* Adds the entries of this word. False when a query for them fails; `has` when there is an entry at
 * all, NONE included. */
static bool collect(const struct spf_zone *zone, yaml_node_t *entries, const char *word,
                    struct spf_list *list, bool *has)
{
    const char *between = strcmp(word, "MX") == 0 ? " " : "";

    for (size_t i = 0; i < item_count(entries); i++) {
        yaml_node_t *entry = item(zone, entries, i);
        yaml_node_t *value = spf_yaml_get(zone->document, entry, word);
        yaml_node_t *rcode = spf_yaml_get(zone->document, entry, "RCODE");
        /* TIMEOUT is meant for the types that have no record before it. */
        if (strcmp(spf_yaml_text(entry), "TIMEOUT") == 0 && list->count == 0)
            return false;
        if (strcmp(spf_yaml_text(value), "TIMEOUT") == 0)
            return false;
        if (rcode != NULL && atoi(spf_yaml_text(rcode)) != 0 && atoi(spf_yaml_text(rcode)) != 3 &&
            list->count == 0)
            return false;
        *has = *has || value != NULL;
        if (value != NULL)
            add_value(zone, value, between, list);
    }
    return true;
}

/* Presentation form back to octets. */
static void unescape(const char *name, char out[SV_NAME_BYTES])
{
    size_t at = 0;

    for (; *name != '\0'; name++) {
        if (name[0] == '\\' && strlen(name) >= 4) {
            out[at++] = (char)((name[1] - '0') * 100 + (name[2] - '0') * 10 + (name[3] - '0'));
            name += 3;
        } else {
            out[at++] = *name;
        }
    }
    out[at] = '\0';
}

static struct spf_list *make_list(struct spf_answers *answers)
{
    struct spf_list *list = sv_alloc(1, sizeof(*list));

    list->next = answers->list;
    answers->list = list;
    return list;
}

void spf_zone_ask(void *context, const char *name, enum sv_rr_type type, struct sv_spf_reply *out)
{
    struct spf_answers *answers = context;
    const struct spf_zone *zone = &answers->zone;
    struct spf_list *list = make_list(answers);
    char octets[SV_NAME_BYTES];

    unescape(name, octets);
    *out = (struct sv_spf_reply){.known = true, .values = list->values};
    for (size_t hop = 0; hop < ALIASES_MAX; hop++) {
        yaml_node_t *entries = spf_yaml_get(zone->document, zone->names, octets);
        struct spf_list *alias;
        struct sv_line line;
        bool has = false;
        bool has_alias = false;
        if (entries == NULL) {
            out->outcome = SV_DNS_NXDOMAIN;
            return;
        }
        if (!collect(zone, entries, type_word(type), list, &has))
            return;
        if (type == SV_RR_TXT && !has && !collect(zone, entries, "SPF", list, &has))
            return;
        out->count = list->count;
        out->outcome = list->count > 0 ? SV_DNS_DATA : SV_DNS_NODATA;
        alias = make_list(answers);
        if (list->count > 0 || !collect(zone, entries, "CNAME", alias, &has_alias) ||
            alias->count == 0)
            return;
        sv_line_init(&line, octets, sizeof(octets));
        sv_line_add_bytes(&line, alias->values[0].text, alias->values[0].len);
        if (octets[0] != '\0' && octets[strlen(octets) - 1] == '.')
            octets[strlen(octets) - 1] = '\0';
    }
    *out = (struct sv_spf_reply){.known = true}; /* the aliases loop */
}

void spf_answers_free(struct spf_answers *answers)
{
    while (answers->list != NULL) {
        struct spf_list *next = answers->list->next;
        free(answers->list);
        answers->list = next;
    }
}
