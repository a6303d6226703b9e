/* What one account in one region is and has besides its identities: set through the control port,
 * read by both APIs. */
#ifndef SB_ACCOUNT_H
#define SB_ACCOUNT_H

#include <jansson.h>
#include <stdbool.h>

#include "sv/err.h"

enum {
    SB_IDENTITIES_MAX = 10000, /* SES's own quota; a test may set a lower one */
    SB_ENFORCEMENT_BYTES = 32,
    SB_ACCOUNT_NUMBER_BYTES = 13,
    SB_ARN_BYTES = 512,
};

struct sb_account {
    bool is_production; /* false: the account is in SES's sandbox */
    bool sends;         /* false: sending is paused */
    bool has_vdm;       /* Virtual Deliverability Manager is on: metrics, recommendations */
    char enforcement[SB_ENFORCEMENT_BYTES];
    double quota_day, quota_second, sent; /* mails; a daily quota of -1 is none */
    size_t identities_max;
    json_t *configuration_sets; /* owned array of names */
    json_t *metrics;            /* owned: identity name to {"daily": {...}, "error": ...} */
    json_t *recommendations;    /* owned array */
};

/* A healthy account in production, as most clients know theirs. */
void sb_account_init(struct sb_account *account);
void sb_account_fini(struct sb_account *account);

/* Takes {"production", "sending", "vdm": bool, "enforcement": text, "max_24_hours", "max_rate",
 * "sent": number, "identities_max": 0..10000}; nothing changes when anything is wrong. */
enum sv_err sb_account_set(struct sb_account *account, json_t *set, struct sv_errinfo *info)
    __attribute__((warn_unused_result));

/* The same as a new object. */
json_t *sb_account_json(const struct sb_account *account);

/* True when that configuration set was made. */
bool sb_account_has_set(const struct sb_account *account, const char *name);

/* Letters, digits, '-' and '_', 1 to 64 of them. */
bool sb_configuration_set_is_valid(const char *name);

/* The twelve digits of an account: those that the sandbox names after access keys have none. */
void sb_account_number(const char *account, char out[SB_ACCOUNT_NUMBER_BYTES]);

/* Who calls, to IAM. */
void sb_caller_arn(const char *account, char out[SB_ARN_BYTES]);

/* "arn:aws:ses:REGION:NUMBER:identity/NAME"; NULL as name: all resources of the account. */
void sb_identity_arn(const char *account, const char *region, const char *name,
                     char out[SB_ARN_BYTES]);

#endif
