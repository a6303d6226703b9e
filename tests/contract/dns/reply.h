/* DNS packets put together octet by octet, sound or not, without the code under test. */
#ifndef SV_TEST_REPLY_H
#define SV_TEST_REPLY_H

#include <stddef.h>
#include <stdint.h>

enum {
    REPLY_ANSWER = 1,
    REPLY_AUTHORITY = 2,
    REPLY_ADDITIONAL = 3,
    REPLY_QR = 0x8000,
    REPLY_AA = 0x0400,
    REPLY_TC = 0x0200,
    REPLY_RD = 0x0100,
    REPLY_RA = 0x0080,
};

struct reply {
    size_t len;
    uint8_t bytes[70000];
};

void reply_begin(struct reply *r, unsigned id, unsigned flags);
void reply_u8(struct reply *r, unsigned value);
void reply_u16(struct reply *r, unsigned value);
void reply_u32(struct reply *r, uint32_t value);
void reply_bytes(struct reply *r, const void *bytes, size_t len);

/* Labels parted by dots, no escapes; "" is the root; "@12" is a compression pointer to octet 12,
 * also behind labels ("www.@12"). */
void reply_name(struct reply *r, const char *name);

/* Adds to the counts of the header what the next ones belong to. */
void reply_question(struct reply *r, const char *name, unsigned type);
void reply_rr(struct reply *r, unsigned section, const char *owner, unsigned type, uint32_t ttl_s,
              const void *data, size_t len);

/* Begins a record of class IN and returns where its RDLENGTH stands; reply_rr_end sets it. */
size_t reply_rr_begin(struct reply *r, unsigned section, const char *owner, unsigned type,
                      uint32_t ttl_s);
void reply_rr_end(struct reply *r, size_t mark);

void reply_cname(struct reply *r, const char *owner, const char *target);
void reply_txt(struct reply *r, const char *owner, const char *text);
void reply_soa(struct reply *r, const char *owner, uint32_t ttl_s, uint32_t minimum_s);
void reply_ns(struct reply *r, const char *owner, const char *host);
void reply_opt(struct reply *r, unsigned rcode_high, const void *options, size_t len);
void reply_set_u16(struct reply *r, size_t at, unsigned value);
unsigned reply_get_u16(const uint8_t *at);

#endif
