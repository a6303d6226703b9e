#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/json.h"
#include "sv/rand.h"

enum { BYTES_MAX = 64, DEPTH_MAX = 3 };

static void good_values_come_back_as_they_went_in(void **state)
{
    static const char *const cases[] = {
        "{\"b\":1,\"a\":[true,false,null],\"c\":{\"d\":\"\xc3\xbc\"}}",
        "[]",
        "\"text\"",
        "17",
        "null",
        "{\"brackets in text\":\"[[[[{{{{\\\"[[[[\"}",
        "[[[1]],[[2]]]",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sv_errinfo info;
        struct sv_buf out;
        json_t *tree = sv_json_parse(cases[i], strlen(cases[i]), BYTES_MAX, DEPTH_MAX, &info);

        assert_non_null(tree);
        sv_buf_init(&out, BYTES_MAX);
        assert_true(sv_json_write(tree, &out));
        assert_string_equal(sv_buf_str(&out), cases[i]);
        sv_buf_fini(&out);
        json_decref(tree);
    }
}

/* Any value of those that we write; text of all bytes that UTF-8 allows in one. */
static json_t *random_value(struct sv_rand *rand, unsigned depth)
{
    static const double reals[] = {0.0, -0.0, 1.0, 0.1, -1e-7, 1e300, 12345678.9};
    json_t *tree = NULL;
    char text[40];
    size_t len = (size_t)sv_rand_below(rand, sizeof text - 3), count;

    switch (sv_rand_below(rand, depth == 0 ? 6 : 8)) {
    case 0:
        return json_null();
    case 1:
        return json_boolean(sv_rand_below(rand, 2));
    case 2:
        return json_integer((json_int_t)sv_rand_u64(rand));
    case 3:
        return json_real(reals[sv_rand_below(rand, sizeof reals / sizeof reals[0])]);
    case 4:
    case 5:
        for (size_t i = 0; i < len; i++)
            text[i] = (char)sv_rand_below(rand, 128);
        (void)memcpy(text + len, "\xc3\xbc", 2);
        return json_stringn(text, len + 2);
    case 6:
        tree = json_array();
        for (count = (size_t)sv_rand_below(rand, 5); count > 0; count--)
            assert_int_equal(json_array_append_new(tree, random_value(rand, depth - 1)), 0);
        return tree;
    default:
        tree = json_object();
        for (count = (size_t)sv_rand_below(rand, 5); count > 0; count--) {
            (void)snprintf(text, sizeof text, "k\"%u\n", (unsigned)sv_rand_below(rand, 20));
            assert_int_equal(json_object_set_new(tree, text, random_value(rand, depth - 1)), 0);
        }
        return tree;
    }
}

static void trees_are_written_as_jansson_does(void **state)
{
    struct sv_rand rand;

    (void)state;
    sv_rand_seeded_init(&rand, 20261129);
    for (int i = 0; i < 5000; i++) {
        json_t *tree = random_value(&rand, 4);
        char *expected = json_dumps(tree, JSON_COMPACT | JSON_ENCODE_ANY);
        struct sv_buf out;

        sv_buf_init(&out, 1 << 20);
        assert_true(sv_json_write(tree, &out));
        assert_string_equal(sv_buf_str(&out), expected);
        sv_buf_fini(&out);
        free(expected);
        json_decref(tree);
    }
}

static void what_does_not_fit_leaves_nothing_behind(void **state)
{
    json_t *tree = json_pack("{s:[s,i,b,n,f],s:{}}", "key\n", "text\x01", 7, 1, 0.5, "other");
    char *whole = json_dumps(tree, JSON_COMPACT);

    (void)state;
    for (size_t room = 0; room <= strlen(whole); room++) {
        struct sv_buf out;

        sv_buf_init(&out, room);
        assert_true(sv_json_write(tree, &out) == (room == strlen(whole)));
        assert_string_equal(sv_buf_str(&out), room == strlen(whole) ? whole : "");
        sv_buf_fini(&out);
    }
    free(whole);
    json_decref(tree);
}

static void a_tree_that_is_too_deep_is_refused(void **state)
{
    json_t *tree = json_array();
    struct sv_buf out;

    (void)state;
    sv_buf_init(&out, 1 << 20);
    for (int depth = 1; depth < 64; depth++)
        tree = json_pack("[o]", tree);
    assert_true(sv_json_write(tree, &out));
    tree = json_pack("[o]", tree);
    assert_false(sv_json_write(tree, &out));
    assert_int_equal(out.len, 2 * 64);
    sv_buf_fini(&out);
    json_decref(tree);
}

