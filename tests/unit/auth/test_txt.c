/* Bounded lines and spans of foreign octets. */
#include "txt.h"

#include <string.h>

#include "cmocka_all.h"

static struct sv_span span(const char *text)
{
    return sv_span_of(text);
}

static void lines_never_pass_their_end(void **state)
{
    static const char *const inputs[] = {"", "a", "abcdefgh", "\x01", "ab\x80zz", "\xff\xff\xff"};

    (void)state;
    for (size_t i = 0; i < sizeof(inputs) / sizeof(*inputs); i++) {
        for (size_t room = 1; room < 20; room++) {
            char text[24];
            char whole[64];
            struct sv_line line;
            memset(text, 'X', sizeof(text));
            sv_line_init(&line, whole, sizeof(whole));
            sv_line_add_shown(&line, span(inputs[i]));
            sv_line_init(&line, text, room);
            sv_line_add_shown(&line, span(inputs[i]));
            assert_true(line.len < room && text[line.len] == '\0' && text[room] == 'X');
            assert_int_equal(line.cut, strlen(whole) >= room);
            if (!line.cut)
                assert_string_equal(text, whole);
            else if (room > 4)
                assert_string_equal(text + line.len - 3, "...");
        }
    }
}

static void odd_octets_are_escaped(void **state)
{
    char text[64];
    struct sv_line line;

    (void)state;
    sv_line_init(&line, text, sizeof(text));
    sv_line_add_shown(&line, (struct sv_span){"a\0\t\x7f\xffz\\", 7});
    assert_string_equal(text, "a\\000\\009\\127\\255z\\");
    sv_line_init(&line, text, sizeof(text));
    sv_line_add_number(&line, 0);
    sv_line_add(&line, " ");
    sv_line_add_number(&line, 4294967295u);
    assert_string_equal(text, "0 4294967295");
}

static void names_fit_or_are_empty(void **state)
{
    char name[SV_NAME_BYTES];
    char longest[SV_NAME_BYTES];

    (void)state;
    assert_true(sv_name_build(name, "a.", NULL, "b"));
    assert_string_equal(name, "a.b");
    memset(longest, 'a', SV_NAME_MAX);
    longest[SV_NAME_MAX] = '\0';
    assert_true(sv_name_build(name, longest, "", ""));
    assert_false(sv_name_build(name, longest, ".", ""));
    assert_string_equal(name, "");
}

static void spans_ignore_case(void **state)
{
    (void)state;
    assert_true(sv_span_equals(span("AbC"), "aBc"));
    assert_false(sv_span_equals(span("abcd"), "abc"));
    assert_false(sv_span_equals(span("ab"), "abc"));
    assert_true(sv_span_starts(span("V=SPF1 x"), "v=spf1"));
    assert_false(sv_span_starts(span("v=sp"), "v=spf1"));
    assert_true(sv_span_holds(span("xxDMARC1"), "dmarc1"));
    assert_true(sv_span_holds(span(""), ""));
    assert_false(sv_span_holds(span("dmarc"), "dmarc1"));
}

static void wrappings_are_trimmed(void **state)
{
    static const char *const wrapped[] = {
        "v",
        " v ",
        "\"v\"",
        "\xe2\x80\x9cv\xe2\x80\x9d",
        "\xc2\xa0 \"v",
        "\xef\xbb\xbfv\xe2\x80\x8b",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrapped) / sizeof(*wrapped); i++)
        assert_true(sv_span_equals(sv_span_trim(span(wrapped[i])), "v"));
    assert_int_equal(sv_span_trim(span(" \" ")).len, 0);
    assert_int_equal(sv_span_trim(span("\xc2")).len, 1); /* half a character */
}

static void words_are_between_blanks(void **state)
{
    struct sv_span rest = span("  a  bc ");
    struct sv_span word;

    (void)state;
    assert_true(sv_span_word(&rest, &word) && sv_span_equals(word, "a"));
    assert_true(sv_span_word(&rest, &word) && sv_span_equals(word, "bc"));
    assert_false(sv_span_word(&rest, &word));
    assert_false(sv_span_word(&rest, &word));
}

static void an_mx_has_a_host(void **state)
{
    static const struct {
        const char *kept, *host;
    } cases[] = {
        {"10 mail.client.com", "mail.client.com"},
        {"0 mail.client.com.", "mail.client.com"},
        {"10 10\\032mail.client.com", "10\\032mail.client.com"},
        {"0 .", ""},
        {"0 ", ""},
        {"0", ""},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct sv_span host = sv_mx_host(sv_span_of(cases[i].kept));
        if (!sv_span_equals(host, cases[i].host))
            fail_msg("%s: %.*s", cases[i].kept, (int)host.len, host.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_mx_has_a_host),         cmocka_unit_test(lines_never_pass_their_end),
        cmocka_unit_test(odd_octets_are_escaped),   cmocka_unit_test(names_fit_or_are_empty),
        cmocka_unit_test(spans_ignore_case),        cmocka_unit_test(wrappings_are_trimmed),
        cmocka_unit_test(words_are_between_blanks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
