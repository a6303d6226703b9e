/* Reads v1 replies while expat walks over them. The whole document must be the reply to the
 * operation that was asked: a page of a proxy, half a reply or an entity bomb is SV_EMALFORMED, and
 * nothing of it is believed. */
#include <expat.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "ses_private.h"
#include "sv/alloc.h"

enum {
    DEPTH_MAX = 12,
    PATH_BYTES = 512,
    TEXT_BYTES = 1024,
    ENTRIES_MAX = 4 * SV_SES_BATCH_MAX, /* entries nobody asked for are skipped, but not forever */
};

struct reader {
    XML_Parser parser;
    struct sv_ses_call *call;
    struct sv_aws_failure *failure;
    char prefix[PATH_BYTES]; /* "OpResponse/OpResult" */
    char path[PATH_BYTES];   /* of the open element */
    size_t path_len;
    unsigned depth, entries;
    char text[TEXT_BYTES]; /* of the innermost element so far */
    size_t text_len;
    bool saw_result, saw_map;
    char key[SV_NAME_BYTES]; /* of the open entry */
    struct sv_ses_identity entry;
    const char *problem; /* NULL = none so far */
};

static void fail(struct reader *reader, const char *problem)
{
    if (reader->problem == NULL)
        reader->problem = problem;
    (void)XML_StopParser(reader->parser, XML_FALSE);
}

/* --- what the elements mean --- */

static void take_identity(struct reader *reader)
{
    reader->entry.identity = sv_ses_axis(reader->text, reader->text_len);
}

static void take_dkim(struct reader *reader)
{
    reader->entry.dkim = sv_ses_axis(reader->text, reader->text_len);
}

static void take_mail_from(struct reader *reader)
{
    reader->entry.mail_from = sv_ses_axis(reader->text, reader->text_len);
}

static void take_signing(struct reader *reader)
{
    if (strcmp(reader->text, "true") == 0)
        reader->entry.signing_enabled = SV_TRI_YES;
    else if (strcmp(reader->text, "false") == 0)
        reader->entry.signing_enabled = SV_TRI_NO;
}

static void take_token(struct reader *reader)
{
    if (!sv_ses_add_token(&reader->entry, reader->text, reader->text_len))
        fail(reader, "a DKIM token that is none, or too many of them");
}

static void take_verification_token(struct reader *reader)
{
    if (!sv_aws_copy_word(reader->entry.verification_token, sizeof reader->entry.verification_token,
                          reader->text, reader->text_len))
        fail(reader, "a verification token that is none");
}

static void take_mail_from_domain(struct reader *reader)
{
    if (reader->text_len > 0 &&
        !sv_aws_copy_word(reader->entry.mail_from_domain, sizeof reader->entry.mail_from_domain,
                          reader->text, reader->text_len))
        fail(reader, "a MAIL FROM domain that is no name");
}

static void take_key(struct reader *reader)
{
    /* A name that does not fit is not one of ours; the empty key matches nothing. */
    (void)sv_aws_copy_word(reader->key, sizeof reader->key, reader->text, reader->text_len);
}

static void take_map(struct reader *reader)
{
    reader->saw_map = true;
}

/* SES shows no custom MAIL FROM as an entry without a domain. */
static void settle_mail_from(struct sv_ses_identity *entry)
{
    if (entry->mail_from_domain[0] == '\0')
        entry->mail_from = SV_AXIS_NONE;
}

static void take_entry(struct reader *reader)
{
    struct sv_ses_call *call = reader->call;

    if (++reader->entries > ENTRIES_MAX) {
        fail(reader, "more entries than any reply may hold");
        return;
    }
    if (call->op == SV_SES_READ_MAIL_FROM)
        settle_mail_from(&reader->entry);
    reader->entry.listed = true;
    for (size_t i = 0; i < call->domains_count; i++) {
        if (!sv_name_equal(call->domains[i], reader->key))
            continue;
        if (call->results[i].listed)
            fail(reader, "one domain twice");
        call->results[i] = reader->entry;
    }
}