static void bad_values_are_refused_with_a_reason(void **state)
{
    static const struct {
        const char *text;
        enum sv_err err;
        const char *said;
    } cases[] = {
        {"", SV_EMALFORMED, "end of file"},
        {"{", SV_EMALFORMED, "line 1, column 1"},
        {"{} x", SV_EMALFORMED, "end of file expected"},
        {"{}{}", SV_EMALFORMED, "end of file expected"},
        {"{\"a\":1,\"a\":2}", SV_EMALFORMED, "duplicate object key"},
        {"{\"a\":1,\"\\u0061\":2}", SV_EMALFORMED, "duplicate object key"},
        {"[[[[1]]]]", SV_EMALFORMED, "nested deeper than 3 levels at byte 3"},
        {"[{\"\\\\\":[{}]}]", SV_EMALFORMED, "nested deeper than 3 levels"},
        {"\"\xff\"", SV_EMALFORMED, "unable to decode"},
        {"\"\xed\xa0\x80\"", SV_EMALFORMED, "unable to decode"},
        {"\"a\\u0000b\"", SV_EMALFORMED, "u0000"},
        {"{\"a\\u0000b\":1}", SV_EMALFORMED, "u0000"},
        {"\"a\nb\"", SV_EMALFORMED, "line 1"},
        {"NaN", SV_EMALFORMED, "invalid token"},
        {"99999999999999999999", SV_EMALFORMED, "too big"},
        {"1e999", SV_EMALFORMED, "overflow"},
        {"\"0123456789012345678901234567890123456789012345678901234567890123\"", SV_ETOOBIG,
         "66 bytes, at most 64"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sv_errinfo info;
        size_t len = strlen(cases[i].text);
        char *exact = malloc(len == 0 ? 1 : len); /* so that reading beyond it is noticed */

        memcpy(exact, cases[i].text, len);
        assert_null(sv_json_parse(exact, len, BYTES_MAX, DEPTH_MAX, &info));
        assert_int_equal(info.code, cases[i].err);
        assert_string_equal(info.where, "json");
        if (strstr(info.text, cases[i].said) == NULL)
            fail_msg("\"%s\" lacks \"%s\"", info.text, cases[i].said);
        free(exact);
    }
}

/* Jansson alone takes "1" and a 0 byte for 1. */
static void raw_zero_bytes_are_refused(void **state)
{
    static const char *const cases[] = {"1#", "#1", "[1#]", "\"a#b\"", "{\"a\":1}#", "#"};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[16] = "";
        size_t len = strlen(cases[i]);
        struct sv_errinfo info;

        memcpy(text, cases[i], len);
        *strchr(text, '#') = '\0';
        assert_null(sv_json_parse(text, len, BYTES_MAX, DEPTH_MAX, &info));
        assert_int_equal(info.code, SV_EMALFORMED);
        assert_non_null(strstr(info.text, "a 0 byte at byte"));
    }
    assert_null(sv_json_parse(NULL, 0, BYTES_MAX, DEPTH_MAX, NULL));
}

static void writing_stops_at_the_limit_and_takes_back(void **state)
{
    json_t *tree = sv_json_object();
    struct sv_buf out;

    (void)state;
    sv_json_set_str(tree, "key", "a value of some length");
    for (size_t bytes_max = 2; bytes_max < 34; bytes_max++) {
        sv_buf_init(&out, bytes_max);
        assert_true(sv_buf_add_str(&out, "> "));
        assert_false(sv_json_write(tree, &out));
        assert_string_equal(sv_buf_str(&out), "> ");
        assert_int_equal(out.len, 2);
        sv_buf_fini(&out);
    }
    sv_buf_init(&out, 34);
    assert_true(sv_buf_add_str(&out, "> "));
    assert_true(sv_json_write(tree, &out));
    assert_string_equal(sv_buf_str(&out), "> {\"key\":\"a value of some length\"}");
    sv_buf_fini(&out);
    json_decref(tree);
}

static void members_are_found_by_path(void **state)
{
    static const char text[] = "{\"a\":{\"b\":{\"c\":\"deep\"},\"n\":1},\"s\":\"flat\"}";
    json_t *tree = sv_json_parse(text, strlen(text), BYTES_MAX, DEPTH_MAX, NULL);

    (void)state;
    assert_string_equal(json_string_value(sv_json_path(tree, "a.b.c")), "deep");
    assert_string_equal(json_string_value(sv_json_path(tree, "s")), "flat");
    assert_true(json_is_integer(sv_json_path(tree, "a.n")));
    assert_null(sv_json_path(tree, "a.x.c"));
    assert_null(sv_json_path(tree, "s.x"));
    assert_null(sv_json_path(tree, ""));
    assert_null(sv_json_path(tree, "a."));
    assert_null(sv_json_path(NULL, "a"));
    assert_string_equal(sv_json_str(tree, "s"), "flat");
    assert_null(sv_json_str(tree, "a"));
    assert_null(sv_json_str(tree, "x"));
    assert_null(sv_json_str(NULL, "x"));
    json_decref(tree);
}

static void setters_take_plain_values(void **state)
{
    json_t *tree = sv_json_object();
    json_t *list = sv_json_array();
    struct sv_buf out;

    (void)state;
    sv_json_set_str(tree, "z", "text");
    sv_json_set_str(tree, "none", NULL);
    sv_json_set_int(tree, "n", -9223372036854775807);
    sv_json_set_bool(tree, "t", true);
    sv_json_set_bool(tree, "f", false);
    sv_json_append(list, json_integer(1));
    sv_json_append(list, sv_json_object());
    sv_json_set(tree, "list", list);
    sv_json_set_str(tree, "broken", "a\xff\xc3\xbc\xc3");
    sv_buf_init(&out, 500);
    assert_true(sv_json_write(tree, &out));
    assert_string_equal(sv_buf_str(&out),
                        "{\"z\":\"text\",\"none\":null,\"n\":-9223372036854775807,\"t\":true,"
                        "\"f\":false,\"list\":[1,{}],"
                        "\"broken\":\"a\xef\xbf\xbd\xc3\xbc\xef\xbf\xbd\"}");
    sv_buf_fini(&out);
    json_decref(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_values_come_back_as_they_went_in),
        cmocka_unit_test(trees_are_written_as_jansson_does),
        cmocka_unit_test(what_does_not_fit_leaves_nothing_behind),
        cmocka_unit_test(a_tree_that_is_too_deep_is_refused),
        cmocka_unit_test(bad_values_are_refused_with_a_reason),
        cmocka_unit_test(raw_zero_bytes_are_refused),
        cmocka_unit_test(writing_stops_at_the_limit_and_takes_back),
        cmocka_unit_test(members_are_found_by_path),
        cmocka_unit_test(setters_take_plain_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
