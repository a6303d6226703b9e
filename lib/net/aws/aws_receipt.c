#include <expat.h>
#include <stdio.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/aws_failure.h"

enum { BYTES_MAX = 64 * 1024, DEPTH_MAX = 8, TEXT_BYTES = 512 };

struct reader {
    XML_Parser parser;
    char wanted[SV_AWS_CODE_BYTES]; /* "PublishResponse" */
    struct sv_aws_receipt *out;
    unsigned depth;
    bool is_failure, problem;
    char text[TEXT_BYTES]; /* of the innermost element so far */
    size_t text_len;
};

static void fail(struct reader *reader)
{
    reader->problem = true;
    (void)XML_StopParser(reader->parser, XML_FALSE);
}

/* SNS and SQS name their namespace: "uri Name". */
static const char *local(const char *name)
{
    const char *blank = strrchr(name, ' ');

    return blank != NULL ? blank + 1 : name;
}

static void on_open(void *context, const char *name, const char **attributes)
{
    struct reader *reader = context;

    (void)attributes;
    name = local(name);
    reader->text_len = 0;
    if (++reader->depth > DEPTH_MAX) {
        fail(reader);
    } else if (reader->depth == 1) {
        reader->is_failure = strcmp(name, "ErrorResponse") == 0;
        if (!reader->is_failure && strcmp(name, reader->wanted) != 0)
            fail(reader);
    }
}

static void on_close(void *context, const char *name)
{
    struct reader *reader = context;
    struct sv_aws_failure *failure = &reader->out->failure;

    name = local(name);
    if (strcmp(name, "RequestId") == 0)
        (void)sv_aws_copy_word(failure->request_id, sizeof failure->request_id, reader->text,
                               reader->text_len);
    else if (strcmp(name, "MessageId") == 0 && !reader->is_failure)
        (void)sv_aws_copy_word(reader->out->message_id, sizeof reader->out->message_id,
                               reader->text, reader->text_len);
    else if (strcmp(name, "Code") == 0 && reader->is_failure)
        sv_aws_failure_set_code(failure, reader->text, reader->text_len);
    else if (strcmp(name, "Message") == 0 && reader->is_failure)
        sv_aws_failure_set_message(failure, reader->text, reader->text_len);
    reader->text_len = 0;
    reader->depth--;
}

/* What is longer than any word we look for is cut: only messages are, and those are cut anyway. */
static void on_text(void *context, const char *text, int len)
{
    struct reader *reader = context;
    size_t room = sizeof reader->text - reader->text_len;
    size_t bytes = (size_t)len < room ? (size_t)len : room;

    memcpy(reader->text + reader->text_len, text, bytes);
    reader->text_len += bytes;
}

/* A document type could define entities that grow without end: none is accepted. */
static void on_doctype(void *context, const char *name, const char *sysid, const char *pubid,
                       int has_internal)
{
    (void)name;
    (void)sysid;
    (void)pubid;
    (void)has_internal;
    fail(context);
}

enum sv_err sv_aws_receipt_read(const char *action, const char *bytes, size_t len,
                                struct sv_aws_receipt *out, struct sv_errinfo *info)
{
    struct reader reader = {.out = out};
    bool is_whole;

    *out = (struct sv_aws_receipt){.message_id = ""};
    (void)snprintf(reader.wanted, sizeof reader.wanted, "%sResponse", action);
    reader.parser = XML_ParserCreateNS("UTF-8", ' ');
    if (reader.parser == NULL)
        sv_out_of_memory("XML_ParserCreateNS");
    XML_SetUserData(reader.parser, &reader);
    XML_SetElementHandler(reader.parser, on_open, on_close);
    XML_SetCharacterDataHandler(reader.parser, on_text);
    XML_SetStartDoctypeDeclHandler(reader.parser, on_doctype);
    is_whole = len <= BYTES_MAX &&
               XML_Parse(reader.parser, bytes, (int)len, XML_TRUE) == XML_STATUS_OK &&
               !reader.problem;
    XML_ParserFree(reader.parser);
    if (is_whole && (reader.is_failure ? out->failure.code[0] != '\0' : out->message_id[0] != '\0'))
        return SV_OK;
    *out = (struct sv_aws_receipt){.message_id = ""};
    return sv_err_set(info, SV_EMALFORMED, "aws", 0, "the answer is no %sResponse", action);
}
