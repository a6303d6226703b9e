/* How a domain's mail gets its DKIM key: SES's own, the domain's, or a parent region's. */
#ifndef SB_SIGNING_H
#define SB_SIGNING_H

#include <jansson.h>
#include <stdbool.h>

struct sb_call;
struct sb_identity;

/* DkimSigningAttributes of CreateEmailIdentity (NULL is fine). False after a refusal. */
bool sb_signing_create(struct sb_call *call, struct sb_identity *identity,
                       const json_t *attributes);

/* SigningAttributesOrigin and SigningAttributes of PutEmailIdentityDkimSigningAttributes. False
 * after a refusal. */
bool sb_signing_put(struct sb_call *call, struct sb_identity *identity, const char *origin,
                    const json_t *attributes);

#endif
