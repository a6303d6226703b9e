/* Amazon SNS API Reference "Publish", Amazon SQS API Reference "SendMessage" (both as Query
 * requests), Amazon EventBridge API Reference "PutEvents" (JSON 1.1). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws_parts.h"
#include "sv/alloc.h"
#include "sv/aws_request.h"
#include "sv/json.h"

enum { REPLY_BYTES_MAX = 64 * 1024 };

static const char type_form[] = "application/x-www-form-urlencoded; charset=utf-8";
static const char type_json[] = "application/x-amz-json-1.1";

static bool add(struct sv_buf *form, const char *name, const char *value)
{
    return sv_aws_form_add(form, name, value, strlen(value));
}

/* Attributes are what subscribers filter by; one without a value would be refused. */
static bool add_attribute(struct sv_buf *form, const char *list, unsigned number, const char *name,
                          const char *value)
{
    char key[80];

    if (value == NULL || value[0] == '\0')
        return true;
    (void)snprintf(key, sizeof key, "%s.%u.Name", list, number);
    if (!add(form, key, name))
        return false;
    (void)snprintf(key, sizeof key, "%s.%u.Value.DataType", list, number);
    if (!add(form, key, "String"))
        return false;
    (void)snprintf(key, sizeof key, "%s.%u.Value.StringValue", list, number);
    return add(form, key, value);
}

static bool is_fifo(const char *target)
{
    static const char end[] = ".fifo";
    size_t len = strlen(target), end_len = sizeof end - 1;

    return len > end_len && strcmp(target + len - end_len, end) == 0;
}

static bool add_order(struct sv_buf *form, const char *target, const struct sv_sink_parcel *parcel)
{
    return !is_fifo(target) || (add(form, "MessageGroupId", parcel->group) &&
                                add(form, "MessageDeduplicationId", parcel->id));
}

static bool write_sns(const char *target, const struct sv_sink_parcel *parcel, struct sv_buf *body)
{
    static const char list[] = "MessageAttributes.entry";

    return add(body, "Action", "Publish") && add(body, "Version", "2010-03-31") &&
           add(body, "TopicArn", target) &&
           sv_aws_form_add(body, "Message", parcel->body, parcel->body_bytes) &&
           add_attribute(body, list, 1, "type", parcel->type) &&
           add_attribute(body, list, 2, "client_id", parcel->client_id) &&
           add_order(body, target, parcel);
}

/* The queue is named by the path, and again here: both ways are in use. */
static bool write_sqs(const char *target, const struct sv_sink_parcel *parcel, struct sv_buf *body)
{
    static const char list[] = "MessageAttribute";

    return add(body, "Action", "SendMessage") && add(body, "Version", "2012-11-05") &&
           add(body, "QueueUrl", target) &&
           sv_aws_form_add(body, "MessageBody", parcel->body, parcel->body_bytes) &&
           add_attribute(body, list, 1, "type", parcel->type) &&
           add_attribute(body, list, 2, "client_id", parcel->client_id) &&
           add_order(body, target, parcel);
}

/* The event as it is in Detail: rules match its members ("detail": {"data": {"client_id": ...}}).
 */
static bool write_events(const char *target, const struct sv_sink_parcel *parcel,
                         struct sv_buf *body)
{
    json_t *tree = sv_json_object(), *entries = sv_json_array(), *entry = sv_json_object();
    char *detail = sv_strndup(parcel->body, parcel->body_bytes);
    bool fits;

    sv_json_set_str(entry, "Source", "sesverify");
    sv_json_set_str(entry, "DetailType", parcel->type);
    sv_json_set_str(entry, "Detail", detail);
    sv_json_set_str(entry, "EventBusName", target);
    sv_json_append(entries, entry);
    sv_json_set(tree, "Entries", entries);
    fits = sv_json_write(tree, body);
    json_decref(tree);
    free(detail);
    return fits;
}

static const struct sv_aws_dialect dialects[] = {
    {"sns", "sns", "sns-fips", "Publish", type_form, NULL, write_sns},
    {"sqs", "sqs", "sqs-fips", "SendMessage", type_form, NULL, write_sqs},
    {"eventbridge", "events", "events-fips", "PutEvents", type_json, "AWSEvents.PutEvents",
     write_events},
};

const struct sv_aws_dialect *sv_aws_dialect_find(const char *kind)
{
    for (size_t i = 0; i < sizeof dialects / sizeof dialects[0]; i++) {
        if (strcmp(dialects[i].kind, kind) == 0)
            return &dialects[i];
    }
    return NULL;
}

/* --- what is answered --- */

