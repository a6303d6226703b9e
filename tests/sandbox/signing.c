#include "signing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "sv/json.h"

/* Easy DKIM keys may change their length once a day; the first step down to 1024 bits is allowed
 * whenever it comes. */
#define KEY_CHANGE_EVERY_MS (24 * SV_HOUR)

static bool refuse(struct sb_call *call, const char *text)
{
    sb_call_refuse(call, 400, "BadRequestException", "%s", text);
    return false;
}

/* 1024, 2048, or 0 for anything else. */
static unsigned read_bits(const char *text)
{
    if (strcmp(text, "RSA_1024_BIT") == 0)
        return 1024;
    return strcmp(text, "RSA_2048_BIT") == 0 ? 2048 : 0;
}

static bool set_own_key(struct sb_call *call, struct sb_identity *identity,
                        const json_t *attributes)
{
    const char *selector = sv_json_str(attributes, "DomainSigningSelector");
    const char *private_key = sv_json_str(attributes, "DomainSigningPrivateKey");
    char *public_key;

    if (selector == NULL || private_key == NULL)
        return refuse(call, "DomainSigningSelector and DomainSigningPrivateKey go together.");
    if (!sb_selector_is_valid(selector))
        return refuse(
            call, "DomainSigningSelector is not one label of letters, digits and inner hyphens.");
    public_key = sb_dkim_public_half(private_key);
    if (public_key == NULL)
        return refuse(
            call, "DomainSigningPrivateKey is not the base64 of an RSA key of 1024 to 2048 bits.");
    free(identity->public_key);
    identity->public_key = public_key;
    (void)snprintf(identity->selector, sizeof identity->selector, "%s", selector);
    identity->origin = SB_ORIGIN_EXTERNAL;
    identity->dkim = (struct sb_axis){.pinned = identity->dkim.pinned};
    return true;
}

/* "AWS_SES_EU_WEST_1" to "eu-west-1". */
static bool set_parent(struct sb_call *call, struct sb_identity *identity, const char *origin)
{
    size_t len = 0;

    if (strncmp(origin, "AWS_SES_", 8) != 0 || strlen(origin + 8) >= SB_REGION_BYTES)
        return refuse(call, "DomainSigningAttributesOrigin must be AWS_SES_ and a region.");
    for (const char *at = origin + 8; *at != 0; at++) {
        char c = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;

        identity->parent_region[len++] = c == '_' ? '-' : c;
    }
    identity->parent_region[len] = 0;
    if (!sb_region_is_known(identity->parent_region))
        return refuse(call, "DomainSigningAttributesOrigin does not name a region of SES.");
    if (strcmp(identity->parent_region, identity->store->region) == 0)
        return refuse(call, "A replica's parent must be in another region.");
    identity->origin = SB_ORIGIN_REPLICA;
    sb_identity_renew_tokens(identity);
    return true;
}

bool sb_signing_create(struct sb_call *call, struct sb_identity *identity, const json_t *attributes)
{
    const char *bits = sv_json_str(attributes, "NextSigningKeyLength");
    const char *origin = sv_json_str(attributes, "DomainSigningAttributesOrigin");
    bool own = json_object_get(attributes, "DomainSigningSelector") != NULL ||
               json_object_get(attributes, "DomainSigningPrivateKey") != NULL;

    if (attributes == NULL)
        return true;
    if (origin == NULL)
        origin = own ? "EXTERNAL" : "AWS_SES";
    if (own != (strcmp(origin, "EXTERNAL") == 0) ||
        (bits != NULL && strcmp(origin, "AWS_SES") != 0))
        return refuse(call, "DkimSigningAttributes has members of more than one way to sign.");
    if (own)
        return set_own_key(call, identity, attributes);
    if (strcmp(origin, "AWS_SES") != 0)
        return set_parent(call, identity, origin);
    if (bits != NULL && read_bits(bits) == 0)
        return refuse(call, "NextSigningKeyLength must be RSA_1024_BIT or RSA_2048_BIT.");
    if (bits != NULL)
        identity->key_bits = read_bits(bits);
    return true;
}

static bool change_length(struct sb_call *call, struct sb_identity *identity, unsigned bits)
{
    sv_ms now = sb_clock_virtual(&call->sandbox->clock);
    bool is_free = bits == 1024 && !identity->was_downgraded;
    bool recent =
        identity->key_changed_at != 0 && now - identity->key_changed_at < KEY_CHANGE_EVERY_MS;

    if (bits == 0)
        return refuse(call, "NextSigningKeyLength must be RSA_1024_BIT or RSA_2048_BIT.");
    if (bits == identity->key_bits)
        return refuse(call, "The identity already uses this signing key length.");
    if (recent && !is_free)
        return refuse(call, "The signing key length can be changed once in 24 hours only.");
    identity->key_bits = bits;
    identity->was_downgraded = identity->was_downgraded || bits == 1024;
    identity->key_changed_at = now;
    sb_identity_change_tokens(identity, now);
    return true;
}

bool sb_signing_put(struct sb_call *call, struct sb_identity *identity, const char *origin,
                    const json_t *attributes)
{
    const char *bits = sv_json_str(attributes, "NextSigningKeyLength");
    bool own = json_object_get(attributes, "DomainSigningSelector") != NULL ||
               json_object_get(attributes, "DomainSigningPrivateKey") != NULL;

    if (json_object_get(attributes, "DomainSigningAttributesOrigin") != NULL)
        return refuse(call, "DomainSigningAttributesOrigin is for CreateEmailIdentity only.");
    if (strcmp(origin, "EXTERNAL") != 0 && strcmp(origin, "AWS_SES") != 0)
        return refuse(call, "SigningAttributesOrigin must be AWS_SES or EXTERNAL.");
    if (strcmp(origin, "EXTERNAL") == 0 ? bits != NULL : own)
        return refuse(call, "SigningAttributes has members of more than one way to sign.");
    if (strcmp(origin, "EXTERNAL") == 0)
        return set_own_key(call, identity, attributes);
    if (identity->origin != SB_ORIGIN_AWS_SES) {
        identity->origin = SB_ORIGIN_AWS_SES;
        sb_identity_renew_tokens(identity); /* a replica's were its parent's */
        identity->dkim = (struct sb_axis){.pinned = identity->dkim.pinned};
        if (bits != NULL && read_bits(bits) == identity->key_bits)
            return true;
    }
    return bits == NULL || change_length(call, identity, read_bits(bits));
}
