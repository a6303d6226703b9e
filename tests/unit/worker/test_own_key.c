/* The operator's own DKIM key: what a file may hold, and who may read it. The keys are made here.
 */
#include "own_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "cmocka_all.h"

static char path[] = "/tmp/sv_own_key_XXXXXX";

static int make_file(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    (void)close(fd);
    return 0;
}

static int drop_file(void **state)
{
    (void)state;
    return unlink(path);
}

enum form { PKCS1, PKCS8, ENCRYPTED, PUBLIC };

static void write_key(EVP_PKEY *key, enum form form)
{
    FILE *file = fopen(path, "w");
    int written = 0;

    assert_non_null(file);
    assert_int_equal(chmod(path, 0600), 0);
    if (form == PKCS1) {
        BIO *bio = BIO_new_fp(file, BIO_NOCLOSE);

        written = PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0, NULL, NULL);
        BIO_free(bio);
    }
    if (form == PKCS8)
        written = PEM_write_PKCS8PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    else if (form == ENCRYPTED)
        written = PEM_write_PKCS8PrivateKey(file, key, EVP_aes_256_cbc(), "pass", 4, NULL, NULL);
    else if (form == PUBLIC)
        written = PEM_write_PUBKEY(file, key);
    assert_int_equal(written, 1);
    assert_int_equal(fclose(file), 0);
}

static void write_text(const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static EVP_PKEY *decode(const char *base64, bool is_private)
{
    static unsigned char der[4096];
    const unsigned char *at = der;
    size_t len = strlen(base64), padding = strcspn(base64, "=");
    int bytes = EVP_DecodeBlock(der, (const unsigned char *)base64, (int)len);

    assert_true(bytes > 0);
    bytes -= (int)(len - padding);
    return is_private ? d2i_AutoPrivateKey(NULL, &at, bytes) : d2i_PUBKEY(NULL, &at, bytes);
}

static void both_halves_come_out(void **state)
{
    static const struct {
        unsigned bits;
        enum form form;
    } files[] = {{1024, PKCS1}, {1024, PKCS8}, {2048, PKCS1}, {2048, PKCS8}, {1536, PKCS8}};

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        EVP_PKEY *key = EVP_RSA_gen(files[i].bits), *got;
        struct sv_own_key own;
        struct sv_errinfo info;

        write_key(key, files[i].form);
        assert_int_equal(sv_own_key_read(path, &own, &info), SV_OK);
        assert_null(strpbrk(own.private_key, "\r\n -"));
        got = decode(own.private_key, true);
        assert_int_equal(EVP_PKEY_eq(key, got), 1);
        EVP_PKEY_free(got);
        got = decode(own.public_key, false);
        assert_int_equal(EVP_PKEY_eq(key, got), 1);
        EVP_PKEY_free(got);
        sv_own_key_drop_private(&own);
        assert_null(own.private_key);
        assert_non_null(own.public_key);
        sv_own_key_fini(&own);
        EVP_PKEY_free(key);
    }
}

static void expect(enum sv_err err, const char *text)
{
    struct sv_own_key own;
    struct sv_errinfo info;

    assert_int_equal(sv_own_key_read(path, &own, &info), err);
    if (strstr(info.text, text) == NULL)
        fail_msg("no '%s' in: %s", text, info.text);
    assert_null(own.private_key);
    assert_null(own.public_key);
}

static void other_keys_are_refused(void **state)
{
    EVP_PKEY *small = EVP_RSA_gen(512), *large = EVP_RSA_gen(3072), *fine = EVP_RSA_gen(1024);
    EVP_PKEY *curve = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

    (void)state;
    if (small != NULL) { /* some builds of OpenSSL make none */
        write_key(small, PKCS8);
        expect(SV_EINVALID, "1024 to 2048 bits");
    }
    write_key(large, PKCS8);
    expect(SV_EINVALID, "1024 to 2048 bits");
    write_key(curve, PKCS8);
    expect(SV_EINVALID, "1024 to 2048 bits");
    write_key(fine, ENCRYPTED);
    expect(SV_EINVALID, "without a passphrase");
    write_key(fine, PUBLIC);
    expect(SV_EINVALID, "no private key");
    EVP_PKEY_free(small);
    EVP_PKEY_free(large);
    EVP_PKEY_free(fine);
    EVP_PKEY_free(curve);
}

static void other_files_are_refused(void **state)
{
    static const char secret[] =
        "-----BEGIN RSA PRIVATE KEY-----\nTOPSECRET\n-----END RSA PRIVATE KEY-----\n";
    struct sv_own_key own;
    struct sv_errinfo info;
    char *much = malloc(40000);

    (void)state;
    write_text("", 0600);
    expect(SV_EINVALID, "no private key");
    write_text(secret, 0600);
    expect(SV_EINVALID, "no private key");
    assert_int_equal(sv_own_key_read(path, &own, &info), SV_EINVALID);
    assert_null(strstr(info.text, "TOPSECRET"));
    write_text(secret, 0604);
    expect(SV_EDENIED, "others cannot read");
    memset(much, 'x', 39999);
    much[39999] = '\0';
    write_text(much, 0600);
    expect(SV_EINVALID, "no private key");
    free(much);
    assert_int_equal(sv_own_key_read("/nowhere/key.pem", &own, &info), SV_ENOTFOUND);
    assert_int_equal(sv_own_key_read("/tmp", &own, &info), SV_EDENIED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_halves_come_out),
        cmocka_unit_test(other_keys_are_refused),
        cmocka_unit_test(other_files_are_refused),
    };

    return cmocka_run_group_tests(tests, make_file, drop_file);
}
