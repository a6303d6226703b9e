#include "own_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "sv/alloc.h"
#include "sv/ses_setup.h"

enum { FILE_BYTES_MAX = 32 * 1024, BITS_MIN = 1024, BITS_MAX = 2048 };

void sv_own_key_drop_private(struct sv_own_key *key)
{
    if (key->private_key != NULL)
        OPENSSL_cleanse(key->private_key, strlen(key->private_key));
    free(key->private_key);
    key->private_key = NULL;
}

static enum sv_err open_file(const char *path, int *out, struct sv_errinfo *info)
{
    struct stat about;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not hold us up */

    if (fd < 0)
        return sv_err_set(info, errno == EACCES ? SV_EDENIED : SV_ENOTFOUND, "dkim key", errno,
                          "%.150s: cannot be read: %s", path, strerror(errno));
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode) || (about.st_mode & S_IRWXO) != 0) {
        (void)close(fd);
        return sv_err_set(
            info, SV_EDENIED, "dkim key", 0,
            "%.150s: a secret must be a plain file that others cannot read (chmod o= it)", path);
    }
    *out = fd;
    return SV_OK;
}

/* The whole text; 0 when there is none, or too much. */
static size_t read_file(int fd, char *text, size_t bytes)
{
    size_t len = 0;
    ssize_t got;

    while (len < bytes && (got = read(fd, text + len, bytes - len)) > 0)
        len += (size_t)got;
    return len < bytes ? len : 0;
}

/* No passphrase: who could read it could read the key. */
static int no_passphrase(char *out, int bytes, int writing, void *context)
{
    (void)out;
    (void)bytes;
    (void)writing;
    (void)context;
    return -1;
}

static EVP_PKEY *parse(const char *text, size_t len)
{
    BIO *bio = BIO_new_mem_buf(text, (int)len);
    EVP_PKEY *key;

    if (bio == NULL)
        sv_out_of_memory("BIO_new_mem_buf");
    key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    BIO_free(bio);
    ERR_clear_error();
    return key;
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
    out = at = sv_alloc((size_t)(end - start) + 1, 1);
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
    EVP_PKEY *key = len > 0 ? parse(text, len) : NULL;
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
    int fd = -1;

    *out = (struct sv_own_key){.private_key = NULL};
    err = open_file(path, &fd, info);
    if (err != SV_OK)
        return err;
    text = sv_alloc(FILE_BYTES_MAX + 1, 1);
    len = read_file(fd, text, FILE_BYTES_MAX);
    (void)close(fd);
    err = take(path, text, len, out, info);
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