/* One entry was sent, so one came back: it has an id, or a code. SV_EMALFORMED: neither. */
static enum sv_err read_entry(const struct sv_http_answer *answer, struct sv_aws_receipt *receipt,
                              struct sv_errinfo *info)
{
    json_t *reply =
        sv_json_parse(sv_buf_str(&answer->body), answer->body.len, REPLY_BYTES_MAX, 8, NULL);
    const json_t *entry = json_array_get(json_object_get(reply, "Entries"), 0);
    const char *id = sv_json_str(entry, "EventId"), *code = sv_json_str(entry, "ErrorCode");
    const char *message = sv_json_str(entry, "ErrorMessage");

    if (code != NULL)
        sv_aws_failure_set_code(&receipt->failure, code, strlen(code));
    else if (id != NULL)
        (void)sv_aws_copy_word(receipt->message_id, sizeof receipt->message_id, id, strlen(id));
    if (message != NULL)
        sv_aws_failure_set_message(&receipt->failure, message, strlen(message));
    json_decref(reply);
    if (receipt->failure.code[0] != '\0' || receipt->message_id[0] != '\0')
        return SV_OK;
    return sv_err_set(info, SV_EMALFORMED, "events", 0, "the answer tells nothing of the entry");
}

static enum sv_err read_receipt(const struct sv_aws_dialect *dialect,
                                const struct sv_http_answer *answer, struct sv_aws_receipt *receipt,
                                struct sv_errinfo *info)
{
    bool is_success = answer->status >= 200 && answer->status <= 299;
    const char *body = sv_buf_str(&answer->body);
    struct sv_aws_failure *failure = &receipt->failure;
    enum sv_err err;

    if (is_success && dialect->header != NULL)
        return read_entry(answer, receipt, info);
    if (is_success)
        return sv_aws_receipt_read(dialect->action, body, answer->body.len, receipt, info);
    /* Whoever stands in front may answer in words of its own: then the status must do. */
    err = sv_aws_receipt_read(dialect->action, body, answer->body.len, receipt, NULL);
    if (err != SV_OK)
        *receipt = (struct sv_aws_receipt){.message_id = ""};
    if (failure->code[0] == '\0')
        sv_aws_failure_set_code(failure, answer->error_type, strlen(answer->error_type));
    if (err != SV_OK)
        sv_aws_failure_read_json(body, answer->body.len, failure);
    return SV_OK;
}

/* What is wrong with this event, and would be with it at any time. Every other refusal of a request
 * may be a matter of the target's settings, and those change. */
static bool is_about_the_event(const struct sv_aws_failure *failure)
{
    static const char *const codes[] = {
        "InvalidParameter", "InvalidParameterValue", "InvalidMessageContents",
        "InvalidArgument",  "MalformedDetail",       "ValidationError",
        "Validation"};

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (strcmp(failure->code, codes[i]) == 0)
            return true;
    }
    return false;
}

static enum sv_sink_outcome outcome_of(enum sv_err err, const struct sv_aws_failure *failure)
{
    if (err == SV_ENOTFOUND)
        return SV_SINK_GONE;
    return err == SV_EREFUSED && is_about_the_event(failure) ? SV_SINK_REFUSED : SV_SINK_LATER;
}

enum sv_sink_outcome sv_aws_dialect_read(const struct sv_aws_dialect *dialect,
                                         const struct sv_http_answer *answer,
                                         struct sv_sink_parcel *parcel, bool *is_signature)
{
    struct sv_aws_receipt receipt = {.message_id = ""};
    const struct sv_aws_failure *failure = &receipt.failure;
    enum sv_err err = read_receipt(dialect, answer, &receipt, &parcel->info);

    *is_signature = false;
    if (err != SV_OK)
        return SV_SINK_LATER;
    if (receipt.message_id[0] != '\0')
        return SV_SINK_DELIVERED;
    err = sv_aws_failure_judge(failure, answer->status, is_signature);
    parcel->retry_after_ms = sv_aws_retry_after_ms(answer->retry_after, answer->date);
    parcel->blame = parcel->retry_after_ms > 0 ? SV_SINK_BLAME_TARGET : SV_SINK_BLAME_UNKNOWN;
    if (failure->code[0] == '\0')
        (void)sv_err_set(&parcel->info, err, dialect->service, answer->status,
                         "%s: HTTP %ld without an AWS error code", dialect->action, answer->status);
    else if (failure->message[0] == '\0' || *is_signature) /* it may quote what we signed */
        (void)sv_err_set(&parcel->info, err, dialect->service, answer->status, "%s: %s",
                         dialect->action, failure->code);
    else
        (void)sv_err_set(&parcel->info, err, dialect->service, answer->status, "%s: %s: %s",
                         dialect->action, failure->code, failure->message);
    return outcome_of(err, failure);
}
