#include "sv/time.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sv/digits.h"
#include "sv/require.h"

/* Instants outside 0000-01-01 .. 9999-12-31 have no RFC 3339 text. */
#define INSTANT_MIN (-719528 * SV_DAY)
#define INSTANT_MAX (2932897 * SV_DAY - 1)

/* A hundred years: added to any instant of today it cannot overflow, and nobody waits longer. */
#define DURATION_MAX (36500 * SV_DAY)

#define HUMAN_MAX (INT64_MAX - SV_DAY)

struct civil {
    int64_t year;
    unsigned month, day; /* from 1 */
    unsigned hour, minute, second, ms;
};

static sv_ms read_clock(clockid_t id)
{
    struct timespec now;

    SV_REQUIRE(clock_gettime(id, &now) == 0);
    return (sv_ms)now.tv_sec * SV_SECOND + now.tv_nsec / 1000000;
}

static sv_ms wall(void *context)
{
    (void)context;
    return read_clock(CLOCK_REALTIME);
}

static sv_ms monotonic(void *context)
{
    (void)context;
    return read_clock(CLOCK_MONOTONIC);
}

const struct sv_clock *sv_clock_system(void)
{
    static const struct sv_clock system_clock = {.wall = wall, .monotonic = monotonic};

    return &system_clock;
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar. Years are counted from March, so that
 * the leap day is a year's last, and in eras of 400 years = 146097 days. */
static int64_t days_from_civil(int64_t year, unsigned month, unsigned day)
{
    int64_t shifted = year - (month <= 2);
    int64_t era = (shifted >= 0 ? shifted : shifted - 399) / 400;
    int64_t year_of_era = shifted - era * 400;
    int64_t day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

static void civil_from_days(int64_t days, struct civil *out)
{
    int64_t shifted = days + 719468;
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153; /* 0 is March */

    out->day = (unsigned)(day_of_year - (153 * month + 2) / 5 + 1);
    out->month = (unsigned)(month < 10 ? month + 3 : month - 9);
    out->year = year_of_era + era * 400 + (out->month <= 2);
}

static struct civil civil_from_instant(sv_ms instant)
{
    struct civil out;
    int64_t days;
    int64_t rest;

    instant = instant < INSTANT_MIN ? INSTANT_MIN : instant;
    instant = instant > INSTANT_MAX ? INSTANT_MAX : instant;
    days = (instant >= 0 ? instant : instant - (SV_DAY - 1)) / SV_DAY;
    rest = instant - days * SV_DAY;
    civil_from_days(days, &out);
    out.hour = (unsigned)(rest / SV_HOUR);
    out.minute = (unsigned)(rest / SV_MINUTE % 60);
    out.second = (unsigned)(rest / SV_SECOND % 60);
    out.ms = (unsigned)(rest % SV_SECOND);
    return out;
}

static unsigned days_in_month(int64_t year, unsigned month)
{
    static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

/* False when no such moment exists. Second 60 is the next minute's 0; the caller checks its place.
 */
static bool civil_to_instant(const struct civil *civil, sv_ms *out)
{
    if (civil->month < 1 || civil->month > 12 || civil->day < 1 ||
        civil->day > days_in_month(civil->year, civil->month))
        return false;
    if (civil->hour > 23 || civil->minute > 59 || civil->second > 60)
        return false;
    *out = days_from_civil(civil->year, civil->month, civil->day) * SV_DAY +
           (sv_ms)civil->hour * SV_HOUR + (sv_ms)civil->minute * SV_MINUTE +
           (sv_ms)civil->second * SV_SECOND + (sv_ms)civil->ms;
    return true;
}

/* Writes the last `count` digits of the number, and what stands behind them. */
static char *put(char *out, unsigned number, unsigned count, char behind)
{
    out = sv_digits_write(out, number, count);
    *out++ = behind;
    return out;
}

const char *sv_time_format(sv_ms instant, char out[SV_TIME_TEXT_BYTES])
{
    struct civil at = civil_from_instant(instant);
    char *end = out;

    end = put(end, (unsigned)at.year, 4, '-');
    end = put(end, at.month, 2, '-');
    end = put(end, at.day, 2, 'T');
    end = put(end, at.hour, 2, ':');
    end = put(end, at.minute, 2, ':');
    end = put(end, at.second, 2, '.');
    end = put(end, at.ms, 3, 'Z');
    *end = '\0';
    return out;
}

const char *sv_time_format_basic(sv_ms instant, char out[17])
{
    struct civil at = civil_from_instant(instant);

    (void)snprintf(out, 17, "%04u%02u%02uT%02u%02u%02uZ", (unsigned)at.year % 10000, at.month % 100,
                   at.day % 100, at.hour % 100, at.minute % 100, at.second % 100);
    return out;
}

/* What is left to read. Every reader below answers false and stops the chain at the first surprise.
 */
struct cursor {
    const char *at;
    const char *end;
};

static bool read_char(struct cursor *cursor, char wanted)
{
    if (cursor->at == cursor->end || *cursor->at != wanted)
        return false;
    cursor->at++;
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool read_digits(struct cursor *cursor, unsigned count, unsigned *out)
{
    *out = 0;
    for (unsigned i = 0; i < count; i++) {
        if (cursor->at == cursor->end || !is_digit(*cursor->at))
            return false;
        *out = *out * 10 + (unsigned)(*cursor->at++ - '0');
    }
    return true;
}

static bool read_clock_time(struct cursor *cursor, struct civil *out)
{
    return read_digits(cursor, 2, &out->hour) && read_char(cursor, ':') &&
           read_digits(cursor, 2, &out->minute) && read_char(cursor, ':') &&
           read_digits(cursor, 2, &out->second);
}

/* ".123456": milliseconds count, the rest is cut off. At least one digit. */
static bool read_fraction(struct cursor *cursor, unsigned *ms)
{
    unsigned weight = 100;

    *ms = 0;
    if (!read_char(cursor, '.'))
        return true;
    if (cursor->at == cursor->end || !is_digit(*cursor->at))
        return false;
    while (cursor->at < cursor->end && is_digit(*cursor->at)) {
        *ms += weight * (unsigned)(*cursor->at++ - '0');
        weight /= 10;
    }
    return true;
}

static bool read_offset(struct cursor *cursor, sv_ms *offset)
{
    unsigned hours;
    unsigned minutes;
    bool east;

    *offset = 0;
    if (read_char(cursor, 'Z') || read_char(cursor, 'z'))
        return true;
    east = read_char(cursor, '+');
    if (!east && !read_char(cursor, '-'))
        return false;
    if (!read_digits(cursor, 2, &hours) || !read_char(cursor, ':') ||
        !read_digits(cursor, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *offset = (sv_ms)hours * SV_HOUR + (sv_ms)minutes * SV_MINUTE;
    if (!east)
        *offset = -*offset;
    return true;
}

enum sv_err sv_time_parse(const char *text, size_t len, sv_ms *out)
{
    struct cursor cursor = {.at = text, .end = text + len};
    struct civil civil;
    unsigned year;
    sv_ms offset;
    sv_ms instant;

    if (!read_digits(&cursor, 4, &year) || !read_char(&cursor, '-') ||
        !read_digits(&cursor, 2, &civil.month) || !read_char(&cursor, '-') ||
        !read_digits(&cursor, 2, &civil.day))
        return SV_EMALFORMED;
    civil.year = year;
    if (!read_char(&cursor, 'T') && !read_char(&cursor, 't'))
        return SV_EMALFORMED;
    if (!read_clock_time(&cursor, &civil) || !read_fraction(&cursor, &civil.ms) ||
        !read_offset(&cursor, &offset) || cursor.at != cursor.end)
        return SV_EMALFORMED;
    if (!civil_to_instant(&civil, &instant))
        return SV_EMALFORMED;
    instant -= offset;
    /* Leap seconds are only ever inserted before midnight UTC (RFC 3339 section 5.7). */
    if (civil.second == 60 && (instant - (sv_ms)civil.ms) % SV_DAY != 0)
        return SV_EMALFORMED;
    *out = instant;
    return SV_OK;
}

/* One of `count` words of three letters; `out` counts from 0. */
static bool read_word(struct cursor *cursor, const char *words, unsigned count, unsigned *out)
{
    if (cursor->end - cursor->at < 3)
        return false;
    for (*out = 0; *out < count; (*out)++) {
        if (memcmp(cursor->at, words + 3 * (size_t)*out, 3) == 0) {
            cursor->at += 3;
            return true;
        }
    }
    return false;
}

static bool read_str(struct cursor *cursor, const char *wanted)
{
    size_t len = strlen(wanted);

    if ((size_t)(cursor->end - cursor->at) < len || memcmp(cursor->at, wanted, len) != 0)
        return false;
    cursor->at += len;
    return true;
}

enum sv_err sv_time_parse_http(const char *text, size_t len, sv_ms *out)
{
    struct cursor cursor = {.at = text, .end = text + len};
    struct civil civil = {.ms = 0};
    unsigned weekday; /* says nothing that the date does not say; only its form is checked */
    unsigned month;
    unsigned year;

    if (!read_word(&cursor, "MonTueWedThuFriSatSun", 7, &weekday) || !read_str(&cursor, ", ") ||
        !read_digits(&cursor, 2, &civil.day) || !read_char(&cursor, ' '))
        return SV_EMALFORMED;
    if (!read_word(&cursor, "JanFebMarAprMayJunJulAugSepOctNovDec", 12, &month) ||
        !read_char(&cursor, ' ') || !read_digits(&cursor, 4, &year) || !read_char(&cursor, ' '))
        return SV_EMALFORMED;
    if (!read_clock_time(&cursor, &civil) || !read_str(&cursor, " GMT") || cursor.at != cursor.end)
        return SV_EMALFORMED;
    civil.month = month + 1;
    civil.year = year;
    return civil_to_instant(&civil, out) ? SV_OK : SV_EMALFORMED;
}

struct unit {
    const char *name;
    sv_ms ms;
};

/* From large to small: the first that divides is the one to show. */
static const struct unit units[] = {
    {"d", SV_DAY}, {"h", SV_HOUR}, {"m", SV_MINUTE}, {"s", SV_SECOND}, {"ms", 1},
};

enum { UNITS = sizeof(units) / sizeof(units[0]) };

enum sv_err sv_duration_parse(const char *text, size_t len, sv_ms *out)
{
    sv_ms number = 0;
    size_t digits = 0;
    const struct unit *unit = NULL;

    while (digits < len && is_digit(text[digits])) {
        if (number <= DURATION_MAX) /* beyond it more digits change nothing */
            number = number * 10 + (text[digits] - '0');
        digits++;
    }
    for (size_t i = 0; i < UNITS && unit == NULL; i++) {
        if (len - digits == strlen(units[i].name) &&
            memcmp(text + digits, units[i].name, len - digits) == 0)
            unit = &units[i];
    }
    if (digits == 0 || unit == NULL)
        return SV_EMALFORMED;
    if (number > DURATION_MAX / unit->ms)
        return SV_ETOOBIG;
    *out = number * unit->ms;
    return SV_OK;
}

const char *sv_duration_format(sv_ms duration, char out[SV_DURATION_TEXT_BYTES])
{
    const struct unit *unit = units;

    while (duration % unit->ms != 0)
        unit++;
    if (duration == 0)
        unit = &units[UNITS - 2]; /* "0s" reads better than "0d" */
    (void)snprintf(out, SV_DURATION_TEXT_BYTES, "%" PRId64 "%s", duration / unit->ms, unit->name);
    return out;
}

/* How many `unit`s, to the nearest. */
static sv_ms rounded(sv_ms duration, sv_ms unit)
{
    return (duration + unit / 2) / unit;
}

/* Two units side by side, the second left out when it is 0. */
static void show_pair(char *out, const char *sign, sv_ms first, const char *pair[2], sv_ms second)
{
    if (second == 0)
        (void)snprintf(out, SV_DURATION_TEXT_BYTES, "%s%" PRId64 " %s", sign, first, pair[0]);
    else
        (void)snprintf(out, SV_DURATION_TEXT_BYTES, "%s%" PRId64 " %s %" PRId64 " %s", sign, first,
                       pair[0], second, pair[1]);
}

const char *sv_duration_human(sv_ms duration, char out[SV_DURATION_TEXT_BYTES])
{
    const char *sign = duration < 0 ? "-" : "";
    sv_ms length;
    sv_ms minutes;
    sv_ms hours;

    /* Far from both ends, so that neither the sign nor rounding overflows. */
    if (duration < -HUMAN_MAX)
        duration = -HUMAN_MAX;
    if (duration > HUMAN_MAX)
        duration = HUMAN_MAX;
    length = duration < 0 ? -duration : duration;
    minutes = rounded(length, SV_MINUTE);
    hours = rounded(length, SV_HOUR);
    if (length < SV_SECOND)
        show_pair(out, sign, length, (const char *[]){"ms", ""}, 0);
    else if (rounded(length, SV_SECOND) < 60)
        show_pair(out, sign, rounded(length, SV_SECOND), (const char *[]){"s", ""}, 0);
    else if (minutes < 60)
        show_pair(out, sign, minutes, (const char *[]){"min", ""}, 0);
    else if (minutes < SV_DAY / SV_MINUTE)
        show_pair(out, sign, minutes / 60, (const char *[]){"h", "min"}, minutes % 60);
    else if (hours < 7 * SV_DAY / SV_HOUR)
        show_pair(out, sign, hours / 24, (const char *[]){"d", "h"}, hours % 24);
    else
        show_pair(out, sign, rounded(length, SV_DAY), (const char *[]){"d", ""}, 0);
    return out;
}
