#include "kit_tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "kit.h"

static struct {
    SSL_CTX *context;
    struct sv_redis_tls *client;
    char path[64]; /* of the certificate */
} kit_tls;

static void add_extension(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static X509 *make_certificate(EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    X509_NAME *name;

    assert_non_null(certificate);
    assert_int_equal(X509_set_version(certificate, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), -3600));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), 86400));
    assert_int_equal(X509_set_pubkey(certificate, key), 1);
    name = X509_get_subject_name(certificate);
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                                (const unsigned char *)"kit", -1, -1, 0),
                     1);
    assert_int_equal(X509_set_issuer_name(certificate, name), 1);
    add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(certificate, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    return certificate;
}

static void write_certificate(X509 *certificate)
{
    FILE *file;
    int fd;

    (void)snprintf(kit_tls.path, sizeof(kit_tls.path), "/tmp/sv-kit-tls-XXXXXX");
    fd = mkstemp(kit_tls.path);
    assert_true(fd >= 0);
    file = fdopen(fd, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, certificate), 1);
    assert_int_equal(fclose(file), 0);
}

static void forget(void)
{
    (void)unlink(kit_tls.path);
    sv_redis_tls_free(kit_tls.client);
    SSL_CTX_free(kit_tls.context);
}

void kit_tls_on(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = make_certificate(key);

    kit_tls.context = SSL_CTX_new(TLS_server_method());
    assert_non_null(kit_tls.context);
    assert_int_equal(SSL_CTX_use_certificate(kit_tls.context, certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(kit_tls.context, key), 1);
    write_certificate(certificate);
    kit_tls.client = sv_redis_tls_new(&(struct sv_redis_tls_settings){.ca_file = kit_tls.path});
    X509_free(certificate);
    EVP_PKEY_free(key);
    assert_int_equal(atexit(forget), 0);
}

struct sv_redis_tls *kit_tls_client(void)
{
    return kit_tls.client;
}

SSL *kit_tls_server(void)
{
    SSL *ssl;

    if (kit_tls.context == NULL)
        return NULL;
    ssl = SSL_new(kit_tls.context);
    assert_non_null(ssl);
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_accept_state(ssl);
    return ssl;
}
