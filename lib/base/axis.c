#include "sv/axis.h"

#include <ctype.h>
#include <string.h>

static const char *const names[SV_AXIS_COUNT] = {
    [SV_AXIS_UNKNOWN] = "unknown",
    [SV_AXIS_NONE] = "none",
    [SV_AXIS_NOT_STARTED] = "not_started",
    [SV_AXIS_PENDING] = "pending",
    [SV_AXIS_SUCCESS] = "success",
    [SV_AXIS_FAILED] = "failed",
    [SV_AXIS_TEMPORARY_FAILURE] = "temporary_failure",
    [SV_AXIS_GONE] = "gone",
};

const char *sv_axis_name(enum sv_axis axis)
{
    return (unsigned)axis < SV_AXIS_COUNT ? names[axis] : names[SV_AXIS_UNKNOWN];
}

const char *sv_ses_reason_name(enum sv_ses_reason reason)
{
    static const char *const reasons[SV_SES_REASON_COUNT] = {
        [SV_SES_HOST_NOT_FOUND] = "host_not_found",
        [SV_SES_TYPE_NOT_FOUND] = "type_not_found",
        [SV_SES_INVALID_VALUE] = "invalid_value",
        [SV_SES_DNS_SERVER_ERROR] = "dns_server_error",
        [SV_SES_SERVICE_ERROR] = "service_error",
        [SV_SES_REPLICATION] = "replication",
        [SV_SES_REASON_OTHER] = "other",
    };

    return (unsigned)reason < SV_SES_REASON_COUNT ? reasons[reason] : NULL;
}

/* "TemporaryFailure", "TEMPORARY_FAILURE" and "temporary_failure" are one word once case and the
 * underscore are ignored; no two of our words collide that way. */
static int same_word(const char *text, size_t len, const char *name)
{
    size_t i = 0;

    for (; *name != '\0'; name++) {
        if (*name == '_')
            continue;
        while (i < len && text[i] == '_')
            i++;
        if (i == len || tolower((unsigned char)text[i]) != *name)
            return 0;
        i++;
    }
    return i == len;
}

enum sv_axis sv_axis_parse(const char *text, size_t len)
{
    for (int axis = SV_AXIS_UNKNOWN + 1; axis < SV_AXIS_COUNT; axis++) {
        if (same_word(text, len, names[axis]))
            return (enum sv_axis)axis;
    }
    return SV_AXIS_UNKNOWN;
}

bool sv_axis_gave_up(enum sv_axis axis)
{
    return axis == SV_AXIS_FAILED || axis == SV_AXIS_NOT_STARTED;
}
