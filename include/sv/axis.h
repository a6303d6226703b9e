/* What SES says of a domain, as words that every layer shares. Zero is always "nothing known". */
#ifndef SV_AXIS_H
#define SV_AXIS_H

#include <stdbool.h>
#include <stddef.h>

enum sv_tri { SV_TRI_UNKNOWN, SV_TRI_NO, SV_TRI_YES };

/* One of the three axes: identity, DKIM, MAIL FROM. A value SES invents later is SV_AXIS_UNKNOWN.
 */
enum sv_axis {
    SV_AXIS_UNKNOWN,
    SV_AXIS_NONE,        /* not asked for: no custom MAIL FROM, for instance */
    SV_AXIS_NOT_STARTED, /* SES has the identity but was not asked to look */
    SV_AXIS_PENDING,
    SV_AXIS_SUCCESS,
    SV_AXIS_FAILED,
    SV_AXIS_TEMPORARY_FAILURE,
    SV_AXIS_GONE, /* the identity is missing from a reply that would hold it */
    SV_AXIS_COUNT
};

/* "unknown", "none", "not_started", "pending", "success", "failed", "temporary_failure", "gone". */
const char *sv_axis_name(enum sv_axis axis);

/* Reads sv_axis_name's words, SES v1's ("TemporaryFailure") and v2's ("TEMPORARY_FAILURE"); else
 * unknown. */
enum sv_axis sv_axis_parse(const char *text, size_t len);

/* True when SES does not look any more by itself: failed, or never asked to. */
bool sv_axis_gave_up(enum sv_axis axis);

/* Why SES's own look failed (v2 VerificationInfo.ErrorType). */
enum sv_ses_reason {
    SV_SES_REASON_NONE,
    SV_SES_HOST_NOT_FOUND,
    SV_SES_TYPE_NOT_FOUND,
    SV_SES_INVALID_VALUE,
    SV_SES_DNS_SERVER_ERROR,
    SV_SES_SERVICE_ERROR,
    SV_SES_REPLICATION, /* one of the REPLICATION_* values */
    SV_SES_REASON_OTHER,
    SV_SES_REASON_COUNT
};

/* "host_not_found", "type_not_found", "invalid_value", "dns_server_error", "service_error",
 * "replication", "other"; NULL for NONE. */
const char *sv_ses_reason_name(enum sv_ses_reason reason);

#endif
