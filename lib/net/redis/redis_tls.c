#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "sv/alloc.h"
#include "sv/secret_file.h"
#include "tls.h"

/* The story: every connection asks for the context. As long as the files look as they did it is the
 * one there is, since reading a system's authorities takes milliseconds; a file that was replaced
 * makes a new one, and connections that stand keep theirs. */

enum { FILES = 3, KEY_BYTES_MAX = 64 * 1024 };

/* What tells a replaced or rewritten file from the one that was read. */
struct mark {
    dev_t device;
    ino_t inode;
    off_t bytes;
    struct timespec changed;
};

struct sv_redis_tls {
    char *ca_file, *cert_file, *key_file, *server_name; /* "" = none */
    SSL_CTX *context;                                   /* NULL = none yet */
    struct mark marks[FILES];                           /* of the files it was made from */
};

static char *copy(const char *text)
{
    return sv_strdup(text != NULL ? text : "");
}

struct sv_redis_tls *sv_redis_tls_new(const struct sv_redis_tls_settings *settings)
{
    struct sv_redis_tls *tls = sv_alloc(1, sizeof(*tls));

    tls->ca_file = copy(settings->ca_file);
    tls->cert_file = copy(settings->cert_file);
    tls->key_file = copy(settings->key_file);
    tls->server_name = copy(settings->server_name);
    return tls;
}

void sv_redis_tls_free(struct sv_redis_tls *tls)
{
    if (tls == NULL)
        return;
    SSL_CTX_free(tls->context);
    free(tls->ca_file);
    free(tls->cert_file);
    free(tls->key_file);
    free(tls->server_name);
    free(tls);
}

static void read_marks(const struct sv_redis_tls *tls, struct mark out[FILES])
{
    const char *const paths[FILES] = {tls->ca_file[0] != '\0' ? tls->ca_file
                                                              : X509_get_default_cert_file(),
                                      tls->cert_file, tls->key_file};

    memset(out, 0,
           FILES * sizeof(*out)); /* compared as bytes, with what lies between the members */
    for (size_t i = 0; i < FILES; i++) {
        struct stat about;

        if (paths[i][0] == '\0' || stat(paths[i], &about) != 0)
            continue;
        out[i].device = about.st_dev;
        out[i].inode = about.st_ino;
        out[i].bytes = about.st_size;
        out[i].changed = about.st_ctim; /* which nobody can set back */
    }
}

static enum sv_err unusable(struct sv_errinfo *info, const char *path, const char *what)
{
    ERR_clear_error();
    return sv_err_set(info, SV_EINVALID, "redis tls", 0, "%.150s: %s", path, what);
}

static enum sv_err trust(const struct sv_redis_tls *tls, SSL_CTX *context, struct sv_errinfo *info)
{
    if (tls->ca_file[0] == '\0') {
        if (SSL_CTX_set_default_verify_paths(context) != 1)
            return unusable(info, X509_get_default_cert_file(), "the system's authorities fail");
        ERR_clear_error(); /* a system without that file may have the folder */
        return SV_OK;
    }
    if (SSL_CTX_load_verify_file(context, tls->ca_file) != 1)
        return unusable(info, tls->ca_file,
                        "cannot be read, or holds no certificate in PEM (redis.tls_ca_file)");
    return SV_OK;
}

/* One that is not there is a wrong setting. */
static enum sv_err read_key(const char *path, char *out, size_t *len, struct sv_errinfo *info)
{
    enum sv_err err = sv_secret_file_read(path, "redis tls", out, KEY_BYTES_MAX, len, info);

    if (err != SV_ENOTFOUND)
        return err;
    if (info != NULL)
        info->code = SV_EINVALID;
    return SV_EINVALID;
}

static enum sv_err use_key(const struct sv_redis_tls *tls, SSL_CTX *context,
                           struct sv_errinfo *info)
{
    char *text = sv_alloc(KEY_BYTES_MAX, 1);
    EVP_PKEY *key = NULL;
    size_t len = 0;
    enum sv_err err = read_key(tls->key_file, text, &len, info);

    if (err == SV_OK) {
        key = sv_secret_file_key(text, len);
        if (key == NULL)
            err = unusable(info, tls->key_file, "holds no private key in PEM without a passphrase");
        else if (SSL_CTX_use_PrivateKey(context, key) != 1)
            err = unusable(info, tls->key_file, "is not the key of redis.tls_cert_file");
    }
    EVP_PKEY_free(key);
    OPENSSL_cleanse(text, KEY_BYTES_MAX);
    free(text);
    return err;
}

static enum sv_err identify(const struct sv_redis_tls *tls, SSL_CTX *context,
                            struct sv_errinfo *info)
{
    if (tls->cert_file[0] == '\0')
        return SV_OK;
    if (SSL_CTX_use_certificate_chain_file(context, tls->cert_file) != 1)
        return unusable(info, tls->cert_file,
                        "cannot be read, or holds no certificate in PEM (redis.tls_cert_file)");
    if (tls->key_file[0] == '\0')
        return unusable(info, tls->cert_file, "needs its private key (redis.tls_key_file)");
    return use_key(tls, context, info);
}

static enum sv_err fill(const struct sv_redis_tls *tls, SSL_CTX *context, struct sv_errinfo *info)
{
    enum sv_err err;

    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    (void)SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
    (void)SSL_CTX_set_mode(context,
                           SSL_MODE_RELEASE_BUFFERS); /* idle connections hold 34 KB less */
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1)
        return unusable(info, "OpenSSL", "knows no TLS 1.2");
    err = trust(tls, context, info);
    return err == SV_OK ? identify(tls, context, info) : err;
}

enum sv_err sv_redis_tls_context(struct sv_redis_tls *tls, SSL_CTX **out, struct sv_errinfo *info)
{
    struct mark marks[FILES];
    SSL_CTX *context;
    enum sv_err err;

    read_marks(tls, marks);
    if (tls->context != NULL && memcmp(marks, tls->marks, sizeof(marks)) == 0) {
        *out = tls->context;
        return SV_OK;
    }
    ERR_clear_error();
    context = SSL_CTX_new(TLS_client_method());
    if (context == NULL)
        sv_out_of_memory("SSL_CTX_new");
    err = fill(tls, context, info);
    if (err != SV_OK) {
        SSL_CTX_free(context);
        return err;
    }
    SSL_CTX_free(tls->context);
    tls->context = context;
    memcpy(tls->marks, marks, sizeof(marks));
    *out = context;
    return SV_OK;
}

enum sv_err sv_redis_tls_check(struct sv_redis_tls *tls, struct sv_errinfo *info)
{
    SSL_CTX *context;

    return sv_redis_tls_context(tls, &context, info);
}

const char *sv_redis_tls_name(const struct sv_redis_tls *tls, const char *host)
{
    return tls->server_name[0] != '\0' ? tls->server_name : host;
}
