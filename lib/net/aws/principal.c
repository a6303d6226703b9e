#include "sv/principal.h"

#include <stdio.h>
#include <string.h>

#include "plan.h"
#include "reply.h"
#include "sts.h"
#include "sv/require.h"

enum { BODY_BYTES_MAX = 64 };

static enum sv_err wrong(struct sv_principal *principal, enum sv_err err, long status,
                         const char *why)
{
    return sv_err_set(&principal->info, err, "sts", status, "STS GetCallerIdentity: %s", why);
}

static enum sv_err take_answer(struct sv_principal *principal, const struct sv_http_answer *answer)
{
    char code[SV_KEY_ERROR_BYTES], why[96];
    struct sv_errinfo info;

    if (answer->status == 200) {
        if (sv_key_reply_caller(sv_buf_str(&answer->body), answer->body.len, principal->account,
                                principal->arn, &info) != SV_OK)
            return wrong(principal, info.code, 200, info.text);
        return SV_OK;
    }
    sv_key_reply_sts_error(sv_buf_str(&answer->body), answer->body.len, code);
    (void)snprintf(why, sizeof why, "HTTP %ld %s", answer->status, code);
    return wrong(principal, answer->status >= 500 ? SV_EUNAVAILABLE : SV_EDENIED, answer->status,
                 why);
}

static void on_http(struct sv_http_request *request, enum sv_err err,
                    const struct sv_http_answer *answer)
{
    struct sv_principal *principal = request->owner;

    if (err == SV_OK)
        err = take_answer(principal, answer);
    else
        err = wrong(principal, err, 0, request->info.text);
    principal->done(principal, err);
}

enum sv_err sv_principal_start(struct sv_principal *principal, const struct sv_principal_ask *ask,
                               sv_principal_done_fn *done)
{
    char url[SV_PLAN_URL_BYTES];
    struct sv_sts_ask sts = {.endpoint = url,
                             .region = ask->region,
                             .keys = ask->keys,
                             .now = ask->clock->wall(ask->clock->context) + ask->skew_ms};
    struct sv_buf body;
    enum sv_err err;

    principal->done = done;
    principal->account[0] = principal->arn[0] = '\0';
    principal->request.owner = principal;
    err =
        sv_plan_sts(ask->region, ask->env, ask->env_context, url, &sts.is_plain, &principal->info);
    if (err != SV_OK)
        return err;
    sv_buf_init(&body, BODY_BYTES_MAX);
    SV_REQUIRE(sv_buf_add_str(&body, "Action=GetCallerIdentity&Version=2011-06-15"));
    sts.body = &body;
    err = sv_sts_start(ask->http, &principal->request, &sts, on_http, &principal->info);
    sv_buf_fini(&body);
    return err;
}
