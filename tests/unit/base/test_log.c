#include "cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log_format.h"
#include "sv/log.h"
#include "sv/utf8.h"

/* A pipe to read back what was written, and a clock that stands still until told. */
struct bench {
    int fds[2];
    sv_ms now;
    struct sv_clock clock;
    char said[1 << 17];
};

static sv_ms bench_now(void *context)
{
    return ((struct bench *)context)->now;
}

static void bench_open(struct bench *bench)
{
    assert_int_equal(pipe2(bench->fds, O_CLOEXEC), 0);
    assert_int_equal(fcntl(bench->fds[0], F_SETFL, O_NONBLOCK), 0);
    bench->now = 1767225600123;
    bench->clock = (struct sv_clock){bench_now, bench_now, bench};
}

static void bench_close(struct bench *bench)
{
    (void)close(bench->fds[0]);
    (void)close(bench->fds[1]);
}

static const char *said(struct bench *bench)
{
    size_t len = 0;
    ssize_t got;

    while ((got = read(bench->fds[0], bench->said + len, sizeof(bench->said) - 1 - len)) > 0)
        len += (size_t)got;
    bench->said[len] = '\0';
    return bench->said;
}

static struct bench bench;

static void each_format_has_its_shape(void **state)
{
    static const struct {
        enum sv_log_format format;
        const char *line;
    } cases[] = {
        {SV_LOG_JSON, "{\"ts\":\"2026-01-01T00:00:00.123Z\",\"level\":\"info\","
                      "\"event\":\"drain_started\",\"msg\":\"stopping now\",\"domain\":\"a.com\","
                      "\"inflight\":-3,\"ok\":true,\"odd\":\"a=\\\"b\\\"\\n\"}\n"},
        {SV_LOG_LOGFMT, "ts=2026-01-01T00:00:00.123Z level=info event=drain_started "
                        "msg=\"stopping now\" domain=a.com inflight=-3 ok=true "
                        "odd=\"a=\\\"b\\\"\\n\"\n"},
        {SV_LOG_TEXT, "2026-01-01T00:00:00.123Z info  drain_started: stopping now domain=a.com "
                      "inflight=-3 ok=true odd=\"a=\\\"b\\\"\\n\"\n"},
        {SV_LOG_AUTO, NULL}, /* a pipe is no terminal: JSON */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sv_log *log;

        bench_open(&bench);
        log = sv_log_new(bench.fds[1], cases[i].format, SV_LOG_INFO, &bench.clock);
        sv_log_line(log, SV_LOG_INFO, "drain_started", "stopping now",
                    SV_LOG_STR("domain", "a.com"), SV_LOG_STR("absent", NULL),
                    SV_LOG_INT("inflight", -3), SV_LOG_BOOL("ok", true),
                    SV_LOG_STR("odd", "a=\"b\"\n"));
        assert_string_equal(said(&bench), cases[i].line ? cases[i].line : cases[0].line);
        sv_log_free(log);
        bench_close(&bench);
    }
}

static void levels_are_kept(void **state)
{
    struct sv_log *log;

    (void)state;
    bench_open(&bench);
    log = sv_log_new(bench.fds[1], SV_LOG_LOGFMT, SV_LOG_INFO, &bench.clock);
    assert_false(sv_log_wants(log, SV_LOG_DEBUG));
    sv_log_line(log, SV_LOG_DEBUG, "hidden", "");
    assert_string_equal(said(&bench), "");
    sv_log_set_level(log, SV_LOG_DEBUG);
    sv_log_line(log, SV_LOG_DEBUG, "shown", NULL);
    assert_string_equal(said(&bench),
                        "ts=2026-01-01T00:00:00.123Z level=debug event=shown msg=\"\"\n");
    sv_log_write(log, SV_LOG_ERROR, "bare", "x", NULL);
    assert_non_null(strstr(said(&bench), "level=error event=bare msg=x\n"));
    sv_log_free(log);
    sv_log_free(NULL);
    sv_log_line(NULL, SV_LOG_ERROR, "nowhere", "");
    assert_false(sv_log_wants(NULL, SV_LOG_ERROR));
    assert_int_equal(sv_log_dropped(NULL), 0);
    bench_close(&bench);
}

