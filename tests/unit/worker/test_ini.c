/* The reader of INI text: what it hands on, and every line it refuses. */
#include <stdio.h>
#include <string.h>

#include "cmocka_all.h"
#include "ini.h"

enum { TRACE_BYTES = 8192 };

struct trace {
    char text[TRACE_BYTES];
};

static void add(struct trace *trace, const char *line)
{
    size_t len = strlen(trace->text);

    (void)snprintf(trace->text + len, TRACE_BYTES - len, "%s\n", line);
}

static void on_entry(void *context, const struct sv_ini_entry *entry)
{
    char line[512];

    if (entry->key == NULL)
        (void)snprintf(line, sizeof(line), "%u [%s]", entry->line, entry->section);
    else
        (void)snprintf(line, sizeof(line), "%u %s.%s=%s", entry->line, entry->section, entry->key,
                       entry->value);
    add(context, line);
}

static void on_fault(void *context, unsigned line, const char *text)
{
    char out[256];

    (void)snprintf(out, sizeof(out), "%u ! %s", line, text);
    add(context, out);
}

static const char *read_text(struct trace *trace, const char *bytes, size_t len)
{
    struct sv_ini_reader reader = {.context = trace, .entry = on_entry, .fault = on_fault};

    trace->text[0] = '\0';
    sv_ini_read(bytes, len, &reader);
    return trace->text;
}

static const char header_end[] = "a section header ends in ']' (no comment behind it)";
static const char header_form[] = "a section header is [name] or [account name]";
static const char line_form[] =
    "a line is 'key = value', '[section]', or a comment that starts with '#'";
static const char bad_bytes[] = "the line holds bytes that are no UTF-8, or control characters";

static const struct {
    const char *in;
    const char *out; /* "!" and a name stand for the texts above */
} cases[] = {
    {"", ""},
    {"\n\n  \n\t\n", ""},
    {"# one\n ; two\n\t#three", ""},
    {"[a]\nk = v\n", "1 [a]\n2 a.k=v\n"},
    {"[a]\r\nk=v\r\n", "1 [a]\n2 a.k=v\n"},
    {"  [  account \t main ]  \n", "1 [account main]\n"},
    {"[a]\n\tk_1\t=\t v w \t", "1 [a]\n2 a.k_1=v w\n"},
    {"[a]\nk = a = b ; c # d\n", "1 [a]\n2 a.k=a = b ; c # d\n"},
    {"[a]\nk =\n", "1 [a]\n2 a.k=\n"},
    {"[a]\nk = \xc3\xa4\n", "1 [a]\n2 a.k=\xc3\xa4\n"},
    {"k = v\n", "1 .k=v\n"},
};

static void test_reads(void **state)
{
    struct trace trace;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(read_text(&trace, cases[i].in, strlen(cases[i].in)), cases[i].out);
}

static void test_refuses(void **state)
{
    static const struct {
        const char *line;
        const char *why;
    } faults[] = {
        {"[a", header_end},
        {"[a] # x", header_end},
        {"[]", header_form},
        {"[ ]", header_form},
        {"[a[b]", header_form},
        {"novalue", line_form},
        {"= v", "there is no key before '='"},
        {"Key = v", "a key is made of a-z, 0-9 and '_'"},
        {"k k = v", "a key is made of a-z, 0-9 and '_'"},
        {"k\xff = v", bad_bytes},
        {"k = \x1b[31m", bad_bytes},
        {"k = \xe2\x80\xae x", bad_bytes}, /* right-to-left override */
        {"k = a\rb", bad_bytes},
        {"\xef\xbb\xbf[a]", NULL}, /* a byte order mark is no blank */
    };
    struct trace trace;
    char expected[512];

    (void)state;
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        char text[128];

        (void)snprintf(text, sizeof(text), "\n%s\n", faults[i].line);
        (void)read_text(&trace, text, strlen(text));
        (void)snprintf(expected, sizeof(expected), "2 ! %s\n",
                       faults[i].why != NULL ? faults[i].why : "");
        if (faults[i].why != NULL)
            assert_string_equal(trace.text, expected);
        else
            assert_memory_equal(trace.text, "2 ! ", 4);
    }
}

static void test_zero_byte(void **state)
{
    struct trace trace;

    (void)state;
    assert_string_equal(read_text(&trace, "[a]\nk = v\0w\nl = x\n", 17),
                        "1 [a]\n2 ! the line holds bytes that are no UTF-8, or control characters\n"
                        "3 a.l=x\n");
}

/* Whose section nobody knows is not set anywhere. */
static void test_lines_after_a_faulty_header(void **state)
{
    struct trace trace;
    static const char text[] = "[a]\nk = 1\n[b\nl = 2\n[c]\nm = 3\n";

    (void)state;
    (void)read_text(&trace, text, strlen(text));
    assert_null(strstr(trace.text, "l="));
    assert_non_null(strstr(trace.text, "3 ! "));
    assert_non_null(strstr(trace.text, "6 c.m=3"));
}

static void test_line_length(void **state)
{
    static char text[2 * SV_INI_LINE_BYTES_MAX];
    struct trace trace;

    (void)state;
    memset(text, 'v', sizeof(text));
    memcpy(text, "k=", 2);
    text[SV_INI_LINE_BYTES_MAX] = '\n';
    (void)read_text(&trace, text, SV_INI_LINE_BYTES_MAX + 1);
    assert_memory_equal(trace.text, "1 .k=vv", 7);
    text[SV_INI_LINE_BYTES_MAX] = 'v';
    text[SV_INI_LINE_BYTES_MAX + 1] = '\n';
    assert_string_equal(read_text(&trace, text, SV_INI_LINE_BYTES_MAX + 2),
                        "1 ! the line is longer than 4096 bytes\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),       cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_zero_byte),   cmocka_unit_test(test_lines_after_a_faulty_header),
        cmocka_unit_test(test_line_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
