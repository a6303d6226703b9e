#include "cmocka_all.h"

#include <string.h>
#include <time.h>

#include "sv/time.h"

static void instants_are_shown(void **state)
{
    static const struct {
        sv_ms at;
        const char *text;
        const char *basic;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z", "19700101T000000Z"},
        {-1, "1969-12-31T23:59:59.999Z", "19691231T235959Z"},
        {1709208000123, "2024-02-29T12:00:00.123Z", "20240229T120000Z"},
        {951782400000, "2000-02-29T00:00:00.000Z", "20000229T000000Z"},
        {-2203891200001, "1900-02-28T23:59:59.999Z", "19000228T235959Z"},
        {-2203891200000, "1900-03-01T00:00:00.000Z", "19000301T000000Z"},
        {4107542400000, "2100-03-01T00:00:00.000Z", "21000301T000000Z"},
        {-62167219200000, "0000-01-01T00:00:00.000Z", "00000101T000000Z"},
        {253402300799999, "9999-12-31T23:59:59.999Z", "99991231T235959Z"},
        {INT64_MAX, "9999-12-31T23:59:59.999Z", "99991231T235959Z"},
        {INT64_MIN, "0000-01-01T00:00:00.000Z", "00000101T000000Z"},
    };
    char text[SV_TIME_TEXT_BYTES];
    char basic[17];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_string_equal(sv_time_format(cases[i].at, text), cases[i].text);
        assert_string_equal(sv_time_format_basic(cases[i].at, basic), cases[i].basic);
    }
}

/* libc's calendar is the independent witness here. */
static void every_day_of_five_centuries_agrees_with_libc(void **state)
{
    (void)state;
    for (sv_ms day = -135140; day < 47482; day++) { /* 1600-01-01 to 2099-12-31 */
        time_t seconds = (time_t)(day * 86400 + 43200);
        char text[SV_TIME_TEXT_BYTES];
        char other[SV_TIME_TEXT_BYTES];
        struct tm tm;
        sv_ms back = 0;

        assert_non_null(gmtime_r(&seconds, &tm));
        assert_int_not_equal(strftime(other, sizeof(other), "%Y-%m-%dT%H:%M:%S.000Z", &tm), 0);
        assert_string_equal(sv_time_format(seconds * SV_SECOND, text), other);
        assert_int_equal(sv_time_parse(text, strlen(text), &back), SV_OK);
        assert_int_equal(back, seconds * SV_SECOND);
    }
}

