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

/* Reads one octet, escaped or not, and moves `*text` behind it. */
static bool take_octet(const char **text, uint8_t *octet)
{
    const char *t = *text;

    if (*t != '\\') {
        *octet = (uint8_t)*t;
        *text = t + 1;
        return true;
    }
    if (t[1] == 0)
        return false;
    if (!is_digit(t[1])) {
        *octet = (uint8_t)t[1];
        *text = t + 2;
        return true;
    }
    if (!is_digit(t[2]) || !is_digit(t[3]))
        return false;
    int value = (t[1] - '0') * 100 + (t[2] - '0') * 10 + (t[3] - '0');
    *octet = (uint8_t)value;
    *text = t + 4;
    return value <= 255;
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
        if (at >= SV_DNS_WIRE_MAX || at - head > LABEL_MAX || !take_octet(&text, &out[at]))
            return 0;
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