static void foreign_bytes_are_escaped(void **state)
{
    static const struct {
        const char *given;
        const char *json;
        const char *logfmt;
    } cases[] = {
        {"plain", "\"plain\"", "plain"},
        {"", "\"\"", "\"\""},
        {"two words", "\"two words\"", "\"two words\""},
        {"a\nb\r\t", "\"a\\nb\\r\\t\"", "\"a\\nb\\r\\t\""},
        {"\x1b[31m", "\"\\u001b[31m\"", "\"\\u001b[31m\""},
        {"\x7f", "\"\\u007f\"", "\"\\u007f\""},
        {"\xc2\x9b", "\"\\u009b\"", "\"\\u009b\""},
        {"\xe2\x80\xae", "\"\\u202e\"", "\"\\u202e\""},
        {"\\", "\"\\\\\"", "\"\\\\\""},
        {"\xff\xc3", "\"\\\\xff\\\\xc3\"", "\"\\xff\\xc3\""},
        {"m\xc3\xbcller", "\"m\xc3\xbcller\"", "\"m\xc3\xbcller\""},
        {"\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\"", "\"\xf0\x9f\x98\x80\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sv_log_field fields[] = {SV_LOG_STR("k", cases[i].given), {.key = NULL}};
        struct sv_log_event event = {
            .level = SV_LOG_INFO, .event = "e", .msg = "", .fields = fields};
        struct sv_log_text text;
        char expected[128];

        sv_log_render(&event, SV_LOG_JSON, &text);
        (void)snprintf(expected, sizeof(expected), ",\"k\":%s}\n", cases[i].json);
        text.bytes[text.len] = '\0';
        assert_non_null(strstr(text.bytes, expected));
        sv_log_render(&event, SV_LOG_LOGFMT, &text);
        (void)snprintf(expected, sizeof(expected), " k=%s\n", cases[i].logfmt);
        text.bytes[text.len] = '\0';
        assert_non_null(strstr(text.bytes, expected));
    }
}

static void check_cut_line(const struct sv_log_event *event, enum sv_log_format format)
{
    struct sv_log_text text;
    json_t *tree;

    sv_log_render(event, format, &text);
    assert_in_range(text.len, 1000, SV_LOG_LINE_MAX);
    assert_ptr_equal(memchr(text.bytes, '\n', text.len), text.bytes + text.len - 1);
    assert_non_null(memmem(text.bytes, text.len, "truncated", 9));
    if (format != SV_LOG_JSON)
        return;
    tree = json_loadb(text.bytes, text.len, 0, NULL);
    assert_non_null(tree);
    json_decref(tree);
}

static void check_cut_lines(const char *value, size_t fields_count)
{
    struct sv_log_field fields[16] = {{.key = NULL}};
    struct sv_log_event event = {
        .level = SV_LOG_WARN, .event = "e", .msg = value, .fields = fields};

    for (size_t i = 0; i < fields_count; i++)
        fields[i] = i % 3 == 2 ? SV_LOG_INT("number", INT64_MIN) : SV_LOG_STR("key", value);
    check_cut_line(&event, SV_LOG_JSON);
    check_cut_line(&event, SV_LOG_LOGFMT);
    check_cut_line(&event, SV_LOG_TEXT);
}

/* Whatever the values: one line, at most 4096 bytes, valid JSON, and it says that it was cut. */
static void long_lines_are_cut_whole(void **state)
{
    static const char *const fillers[] = {"x", "\"", "\x01", "\xff", "\xf0\x9f\x98\x80", "\n"};

    (void)state;
    for (size_t f = 0; f < sizeof(fillers) / sizeof(fillers[0]); f++) {
        char value[1500] = "";
        size_t step = strlen(fillers[f]);

        for (size_t at = 0; at + step < sizeof(value); at += step)
            memcpy(value + at, fillers[f], step + 1);
        for (size_t fields_count = 1; fields_count < 12; fields_count++)
            check_cut_lines(value, fields_count);
    }
}

static void a_value_is_cut_at_one_kib(void **state)
{
    char value[SV_LOG_VALUE_MAX + 2];
    struct sv_log_field fields[] = {SV_LOG_STR("k", value), {.key = NULL}};
    struct sv_log_event event = {.level = SV_LOG_INFO, .event = "e", .msg = "", .fields = fields};
    struct sv_log_text text;

    (void)state;
    memset(value, 'x', sizeof(value));
    value[SV_LOG_VALUE_MAX] = '\0';
    sv_log_render(&event, SV_LOG_LOGFMT, &text);
    assert_null(memmem(text.bytes, text.len, "truncated", 9));
    value[SV_LOG_VALUE_MAX] = 'x';
    value[SV_LOG_VALUE_MAX + 1] = '\0';
    sv_log_render(&event, SV_LOG_LOGFMT, &text);
    assert_non_null(memmem(text.bytes, text.len, "xxx... truncated=true\n", 22));
}

static void repeated_problems_are_folded(void **state)
{
    struct sv_log *log;

    (void)state;
    bench_open(&bench);
    log = sv_log_new(bench.fds[1], SV_LOG_LOGFMT, SV_LOG_INFO, &bench.clock);
    for (int i = 0; i < 5; i++)
        sv_log_line(log, SV_LOG_WARN, "dns_slow", "m", SV_LOG_STR("domain", "a.com"));
    assert_non_null(strstr(said(&bench), "event=dns_slow msg=m domain=a.com\n"));
    assert_ptr_equal(strchr(bench.said, '\n'), bench.said + strlen(bench.said) - 1);
    /* Another domain, level, event or msg is another problem; info is never folded. */
    sv_log_line(log, SV_LOG_WARN, "dns_slow", "m", SV_LOG_STR("domain", "b.com"));
    assert_non_null(strstr(said(&bench), "b.com"));
    sv_log_line(log, SV_LOG_ERROR, "dns_slow", "m", SV_LOG_STR("domain", "a.com"));
    assert_non_null(strstr(said(&bench), "level=error"));
    sv_log_line(log, SV_LOG_WARN, "dns_slow", "m2", SV_LOG_STR("domain", "a.com"));
    assert_non_null(strstr(said(&bench), "m2"));
    for (int i = 0; i < 2; i++) {
        sv_log_line(log, SV_LOG_INFO, "same", "m");
        assert_non_null(strstr(said(&bench), "same"));
    }
    bench.now += 9999;
    sv_log_line(log, SV_LOG_WARN, "dns_slow", "m", SV_LOG_STR("domain", "a.com"));
    assert_string_equal(said(&bench), "");
    bench.now += 1;
    sv_log_line(log, SV_LOG_WARN, "dns_slow", "m", SV_LOG_STR("domain", "a.com"));
    assert_non_null(strstr(said(&bench), "msg=m suppressed=5 domain=a.com\n"));
    bench.now += 10000;
    sv_log_line(log, SV_LOG_WARN, "dns_slow", "m", SV_LOG_STR("domain", "a.com"));
    assert_null(strstr(said(&bench), "suppressed"));
    sv_log_free(log);
    bench_close(&bench);
}

/* One and `suppressed` of every line of this event add up to how often it happened. */
static unsigned told(const char *text, const char *event)
{
    unsigned sum = 0;

    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        const char *end = strchr(line, '\n'), *more = strstr(line, "suppressed=");

        if (strstr(line, event) == NULL || strstr(line, event) > end)
            continue;
        sum += 1 + (more != NULL && more < end ? (unsigned)strtoul(more + 11, NULL, 10) : 0);
    }
    return sum;
}

