/* A container's endpoint (Amazon ECS Developer Guide, "Task IAM role"; EKS Pod Identity). */
#include <string.h>

#include "call.h"

void sb_container_perform(struct sb_call *call)
{
    const char *wanted = sb_givers_text(call, "container_token");
    const char *given = sb_request_header(call->request, "authorization");
    struct sb_fresh fresh;

    if (wanted != NULL && (given == NULL || strcmp(given, wanted) != 0)) {
        sb_call_refuse(call, 403, "AccessDenied", "the authorization token is missing or wrong");
        return;
    }
    sb_givers_make(call, &fresh);
    call->output = sb_givers_json(&fresh);
}
