#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "xml.h"

/* The operations of SES API v1 (2010-12-01) that read identities. */

/* Checks the list parameter and calls `write` for each identity; NULL for one that is not
 * registered. */
static void each_identity(struct sb_call *call, const char *map,
                          void (*write)(struct sb_call *call, const char *name,
                                        const struct sb_identity *identity))
{
    size_t count = 0;

    while (sb_call_member(call, count) != NULL)
        count++;
    if (count == 0) {
        sb_call_refuse(
            call, 400, "ValidationError",
            "1 validation error detected: Value null at 'identities' failed to satisfy constraint: "
            "Member must not be null");
        return;
    }
    if (count > SB_IDENTITIES_PER_READ) {
        sb_call_refuse(call, 400, "InvalidParameterValue",
                       "A maximum of 100 identities may be provided.");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (!sb_identity_is_valid(sb_call_member(call, i))) {
            sb_call_refuse(call, 400, "InvalidParameterValue", "Invalid identity <%.300s>.",
                           sb_call_member(call, i));
            return;
        }
    }
    sb_xml_open(&call->xml, map);
    for (size_t i = 0; i < count; i++) {
        const char *name = sb_call_member(call, i);

        write(call, name, sb_identity_find(call->store, name));
    }
    sb_xml_close(&call->xml, map);
}

static void write_verification(struct sb_call *call, const char *name,
                               const struct sb_identity *identity)
{
    char token[SB_OWNERSHIP_BYTES];

    if (identity == NULL)
        return;
    sb_xml_entry_open(&call->xml, name);
    sb_xml_text(&call->xml, "VerificationStatus", sb_status_v1(identity->identity.status));
    if (identity->is_domain) {
        sb_ownership_token(call->store->account, call->store->region, identity->name, token);
        sb_xml_text(&call->xml, "VerificationToken", token);
    }
    sb_xml_entry_close(&call->xml);
}

static void write_tokens(struct sb_call *call, const struct sb_identity *identity)
{
    char token[SB_TOKEN_BYTES];

    sb_xml_open(&call->xml, "DkimTokens");
    for (unsigned i = 0; identity->origin != SB_ORIGIN_EXTERNAL && i < SB_TOKENS; i++) {
        sb_identity_token(identity, i, token);
        sb_xml_text(&call->xml, "member", token);
    }
    if (identity->origin == SB_ORIGIN_EXTERNAL)
        sb_xml_text(&call->xml, "member", identity->selector);
    sb_xml_close(&call->xml, "DkimTokens");
}

static void write_dkim(struct sb_call *call, const char *name, const struct sb_identity *identity)
{
    if (identity == NULL && call->sandbox->options.omit_unknown)
        return;
    sb_xml_entry_open(&call->xml, name);
    sb_xml_bool(&call->xml, "DkimEnabled", identity != NULL && identity->signing_enabled);
    sb_xml_text(&call->xml, "DkimVerificationStatus",
                sb_status_v1(identity == NULL ? SB_NOT_STARTED : identity->dkim.status));
    if (identity != NULL && identity->dkim.status != SB_NOT_STARTED)
        write_tokens(call, identity);
    sb_xml_entry_close(&call->xml);
}

static void write_mail_from(struct sb_call *call, const char *name,
                            const struct sb_identity *identity)
{
    if (identity == NULL)
        return;
    sb_xml_entry_open(&call->xml, name);
    if (identity->mail_from_domain[0] != 0) {
        sb_xml_text(&call->xml, "MailFromDomain", identity->mail_from_domain);
        sb_xml_text(&call->xml, "MailFromDomainStatus", sb_status_v1(identity->mail_from.status));
    }
    sb_xml_text(&call->xml, "BehaviorOnMXFailure",
                identity->reject_on_mx_failure ? "RejectMessage" : "UseDefaultValue");
    sb_xml_entry_close(&call->xml);
}

