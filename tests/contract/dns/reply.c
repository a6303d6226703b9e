#include "reply.h"

#include <stdlib.h>
#include <string.h>

enum { HEADER_BYTES = 12, CLASS_IN = 1, TYPE_NS = 2, TYPE_CNAME = 5, TYPE_SOA = 6, TYPE_TXT = 16 };

void reply_bytes(struct reply *r, const void *bytes, size_t len)
{
    if (len > sizeof(r->bytes) - r->len)
        abort();
    memcpy(r->bytes + r->len, bytes, len);
    r->len += len;
}

void reply_u8(struct reply *r, unsigned value)
{
    uint8_t octet = (uint8_t)value;

    reply_bytes(r, &octet, 1);
}

void reply_u16(struct reply *r, unsigned value)
{
    reply_u8(r, value >> 8);
    reply_u8(r, value);
}

void reply_u32(struct reply *r, uint32_t value)
{
    reply_u16(r, value >> 16);
    reply_u16(r, value & 0xffff);
}

void reply_set_u16(struct reply *r, size_t at, unsigned value)
{
    r->bytes[at] = (uint8_t)(value >> 8);
    r->bytes[at + 1] = (uint8_t)value;
}

unsigned reply_get_u16(const uint8_t *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

void reply_begin(struct reply *r, unsigned id, unsigned flags)
{
    r->len = HEADER_BYTES;
    memset(r->bytes, 0, HEADER_BYTES);
    reply_set_u16(r, 0, id);
    reply_set_u16(r, 2, flags);
}

void reply_name(struct reply *r, const char *name)
{
    while (*name != 0) {
        size_t len = strcspn(name, ".");
        if (*name == '@') {
            reply_u16(r, 0xc000u | (unsigned)strtoul(name + 1, NULL, 10));
            return;
        }
        reply_u8(r, (unsigned)len);
        reply_bytes(r, name, len);
        name += len;
        if (*name == '.')
            name++;
    }
    reply_u8(r, 0);
}

static void count(struct reply *r, unsigned section)
{
    size_t at = 4 + 2 * (size_t)section;

    reply_set_u16(r, at, reply_get_u16(r->bytes + at) + 1);
}

void reply_question(struct reply *r, const char *name, unsigned type)
{
    count(r, 0);
    reply_name(r, name);
    reply_u16(r, type);
    reply_u16(r, CLASS_IN);
}

size_t reply_rr_begin(struct reply *r, unsigned section, const char *owner, unsigned type,
                      uint32_t ttl_s)
{
    count(r, section);
    reply_name(r, owner);
    reply_u16(r, type);
    reply_u16(r, CLASS_IN);
    reply_u32(r, ttl_s);
    reply_u16(r, 0);
    return r->len - 2;
}

void reply_rr_end(struct reply *r, size_t mark)
{
    reply_set_u16(r, mark, (unsigned)(r->len - mark - 2));
}

void reply_rr(struct reply *r, unsigned section, const char *owner, unsigned type, uint32_t ttl_s,
              const void *data, size_t len)
{
    size_t mark = reply_rr_begin(r, section, owner, type, ttl_s);

    reply_bytes(r, data, len);
    reply_rr_end(r, mark);
}

void reply_cname(struct reply *r, const char *owner, const char *target)
{
    size_t mark = reply_rr_begin(r, REPLY_ANSWER, owner, TYPE_CNAME, 300);

    reply_name(r, target);
    reply_rr_end(r, mark);
}

void reply_txt(struct reply *r, const char *owner, const char *text)
{
    size_t mark = reply_rr_begin(r, REPLY_ANSWER, owner, TYPE_TXT, 300);
    size_t len = strlen(text);

    do {
        size_t part = len > 255 ? 255 : len;
        reply_u8(r, (unsigned)part);
        reply_bytes(r, text, part);
        text += part;
        len -= part;
    } while (len > 0);
    reply_rr_end(r, mark);
}

void reply_soa(struct reply *r, const char *owner, uint32_t ttl_s, uint32_t minimum_s)
{
    size_t mark = reply_rr_begin(r, REPLY_AUTHORITY, owner, TYPE_SOA, ttl_s);

    reply_name(r, "ns1.example");
    reply_name(r, "host.example");
    for (uint32_t i = 1; i <= 4; i++)
        reply_u32(r, i);
    reply_u32(r, minimum_s);
    reply_rr_end(r, mark);
}

void reply_ns(struct reply *r, const char *owner, const char *host)
{
    size_t mark = reply_rr_begin(r, REPLY_AUTHORITY, owner, TYPE_NS, 300);

    reply_name(r, host);
    reply_rr_end(r, mark);
}

void reply_opt(struct reply *r, unsigned rcode_high, const void *options, size_t len)
{
    count(r, REPLY_ADDITIONAL);
    reply_u8(r, 0);
    reply_u16(r, 41);
    reply_u16(r, 1232);
    reply_u32(r, (uint32_t)rcode_high << 24);
    reply_u16(r, (unsigned)len);
    if (len > 0)
        reply_bytes(r, options, len);
}
