#include "cmocka_all.h"

#include <string.h>

#include "sv/digest.h"

/* FIPS 180-4 examples. */
static void sha256_matches_its_standard(void **state)
{
    static const struct {
        const char *text;
        const char *hex;
    } cases[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    };
    char hex[SV_SHA256_HEX_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        sv_sha256_hex(cases[i].text, strlen(cases[i].text), hex);
        assert_string_equal(hex, cases[i].hex);
    }
    sv_sha256_hex(NULL, 0, hex);
    assert_string_equal(hex, cases[0].hex);
}

/* RFC 4231 test cases 2 and 6; the empty key by hand of another implementation (Python's hmac). */
static void hmac_matches_its_standard(void **state)
{
    char long_key[131];
    const struct {
        const char *key;
        size_t key_len;
        const char *text;
        const char *hex;
    } cases[] = {
        {"Jefe", 4, "what do ya want for nothing?",
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {long_key, sizeof(long_key), "Test Using Larger Than Block-Size Key - Hash Key First",
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
        {NULL, 0, "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
    };
    uint8_t digest[SV_SHA256_BYTES];
    char hex[SV_SHA256_HEX_BYTES];

    (void)state;
    memset(long_key, 0xaa, sizeof(long_key));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        sv_hmac_sha256(cases[i].key, cases[i].key_len, cases[i].text, strlen(cases[i].text),
                       digest);
        sv_hex(digest, sizeof(digest), hex);
        assert_string_equal(hex, cases[i].hex);
    }
}

static void the_uid_is_fixed_for_ever(void **state)
{
    char uid[SV_UID_BYTES];
    char other[SV_UID_BYTES];

    (void)state;
    sv_uid("default", "client-1", "example.com", uid);
    assert_string_equal(uid, "d1c79451cdc25939");
    sv_uid("default", "client-1e", "xample.com", other); /* the 0 bytes keep the parts apart */
    assert_string_not_equal(uid, other);
}

static void crc32_is_the_one_of_zlib(void **state)
{
    static const struct {
        const char *text;
        uint32_t crc;
    } cases[] = {
        {"", 0},
        {"123456789", 0xcbf43926},
        {"client-1", 0xf08ce266},
        {"\xff\x80", 0x3f456cad},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(sv_crc32(cases[i].text, strlen(cases[i].text)), cases[i].crc);
}

static void fnv_can_be_continued(void **state)
{
    uint64_t parts = sv_fnv1a(sv_fnv1a(SV_FNV_START, "foo", 3), "bar", 3);

    (void)state;
    assert_true(sv_fnv1a(SV_FNV_START, "", 0) == SV_FNV_START);
    assert_true(parts == 0x85944171f73967e8u); /* Noll's published value for "foobar" */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_matches_its_standard), cmocka_unit_test(hmac_matches_its_standard),
        cmocka_unit_test(the_uid_is_fixed_for_ever),   cmocka_unit_test(crc32_is_the_one_of_zlib),
        cmocka_unit_test(fnv_can_be_continued),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
