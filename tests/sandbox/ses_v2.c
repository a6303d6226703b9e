#include "ses_v2.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "signing.h"
#include "sv/json.h"
#include "sv/name.h"
#include "tags.h"

/* The status of the unknown-identity answer differs from operation to operation, as it does at AWS.
 */

static struct sb_identity *need(struct sb_call *call, unsigned status)
{
    struct sb_identity *identity = sb_identity_find(call->store, call->name);

    if (identity == NULL)
        sb_call_refuse(call, status, status == 404 ? "NotFoundException" : "BadRequestException",
                       "Email identity %.300s does not exist.", call->name);
    return identity;
}

/* A member that may be absent but not of another type; false after a refusal. */
static bool is_type(struct sb_call *call, const char *key, json_type type)
{
    const json_t *value = json_object_get(call->input, key);
    bool fits = value == NULL || json_is_null(value) || json_typeof(value) == type ||
                (type == JSON_TRUE && json_is_false(value));

    if (!fits)
        sb_call_refuse(call, 400, "SerializationException", "%s has the wrong type.", key);
    return fits;
}

static void set_time(json_t *object, const char *key, sv_ms instant)
{
    if (instant != 0)
        sv_json_set(object, key, json_real((double)instant / 1000));
}

static void set_origin(json_t *dkim, const struct sb_identity *identity)
{
    char origin[SB_REGION_BYTES + 16];

    switch (identity->origin) {
    case SB_ORIGIN_AWS_SES:
        sv_json_set_str(dkim, "SigningAttributesOrigin", "AWS_SES");
        return;
    case SB_ORIGIN_EXTERNAL:
        sv_json_set_str(dkim, "SigningAttributesOrigin", "EXTERNAL");
        return;
    case SB_ORIGIN_REPLICA:
        break;
    }
    (void)snprintf(origin, sizeof origin, "AWS_SES_%s", identity->parent_region);
    for (char *at = origin; *at != 0; at++)
        *at = *at == '-' ? '_' : *at >= 'a' && *at <= 'z' ? (char)(*at - 'a' + 'A') : *at;
    sv_json_set_str(dkim, "SigningAttributesOrigin", origin);
}

static json_t *tokens_json(const struct sb_identity *identity)
{
    json_t *tokens = sv_json_array();
    char token[SB_TOKEN_BYTES];

    if (identity->origin == SB_ORIGIN_EXTERNAL) {
        sv_json_append(tokens, json_string(identity->selector));
        return tokens;
    }
    for (unsigned i = 0; i < SB_TOKENS; i++) {
        sb_identity_token(identity, i, token);
        sv_json_append(tokens, json_string(token));
    }
    return tokens;
}

static json_t *dkim_json(const struct sb_identity *identity, enum sb_status status)
{
    const char *bits = identity->key_bits == 1024 ? "RSA_1024_BIT" : "RSA_2048_BIT";
    json_t *dkim = sv_json_object();
    char zone[SV_NAME_BYTES];

    sv_json_set_bool(dkim, "SigningEnabled", identity->signing_enabled);
    sv_json_set_str(dkim, "Status", sb_status_v2(status));
    if (identity->dkim.status == SB_NOT_STARTED)
        return dkim;
    sv_json_set(dkim, "Tokens", tokens_json(identity));
    set_origin(dkim, identity);
    if (identity->origin == SB_ORIGIN_EXTERNAL)
        return dkim;
    sb_identity_zone(identity, zone);
    sv_json_set_str(dkim, "SigningHostedZone", zone);
    sv_json_set_str(dkim, "NextSigningKeyLength", bits);
    sv_json_set_str(dkim, "CurrentSigningKeyLength", bits);
    set_time(dkim, "LastKeyGenerationTimestamp", identity->key_made_at);
    return dkim;
}

/* True when that configuration set may be the identity's: NULL, or one that was made. */
static bool configuration_set_is_there(struct sb_call *call, const char *set)
{
    if (set == NULL)
        return true;
    if (!sb_configuration_set_is_valid(set))
        sb_call_refuse(call, 400, "BadRequestException", "Invalid configuration set <%.100s>.",
                       set);
    else if (!sb_account_has_set(&call->store->about, set))
        sb_call_refuse(call, 404, "NotFoundException", "Configuration set <%s> does not exist.",
                       set);
    return call->status == 0;
}

static bool create_input_is_valid(struct sb_call *call)
{
    const char *set = sv_json_str(call->input, "ConfigurationSetName");

    if (!is_type(call, "EmailIdentity", JSON_STRING) || !is_type(call, "Tags", JSON_ARRAY) ||
        !is_type(call, "DkimSigningAttributes", JSON_OBJECT) ||
        !is_type(call, "ConfigurationSetName", JSON_STRING))
        return false;
    if (call->name == NULL)
        sb_call_refuse(
            call, 400, "BadRequestException",
            "1 validation error detected: Value at 'emailIdentity' failed to satisfy constraint: "
            "Member must not be null");
    else if (!sb_identity_is_valid(call->name))
        sb_call_refuse(call, 400, "BadRequestException", "Invalid identity <%.300s>.", call->name);
    else if (sb_identity_find(call->store, call->name) != NULL)
        sb_call_refuse(call, 400, "AlreadyExistsException", "Email identity %.300s already exist.",
                       call->name);
    return call->status == 0 && configuration_set_is_there(call, set);
}

