/* Columns that line up whatever the script, and texts that cannot confuse a terminal. */
#include <stdio.h>
#include <string.h>

#include "cmocka_all.h"
#include "table.h"

enum { OUTPUT_BYTES = 2048 };

static const char *print(const struct sv_table *table, bool colour)
{
    static char out[OUTPUT_BYTES];
    FILE *stream;

    memset(out, 0, sizeof(out));
    stream = fmemopen(out, sizeof(out), "w");
    assert_non_null(stream);
    sv_table_print(table, colour, stream);
    assert_int_equal(fclose(stream), 0);
    return out;
}

static void test_columns(void **state)
{
    static const struct {
        const char *text;
        size_t columns;
    } cases[] = {
        {"", 0},
        {"abc", 3},
        {"b\xc3\xbc"
         "cher",
         6},
        {"\xe4\xbe\x8b\xe3\x81\x88", 4}, /* wide */
        {"e\xcc\x81", 1},                /* combining */
        {"\xf0\x9f\x98\x80", 2},         /* emoji */
        {"a\xff"
         "b",
         3},                             /* broken */
        {"\xe0\xae\xa8\xe0\xaf\x8d", 1}, /* Tamil with a virama */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(sv_term_columns(cases[i].text), cases[i].columns);
}

static void test_aligned(void **state)
{
    static const char *const heads[] = {"NAME", "STATUS", "NOTE"};
    struct sv_table table;

    (void)state;
    sv_table_init(&table, 3, heads);
    sv_table_row(&table);
    sv_table_set(&table, 0, SV_PLAIN,
                 "b\xc3\xbc"
                 "cher.example");
    sv_table_set(&table, 1, SV_GREEN, "ok");
    sv_table_row(&table);
    sv_table_set(&table, 0, SV_PLAIN, "\xe4\xbe\x8b\xe3\x81\x88.example");
    sv_table_set(&table, 1, SV_RED, "wrong");
    sv_table_set(&table, 2, SV_PLAIN, "x");
    sv_table_set(&table, 2, SV_PLAIN, NULL);
    sv_table_set(&table, 2, SV_PLAIN, "y");
    assert_string_equal(print(&table, false), "NAME            STATUS  NOTE\n"
                                              "b\xc3\xbc"
                                              "cher.example  ok\n"
                                              "\xe4\xbe\x8b\xe3\x81\x88.example    wrong   y\n");
    assert_string_equal(print(&table, true),
                        "\033[1mNAME\033[0m            \033[1mSTATUS\033[0m  \033[1mNOTE\033[0m\n"
                        "b\xc3\xbc"
                        "cher.example  \033[32mok\033[0m\n"
                        "\xe4\xbe\x8b\xe3\x81\x88.example    \033[31mwrong\033[0m   y\n");
    sv_table_fini(&table);
}

static void test_safe(void **state)
{
    struct sv_table table;

    (void)state;
    sv_table_init(&table, 1, NULL);
    assert_string_equal(print(&table, true), "");
    sv_table_row(&table);
    sv_table_set(&table, 0, SV_PLAIN, "a\033[2J\n\xff\xe2\x80\xae");
    assert_string_equal(print(&table, true), "a?[2J?????\n");
    sv_table_fini(&table);
}

static void test_many_rows(void **state)
{
    struct sv_table table;
    char text[16];

    (void)state;
    sv_table_init(&table, 2, NULL);
    for (int i = 0; i < 100; i++) {
        sv_table_row(&table);
        (void)snprintf(text, sizeof(text), "%d", i);
        sv_table_set(&table, 1, SV_PLAIN, text);
    }
    assert_non_null(strstr(print(&table, false), "\n  99\n"));
    sv_table_fini(&table);
}

static void test_colour(void **state)
{
    char no_colour[] = "NO_COLOR=1";
    char *environment[] = {no_colour, NULL};

    (void)state;
    assert_false(sv_term_wants_colour(stdout, environment));
}

static void test_sorted_by_two_columns(void **state)
{
    static const char *const heads[] = {"CLIENT", "DOMAIN"};
    static const char *const rows[][2] = {{"b", "a"}, {"a", "z"}, {"b", NULL}, {"a", "c"}};
    struct sv_table table;

    (void)state;
    sv_table_init(&table, 2, heads);
    sv_table_sort(&table); /* the head alone */
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sv_table_row(&table);
        sv_table_set(&table, 0, SV_PLAIN, rows[i][0]);
        sv_table_set(&table, 1, SV_PLAIN, rows[i][1]);
    }
    sv_table_sort(&table);
    assert_string_equal(print(&table, false),
                        "CLIENT  DOMAIN\na       c\na       z\nb\nb       a\n");
    sv_table_fini(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns), cmocka_unit_test(test_aligned),
        cmocka_unit_test(test_safe),    cmocka_unit_test(test_many_rows),
        cmocka_unit_test(test_colour),  cmocka_unit_test(test_sorted_by_two_columns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
