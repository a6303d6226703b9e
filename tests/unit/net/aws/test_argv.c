/* Command lines as Python's shlex.split (POSIX mode, what botocore uses for credential_process)
 * splits them: a table, and for test_argv.py, which asks shlex itself, whatever it is given. */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "sv/argv.h"

static void check(const char *command, const char *const *words)
{
    static struct sv_argv argv;
    struct sv_errinfo info = {0};
    size_t i = 0;

    assert_int_equal(sv_argv_split(command, &argv, &info), SV_OK);
    for (; words[i] != NULL; i++) {
        assert_non_null(argv.words[i]);
        assert_string_equal(argv.words[i], words[i]);
    }
    assert_null(argv.words[i]);
}

static void words_are_split_as_shlex_does(void **state)
{
    static const struct {
        const char *command;
        const char *words[6];
    } cases[] = {
        {"/bin/a", {"/bin/a"}},
        {"  a \t b  ", {"a", "b"}},
        {"a 'b c' d", {"a", "b c", "d"}},
        {"a \"b 'c'\" d", {"a", "b 'c'", "d"}},
        {"a 'b \"c\" \\'", {"a", "b \"c\" \\"}},
        {"a b\\ c", {"a", "b c"}},
        {"a \"\\\"\\\\\\n\\$\"", {"a", "\"\\\\n\\$"}},
        {"a '' \"\"", {"a", "", ""}},
        {"a b'c'd\"e\"", {"a", "bcde"}},
        {"\"C:\\Program Files\\x\" y", {"C:\\Program Files\\x", "y"}},
        {"a $HOME `x` |b; >", {"a", "$HOME", "`x`", "|b;", ">"}},
        {"a # b", {"a", "#", "b"}},
        {"a \\\\ \\'", {"a", "\\", "'"}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check(cases[i].command, cases[i].words);
}

static void what_cannot_be_split_is_refused_without_showing_it(void **state)
{
    static const char *const bad[] = {"",     "   ",       "'a",   "a \"b",
                                      "a \\", "a 'b\\'c'", "'' x", "\"\" x"};
    static struct sv_argv argv;
    char big[SV_ARGV_BYTES + 1], many[2 * (SV_ARGV_WORDS_MAX + 1) + 1];
    struct sv_errinfo info;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(sv_argv_split(bad[i], &argv, &info), SV_EMALFORMED);
    assert_int_equal(sv_argv_split("x 'secret", &argv, &info), SV_EMALFORMED);
    assert_null(strstr(info.text, "secret"));
    memset(big, 'a', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    assert_int_equal(sv_argv_split(big, &argv, &info), SV_ETOOBIG);
    big[SV_ARGV_BYTES - 1] = '\0';
    assert_int_equal(sv_argv_split(big, &argv, &info), SV_OK);
    for (size_t i = 0; i < sizeof many - 1; i += 2)
        memcpy(many + i, "a ", 2);
    many[sizeof many - 1] = '\0';
    assert_int_equal(sv_argv_split(many, &argv, &info), SV_EMALFORMED);
    many[sizeof many - 3] = '\0';
    assert_int_equal(sv_argv_split(many, &argv, &info), SV_OK);
}

/* "test_argv COMMAND" prints one word a line with its length, or "refused". */
static int show(const char *command)
{
    static struct sv_argv argv;

    if (sv_argv_split(command, &argv, NULL) != SV_OK) {
        (void)puts("refused");
        return 0;
    }
    for (char **word = argv.words; *word != NULL; word++)
        (void)printf("%zu:%s,", strlen(*word), *word);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_split_as_shlex_does),
        cmocka_unit_test(what_cannot_be_split_is_refused_without_showing_it),
    };

    if (argc == 2)
        return show(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
