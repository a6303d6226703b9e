/* The portal of IAM Identity Center (its API Reference, GetRoleCredentials). */
#include <string.h>

#include "call.h"
#include "sv/json.h"

static bool is_same(const char *given, const char *wanted)
{
    return given != NULL && wanted != NULL && strcmp(given, wanted) == 0;
}

void sb_sso_perform(struct sb_call *call)
{
    struct sb_fresh fresh;
    json_t *keys;

    if (!is_same(sb_request_header(call->request, "x-amz-sso_bearer_token"),
                 sb_givers_text(call, "sso.token"))) {
        sb_call_refuse(call, 401, "UnauthorizedException", "Session token not found or invalid");
        return;
    }
    if (!is_same(sb_form_get(&call->form, "account_id"), sb_givers_text(call, "sso.account_id")) ||
        !is_same(sb_form_get(&call->form, "role_name"), sb_givers_text(call, "sso.role_name"))) {
        sb_call_refuse(call, 403, "ForbiddenException", "No access");
        return;
    }
    sb_givers_make(call, &fresh);
    keys = sv_json_object();
    sv_json_set_str(keys, "accessKeyId", fresh.id);
    sv_json_set_str(keys, "secretAccessKey", fresh.secret);
    sv_json_set_str(keys, "sessionToken", fresh.token);
    sv_json_set_int(keys, "expiration", fresh.expires_at);
    call->output = sv_json_object();
    sv_json_set(call->output, "roleCredentials", keys);
}
