#include "sv/webhook_signature.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "sv/alloc.h"
#include "sv/digest.h"
#include "sv/require.h"

static const char prefix[] = "whsec_";

enum { TEXT_MAX = (SV_WEBHOOK_KEY_BYTES_MAX + 2) / 3 * 4 };

/* Letters first, then at most two '=', all together a multiple of four. */
static bool is_strict(const char *text, size_t len)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t body = 0;

    while (body < len && text[body] != '\0' && strchr(letters, text[body]) != NULL)
        body++;
    for (size_t i = body; i < len; i++) {
        if (text[i] != '=')
            return false;
    }
    return len % 4 == 0 && len - body <= 2;
}

bool sv_webhook_key_parse(const char *text, size_t len, struct sv_webhook_key *out)
{
    uint8_t bytes[TEXT_MAX / 4 * 3];
    size_t padding = 0;
    int count;

    *out = (struct sv_webhook_key){.count = 0};
    if (len <= sizeof(prefix) - 1 || memcmp(text, prefix, sizeof(prefix) - 1) != 0)
        return false;
    text += sizeof(prefix) - 1;
    len -= sizeof(prefix) - 1;
    if (len > TEXT_MAX || !is_strict(text, len))
        return false;
    for (size_t i = len - 2; i < len; i++)
        padding += text[i] == '=';
    count = EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)len) - (int)padding;
    if (count >= SV_WEBHOOK_KEY_BYTES_MIN && count <= SV_WEBHOOK_KEY_BYTES_MAX) {
        out->count = (size_t)count;
        memcpy(out->bytes, bytes, out->count);
    }
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return out->count > 0;
}

void sv_webhook_sign(const struct sv_webhook_key *key, const char *id, int64_t timestamp_s,
                     const void *body, size_t body_bytes, char out[SV_WEBHOOK_SIGNATURE_BYTES])
{
    size_t room = strlen(id) + 32;
    char *message = sv_alloc(room + body_bytes, 1);
    int head = snprintf(message, room, "%s.%" PRId64 ".", id, timestamp_s);
    uint8_t digest[SV_SHA256_BYTES];

    SV_REQUIRE(head > 0 && (size_t)head < room);
    memcpy(message + head, body, body_bytes);
    sv_hmac_sha256(key->bytes, key->count, message, (size_t)head + body_bytes, digest);
    free(message);
    (void)snprintf(out, SV_WEBHOOK_SIGNATURE_BYTES, "v1,");
    (void)EVP_EncodeBlock((unsigned char *)out + 3, digest, sizeof(digest));
}
