/* The distance of two texts, against a plain full-table implementation. */
#include "near.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmocka_all.h"

enum { LEN_MAX = 12 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The textbook table, optimal string alignment. */
static size_t distance(const char *a, const char *b)
{
    size_t table[LEN_MAX + 1][LEN_MAX + 1];
    size_t a_len = strlen(a);
    size_t b_len = strlen(b);

    for (size_t i = 0; i <= a_len; i++) {
        for (size_t j = 0; j <= b_len; j++) {
            if (i == 0 || j == 0) {
                table[i][j] = i + j;
                continue;
            }
            table[i][j] = least(table[i - 1][j], table[i][j - 1]) + 1;
            table[i][j] = least(table[i][j], table[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                table[i][j] = least(table[i][j], table[i - 2][j - 2] + 1);
        }
    }
    return table[a_len][b_len];
}

static void fixed_pairs(void **state)
{
    static const struct {
        const char *a, *b;
        bool near;
    } rows[] = {
        {"", "", true},
        {"", "ab", true},
        {"", "abc", false},
        {"abc", "abc", true},
        {"ABC", "abc", true},
        {"abc", "acb", true},
        {"abcd", "badc", true},
        {"abcd", "dcba", false},
        {"amazonses.com", "amzaonses.com", true},
        {"amazonses.com", "amazonses.co", true},
        {"amazonses.com", "amazon-ses.com", true},
        {"amazonses.com", "amazonaws.com", true},
        {"amazonses.com", "google.com", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        assert_int_equal(sv_near(sv_span_of(rows[i].a), sv_span_of(rows[i].b)), rows[i].near);
        assert_int_equal(sv_near(sv_span_of(rows[i].b), sv_span_of(rows[i].a)), rows[i].near);
    }
}

static void agrees_with_the_full_table(void **state)
{
    unsigned seed = (unsigned)time(NULL);
    char a[LEN_MAX + 1];
    char b[LEN_MAX + 1];

    (void)state;
    print_message("seed %u\n", seed);
    srandom(seed);
    for (size_t turn = 0; turn < 200000; turn++) {
        size_t a_len = (size_t)random() % (LEN_MAX + 1);
        size_t b_len = (size_t)random() % (LEN_MAX + 1);
        for (size_t i = 0; i < a_len; i++)
            a[i] = (char)('a' + random() % 3);
        for (size_t i = 0; i < b_len; i++)
            b[i] = (char)('a' + random() % 3);
        a[a_len] = '\0';
        b[b_len] = '\0';
        if (sv_near(sv_span_of(a), sv_span_of(b)) != (distance(a, b) <= SV_NEAR_EDITS_MAX))
            fail_msg("\"%s\" and \"%s\" are %zu apart", a, b, distance(a, b));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_pairs),
        cmocka_unit_test(agrees_with_the_full_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
