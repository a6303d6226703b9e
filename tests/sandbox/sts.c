/* STS (2011-06-15). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "sv/json.h"
#include "xml.h"

/* The account number is made from the access key: the sandbox's accounts are its keys. */
static void get_caller_identity(struct sb_call *call)
{
    char arn[SB_ARN_BYTES], number[SB_ACCOUNT_NUMBER_BYTES];

    sb_account_number(call->caller.account, number);
    sb_caller_arn(call->caller.account, arn);
    sb_xml_text(&call->xml, "Arn", arn);
    sb_xml_text(&call->xml, "UserId", call->caller.key_id);
    sb_xml_text(&call->xml, "Account", number);
}

/* A name of a session: 2 to 64 of these characters. */
static bool is_session_name(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+=,.@-";
    size_t len = name != NULL ? strlen(name) : 0;

    return len >= 2 && len <= 64 && strspn(name, allowed) == len;
}

/* Says what it refuses only in AWS's way: whoever may not assume a role learns nothing of it. */
static bool may_assume(struct sb_call *call)
{
    const json_t *roles = json_object_get(call->sandbox->givers.settings, "roles");
    const char *arn = sb_form_get(&call->form, "RoleArn");
    const char *session = sb_form_get(&call->form, "RoleSessionName");
    const char *seconds = sb_form_get(&call->form, "DurationSeconds");
    const char *external = sb_form_get(&call->form, "ExternalId");
    long duration = seconds != NULL ? strtol(seconds, NULL, 10) : 3600;
    const json_t *role = arn != NULL ? json_object_get(roles, arn) : NULL;

    if (arn == NULL || !is_session_name(session) || duration < 900 || duration > 43200)
        sb_call_refuse(call, 400, "ValidationError",
                       "RoleArn, RoleSessionName or DurationSeconds is missing or wrong.");
    else if (role == NULL || (json_is_string(role) &&
                              (external == NULL || strcmp(external, json_string_value(role)) != 0)))
        sb_call_refuse(call, 403, "AccessDenied",
                       "Not authorized to perform sts:%s on resource: %.200s", call->action, arn);
    return call->status == 0;
}

static void give(struct sb_call *call)
{
    struct sb_fresh fresh;

    sb_givers_make(call, &fresh);
    sb_xml_open(&call->xml, "Credentials");
    sb_xml_text(&call->xml, "AccessKeyId", fresh.id);
    sb_xml_text(&call->xml, "SecretAccessKey", fresh.secret);
    sb_xml_text(&call->xml, "SessionToken", fresh.token);
    sb_xml_text(&call->xml, "Expiration", fresh.until);
    sb_xml_close(&call->xml, "Credentials");
    sb_xml_open(&call->xml, "AssumedRoleUser");
    sb_xml_text(&call->xml, "AssumedRoleId", "AROASANDBOX:session");
    sb_xml_text(&call->xml, "Arn", sb_form_get(&call->form, "RoleArn"));
    sb_xml_close(&call->xml, "AssumedRoleUser");
}

static void assume_role(struct sb_call *call)
{
    if (may_assume(call))
        give(call);
}

static void assume_role_with_web_identity(struct sb_call *call)
{
    const char *wanted = sb_givers_text(call, "web_token");
    const char *given = sb_form_get(&call->form, "WebIdentityToken");

    if (!may_assume(call))
        return;
    if (wanted == NULL || given == NULL || strcmp(wanted, given) != 0)
        sb_call_refuse(call, 400, "InvalidIdentityToken", "The token is not valid.");
    else
        give(call);
}

sb_perform_fn *sb_sts_find(const char *action)
{
    static const struct {
        const char *action;
        sb_perform_fn *perform;
    } operations[] = {
        {"GetCallerIdentity", get_caller_identity},
        {"AssumeRole", assume_role},
        {"AssumeRoleWithWebIdentity", assume_role_with_web_identity},
    };

    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        if (strcmp(operations[i].action, action) == 0)
            return operations[i].perform;
    }
    return NULL;
}
