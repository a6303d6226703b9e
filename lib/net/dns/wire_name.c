#include "wire_name.h"

#include <string.h>

enum { LABEL_MAX = 63 };

static uint8_t lower(uint8_t octet)
{
    return octet >= 'A' && octet <= 'Z' ? (uint8_t)(octet + ('a' - 'A')) : octet;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads the octet that a backslash begins. Returns how many characters tell it; 0 = none. */
static size_t read_escaped(const char *text, uint8_t *octet)
{
    int value;

    if (text[1] == 0)
        return 0;
    if (!is_digit(text[1])) {
        *octet = (uint8_t)text[1];
        return 2;
    }
    if (!is_digit(text[2]) || !is_digit(text[3]))
        return 0;
    value = (text[1] - '0') * 100 + (text[2] - '0') * 10 + (text[3] - '0');
    *octet = (uint8_t)value;
    return value <= 255 ? 4 : 0;
}

size_t sv_dns_wire_from_text(const char *text, uint8_t out[SV_DNS_WIRE_MAX])
{
    size_t head = 0; /* where the length of the label being read will stand */
    size_t at = 1;

    if (text[0] == '.' && text[1] == 0)
        text++;
    while (*text != 0) {
        if (*text == '.') {
            if (at - head - 1 == 0)
                return 0;
            out[head] = (uint8_t)(at - head - 1);
            head = at++;
            text++;
            continue;
        }
        size_t len = 1;
        if (at >= SV_DNS_WIRE_MAX || at - head > LABEL_MAX)
            return 0;
        out[at] = (uint8_t)*text;
        if (*text == '\\')
            len = read_escaped(text, &out[at]);
        if (len == 0)
            return 0;
        text += len;
        at++;
    }
    if (at - head - 1 > 0) { /* the text ended without a final dot */
        out[head] = (uint8_t)(at - head - 1);
        head = at++;
    }
    if (at > SV_DNS_WIRE_MAX)
        return 0;
    out[head] = 0;
    return at;
}

/* How many characters an octet of a label takes in text: what master files give a meaning to is
 * escaped, so that the text can be pasted into one. */
static size_t text_width(uint8_t octet)
{
    if (octet <= ' ' || octet >= 0x7f)
        return 4;
    switch (octet) {
    case '"':
    case '(':
    case ')':
    case '.':
    case ';':
    case '\\':
    case '@':
    case '$':
        return 2;
    default:
        return 1;
    }
}

size_t sv_dns_wire_text_len(const uint8_t *wire)
{
    size_t len = 0;

    for (size_t at = 0; wire[at] != 0; at += 1u + wire[at]) {
        for (size_t i = 1; i <= wire[at]; i++)
            len += text_width(wire[at + i]);
        len++;
    }
    return len > 0 ? len - 1 : 0;
}

static char *put_octet(char *out, uint8_t octet)
{
    size_t width = text_width(octet);

    if (width == 4) {
        *out++ = '\\';
        *out++ = (char)('0' + octet / 100);
        *out++ = (char)('0' + octet / 10 % 10);
        *out++ = (char)('0' + octet % 10);
        return out;
    }
    if (width == 2)
        *out++ = '\\';
    *out++ = (char)octet;
    return out;
}

size_t sv_dns_wire_to_text(const uint8_t *wire, char *out)
{
    char *to = out;

    for (size_t at = 0; wire[at] != 0; at += 1u + wire[at]) {
        if (at > 0)
            *to++ = '.';
        for (size_t i = 1; i <= wire[at]; i++)
            to = put_octet(to, wire[at + i]);
    }
    *to = 0;
    return (size_t)(to - out);
}

bool sv_dns_wire_equal(const uint8_t *a, const uint8_t *b)
{
    for (size_t at = 0; a[at] == b[at]; at += 1u + a[at]) {
        if (a[at] == 0)
            return true;
        for (size_t i = 1; i <= a[at]; i++)
            if (lower(a[at + i]) != lower(b[at + i]))
                return false;
    }
    return false;
}

bool sv_dns_wire_is_within(const uint8_t *name, const uint8_t *parent)
{
    for (size_t at = 0;; at += 1u + name[at]) {
        if (sv_dns_wire_equal(name + at, parent))
            return true;
        if (name[at] == 0)
            return false;
    }
}
