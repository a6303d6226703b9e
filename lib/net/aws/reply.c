/* JSON through jansson, XML through libexpat; both bounded, neither quoted in an error. */
#include "reply.h"

#include <ctype.h>
#include <expat.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "sv/json.h"
#include "sv/require.h"

enum { DEPTH_MAX = 8, EXPIRY_BYTES = 40 };

/* The end of year 9999. */
#define EXPIRY_MS_MAX INT64_C(253402300799999)

static enum sv_err malformed(struct sv_errinfo *info, const char *name, const char *why)
{
    return sv_err_set(info, SV_EMALFORMED, "credentials", 0, "the answer's %s %s", name, why);
}

static enum sv_err take(const char *name, const char *value, char *out, size_t bytes,
                        struct sv_errinfo *info)
{
    size_t len = value != NULL ? strlen(value) : 0;

    if (len == 0)
        return malformed(info, name, "is missing");
    if (len >= bytes)
        return malformed(info, name, "is too long");
    for (size_t i = 0; i < len; i++) {
        if (value[i] <= ' ' || value[i] >= 0x7f)
            return malformed(info, name, "holds a blank or an unprintable character");
    }
    memcpy(out, value, len + 1);
    return SV_OK;
}

static enum sv_err take_expiry(const char *value, sv_ms *out, struct sv_errinfo *info)
{
    if (value == NULL || sv_time_parse(value, strlen(value), out) != SV_OK)
        return malformed(info, "Expiration", "is missing or no time");
    return SV_OK;
}

/* The four words that a giver of keys uses for the same things. */
struct words {
    const char *id, *secret, *token;
    bool token_optional;
};

static enum sv_err take_keys(const json_t *tree, const struct words *words,
                             struct sv_credentials *out, struct sv_errinfo *info)
{
    const char *token = sv_json_str(tree, words->token);
    enum sv_err err = take(words->id, sv_json_str(tree, words->id), out->access_key_id,
                           sizeof out->access_key_id, info);

    if (err == SV_OK)
        err = take(words->secret, sv_json_str(tree, words->secret), out->secret_access_key,
                   sizeof out->secret_access_key, info);
    out->session_token[0] = '\0';
    if (err == SV_OK && (token != NULL || !words->token_optional))
        err = take(words->token, token, out->session_token, sizeof out->session_token, info);
    return err;
}

static json_t *parse(const char *bytes, size_t len, struct sv_errinfo *info)
{
    json_t *tree = sv_json_parse(bytes, len, SV_KEY_REPLY_BYTES_MAX, DEPTH_MAX, NULL);

    if (json_is_object(tree))
        return tree;
    json_decref(tree);
    (void)malformed(info, "body", "is no JSON object");
    return NULL;
}

enum sv_err sv_key_reply_json(const char *bytes, size_t len, struct sv_credentials *out,
                              struct sv_errinfo *info)
{
    static const struct words words = {"AccessKeyId", "SecretAccessKey", "Token", false};
    json_t *tree = parse(bytes, len, info);
    const char *code;
    enum sv_err err;

    if (tree == NULL)
        return SV_EMALFORMED;
    code = sv_json_str(tree, "Code");
    if (code != NULL && strcmp(code, "Success") != 0)
        err = sv_err_set(info, SV_EDENIED, "credentials", 0, "the answer's Code is %.40s", code);
    else
        err = take_keys(tree, &words, out, info);
    if (err == SV_OK)
        err = take_expiry(sv_json_str(tree, "Expiration"), &out->expires_at, info);
    json_decref(tree);
    return err;
}

enum sv_err sv_key_reply_process(const char *bytes, size_t len, struct sv_credentials *out,
                                 struct sv_errinfo *info)
{
    static const struct words words = {"AccessKeyId", "SecretAccessKey", "SessionToken", true};
    json_t *tree = parse(bytes, len, info);
    const json_t *version, *expiry;
    enum sv_err err;

    if (tree == NULL)
        return SV_EMALFORMED;
    version = json_object_get(tree, "Version");
    expiry = json_object_get(tree, "Expiration");
    if (!json_is_integer(version) || json_integer_value(version) != 1)
        err = malformed(info, "Version", "is not 1");
    else
        err = take_keys(tree, &words, out, info);
    out->expires_at = 0;
    if (err == SV_OK && expiry != NULL && !json_is_null(expiry))
        err = take_expiry(json_string_value(expiry), &out->expires_at, info);
    json_decref(tree);
    return err;
}

