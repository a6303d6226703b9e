/* Reads v2 replies. Unknown fields and unknown words are allowed, a known field of the wrong type
 * makes the whole reply SV_EMALFORMED: half a reply is not believed. */
#include <string.h>

#include "ses_private.h"
#include "sv/json.h"

enum { BYTES_MAX = 1024 * 1024, DEPTH_MAX = 32 };

/* The end of year 9999: no time of SES lies behind it, and it fits into sv_ms. */
#define EPOCH_S_MAX 253402300799.0

#define COUNT_MAX 1e15 /* fits into int64_t, even a thousandfold */

/* False when `key` is there with another type; null and absent leave *out NULL. */
static bool text_at(const json_t *object, const char *key, const json_t **out)
{
    const json_t *value = json_object_get(object, key);

    *out = json_is_string(value) ? value : NULL;
    return value == NULL || json_is_null(value) || *out != NULL;
}

static bool object_at(const json_t *object, const char *key, const json_t **out)
{
    const json_t *value = json_object_get(object, key);

    *out = json_is_object(value) ? value : NULL;
    return value == NULL || json_is_null(value) || *out != NULL;
}

static bool read_axis(const json_t *object, const char *key, enum sv_axis *out)
{
    const json_t *text;

    if (!text_at(object, key, &text))
        return false;
    if (text != NULL)
        *out = sv_ses_axis(json_string_value(text), json_string_length(text));
    return true;
}

static bool read_tri(const json_t *object, const char *key, enum sv_tri *out)
{
    const json_t *value = json_object_get(object, key);

    if (value == NULL || json_is_null(value))
        return true;
    *out = json_is_true(value) ? SV_TRI_YES : SV_TRI_NO;
    return json_is_boolean(value);
}

static bool read_word(const json_t *object, const char *key, char *out, size_t out_bytes)
{
    const json_t *text;

    if (!text_at(object, key, &text))
        return false;
    if (text == NULL || json_string_length(text) == 0)
        return true;
    return sv_aws_copy_word(out, out_bytes, json_string_value(text), json_string_length(text));
}

/* Seconds since 1970, perhaps with a fraction; anything else tells us nothing. */
static sv_ms read_time(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    double seconds = json_is_number(value) ? json_number_value(value) : 0;

    return seconds > 0 && seconds < EPOCH_S_MAX ? (sv_ms)(seconds * 1000) : 0;
}

static bool read_tokens(const json_t *object, const char *key, struct sv_ses_identity *out)
{
    const json_t *list = json_object_get(object, key);

    if (list == NULL || json_is_null(list))
        return true;
    if (!json_is_array(list))
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *token = json_array_get(list, i);

        if (!json_is_string(token) ||
            !sv_ses_add_token(out, json_string_value(token), json_string_length(token)))
            return false;
    }
    return true;
}

/* A zone ends up in records that people paste: only what can be a host name is taken. */
static bool read_zone(const json_t *object, struct sv_ses_identity *out)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";

    return read_word(object, "SigningHostedZone", out->hosted_zone, sizeof out->hosted_zone) &&
           strspn(out->hosted_zone, allowed) == strlen(out->hosted_zone);
}

static bool read_dkim(const json_t *reply, struct sv_ses_identity *out)
{
    const json_t *dkim, *origin;

    if (!object_at(reply, "DkimAttributes", &dkim))
        return false;
    if (dkim == NULL)
        return true;
    if (!text_at(dkim, "SigningAttributesOrigin", &origin))
        return false;
    if (origin != NULL)
        sv_ses_method_read(json_string_value(origin), out);
    out->dkim_key_made_at = read_time(dkim, "LastKeyGenerationTimestamp");
    return read_axis(dkim, "Status", &out->dkim) &&
           read_tri(dkim, "SigningEnabled", &out->signing_enabled) &&
           read_tokens(dkim, "Tokens", out) && read_zone(dkim, out);
}