static void write_notification(struct sb_call *call, const char *name,
                               const struct sb_identity *identity)
{
    static const char *const topics[SB_TOPICS] = {"BounceTopic", "ComplaintTopic", "DeliveryTopic"};

    if (identity == NULL)
        return;
    sb_xml_entry_open(&call->xml, name);
    for (size_t i = 0; i < SB_TOPICS; i++) {
        if (identity->topics[i][0] != 0)
            sb_xml_text(&call->xml, topics[i], identity->topics[i]);
    }
    sb_xml_bool(&call->xml, "ForwardingEnabled", identity->forwarding_enabled);
    sb_xml_bool(&call->xml, "HeadersInBounceNotificationsEnabled", false);
    sb_xml_bool(&call->xml, "HeadersInComplaintNotificationsEnabled", false);
    sb_xml_bool(&call->xml, "HeadersInDeliveryNotificationsEnabled", false);
    sb_xml_entry_close(&call->xml);
}

static void get_verification(struct sb_call *call)
{
    each_identity(call, "VerificationAttributes", write_verification);
}

static void get_dkim(struct sb_call *call)
{
    each_identity(call, "DkimAttributes", write_dkim);
}

static void get_mail_from(struct sb_call *call)
{
    each_identity(call, "MailFromDomainAttributes", write_mail_from);
}

static void get_notification(struct sb_call *call)
{
    each_identity(call, "NotificationAttributes", write_notification);
}

/* 1 .. 1000, or 0 for anything else. */
static size_t read_max_items(const char *text)
{
    size_t number = 0;

    if (text == NULL)
        return 1000;
    if (strlen(text) == 0 || strlen(text) > 4 || strspn(text, "0123456789") != strlen(text))
        return 0;
    for (; *text != 0; text++)
        number = 10 * number + (size_t)(*text - '0');
    return number > 1000 ? 0 : number;
}

static void list_identities(struct sb_call *call)
{
    const char *type = sb_form_get(&call->form, "IdentityType");
    size_t size = read_max_items(sb_form_get(&call->form, "MaxItems"));
    char kind = type == NULL ? 'a' : strcmp(type, "Domain") == 0 ? 'd' : 'e';
    struct sb_page page;

    if (type != NULL && strcmp(type, "Domain") != 0 && strcmp(type, "EmailAddress") != 0) {
        sb_call_refuse(
            call, 400, "ValidationError",
            "1 validation error detected: Value '%.80s' at 'identityType' failed to satisfy "
            "constraint: Member must satisfy enum value set: [EmailAddress, Domain]",
            type);
        return;
    }
    if (size == 0) {
        sb_call_refuse(call, 400, "InvalidParameterValue", "MaxItems must be between 1 and 1000.");
        return;
    }
    if (!sb_page_make(&page, call->store, kind, sb_form_get(&call->form, "NextToken"), size)) {
        sb_call_refuse(call, 400, "InvalidParameterValue", "Invalid NextToken.");
        return;
    }
    sb_xml_open(&call->xml, "Identities");
    for (size_t i = 0; i < page.count; i++)
        sb_xml_text(&call->xml, "member", page.list[i]->name);
    sb_xml_close(&call->xml, "Identities");
    if (page.next != NULL)
        sb_xml_text(&call->xml, "NextToken", page.next);
    sb_page_fini(&page);
}

sb_perform_fn *sb_v1_read_find(const char *action)
{
    static const struct {
        const char *action;
        sb_perform_fn *perform;
    } operations[] = {
        {"GetIdentityVerificationAttributes", get_verification},
        {"GetIdentityDkimAttributes", get_dkim},
        {"GetIdentityMailFromDomainAttributes", get_mail_from},
        {"GetIdentityNotificationAttributes", get_notification},
        {"ListIdentities", list_identities},
    };

    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        if (strcmp(operations[i].action, action) == 0)
            return operations[i].perform;
    }
    return NULL;
}
