#include "cmocka_all.h"

#include <string.h>

#include "sv/rand.h"

/* The first numbers for seed 1, computed by an independent implementation in Python. */
static void a_seed_is_a_run(void **state)
{
    static const uint64_t expected[] = {0xb3f2af6d0fc710c5, 0x853b559647364cea, 0x92f89756082a4514,
                                        0x642e1c7bc266a3a7};
    struct sv_rand dice;
    char hex[5];

    (void)state;
    sv_rand_seeded_init(&dice, 1);
    for (size_t i = 0; i < 4; i++)
        assert_true(sv_rand_u64(&dice) == expected[i]);
    sv_rand_seeded_init(&dice, 1);
    sv_rand_hex(&dice, hex, 2);
    assert_string_equal(hex, "c510");
}

static void below_is_below_and_fair(void **state)
{
    static const uint64_t limits[] = {1, 2, 3, 7, 1000, UINT64_C(1) << 63, UINT64_MAX};
    unsigned seen[6] = {0};
    struct sv_rand dice;

    (void)state;
    sv_rand_seeded_init(&dice, 42);
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        for (unsigned n = 0; n < 1000; n++)
            assert_true(sv_rand_below(&dice, limits[i]) < limits[i]);
    }
    for (unsigned n = 0; n < 60000; n++)
        seen[sv_rand_below(&dice, 6)]++;
    for (size_t i = 0; i < 6; i++)
        assert_in_range(seen[i], 9500, 10500);
}

static void the_system_gives_different_numbers(void **state)
{
    struct sv_rand source;
    char a[2 * 300 + 1];
    char b[2 * 300 + 1];

    (void)state;
    sv_rand_system_init(&source);
    sv_rand_hex(&source, a, 300); /* more than the pool */
    sv_rand_hex(&source, b, 300);
    assert_int_equal(strlen(a), 600);
    assert_int_equal(strspn(a, "0123456789abcdef"), 600);
    assert_string_not_equal(a, b);
    assert_true(sv_rand_u64(&source) != sv_rand_u64(&source));
    sv_rand_hex(&source, a, 0);
    assert_string_equal(a, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_is_a_run),
        cmocka_unit_test(below_is_below_and_fair),
        cmocka_unit_test(the_system_gives_different_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