static void rfc3339_is_read(void **state)
{
    static const struct {
        const char *text;
        sv_ms at; /* -1: malformed */
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1985-04-12T23:20:50.52Z", 482196050520},
        {"1996-12-19T16:39:57-08:00", 851042397000},
        {"1937-01-01T12:00:27.87+00:20", -1041337172130},
        {"1990-12-31T23:59:60Z", 662688000000},
        {"1990-12-31T15:59:60-08:00", 662688000000},
        {"1990-12-31T15:59:60.500-08:00", 662688000500},
        {"1970-01-01t00:00:01z", 1000},
        {"1970-01-01T00:00:00.0019999999999Z", 1},
        {"2024-02-29T00:00:00-00:00", 1709164800000},
        {"2023-02-29T00:00:00Z", -1},
        {"1900-02-29T00:00:00Z", -1},
        {"1990-12-31T12:59:60Z", -1},
        {"1970-01-01T24:00:00Z", -1},
        {"1970-01-01T00:60:00Z", -1},
        {"1970-01-01T00:00:61Z", -1},
        {"1970-13-01T00:00:00Z", -1},
        {"1970-00-01T00:00:00Z", -1},
        {"1970-01-00T00:00:00Z", -1},
        {"1970-04-31T00:00:00Z", -1},
        {"1970-01-01T00:00:00", -1},
        {"1970-01-01T00:00:00.Z", -1},
        {"1970-01-01T00:00:00.5", -1},
        {"1970-01-01T00:00:00+24:00", -1},
        {"1970-01-01T00:00:00+00:60", -1},
        {"1970-01-01T00:00:00+0000", -1},
        {"1970-01-01T00:00:00ZZ", -1},
        {"1970-01-01 00:00:00Z", -1},
        {"1970-01-01T0:00:00Z", -1},
        {"+970-01-01T00:00:00Z", -1},
        {"1970-01-01", -1},
        {"", -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        sv_ms at = -1;
        enum sv_err err = sv_time_parse(cases[i].text, strlen(cases[i].text), &at);

        if (err != (cases[i].at == -1 ? SV_EMALFORMED : SV_OK) || at != cases[i].at)
            fail_msg("%s: %s, %lld", cases[i].text, sv_err_name(err), (long long)at);
    }
}

static void http_dates_are_read(void **state)
{
    static const struct {
        const char *text;
        sv_ms at;
    } cases[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777000},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Sunday, 06-Nov-94 08:49:37 GMT", -1},
        {"Sun Nov  6 08:49:37 1994", -1},
        {"Sun, 06 Nov 1994 08:49:37 UTC", -1},
        {"Sun, 06 Nov 1994 08:49:37 GMT ", -1},
        {"Sun, 6 Nov 1994 08:49:37 GMT", -1},
        {"Sun, 31 Nov 1994 08:49:37 GMT", -1},
        {"Sun, 06 Nvo 1994 08:49:37 GMT", -1},
        {"Xxx, 06 Nov 1994 08:49:37 GMT", -1},
        {"unM, 06 Nov 1994 08:49:37 GMT", -1},
        {"Su", -1},
        {"", -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        sv_ms at = -1;
        enum sv_err err = sv_time_parse_http(cases[i].text, strlen(cases[i].text), &at);

        if (err != (cases[i].at == -1 ? SV_EMALFORMED : SV_OK) || at != cases[i].at)
            fail_msg("%s: %s, %lld", cases[i].text, sv_err_name(err), (long long)at);
    }
}

static void durations_are_read(void **state)
{
    static const struct {
        const char *text;
        enum sv_err err;
        sv_ms ms;
    } cases[] = {
        {"250ms", SV_OK, 250},
        {"30s", SV_OK, 30000},
        {"5m", SV_OK, 300000},
        {"6h", SV_OK, 21600000},
        {"2d", SV_OK, 172800000},
        {"0s", SV_OK, 0},
        {"007s", SV_OK, 7000},
        {"36500d", SV_OK, 36500 * SV_DAY},
        {"36501d", SV_ETOOBIG, 0},
        {"99999999999999999999999999d", SV_ETOOBIG, 0},
        {"99999999999999999999999999ms", SV_ETOOBIG, 0},
        {"", SV_EMALFORMED, 0},
        {"5", SV_EMALFORMED, 0},
        {"s", SV_EMALFORMED, 0},
        {"-5s", SV_EMALFORMED, 0},
        {"+5s", SV_EMALFORMED, 0},
        {"5 s", SV_EMALFORMED, 0},
        {"5s ", SV_EMALFORMED, 0},
        {" 5s", SV_EMALFORMED, 0},
        {"1.5s", SV_EMALFORMED, 0},
        {"1h30m", SV_EMALFORMED, 0},
        {"5S", SV_EMALFORMED, 0},
        {"5w", SV_EMALFORMED, 0},
        {"5sec", SV_EMALFORMED, 0},
        {"0x5s", SV_EMALFORMED, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        sv_ms ms = 0;
        enum sv_err err = sv_duration_parse(cases[i].text, strlen(cases[i].text), &ms);

        if (err != cases[i].err || ms != cases[i].ms)
            fail_msg("%s: %s, %lld", cases[i].text, sv_err_name(err), (long long)ms);
    }
}

static void durations_are_shown(void **state)
{
    static const struct {
        sv_ms ms;
        const char *exact;
        const char *human;
    } cases[] = {
        {0, "0s", "0 ms"},
        {1, "1ms", "1 ms"},
        {999, "999ms", "999 ms"},
        {1500, "1500ms", "2 s"},
        {59499, "59499ms", "59 s"},
        {59500, "59500ms", "1 min"},
        {200 * SV_SECOND, "200s", "3 min"},
        {SV_HOUR - SV_SECOND, "3599s", "1 h"},
        {SV_HOUR, "1h", "1 h"},
        {130 * SV_MINUTE, "130m", "2 h 10 min"},
        {SV_DAY - 1, "86399999ms", "1 d"},
        {SV_DAY, "1d", "1 d"},
        {3 * SV_DAY, "3d", "3 d"},
        {3 * SV_DAY + 2 * SV_HOUR, "74h", "3 d 2 h"},
        {7 * SV_DAY - 1, "604799999ms", "7 d"},
        {14 * SV_DAY + 11 * SV_HOUR, "347h", "14 d"},
        {-90 * SV_MINUTE, "-90m", "-1 h 30 min"},
        {INT64_MAX, "9223372036854775807ms", "106751991166 d"},
        {INT64_MIN, "-9223372036854775808ms", "-106751991166 d"},
    };
    char text[SV_DURATION_TEXT_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_string_equal(sv_duration_format(cases[i].ms, text), cases[i].exact);
        assert_string_equal(sv_duration_human(cases[i].ms, text), cases[i].human);
    }
}

static void the_system_clock_runs(void **state)
{
    const struct sv_clock *clock = sv_clock_system();
    sv_ms before = clock->monotonic(clock->context);

    (void)state;
    assert_true(clock->wall(clock->context) > 1700000000000);
    assert_true(clock->monotonic(clock->context) >= before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instants_are_shown),
        cmocka_unit_test(every_day_of_five_centuries_agrees_with_libc),
        cmocka_unit_test(rfc3339_is_read),
        cmocka_unit_test(http_dates_are_read),
        cmocka_unit_test(durations_are_read),
        cmocka_unit_test(durations_are_shown),
        cmocka_unit_test(the_system_clock_runs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
