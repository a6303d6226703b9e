#include "packet_walk.h"

#include <string.h>

#include "wire_name.h"

enum {
    POINTERS_MAX = 127, /* a name of 255 octets has no more labels to point at */
    TYPE_SIG = 24,
    TYPE_DNAME = 39,
    TYPE_TSIG = 250,
    OPTION_EDE = 15,
    EDE_KNOWN_MAX = 30, /* of IANA's list; 0 is "other error" and says nothing */
    SECTION_ADDITIONAL = 3,
    KEY_HEAD_BYTES = 4,
    RRSIG_HEAD_BYTES = 18,
    NSEC3_HEAD_BYTES = 4,
    BITMAP_BYTES_MAX = 32,
    STRINGS_MAX = 257, /* full ones are 64 KiB; ldns takes memory for each as for all behind it */
};

struct cursor {
    const uint8_t *packet;
    size_t bytes;
    size_t at;
    const char *wrong; /* the first thing found wrong */
};

struct record {
    size_t owner; /* where its name begins */
    unsigned type, class;
    uint32_t ttl;
    size_t data, end; /* of RDATA */
};

static bool fail(struct cursor *c, const char *wrong)
{
    c->wrong = wrong;
    return false;
}

static uint16_t read_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

/* Moves behind the name at the cursor. Every pointer must lead before the part of the name that
 * holds it, so the walk gets strictly nearer to the front and ends. */
static bool skip_name(struct cursor *c)
{
    size_t at = c->at, part = c->at, octets = 1, pointers = 0, behind = 0;

    for (;;) {
        if (at >= c->bytes)
            return fail(c, "a name runs past the end of the packet");
        uint8_t len = c->packet[at];
        if (len == 0)
            break;
        if (len < 0x40) {
            octets += len + 1u;
            at += len + 1u;
            if (octets > SV_DNS_WIRE_MAX)
                return fail(c, "a name is longer than 255 octets");
            continue;
        }
        if (len < 0xc0)
            return fail(c, "a label has a reserved length");
        if (at + 1 >= c->bytes)
            return fail(c, "a compression pointer is cut off");
        if (pointers++ == 0)
            behind = at + 2;
        at = read_u16(c->packet + at) & 0x3fffu;
        if (at >= part || at < SV_DNS_HEADER_BYTES || pointers > POINTERS_MAX)
            return fail(c, "a compression pointer does not lead backwards");
        part = at;
    }
    c->at = pointers > 0 ? behind : at + 1;
    return true;
}

static bool skip(struct cursor *c, size_t bytes)
{
    if (bytes > c->bytes - c->at)
        return fail(c, "the packet ends inside a record");
    c->at += bytes;
    return true;
}

/* A name (or two) and `tail` octets must fill the data exactly. */
static bool check_names(struct cursor *c, const struct record *r, size_t lead, unsigned names,
                        size_t tail)
{
    c->at = r->data + lead;
    while (names-- > 0)
        if (c->at >= r->end || !skip_name(c))
            return fail(c, "a name in the data of a record is broken");
    if (c->at > r->end || r->end - c->at != tail)
        return fail(c, "the data of a record does not fill its RDLENGTH");
    return true;
}

/* At least one character-string, and they fill the data exactly (RFC 1035 section 3.3.14). */
static bool check_strings(struct cursor *c, const struct record *r, struct sv_dns_walk *out)
{
    size_t at = r->data;
    unsigned strings = 0;

    if (at == r->end)
        return fail(c, "a TXT record holds no string");
    for (; at < r->end; at += 1u + c->packet[at])
        strings++;
    if (strings > STRINGS_MAX)
        return fail(c, "a TXT record holds too many strings");
    if (strings > out->strings_max)
        out->strings_max = (uint16_t)strings;
    return at == r->end || fail(c, "a string of a TXT record runs past its RDLENGTH");
}

static bool is_known_ede(unsigned info_code)
{
    return info_code >= 1 && info_code <= EDE_KNOWN_MAX;
}

