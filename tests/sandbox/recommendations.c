#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "metrics.h"
#include "ses_v2.h"
#include "sv/json.h"

enum { FILTERS_MAX = 2, PAGE_MAX = 100 };

static const char types[] = "DKIM DMARC SPF BIMI COMPLAINT BOUNCE FEEDBACK_3P IP_LISTING ";
static const char impacts[] = "LOW HIGH ";
static const char states[] = "OPEN FIXED ";

static bool is_word(const char *words, const char *text)
{
    return text != NULL && sb_words_have(words, text, strlen(text));
}

/* One of the control port's as SES tells it; NULL when it is wrong. */
static json_t *read_one(const struct sb_store *store, json_t *json, sv_ms now,
                        struct sv_errinfo *info)
{
    const char *identity = NULL, *type = NULL, *impact = "HIGH", *state = "OPEN",
               *text = "scripted";
    char arn[SB_ARN_BYTES];
    json_error_t error;
    json_t *out;

    if (json_unpack_ex(json, &error, JSON_STRICT, "{s:s, s:s, s?s, s?s, s?s}", "identity",
                       &identity, "type", &type, "impact", &impact, "status", &state, "description",
                       &text) != 0) {
        (void)sv_err_set(info, SV_EINVALID, "recommendations", 0, "%s", error.text);
        return NULL;
    }
    if (!sb_identity_is_valid(identity) || !is_word(types, type) || !is_word(impacts, impact) ||
        !is_word(states, state)) {
        (void)sv_err_set(info, SV_EINVALID, "recommendations", 0,
                         "unknown identity, type, impact or status");
        return NULL;
    }
    sb_identity_arn(store->account, store->region, identity, arn);
    out = sv_json_object();
    sv_json_set_str(out, "ResourceArn", arn);
    sv_json_set_str(out, "Type", type);
    sv_json_set_str(out, "Description", text);
    sv_json_set_str(out, "Status", state);
    sv_json_set(out, "CreatedTimestamp", json_real((double)now / 1000));
    sv_json_set(out, "LastUpdatedTimestamp", json_real((double)now / 1000));
    sv_json_set_str(out, "Impact", impact);
    return out;
}

enum sv_err sb_recommendations_set(struct sb_store *store, const json_t *list, sv_ms now,
                                   struct sv_errinfo *info)
{
    json_t *fresh = sv_json_array();

    if (!json_is_array(list)) {
        json_decref(fresh);
        return sv_err_set(info, SV_EINVALID, "recommendations", 0, "not an array");
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *one = read_one(store, json_array_get(list, i), now, info);

        if (one == NULL) {
            json_decref(fresh);
            return SV_EINVALID;
        }
        sv_json_append(fresh, one);
    }
    json_decref(store->about.recommendations);
    store->about.recommendations = fresh;
    return SV_OK;
}

/* The member of a recommendation that a filter looks at, when its value is one that may be asked
 * for. */
static const char *member_of(const char *filter, const char *value)
{
    if (strcmp(filter, "TYPE") == 0 && is_word(types, value))
        return "Type";
    if (strcmp(filter, "IMPACT") == 0 && is_word(impacts, value))
        return "Impact";
    if (strcmp(filter, "STATUS") == 0 && is_word(states, value))
        return "Status";
    return strcmp(filter, "RESOURCE_ARN") == 0 && value != NULL ? "ResourceArn" : NULL;
}

static bool passes(json_t *filter, const json_t *one)
{
    const char *name;
    json_t *value;

    json_object_foreach(filter, name, value)
    {
        const char *wanted = json_string_value(value);

        if (strcmp(sv_json_str(one, member_of(name, wanted)), wanted) != 0)
            return false;
    }
    return true;
}

static bool filter_is_valid(json_t *filter)
{
    const char *name;
    json_t *value;

    if (filter == NULL)
        return true;
    if (!json_is_object(filter) || json_object_size(filter) < 1 ||
        json_object_size(filter) > FILTERS_MAX)
        return false;
    json_object_foreach(filter, name, value)
    {
        if (member_of(name, json_string_value(value)) == NULL)
            return false;
    }
    return true;
}

/* Where the page begins; false for a token that is not ours. */
static bool read_start(const json_t *input, size_t *out)
{
    const json_t *token = json_object_get(input, "NextToken");
    char text[SB_TOKEN_NAME_BYTES];
    char *end;

    *out = 0;
    if (token == NULL)
        return true;
    if (!json_is_string(token) || !sb_token_read(json_string_value(token), 'r', text))
        return false;
    *out = strtoul(text, &end, 10);
    return text[0] != 0 && *end == 0;
}

static void write_page(struct sb_call *call, json_t *filter, size_t start, size_t size)
{
    const json_t *all = call->store->about.recommendations;
    json_t *page = sv_json_array();
    char text[24];

    sv_json_set(call->output, "Recommendations", page);
    for (size_t i = start; i < json_array_size(all); i++) {
        const json_t *one = json_array_get(all, i);

        if (!passes(filter, one))
            continue;
        if (json_array_size(page) == size) {
            char *next;

            (void)snprintf(text, sizeof text, "%zu", i);
            next = sb_token_make('r', text);
            sv_json_set_str(call->output, "NextToken", next);
            free(next);
            return;
        }
        sv_json_append(page, json_deep_copy(one));
    }
}

void sb_v2_recommendations(struct sb_call *call)
{
    json_t *filter = json_object_get(call->input, "Filter");
    const json_t *page_size = json_object_get(call->input, "PageSize");
    json_int_t size = page_size == NULL ? PAGE_MAX : json_integer_value(page_size);
    size_t start;

    if (!filter_is_valid(filter))
        sb_call_refuse(call, 400, "BadRequestException",
                       "Filter has 1 or 2 of TYPE, IMPACT, STATUS and RESOURCE_ARN.");
    else if (size < 1 || size > PAGE_MAX)
        sb_call_refuse(call, 400, "BadRequestException", "PageSize must be between 1 and 100.");
    else if (!read_start(call->input, &start))
        sb_call_refuse(call, 400, "BadRequestException", "The NextToken is invalid.");
    else if (!call->store->about.has_vdm)
        sb_call_refuse(call, 400, "BadRequestException",
                       "Virtual Deliverability Manager is not enabled for this account.");
    else
        write_page(call, filter, start, (size_t)size);
}
