/* What SES hands out for DKIM: tokens, hosted zones, and the public key of a domain's own (BYODKIM)
 * key. */
#ifndef SB_DKIM_H
#define SB_DKIM_H

#include <stdbool.h>
#include <stddef.h>

#include "sv/name.h"

enum {
    SB_TOKENS = 3,
    SB_TOKEN_BYTES = 33,
    SB_OWNERSHIP_BYTES = 45,
    SB_SELECTOR_BYTES = 64,
    SB_PRIVATE_KEY_CHARS_MAX = 20480,
};

/* The key behind the Easy DKIM aliases of an identity, as base64 of a SubjectPublicKeyInfo (RSA of
 * `bits`, 1024 or 2048); the next one after each rotation, in turns when it is of 2048 bits. It
 * signs nothing. */
const char *sb_dkim_public_key(unsigned bits, unsigned rotation);

/* The DKIM token number `which` of a domain: 32 lower-case letters and digits. The same account,
 * region, domain and generation always give the same token. */
void sb_dkim_token(const char *account, const char *region, const char *domain, unsigned generation,
                   unsigned which, char out[SB_TOKEN_BYTES]);

/* The value of the _amazonses TXT record: base64 of 32 bytes, as case-sensitive as the real one. */
void sb_ownership_token(const char *account, const char *region, const char *domain,
                        char out[SB_OWNERSHIP_BYTES]);

/* The zone Easy DKIM aliases of that region point into. */
void sb_dkim_zone(const char *region, char out[SV_NAME_BYTES]);

/* The public half of a base64 private key (PKCS#1 or PKCS#8, RSA of 1024 to 2048 bits, no line
 * breaks), as base64 of a SubjectPublicKeyInfo. The caller frees it; NULL when the key is not such
 * a one. */
char *sb_dkim_public_half(const char *private_base64);

/* True when the TXT record `text` (`len` bytes) is a DKIM key record whose p= is exactly that
 * public key. */
bool sb_dkim_key_matches(const char *text, size_t len, const char *public_base64);

/* One label of 1 to 63 letters, digits and inner hyphens. */
bool sb_selector_is_valid(const char *selector);

#endif