static void the_end_of_a_burst_is_told(void **state)
{
    struct sv_log *log;

    (void)state;
    bench_open(&bench);
    log = sv_log_new(bench.fds[1], SV_LOG_LOGFMT, SV_LOG_INFO, &bench.clock);
    for (int i = 0; i < 6; i++)
        sv_log_line(log, SV_LOG_WARN, "dns_slow", "m", SV_LOG_STR("domain", "a.com"),
                    SV_LOG_INT("attempt", i));
    assert_int_equal(told(said(&bench), "dns_slow"), 1);
    bench.now += 19999; /* one more would be written with all that it says until then */
    sv_log_settle(log);
    assert_string_equal(said(&bench), "");
    bench.now += 1;
    sv_log_settle(log);
    assert_non_null(strstr(said(&bench), "level=warn event=dns_slow msg=m suppressed=4 "
                                         "domain=a.com\n"));
    assert_int_equal(told(bench.said, "dns_slow"), 5);
    sv_log_settle(log); /* once */
    assert_string_equal(said(&bench), "");
    bench.now += 9999; /* and that line counts as one: not two in 10 s */
    sv_log_line(log, SV_LOG_WARN, "dns_slow", "m", SV_LOG_STR("domain", "a.com"));
    assert_string_equal(said(&bench), "");
    sv_log_free(log);
    assert_int_equal(told(said(&bench), "dns_slow"), 1); /* the end of the log is an end, too */
    assert_null(strstr(bench.said, "suppressed"));
    bench_close(&bench);
}

