#include "tags.h"

#include <string.h>

#include "call.h"
#include "ses_v2.h"
#include "sv/json.h"

static bool refuse(struct sb_call *call, const char *text)
{
    sb_call_refuse(call, 400, "BadRequestException", "%s", text);
    return false;
}

/* Characters of well-formed UTF-8; jansson lets nothing else in. */
static size_t characters(const char *text)
{
    size_t count = 0;

    for (; *text != 0; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80 ? 1 : 0;
    return count;
}

static json_t *find(const json_t *tags, const char *key)
{
    for (size_t i = 0; i < json_array_size(tags); i++) {
        json_t *tag = json_array_get(tags, i);
        const char *have = sv_json_str(tag, "Key");

        if (have != NULL && strcmp(have, key) == 0)
            return tag;
    }
    return NULL;
}

static bool is_valid(struct sb_call *call, const json_t *list, size_t i)
{
    const json_t *tag = json_array_get(list, i);
    const char *key = sv_json_str(tag, "Key"), *value = sv_json_str(tag, "Value");

    if (key == NULL || value == NULL || json_object_size(tag) != 2)
        return refuse(call, "A tag has a Key and a Value.");
    if (key[0] == 0 || characters(key) > SB_TAG_KEY_CHARS_MAX ||
        characters(value) > SB_TAG_VALUE_CHARS_MAX)
        return refuse(call, "A tag's key has 1 to 128 characters, its value at most 256.");
    if (strncmp(key, "aws:", 4) == 0)
        return refuse(call, "Tag keys must not begin with aws:.");
    return find(list, key) == tag || refuse(call, "A tag key is given twice.");
}

bool sb_tags_take(struct sb_call *call, json_t *tags, const json_t *list)
{
    size_t fresh = 0;

    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!is_valid(call, list, i))
            return false;
        fresh += find(tags, sv_json_str(json_array_get(list, i), "Key")) == NULL ? 1 : 0;
    }
    if (json_array_size(tags) + fresh > SB_TAGS_MAX)
        return refuse(call, "A resource has 50 tags at most.");
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *tag = json_array_get(list, i);
        json_t *old = find(tags, sv_json_str(tag, "Key"));

        if (old != NULL)
            sv_json_set(old, "Value", json_incref(json_object_get(tag, "Value")));
        else
            sv_json_append(tags, json_deep_copy(tag));
    }
    return true;
}

/* The identity that an ARN of this account and region names; NULL after a refusal. */
static struct sb_identity *need(struct sb_call *call, const char *arn)
{
    char start[SB_ARN_BYTES];
    struct sb_identity *identity = NULL;
    size_t len;

    if (arn == NULL || strncmp(arn, "arn:", 4) != 0) {
        (void)refuse(call, "ResourceArn is not an ARN.");
        return NULL;
    }
    sb_identity_arn(call->caller.account, call->caller.region, "", start);
    len = strlen(start);
    if (strncmp(arn, start, len) == 0)
        identity = sb_identity_find(call->store, arn + len);
    if (identity == NULL)
        sb_call_refuse(call, 404, "NotFoundException", "Resource %.400s does not exist.", arn);
    return identity;
}

void sb_v2_tag(struct sb_call *call)
{
    const json_t *list = json_object_get(call->input, "Tags");
    struct sb_identity *identity = need(call, sv_json_str(call->input, "ResourceArn"));

    if (identity == NULL)
        return;
    if (!json_is_array(list))
        (void)refuse(call, "Tags must be a list.");
    else
        (void)sb_tags_take(call, identity->tags, list);
}

void sb_v2_untag(struct sb_call *call)
{
    struct sb_identity *identity = need(call, sb_form_get(&call->form, "ResourceArn"));

    if (identity == NULL)
        return;
    if (sb_form_get(&call->form, "TagKeys") == NULL) {
        (void)refuse(call, "TagKeys must name at least one tag.");
        return;
    }
    for (size_t i = 0; i < call->form.count; i++) {
        const struct sb_form_pair *pair = &call->form.pairs[i];
        size_t at = 0;

        if (strcmp(pair->name, "TagKeys") != 0)
            continue;
        while (at < json_array_size(identity->tags)) {
            if (strcmp(sv_json_str(json_array_get(identity->tags, at), "Key"), pair->value) == 0)
                (void)json_array_remove(identity->tags, at);
            else
                at++;
        }
    }
}

void sb_v2_list_tags(struct sb_call *call)
{
    const struct sb_identity *identity = need(call, sb_form_get(&call->form, "ResourceArn"));

    if (identity != NULL)
        sv_json_set(call->output, "Tags", json_deep_copy(identity->tags));
}
