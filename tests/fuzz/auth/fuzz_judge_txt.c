/* Any octets as TXT, MX and CNAME data through the whole judge. The first octet chooses the set-up;
 * the rest is cut at newlines into values, which the questions take in turn, so one input can make
 * a tree of SPF records. Whatever comes, the judge ends within its questions and its report is
 * sane. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "sv/judge.h"
#include "sv/require.h"

enum { VALUES_MAX = 40, RECORDS_MAX = 3, TARGETS_BYTES = 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct values {
    size_t count, next;
    const uint8_t *at[VALUES_MAX];
    size_t len[VALUES_MAX];
};

static void cut(struct values *values, const uint8_t *bytes, size_t len)
{
    while (values->count < VALUES_MAX) {
        const uint8_t *end = len > 0 ? memchr(bytes, '\n', len) : NULL;
        size_t piece = end != NULL ? (size_t)(end - bytes) : len;
        values->at[values->count] = bytes;
        values->len[values->count++] = piece;
        if (end == NULL)
            return;
        bytes += piece + 1;
        len -= piece + 1;
    }
}

/* A value as a host in presentation form, as a careful reader of packets would give it. */
static const char *host_of(const uint8_t *bytes, size_t len, char out[SV_NAME_BYTES])
{
    size_t at = 0;

    for (size_t i = 0; i < len && at < SV_NAME_MAX; i++) {
        if (bytes[i] > ' ' && bytes[i] < 0x7f)
            out[at++] = (char)bytes[i];
    }
    out[at] = '\0';
    return out;
}

static void answer(struct sv_judge *judge, const struct sv_dns_question *question,
                   struct values *values)
{
    static const uint8_t nothing[1] = {0};
    char targets[RECORDS_MAX][SV_NAME_BYTES];
    struct sv_rr records[RECORDS_MAX];
    struct sv_dns_answer reply = {.outcome = SV_DNS_DATA, .records = records};
    size_t first = values->next++ % values->count;

    for (size_t i = first; i < values->count && reply.records_count < RECORDS_MAX; i++) {
        size_t place = reply.records_count;
        struct sv_rr rr = {.owner = question->name, .type = question->type, .ttl_s = 60};
        if (values->len[i] == 0 && place > 0)
            break; /* an empty line ends a set of records */
        if (question->type == SV_RR_TXT) {
            rr.text = values->len[i] > 0 ? values->at[i] : nothing;
            rr.text_bytes = values->len[i];
        } else {
            rr.target = host_of(values->at[i], values->len[i], targets[place]);
        }
        records[reply.records_count++] = rr;
    }
    if (records[0].text_bytes == 0 && question->type == SV_RR_TXT)
        reply = (struct sv_dns_answer){.outcome = SV_DNS_NODATA};
    sv_judge_answer(judge, question, &reply);
}

static void check_text(const char *text, size_t bytes)
{
    SV_REQUIRE(strnlen(text, bytes) < bytes);
    for (; *text != '\0'; text++)
        SV_REQUIRE(*text >= 0x20 && *text < 0x7f);
}

static void check(const struct sv_report *report)
{
    SV_REQUIRE(report->findings_count <= SV_FINDINGS_MAX);
    for (size_t i = 0; i < report->findings_count; i++) {
        const struct sv_finding *finding = &report->findings[i];
        struct sv_buf advice;
        check_text(finding->owner, sizeof(finding->owner));
        check_text(finding->expected, sizeof(finding->expected));
        check_text(finding->found, sizeof(finding->found));
        SV_REQUIRE(finding->code > SV_F_NONE && finding->code < SV_F_COUNT);
        sv_buf_init(&advice, 4096);
        SV_REQUIRE(sv_finding_advice(finding, "client.com", &advice));
        sv_buf_fini(&advice);
    }
    for (size_t i = 0; i < report->records_count; i++)
        check_text(report->seen[i], sizeof(report->seen[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct sv_expect expect = {.domain = "client.com",
                               .region = "eu-west-1",
                               .dkim_tokens = {"tokenaaaaaaaaaaaaaaa", "tokenbbbbbbbbbbbbbbb"},
                               .dkim_tokens_count = 2,
                               .dkim_zone = "dkim.amazonses.com"};
    static const char *const seen[] = {"tokenaaaaaaaaaaaaa._domainkey.client.com"};
    struct values values = {0};
    struct sv_dns_question question;
    struct sv_judge *judge;
    size_t count = 0;
    unsigned told = len > 0 ? bytes[0] : 0;

    cut(&values, len > 0 ? bytes + 1 : bytes, len > 0 ? len - 1 : 0);
    if ((told & 1) != 0)
        expect.dkim_tokens_count = 0;
    if ((told & 2) != 0)
        expect.mail_from = "mail.client.com";
    if ((told & 4) != 0)
        expect.ownership_token = "token";
    if ((told & 8) != 0)
        expect.domain = "news.client.com";
    if ((told & 16) != 0) {
        expect.byodkim_selector = "own";
        expect.byodkim_key = "MDwwDQYJKoZIhvcNAQEBBQADKwAwKAIhAMB8";
    }
    if ((told & 32) != 0)
        expect.discover = true;
    if ((told & 64) != 0) {
        expect.seen_names = seen;
        expect.seen_names_count = 1;
    }
    judge = sv_judge_new(&expect, "client.com");
    while (sv_judge_next(judge, &question)) {
        SV_REQUIRE(++count <= SV_JUDGE_QUESTIONS_MAX);
        answer(judge, &question, &values);
    }
    SV_REQUIRE(sv_judge_done(judge));
    check(sv_judge_report(judge));
    sv_judge_free(judge);
    return 0;
}
