#include "demo.h"

#include <stdlib.h>
#include <string.h>

#include "show.h"
#include "sv/json.h"

enum { ADVICE_INDENT = 29, ADVICE_COLUMNS = 95 };

static const char *paint(const struct demo_table *table, const char *code)
{
    return table->colour ? code : "";
}

static const char *colour_of(const struct demo_table *table, const char *status)
{
    if (strcmp(status, "verified") == 0)
        return paint(table, "\033[32m");
    if (strcmp(status, "at_risk") == 0)
        return paint(table, "\033[33m");
    if (strcmp(status, "failed") == 0)
        return paint(table, "\033[31m");
    return "";
}

static void copy(char *out, size_t bytes, const char *text)
{
    (void)snprintf(out, bytes, "%s", text == NULL ? "" : text);
}

static size_t find_role(const json_t *event)
{
    const char *subject = sv_json_str(event, "subject");

    for (size_t i = 0; subject != NULL && i < demo_cast_count; i++) {
        if (strcmp(subject, demo_cast[i].domain) == 0)
            return i;
    }
    return demo_cast_count;
}

static void read_kind(const json_t *event, char kind[32])
{
    static const char prefix[] = "io.sesverify.domain.";
    const char *type = sv_json_str(event, "type");
    const char *end;

    kind[0] = '\0';
    if (type == NULL || strncmp(type, prefix, sizeof prefix - 1) != 0)
        return;
    type += sizeof prefix - 1;
    end = strchr(type, '.');
    if (end != NULL && (size_t)(end - type) < 32)
        (void)snprintf(kind, 32, "%.*s", (int)(end - type), type);
}

static void print_time(const struct demo_table *table, sv_ms now)
{
    (void)printf("%s%6.1fs%s  ", paint(table, "\033[2m"), (double)(now - table->started) / 1000,
                 paint(table, "\033[0m"));
}

/* The cause of what is wrong, which need not be the first in the list. */
static const json_t *primary_of(const json_t *data)
{
    const json_t *findings = json_object_get(data, "findings");
    int primary = sv_show_primary(findings);

    return primary < 0 ? NULL : json_array_get(findings, (size_t)primary);
}

/* In words, below the event they belong to; a name longer than a line stays whole. */
static void print_advice(const struct demo_table *table, const char *text)
{
    size_t column = 0;

    (void)printf("%s", paint(table, "\033[2m"));
    while (text != NULL && *text != '\0') {
        size_t len = strcspn(text, " ");

        if (column == 0 || column + len > ADVICE_COLUMNS) {
            (void)printf("%s%*s", column == 0 ? "" : "\n", ADVICE_INDENT, "");
            column = 0;
        }
        (void)printf("%s%.*s", column == 0 ? "" : " ", (int)len, text);
        column += len + 1;
        text += len + strspn(text + len, " ");
    }
    (void)printf("%s\n", paint(table, "\033[0m"));
}

/* The advice only when the domain did not have that finding already (`is_new`). */
static void print_event(const struct demo_table *table, size_t role, const json_t *data,
                        const char *kind, bool is_new)
{
    const json_t *finding = primary_of(data);
    const char *to = sv_json_str(data, "to");

    (void)printf("%-17s %s%-11s%s %s%s%s", demo_cast[role].domain,
                 colour_of(table, to == NULL ? "" : to), kind, paint(table, "\033[0m"),
                 sv_json_str(data, "conclusion"), finding == NULL ? "" : " · ",
                 finding == NULL ? "" : sv_json_str(finding, "code"));
    if (strcmp(kind, "registered") == 0)
        (void)printf(" · %zu records to publish",
                     json_array_size(json_object_get(data, "dns_records")));
    (void)printf("\n");
    if (is_new && finding != NULL && strcmp(kind, "registered") != 0)
        print_advice(table, sv_json_str(finding, "advice"));
}

static void print_json(json_t *event)
{
    struct sv_buf out;

    sv_buf_init(&out, (size_t)64 * 1024);
    if (sv_json_write(event, &out))
        (void)printf("%s\n", sv_buf_str(&out));
    sv_buf_fini(&out);
}