enum sv_err sv_key_reply_sso(const char *bytes, size_t len, struct sv_credentials *out,
                             struct sv_errinfo *info)
{
    static const struct words words = {"accessKeyId", "secretAccessKey", "sessionToken", false};
    json_t *tree = parse(bytes, len, info);
    const json_t *keys, *expiry;
    enum sv_err err;

    if (tree == NULL)
        return SV_EMALFORMED;
    keys = json_object_get(tree, "roleCredentials");
    expiry = json_object_get(keys, "expiration");
    err = take_keys(keys, &words, out, info);
    if (err == SV_OK && (!json_is_integer(expiry) || json_integer_value(expiry) <= 0 ||
                         json_integer_value(expiry) > EXPIRY_MS_MAX))
        err = malformed(info, "expiration", "is missing or no time");
    if (err == SV_OK)
        out->expires_at = json_integer_value(expiry);
    json_decref(tree);
    return err;
}

/* XML. */

enum field {
    FIELD_NONE,
    FIELD_ID,
    FIELD_SECRET,
    FIELD_TOKEN,
    FIELD_EXPIRY,
    FIELD_CODE,
    FIELD_ACCOUNT,
    FIELD_ARN
};

struct xml {
    XML_Parser parser;
    unsigned depth, credentials_depth; /* 0 = outside */
    enum field field;
    unsigned field_depth;
    bool too_long, is_caller;   /* within GetCallerIdentityResult */
    struct sv_credentials keys; /* only the texts */
    char account[SV_CALLER_ACCOUNT_BYTES], arn[SV_CALLER_ARN_BYTES];
    char expiry[EXPIRY_BYTES], code[SV_KEY_ERROR_BYTES];
};

static enum field field_of(const struct xml *xml, const char *name)
{
    static const struct {
        const char *name;
        enum field field;
    } fields[] = {{"AccessKeyId", FIELD_ID},
                  {"SecretAccessKey", FIELD_SECRET},
                  {"SessionToken", FIELD_TOKEN},
                  {"Expiration", FIELD_EXPIRY}};

    if (xml->is_caller)
        return strcmp(name, "Account") == 0 ? FIELD_ACCOUNT
               : strcmp(name, "Arn") == 0   ? FIELD_ARN
                                            : FIELD_NONE;
    if (xml->credentials_depth == 0)
        return strcmp(name, "Code") == 0 ? FIELD_CODE : FIELD_NONE;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (strcmp(fields[i].name, name) == 0)
            return fields[i].field;
    }
    return FIELD_NONE;
}

static void on_open(void *context, const char *name, const char **attributes)
{
    struct xml *xml = context;

    (void)attributes;
    xml->depth++;
    if (xml->depth > DEPTH_MAX) {
        (void)XML_StopParser(xml->parser, XML_FALSE);
        return;
    }
    xml->field = field_of(xml, name);
    xml->field_depth = xml->depth;
    if (xml->credentials_depth == 0 && strcmp(name, "Credentials") == 0)
        xml->credentials_depth = xml->depth;
    xml->is_caller |= strcmp(name, "GetCallerIdentityResult") == 0;
}

static void on_close(void *context, const char *name)
{
    struct xml *xml = context;

    (void)name;
    if (xml->credentials_depth == xml->depth)
        xml->credentials_depth = 0;
    xml->depth--;
    xml->field = FIELD_NONE;
}

static void append(struct xml *xml, char *out, size_t bytes, const char *text, size_t len)
{
    size_t have = strlen(out);

    if (have + len >= bytes) {
        xml->too_long = true;
        return;
    }
    memcpy(out + have, text, len);
    out[have + len] = '\0';
}