/* More problems than are remembered at once: what the oldest held back is told as it makes room. */
static void a_forgotten_problem_is_told(void **state)
{
    struct sv_log *log;
    char name[32];

    (void)state;
    bench_open(&bench);
    log = sv_log_new(bench.fds[1], SV_LOG_LOGFMT, SV_LOG_INFO, &bench.clock);
    for (int i = 0; i < 3; i++)
        sv_log_line(log, SV_LOG_ERROR, "first", "m");
    (void)said(&bench);
    for (int i = 0; i < 64; i++) {
        bench.now++;
        (void)snprintf(name, sizeof(name), "other_%d", i);
        sv_log_line(log, SV_LOG_ERROR, name, "m");
    }
    assert_non_null(strstr(said(&bench), "level=error event=first msg=m suppressed=1\n"));
    sv_log_free(log);
    assert_string_equal(said(&bench), "");
    bench_close(&bench);
}

static void a_full_pipe_drops_and_tells(void **state)
{
    struct sv_log *log;
    unsigned written = 0;
    char expected[64];

    (void)state;
    bench_open(&bench);
    log = sv_log_new(bench.fds[1], SV_LOG_LOGFMT, SV_LOG_INFO, &bench.clock);
    for (unsigned i = 0; i < 10000; i++) /* a pipe holds 64 KiB; writing more would block */
        sv_log_line(log, SV_LOG_INFO, "flood", "nobody reads this");
    assert_in_range(sv_log_dropped(log), 1, 9999);
    (void)said(&bench);
    for (const char *at = bench.said; (at = strchr(at, '\n')) != NULL; at++)
        written++;
    assert_int_equal(written + sv_log_dropped(log), 10000);
    sv_log_line(log, SV_LOG_INFO, "after", "m");
    (void)snprintf(expected, sizeof(expected), "event=after msg=m dropped=%u\n", 10000 - written);
    assert_non_null(strstr(said(&bench), expected));
    sv_log_line(log, SV_LOG_INFO, "later", "m");
    assert_null(strstr(said(&bench), "dropped"));
    assert_int_equal(sv_log_dropped(log), 10000 - written);
    sv_log_free(log);
    bench_close(&bench);
}

static void a_closed_reader_is_a_loss_not_a_death(void **state)
{
    struct sv_log *log;

    (void)state;
    bench_open(&bench);
    log = sv_log_new(bench.fds[1], SV_LOG_LOGFMT, SV_LOG_INFO, &bench.clock);
    (void)close(bench.fds[0]);
    sv_log_line(log, SV_LOG_INFO, "unheard", "m"); /* SIGPIPE would end this test */
    assert_int_equal(sv_log_dropped(log), 1);
    sv_log_free(log);
    (void)close(bench.fds[1]);
}

/* A full disk takes part of a line; the next line that gets through starts on a line of its own. */
static void a_torn_line_is_ended(void **state)
{
    FILE *file = tmpfile();
    struct rlimit before;
    struct sv_log *log;
    char text[512] = "";

    (void)state;
    assert_non_null(file);
    bench_open(&bench);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){.rlim_cur = 20, .rlim_max = before.rlim_max}), 0);
    log = sv_log_new(fileno(file), SV_LOG_LOGFMT, SV_LOG_INFO, &bench.clock);
    sv_log_line(log, SV_LOG_INFO, "first", "m");
    sv_log_line(log, SV_LOG_INFO, "second", "m");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, SIG_DFL);
    sv_log_line(log, SV_LOG_INFO, "third", "m");
    assert_true(pread(fileno(file), text, sizeof(text) - 1, 0) > 0);
    assert_string_equal(text, "ts=2026-01-01T00:00:\n"
                              "ts=2026-01-01T00:00:00.123Z level=info event=third msg=m "
                              "dropped=2\n");
    assert_int_equal(sv_log_dropped(log), 2);
    sv_log_free(log);
    (void)fclose(file);
    bench_close(&bench);
}

