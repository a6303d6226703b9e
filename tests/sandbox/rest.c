#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "call.h"
#include "ses_v2.h"
#include "sv/alloc.h"
#include "sv/json.h"
#include "sv/require.h"

/* The REST protocol of SES API v2: a verb and a path say what is meant, JSON goes both ways. */

struct route {
    const char *method;
    const char *path; /* "*" stands for one identity */
    const char *action;
    sb_perform_fn *perform;
    const char *takes; /* members of the body, or parameters of the query; a blank behind each */
};

static const struct route routes[] = {
    {"POST", "/v2/email/identities", "CreateEmailIdentity", sb_v2_create,
     "EmailIdentity Tags DkimSigningAttributes ConfigurationSetName "},
    {"GET", "/v2/email/identities", "ListEmailIdentities", sb_v2_list, "NextToken PageSize "},
    {"GET", "/v2/email/identities/*", "GetEmailIdentity", sb_v2_get, ""},
    {"DELETE", "/v2/email/identities/*", "DeleteEmailIdentity", sb_v2_delete, ""},
    {"PUT", "/v2/email/identities/*/dkim", "PutEmailIdentityDkimAttributes", sb_v2_put_dkim,
     "SigningEnabled "},
    /* Not a slip of ours: the service model has this one operation under /v1. */
    {"PUT", "/v1/email/identities/*/dkim/signing", "PutEmailIdentityDkimSigningAttributes",
     sb_v2_put_signing, "SigningAttributesOrigin SigningAttributes "},
    {"PUT", "/v2/email/identities/*/mail-from", "PutEmailIdentityMailFromAttributes",
     sb_v2_put_mail_from, "MailFromDomain BehaviorOnMxFailure "},
    {"PUT", "/v2/email/identities/*/configuration-set",
     "PutEmailIdentityConfigurationSetAttributes", sb_v2_put_configuration_set,
     "ConfigurationSetName "},
    {"PUT", "/v2/email/identities/*/feedback", "PutEmailIdentityFeedbackAttributes",
     sb_v2_put_feedback, "EmailForwardingEnabled "},
    {"GET", "/v2/email/account", "GetAccount", sb_v2_get_account, ""},
    {"POST", "/v2/email/tags", "TagResource", sb_v2_tag, "ResourceArn Tags "},
    {"DELETE", "/v2/email/tags", "UntagResource", sb_v2_untag, "ResourceArn TagKeys "},
    {"GET", "/v2/email/tags", "ListTagsForResource", sb_v2_list_tags, "ResourceArn "},
    {"POST", "/v2/email/metrics/batch", "BatchGetMetricData", sb_v2_metrics, "Queries "},
    {"POST", "/v2/email/vdm/recommendations", "ListRecommendations", sb_v2_recommendations,
     "Filter NextToken PageSize "},
};

/* Compares a path with a pattern; the part under '*' in `name` and `len`. */
static bool matches(const char *pattern, const char *path, const char **name, size_t *len)
{
    const char *star = strchr(pattern, '*');
    size_t before = star == NULL ? strlen(pattern) : (size_t)(star - pattern);

    *name = NULL;
    *len = 0;
    if (star == NULL)
        return strcmp(pattern, path) == 0;
    if (strncmp(pattern, path, before) != 0)
        return false;
    *name = path + before;
    *len = strcspn(*name, "/");
    return *len > 0 && strcmp(*name + *len, star + 1) == 0;
}

static const struct route *find_route(struct sb_call *call, const char *path)
{
    const char *name;
    size_t len;

    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (strcmp(routes[i].method, call->request->method) != 0 ||
            !matches(routes[i].path, path, &name, &len))
            continue;
        call->action = routes[i].action;
        call->perform = routes[i].perform;
        call->name = name == NULL ? NULL : sb_percent_decode(name, len);
        if (name != NULL && call->name == NULL)
            sb_call_refuse(call, 400, "BadRequestException", "Broken percent escape in the path.");
        return &routes[i];
    }
    sb_call_refuse(call, 404, "UnknownOperationException", "No operation of SES v2 for %s %.200s.",
                   call->request->method, call->request->path);
    return NULL;
}

static void check_member(struct sb_call *call, const struct route *route, const char *name)
{
    if (!sb_words_have(route->takes, name, strlen(name)))
        sb_call_refuse(call, 400, "SerializationException", "%s has no member %.80s.", call->action,
                       name);
}

/* SES may pass over what it does not know; a client that says it has made a mistake. */
static void check_members(struct sb_call *call, const struct route *route)
{
    const char *name;
    json_t *value;

    json_object_foreach(call->input, name, value) check_member(call, route, name);
    for (size_t i = 0; i < call->form.count; i++)
        check_member(call, route, call->form.pairs[i].name);
}

static void read_body(struct sb_call *call)
{
    const struct sb_request *request = call->request;
    const char *type = sb_request_header(request, "content-type");
    struct sv_errinfo info = {0};

    if (request->body.len == 0) {
        call->input = sv_json_object();
        return;
    }
    if (type == NULL || strncasecmp(type, "application/json", 16) != 0) {
        sb_call_refuse(call, 415, "UnsupportedMediaTypeException",
                       "Content-Type must be application/json.");
        return;
    }
    call->input =
        sv_json_parse(request->body.data, request->body.len, SB_INPUT_BYTES_MAX, 16, &info);
    if (!json_is_object(call->input))
        sb_call_refuse(call, 400, "SerializationException", "The body is not a JSON object: %s",
                       info.text);
}

void sb_rest_read(struct sb_call *call)
{
    const struct sb_request *request = call->request;
    const struct route *route;
    char why[96];

    call->api = SB_API_V2;
    call->output = sv_json_object();
    route = find_route(call, request->path);
    if (call->status == 0 && request->query != NULL &&
        !sb_form_parse(&call->form, request->query, strlen(request->query), why))
        sb_call_refuse(call, 400, "BadRequestException", "The query string is malformed: %s", why);
    if (call->status == 0)
        read_body(call);
    if (call->status == 0)
        check_members(call, route);
    if (call->perform == sb_v2_create && call->input != NULL) {
        const char *name = sv_json_str(call->input, "EmailIdentity");

        call->name = name == NULL ? NULL : sv_strdup(name);
    }
}

void sb_rest_render(struct sb_call *call, struct sb_answer *answer)
{
    sb_answer_header(answer, "Content-Type", "application/json");
    if (call->status != 0) {
        answer->status = call->status;
        sb_answer_header(answer, "x-amzn-ErrorType", call->code);
        json_object_clear(call->output);
        sv_json_set_str(call->output, "message", call->text);
    }
    SV_REQUIRE(sv_json_write(call->output, &answer->body));
}
