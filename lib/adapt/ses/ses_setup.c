/* The parts of a request that an account's settings decide: how DKIM is set up, tags, the
 * configuration set (Amazon SES API v2 Reference, CreateEmailIdentity, DkimSigningAttributes,
 * PutEmailIdentityDkimSigningAttributes). */
#include <string.h>

#include "ses_private.h"
#include "sv/json.h"
#include "sv/require.h"

static const char replica[] = "AWS_SES_";

static enum sv_dkim_method method_of(const struct sv_ses_call *call)
{
    return call->setup != NULL && call->setup->dkim != SV_DKIM_UNKNOWN ? call->setup->dkim
                                                                       : SV_DKIM_EASY;
}

static const char *set_of(const struct sv_ses_call *call)
{
    const char *set = call->setup != NULL ? call->setup->configuration_set : NULL;

    return set != NULL && set[0] != '\0' ? set : NULL;
}

static bool is_within(const char *text, size_t most)
{
    return text != NULL && text[0] != '\0' && strlen(text) <= most;
}

static enum sv_err refuse(struct sv_errinfo *info, const char *why)
{
    return sv_err_set(info, SV_EINVALID, "ses", 0, "%s", why);
}

static enum sv_err check_method(const struct sv_ses_call *call, struct sv_errinfo *info)
{
    const struct sv_ses_setup *setup = call->setup;

    switch (method_of(call)) {
    case SV_DKIM_BYODKIM:
        if (!is_within(setup->selector, SV_SES_SELECTOR_MAX) ||
            !is_within(setup->private_key, SV_SES_PRIVATE_KEY_MAX))
            return refuse(info, "a DKIM key of one's own needs a selector and a key");
        break;
    case SV_DKIM_DEED:
        if (call->op == SV_SES_PUT_SIGNING)
            return refuse(info, "an identity is made a replica when it is created, or never");
        if (!is_within(setup->parent_region, SV_SES_REGION_BYTES - 1))
            return refuse(info, "a replica needs the region of its parent");
        break;
    case SV_DKIM_EASY:
    case SV_DKIM_UNKNOWN:
    case SV_DKIM_METHOD_COUNT:
        break;
    }
    return SV_OK;
}

enum sv_err sv_ses_setup_check(const struct sv_ses_call *call, struct sv_errinfo *info)
{
    if (call->op != SV_SES_CREATE && call->op != SV_SES_PUT_SIGNING &&
        call->op != SV_SES_PUT_CONFIGURATION_SET)
        return SV_OK;
    if (set_of(call) != NULL && strlen(set_of(call)) >= SV_SES_SET_BYTES)
        return refuse(info, "the name of the configuration set is too long");
    if (call->tags_count > SV_SES_TAGS_MAX)
        return refuse(info, "more tags than allowed");
    return call->op == SV_SES_PUT_CONFIGURATION_SET ? SV_OK : check_method(call, info);
}

/* Regions are written "eu-west-1" by everybody, and "EU_WEST_1" within an origin. */
static const char in_regions[] = "abcdefghijklmnopqrstuvwxyz-";
static const char in_origins[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_";

/* What is in neither alphabet stays as it is. */
static char turn(char letter, const char *from, const char *to)
{
    const char *at = letter != '\0' ? strchr(from, letter) : NULL;

    if (at == NULL)
        return letter;
    return to[at - from];
}

static void write_origin(const char *region, char *out, size_t bytes)
{
    size_t len = sizeof replica - 1;

    SV_REQUIRE(len + strlen(region) < bytes);
    memcpy(out, replica, len);
    for (; *region != '\0'; region++)
        out[len++] = turn(*region, in_regions, in_origins);
    out[len] = '\0';
}

void sv_ses_method_read(const char *origin, struct sv_ses_identity *out)
{
    const char *region = origin + sizeof replica - 1;
    size_t len = 0;

    if (strcmp(origin, "AWS_SES") == 0)
        out->dkim_method = SV_DKIM_EASY;
    else if (strcmp(origin, "EXTERNAL") == 0)
        out->dkim_method = SV_DKIM_BYODKIM;
    if (strncmp(origin, replica, sizeof replica - 1) != 0 || region[0] == '\0' ||
        strlen(region) >= sizeof out->dkim_parent)
        return;
    out->dkim_method = SV_DKIM_DEED;
    for (; *region != '\0'; region++)
        out->dkim_parent[len++] = turn(*region, in_origins, in_regions);
    out->dkim_parent[len] = '\0';
}

static json_t *own_key(const struct sv_ses_setup *setup)
{
    json_t *out = sv_json_object();

    sv_json_set_str(out, "DomainSigningSelector", setup->selector);
    sv_json_set_str(out, "DomainSigningPrivateKey", setup->private_key);
    return out;
}

static json_t *create_signing(const struct sv_ses_call *call)
{
    char origin[sizeof replica + SV_SES_REGION_BYTES];
    json_t *out;

    if (method_of(call) == SV_DKIM_BYODKIM)
        return own_key(call->setup);
    out = sv_json_object();
    if (method_of(call) == SV_DKIM_DEED) {
        write_origin(call->setup->parent_region, origin, sizeof origin);
        sv_json_set_str(out, "DomainSigningAttributesOrigin", origin);
    } else {
        sv_json_set_str(out, "NextSigningKeyLength", "RSA_2048_BIT");
    }
    return out;
}

json_t *sv_ses_create_body(const struct sv_ses_call *call)
{
    json_t *body = sv_json_object();

    sv_json_set_str(body, "EmailIdentity", call->domains[0]);
    sv_json_set(body, "DkimSigningAttributes", create_signing(call));
    if (set_of(call) != NULL)
        sv_json_set_str(body, "ConfigurationSetName", set_of(call));
    if (call->tags_count > 0) {
        json_t *tags = sv_json_array();

        for (size_t i = 0; i < call->tags_count; i++) {
            json_t *tag = sv_json_object();

            sv_json_set_str(tag, "Key", call->tags[i].key);
            sv_json_set_str(tag, "Value", call->tags[i].value);
            sv_json_append(tags, tag);
        }
        sv_json_set(body, "Tags", tags);
    }
    return body;
}

/* Of Easy DKIM no key length is named: asking for the one that is in force is refused. */
json_t *sv_ses_signing_body(const struct sv_ses_call *call)
{
    bool own = method_of(call) == SV_DKIM_BYODKIM;
    json_t *body = sv_json_object();

    sv_json_set_str(body, "SigningAttributesOrigin", own ? "EXTERNAL" : "AWS_SES");
    if (own)
        sv_json_set(body, "SigningAttributes", own_key(call->setup));
    return body;
}

json_t *sv_ses_set_body(const struct sv_ses_call *call)
{
    json_t *body = sv_json_object();

    if (set_of(call) != NULL)
        sv_json_set_str(body, "ConfigurationSetName", set_of(call));
    return body;
}
