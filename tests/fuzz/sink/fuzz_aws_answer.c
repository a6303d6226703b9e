/* What SNS, SQS and EventBridge answer to an event: the first byte chooses the status, the rest up
 * to a line's end is the type of the error, and then comes the body. Only 200 delivers; whatever
 * else it is, it says why. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "adapt/sink/aws_parts.h"
#include "sv/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const long statuses[] = {200, 204, 301, 400, 403, 404, 413, 429, 500, 503, 599};

static void fill(struct sv_http_answer *answer, const uint8_t *bytes, size_t len)
{
    const uint8_t *end = memchr(bytes, '\n', len);
    size_t type_bytes = end != NULL ? (size_t)(end - bytes) : len;

    (void)snprintf(answer->error_type, sizeof(answer->error_type), "%.*s",
                   (int)(type_bytes < 95 ? type_bytes : 95), (const char *)bytes);
    (void)snprintf(answer->retry_after, sizeof(answer->retry_after), "%.39s", answer->error_type);
    sv_buf_init(&answer->body, len + 1);
    if (end != NULL)
        SV_REQUIRE(sv_buf_add(&answer->body, end + 1, len - type_bytes - 1));
}

static void check(const char *kind, const struct sv_http_answer *answer)
{
    struct sv_sink_parcel parcel = {.id = "u.1.verified"};
    bool is_signature = false;
    enum sv_sink_outcome outcome =
        sv_aws_dialect_read(sv_aws_dialect_find(kind), answer, &parcel, &is_signature);

    SV_REQUIRE(memchr(parcel.info.text, '\0', sizeof(parcel.info.text)) != NULL);
    SV_REQUIRE(parcel.retry_after_ms >= 0);
    SV_REQUIRE(!is_signature || outcome == SV_SINK_LATER);
    if (outcome == SV_SINK_DELIVERED)
        SV_REQUIRE(answer->status == 200);
    else
        SV_REQUIRE(parcel.info.code != SV_OK && parcel.info.text[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct sv_http_answer answer = {.status = 0};

    if (len == 0)
        return 0;
    answer.status = statuses[bytes[0] % (sizeof(statuses) / sizeof(statuses[0]))];
    fill(&answer, bytes + 1, len - 1);
    check("sns", &answer);
    check("sqs", &answer);
    check("eventbridge", &answer);
    sv_buf_fini(&answer.body);
    return 0;
}
