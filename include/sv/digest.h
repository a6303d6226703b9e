/* Hashes that have a meaning outside: ids, shards, signatures. */
#ifndef SV_DIGEST_H
#define SV_DIGEST_H

#include <stddef.h>
#include <stdint.h>

enum { SV_SHA256_BYTES = 32, SV_SHA256_HEX_BYTES = 65, SV_UID_BYTES = 17 };

void sv_sha256_hex(const void *bytes, size_t len, char out[SV_SHA256_HEX_BYTES]);
void sv_hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t len,
                    uint8_t out[SV_SHA256_BYTES]);

/* Lower-case hex; out holds 2 * len + 1. */
void sv_hex(const void *bytes, size_t len, char *out);

/* The `domain_id` of the outside: the first 16 hex digits of SHA-256(account 0x00 client_id 0x00
 * domain), the domain in normal form (design section 2). */
void sv_uid(const char *account, const char *client_id, const char *domain, char out[SV_UID_BYTES]);

/* zlib's crc32 of the raw bytes: the shard of a client is this modulo the number of shards. */
uint32_t sv_crc32(const void *bytes, size_t len);

/* FNV-1a, 64 bits, continued from `hash` (start with SV_FNV_START): for digests that stay inside.
 */
#define SV_FNV_START 0xcbf29ce484222325ull
uint64_t sv_fnv1a(uint64_t hash, const void *bytes, size_t len);

#endif
