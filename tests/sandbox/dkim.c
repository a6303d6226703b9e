#include "dkim.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/digest.h"

/* Nobody has the private halves. */
static const char short_key[] =
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCvOy5j9EXm3QoivacMzIwtjDMQXzAxTxNGLNE6Qjw92yFlKo1U"
    "xuKIxFVyAgxf0GnP+QxE09Rgv5rRBZv8jKFsmGvVgJXreL0hmjCjQGglN81jrYj7kejJoTX6Nn1DiNeCfpL48a0H"
    "1+mK9MBPRGQmfhlfvg2LJgNRVTGykkjK+QIDAQAB";
static const char *const long_keys[] = {
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAwWUZOpd+Erv4GhBqjJT8hXCT8+elG6TvbFs9TGfUHYEl"
    "TcKPmfhV5D8KOPisz0X4fO1Z/LoBzYou3eWmF/AN6eLE7hTyy+SvUee8mmZxBnJIOeh2Te4DT5E98dw5BbDDnSGN"
    "FgGHaD/eXoOqV1k+6wzPTNvc1VGiUqhO0CiReKaMc4mSr2BEKJhc31eu1/N5xaZC1NWkEeVLnur2MqirRUwtvj9a"
    "MLfi4PZn/qZLA9pPx6IV3/dG9SCfT1AY62UBWJ5J9hf2nlPxdiiwT0IybC3a8I+OaQbMqbVqTl9jeb11c6yB7ajG"
    "bisYYEvxr/gweOs+Fbm11+Ic+nTSWl4oaQIDAQAB",
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA25XtGKBOeaZn7xXsvPrXYuZLJBjOYtYGyY78lO2s5tYz"
    "LtlCfq49LpMiOVqkoSrufl1FdRl9Vzy688y3kzqyynWlDj65xBiBMvMAKLpfdgG6fbRUdgkQiooQvDPgfnIwKgBq"
    "PeQFL+n03o+1u+mb4YLmzzQRLIhIQb2bPGkdijvMtnHcpwrRTtwqBRJy8SsDIb5Jh5xs1/SeUKiuccy2odrmH+cx"
    "4NX3hwpKgrNOJmjfEXeBiRVWE1wGq5YbI2KY/tUr3UJvGQSHmxDTXf65lxPcZR9YPSScfo9jHEW/HPeMEMKC9tmJ"
    "EUAiBQQP7nT4Uj4NlcfynKojFKCgWve1UwIDAQAB",
};

const char *sb_dkim_public_key(unsigned bits, unsigned rotation)
{
    return bits == 1024 ? short_key
                        : long_keys[rotation % (sizeof long_keys / sizeof long_keys[0])];
}

static const char secret[] =
    "sesverify-sandbox"; /* no secret at all: tokens shall be predictable */

static void digest_of(const char *kind, const char *account, const char *region, const char *domain,
                      uint8_t out[SV_SHA256_BYTES])
{
    char text[SV_NAME_BYTES + 320];
    int len = snprintf(text, sizeof text, "%s\n%s\n%s\n%s", kind, account, region, domain);

    sv_hmac_sha256(secret, sizeof secret - 1, text, (size_t)len, out);
}

void sb_dkim_token(const char *account, const char *region, const char *domain, unsigned generation,
                   unsigned which, char out[SB_TOKEN_BYTES])
{
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
    uint8_t digest[SV_SHA256_BYTES];
    char kind[32];

    (void)snprintf(kind, sizeof kind, "dkim %u %u", generation, which);
    digest_of(kind, account, region, domain, digest);
    for (size_t i = 0; i < SV_SHA256_BYTES; i++)
        out[i] = alphabet[digest[i] % 32];
    out[SV_SHA256_BYTES] = 0;
}

