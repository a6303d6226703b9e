#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "call.h"
#include "sv/name.h"
#include "xml.h"

/* The operations of SES API v1 (2010-12-01) that change something. */

static const char *required(struct sb_call *call, const char *name)
{
    const char *value = sb_form_get(&call->form, name);

    if (value != NULL && value[0] != 0)
        return value;
    sb_call_refuse(call, 400, "ValidationError",
                   "1 validation error detected: Value null at '%c%s' failed to satisfy "
                   "constraint: Member must "
                   "not be null",
                   name[0] - 'A' + 'a', name + 1);
    return NULL;
}

static bool read_bool(struct sb_call *call, const char *name, bool *out)
{
    const char *value = required(call, name);

    if (value == NULL)
        return false;
    *out = strcmp(value, "true") == 0;
    if (*out || strcmp(value, "false") == 0)
        return true;
    sb_call_refuse(call, 400, "MalformedInput", "%s must be true or false, not '%.40s'", name,
                   value);
    return false;
}

/* The identity of that domain, made when it is not there yet. NULL after a refusal. */
static struct sb_identity *need_domain(struct sb_call *call)
{
    const char *domain = required(call, "Domain");
    struct sb_identity *identity;

    if (domain == NULL)
        return NULL;
    if (!sb_domain_is_valid(domain)) {
        sb_call_refuse(call, 400, "InvalidParameterValue", "Invalid domain name %.300s.", domain);
        return NULL;
    }
    identity = sb_identity_find(call->store, domain);
    if (identity == NULL)
        identity = sb_identity_add(call->store, domain);
    if (identity == NULL)
        sb_call_refuse(call, 400, "LimitExceeded", "Maximum number of identities reached.");
    return identity;
}

static void verify_domain_identity(struct sb_call *call)
{
    struct sb_identity *identity = need_domain(call);
    char token[SB_OWNERSHIP_BYTES];

    if (identity == NULL)
        return;
    identity->ownership_wanted = true;
    sb_axis_start(&identity->identity, sb_clock_virtual(&call->sandbox->clock));
    sb_looker_wake(call->sandbox->looker, identity);
    sb_ownership_token(call->store->account, call->store->region, identity->name, token);
    sb_xml_text(&call->xml, "VerificationToken", token);
}

static void verify_domain_dkim(struct sb_call *call)
{
    struct sb_identity *identity = need_domain(call);
    char token[SB_TOKEN_BYTES];

    if (identity == NULL)
        return;
    if (identity->origin == SB_ORIGIN_EXTERNAL) {
        identity->origin = SB_ORIGIN_AWS_SES;
        identity->dkim = (struct sb_axis){0};
    }
    sb_call_start_dkim(call, identity);
    sb_xml_open(&call->xml, "DkimTokens");
    for (unsigned i = 0; i < SB_TOKENS; i++) {
        sb_identity_token(identity, i, token);
        sb_xml_text(&call->xml, "member", token);
    }
    sb_xml_close(&call->xml, "DkimTokens");
}

static void delete_identity(struct sb_call *call)
{
    const char *name = required(call, "Identity");
    struct sb_identity *identity = name == NULL ? NULL : sb_identity_find(call->store, name);

    if (identity != NULL)
        sb_call_delete(call, identity);
}

static void set_identity_dkim_enabled(struct sb_call *call)
{
    const char *name = required(call, "Identity");
    struct sb_identity *identity;
    bool enabled;

    if (name == NULL || !read_bool(call, "DkimEnabled", &enabled))
        return;
    identity = sb_identity_find(call->store, name);
    if (identity == NULL || (identity->is_domain && identity->dkim.status == SB_NOT_STARTED)) {
        sb_call_refuse(call, 400, "InvalidParameterValue",
                       "Domain %.300s is not verified for DKIM signing.", name);
        return;
    }
    identity->signing_enabled = enabled;
}

static void set_identity_mail_from_domain(struct sb_call *call)
{
    const char *name = required(call, "Identity");
    const char *mail_from = sb_form_get(&call->form, "MailFromDomain");
    const char *behavior = sb_form_get(&call->form, "BehaviorOnMXFailure");
    struct sb_identity *identity;

    if (name == NULL)
        return;
    identity = sb_identity_find(call->store, name);
    if (mail_from == NULL)
        mail_from = "";
    if (behavior == NULL)
        behavior = "UseDefaultValue";
    if (identity == NULL)
        sb_call_refuse(call, 400, "InvalidParameterValue", "Identity <%.300s> does not exist.",
                       name);
    else if (strcmp(behavior, "UseDefaultValue") != 0 && strcmp(behavior, "RejectMessage") != 0)
        sb_call_refuse(
            call, 400, "ValidationError",
            "1 validation error detected: Value '%.80s' at 'behaviorOnMXFailure' failed to satisfy "
            "constraint: Member must satisfy enum value set: [UseDefaultValue, RejectMessage]",
            behavior);
    else if (mail_from[0] != 0 &&
             (!sb_domain_is_valid(mail_from) ||
              !sv_name_is_below(mail_from, strchr(identity->name, '@') == NULL
                                               ? identity->name
                                               : strchr(identity->name, '@') + 1)))
        sb_call_refuse(
            call, 400, "InvalidParameterValue",
            "Provided MAIL-FROM domain <%.300s> is not subdomain of the domain of the identity "
            "<%.300s>.",
            mail_from, name);
    else
        sb_call_set_mail_from(call, identity, mail_from, strcmp(behavior, "RejectMessage") == 0);
}

static void set_identity_notification_topic(struct sb_call *call)
{
    static const char *const types[SB_TOPICS] = {"Bounce", "Complaint", "Delivery"};
    const char *name = required(call, "Identity");
    const char *type = name == NULL ? NULL : required(call, "NotificationType");
    const char *topic = sb_form_get(&call->form, "SnsTopic");
    struct sb_identity *identity;
    size_t which = 0;

    if (type == NULL)
        return;
    identity = sb_identity_find(call->store, name);
    while (which < SB_TOPICS && strcmp(type, types[which]) != 0)
        which++;
    if (topic == NULL)
        topic = "";
    if (which == SB_TOPICS)
        sb_call_refuse(
            call, 400, "ValidationError",
            "1 validation error detected: Value '%.80s' at 'notificationType' failed to satisfy "
            "constraint: Member must satisfy enum value set: [Bounce, Complaint, Delivery]",
            type);
    else if (identity == NULL)
        sb_call_refuse(call, 400, "InvalidParameterValue", "Identity <%.300s> does not exist.",
                       name);
    else if (topic[0] != 0 &&
             (strncmp(topic, "arn:aws", 7) != 0 || strlen(topic) >= SB_TOPIC_BYTES))
        sb_call_refuse(call, 400, "InvalidParameterValue", "Invalid SNS topic <%.300s>.", topic);
    else
        (void)snprintf(identity->topics[which], SB_TOPIC_BYTES, "%s", topic);
}

sb_perform_fn *sb_v1_find(const char *action)
{
    static const struct {
        const char *action;
        sb_perform_fn *perform;
    } operations[] = {
        {"VerifyDomainIdentity", verify_domain_identity},
        {"VerifyDomainDkim", verify_domain_dkim},
        {"DeleteIdentity", delete_identity},
        {"SetIdentityDkimEnabled", set_identity_dkim_enabled},
        {"SetIdentityMailFromDomain", set_identity_mail_from_domain},
        {"SetIdentityNotificationTopic", set_identity_notification_topic},
    };

    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        if (strcmp(operations[i].action, action) == 0)
            return operations[i].perform;
    }
    return NULL;
}
