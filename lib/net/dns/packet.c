/* Queries written and replies matched by hand: both are done once per query, and neither needs a
 * library. Reading the records of a reply is packet_read.c. */
#include "dns_internal.h"

#include <string.h>

#include "packet_walk.h"
#include "wire_name.h"

enum { CLASS_IN = 1, OPT_BYTES = 11, OPT_DO = 0x80, OPTION_HEAD_BYTES = 4 };

static uint8_t *put_u16(uint8_t *to, unsigned value)
{
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
    return to + 2;
}

size_t sv_dns_packet_write(uint8_t out[512], uint16_t id, const struct sv_dns_question *question,
                           bool recursion, bool edns)
{
    size_t name_bytes = sv_dns_wire_from_text(question->name, out + SV_DNS_HEADER_BYTES);
    uint8_t *to = out;
    unsigned flags;

    if (name_bytes == 0)
        return 0;
    to = put_u16(to, id);
    /* AD asks for the resolver's validation result without its signatures (RFC 6840 5.7). */
    flags = recursion ? SV_DNS_FLAG_RD | SV_DNS_FLAG_AD : 0;
    if (question->how & SV_ASK_UNCHECKED)
        flags |= SV_DNS_FLAG_CD;
    to = put_u16(to, flags);
    to = put_u16(to, 1);
    to = put_u16(to, 0);
    to = put_u16(to, 0);
    to = put_u16(to, edns ? 1 : 0);
    to += name_bytes;
    to = put_u16(to, (unsigned)question->type);
    to = put_u16(to, CLASS_IN);
    if (edns) {
        memset(to, 0, OPT_BYTES);
        to[2] = SV_DNS_TYPE_OPT;
        put_u16(to + 3, SV_DNS_EDNS_BYTES);
        if (question->how & SV_ASK_DNSSEC)
            to[7] = OPT_DO;
        to += OPT_BYTES;
    }
    return (size_t)(to - out);
}

size_t sv_dns_packet_add_cookie(uint8_t *packet, size_t packet_bytes, const uint8_t *cookie,
                                size_t bytes)
{
    uint8_t *to = packet + packet_bytes;

    put_u16(to - 2, (unsigned)(OPTION_HEAD_BYTES + bytes)); /* RDLENGTH of the OPT record */
    to = put_u16(to, SV_DNS_OPTION_COOKIE);
    to = put_u16(to, (unsigned)bytes);
    memcpy(to, cookie, bytes);
    return packet_bytes + OPTION_HEAD_BYTES + bytes;
}

/* The question of a query that sv_dns_packet_write made. */
static size_t question_bytes(const uint8_t *query)
{
    size_t at = SV_DNS_HEADER_BYTES;

    while (query[at] != 0)
        at += 1u + query[at];
    return at + 5 - SV_DNS_HEADER_BYTES;
}

/* QR set, opcode QUERY, the same id, exactly one question. */
static bool header_fits(const uint8_t *packet, const uint8_t *query)
{
    return packet[0] == query[0] && packet[1] == query[1] && (packet[2] & 0xf8) == 0x80 &&
           packet[4] == 0 && packet[5] == 1;
}

enum sv_dns_fit sv_dns_packet_fits(const uint8_t *packet, size_t bytes, const uint8_t *query)
{
    const uint8_t *theirs = packet + SV_DNS_HEADER_BYTES;
    const uint8_t *ours = query + SV_DNS_HEADER_BYTES;
    size_t len = question_bytes(query);

    if (bytes < SV_DNS_HEADER_BYTES + len || !header_fits(packet, query))
        return SV_DNS_FIT_NONE;
    if (memcmp(theirs, ours, len) == 0)
        return SV_DNS_FIT_EXACT;
    /* A server that lays its own question out differently has no label lengths where ours are, and
     * sv_dns_wire_equal stops at the first difference, within `len`. */
    if (sv_dns_wire_equal(ours, theirs) && memcmp(theirs + len - 4, ours + len - 4, 4) == 0)
        return SV_DNS_FIT_BUT_CASE;
    return SV_DNS_FIT_NONE;
}
