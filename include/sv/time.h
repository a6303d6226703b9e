/* Instants and durations. Instants are Unix milliseconds (they outlive the process), durations end
 * in _ms. */
#ifndef SV_TIME_H
#define SV_TIME_H

#include <stddef.h>
#include <stdint.h>

#include "sv/err.h"

typedef int64_t sv_ms;

#define SV_SECOND ((sv_ms)1000)
#define SV_MINUTE (60 * SV_SECOND)
#define SV_HOUR   (60 * SV_MINUTE)
#define SV_DAY    (24 * SV_HOUR)

/* The only two ways to know the time; tests and the simulator bring their own. */
struct sv_clock {
    sv_ms (*wall)(void *context);      /* Unix milliseconds; may jump both ways */
    sv_ms (*monotonic)(void *context); /* never goes back; zero is arbitrary */
    void *context;
};

/* The operating system's clocks. */
const struct sv_clock *sv_clock_system(void);

enum { SV_TIME_TEXT_BYTES = 25 }; /* "2026-01-01T00:00:00.123Z" and the 0 byte */

/* RFC 3339, UTC, milliseconds. Years outside 0000-9999 are clamped. Returns `out`. */
const char *sv_time_format(sv_ms instant, char out[SV_TIME_TEXT_BYTES]);

/* "20260101T000000Z", the basic form AWS signatures use (16 characters and the 0 byte). Returns
 * `out`. */
const char *sv_time_format_basic(sv_ms instant, char out[17]);

/* Reads RFC 3339 with Z or an offset, with or without a fraction. SV_EMALFORMED otherwise. */
enum sv_err sv_time_parse(const char *text, size_t len, sv_ms *out)
    __attribute__((warn_unused_result));

/* Reads an RFC 9110 IMF-fixdate such as "Sun, 06 Nov 1994 08:49:37 GMT". SV_EMALFORMED otherwise.
 */
enum sv_err sv_time_parse_http(const char *text, size_t len, sv_ms *out)
    __attribute__((warn_unused_result));

/* Reads "250ms", "30s", "5m", "6h", "2d"; the unit is required (L2). SV_EMALFORMED or SV_ETOOBIG.
 */
enum sv_err sv_duration_parse(const char *text, size_t len, sv_ms *out)
    __attribute__((warn_unused_result));

enum { SV_DURATION_TEXT_BYTES = 32 };

/* The largest unit that shows the value exactly: 3600000 is "1h", 1500 is "1500ms". Returns `out`.
 */
const char *sv_duration_format(sv_ms duration, char out[SV_DURATION_TEXT_BYTES]);

/* For people, roughly and never exactly wrong: "3 min", "2 h 10 min", "3 d". Returns `out`. */
const char *sv_duration_human(sv_ms duration, char out[SV_DURATION_TEXT_BYTES]);

#endif