void sb_v2_create(struct sb_call *call)
{
    const json_t *tags = json_object_get(call->input, "Tags");
    const json_t *signing = json_object_get(call->input, "DkimSigningAttributes");
    const char *set = sv_json_str(call->input, "ConfigurationSetName");
    struct sb_identity *identity;

    if (!create_input_is_valid(call))
        return;
    identity = sb_identity_add(call->store, call->name);
    if (identity == NULL) {
        sb_call_refuse(call, 400, "LimitExceededException",
                       "Maximum number of identities reached.");
        return;
    }
    if (!sb_tags_take(call, identity->tags, tags) ||
        (identity->is_domain && !sb_signing_create(call, identity, signing))) {
        sb_call_delete(call, identity);
        return;
    }
    if (set != NULL)
        (void)snprintf(identity->configuration_set, sizeof identity->configuration_set, "%s", set);
    if (identity->is_domain)
        sb_call_start_dkim(call, identity);
    else
        sb_call_start_address(call, identity);
    sv_json_set_str(call->output, "IdentityType", identity->is_domain ? "DOMAIN" : "EMAIL_ADDRESS");
    sv_json_set_bool(call->output, "VerifiedForSendingStatus", sb_identity_may_send(identity));
    if (identity->is_domain) /* the verification has been asked for, but not begun */
        sv_json_set(call->output, "DkimAttributes", dkim_json(identity, SB_NOT_STARTED));
}

static json_t *mail_from_json(const struct sb_identity *identity)
{
    json_t *mail_from = sv_json_object();

    if (identity->mail_from_domain[0] != 0) {
        sv_json_set_str(mail_from, "MailFromDomain", identity->mail_from_domain);
        sv_json_set_str(mail_from, "MailFromDomainStatus",
                        sb_status_v2(identity->mail_from.status));
    }
    sv_json_set_str(mail_from, "BehaviorOnMxFailure",
                    identity->reject_on_mx_failure ? "REJECT_MESSAGE" : "USE_DEFAULT_VALUE");
    return mail_from;
}

static json_t *verification_json(const struct sb_identity *identity)
{
    json_t *info = sv_json_object();

    set_time(info, "LastCheckedTimestamp", identity->last_checked);
    set_time(info, "LastSuccessTimestamp", identity->last_success);
    if (identity->error_type != NULL)
        sv_json_set_str(info, "ErrorType", identity->error_type);
    if (identity->soa.primary[0] != 0) {
        json_t *soa = sv_json_object();

        sv_json_set_str(soa, "PrimaryNameServer", identity->soa.primary);
        sv_json_set_str(soa, "AdminEmail", identity->soa.admin);
        sv_json_set_int(soa, "SerialNumber", identity->soa.serial);
        sv_json_set(info, "SOARecord", soa);
    }
    return info;
}

void sb_v2_get(struct sb_call *call)
{
    const struct sb_identity *identity = need(call, 404);
    json_t *out = call->output;

    if (identity == NULL)
        return;
    sv_json_set_str(out, "IdentityType", identity->is_domain ? "DOMAIN" : "EMAIL_ADDRESS");
    sv_json_set_bool(out, "FeedbackForwardingStatus", identity->forwarding_enabled);
    sv_json_set_bool(out, "VerifiedForSendingStatus", sb_identity_may_send(identity));
    sv_json_set_str(out, "VerificationStatus", sb_status_v2(identity->identity.status));
    sv_json_set(out, "DkimAttributes", dkim_json(identity, identity->dkim.status));
    sv_json_set(out, "MailFromAttributes", mail_from_json(identity));
    sv_json_set(out, "Policies", sv_json_object());
    sv_json_set(out, "Tags", json_deep_copy(identity->tags));
    if (identity->configuration_set[0] != 0)
        sv_json_set_str(out, "ConfigurationSetName", identity->configuration_set);
    sv_json_set(out, "VerificationInfo", verification_json(identity));
}

/* 0 .. 1000, where 0 means the usual 100; -1 for anything else. */
static int read_page_size(const char *text)
{
    int number = 0;

    if (text == NULL)
        return 100;
    if (strlen(text) == 0 || strlen(text) > 4 || strspn(text, "0123456789") != strlen(text))
        return -1;
    for (; *text != 0; text++)
        number = 10 * number + (*text - '0');
    if (number > 1000)
        return -1;
    return number == 0 ? 100 : number;
}

