#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "call.h"
#include "sv/alloc.h"
#include "sv/require.h"
#include "xml.h"

/* The AWS Query protocol: a form comes in, XML goes out. SES v1 and STS speak it on the same path;
 * the version says which is meant. */

#define SES_VERSION "2010-12-01"
#define STS_VERSION "2011-06-15"

static bool is_form(const struct sb_request *request)
{
    static const char form[] = "application/x-www-form-urlencoded";
    const char *type = sb_request_header(request, "content-type");
    size_t len = sizeof form - 1;

    return type != NULL && strncasecmp(type, form, len) == 0 &&
           (type[len] == 0 || type[len] == ';' || type[len] == ' ');
}

/* A list counts from 1 without gaps: every parameter of the family must be one that sb_call_member
 * reaches. */
static bool list_has_gaps(const struct sb_call *call)
{
    size_t given = 0, reached = 0;

    for (size_t i = 0; i < call->form.count; i++)
        given += strncmp(call->form.pairs[i].name, "Identities.", 11) == 0 ? 1 : 0;
    while (sb_call_member(call, reached) != NULL)
        reached++;
    return given != reached;
}

/* The parameters of each operation besides Action and Version; a blank behind each. */
static const struct {
    const char *action, *takes;
} parameters[] = {
    {"VerifyDomainIdentity", "Domain "},
    {"VerifyDomainDkim", "Domain "},
    {"DeleteIdentity", "Identity "},
    {"SetIdentityDkimEnabled", "Identity DkimEnabled "},
    {"SetIdentityMailFromDomain", "Identity MailFromDomain BehaviorOnMXFailure "},
    {"SetIdentityNotificationTopic", "Identity NotificationType SnsTopic "},
    {"GetIdentityVerificationAttributes", "Identities "},
    {"GetIdentityDkimAttributes", "Identities "},
    {"GetIdentityMailFromDomainAttributes", "Identities "},
    {"GetIdentityNotificationAttributes", "Identities "},
    {"ListIdentities", "IdentityType NextToken MaxItems "},
    {"GetSendQuota", ""},
    {"GetAccountSendingEnabled", ""},
};

/* True when the operation has that parameter, or that list. */
static bool takes(const char *action, const char *name)
{
    size_t len = strcspn(name, ".");

    for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++) {
        if (strcmp(parameters[i].action, action) == 0 &&
            sb_words_have(parameters[i].takes, name, len))
            return true;
    }
    return sb_words_have("Action Version ", name, len);
}

/* SES may pass over what it does not know; a client that says it has made a mistake. */
static void check_parameters(struct sb_call *call)
{
    for (size_t i = 0; i < call->form.count; i++) {
        const char *name = call->form.pairs[i].name;

        if (!takes(call->action, name))
            sb_call_refuse(call, 400, "InvalidQueryParameter", "%s has no parameter %.80s",
                           call->action, name);
    }
}

static void find_operation(struct sb_call *call)
{
    const char *action = sb_form_get(&call->form, "Action");
    const char *version = sb_form_get(&call->form, "Version");

    if (action == NULL || action[0] == 0) {
        sb_call_refuse(call, 400, "MissingAction",
                       "The request must contain the parameter Action.");
        return;
    }
    if (strlen(action) < SB_ACTION_BYTES)
        call->action = action;
    if (version != NULL && strcmp(version, STS_VERSION) == 0) {
        call->api = SB_API_STS;
        call->perform = sb_sts_find(action);
        call->anonymous = strcmp(action, "AssumeRoleWithWebIdentity") == 0;
    } else if (version != NULL && strcmp(version, SES_VERSION) == 0) {
        call->perform = sb_v1_find(action);
        if (call->perform == NULL)
            call->perform = sb_v1_read_find(action);
        if (call->perform == NULL)
            call->perform = sb_v1_account_find(action);
    }
    if (call->perform == NULL)
        sb_call_refuse(call, 400, "InvalidAction", "Could not find operation %s for version %s",
                       action, version == NULL ? "NO_VERSION_SPECIFIED" : version);
    else if (call->api == SB_API_V1)
        check_parameters(call);
}

void sb_query_read(struct sb_call *call)
{
    const struct sb_request *request = call->request;
    const char *name;
    char why[96];

    call->api = SB_API_V1;
    if (strcmp(request->method, "POST") != 0 || !is_form(request)) {
        sb_call_refuse(call, 400, "MalformedQueryString",
                       "The sandbox takes POST with application/x-www-form-urlencoded only.");
        return;
    }
    if (!sb_form_parse(&call->form, sv_buf_str(&request->body), request->body.len, why)) {
        sb_call_refuse(call, 400, "MalformedQueryString", "The query string is malformed: %s", why);
        return;
    }
    find_operation(call);
    if (call->status == 0 && list_has_gaps(call))
        sb_call_refuse(call, 400, "MalformedQueryString",
                       "Identities.member.N must count from 1 without gaps.");
    name = sb_form_get(&call->form, "Identity");
    if (name == NULL)
        name = sb_form_get(&call->form, "Domain");
    if (name != NULL)
        call->name = sv_strdup(name);
}

static const char *namespace_of(const struct sb_call *call)
{
    return call->api == SB_API_STS ? "https://sts.amazonaws.com/doc/" STS_VERSION "/"
                                   : "http://ses.amazonaws.com/doc/" SES_VERSION "/";
}

static void render_error(const struct sb_call *call, struct sv_buf *out)
{
    bool ok = sv_buf_printf(out, "<ErrorResponse xmlns=\"%s\">\n", namespace_of(call));

    SV_REQUIRE(ok);
    sb_xml_open(out, "Error");
    sb_xml_text(out, "Type", call->status >= 500 ? "Receiver" : "Sender");
    sb_xml_text(out, "Code", call->code);
    sb_xml_text(out, "Message", call->text);
    sb_xml_close(out, "Error");
    sb_xml_text(out, "RequestId", call->request_id);
    sb_xml_close(out, "ErrorResponse");
}

static void render_result(const struct sb_call *call, struct sv_buf *out)
{
    bool ok = sv_buf_printf(out, "<%sResponse xmlns=\"%s\">\n", call->action, namespace_of(call));

    if (call->xml.len == 0)
        ok = ok && sv_buf_printf(out, "<%sResult/>\n", call->action);
    else
        ok = ok && sv_buf_printf(out, "<%sResult>\n%s</%sResult>\n", call->action,
                                 sv_buf_str(&call->xml), call->action);
    SV_REQUIRE(ok);
    sb_xml_open(out, "ResponseMetadata");
    sb_xml_text(out, "RequestId", call->request_id);
    sb_xml_close(out, "ResponseMetadata");
    ok = sv_buf_printf(out, "</%sResponse>\n", call->action);
    SV_REQUIRE(ok);
}

void sb_query_render(struct sb_call *call, struct sb_answer *answer)
{
    sb_answer_header(answer, "Content-Type", "text/xml");
    if (call->status != 0) {
        answer->status = call->status;
        render_error(call, &answer->body);
    } else {
        render_result(call, &answer->body);
    }
}
