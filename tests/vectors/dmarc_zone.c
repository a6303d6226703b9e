#include "dmarc_zone.h"

#include <string.h>

#include "sv/buf.h"
#include "sv/require.h"

enum { ALIASES_MAX = 8, RECORD_BYTES_MAX = 65535 };

/* A record that is written as several strings becomes one (RFC 7208 section 3.3). */
static const char *join(json_t *records, size_t at)
{
    json_t *record = json_array_get(records, at);
    struct sv_buf all;
    size_t i;
    json_t *string;

    if (json_is_string(record))
        return NULL;
    if (!json_is_array(record))
        return "a record that is neither a string nor a list of strings";
    sv_buf_init(&all, RECORD_BYTES_MAX);
    json_array_foreach(record, i, string)
    {
        if (!json_is_string(string) ||
            !sv_buf_add(&all, json_string_value(string), json_string_length(string))) {
            sv_buf_fini(&all);
            return "a record with a part that is no string, or too long";
        }
    }
    SV_REQUIRE(json_array_set_new(records, at, json_stringn(sv_buf_str(&all), all.len)) == 0);
    sv_buf_fini(&all);
    return NULL;
}

const char *dmarc_zone_check(json_t *zone)
{
    const char *owner;
    json_t *data;

    if (!json_is_object(zone))
        return "zone that is no object";
    json_object_foreach(zone, owner, data)
    {
        const char *word = json_string_value(data);
        const char *why = NULL;
        if (word != NULL && strcmp(word, "error") != 0 && strcmp(word, "exists") != 0)
            return word;
        if (json_is_object(data) &&
            (json_object_size(data) != 1 || !json_is_string(json_object_get(data, "alias"))))
            return owner;
        if (word == NULL && !json_is_object(data) && !json_is_array(data))
            return owner;
        for (size_t i = 0; json_is_array(data) && i < json_array_size(data) && why == NULL; i++)
            why = join(data, i);
        if (why != NULL)
            return why;
    }
    return NULL;
}

static bool is_below(const char *name, const char *parent)
{
    size_t len = strlen(name);
    size_t parent_len = strlen(parent);

    return len > parent_len + 1 && name[len - parent_len - 1] == '.' &&
           strcmp(name + len - parent_len, parent) == 0;
}

/* Something is at the name or below it: then no wildcard speaks for it (RFC 4592 section 3.3.1). */
static bool exists(json_t *zone, const char *name)
{
    const char *owner;
    json_t *data;

    json_object_foreach(zone, owner, data)
    {
        if (owner[0] != '*' && (strcmp(owner, name) == 0 || is_below(owner, name)))
            return true;
    }
    return false;
}

/* What is at the name, by itself or by the wildcard of its closest encloser; NULL = nothing. */
static json_t *data_at(json_t *zone, const char *name)
{
    json_t *data = json_object_get(zone, name);

    if (data != NULL || exists(zone, name))
        return data;
    for (const char *dot = strchr(name, '.'); dot != NULL; dot = strchr(dot + 1, '.')) {
        char wildcard[SV_NAME_BYTES + 2] = "*";
        SV_REQUIRE(strlen(dot) < sizeof(wildcard) - 1);
        memcpy(wildcard + 1, dot, strlen(dot) + 1);
        data = json_object_get(zone, wildcard);
        if (data != NULL || exists(zone, dot + 1))
            return data;
    }
    return NULL;
}

static struct sv_span span_of(const json_t *string)
{
    return (struct sv_span){json_string_value(string), json_string_length(string)};
}

static void records(void *context, const char *name, struct sv_dmarc_reply *out)
{
    char owner[SV_NAME_BYTES + 8] = "_dmarc.";
    json_t *data;
    size_t count = 0;

    memset(out, 0, sizeof(*out));
    SV_REQUIRE(strlen(name) < SV_NAME_BYTES);
    memcpy(owner + strlen(owner), name, strlen(name) + 1);
    data = data_at(context, owner);
    for (size_t i = 0; json_is_object(data) && i < ALIASES_MAX; i++)
        data = data_at(context, json_string_value(json_object_get(data, "alias")));
    if (json_is_object(data) ||
        (json_is_string(data) && strcmp(json_string_value(data), "error") == 0))
        return;
    out->found = SV_DMARC_FOUND_NONE;
    for (size_t i = 0; i < json_array_size(data); i++) {
        struct sv_span text = span_of(json_array_get(data, i));
        if (!sv_dmarc_is_record(text))
            continue;
        if (count++ == 0)
            sv_dmarc_parse(text, &out->record);
        out->found = count > 1                  ? SV_DMARC_FOUND_SEVERAL
                     : out->record.has_repeated ? SV_DMARC_FOUND_INVALID
                                                : SV_DMARC_FOUND_RECORD;
    }
}

static enum sv_tri name_exists(void *context, const char *name)
{
    json_t *data = data_at(context, name);

    if (json_is_string(data) && strcmp(json_string_value(data), "error") == 0)
        return SV_TRI_UNKNOWN;
    return data != NULL || exists(context, name) ? SV_TRI_YES : SV_TRI_NO;
}

struct sv_dmarc_source dmarc_zone_source(json_t *zone)
{
    return (struct sv_dmarc_source){.context = zone, .records = records, .exists = name_exists};
}