void sb_v2_list(struct sb_call *call)
{
    int size = read_page_size(sb_form_get(&call->form, "PageSize"));
    json_t *list = sv_json_array();
    struct sb_page page = {0};

    sv_json_set(call->output, "EmailIdentities", list);
    if (size < 0) {
        sb_call_refuse(call, 400, "BadRequestException", "PageSize must be between 0 and 1000.");
        return;
    }
    if (!sb_page_make(&page, call->store, 'a', sb_form_get(&call->form, "NextToken"),
                      (size_t)size)) {
        sb_call_refuse(call, 400, "InvalidNextTokenException",
                       "The specified request token is invalid.");
        return;
    }
    for (size_t i = 0; i < page.count; i++) {
        const struct sb_identity *identity = page.list[i];
        json_t *one = sv_json_object();

        sv_json_set_str(one, "IdentityType", identity->is_domain ? "DOMAIN" : "EMAIL_ADDRESS");
        sv_json_set_str(one, "IdentityName", identity->name);
        sv_json_set_bool(one, "SendingEnabled", sb_identity_may_send(identity));
        sv_json_set_str(one, "VerificationStatus", sb_status_v2(identity->identity.status));
        sv_json_append(list, one);
    }
    if (page.next != NULL)
        sv_json_set_str(call->output, "NextToken", page.next);
    sb_page_fini(&page);
}

void sb_v2_delete(struct sb_call *call)
{
    struct sb_identity *identity = need(call, 404);

    if (identity != NULL)
        sb_call_delete(call, identity);
}

void sb_v2_put_dkim(struct sb_call *call)
{
    struct sb_identity *identity = need(call, 400);

    if (identity != NULL && is_type(call, "SigningEnabled", JSON_TRUE))
        identity->signing_enabled = json_is_true(json_object_get(call->input, "SigningEnabled"));
}

void sb_v2_put_signing(struct sb_call *call)
{
    const char *origin = sv_json_str(call->input, "SigningAttributesOrigin");
    struct sb_identity *identity = need(call, 404);

    if (identity == NULL || !is_type(call, "SigningAttributes", JSON_OBJECT))
        return;
    if (!identity->is_domain) {
        sb_call_refuse(call, 400, "BadRequestException",
                       "DKIM signing of an address is that of its domain.");
        return;
    }
    if (origin == NULL) {
        sb_call_refuse(
            call, 400, "BadRequestException",
            "1 validation error detected: Value at 'signingAttributesOrigin' failed to satisfy "
            "constraint: Member must not be null");
        return;
    }
    if (!sb_signing_put(call, identity, origin, json_object_get(call->input, "SigningAttributes")))
        return;
    sb_call_start_dkim(call, identity);
    sv_json_set_str(call->output, "DkimStatus", sb_status_v2(identity->dkim.status));
    sv_json_set(call->output, "DkimTokens", tokens_json(identity));
    if (identity->origin != SB_ORIGIN_EXTERNAL) {
        char zone[SV_NAME_BYTES];

        sb_identity_zone(identity, zone);
        sv_json_set_str(call->output, "SigningHostedZone", zone);
    }
}

void sb_v2_put_mail_from(struct sb_call *call)
{
    const char *domain = sv_json_str(call->input, "MailFromDomain");
    const char *behavior = sv_json_str(call->input, "BehaviorOnMxFailure");
    struct sb_identity *identity = need(call, 400);
    const char *at;

    if (identity == NULL || !is_type(call, "MailFromDomain", JSON_STRING) ||
        !is_type(call, "BehaviorOnMxFailure", JSON_STRING))
        return;
    at = strchr(identity->name, '@');
    if (domain == NULL)
        domain = "";
    if (behavior == NULL)
        behavior = "USE_DEFAULT_VALUE";
    if (strcmp(behavior, "USE_DEFAULT_VALUE") != 0 && strcmp(behavior, "REJECT_MESSAGE") != 0)
        sb_call_refuse(call, 400, "BadRequestException", "Unknown BehaviorOnMxFailure <%.80s>.",
                       behavior);
    else if (domain[0] != 0 && (!sb_domain_is_valid(domain) ||
                                !sv_name_is_below(domain, at == NULL ? identity->name : at + 1)))
        sb_call_refuse(
            call, 400, "BadRequestException",
            "Provided MAIL-FROM domain <%.300s> is not subdomain of the domain of the identity "
            "<%.300s>.",
            domain, identity->name);
    else
        sb_call_set_mail_from(call, identity, domain, strcmp(behavior, "REJECT_MESSAGE") == 0);
}

void sb_v2_put_configuration_set(struct sb_call *call)
{
    const char *set = sv_json_str(call->input, "ConfigurationSetName");
    struct sb_identity *identity = need(call, 404);

    if (identity == NULL || !is_type(call, "ConfigurationSetName", JSON_STRING))
        return;
    if (configuration_set_is_there(call, set))
        (void)snprintf(identity->configuration_set, sizeof identity->configuration_set, "%s",
                       set == NULL ? "" : set);
}

void sb_v2_put_feedback(struct sb_call *call)
{
    struct sb_identity *identity = need(call, 404);

    if (identity != NULL && is_type(call, "EmailForwardingEnabled", JSON_TRUE))
        identity->forwarding_enabled =
            json_is_true(json_object_get(call->input, "EmailForwardingEnabled"));
}
