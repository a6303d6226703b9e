#include "reply_text.h"

#include <stdio.h>
#include <string.h>

#include "adapt/ses/ses_private.h"
#include "sv/require.h"

static const char *const domains[REPLY_DOMAINS] = {"a.example", "b.example", "c.example"};

static bool is_read(enum sv_ses_op op)
{
    return op == SV_SES_READ_IDENTITIES || op == SV_SES_READ_DKIM || op == SV_SES_READ_MAIL_FROM;
}

enum sv_err reply_read(const struct reply *reply, struct sv_ses_identity *results,
                       struct sv_errinfo *info, bool *is_signature)
{
    struct sv_ses_call call = {.op = reply->op,
                               .domains = domains,
                               .domains_count = is_read(reply->op) ? REPLY_DOMAINS : 1,
                               .results = results};
    struct sv_http_answer answer = {.status = reply->status};
    enum sv_err err;

    memset(results, 0x7f, call.domains_count * sizeof results[0]); /* start need not clean up */
    sv_buf_init(&answer.body, 1024 * 1024);
    SV_REQUIRE(sv_buf_add_str(&answer.body, reply->body));
    if (reply->error_type != NULL)
        (void)snprintf(answer.error_type, sizeof answer.error_type, "%s", reply->error_type);
    err = sv_ses_reply_read(&call, &answer, "dkim.amazonses.com", is_signature);
    *info = call.info;
    sv_buf_fini(&answer.body);
    return err;
}

static void add(char *out, const char *name, const char *value)
{
    size_t len = strlen(out);

    (void)snprintf(out + len, REPLY_TEXT_BYTES - len, "%s%s%s", len > 0 ? " " : "", name, value);
}

static void add_axis(char *out, const char *name, enum sv_axis axis)
{
    if (axis != SV_AXIS_UNKNOWN)
        add(out, name, sv_axis_name(axis));
}

static void add_number(char *out, const char *name, long long number)
{
    char text[32];

    (void)snprintf(text, sizeof text, "%lld", number);
    if (number != 0)
        add(out, name, text);
}

const char *reply_show(const struct sv_ses_identity *identity, char out[REPLY_TEXT_BYTES])
{
    out[0] = '\0';
    if (identity->listed)
        add(out, "listed", "");
    add_axis(out, "identity=", identity->identity);
    add_axis(out, "dkim=", identity->dkim);
    add_axis(out, "mail_from=", identity->mail_from);
    if (identity->signing_enabled != SV_TRI_UNKNOWN)
        add(out, "signing=", identity->signing_enabled == SV_TRI_YES ? "yes" : "no");
    for (size_t i = 0; i < identity->tokens_count; i++)
        add(out, "token=", identity->tokens[i]);
    if (identity->hosted_zone[0] != '\0')
        add(out, "zone=", identity->hosted_zone);
    if (identity->mail_from_domain[0] != '\0')
        add(out, "mail_from_domain=", identity->mail_from_domain);
    if (identity->verification_token[0] != '\0')
        add(out, "verification_token=", identity->verification_token);
    if (identity->dkim_method != SV_DKIM_UNKNOWN)
        add_number(out, "method=", identity->dkim_method);
    if (identity->dkim_parent[0] != '\0')
        add(out, "parent=", identity->dkim_parent);
    add_number(out, "key_made=", identity->dkim_key_made_at);
    if (identity->configuration_set[0] != '\0')
        add(out, "set=", identity->configuration_set);
    if (identity->rejects_on_mx_failure != SV_TRI_UNKNOWN)
        add(out, "rejects=", identity->rejects_on_mx_failure == SV_TRI_YES ? "yes" : "no");
    add_number(out, "reason=", identity->reason);
    add_number(out, "checked=", identity->last_checked_at);
    add_number(out, "succeeded=", identity->last_success_at);
    return out;
}
