#include "cmocka_all.h"

#include <string.h>

#include "sv/utf8.h"

static void characters_are_read_strictly(void **state)
{
    static const struct {
        const char *text;
        size_t bytes;
        uint32_t point;
    } cases[] = {
        {"a", 1, 'a'},
        {"\x7f", 1, 0x7f},
        {"\x80", 0, 0},
        {"\xc0\x80", 0, 0}, /* overlong 0 */
        {"\xc1\xbf", 0, 0},
        {"\xc2\x80", 2, 0x80},
        {"\xdf\xbf", 2, 0x7ff},
        {"\xe0\x9f\xbf", 0, 0}, /* overlong */
        {"\xe0\xa0\x80", 3, 0x800},
        {"\xed\x9f\xbf", 3, 0xd7ff},
        {"\xed\xa0\x80", 0, 0}, /* surrogate */
        {"\xee\x80\x80", 3, 0xe000},
        {"\xf0\x8f\xbf\xbf", 0, 0}, /* overlong */
        {"\xf0\x90\x80\x80", 4, 0x10000},
        {"\xf4\x8f\xbf\xbf", 4, 0x10ffff},
        {"\xf4\x90\x80\x80", 0, 0}, /* beyond Unicode */
        {"\xf5\x80\x80\x80", 0, 0},
        {"\xe2\x82", 0, 0}, /* cut off */
        {"\xe2\x82x", 0, 0},
        {"", 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint32_t point = 0;

        assert_int_equal(sv_utf8_next(cases[i].text, strlen(cases[i].text), &point),
                         cases[i].bytes);
        assert_int_equal(point, cases[i].point);
    }
}

static void cuts_fall_between_characters(void **state)
{
    static const struct {
        const char *text;
        size_t bytes_max;
        size_t cut;
    } cases[] = {
        {"abc", 5, 3},
        {"abc", 3, 3},
        {"abc", 2, 2},
        {"a\xc3\xbc", 2, 1},
        {"a\xc3\xbc", 3, 3},
        {"a\xe2\x82\xac"
         "b",
         3, 1},
        {"a\xe2\x82\xac"
         "b",
         4, 4},
        {"\xf0\x9f\x98\x80", 3, 0},
        {"\x80\x80\x80\x80\x80\x80", 5, 5}, /* no characters at all */
        {"", 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(sv_utf8_cut(cases[i].text, strlen(cases[i].text), cases[i].bytes_max),
                         cases[i].cut);
}

static void unsafe_characters_are_known(void **state)
{
    static const struct {
        uint32_t point;
        bool unsafe;
    } cases[] = {
        {0, true},      {'\n', true},   {0x1b, true},     {' ', false},    {'~', false},
        {0x7f, true},   {0x85, true},   {0x9f, true},     {0xa0, false},   {0xfc, false},
        {0x200f, true}, {0x2028, true}, {0x202e, true},   {0x202f, false}, {0x2066, true},
        {0x2069, true}, {0xfeff, true}, {0x1f600, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(sv_utf8_is_unsafe(cases[i].point), cases[i].unsafe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters_are_read_strictly),
        cmocka_unit_test(cuts_fall_between_characters),
        cmocka_unit_test(unsafe_characters_are_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
