/* Which files are taken for secrets, and which texts for private keys. */
#include "sv/secret_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "cmocka_all.h"

static char folder[] = "/tmp/sv_secret_file_XXXXXX";
static char path[64];

static int make_folder(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/it", folder);
    return 0;
}

static int drop_folder(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

static void write_file(const char *text, mode_t mode)
{
    FILE *file;

    (void)unlink(path);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void a_plain_file_that_others_cannot_read(void **state)
{
    static const struct {
        const char *text;
        mode_t mode;
        enum sv_err err;
        size_t len;
    } rows[] = {
        {"secret", 0600, SV_OK, 6},
        {"secret\n", 0440, SV_OK, 7},
        {"12345678", 0600, SV_OK, 8},
        {"more than 8", 0600, SV_OK, 8},
        {"", 0600, SV_OK, 0},
        {"secret", 0604, SV_EDENIED, 0},
        {"secret", 0601, SV_EDENIED, 0},
        {"secret", 0602, SV_EDENIED, 0},
    };
    char out[8];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sv_errinfo info = {.code = SV_OK};
        size_t len = 99;

        write_file(rows[i].text, rows[i].mode);
        assert_int_equal(sv_secret_file_read(path, "here", out, sizeof(out), &len, &info),
                         rows[i].err);
        assert_int_equal(len, rows[i].len);
        assert_memory_equal(out, rows[i].text, len);
        if (rows[i].err != SV_OK) {
            assert_string_equal(info.where, "here");
            assert_non_null(strstr(info.text, path));
            assert_null(strstr(info.text, "secret:"));
        }
    }
}

static void what_is_no_plain_file(void **state)
{
    char out[8];
    size_t len;

    (void)state;
    (void)unlink(path);
    assert_int_equal(sv_secret_file_read(path, "here", out, sizeof(out), &len, NULL), SV_ENOTFOUND);
    assert_int_equal(sv_secret_file_read(folder, "here", out, sizeof(out), &len, NULL), SV_EDENIED);
    assert_int_equal(mkfifo(path, 0600), 0); /* nobody writes: a read would wait for ever */
    assert_int_equal(sv_secret_file_read(path, "here", out, sizeof(out), &len, NULL), SV_EDENIED);
    assert_int_equal(len, 0);
}

/* Somebody else's: permissions have to be changed, nothing is missing. */
static void what_we_may_not_read(void **state)
{
    uid_t us = geteuid();
    char out[8];
    size_t len;

    (void)state;
    write_file("secret", us == 0 ? 0600 : 0);
    if (us == 0)
        assert_int_equal(seteuid(65534), 0);
    assert_int_equal(sv_secret_file_read(path, "here", out, sizeof(out), &len, NULL), SV_EDENIED);
    assert_int_equal(seteuid(us), 0);
}

/* A fresh key in PEM, with a passphrase or without. */
static size_t make_key(EVP_PKEY *key, bool encrypted, char *out, size_t bytes)
{
    BIO *bio = BIO_new(BIO_s_mem());
    int len;

    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, key, encrypted ? EVP_aes_128_cbc() : NULL,
                                                   encrypted ? "word" : NULL, encrypted ? 4 : 0,
                                                   NULL, NULL),
                     1);
    len = BIO_read(bio, out, (int)bytes);
    BIO_free(bio);
    assert_true(len > 0);
    return (size_t)len;
}

static void private_keys(void **state)
{
    EVP_PKEY *made = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"), *read;
    char text[4096];
    size_t len;

    (void)state;
    assert_non_null(made);
    len = make_key(made, false, text, sizeof(text));
    read = sv_secret_file_key(text, len);
    assert_non_null(read);
    assert_int_equal(EVP_PKEY_eq(made, read), 1);
    EVP_PKEY_free(read);
    assert_null(sv_secret_file_key(text, len / 2));
    assert_null(sv_secret_file_key(text, 0));
    assert_null(sv_secret_file_key("no key", 6));
    len = make_key(made, true, text, sizeof(text));
    assert_null(sv_secret_file_key(text, len)); /* and nobody is asked for its passphrase */
    EVP_PKEY_free(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_file_that_others_cannot_read),
        cmocka_unit_test(what_is_no_plain_file),
        cmocka_unit_test(what_we_may_not_read),
        cmocka_unit_test(private_keys),
    };

    return cmocka_run_group_tests_name("secret_file", tests, make_folder, drop_folder);
}