static enum sv_tri read_behavior(const json_t *word)
{
    if (word == NULL)
        return SV_TRI_UNKNOWN;
    if (strcmp(json_string_value(word), "REJECT_MESSAGE") == 0)
        return SV_TRI_YES;
    return strcmp(json_string_value(word), "USE_DEFAULT_VALUE") == 0 ? SV_TRI_NO : SV_TRI_UNKNOWN;
}

/* Without a custom domain SES shows the behavior only. */
static bool read_mail_from(const json_t *reply, struct sv_ses_identity *out)
{
    const json_t *mail_from, *behavior;

    if (!object_at(reply, "MailFromAttributes", &mail_from))
        return false;
    if (mail_from == NULL)
        return true;
    if (!text_at(mail_from, "BehaviorOnMxFailure", &behavior))
        return false;
    out->rejects_on_mx_failure = read_behavior(behavior);
    if (!read_axis(mail_from, "MailFromDomainStatus", &out->mail_from) ||
        !read_word(mail_from, "MailFromDomain", out->mail_from_domain,
                   sizeof out->mail_from_domain))
        return false;
    if (out->mail_from_domain[0] == '\0')
        out->mail_from = SV_AXIS_NONE;
    return true;
}

static enum sv_ses_reason read_reason(const char *word)
{
    static const struct {
        const char *word;
        enum sv_ses_reason reason;
    } reasons[] = {
        {"HOST_NOT_FOUND", SV_SES_HOST_NOT_FOUND}, {"TYPE_NOT_FOUND", SV_SES_TYPE_NOT_FOUND},
        {"INVALID_VALUE", SV_SES_INVALID_VALUE},   {"DNS_SERVER_ERROR", SV_SES_DNS_SERVER_ERROR},
        {"SERVICE_ERROR", SV_SES_SERVICE_ERROR},
    };

    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (strcmp(word, reasons[i].word) == 0)
            return reasons[i].reason;
    }
    return strncmp(word, "REPLICATION_", 12) == 0 ? SV_SES_REPLICATION : SV_SES_REASON_OTHER;
}

static bool read_verification(const json_t *reply, struct sv_ses_identity *out)
{
    const json_t *about, *reason;

    if (!object_at(reply, "VerificationInfo", &about))
        return false;
    if (about == NULL)
        return true;
    if (!text_at(about, "ErrorType", &reason))
        return false;
    if (reason != NULL)
        out->reason = read_reason(json_string_value(reason));
    out->last_checked_at = read_time(about, "LastCheckedTimestamp");
    out->last_success_at = read_time(about, "LastSuccessTimestamp");
    return true;
}

/* The value of the one tag that is asked for; one that is no word is none. */
static bool read_tag(const struct sv_ses_call *call, const json_t *reply)
{
    const json_t *tags = json_object_get(reply, "Tags");

    if (call->tag_key == NULL || tags == NULL || json_is_null(tags))
        return true;
    if (!json_is_array(tags))
        return false;
    for (size_t i = 0; i < json_array_size(tags); i++) {
        const json_t *tag = json_array_get(tags, i);
        const char *key = sv_json_str(tag, "Key"), *value = sv_json_str(tag, "Value");

        if (key != NULL && value != NULL && strcmp(key, call->tag_key) == 0)
            (void)sv_aws_copy_word(call->tag_value, SV_SES_TAG_BYTES, value, strlen(value));
    }
    return true;
}

static const char *read_identity(const struct sv_ses_call *call, const json_t *reply,
                                 struct sv_ses_identity *out)
{
    const json_t *dkim, *status;

    if (!object_at(reply, "DkimAttributes", &dkim) ||
        !text_at(reply, "VerificationStatus", &status))
        return "a field of another type than documented";
    if (dkim == NULL && (call->op == SV_SES_CREATE || status == NULL))
        return "it says nothing of an identity";
    if (!read_axis(reply, "VerificationStatus", &out->identity) || !read_dkim(reply, out) ||
        !read_mail_from(reply, out) || !read_verification(reply, out) || !read_tag(call, reply) ||
        !read_word(reply, "ConfigurationSetName", out->configuration_set,
                   sizeof out->configuration_set))
        return "a field of another type or form than documented";
    return NULL;
}

