#include "sv/utf8.h"

static bool is_tail(char byte)
{
    return ((unsigned char)byte & 0xc0u) == 0x80u;
}

size_t sv_utf8_next(const char *text, size_t len, uint32_t *point)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t need = 1;
    uint32_t value;
    unsigned char first;

    if (len == 0)
        return 0;
    first = (unsigned char)text[0];
    value = first;
    if (first >= 0x80) {
        if (first < 0xc2 || first > 0xf4)
            return 0;
        need = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
        value = first & (0x7fu >> need);
    }
    if (need > len)
        return 0;
    for (size_t i = 1; i < need; i++) {
        if (!is_tail(text[i]))
            return 0;
        value = value << 6 | ((unsigned char)text[i] & 0x3fu);
    }
    if (value < smallest[need] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 0;
    if (point != NULL)
        *point = value;
    return need;
}

size_t sv_utf8_cut(const char *text, size_t len, size_t bytes_max)
{
    size_t cut = bytes_max;

    if (len <= bytes_max)
        return len;
    for (size_t back = 0; back < 3 && cut > 0 && is_tail(text[cut]); back++)
        cut--;
    /* Bytes that are no UTF-8 anyway can be cut anywhere. */
    return is_tail(text[cut]) ? bytes_max : cut;
}

bool sv_utf8_is_unsafe(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point <= 0x9f) || point == 0x061c ||
           (point >= 0x200e && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
           (point >= 0x2066 && point <= 0x2069) || point == 0xfeff;
}