/* The first one whose code says something, otherwise the first. */
static void keep_ede(unsigned info_code, struct sv_dns_walk *out)
{
    bool better = is_known_ede(info_code) && !is_known_ede(out->ede - 1u);

    if (out->ede == 0 || better)
        out->ede = (uint16_t)(info_code < UINT16_MAX ? info_code + 1 : UINT16_MAX);
}

/* Ours alone, or with 8 to 32 octets of the server's behind it (RFC 7873 section 4). */
static bool is_cookie(size_t len)
{
    return len == 8 || (len >= 16 && len <= 40);
}

static bool check_options(struct cursor *c, const struct record *r, struct sv_dns_walk *out)
{
    size_t at = r->data;

    if (out->edns || c->packet[r->owner] != 0)
        return fail(c, "the OPT record is not alone or not at the root");
    out->edns = true;
    out->rcode |= (r->ttl >> 24) << 4;
    while (r->end - at >= 4) {
        unsigned code = read_u16(c->packet + at);
        size_t len = read_u16(c->packet + at + 2);
        at += 4;
        if (len > r->end - at || (code == OPTION_EDE && len < 2) ||
            (code == SV_DNS_OPTION_COOKIE && !is_cookie(len)))
            return fail(c, "an EDNS option is broken");
        if (code == OPTION_EDE)
            keep_ede(read_u16(c->packet + at), out);
        if (code == SV_DNS_OPTION_COOKIE && out->cookie_bytes == 0) {
            out->cookie = at;
            out->cookie_bytes = len;
        }
        at += len;
    }
    return at == r->end || fail(c, "an EDNS option is cut off");
}

/* Type bitmaps (RFC 4034 section 4.1.2): windows in rising order, 1 to 32 octets each. */
static bool check_bitmaps(struct cursor *c, size_t at, size_t end)
{
    int window = -1;

    while (end - at >= 2) {
        size_t len = c->packet[at + 1];
        if (c->packet[at] <= window || len < 1 || len > BITMAP_BYTES_MAX || len > end - at - 2)
            return fail(c, "a type bitmap is broken");
        window = c->packet[at];
        at += 2 + len;
    }
    return at == end || fail(c, "a type bitmap is cut off");
}

static bool check_nsec(struct cursor *c, const struct record *r)
{
    c->at = r->data;
    if (r->data == r->end || !skip_name(c) || c->at > r->end)
        return fail(c, "a name in the data of a record is broken");
    return check_bitmaps(c, c->at, r->end);
}

/* Salt and next owner each have their length in an octet before them (RFC 5155 section 3.2). */
static bool check_nsec3(struct cursor *c, const struct record *r)
{
    size_t at = r->data + NSEC3_HEAD_BYTES;

    for (unsigned i = 0; i < 2; i++) {
        if (at >= r->end || c->packet[at] > r->end - at - 1)
            return fail(c, "an NSEC3 record is cut off");
        at += 1u + c->packet[at];
    }
    return check_bitmaps(c, at, r->end);
}

/* The signer's name, then at least one octet of signature (RFC 4034 section 3.1). */
static bool check_rrsig(struct cursor *c, const struct record *r)
{
    c->at = r->data + RRSIG_HEAD_BYTES;
    if (c->at >= r->end || !skip_name(c) || c->at >= r->end)
        return fail(c, "an RRSIG record is cut off");
    return true;
}

/* Four octets, then at least one of digest or key. */
static bool check_key(struct cursor *c, const struct record *r)
{
    return r->end - r->data > KEY_HEAD_BYTES || fail(c, "a DS or DNSKEY record is cut off");
}

static bool check_dnssec(struct cursor *c, const struct record *r)
{
    switch (r->type) {
    case SV_RR_DS:
    case SV_RR_DNSKEY:
        return check_key(c, r);
    case SV_RR_RRSIG:
        return check_rrsig(c, r);
    case SV_RR_NSEC:
        return check_nsec(c, r);
    case SV_RR_NSEC3:
        return check_nsec3(c, r);
    default: /* types are numbers from outside; the others are opaque here */
        return true;
    }
}

