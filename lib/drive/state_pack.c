#include "state_pack.h"

#include <string.h>

static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567"; /* base 32, as SES's tokens */

enum {
    DIGIT_BITS = 6,
    LETTER_BITS = 5,
    TOKEN_LETTERS = 32,
    HALF_LETTERS = 48,
    HALF_DIGITS = 40,
};

char sv_pack_digit(unsigned value)
{
    return digits[value % 64];
}

int sv_pack_digit_value(char digit)
{
    const char *found = digit == '\0' ? NULL : strchr(digits, digit);

    return found == NULL ? -1 : (int)(found - digits);
}

char *sv_pack_number(char *out, uint64_t value)
{
    char reversed[SV_PACK_NUMBER_BYTES];
    unsigned count = 0;

    for (; value > 0; value >>= DIGIT_BITS)
        reversed[count++] = digits[value % 64];
    while (count > 0)
        *out++ = reversed[--count];
    *out = '\0';
    return out;
}

bool sv_pack_number_read(const char **at, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;

    for (; **at != '\0' && **at != ','; (*at)++) {
        int digit = sv_pack_digit_value(**at);

        if (digit < 0 || value > (UINT64_MAX >> DIGIT_BITS))
            return false;
        value = (value << DIGIT_BITS) | (uint64_t)digit;
    }
    if (**at == ',')
        (*at)++;
    *out = value;
    return value <= max;
}

/* Letters of 5 bits into digits of 6, as many bits on both sides. */
static bool pack_half(const char *text, char out[SV_PACK_TOKENS_BYTES])
{
    uint32_t bits = 0;
    unsigned count = 0;

    for (int i = 0; i < HALF_LETTERS; i++) {
        const char *found = text[i] == '\0' ? NULL : strchr(letters, text[i]);

        if (found == NULL)
            return false;
        bits = (bits << LETTER_BITS) | (uint32_t)(found - letters);
        count += LETTER_BITS;
        if (count >= DIGIT_BITS) {
            count -= DIGIT_BITS;
            *out++ = digits[(bits >> count) % 64];
        }
    }
    *out = '\0';
    return true;
}

static bool read_half(const char *text, char *out)
{
    uint32_t bits = 0;
    unsigned count = 0;

    if (strlen(text) != HALF_DIGITS)
        return false;
    for (int i = 0; i < HALF_DIGITS; i++) {
        int digit = sv_pack_digit_value(text[i]);

        if (digit < 0)
            return false;
        bits = (bits << DIGIT_BITS) | (uint32_t)digit;
        for (count += DIGIT_BITS; count >= LETTER_BITS; *out++ = letters[(bits >> count) % 32])
            count -= LETTER_BITS;
    }
    return true;
}

bool sv_pack_tokens(char tokens[SV_SES_TOKENS_MAX][SV_SES_TOKEN_BYTES],
                    char first[SV_PACK_TOKENS_BYTES], char second[SV_PACK_TOKENS_BYTES])
{
    char all[SV_SES_TOKENS_MAX * TOKEN_LETTERS];

    for (int i = 0; i < SV_SES_TOKENS_MAX; i++) {
        if (strlen(tokens[i]) != TOKEN_LETTERS)
            return false;
        memcpy(all + (size_t)i * TOKEN_LETTERS, tokens[i], TOKEN_LETTERS);
    }
    return pack_half(all, first) && pack_half(all + HALF_LETTERS, second);
}

bool sv_pack_tokens_read(const char *first, const char *second,
                         char tokens[SV_SES_TOKENS_MAX][SV_SES_TOKEN_BYTES])
{
    char all[SV_SES_TOKENS_MAX * TOKEN_LETTERS];

    if (!read_half(first, all) || !read_half(second, all + HALF_LETTERS))
        return false;
    for (int i = 0; i < SV_SES_TOKENS_MAX; i++) {
        memcpy(tokens[i], all + (size_t)i * TOKEN_LETTERS, TOKEN_LETTERS);
        tokens[i][TOKEN_LETTERS] = '\0';
    }
    return true;
}
