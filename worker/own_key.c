#include "own_key.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "sv/alloc.h"
#include "sv/secret_file.h"
#include "sv/ses_setup.h"
#include "sv/vault.h"

enum { FILE_BYTES_MAX = 32 * 1024, BITS_MIN = 1024, BITS_MAX = 2048 };

void sv_own_key_drop_private(struct sv_own_key *key)
{
    if (key->private_key != NULL)
        sv_vault_free(key->private_key, strlen(key->private_key) + 1);
    key->private_key = NULL;
}

/* What stands between the lines of the first block, without its line ends: SES wants the form that
 * `openssl genrsa` writes, which is PKCS#1 or PKCS#8 by version; both are base64 of the DER. */
static char *body_of(char *text)
{
    char *start = strstr(text, "-----BEGIN "), *end, *out, *at;

    start = start != NULL ? strchr(start, '\n') : NULL;
    end = start != NULL ? strstr(start, "-----END ") : NULL;
    if (end == NULL)
        return NULL;
    out = at = sv_vault_alloc((size_t)(end - start) + 1);
    for (; start < end; start++) {
        if (strchr(" \t\r\n", *start) == NULL)
            *at++ = *start;
    }
    return out;
}

static char *public_half(EVP_PKEY *key)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(key, &der);
    char *out;

    if (len <= 0)
        sv_out_of_memory("i2d_PUBKEY");
    out = sv_alloc(4 * ((size_t)len + 2) / 3 + 1, 1);
    (void)EVP_EncodeBlock((unsigned char *)out, der, len);
    OPENSSL_free(der);
    return out;
}

static enum sv_err take(const char *path, char *text, size_t len, struct sv_own_key *out,
                        struct sv_errinfo *info)
{
    EVP_PKEY *key = len > 0 ? sv_secret_file_key(text, len) : NULL;
    int bits = key != NULL ? EVP_PKEY_get_bits(key) : 0;
    bool is_rsa = key != NULL && EVP_PKEY_is_a(key, "RSA") == 1;
    enum sv_err err = SV_OK;

    if (key == NULL)
        err = sv_err_set(info, SV_EINVALID, "dkim key", 0,
                         "%.150s: holds no private key in PEM without a passphrase", path);
    else if (!is_rsa || bits < BITS_MIN || bits > BITS_MAX)
        err = sv_err_set(info, SV_EINVALID, "dkim key", 0,
                         "%.150s: SES takes RSA keys of %d to %d bits", path, BITS_MIN, BITS_MAX);
    if (err == SV_OK) {
        out->private_key = body_of(text);
        out->public_key = public_half(key);
    }
    EVP_PKEY_free(key);
    if (err == SV_OK &&
        (out->private_key == NULL || strlen(out->private_key) > SV_SES_PRIVATE_KEY_MAX)) {
        sv_own_key_fini(out);
        err =
            sv_err_set(info, SV_EINVALID, "dkim key", 0, "%.150s: is longer than SES takes", path);
    }
    return err;
}

enum sv_err sv_own_key_read(const char *path, struct sv_own_key *out, struct sv_errinfo *info)
{
    char *text;
    enum sv_err err;
    size_t len;

    *out = (struct sv_own_key){.private_key = NULL};
    text = sv_alloc(FILE_BYTES_MAX + 1, 1);
    err = sv_secret_file_read(path, "dkim key", text, FILE_BYTES_MAX, &len, info);
    if (err == SV_OK) /* one that fills all of it may be longer */
        err = take(path, text, len < FILE_BYTES_MAX ? len : 0, out, info);
    OPENSSL_cleanse(text, FILE_BYTES_MAX);
    free(text);
    return err;
}

void sv_own_key_fini(struct sv_own_key *key)
{
    sv_own_key_drop_private(key);
    free(key->public_key);
    key->public_key = NULL;
}
