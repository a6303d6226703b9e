#include "cmocka_all.h"

#include <string.h>

#include "sv/buf.h"

static void an_empty_buffer_is_an_empty_string(void **state)
{
    struct sv_buf buf;

    (void)state;
    sv_buf_init(&buf, 10);
    assert_string_equal(sv_buf_str(&buf), "");
    assert_true(sv_buf_add(&buf, NULL, 0));
    assert_true(sv_buf_printf(&buf, "%s", ""));
    assert_null(buf.data);
    sv_buf_clear(&buf);
    sv_buf_fini(&buf);
}

static void the_limit_holds_and_leaves_the_content_alone(void **state)
{
    static const size_t limits[] = {0, 1, 2, 63, 64, 65, 1000};

    (void)state;
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        struct sv_buf buf;

        sv_buf_init(&buf, limits[i]);
        for (size_t n = 0; n < limits[i]; n++)
            assert_true(sv_buf_add(&buf, "x", 1));
        assert_false(sv_buf_add(&buf, "y", 1));
        assert_false(sv_buf_add_str(&buf, "y"));
        assert_false(sv_buf_printf(&buf, "%d", 7));
        assert_int_equal(buf.len, limits[i]);
        assert_int_equal(strlen(sv_buf_str(&buf)), limits[i]);
        assert_null(strchr(sv_buf_str(&buf), 'y'));
        assert_true(buf.cap <= limits[i] + 1);
        sv_buf_fini(&buf);
        assert_int_equal(buf.bytes_max, limits[i]);
    }
}

static void text_is_appended_and_consumed(void **state)
{
    struct sv_buf buf;

    (void)state;
    sv_buf_init(&buf, 100);
    assert_true(sv_buf_add_str(&buf, "abc"));
    assert_true(sv_buf_printf(&buf, "%d-%s", 42, "x"));
    assert_string_equal(sv_buf_str(&buf), "abc42-x");
    sv_buf_consume(&buf, 3);
    assert_string_equal(sv_buf_str(&buf), "42-x");
    sv_buf_consume(&buf, 4);
    assert_string_equal(sv_buf_str(&buf), "");
    assert_true(sv_buf_add(&buf, "a\0b", 3));
    assert_int_equal(buf.len, 3);
    assert_memory_equal(buf.data, "a\0b", 4);
    sv_buf_clear(&buf);
    assert_int_equal(buf.len, 0);
    assert_non_null(buf.data);
    sv_buf_fini(&buf);
    assert_true(sv_buf_add_str(&buf, "again"));
    assert_string_equal(sv_buf_str(&buf), "again");
    sv_buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_buffer_is_an_empty_string),
        cmocka_unit_test(the_limit_holds_and_leaves_the_content_alone),
        cmocka_unit_test(text_is_appended_and_consumed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
