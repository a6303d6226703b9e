#include "cmocka_all.h"

#include "sv/entry_id.h"

static void ids_are_compared_as_numbers(void **state)
{
    static const char *const in_order[] = {"junk",
                                           "0-1",
                                           "9-0",
                                           "9-9",
                                           "9-10",
                                           "10",
                                           "10-1",
                                           "1767225600000-9",
                                           "1767225600000-10",
                                           "1767225600000-18446744073709551615",
                                           "1767225600001-0",
                                           "18446744073709551614-1",
                                           "18446744073709551615-0"};
    const size_t count = sizeof(in_order) / sizeof(in_order[0]);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            int order = sv_entry_id_compare(in_order[i], in_order[j]);

            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
    }
    assert_int_equal(sv_entry_id_compare("7", "7-0"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ids_are_compared_as_numbers)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