void sb_ownership_token(const char *account, const char *region, const char *domain,
                        char out[SB_OWNERSHIP_BYTES])
{
    uint8_t digest[SV_SHA256_BYTES];

    digest_of("ownership", account, region, domain, digest);
    (void)EVP_EncodeBlock((unsigned char *)out, digest, sizeof digest);
}

void sb_dkim_zone(const char *region, char out[SV_NAME_BYTES])
{
    static const char *const own_zone[] = {
        "af-south-1",     "ap-northeast-3", "ap-south-2",    "ap-southeast-3",
        "ap-southeast-5", "ca-west-1",      "eu-central-2",  "eu-south-1",
        "il-central-1",   "me-central-1",   "us-gov-east-1",
    };

    (void)snprintf(out, SV_NAME_BYTES, "dkim.amazonses.com");
    for (size_t i = 0; i < sizeof own_zone / sizeof own_zone[0]; i++) {
        if (strcmp(region, own_zone[i]) == 0)
            (void)snprintf(out, SV_NAME_BYTES, "dkim.%.32s.amazonses.com", region);
    }
}

/* The decoded bytes, or NULL; base64 of full groups only. */
static unsigned char *decode64(const char *text, size_t len, size_t *bytes)
{
    unsigned char *out;
    int decoded;

    if (len == 0 || len % 4 != 0 || len > SB_PRIVATE_KEY_CHARS_MAX)
        return NULL;
    out = sv_alloc(len, 1);
    decoded = EVP_DecodeBlock(out, (const unsigned char *)text, (int)len);
    if (decoded < 0) {
        free(out);
        return NULL;
    }
    *bytes = (size_t)decoded - (text[len - 1] == '=') - (text[len - 2] == '=');
    return out;
}

static char *public_base64(EVP_PKEY *key)
{
    unsigned char *der = NULL;
    char *out = NULL;
    int len = i2d_PUBKEY(key, &der);

    if (len > 0) {
        out = sv_alloc((size_t)len * 2 + 8, 1);
        (void)EVP_EncodeBlock((unsigned char *)out, der, len);
    }
    OPENSSL_free(der);
    return out;
}

char *sb_dkim_public_half(const char *private_base64)
{
    size_t bytes = 0;
    unsigned char *der = decode64(private_base64, strlen(private_base64), &bytes);
    const unsigned char *at = der;
    EVP_PKEY *key;
    char *out = NULL;

    if (der == NULL)
        return NULL;
    key = d2i_AutoPrivateKey(NULL, &at, (long)bytes);
    if (key != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA &&
        EVP_PKEY_get_bits(key) >= 1024 && EVP_PKEY_get_bits(key) <= 2048)
        out = public_base64(key);
    EVP_PKEY_free(key);
    OPENSSL_cleanse(der, bytes);
    free(der);
    return out;
}

/* The value of tag `p` without blanks, as a new string; NULL without one. */
static char *take_key(const char *text, size_t len)
{
    size_t at = 0;

    while (at < len) {
        const char *end = memchr(text + at, ';', len - at);
        size_t stop = end == NULL ? len : (size_t)(end - text);
        char *value = sv_alloc(stop - at + 1, 1);
        size_t used = 0;

        for (; at < stop; at++) {
            if (text[at] != ' ' && text[at] != '\t')
                value[used++] = text[at];
        }
        if (strncmp(value, "p=", 2) == 0) {
            memmove(value, value + 2, used - 1);
            return value;
        }
        free(value);
        at = stop + 1;
    }
    return NULL;
}

bool sb_dkim_key_matches(const char *text, size_t len, const char *public_base64_text)
{
    char *key = take_key(text, len);
    bool same = key != NULL && strcmp(key, public_base64_text) == 0;

    free(key);
    return same;
}

bool sb_selector_is_valid(const char *selector)
{
    size_t len = strlen(selector);

    if (len == 0 || len >= SB_SELECTOR_BYTES || selector[0] == '-' || selector[len - 1] == '-')
        return false;
    return strspn(selector, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") ==
           len;
}
