/* What an account's settings say of its identities, in the form that the driver takes. */
#ifndef SV_WORKER_ACCOUNT_SETUP_H
#define SV_WORKER_ACCOUNT_SETUP_H

#include "config.h"
#include "sv/ses_setup.h"

struct sv_account_setup {
    struct sv_ses_setup setup; /* borrows from the account, too, which has to stay */
    struct sv_ses_tag *tags;   /* owned */
    char *texts[SV_SES_TAGS_MAX];
};

void sv_account_setup_init(struct sv_account_setup *out, const struct sv_config_account *account);
void sv_account_setup_fini(struct sv_account_setup *setup); /* a zeroed one is fine */

/* The account's mistakes in all that; `where` names its section. */
void sv_account_setup_check(const struct sv_config_account *account, const char *where,
                            struct sv_problems *problems);

/* Reads the key of every account that brings its own; a problem where that fails. */
void sv_account_keys_read(struct sv_config *config, struct sv_problems *problems, bool as_warnings);

/* Only the public halves, for the commands that show records; in silence where a key cannot be read
 * by whoever runs them. */
void sv_account_keys_read_public(struct sv_config *config);

#endif
