#include "ip.h"

#include <string.h>

/* Reads digits from the front; false for none, a leading zero or more than 255. */
static bool take_octet(struct sv_span *rest, uint8_t *out)
{
    unsigned value = 0;
    size_t len = 0;

    while (len < rest->len && len < 4 && sv_char_is_digit(rest->text[len]))
        value = value * 10 + (unsigned)(rest->text[len++] - '0');
    if (len == 0 || (len > 1 && *rest->text == '0') || value > 255)
        return false;
    *out = (uint8_t)value;
    rest->text += len;
    rest->len -= len;
    return true;
}

static bool take_char(struct sv_span *rest, char c)
{
    if (rest->len == 0 || *rest->text != c)
        return false;
    rest->text++;
    rest->len--;
    return true;
}

static bool read_v4(struct sv_span text, uint8_t out[4])
{
    for (size_t i = 0; i < 4; i++) {
        if ((i > 0 && !take_char(&text, '.')) || !take_octet(&text, &out[i]))
            return false;
    }
    return text.len == 0;
}

bool sv_ip4_parse(struct sv_span text, struct sv_ip *out)
{
    memset(out, 0, sizeof(*out));
    return read_v4(text, out->octets);
}

static int hex_value(char c)
{
    if (sv_char_is_digit(c))
        return c - '0';
    c = sv_char_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The length of the group of 1 to 4 hexadecimal digits at the front, 0 when there is none. */
static size_t read_group(struct sv_span text, unsigned *out)
{
    size_t len = 0;

    *out = 0;
    while (len < text.len && hex_value(text.text[len]) >= 0)
        *out = (*out << 4) + (unsigned)hex_value(text.text[len++]);
    return len <= 4 ? len : 0;
}

/* Reads groups up to the end of the text or a "::", which stays. Returns how many octets they are,
 * 99 for what is none. */
static size_t read_groups(struct sv_span *rest, uint8_t out[16])
{
    enum { BAD = 99 };
    size_t at = 0;

    while (rest->len > 0 && !sv_span_starts(*rest, "::")) {
        unsigned group;
        size_t len;
        if (at > 0 && !take_char(rest, ':'))
            return BAD;
        if (at <= 12 && read_v4(*rest, out + at)) {
            rest->len = 0;
            return at + 4;
        }
        len = read_group(*rest, &group);
        if (len == 0 || at == 16)
            return BAD;
        out[at++] = (uint8_t)(group >> 8);
        out[at++] = (uint8_t)group;
        rest->text += len;
        rest->len -= len;
    }
    return at;
}

bool sv_ip6_parse(struct sv_span text, struct sv_ip *out)
{
    uint8_t tail[16];
    size_t front_len;
    size_t tail_len;

    memset(out, 0, sizeof(*out));
    out->is_v6 = true;
    front_len = read_groups(&text, out->octets);
    if (text.len == 0)
        return front_len == 16;
    if (front_len > 14) /* "::" stands for at least one group */
        return false;
    text.text += 2;
    text.len -= 2;
    tail_len = read_groups(&text, tail);
    if (text.len > 0 || front_len + tail_len > 14)
        return false;
    memcpy(out->octets + 16 - tail_len, tail, tail_len);
    return true;
}

bool sv_ip_parse(struct sv_span text, struct sv_ip *out)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    if (sv_ip4_parse(text, out))
        return true;
    if (!sv_ip6_parse(text, out))
        return false;
    if (memcmp(out->octets, mapped, sizeof(mapped)) == 0) {
        memmove(out->octets, out->octets + 12, 4);
        memset(out->octets + 4, 0, 12);
        out->is_v6 = false;
    }
    return true;
}

bool sv_ip_in(const struct sv_ip *ip, const struct sv_ip *network, unsigned prefix)
{
    unsigned whole = prefix / 8;
    unsigned mask = 0xffu << (8 - prefix % 8) & 0xffu;

    if (ip->is_v6 != network->is_v6 || memcmp(ip->octets, network->octets, whole) != 0)
        return false;
    return mask == 0 || ((ip->octets[whole] ^ network->octets[whole]) & mask) == 0;
}

bool sv_ip_is_private(const struct sv_ip *ip)
{
    static const struct {
        struct sv_ip network;
        unsigned prefix;
    } blocks[] = {
        {{.octets = {0}}, 8},
        {{.octets = {10}}, 8},
        {{.octets = {100, 64}}, 10},
        {{.octets = {127}}, 8},
        {{.octets = {169, 254}}, 16},
        {{.octets = {172, 16}}, 12},
        {{.octets = {192, 168}}, 16},
        {{.is_v6 = true, .octets = {0}}, 128},
        {{.is_v6 = true, .octets = {[15] = 1}}, 128},
        {{.is_v6 = true, .octets = {0xfc}}, 7},
        {{.is_v6 = true, .octets = {0xfe, 0x80}}, 10},
    };

    for (size_t i = 0; i < sizeof(blocks) / sizeof(*blocks); i++) {
        if (sv_ip_in(ip, &blocks[i].network, blocks[i].prefix))
            return true;
    }
    return false;
}

static void add_hex(struct sv_line *line, unsigned number)
{
    static const char digits[] = "0123456789abcdef";
    bool begun = false;

    for (int shift = 12; shift >= 0; shift -= 4) {
        unsigned digit = number >> shift & 0xf;
        begun = begun || digit != 0 || shift == 0;
        if (begun)
            sv_line_add_bytes(line, &digits[digit], 1);
    }
}

/* The longest run of zero groups of at least two, where "::" stands (RFC 5952 section 4.2). */
static void find_gap(const uint8_t *address, size_t *from, size_t *count)
{
    *from = 8;
    *count = 1;
    for (size_t i = 0; i < 8; i++) {
        size_t end = i;
        while (end < 8 && address[2 * end] == 0 && address[2 * end + 1] == 0)
            end++;
        if (end - i > *count) {
            *from = i;
            *count = end - i;
        }
    }
}

static void add_v6(struct sv_line *line, const uint8_t *address)
{
    size_t gap, gap_count;

    find_gap(address, &gap, &gap_count);
    for (size_t i = 0; i < 8; i++) {
        if (i == gap) {
            sv_line_add(line, "::");
            i += gap_count - 1;
            continue;
        }
        if (i > 0 && i != gap + gap_count)
            sv_line_add(line, ":");
        add_hex(line, (unsigned)(address[2 * i] << 8 | address[2 * i + 1]));
    }
}

void sv_ip_show(const struct sv_ip *ip, struct sv_line *out)
{
    if (ip->is_v6) {
        add_v6(out, ip->octets);
        return;
    }
    for (size_t i = 0; i < 4; i++) {
        sv_line_add(out, i > 0 ? "." : "");
        sv_line_add_number(out, ip->octets[i]);
    }
}
