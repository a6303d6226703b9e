#include "text.h"

#include <stdio.h>

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

enum sv_colour sv_text_colour_of_record(enum sv_record_status status)
{
    switch (status) {
    case SV_RECORD_OK:
        return SV_GREEN;
    case SV_RECORD_WRONG:
        return SV_RED;
    case SV_RECORD_WAITING:
        return SV_YELLOW;
    case SV_RECORD_UNKNOWN:
        break;
    }
    return SV_DIM;
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

void sv_text_print_records(const struct sv_record *records, const enum sv_record_status *statuses,
                           size_t count, bool colour)
{
    static const char *const heads[] = {"STATUS", "TYPE",     "NAME",    "HOST",
                                        "TTL",    "PRIORITY", "PURPOSE", "VALUE"};
    struct sv_table table;

    sv_table_init(&table, sizeof(heads) / sizeof(heads[0]), heads);
    for (size_t i = 0; i < count; i++) {
        const struct sv_record *record = &records[i];
        char ttl[24];

        (void)snprintf(ttl, sizeof(ttl), "%u", record->ttl_s);
        sv_table_row(&table);
        sv_table_set(&table, 0, sv_text_colour_of_record(statuses[i]),
                     sv_record_status_name(statuses[i]));
        sv_table_set(&table, 1, SV_PLAIN, sv_rr_type_name(record->type));
        sv_table_set(&table, 2, SV_PLAIN, record->name);
        sv_table_set(&table, 3, SV_PLAIN, record->host);
        sv_table_set(&table, 4, SV_PLAIN, ttl);
        sv_table_set(&table, 5, SV_PLAIN, record->high_priority ? "HIGH" : "MEDIUM");
        sv_table_set(&table, 6, SV_PLAIN, record->purpose);
        sv_table_set(&table, 7, SV_PLAIN, record->value);
    }
    sv_table_print(&table, colour, stdout);
    sv_table_fini(&table);
}
