#include "cmocka_all.h"

#include <stdint.h>
#include <string.h>

#include <openssl/crypto.h>

#include "sv/vault.h"

enum { SECRET_BYTES = 3000 };

static bool holds(const unsigned char *bytes, size_t count, unsigned char wanted)
{
    return memchr(bytes, wanted, count) != NULL;
}

/* Runs first: nobody has opened it yet. */
static void without_a_vault_there_is_memory_all_the_same(void **state)
{
    unsigned char *secret = sv_vault_alloc(SECRET_BYTES);

    (void)state;
    assert_false(CRYPTO_secure_allocated(secret));
    memset(secret, 'x', SECRET_BYTES);
    sv_vault_free(secret, SECRET_BYTES);
    sv_vault_free(NULL, SECRET_BYTES);
}

static void what_is_given_back_is_wiped(void **state)
{
    unsigned char *secret, *again;

    (void)state;
    (void)sv_vault_open(); /* how much may be locked is the machine's matter */
    secret = sv_vault_alloc(SECRET_BYTES);
    assert_true(CRYPTO_secure_allocated(secret));
    memset(secret, 'x', SECRET_BYTES);
    sv_vault_free(secret, SECRET_BYTES);
    assert_false(holds(secret, SECRET_BYTES, 'x')); /* the vault's pages stay */
    again = sv_vault_alloc(SECRET_BYTES);
    for (size_t i = 0; i < SECRET_BYTES; i++)
        assert_int_equal(again[i], 0);
    sv_vault_free(again, SECRET_BYTES);
}

/* For as much as a hundred connections need, say: it takes from there as well and would fail. */
static void assert_openssl_has_room(void)
{
    enum { PIECES = 200, PIECE_BYTES = 128 };
    void *pieces[PIECES];

    for (size_t i = 0; i < PIECES; i++) {
        pieces[i] = OPENSSL_secure_zalloc(PIECE_BYTES);
        assert_non_null(pieces[i]);
    }
    for (size_t i = 0; i < PIECES; i++)
        OPENSSL_secure_free(pieces[i]);
}

static void beyond_what_it_holds_there_is_memory_all_the_same(void **state)
{
    enum { COUNT = 600 }; /* of 4 KiB each, and it has at most 1 MiB */
    unsigned char *secrets[COUNT];
    size_t inside = 0;

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        secrets[i] = sv_vault_alloc(SECRET_BYTES);
        assert_int_equal(secrets[i][SECRET_BYTES - 1], 0);
        inside += (size_t)CRYPTO_secure_allocated(secrets[i]);
    }
    assert_in_range(inside, 1, COUNT - 1);
    assert_openssl_has_room();
    for (size_t i = 0; i < COUNT; i++)
        sv_vault_free(secrets[i], SECRET_BYTES);
    assert_int_equal(CRYPTO_secure_used(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_vault_there_is_memory_all_the_same),
        cmocka_unit_test(what_is_given_back_is_wiped),
        cmocka_unit_test(beyond_what_it_holds_there_is_memory_all_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