/* More problems at once than are remembered: nothing is lost, they are only not folded. */
static void a_flood_of_problems_is_written(void **state)
{
    struct sv_log *log;
    unsigned written = 0;

    (void)state;
    bench_open(&bench);
    log = sv_log_new(bench.fds[1], SV_LOG_LOGFMT, SV_LOG_INFO, &bench.clock);
    for (int turn = 0; turn < 2; turn++) {
        for (int i = 0; i < 100; i++) {
            char domain[32];

            bench.now++;
            (void)snprintf(domain, sizeof(domain), "d%d.com", i);
            sv_log_line(log, SV_LOG_WARN, "e", "m", SV_LOG_STR("domain", domain));
        }
    }
    (void)said(&bench);
    for (const char *at = bench.said; (at = strchr(at, '\n')) != NULL; at++)
        written++;
    assert_int_equal(written, 200);
    sv_log_free(log);
    bench_close(&bench);
}

static void failures_tell_everything(void **state)
{
    struct sv_errinfo info;
    struct sv_log *log;

    (void)state;
    bench_open(&bench);
    log = sv_log_new(bench.fds[1], SV_LOG_LOGFMT, SV_LOG_INFO, &bench.clock);
    (void)sv_err_set(&info, SV_ETIMEOUT, "dns", 110, "no answer from 192.0.2.1");
    sv_log_failure(log, SV_LOG_WARN, "check_failed", "a.com", &info);
    assert_non_null(strstr(said(&bench),
                           "level=warn event=check_failed msg=\"no answer in time\" "
                           "domain=a.com error_code=timeout "
                           "error=\"no answer from 192.0.2.1\" where=dns native=110\n"));
    sv_log_failure(log, SV_LOG_WARN, "check_failed", NULL, &info);
    assert_null(strstr(said(&bench), "domain="));
    sv_log_free(log);
    bench_close(&bench);
}

static void the_journal_gets_priorities(void **state)
{
    struct sv_log *log;
    struct stat stream;
    char place[64];

    (void)state;
    bench_open(&bench);
    assert_int_equal(fstat(bench.fds[1], &stream), 0);
    (void)snprintf(place, sizeof(place), "%ju:%ju", (uintmax_t)stream.st_dev,
                   (uintmax_t)stream.st_ino);
    assert_int_equal(setenv("JOURNAL_STREAM", place, 1), 0);
    log = sv_log_new(bench.fds[1], SV_LOG_JSON, SV_LOG_DEBUG, &bench.clock);
    sv_log_line(log, SV_LOG_DEBUG, "e", "");
    sv_log_line(log, SV_LOG_INFO, "e", "");
    sv_log_line(log, SV_LOG_WARN, "e", "");
    sv_log_line(log, SV_LOG_ERROR, "e", "");
    (void)said(&bench);
    assert_ptr_equal(strstr(bench.said, "<7>{\"ts\""), bench.said);
    assert_non_null(strstr(bench.said, "\n<6>{"));
    assert_non_null(strstr(bench.said, "\n<4>{"));
    assert_non_null(strstr(bench.said, "\n<3>{"));
    sv_log_free(log);
    /* The variable is inherited by children whose stderr went elsewhere. */
    assert_int_equal(setenv("JOURNAL_STREAM", "1:1", 1), 0);
    log = sv_log_new(bench.fds[1], SV_LOG_JSON, SV_LOG_DEBUG, &bench.clock);
    sv_log_line(log, SV_LOG_INFO, "e", "");
    assert_int_equal(said(&bench)[0], '{');
    sv_log_free(log);
    assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_format_has_its_shape),
        cmocka_unit_test(levels_are_kept),
        cmocka_unit_test(foreign_bytes_are_escaped),
        cmocka_unit_test(long_lines_are_cut_whole),
        cmocka_unit_test(a_value_is_cut_at_one_kib),
        cmocka_unit_test(repeated_problems_are_folded),
        cmocka_unit_test(the_end_of_a_burst_is_told),
        cmocka_unit_test(a_forgotten_problem_is_told),
        cmocka_unit_test(a_full_pipe_drops_and_tells),
        cmocka_unit_test(a_closed_reader_is_a_loss_not_a_death),
        cmocka_unit_test(a_torn_line_is_ended),
        cmocka_unit_test(a_flood_of_problems_is_written),
        cmocka_unit_test(failures_tell_everything),
        cmocka_unit_test(the_journal_gets_priorities),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
