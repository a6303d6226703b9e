/* Decimal numbers without a format: what is written for every command, answer and event, where
 * snprintf takes many times as long. */
#ifndef SV_DIGITS_H
#define SV_DIGITS_H

#include <stddef.h>

enum { SV_DIGITS_MAX = 20 }; /* of a size_t */

/* How many digits `number` has: 1 to SV_DIGITS_MAX. */
size_t sv_digits_count(size_t number);

/* Writes the last `count` digits of `number`, with leading zeros, and no NUL. Returns what is
 * behind them. */
char *sv_digits_write(char *out, size_t number, size_t count);

#endif
