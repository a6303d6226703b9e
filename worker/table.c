#include "table.h"

#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/require.h"

void sv_table_init(struct sv_table *table, size_t columns, const char *const *heads)
{
    SV_REQUIRE(columns > 0 && columns <= SV_TABLE_COLUMNS_MAX);
    *table = (struct sv_table){.columns = columns};
    if (heads == NULL)
        return;
    sv_table_row(table);
    for (size_t i = 0; i < columns; i++)
        sv_table_set(table, i, SV_BOLD, heads[i]);
}

void sv_table_fini(struct sv_table *table)
{
    for (size_t i = 0; i < table->rows_count * table->columns; i++)
        free(table->cells[i].text);
    free(table->cells);
    *table = (struct sv_table){0};
}

void sv_table_row(struct sv_table *table)
{
    struct sv_table_cell *row;

    SV_REQUIRE(table->rows_count <= SV_TABLE_ROWS_MAX);
    if (table->rows_count == table->rows_cap) {
        table->rows_cap = table->rows_cap == 0 ? 16 : 2 * table->rows_cap;
        table->cells =
            sv_realloc(table->cells, table->rows_cap * table->columns * sizeof(*table->cells));
    }
    row = table->cells + table->rows_count++ * table->columns;
    for (size_t i = 0; i < table->columns; i++)
        row[i] = (struct sv_table_cell){.text = sv_strdup("")};
}

void sv_table_set(struct sv_table *table, size_t column, enum sv_colour colour, const char *text)
{
    struct sv_table_cell *cell;

    SV_REQUIRE(column < table->columns && table->rows_count > 0);
    cell = table->cells + (table->rows_count - 1) * table->columns + column;
    free(cell->text);
    cell->text = sv_strdup(text != NULL ? text : "");
    cell->colour = colour;
    sv_term_make_safe(cell->text);
}

static void print_row(const struct sv_table *table, size_t row, const size_t *widths, bool colour,
                      FILE *out)
{
    const struct sv_table_cell *cells = table->cells + row * table->columns;
    size_t last = table->columns - 1;

    while (last > 0 && cells[last].text[0] == '\0')
        last--;
    for (size_t i = 0; i <= last; i++) {
        bool painted = colour && cells[i].colour != SV_PLAIN;
        size_t pad = i < last ? widths[i] - sv_term_columns(cells[i].text) + 2 : 0;

        (void)fprintf(out, "%s%s%s%*s", painted ? sv_term_start(cells[i].colour) : "",
                      cells[i].text, painted ? sv_term_reset : "", (int)pad, "");
    }
    (void)fputc('\n', out);
}

static const char *text_of(const struct sv_table_cell *cell)
{
    return cell->text != NULL ? cell->text : "";
}

static int compare_rows(const void *a, const void *b)
{
    const struct sv_table_cell *left = a, *right = b;
    int order = strcmp(text_of(&left[0]), text_of(&right[0]));

    return order != 0 ? order : strcmp(text_of(&left[1]), text_of(&right[1]));
}

void sv_table_sort(struct sv_table *table)
{
    SV_REQUIRE(table->columns >= 2 && table->rows_count >= 1);
    qsort(table->cells + table->columns, table->rows_count - 1,
          table->columns * sizeof(*table->cells), compare_rows);
}

void sv_table_print(const struct sv_table *table, bool colour, FILE *out)
{
    size_t widths[SV_TABLE_COLUMNS_MAX] = {0};

    for (size_t i = 0; i < table->rows_count * table->columns; i++) {
        size_t width = sv_term_columns(table->cells[i].text);

        if (width > widths[i % table->columns])
            widths[i % table->columns] = width;
    }
    for (size_t row = 0; row < table->rows_count; row++)
        print_row(table, row, widths, colour, out);
}
