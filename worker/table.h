/* Rows of text in aligned columns. */
#ifndef SV_WORKER_TABLE_H
#define SV_WORKER_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "term.h"

enum { SV_TABLE_COLUMNS_MAX = 10, SV_TABLE_ROWS_MAX = 100000 };

struct sv_table {
    size_t columns;
    size_t rows_count, rows_cap;
    struct sv_table_cell *cells; /* rows_count * columns */
};

struct sv_table_cell {
    char *text; /* owned */
    enum sv_colour colour;
};

/* `heads` has `columns` entries, shown in bold; NULL = no head. */
void sv_table_init(struct sv_table *table, size_t columns, const char *const *heads);
void sv_table_fini(struct sv_table *table);

/* Starts a row; its cells are empty. SV_TABLE_ROWS_MAX is the caller's to keep. */
void sv_table_row(struct sv_table *table);

/* Fills a cell of the last row; the text is copied, and what could confuse a terminal is replaced
 * by '?'. NULL is "". */
void sv_table_set(struct sv_table *table, size_t column, enum sv_colour colour, const char *text);

/* Orders the rows below the head by their first column, then by their second. */
void sv_table_sort(struct sv_table *table);

/* Two blanks between columns, none at the end of a line. */
void sv_table_print(const struct sv_table *table, bool colour, FILE *out);

#endif
