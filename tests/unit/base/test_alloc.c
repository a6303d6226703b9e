#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "crash.h"
#include "sv/alloc.h"
#include "sv/require.h"

static void memory_is_zeroed_and_never_null(void **state)
{
    unsigned char *bytes = sv_alloc(3, 5);
    void *nothing = sv_alloc(0, 8);

    (void)state;
    for (size_t i = 0; i < 15; i++)
        assert_int_equal(bytes[i], 0);
    assert_non_null(nothing);
    free(bytes);
    free(nothing);
    nothing = sv_realloc(NULL, 0);
    assert_non_null(nothing);
    free(nothing);
}

static void strings_are_copied(void **state)
{
    char *part = sv_strndup("example.com", 7);
    char *empty = sv_strndup(NULL, 0);
    char *whole = sv_strdup("example.com");

    (void)state;
    assert_string_equal(part, "example");
    assert_string_equal(empty, "");
    assert_string_equal(whole, "example.com");
    whole = sv_realloc(whole, 64);
    assert_string_equal(whole, "example.com");
    free(part);
    free(empty);
    free(whole);
}

static void overflow(void)
{
    free(sv_alloc(SIZE_MAX / 2, 3));
}

static void no_memory(void)
{
    sv_out_of_memory("json_loadb");
}

static void broken(void)
{
    SV_REQUIRE(1 + 1 == 3);
}

static void our_mistakes_end_the_process(void **state)
{
    static const struct {
        void (*act)(void);
        const char *said;
    } cases[] = {
        {overflow, "broken promise: bytes == 0 || count <="},
        {broken, "broken promise: 1 + 1 == 3\n"},
    };
    char said[512];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int status = end_of(cases[i].act, said, sizeof(said));

        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
        assert_non_null(strstr(said, cases[i].said));
    }
}

static void no_memory_is_an_exit_that_a_supervisor_understands(void **state)
{
    char said[512];
    int status = end_of(no_memory, said, sizeof(said));

    (void)state;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), SV_ALLOC_EXIT);
    assert_string_equal(said, "out of memory: json_loadb\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_and_never_null),
        cmocka_unit_test(strings_are_copied),
        cmocka_unit_test(our_mistakes_end_the_process),
        cmocka_unit_test(no_memory_is_an_exit_that_a_supervisor_understands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