static const struct field {
    enum sv_ses_op op;
    const char *path; /* below OpResponse/OpResult */
    void (*take)(struct reader *);
} fields[] = {
    {SV_SES_VERIFY_DOMAIN, "VerificationToken", take_verification_token},
    {SV_SES_VERIFY_DKIM, "DkimTokens/member", take_token},
    {SV_SES_READ_IDENTITIES, "VerificationAttributes", take_map},
    {SV_SES_READ_IDENTITIES, "VerificationAttributes/entry", take_entry},
    {SV_SES_READ_IDENTITIES, "VerificationAttributes/entry/key", take_key},
    {SV_SES_READ_IDENTITIES, "VerificationAttributes/entry/value/VerificationStatus",
     take_identity},
    {SV_SES_READ_IDENTITIES, "VerificationAttributes/entry/value/VerificationToken",
     take_verification_token},
    {SV_SES_READ_DKIM, "DkimAttributes", take_map},
    {SV_SES_READ_DKIM, "DkimAttributes/entry", take_entry},
    {SV_SES_READ_DKIM, "DkimAttributes/entry/key", take_key},
    {SV_SES_READ_DKIM, "DkimAttributes/entry/value/DkimEnabled", take_signing},
    {SV_SES_READ_DKIM, "DkimAttributes/entry/value/DkimVerificationStatus", take_dkim},
    {SV_SES_READ_DKIM, "DkimAttributes/entry/value/DkimTokens/member", take_token},
    {SV_SES_READ_MAIL_FROM, "MailFromDomainAttributes", take_map},
    {SV_SES_READ_MAIL_FROM, "MailFromDomainAttributes/entry", take_entry},
    {SV_SES_READ_MAIL_FROM, "MailFromDomainAttributes/entry/key", take_key},
    {SV_SES_READ_MAIL_FROM, "MailFromDomainAttributes/entry/value/MailFromDomain",
     take_mail_from_domain},
    {SV_SES_READ_MAIL_FROM, "MailFromDomainAttributes/entry/value/MailFromDomainStatus",
     take_mail_from},
};

static void take_result(struct reader *reader, const char *path)
{
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (fields[i].op == reader->call->op && strcmp(fields[i].path, path) == 0)
            fields[i].take(reader);
    }
}

static void take_failure(struct reader *reader)
{
    if (strcmp(reader->path, "ErrorResponse/Error/Code") == 0)
        sv_aws_failure_set_code(reader->failure, reader->text, reader->text_len);
    else if (strcmp(reader->path, "ErrorResponse/Error/Message") == 0)
        sv_aws_failure_set_message(reader->failure, reader->text, reader->text_len);
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);

    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* --- what expat calls --- */

static const char *local_name(const XML_Char *name)
{
    const char *space = strrchr(name, ' '); /* expat puts the namespace and a blank in front */

    return space != NULL ? space + 1 : name;
}

static void check_root(struct reader *reader)
{
    size_t len = strcspn(reader->prefix, "/");

    if (strcmp(reader->path, "ErrorResponse") != 0 &&
        (strlen(reader->path) != len || memcmp(reader->path, reader->prefix, len) != 0))
        fail(reader, "not the reply to this operation");
}

static void on_start(void *context, const XML_Char *name, const XML_Char **attributes)
{
    struct reader *reader = context;
    const char *local = local_name(name);
    size_t len = strlen(local);

    (void)attributes;
    if (++reader->depth > DEPTH_MAX || reader->path_len + len + 2 > sizeof reader->path) {
        fail(reader, "nested too deep");
        return;
    }
    if (reader->path_len > 0)
        reader->path[reader->path_len++] = '/';
    memcpy(reader->path + reader->path_len, local, len + 1);
    reader->path_len += len;
    reader->text_len = 0;
    if (reader->depth == 1)
        check_root(reader);
    if (strcmp(reader->path, reader->prefix) == 0)
        reader->saw_result = true;
    if (ends_with(reader->path, "/entry")) {
        reader->entry = (struct sv_ses_identity){.listed = false};
        reader->key[0] = '\0';
    }
}

static void on_text(void *context, const XML_Char *text, int len)
{
    struct reader *reader = context;

    if (reader->text_len + (size_t)len >= sizeof reader->text) {
        /* Only an error's message may be long: an operator wants its beginning, not its end. */
        if (strcmp(reader->path, "ErrorResponse/Error/Message") != 0)
            fail(reader, "an element with too much text");
        return;
    }
    memcpy(reader->text + reader->text_len, text, (size_t)len);
    reader->text_len += (size_t)len;
}