static void on_text(void *context, const char *text, int len)
{
    struct xml *xml = context;
    struct sv_credentials *keys = &xml->keys;
    size_t bytes = (size_t)len;

    switch (xml->field) {
    case FIELD_NONE:
        return;
    case FIELD_ID:
        append(xml, keys->access_key_id, sizeof keys->access_key_id, text, bytes);
        return;
    case FIELD_SECRET:
        append(xml, keys->secret_access_key, sizeof keys->secret_access_key, text, bytes);
        return;
    case FIELD_TOKEN:
        append(xml, keys->session_token, sizeof keys->session_token, text, bytes);
        return;
    case FIELD_EXPIRY:
        append(xml, xml->expiry, sizeof xml->expiry, text, bytes);
        return;
    case FIELD_CODE:
        append(xml, xml->code, sizeof xml->code, text, bytes);
        return;
    case FIELD_ACCOUNT:
        append(xml, xml->account, sizeof xml->account, text, bytes);
        return;
    case FIELD_ARN:
        append(xml, xml->arn, sizeof xml->arn, text, bytes);
        return;
    }
}

/* A document type could define entities that grow without end: none is accepted. */
static void on_doctype(void *context, const char *name, const char *sysid, const char *pubid,
                       int has_internal)
{
    struct xml *xml = context;

    (void)name;
    (void)sysid;
    (void)pubid;
    (void)has_internal;
    (void)XML_StopParser(xml->parser, XML_FALSE);
}

static bool read_xml(struct xml *xml, const char *bytes, size_t len)
{
    enum XML_Status status;

    *xml = (struct xml){.depth = 0};
    if (len > SV_KEY_REPLY_BYTES_MAX)
        return false;
    xml->parser = XML_ParserCreate("UTF-8");
    SV_REQUIRE(xml->parser != NULL);
    XML_SetUserData(xml->parser, xml);
    XML_SetElementHandler(xml->parser, on_open, on_close);
    XML_SetCharacterDataHandler(xml->parser, on_text);
    XML_SetStartDoctypeDeclHandler(xml->parser, on_doctype);
    status = XML_Parse(xml->parser, bytes, (int)len, XML_TRUE);
    XML_ParserFree(xml->parser);
    return status == XML_STATUS_OK && !xml->too_long;
}

enum sv_err sv_key_reply_sts(const char *bytes, size_t len, struct sv_credentials *out,
                             struct sv_errinfo *info)
{
    struct xml xml;
    enum sv_err err = SV_OK;

    if (!read_xml(&xml, bytes, len))
        err = malformed(info, "body", "is no XML of STS");
    if (err == SV_OK)
        err = take("AccessKeyId", xml.keys.access_key_id, out->access_key_id,
                   sizeof out->access_key_id, info);
    if (err == SV_OK)
        err = take("SecretAccessKey", xml.keys.secret_access_key, out->secret_access_key,
                   sizeof out->secret_access_key, info);
    if (err == SV_OK)
        err = take("SessionToken", xml.keys.session_token, out->session_token,
                   sizeof out->session_token, info);
    if (err == SV_OK)
        err = take_expiry(xml.expiry, &out->expires_at, info);
    OPENSSL_cleanse(&xml, sizeof xml);
    return err;
}

enum sv_err sv_key_reply_caller(const char *bytes, size_t len,
                                char account[SV_CALLER_ACCOUNT_BYTES],
                                char arn[SV_CALLER_ARN_BYTES], struct sv_errinfo *info)
{
    struct xml xml;
    enum sv_err err = SV_OK;

    if (!read_xml(&xml, bytes, len))
        err = malformed(info, "body", "is no XML of STS");
    if (err == SV_OK)
        err = take("Account", xml.account, account, SV_CALLER_ACCOUNT_BYTES, info);
    if (err == SV_OK)
        err = take("Arn", xml.arn, arn, SV_CALLER_ARN_BYTES, info);
    return err;
}

void sv_key_reply_sts_error(const char *bytes, size_t len, char out[SV_KEY_ERROR_BYTES])
{
    struct xml xml;
    bool fine = read_xml(&xml, bytes, len);

    out[0] = '\0';
    for (const char *at = xml.code; fine && *at != '\0'; at++)
        fine = isalnum((unsigned char)*at) != 0;
    if (fine)
        (void)snprintf(out, SV_KEY_ERROR_BYTES, "%s", xml.code);
    OPENSSL_cleanse(&xml, sizeof xml);
}
