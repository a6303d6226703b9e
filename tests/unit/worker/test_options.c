/* The command line: what is read, and every way to get it wrong. */
#include <stdio.h>
#include <string.h>

#include "cmocka_all.h"
#include "commands.h"
#include "nearest.h"
#include "options.h"

static const struct sv_option options[] = {
    {"client", "ID", false, "whose"},
    {"server", "ADDR", true, "which"},
    {"wait", NULL, false, "wait"},
    {.name = NULL},
};

static const struct sv_command command = {
    .name = "try",
    .operands = "DOMAIN",
    .operands_min = 1,
    .operands_max = 2,
    .summary = "a try",
    .options = options,
    .facts = true,
    .examples = {"sesverify try x", "sesverify try y"},
};

/* Words in one string, separated by blanks. */
static bool read_words(const char *line, struct sv_args *args, char *error)
{
    static char text[256];
    static char *words[32];
    int count = 0;
    char *rest = text;
    char *word;

    (void)snprintf(text, sizeof(text), "%s", line);
    while ((word = strsep(&rest, " ")) != NULL) {
        if (*word != '\0')
            words[count++] = word;
    }
    return sv_args_read(&command, count, words, args, error);
}

static void test_reads(void **state)
{
    const char *servers[4];
    char error[SV_OPTION_ERROR_BYTES];
    struct sv_args args;

    (void)state;
    assert_true(read_words("a --client=c1 --server s1 b --wait --server=s2=x", &args, error));
    assert_int_equal(args.operands_count, 2);
    assert_string_equal(args.operands[1], "b");
    assert_string_equal(sv_args_value(&args, "client", ""), "c1");
    assert_string_equal(sv_args_value(&args, "nothing", "fallback"), "fallback");
    assert_true(sv_args_has(&args, "wait"));
    assert_false(sv_args_has(&args, "json"));
    assert_int_equal(sv_args_values(&args, "server", servers, 4), 2);
    assert_string_equal(servers[1], "s2=x");
    assert_true(read_words("-- --client", &args, error));
    assert_string_equal(args.operands[0], "--client");
    assert_true(read_words("- --client -", &args, error)); /* a lone dash is an operand */
    assert_true(read_words("--nonsense -h", &args, error));
    assert_true(args.help);
}

static void test_refuses(void **state)
{
    static const struct {
        const char *line;
        const char *said;
    } cases[] = {
        {"", "DOMAIN is missing"},
        {"a b c", "unexpected 'c'"},
        {"a --clinet c", "unknown option '--clinet' (did you mean '--client'?)"},
        {"a --jsno", "unknown option '--jsno' (did you mean '--json'?)"},
        {"a --zzzzzz", "unknown option '--zzzzzz'"},
        {"a --config x", "unknown option '--config'"}, /* this command reads none */
        {"a -x", "unknown option '-x' (options begin with '--')"},
        {"a --client", "option '--client' needs a value: ID"},
        {"a --wait=1", "option '--wait' takes no value"},
        {"a --wait --wait", "option '--wait' is given twice"},
        {"a --client x --client=y", "option '--client' is given twice"},
    };
    char error[SV_OPTION_ERROR_BYTES];
    struct sv_args args;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_false(read_words(cases[i].line, &args, error));
        assert_string_equal(error, cases[i].said);
    }
}

static void test_distance(void **state)
{
    static const struct {
        const char *a, *b;
        size_t distance;
    } cases[] = {
        {"", "", 0},
        {"a", "", 1},
        {"", "abc", 3},
        {"url", "ulr", 1},
        {"shards", "shard", 1},
        {"floor", "flor", 1},
        {"kitten", "sitting", 3},
        {"ab", "ba", 1},
    };
    char longest[SV_NEAREST_BYTES_MAX + 2];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(sv_nearest_distance(cases[i].a, cases[i].b), cases[i].distance);
        assert_int_equal(sv_nearest_distance(cases[i].b, cases[i].a), cases[i].distance);
    }
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_true(sv_nearest_distance(longest, "a") == SIZE_MAX);
    longest[sizeof(longest) - 2] = '\0';
    assert_int_equal(sv_nearest_distance(longest, longest), 0);
}

/* C1: every command has a summary, two examples that begin like a command, and options with help.
 */
static void test_every_command(void **state)
{
    (void)state;
    for (size_t i = 0; sv_commands[i] != NULL; i++) {
        const struct sv_command *each = sv_commands[i];
        char start[64];

        assert_non_null(each->run);
        assert_true(strlen(each->summary) > 10);
        for (size_t e = 0; e < 2; e++) {
            (void)snprintf(start, sizeof(start), "sesverify %s", each->name);
            assert_non_null(each->examples[e]);
            assert_non_null(strstr(each->examples[e], start));
        }
        for (const struct sv_option *o = each->options; o != NULL && o->name != NULL; o++)
            assert_true(strlen(o->help) > 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_distance),
        cmocka_unit_test(test_every_command),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
