#include "base64.h"

#include <stdbool.h>

enum { NO_DIGIT = -1 };

static int digit_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : NO_DIGIT;
}

enum sv_base64 sv_base64_decode(struct sv_span text, uint8_t *out, size_t *count, size_t *odd)
{
    uint32_t group = 0;
    unsigned bits = 0; /* at the end of the group, that are in no octet yet */
    size_t digits = 0;
    size_t pads = 0;

    *count = 0;
    for (*odd = 0; *odd < text.len; ++*odd) {
        char c = text.text[*odd];
        int digit = digit_of(c);
        if (digit == NO_DIGIT && sv_char_is_fws(c))
            continue;
        if (c == '=' && digits % 4 + pads >= 2 && digits % 4 + pads < 4) {
            pads++;
            continue;
        }
        if (digit == NO_DIGIT || pads > 0)
            return SV_BASE64_ODD;
        group = group << 6 | (uint32_t)digit;
        digits++;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[(*count)++] = (uint8_t)(group >> bits);
        }
    }
    return digits % 4 == 1 ? SV_BASE64_CUT : SV_BASE64_OK;
}
