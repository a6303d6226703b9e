#include "sv/digest.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/require.h"

/* With arguments that are right, libcrypto fails for want of memory alone. */
static void need(bool done)
{
    if (!done)
        sv_out_of_memory("libcrypto");
}

void sv_hex(const void *bytes, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *from = bytes;

    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[from[i] >> 4];
        out[2 * i + 1] = digits[from[i] & 15];
    }
    out[2 * len] = '\0';
}

void sv_sha256_hex(const void *bytes, size_t len, char out[SV_SHA256_HEX_BYTES])
{
    uint8_t digest[SV_SHA256_BYTES];

    need(EVP_Digest(bytes, len, digest, NULL, EVP_sha256(), NULL) == 1);
    sv_hex(digest, sizeof(digest), out);
}

void sv_hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t len,
                    uint8_t out[SV_SHA256_BYTES])
{
    SV_REQUIRE(key_len <= INT_MAX);
    /* OpenSSL reads a NULL key as "the one before"; an empty key is a key. */
    if (key_len == 0)
        key = "";
    need(HMAC(EVP_sha256(), key, (int)key_len, bytes, len, out, NULL) != NULL);
}

void sv_uid(const char *account, const char *client_id, const char *domain, char out[SV_UID_BYTES])
{
    const char *const parts[] = {account, client_id, domain};
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    uint8_t digest[SV_SHA256_BYTES];

    need(context != NULL);
    need(EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1);
    for (size_t i = 0; i < 3; i++) {
        /* The 0 byte separates the parts and is not part of the last one. */
        size_t len = strlen(parts[i]) + (i < 2 ? 1 : 0);

        need(EVP_DigestUpdate(context, parts[i], len) == 1);
    }
    need(EVP_DigestFinal_ex(context, digest, NULL) == 1);
    EVP_MD_CTX_free(context);
    sv_hex(digest, (SV_UID_BYTES - 1) / 2, out);
}

uint32_t sv_crc32(const void *bytes, size_t len)
{
    /* The reflected polynomial 0xedb88320, four bits at a time: client ids are short. */
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    const uint8_t *from = bytes;
    uint32_t crc = 0xffffffff;

    for (size_t i = 0; i < len; i++) {
        crc ^= from[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

uint64_t sv_fnv1a(uint64_t hash, const void *bytes, size_t len)
{
    const uint8_t *from = bytes;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ from[i]) * 0x100000001b3u;
    return hash;
}