static bool check_data(struct cursor *c, const struct record *r, struct sv_dns_walk *out)
{
    size_t len = r->end - r->data;

    switch (r->type) {
    case SV_RR_A:
        return len == 4 || fail(c, "an A record does not hold 4 octets");
    case SV_RR_AAAA:
        return len == 16 || fail(c, "an AAAA record does not hold 16 octets");
    case SV_RR_NS:
    case SV_RR_CNAME:
    case SV_RR_PTR:
    case TYPE_DNAME:
        return check_names(c, r, 0, 1, 0);
    case SV_RR_MX:
        return check_names(c, r, 2, 1, 0);
    case SV_RR_SOA:
        return check_names(c, r, 0, 2, 20);
    case SV_RR_TXT:
    case SV_RR_SPF:
        return check_strings(c, r, out);
    case SV_DNS_TYPE_OPT:
        return check_options(c, r, out);
    case TYPE_TSIG:
        return fail(c, "a TSIG record, which nobody asked for");
    case TYPE_SIG:
        if (len >= 2 && read_u16(c->packet + r->data) == 0)
            return fail(c, "a SIG(0) record, which nobody asked for");
        return true;
    default: /* types are numbers from outside */
        return check_dnssec(c, r);
    }
}

static bool walk_record(struct cursor *c, unsigned section, struct sv_dns_walk *out)
{
    struct record r = {.owner = c->at};
    const uint8_t *head;

    if (!skip_name(c))
        return false;
    head = c->packet + c->at;
    if (!skip(c, 10))
        return false;
    r.type = read_u16(head);
    r.class = read_u16(head + 2);
    r.ttl = (uint32_t)read_u16(head + 4) << 16 | read_u16(head + 6);
    r.data = c->at;
    if (!skip(c, read_u16(head + 8)))
        return false;
    r.end = c->at;
    if (r.type == SV_DNS_TYPE_OPT && section != SECTION_ADDITIONAL)
        return fail(c, "an OPT record outside the additional section");
    if (!check_data(c, &r, out))
        return false;
    c->at = r.end;
    return true;
}

static bool walk_question(struct cursor *c, struct sv_dns_walk *out)
{
    if (out->counts[0] != 1)
        return fail(c, "not exactly one question");
    if (!skip_name(c) || !skip(c, 4))
        return false;
    out->question_bytes = c->at - SV_DNS_HEADER_BYTES;
    return true;
}

static bool walk_all(struct cursor *c, struct sv_dns_walk *out)
{
    if (!walk_question(c, out))
        return false;
    if (out->flags & SV_DNS_FLAG_TC)
        return true;
    for (unsigned section = 1; section <= SECTION_ADDITIONAL; section++)
        for (unsigned i = 0; i < out->counts[section]; i++)
            if (!walk_record(c, section, out))
                return false;
    return c->at == c->bytes || fail(c, "bytes behind the last record");
}

enum sv_err sv_dns_packet_walk(const uint8_t *packet, size_t bytes, struct sv_dns_walk *out,
                               struct sv_errinfo *info)
{
    struct cursor c = {.packet = packet, .bytes = bytes, .at = SV_DNS_HEADER_BYTES};

    memset(out, 0, sizeof(*out));
    if (bytes < SV_DNS_HEADER_BYTES || bytes > SV_DNS_PACKET_BYTES_MAX)
        return sv_err_set(info, SV_EMALFORMED, "dns", 0, "a packet of %zu bytes", bytes);
    out->flags = read_u16(packet + 2);
    out->rcode = out->flags & SV_DNS_FLAGS_RCODE;
    for (size_t i = 0; i < 4; i++)
        out->counts[i] = read_u16(packet + 4 + 2 * i);
    if (!walk_all(&c, out))
        return sv_err_set(info, SV_EMALFORMED, "dns", 0, "%s (at octet %zu of %zu)", c.wrong, c.at,
                          bytes);
    return SV_OK;
}
