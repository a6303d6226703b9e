/* The bytes of each request. */
#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "adapt/sink/aws_parts.h"
#include "sv/alloc.h"

static const struct sv_sink_parcel parcel = {.id = "u.1.verified",
                                             .type = "t.v1",
                                             .group = "u",
                                             .client_id = "a&b",
                                             .body = "{\"x\": \"\xc3\xa4 +/\"}",
                                             .body_bytes = 14};

static const struct {
    const char *kind, *target, *client_id, *body;
} rows[] = {
    {"sns", "arn:aws:sns:r:1:t", "a&b",
     "Action=Publish&Version=2010-03-31&TopicArn=arn%3Aaws%3Asns%3Ar%3A1%3At"
     "&Message=%7B%22x%22%3A%20%22%C3%A4%20%2B%2F%22%7D"
     "&MessageAttributes.entry.1.Name=type&MessageAttributes.entry.1.Value.DataType=String"
     "&MessageAttributes.entry.1.Value.StringValue=t.v1"
     "&MessageAttributes.entry.2.Name=client_id&MessageAttributes.entry.2.Value.DataType=String"
     "&MessageAttributes.entry.2.Value.StringValue=a%26b"},
    {"sqs", "https://h/1/q", "",
     "Action=SendMessage&Version=2012-11-05&QueueUrl=https%3A%2F%2Fh%2F1%2Fq"
     "&MessageBody=%7B%22x%22%3A%20%22%C3%A4%20%2B%2F%22%7D&MessageAttribute.1.Name=type"
     "&MessageAttribute.1.Value.DataType=String&MessageAttribute.1.Value.StringValue=t.v1"},
    {"sqs", "https://h/1/q.fifo", NULL,
     "Action=SendMessage&Version=2012-11-05&QueueUrl=https%3A%2F%2Fh%2F1%2Fq.fifo"
     "&MessageBody=%7B%22x%22%3A%20%22%C3%A4%20%2B%2F%22%7D&MessageAttribute.1.Name=type"
     "&MessageAttribute.1.Value.DataType=String&MessageAttribute.1.Value.StringValue=t.v1"
     "&MessageGroupId=u&MessageDeduplicationId=u.1.verified"},
    {"eventbridge", "bus", "a",
     "{\"Entries\":[{\"Source\":\"sesverify\",\"DetailType\":\"t.v1\","
     "\"Detail\":\"{\\\"x\\\": \\\"\xc3\xa4 +/\\\"}\",\"EventBusName\":\"bus\"}]}"},
};

static void requests(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct sv_aws_dialect *dialect = sv_aws_dialect_find(rows[i].kind);
        struct sv_sink_parcel one = parcel;
        struct sv_buf body;

        one.client_id = rows[i].client_id;
        sv_buf_init(&body, SV_AWS_SINK_BODY_BYTES_MAX);
        assert_non_null(dialect);
        assert_true(dialect->write(rows[i].target, &one, &body));
        assert_string_equal(sv_buf_str(&body), rows[i].body);
        sv_buf_fini(&body);
    }
    assert_null(sv_aws_dialect_find("webhook"));
}

/* The largest event of all, every byte of which is escaped, still fits. */
static void the_largest_event_fits(void **state)
{
    char *text = sv_alloc(1, SV_SINK_EVENT_BYTES_MAX);
    struct sv_sink_parcel one = parcel;

    (void)state;
    memset(text, '"', SV_SINK_EVENT_BYTES_MAX);
    one.body = text;
    one.body_bytes = SV_SINK_EVENT_BYTES_MAX;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sv_buf body;

        sv_buf_init(&body, SV_AWS_SINK_BODY_BYTES_MAX);
        assert_true(sv_aws_dialect_find(rows[i].kind)->write(rows[i].target, &one, &body));
        assert_true(body.len > SV_SINK_EVENT_BYTES_MAX);
        sv_buf_fini(&body);
    }
    free(text);
}

/* Half an answer, or anybody's page, is no receipt: cut at every byte. */
static void half_an_answer_is_none(void **state)
{
    static const char whole[] =
        "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult>"
        "<MessageId>m-1</MessageId></PublishResult><ResponseMetadata><RequestId>r</RequestId>"
        "</ResponseMetadata></PublishResponse>";
    static const char *const others[] = {
        "",
        "<html/>",
        "<PublishResponse/>",
        "<SendMessageResponse><SendMessageResult><MessageId>m</MessageId></SendMessageResult>"
        "</SendMessageResponse>",
        "<!DOCTYPE x [<!ENTITY e \"m\">]><PublishResponse><MessageId>&e;</MessageId>"
        "</PublishResponse>",
        "<ErrorResponse><Error><Message>no code</Message></Error></ErrorResponse>",
        "<a><b><c><d><e><f><g><h><i/></h></g></f></e></d></c></b></a>",
    };
    struct sv_aws_receipt receipt;

    (void)state;
    assert_int_equal(sv_aws_receipt_read("Publish", whole, sizeof whole - 1, &receipt, NULL),
                     SV_OK);
    assert_string_equal(receipt.message_id, "m-1");
    for (size_t len = 0; len < sizeof whole - 1; len++)
        assert_int_equal(sv_aws_receipt_read("Publish", whole, len, &receipt, NULL), SV_EMALFORMED);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_int_equal(
            sv_aws_receipt_read("Publish", others[i], strlen(others[i]), &receipt, NULL),
            SV_EMALFORMED);
        assert_string_equal(receipt.message_id, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(requests),
                                       cmocka_unit_test(the_largest_event_fits),
                                       cmocka_unit_test(half_an_answer_is_none)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
