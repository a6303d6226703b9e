#include "cmocka_all.h"

#include <string.h>

#include "sv/err.h"
#include "sv/utf8.h"

/* The words are part of the outside contract: logs, JSON. */
static void names_are_stable(void **state)
{
    static const char *const names[] = {
        "ok",     "canceled",  "timeout", "connect", "unavailable", "throttled", "conflict",
        "full",   "busy",      "clock",   "denied",  "quota",       "refused",   "not_found",
        "exists", "malformed", "too_big", "invalid", "system",
    };

    (void)state;
    assert_int_equal(sizeof(names) / sizeof(names[0]), SV_ESYSTEM + 1);
    for (size_t i = 0; i <= SV_ESYSTEM; i++) {
        assert_string_equal(sv_err_name((enum sv_err)i), names[i]);
        assert_true(strlen(sv_err_text((enum sv_err)i)) > 0);
    }
    assert_string_equal(sv_err_text(SV_ETIMEOUT), "no answer in time");
    assert_true(sv_err_is_temporary(SV_ETHROTTLED));
    assert_false(sv_err_is_temporary(SV_EDENIED));
}

static void set_fills_and_returns(void **state)
{
    struct sv_errinfo info;

    (void)state;
    assert_int_equal(sv_err_set(&info, SV_EMALFORMED, "dns", 7, "bad %s", "reply"), SV_EMALFORMED);
    assert_int_equal(info.code, SV_EMALFORMED);
    assert_int_equal(info.native, 7);
    assert_string_equal(info.where, "dns");
    assert_string_equal(info.text, "bad reply");
    assert_int_equal(sv_err_set(NULL, SV_EBUSY, "x", 0, "%d", 1), SV_EBUSY);
}

static void an_older_text_can_be_wrapped(void **state)
{
    struct sv_errinfo info;

    (void)state;
    (void)sv_err_set(&info, SV_ETIMEOUT, "dns", 0, "no answer");
    (void)sv_err_set(&info, info.code, info.where, info.native, "asking %s: %s", "a", info.text);
    assert_string_equal(info.text, "asking a: no answer");
    assert_string_equal(info.where, "dns");
}

static void foreign_bytes_become_printable(void **state)
{
    static const struct {
        const char *given;
        const char *kept;
    } cases[] = {
        {"a\nb\tc\x7f", "a?b?c?"},
        {"m\xc3\xbcller", "m\xc3\xbcller"},
        {"\xff\xfe", "??"},
        {"\xc2\x9b"
         "31m",
         "?31m"}, /* C1 control: a terminal would obey */
        {"\xe2\x80\xae"
         "x",
         "?x"},                  /* right-to-left override */
        {"\xed\xa0\x80", "???"}, /* a surrogate */
        {"cut \xe2\x82", "cut ??"},
    };
    struct sv_errinfo info;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)sv_err_set(&info, SV_EMALFORMED, "dns", 0, "%s", cases[i].given);
        assert_string_equal(info.text, cases[i].kept);
    }
}

static void long_texts_are_cut_between_characters(void **state)
{
    struct sv_errinfo info;
    char given[SV_ERR_TEXT_BYTES * 4];

    (void)state;
    for (size_t shift = 0; shift < 4; shift++) {
        size_t len = shift;

        memset(given, 'x', shift);
        while (len + 4 < sizeof(given)) {
            memcpy(given + len, "\xf0\x9f\x98\x80", 4);
            len += 4;
        }
        given[len] = '\0';
        (void)sv_err_set(&info, SV_EMALFORMED, "a-name-longer-than-its-place", 0, "%s", given);
        assert_null(strchr(info.text, '?'));
        assert_int_equal(strlen(info.text), shift + (SV_ERR_TEXT_BYTES - 1 - shift) / 4 * 4);
        assert_int_equal(strlen(info.where), SV_ERR_WHERE_BYTES - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_stable),
        cmocka_unit_test(set_fills_and_returns),
        cmocka_unit_test(an_older_text_can_be_wrapped),
        cmocka_unit_test(foreign_bytes_become_printable),
        cmocka_unit_test(long_texts_are_cut_between_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