static void trim_text(struct reader *reader)
{
    size_t begin = 0, end = reader->text_len;

    while (begin < end && strchr(" \t\r\n", reader->text[begin]) != NULL)
        begin++;
    while (end > begin && strchr(" \t\r\n", reader->text[end - 1]) != NULL)
        end--;
    memmove(reader->text, reader->text + begin, end - begin);
    reader->text_len = end - begin;
    reader->text[reader->text_len] = '\0';
}

static void on_end(void *context, const XML_Char *name)
{
    struct reader *reader = context;
    size_t prefix_len = strlen(reader->prefix), local_len = strlen(local_name(name));

    /* expat still tells the end of an empty element in whose start it was stopped, and that element
     * never became part of the path. */
    if (reader->problem != NULL)
        return;
    trim_text(reader);
    if (ends_with(reader->path, "/RequestId"))
        (void)sv_aws_copy_word(reader->failure->request_id, sizeof reader->failure->request_id,
                               reader->text, reader->text_len);
    take_failure(reader);
    if (strncmp(reader->path, reader->prefix, prefix_len) == 0 && reader->path[prefix_len] == '/')
        take_result(reader, reader->path + prefix_len + 1);
    reader->text_len = 0;
    reader->depth--;
    reader->path_len -= local_len + (reader->depth > 0);
    reader->path[reader->path_len] = '\0';
}

/* No reply of SES has one; without it there are no entities to expand. */
static void on_doctype(void *context, const XML_Char *name, const XML_Char *system_id,
                       const XML_Char *public_id, int has_internal)
{
    (void)name, (void)system_id, (void)public_id, (void)has_internal;
    fail(context, "a document type, so this is not SES");
}

/* --- the whole --- */

static const char *missing(const struct reader *reader)
{
    const struct sv_ses_call *call = reader->call;

    if (!reader->saw_result)
        return "no result in the reply";
    if (call->op == SV_SES_VERIFY_DOMAIN)
        return reader->entry.verification_token[0] == '\0' ? "no verification token" : NULL;
    if (call->op == SV_SES_VERIFY_DKIM)
        return reader->entry.tokens_count == 0 ? "no DKIM tokens" : NULL;
    /* SES's model requires the map: without it "not in the reply" would prove nothing. */
    return reader->saw_map ? NULL : "no map of identities in the reply";
}

static enum sv_err malformed(struct sv_errinfo *info, const char *problem)
{
    return sv_err_set(info, SV_EMALFORMED, "ses", 0, "malformed XML reply: %s", problem);
}

static enum sv_err parse(struct reader *reader, const char *bytes, size_t len,
                         struct sv_errinfo *info)
{
    const char *problem;

    XML_SetUserData(reader->parser, reader);
    XML_SetElementHandler(reader->parser, on_start, on_end);
    XML_SetCharacterDataHandler(reader->parser, on_text);
    XML_SetStartDoctypeDeclHandler(reader->parser, on_doctype);
    if (len > INT_MAX)
        return malformed(info, "too long");
    if (XML_Parse(reader->parser, bytes, (int)len, XML_TRUE) != XML_STATUS_OK) {
        enum XML_Error code = XML_GetErrorCode(reader->parser);

        if (code == XML_ERROR_NO_MEMORY)
            sv_out_of_memory("expat");
        return malformed(info, reader->problem != NULL ? reader->problem : XML_ErrorString(code));
    }
    if (reader->problem != NULL)
        return malformed(info, reader->problem);
    if (reader->failure->code[0] != '\0')
        return SV_OK;
    problem = missing(reader);
    if (problem != NULL)
        return malformed(info, problem);
    if (reader->call->op == SV_SES_VERIFY_DOMAIN || reader->call->op == SV_SES_VERIFY_DKIM) {
        reader->entry.listed = true;
        reader->call->results[0] = reader->entry;
    }
    return SV_OK;
}

enum sv_err sv_ses_xml_read(struct sv_ses_call *call, const char *bytes, size_t len,
                            struct sv_aws_failure *failure, struct sv_errinfo *info)
{
    struct reader reader = {.call = call, .failure = failure};
    const char *op = sv_ses_op_name(call->op);
    enum sv_err err;

    (void)snprintf(reader.prefix, sizeof reader.prefix, "%sResponse/%sResult", op, op);
    reader.parser = XML_ParserCreateNS(NULL, ' ');
    if (reader.parser == NULL)
        sv_out_of_memory("XML_ParserCreateNS");
    err = parse(&reader, bytes, len, info);
    XML_ParserFree(reader.parser);
    return err;
}
