/* The own, bounds-checked look at a packet before any library sees it. */
#ifndef SV_DNS_PACKET_WALK_H
#define SV_DNS_PACKET_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sv/dns.h"
#include "sv/err.h"

enum {
    SV_DNS_HEADER_BYTES = 12,
    SV_DNS_FLAG_QR = 0x8000,
    SV_DNS_FLAG_AA = 0x0400,
    SV_DNS_FLAG_TC = 0x0200,
    SV_DNS_FLAG_RD = 0x0100,
    SV_DNS_FLAG_RA = 0x0080,
    SV_DNS_FLAG_AD = 0x0020,
    SV_DNS_FLAG_CD = 0x0010,
    SV_DNS_FLAGS_OPCODE = 0x7800,
    SV_DNS_FLAGS_RCODE = 0x000f,
    SV_DNS_TYPE_OPT = 41,
    SV_DNS_OPTION_COOKIE = 10,
};

struct sv_dns_walk {
    uint16_t flags;
    uint16_t counts[4];    /* question, answer, authority, additional */
    size_t question_bytes; /* name, type and class, from octet 12 on; 0 without a question */
    unsigned rcode;        /* 0 .. 4095, with the upper bits of the OPT record */
    uint16_t ede; /* RFC 8914 info code + 1 of the first known one, else the first; 0 = none */
    bool edns;
    uint16_t strings_max;        /* of one TXT record */
    size_t cookie, cookie_bytes; /* where the first COOKIE option's data is; 8 or 16 .. 40, or 0 */
};

/* Refuses (SV_EMALFORMED) what no sound server sends and what libraries stumble over: counts that
 * differ from the records present, trailing bytes, more strings in a TXT record than 64 KiB of full
 * ones, compression that does not point backwards, names over 255 and labels over 63 octets,
 * RDLENGTHs that do not fit their type, a second OPT record, TSIG and SIG(0) (D5). With TC set only
 * header and question are looked at, because the rest may be cut anywhere (RFC 2181 section 9). */
enum sv_err sv_dns_packet_walk(const uint8_t *packet, size_t bytes, struct sv_dns_walk *out,
                               struct sv_errinfo *info) __attribute__((warn_unused_result));

/* sv_dns_packet_read for a packet that `walk` has found sound. */
enum sv_err sv_dns_packet_read_walked(const uint8_t *packet, size_t bytes,
                                      const struct sv_dns_walk *walk,
                                      const struct sv_dns_question *question,
                                      struct sv_dns_answer **out, struct sv_errinfo *info)
    __attribute__((warn_unused_result));

#endif
