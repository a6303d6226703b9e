/* Domain names between their two forms: octets on the wire and text for people. */
#ifndef SV_DNS_WIRE_NAME_H
#define SV_DNS_WIRE_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SV_DNS_WIRE_MAX = 255,    /* octets of a name with its root label (RFC 1035 section 3.1) */
    SV_DNS_TEXT_BYTES = 1024, /* its longest text, every octet written as \DDD, and the 0 byte */
};

/* Text with RFC 1035 section 5.1 escapes, with or without a final dot, to an uncompressed wire
 * name. Returns its octets; 0 when a label is empty or over 63, the whole over 255, or an escape
 * broken. "" and "." are the root. */
size_t sv_dns_wire_from_text(const char *text, uint8_t out[SV_DNS_WIRE_MAX]);

/* The characters that sv_dns_wire_to_text writes, without the 0 byte. `wire` is a sound,
 * uncompressed name. */
size_t sv_dns_wire_text_len(const uint8_t *wire);

/* Writes the text without a final dot and a 0 byte; the root is "". Returns the characters
 * written. */
size_t sv_dns_wire_to_text(const uint8_t *wire, char *out);

/* Equal without regard to ASCII case (RFC 4343). Both are sound and uncompressed. */
bool sv_dns_wire_equal(const uint8_t *a, const uint8_t *b);

/* True when `name` is `parent` or below it. */
bool sv_dns_wire_is_within(const uint8_t *name, const uint8_t *parent);

#endif
