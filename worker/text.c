#include "text.h"

#include <stdio.h>
#include <string.h>

#include "exit.h"
#include "sv/json.h"
#include "sv/require.h"
#include "table.h"

enum { JSON_BYTES_MAX = 8 << 20 };

void sv_text_print_json(json_t *tree)
{
    struct sv_buf text;

    sv_buf_init(&text, JSON_BYTES_MAX);
    SV_REQUIRE(sv_json_write(tree, &text));
    (void)printf("%s\n", sv_buf_str(&text));
    sv_buf_fini(&text);
    json_decref(tree);
}

const char *sv_text_of(const json_t *object, const char *key)
{
    const char *text = sv_json_str(object, key);

    return text != NULL ? text : "";
}

const char *sv_text_verdict(int code)
{
    if (code == SV_EXIT_OK)
        return "right";
    return code == SV_EXIT_WRONG ? "wrong" : "undecidable";
}

enum sv_colour sv_text_colour_of_verdict(int code)
{
    if (code == SV_EXIT_OK)
        return SV_GREEN;
    return code == SV_EXIT_WRONG ? SV_RED : SV_YELLOW;
}

enum sv_colour sv_text_colour_of_status(enum sv_status status)
{
    switch (status) {
    case SV_STATUS_VERIFIED:
        return SV_GREEN;
    case SV_STATUS_PENDING:
    case SV_STATUS_AT_RISK:
        return SV_YELLOW;
    case SV_STATUS_FAILED:
        return SV_RED;
    case SV_STATUS_NEW:
    case SV_STATUS_REMOVED:
    case SV_STATUS_COUNT:
        break;
    }
    return SV_DIM;
}

enum sv_colour sv_text_colour_of_record(const char *status)
{
    if (strcmp(status, "ok") == 0)
        return SV_GREEN;
    if (strcmp(status, "wrong") == 0)
        return SV_RED;
    return strcmp(status, "waiting") == 0 ? SV_YELLOW : SV_DIM;
}

enum sv_colour sv_text_colour_of_axis(enum sv_axis axis)
{
    if (axis == SV_AXIS_SUCCESS)
        return SV_GREEN;
    if (axis == SV_AXIS_FAILED || axis == SV_AXIS_GONE)
        return SV_RED;
    if (axis == SV_AXIS_PENDING || axis == SV_AXIS_TEMPORARY_FAILURE)
        return SV_YELLOW;
    return SV_PLAIN;
}

const char *sv_text_when(sv_ms at, sv_ms now, char out[SV_TEXT_WHEN_BYTES])
{
    char rough[SV_DURATION_TEXT_BYTES];

    if (at == 0)
        (void)snprintf(out, SV_TEXT_WHEN_BYTES, "never");
    else if (at <= now)
        (void)snprintf(out, SV_TEXT_WHEN_BYTES, "%s ago", sv_duration_human(now - at, rough));
    else
        (void)snprintf(out, SV_TEXT_WHEN_BYTES, "in %s", sv_duration_human(at - now, rough));
    return out;
}

/* "2 h ago", or "ends in 10 min" where caches are waited for. */
static const char *known_since(const json_t *record, sv_ms now, char out[SV_TEXT_WHEN_BYTES])
{
    const char *since = sv_json_str(record, "since"), *until = sv_json_str(record, "until");
    const char *known = until != NULL ? until : since;
    char when[SV_TEXT_WHEN_BYTES];
    sv_ms at = 0;

    if (known == NULL || sv_time_parse(known, strlen(known), &at) != SV_OK)
        return "-";
    (void)snprintf(out, SV_TEXT_WHEN_BYTES, "%s%s", until != NULL ? "ends " : "",
                   sv_text_when(at, now, when));
    return out;
}

void sv_text_print_records(const json_t *records, sv_ms now, bool colour)
{
    static const char *const heads[] = {"STATUS", "SINCE",    "TYPE",    "NAME", "HOST",
                                        "TTL",    "PRIORITY", "PURPOSE", "VALUE"};
    struct sv_table table;

    sv_table_init(&table, sizeof(heads) / sizeof(heads[0]), heads);
    for (size_t i = 0; i < json_array_size(records); i++) {
        const json_t *record = json_array_get(records, i);
        char ttl[24], since[SV_TEXT_WHEN_BYTES];

        (void)snprintf(ttl, sizeof(ttl), "%lld",
                       json_integer_value(json_object_get(record, "ttl")));
        sv_table_row(&table);
        sv_table_set(&table, 0, sv_text_colour_of_record(sv_text_of(record, "status")),
                     sv_text_of(record, "status"));
        sv_table_set(&table, 1, SV_DIM, known_since(record, now, since));
        sv_table_set(&table, 2, SV_PLAIN, sv_text_of(record, "type"));
        sv_table_set(&table, 3, SV_PLAIN, sv_text_of(record, "name"));
        sv_table_set(&table, 4, SV_PLAIN, sv_text_of(record, "host"));
        sv_table_set(&table, 5, SV_PLAIN, ttl);
        sv_table_set(&table, 6, SV_PLAIN, sv_text_of(record, "priority"));
        sv_table_set(&table, 7, SV_PLAIN, sv_text_of(record, "purpose"));
        sv_table_set(&table, 8, SV_PLAIN, sv_text_of(record, "value"));
    }
    sv_table_print(&table, colour, stdout);
    sv_table_fini(&table);
}
