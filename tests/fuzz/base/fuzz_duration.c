/* Any bytes as a duration and as the two forms of an instant: what is read can be shown and read
 * again. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "sv/require.h"
#include "sv/time.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check_duration(const char *bytes, size_t len)
{
    char text[SV_DURATION_TEXT_BYTES];
    sv_ms first;
    sv_ms second;

    if (sv_duration_parse(bytes, len, &first) != SV_OK)
        return;
    SV_REQUIRE(first >= 0);
    (void)sv_duration_human(first, text);
    (void)sv_duration_format(first, text);
    SV_REQUIRE(sv_duration_parse(text, strlen(text), &second) == SV_OK && first == second);
}

static void check_instant(sv_ms first)
{
    char text[SV_TIME_TEXT_BYTES];
    sv_ms second;

    (void)sv_time_format(first, text);
    SV_REQUIRE(sv_time_parse(text, strlen(text), &second) == SV_OK);
    /* An offset or a leap second can lead out of the years that have a text: those are clamped. */
    SV_REQUIRE(first == second || first < -62167219200000 || first > 253402300799999);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    sv_ms instant;

    check_duration((const char *)bytes, len);
    if (sv_time_parse((const char *)bytes, len, &instant) == SV_OK)
        check_instant(instant);
    if (sv_time_parse_http((const char *)bytes, len, &instant) == SV_OK)
        check_instant(instant);
    return 0;
}
