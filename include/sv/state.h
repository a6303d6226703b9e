/* One domain as it is kept: the core's state and what was registered, to and from the fields of the
 * store. */
#ifndef SV_STATE_H
#define SV_STATE_H

#include "sv/domain.h"
#include "sv/job.h"
#include "sv/records.h"
#include "sv/ses.h"
#include "sv/store.h"

/* What was registered and what SES gave for it: not the core's business. */
struct sv_registration {
    char account[SV_ACCOUNT_BYTES];
    char domain[SV_NAME_BYTES];
    char mail_from[SV_NAME_BYTES]; /* "" = none */
    bool reject_on_mx_failure, legacy_txt, adopt;
    char traceparent[SV_TRACEPARENT_BYTES];
    enum sv_dkim_method dkim;
    size_t tokens_count; /* BYODKIM: the selector alone, as SES shows it */
    char tokens[SV_SES_TOKENS_MAX][SV_SES_TOKEN_BYTES];
    uint32_t own_key; /* BYODKIM: sv_state_key_digest of the key SES was given; 0 = not by us */
    char zone[SV_NAME_BYTES]; /* SES's hosted zone */
    char ownership_token[SV_SES_DOMAIN_TOKEN_BYTES];
    char verdicts[SV_RECORDS_MAX +
                  1]; /* one letter per record of sv_records_list, last known: o w W u */
    sv_ms registered_at;
};

/* The open job, as the claim returned it. entry_id "" = none. */
struct sv_open_job {
    char entry_id[SV_STORE_ENTRY_ID_BYTES];
    char id[SV_JOB_ID_BYTES];
    enum sv_job_type type;
};

enum {
    SV_STATE_VERSION = 2
}; /* of the record that is written; lua/shared/version.lua has it, too */

struct sv_record_sheet { /* a domain, whole */
    uint32_t version;    /* as read; 0 = nothing was kept */
    struct sv_domain domain;
    struct sv_registration registration;
    struct sv_open_job job;
    bool hurried; /* a sweep brought this look forward: SES is asked whatever DNS says */
};

/* What the domain's DKIM records have to say. `setup` is its account's, NULL = not known: of a key
 * that is not the one of the settings we know the selector, but not what belongs there. Borrows
 * from both. */
void sv_state_expect_dkim(const struct sv_registration *registration,
                          const struct sv_ses_setup *setup, struct sv_expect *expect);

/* Of a public key of the settings; never 0, but for NULL. */
uint32_t sv_state_key_digest(const char *public_key);

/* A letter of sv_registration.verdicts. */
enum sv_record_status sv_verdict_read(char letter);

/* Reads what the store keeps. Missing fields are zero; a value that cannot be is SV_EMALFORMED with
 * the field's name, and the sheet must not be used. A record of a newer version than
 * SV_STATE_VERSION is SV_EREFUSED: leave it to a newer program. Older ones are read, and become
 * SV_STATE_VERSION by the next commit. Unknown fields are ignored and stay untouched. */
enum sv_err sv_state_read(const struct sv_field *fields, size_t count, struct sv_record_sheet *out,
                          struct sv_errinfo *info) __attribute__((warn_unused_result));

enum { SV_STATE_TEXT_BYTES = 4096 };

/* Field list for a commit; `text` holds the values. */
struct sv_state_fields {
    size_t count;
    struct sv_field fields[SV_STORE_FIELDS_MAX];
    char text[SV_STATE_TEXT_BYTES];
    size_t text_bytes;
};

/* Writes the core's state and what SES gave, but not what jobs set (so that a registration that
 * arrives while the domain is being checked is not overwritten). Fields equal to zero are deleted:
 * a waiting domain stays small. */
void sv_state_write(const struct sv_record_sheet *sheet, struct sv_state_fields *out);

/* The fields that a job sets at admission: what is registered (register, adopt), and the trace
 * context of whatever is done for it. */
void sv_state_write_job(const struct sv_job *job, struct sv_state_fields *out);

#endif