/* The reply of dkim/signing: it says less than the others, but the tokens of now. */
static const char *read_signing(const json_t *reply, struct sv_ses_identity *out)
{
    if (!read_axis(reply, "DkimStatus", &out->dkim) || !read_tokens(reply, "DkimTokens", out) ||
        !read_zone(reply, out))
        return "a field of another type or form than documented";
    return NULL;
}

/* -1 is SES's word for "no limit". */
static bool read_count(const json_t *object, const char *key, double factor, int64_t *out)
{
    const json_t *value = json_object_get(object, key);
    double number = json_is_number(value) ? json_number_value(value) : 0;

    if (!json_is_number(value) || number < -1 || number > COUNT_MAX)
        return false;
    *out = number < 0 ? -1 : (int64_t)(number * factor);
    return true;
}

static const char *read_account(const json_t *reply, struct sv_ses_account *out)
{
    const json_t *quota;

    if (!read_tri(reply, "ProductionAccessEnabled", &out->production) ||
        !read_tri(reply, "SendingEnabled", &out->sending) ||
        !read_word(reply, "EnforcementStatus", out->enforcement, sizeof out->enforcement) ||
        !object_at(reply, "SendQuota", &quota))
        return "a field of another type or form than documented";
    if (out->production == SV_TRI_UNKNOWN && out->sending == SV_TRI_UNKNOWN)
        return "it says nothing of an account";
    out->quota_known = quota != NULL;
    if (quota != NULL && (!read_count(quota, "Max24HourSend", 1, &out->mails_per_day_max) ||
                          !read_count(quota, "SentLast24Hours", 1, &out->mails_last_day) ||
                          !read_count(quota, "MaxSendRate", 1000, &out->mails_per_1000_s_max)))
        return "a quota that is no number";
    return NULL;
}

static enum sv_err malformed(struct sv_errinfo *info, const char *problem)
{
    return sv_err_set(info, SV_EMALFORMED, "ses", 0, "malformed JSON reply: %s", problem);
}

enum sv_err sv_ses_json_read(struct sv_ses_call *call, const char *bytes, size_t len,
                             struct sv_errinfo *info)
{
    bool is_list = call->op == SV_SES_LIST;
    bool is_reputation = call->op == SV_SES_METRICS || call->op == SV_SES_RECOMMENDATIONS;
    bool wants_body =
        is_list || is_reputation || call->op == SV_SES_CREATE || call->op == SV_SES_GET;
    const char *problem = NULL;
    struct sv_errinfo why;
    json_t *reply;

    if (call->op == SV_SES_ACCOUNT) {
        reply = sv_json_parse(bytes, len, BYTES_MAX, DEPTH_MAX, &why);
        if (reply == NULL)
            return malformed(info, why.text);
        problem = json_is_object(reply) ? read_account(reply, call->account) : "not an object";
        json_decref(reply);
        return problem == NULL ? SV_OK : malformed(info, problem);
    }
    /* PUT and DELETE answer with {} or with nothing at all. */
    if (!wants_body && len == 0) {
        call->results[0].listed = call->op != SV_SES_DELETE;
        return SV_OK;
    }
    reply = sv_json_parse(bytes, len, BYTES_MAX, DEPTH_MAX, &why);
    if (reply == NULL)
        return malformed(info, why.text);
    if (!json_is_object(reply))
        problem = "not an object";
    else if (is_list)
        problem = sv_ses_list_read(reply, call->page);
    else if (is_reputation)
        problem = sv_ses_reputation_read(call, reply);
    else if (wants_body)
        problem = read_identity(call, reply, &call->results[0]);
    else if (call->op == SV_SES_PUT_SIGNING)
        problem = read_signing(reply, &call->results[0]);
    json_decref(reply);
    if (problem != NULL)
        return malformed(info, problem);
    if (!is_list && !is_reputation)
        call->results[0].listed = call->op != SV_SES_DELETE;
    return SV_OK;
}
