/* What every waiting domain has, in few characters: one longer record is nothing, a million are
 * half a gigabyte. Texts of digits, so that they pass through everything that takes text. The
 * format is the record's version 2 and must not change (lib/adapt/store/README.md). */
#ifndef SV_DRIVE_STATE_PACK_H
#define SV_DRIVE_STATE_PACK_H

#include <stdbool.h>
#include <stdint.h>

#include "sv/ses.h"

enum {
    SV_PACK_NUMBER_BYTES = 12, /* digits of a number, with the 0 at the end */
    SV_PACK_TOKENS_BYTES = 41, /* one half of three tokens, with the 0 at the end */
};

/* One digit for 0 .. 63: 0-9, A-Z, a-z, "-", "_". */
char sv_pack_digit(unsigned value);
/* -1 = it is none. */
int sv_pack_digit_value(char digit);

/* Base 64, the highest digit first; nothing at all for 0. Returns where it ended. */
char *sv_pack_number(char *out, uint64_t value);

/* Reads up to a comma or the end, and passes the comma. False: no number, or above `max`. */
bool sv_pack_number_read(const char **at, uint64_t max, uint64_t *out);

/* Three DKIM tokens of SES (each 32 letters of base 32) as two halves of 40 digits. False: they are
 * not of this kind. */
bool sv_pack_tokens(char tokens[SV_SES_TOKENS_MAX][SV_SES_TOKEN_BYTES],
                    char first[SV_PACK_TOKENS_BYTES], char second[SV_PACK_TOKENS_BYTES]);
/* False: these are no halves. */
bool sv_pack_tokens_read(const char *first, const char *second,
                         char tokens[SV_SES_TOKENS_MAX][SV_SES_TOKEN_BYTES]);

#endif
