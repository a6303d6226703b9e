#include "cmocka_all.h"

#include <string.h>

#include "adapt/sink/exec_line.h"

static const struct {
    const char *line, *id, *reason;
    enum sv_sink_outcome outcome;
    sv_ms retry_after_ms;
} good[] = {
    {"ok a.1.verified", "a.1.verified", "", SV_SINK_DELIVERED, 0},
    {"ok a\r", "a", "", SV_SINK_DELIVERED, 0},
    {"ok a  ", "a", "", SV_SINK_DELIVERED, 0},
    {"ok a what else", "a", "what else", SV_SINK_DELIVERED, 0},
    {"later a", "a", "", SV_SINK_LATER, 0},
    {"later a 0", "a", "", SV_SINK_LATER, 0},
    {"later a 90", "a", "", SV_SINK_LATER, 90000},
    {"later a 99999", "a", "", SV_SINK_LATER, 86400000},
    {"refused a", "a", "", SV_SINK_REFUSED, 0},
    {"refused a no such client", "a", "no such client", SV_SINK_REFUSED, 0},
};

static const char *const bad[] = {
    "",           " ",           "ok",          "ok ",
    " ok a",      "OK a",        "okay a",      "later a soon",
    "later a -1", "later a 1.5", "later a 1 2", "later a 999999",
    "gone a",     "ok  a",       "a ok",
};

static void answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct sv_exec_line line;

        if (!sv_exec_line_read(good[i].line, strlen(good[i].line), &line))
            fail_msg("%s", good[i].line);
        assert_int_equal(line.outcome, good[i].outcome);
        assert_string_equal(line.id, good[i].id);
        assert_string_equal(line.reason, good[i].reason);
        assert_int_equal(line.retry_after_ms, good[i].retry_after_ms);
    }
}

static void no_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct sv_exec_line line;

        if (sv_exec_line_read(bad[i], strlen(bad[i]), &line))
            fail_msg("%s", bad[i]);
    }
}

static void long_ones(void **state)
{
    char text[SV_EXEC_LINE_BYTES_MAX] = "ok ";
    struct sv_exec_line line;

    (void)state;
    memset(text + 3, 'a', SV_EXEC_ID_BYTES - 1);
    assert_true(sv_exec_line_read(text, 3 + SV_EXEC_ID_BYTES - 1, &line));
    text[3 + SV_EXEC_ID_BYTES - 1] = 'a';
    assert_false(sv_exec_line_read(text, 3 + SV_EXEC_ID_BYTES, &line));
    memset(text, 'b', sizeof text);
    memcpy(text, "refused a ", 10);
    assert_true(sv_exec_line_read(text, sizeof text, &line));
    assert_int_equal(strlen(line.reason), SV_EXEC_REASON_BYTES - 1);
    assert_false(sv_exec_line_read("ok a\0b", 6, &line));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(answers), cmocka_unit_test(no_answers),
                                       cmocka_unit_test(long_ones)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
