/* Signatures of Standard Webhooks 1.0, symmetric: "v1," and base64 of HMAC-SHA256 over
 * "<id>.<timestamp>.<body>". */
#ifndef SV_WEBHOOK_SIGNATURE_H
#define SV_WEBHOOK_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SV_WEBHOOK_KEY_BYTES_MIN = 24,
    SV_WEBHOOK_KEY_BYTES_MAX = 64,
    SV_WEBHOOK_SIGNATURE_BYTES = 48, /* "v1," + 44 characters + 0 */
};

struct sv_webhook_key {
    uint8_t bytes[SV_WEBHOOK_KEY_BYTES_MAX];
    size_t count; /* 24 .. 64 */
};

/* "whsec_" and strict base64 (padded, without blanks) of `len` bytes in all; false for anything
 * else. */
bool sv_webhook_key_parse(const char *text, size_t len, struct sv_webhook_key *out);

/* `timestamp_s`: seconds since 1970, of this attempt. */
void sv_webhook_sign(const struct sv_webhook_key *key, const char *id, int64_t timestamp_s,
                     const void *body, size_t body_bytes, char out[SV_WEBHOOK_SIGNATURE_BYTES]);

#endif
