/* A job as the platform pushes it (design section 3.2), parsed and checked field by field. */
#ifndef SV_JOB_H
#define SV_JOB_H

#include <stdbool.h>
#include <stddef.h>

#include "sv/admission.h"
#include "sv/err.h"
#include "sv/name.h"

/* The account of a job that names none. */
#define SV_ACCOUNT_DEFAULT "default"

enum {
    SV_CLIENT_BYTES = 129,
    SV_JOB_ID_BYTES = 65,
    SV_ACCOUNT_BYTES = 65,
    SV_EMAIL_BYTES = 255,
    SV_TRACEPARENT_BYTES = 56,
};

struct sv_job {
    enum sv_job_type type;
    char client_id[SV_CLIENT_BYTES];
    char domain[SV_NAME_BYTES]; /* normal form */
    char id[SV_JOB_ID_BYTES];   /* the caller's, or the stream entry's */
    char account[SV_ACCOUNT_BYTES];
    char contact_email[SV_EMAIL_BYTES];
    char mail_from[SV_NAME_BYTES]; /* full name; "" = none */
    bool reject_on_mx_failure;
    bool legacy_txt;
    bool delete_identity;
    char traceparent[SV_TRACEPARENT_BYTES]; /* "" = none, or not valid (then it is dropped, not an
                                               error) */
};

/* What a job ends as when it is not taken. */
enum sv_job_fault {
    SV_JOB_FINE,
    SV_JOB_DEAD,     /* malformed: dead letter with `reason` */
    SV_JOB_REJECTED, /* well-formed but not acceptable: "invalid_domain", "restricted_domain" */
};

/* A job as it came. All borrowed. */
struct sv_job_text {
    const char *payload;
    size_t payload_bytes;
    const char *entry_id; /* of the stream; the job's id unless it brings its own */
};

/* Reads one payload. `out` is filled as far as possible even when the answer is not FINE, so that
 * the answer event can name what is known. `reason` is a stable word ("malformed_json",
 * "missing_field", "invalid_field", "unknown_type", "unknown_account" is the caller's), `info` the
 * sentence with the field's name. Unknown fields are ignored. */
enum sv_job_fault sv_job_parse(const struct sv_job_text *text, const struct sv_name_rules *rules,
                               struct sv_job *out, const char **reason, struct sv_errinfo *info);

/* W3C trace context, version 00: "00-<32 hex>-<16 hex>-<2 hex>", not all zero. */
bool sv_traceparent_is_valid(const char *text);

#endif
