/* What a terminal needs to know: whether colour is welcome, and how wide a text is. */
#ifndef SV_WORKER_TERM_H
#define SV_WORKER_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum sv_colour { SV_PLAIN, SV_BOLD, SV_DIM, SV_RED, SV_GREEN, SV_YELLOW };

/* Colour only on a terminal, never with NO_COLOR (set and not empty) or TERM=dumb (C2). */
bool sv_term_wants_colour(FILE *out, char *const *environment);

/* The escape sequence, "" for SV_PLAIN. `sv_term_reset` ends it. */
const char *sv_term_start(enum sv_colour colour);
extern const char sv_term_reset[];

/* Columns that UTF-8 text takes: 0 for combining marks, 2 for wide East Asian characters and emoji,
 * 1 for the rest, broken bytes included. */
size_t sv_term_columns(const char *text);

/* Replaces bytes that are no UTF-8, control characters and direction marks by '?', in place. */
void sv_term_make_safe(char *text);

#endif