size_t demo_table_take(struct demo_table *table, json_t *event, sv_ms now, char kind[32])
{
    size_t role = find_role(event);
    const json_t *data = json_object_get(event, "data");
    const char *sequence = sv_json_str(event, "sequence");
    const char *finding;
    struct demo_row *row;
    bool is_new;

    read_kind(event, kind);
    if (table->json)
        print_json(event);
    if (role == demo_cast_count || kind[0] == '\0')
        return role;
    row = &table->rows[role];
    row->gap = row->gap || sequence == NULL || strtoull(sequence, NULL, 10) != ++row->sequence;
    row->events++;
    copy(row->status, sizeof row->status, sv_json_str(data, "to"));
    copy(row->conclusion, sizeof row->conclusion, sv_json_str(data, "conclusion"));
    finding = sv_json_str(primary_of(data), "code");
    is_new = finding != NULL && strcmp(row->finding, finding) != 0;
    copy(row->finding, sizeof row->finding, finding);
    if (strcmp(kind, "updated") != 0)
        copy(row->last_kind, sizeof row->last_kind, kind);
    if (!table->json) {
        print_time(table, now);
        print_event(table, role, data, kind, is_new);
    }
    (void)fflush(stdout);
    return role;
}

void demo_table_say(const struct demo_table *table, size_t role, const char *says, sv_ms now)
{
    if (table->json)
        return;
    print_time(table, now);
    (void)printf("%-17s %s%s %s%s\n", demo_cast[role].domain, paint(table, "\033[36m"),
                 demo_cast[role].client_id, says, paint(table, "\033[0m"));
    (void)fflush(stdout);
}

bool demo_table_is_right(const struct demo_table *table, size_t role)
{
    const struct demo_row *row = &table->rows[role];
    const struct demo_role *part = &demo_cast[role];

    return !row->gap && strcmp(row->status, part->ends_as) == 0 &&
           (part->ends_with == NULL || strcmp(row->last_kind, part->ends_with) == 0);
}

static bool print_summary_json(const struct demo_table *table, FILE *out)
{
    json_t *summary = sv_json_object(), *rows = sv_json_array();
    bool right = true;
    struct sv_buf text;

    for (size_t i = 0; i < demo_cast_count; i++) {
        json_t *row = sv_json_object();

        right = right && demo_table_is_right(table, i);
        sv_json_set_str(row, "domain", demo_cast[i].domain);
        sv_json_set_str(row, "client_id", demo_cast[i].client_id);
        sv_json_set_str(row, "status", table->rows[i].status);
        sv_json_set_str(row, "expected", demo_cast[i].ends_as);
        sv_json_set_int(row, "events", table->rows[i].events);
        sv_json_set_bool(row, "right", demo_table_is_right(table, i));
        sv_json_append(rows, row);
    }
    sv_json_set_str(summary, "schema", "sesverify.demo.v1");
    sv_json_set_bool(summary, "right", right);
    sv_json_set(summary, "domains", rows);
    sv_buf_init(&text, (size_t)64 * 1024);
    if (sv_json_write(summary, &text))
        (void)fprintf(out, "%s\n", sv_buf_str(&text));
    sv_buf_fini(&text);
    json_decref(summary);
    return right;
}

bool demo_table_print(const struct demo_table *table, FILE *out)
{
    bool right = true;

    if (table->json)
        return print_summary_json(table, out);
    (void)fprintf(out, "\n%-17s %-21s %6s  %-28s %s\n", "DOMAIN", "STATUS", "EVENTS", "CONCLUSION",
                  "STORY");
    for (size_t i = 0; i < demo_cast_count; i++) {
        const struct demo_row *row = &table->rows[i];
        bool good = demo_table_is_right(table, i);

        right = right && good;
        (void)fprintf(out, "%-17s %s%-21s%s %6u  %-28s %s\n", demo_cast[i].domain,
                      colour_of(table, row->status), row->status[0] == '\0' ? "-" : row->status,
                      paint(table, "\033[0m"), row->events, row->conclusion, demo_cast[i].story);
        if (row->gap)
            (void)fprintf(out, "%17s the sequence of its events has a gap or a repeat\n", "");
        if (!good)
            (void)fprintf(out, "%17s should have ended %s%s%s\n", "", demo_cast[i].ends_as,
                          demo_cast[i].ends_with == NULL ? "" : " by ",
                          demo_cast[i].ends_with == NULL ? "" : demo_cast[i].ends_with);
    }
    (void)fprintf(out, "\n%s\n",
                  right ? "Every domain ended where it should."
                        : "Some domains did not end where they should.");
    return right;
}
