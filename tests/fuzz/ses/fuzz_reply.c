#include "fuzz_reply.h"

#include <stdio.h>
#include <string.h>

#include "adapt/ses/ses_private.h"
#include "sv/require.h"

enum { DOMAINS = 3 };

static bool is_word(const char *text, size_t bytes)
{
    size_t len = strnlen(text, bytes);

    for (size_t i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] >= 0x7f)
            return false;
    }
    return len < bytes;
}

static bool is_axis_of_ses(enum sv_axis axis)
{
    return axis != SV_AXIS_GONE && axis < SV_AXIS_COUNT;
}

static void check_identity(const struct sv_ses_identity *identity, enum sv_err err)
{
    static const struct sv_ses_identity nothing;

    if (err != SV_OK)
        SV_REQUIRE(memcmp(identity, &nothing, sizeof nothing) == 0);
    SV_REQUIRE(is_axis_of_ses(identity->identity) && identity->identity != SV_AXIS_NONE);
    SV_REQUIRE(is_axis_of_ses(identity->dkim) && identity->dkim != SV_AXIS_NONE);
    SV_REQUIRE(is_axis_of_ses(identity->mail_from));
    SV_REQUIRE(identity->tokens_count <= SV_SES_TOKENS_MAX);
    for (size_t i = 0; i < identity->tokens_count; i++)
        SV_REQUIRE(identity->tokens[i][0] != '\0' &&
                   is_word(identity->tokens[i], sizeof identity->tokens[i]));
    SV_REQUIRE(is_word(identity->hosted_zone, sizeof identity->hosted_zone));
    SV_REQUIRE(is_word(identity->mail_from_domain, sizeof identity->mail_from_domain));
    SV_REQUIRE(is_word(identity->verification_token, sizeof identity->verification_token));
    SV_REQUIRE(is_word(identity->configuration_set, sizeof identity->configuration_set));
    SV_REQUIRE(memchr(identity->dkim_parent, '\0', sizeof identity->dkim_parent) != NULL);
    SV_REQUIRE(identity->dkim_method < SV_DKIM_METHOD_COUNT && identity->dkim_key_made_at >= 0);
    SV_REQUIRE(identity->last_checked_at >= 0 && identity->last_success_at >= 0);
}

static void check_page(const struct sv_ses_page *page, enum sv_err err)
{
    SV_REQUIRE(page->count <= (err == SV_OK ? SV_SES_PAGE_MAX : 0));
    SV_REQUIRE(err != SV_OK || is_word(page->next_token, sizeof page->next_token));
    for (size_t i = 0; i < page->count; i++) {
        const struct sv_ses_listed *line = &page->listed[i];

        SV_REQUIRE(is_word(line->name, sizeof line->name));
        SV_REQUIRE(!line->is_domain || line->name[0] != '\0');
        SV_REQUIRE(is_axis_of_ses(line->identity) && line->identity != SV_AXIS_NONE);
    }
}

void fuzz_reply(const uint8_t *bytes, size_t len, const enum sv_ses_op *ops, size_t ops_count)
{
    static const char *const domains[DOMAINS] = {"a.example", "b.example", "c.example"};
    static struct sv_ses_page page;
    struct sv_ses_identity results[DOMAINS];
    struct sv_ses_account about;
    char tag[SV_SES_TAG_BYTES];
    struct sv_http_answer answer = {.status = 200};
    struct sv_ses_call call = {.domains = domains,
                               .results = results,
                               .account = &about,
                               .page = &page,
                               .tag_key = "client",
                               .tag_value = tag};
    bool is_signature;
    enum sv_err err;

    if (len == 0)
        return;
    call.op = ops[bytes[0] % ops_count];
    call.domains_count =
        sv_ses_op_is_v1(call.op) && call.op != SV_SES_VERIFY_DKIM && call.op != SV_SES_VERIFY_DOMAIN
            ? DOMAINS
            : call.op != SV_SES_LIST && call.op != SV_SES_ACCOUNT;
    if (bytes[0] & 0x40) /* letters: an error status */
        answer.status = 400;
    sv_buf_init(&answer.body, 1024 * 1024);
    if (!sv_buf_add(&answer.body, bytes + 1, len - 1)) {
        sv_buf_fini(&answer.body);
        return;
    }
    memset(results, 0x7f, sizeof results);
    err = sv_ses_reply_read(&call, &answer, NULL, &is_signature);
    SV_REQUIRE(err != SV_OK || answer.status == 200 || call.op == SV_SES_DELETE);
    SV_REQUIRE(call.info.code == err && (err == SV_OK || call.info.text[0] != '\0'));
    SV_REQUIRE(is_word(call.request_id, sizeof call.request_id));
    for (size_t i = 0; i < call.domains_count; i++)
        check_identity(&results[i], err);
    SV_REQUIRE(is_word(tag, sizeof tag));
    if (call.op == SV_SES_LIST)
        check_page(&page, err);
    sv_buf_fini(&answer.body);
}
