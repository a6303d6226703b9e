/* The instance metadata service, version 2 (Amazon EC2 User Guide, "Use IMDSv2"); version 1 only
 * where "imds_token_status" says that there are no tokens. */
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "sv/require.h"

static const char token[] = "AQAEASANDBOXTOKEN==";

static void give_token(struct sb_call *call)
{
    const json_t *status = json_object_get(call->sandbox->givers.settings, "imds_token_status");
    const char *ttl = sb_request_header(call->request, "x-aws-ec2-metadata-token-ttl-seconds");
    long seconds = ttl != NULL ? strtol(ttl, NULL, 10) : 0;

    if (json_is_integer(status) && json_integer_value(status) != 200)
        sb_call_refuse(call, (unsigned)json_integer_value(status), "NoToken", "no tokens here");
    else if (seconds < 1 || seconds > 21600 || sb_request_header(call->request, "x-forwarded-for"))
        sb_call_refuse(call, 400, "BadRequest", "a lifetime of 1 to 21600 s is needed");
    else
        SV_REQUIRE(sv_buf_add_str(&call->xml, token));
}

static bool has_token(const struct sb_call *call)
{
    const json_t *status = json_object_get(call->sandbox->givers.settings, "imds_token_status");
    const char *given = sb_request_header(call->request, "x-aws-ec2-metadata-token");

    if (given == NULL)
        return json_is_integer(status) && json_integer_value(status) != 200;
    return strcmp(given, token) == 0;
}

void sb_imds_perform(struct sb_call *call)
{
    const char *role = sb_givers_text(call, "imds_role");
    const char *asked = strrchr(call->request->path, '/') + 1;
    struct sb_fresh fresh;

    role = role != NULL ? role : "sandbox-role";
    if (strcmp(call->action, "ImdsToken") == 0) {
        give_token(call);
    } else if (!has_token(call)) {
        sb_call_refuse(call, 401, "Unauthorized", "the token is missing or wrong");
    } else if (role[0] == '\0' || (asked[0] != '\0' && strcmp(asked, role) != 0)) {
        sb_call_refuse(call, 404, "NotFound", "the instance has no such role");
    } else if (asked[0] == '\0') {
        SV_REQUIRE(sv_buf_add_str(&call->xml, role));
    } else {
        sb_givers_make(call, &fresh);
        call->output = sb_givers_json(&fresh);
        json_object_set_new(call->output, "Code", json_string("Success"));
        json_object_set_new(call->output, "Type", json_string("AWS-HMAC"));
        json_object_set_new(call->output, "LastUpdated", json_string(fresh.until));
    }
}
