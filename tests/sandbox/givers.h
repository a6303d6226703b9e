/* Those who give temporary AWS keys: STS, the instance metadata service (IMDS), a container's
 * endpoint (ECS, EKS), and the portal of IAM Identity Center (SSO). The keys work at the SES port.
 */
#ifndef SB_GIVERS_H
#define SB_GIVERS_H

#include <jansson.h>
#include <stdbool.h>

#include "sv/err.h"
#include "sv/time.h"

struct sb_answer;
struct sb_call;

/* What a script may set; POST /givers on the control port. */
struct sb_givers {
    json_t *settings;
    unsigned long long given;
};

struct sb_fresh {
    char id[33], secret[65], token[97];
    char until[SV_TIME_TEXT_BYTES];
    sv_ms expires_at;
};

void sb_givers_init(struct sb_givers *givers);
void sb_givers_fini(struct sb_givers *givers);

/* Merges: {"lives_ms": N, "roles": {ARN: external id or null}, "web_token": "...",
 * "container_token": "...", "sso": {"token", "account_id", "role_name"}, "imds_role": "...",
 * "imds_token_status": N}. Nothing is set when any of it is wrong. */
enum sv_err sb_givers_set(struct sb_givers *givers, json_t *settings, struct sv_errinfo *info)
    __attribute__((warn_unused_result));

/* The text under that name, NULL = not set. */
const char *sb_givers_text(const struct sb_call *call, const char *name);

/* New keys of the caller's account, known to the SES port until they expire. */
void sb_givers_make(struct sb_call *call, struct sb_fresh *out);

/* True when the request is for one of them (but STS, which is asked at "/"): then the call is ready
 * to be performed, or refused. */
bool sb_givers_read(struct sb_call *call);
void sb_givers_render(struct sb_call *call, struct sb_answer *answer);

/* One of them each. */
void sb_imds_perform(struct sb_call *call);
void sb_container_perform(struct sb_call *call);
void sb_sso_perform(struct sb_call *call);

/* The four fields that IMDS and containers answer with. */
json_t *sb_givers_json(const struct sb_fresh *fresh);

#endif
