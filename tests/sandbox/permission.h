/* What IAM lets each access key do: everything, until the control port says otherwise. */
#ifndef SB_PERMISSION_H
#define SB_PERMISSION_H

#include <jansson.h>

#include "sv/err.h"

enum sb_permit {
    SB_PERMIT_UNKNOWN,
    SB_PERMIT_GRANTED,
    SB_PERMIT_MISSING, /* no policy allows it */
    SB_PERMIT_DENIED,  /* a policy denies it */
};

struct sb_permissions {
    json_t *keys; /* owned: access key id to {"allow": [...], "deny": [...]} */
};

void sb_permissions_init(struct sb_permissions *permissions);
void sb_permissions_fini(struct sb_permissions *permissions);

/* Replaces what `key_id` may do by {"allow": [...], "deny": [...]}: IAM actions, where '*' stands
 * for any text. Without "allow" everything is allowed; a denial goes before. */
enum sv_err sb_permissions_set(struct sb_permissions *permissions, const char *key_id,
                               const json_t *policy, struct sv_errinfo *info)
    __attribute__((warn_unused_result));

/* Whether that key may do `action` ("ses:GetAccount"). */
enum sb_permit sb_permissions_check(const struct sb_permissions *permissions, const char *key_id,
                                    const char *action);

#endif
