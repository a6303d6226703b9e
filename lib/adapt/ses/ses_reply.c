/* One complete HTTP answer becomes results or an error of ours. */
#include <string.h>

#include "ses_private.h"

enum sv_axis sv_ses_axis(const char *text, size_t len)
{
    enum sv_axis axis = sv_axis_parse(text, len);

    switch (axis) {
    case SV_AXIS_NOT_STARTED:
    case SV_AXIS_PENDING:
    case SV_AXIS_SUCCESS:
    case SV_AXIS_FAILED:
    case SV_AXIS_TEMPORARY_FAILURE:
        return axis;
    /* Our own words: should SES ever use one of them, we would not know what it means by it. */
    case SV_AXIS_NONE:
    case SV_AXIS_GONE:
    case SV_AXIS_UNKNOWN:
    case SV_AXIS_COUNT:
        break;
    }
    return SV_AXIS_UNKNOWN;
}

bool sv_ses_add_token(struct sv_ses_identity *identity, const char *text, size_t len)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
    char *out;

    if (identity->tokens_count == SV_SES_TOKENS_MAX || len > SV_LABEL_MAX)
        return false;
    out = identity->tokens[identity->tokens_count];
    if (!sv_aws_copy_word(out, SV_SES_TOKEN_BYTES, text, len) || strspn(out, allowed) != len) {
        out[0] = '\0';
        return false;
    }
    identity->tokens_count++;
    return true;
}

static void set_info(struct sv_ses_call *call, enum sv_err err, long status,
                     const struct sv_aws_failure *failure, bool is_signature)
{
    const char *op = sv_ses_op_name(call->op);

    if (failure->code[0] == '\0')
        (void)sv_err_set(&call->info, err, "ses", status, "%s: HTTP %ld without an AWS error code",
                         op, status);
    else if (failure->message[0] == '\0' || is_signature) /* the message may quote what we signed */
        (void)sv_err_set(&call->info, err, "ses", status, "%s: %s", op, failure->code);
    else
        (void)sv_err_set(&call->info, err, "ses", status, "%s: %s: %s", op, failure->code,
                         failure->message);
}

/* The header is v2's place for the code, but whoever stands in front of v1 may use it too. */
static void read_failure(struct sv_ses_call *call, const struct sv_http_answer *answer,
                         struct sv_aws_failure *failure)
{
    const char *body = sv_buf_str(&answer->body);
    bool is_v1 = sv_ses_op_is_v1(call->op);

    /* Not even XML, perhaps; then the status decides. */
    if (is_v1 && sv_ses_xml_read(call, body, answer->body.len, failure, NULL) != SV_OK)
        failure->code[0] = '\0';
    if (failure->code[0] == '\0')
        sv_aws_failure_set_code(failure, answer->error_type, strlen(answer->error_type));
    if (!is_v1)
        sv_aws_failure_read_json(body, answer->body.len, failure);
}

static enum sv_err read_success(struct sv_ses_call *call, const struct sv_http_answer *answer,
                                struct sv_aws_failure *failure)
{
    const char *body = sv_buf_str(&answer->body);
    enum sv_err err;

    if (sv_ses_op_is_v1(call->op))
        err = sv_ses_xml_read(call, body, answer->body.len, failure, &call->info);
    else
        err = sv_ses_json_read(call, body, answer->body.len, &call->info);
    call->info.native = err != SV_OK ? answer->status : 0;
    return err;
}

void sv_ses_results_forget(struct sv_ses_call *call)
{
    if (call->domains_count > 0)
        memset(call->results, 0, call->domains_count * sizeof call->results[0]);
    if (call->op == SV_SES_ACCOUNT)
        *call->account = (struct sv_ses_account){.production = SV_TRI_UNKNOWN};
    if (call->op == SV_SES_LIST)
        call->page->count = 0;
    if (call->op == SV_SES_METRICS)
        *call->metrics = (struct sv_ses_metrics){.told = false};
    if (call->op == SV_SES_RECOMMENDATIONS)
        call->advice_page->count = 0;
    if (call->tag_value != NULL)
        call->tag_value[0] = '\0';
}

static void fill_zones(struct sv_ses_call *call, const char *zone)
{
    for (size_t i = 0; i < call->domains_count && zone != NULL; i++) {
        struct sv_ses_identity *identity = &call->results[i];

        if (identity->tokens_count > 0 && identity->hosted_zone[0] == '\0' &&
            identity->dkim_method != SV_DKIM_BYODKIM)
            memcpy(identity->hosted_zone, zone, strlen(zone) + 1);
    }
}

enum sv_err sv_ses_reply_read(struct sv_ses_call *call, const struct sv_http_answer *answer,
                              const char *zone, bool *is_signature)
{
    struct sv_aws_failure failure = {.code = ""};
    bool is_success = answer->status >= 200 && answer->status <= 299;
    enum sv_err err = SV_OK;

    *is_signature = false;
    call->denial = SV_SES_DENIAL_NONE;
    call->retry_after_ms =
        is_success ? 0 : sv_aws_retry_after_ms(answer->retry_after, answer->date);
    sv_ses_results_forget(call);
    if (is_success)
        err = read_success(call, answer, &failure);
    else
        read_failure(call, answer, &failure);
    if (!sv_aws_copy_word(call->request_id, sizeof call->request_id, answer->request_id,
                          strlen(answer->request_id)))
        memcpy(call->request_id, failure.request_id, sizeof call->request_id);
    if (err == SV_OK && (!is_success || failure.code[0] != '\0')) {
        err = sv_aws_failure_judge(&failure, answer->status, is_signature);
        call->denial = sv_ses_failure_denial(&failure);
        set_info(call, err, answer->status, &failure, *is_signature);
    }
    if (err == SV_ENOTFOUND && call->op == SV_SES_DELETE) /* gone is what was asked for */
        err = SV_OK;
    if (err == SV_OK) {
        call->info = (struct sv_errinfo){.code = SV_OK};
        fill_zones(call, zone);
    } else {
        sv_ses_results_forget(call);
    }
    return err;
}

enum sv_ses_denial sv_ses_failure_denial(const struct sv_aws_failure *failure)
{
    switch (sv_aws_failure_blame(failure)) {
    case SV_AWS_BLAME_NONE:
        break;
    case SV_AWS_BLAME_KEYS:
        return SV_SES_DENIAL_KEYS;
    case SV_AWS_BLAME_PERMISSION:
        return SV_SES_DENIAL_PERMISSION;
    case SV_AWS_BLAME_ACCOUNT:
        return SV_SES_DENIAL_ACCOUNT;
    }
    return SV_SES_DENIAL_NONE;
}
