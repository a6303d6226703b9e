/* The story: the plan's base gives keys (a file at once, a container with one question, an instance
 * with three: token, name of the role, keys), then each role is assumed with the keys before it.
 * A question that gets no answer, or 5xx, is asked again as often as its source allows. Anything
 * else ends the fetch with an error that names the source. A token that the metadata service no
 * longer likes (401) is replaced once. */
#include "fetch.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "fetch_ask.h"
#include "reply.h"
#include "sv/require.h"

enum { ATTEMPTS = 3 };

static const sv_ms again_ms = SV_SECOND;
static const sv_ms process_ms = SV_MINUTE; /* as in AWS's SDK for Go */
static const sv_ms imds_expired_ms = 15 * SV_MINUTE;

static void go(struct sv_fetch *fetch);
static void on_timer(uv_timer_t *timer);

static enum step step_of(const struct sv_fetch *fetch)
{
    return (enum step)fetch->step;
}

static void finish(struct sv_fetch *fetch, enum sv_err err)
{
    fetch->busy = false;
    OPENSSL_cleanse(fetch->imds_token, sizeof fetch->imds_token);
    if (err != SV_OK)
        sv_credentials_wipe(&fetch->keys);
    fetch->done(fetch, err);
}

/* Answers: each sets the next step, or fails. */

static enum step after_keys(const struct sv_fetch *fetch)
{
    return fetch->roles_left > 0 ? STEP_ROLE : STEP_DONE;
}

static bool is_sts(const struct sv_fetch *fetch)
{
    return step_of(fetch) == STEP_ROLE || step_of(fetch) == STEP_WEB_IDENTITY;
}

static enum sv_err refused(struct sv_fetch *fetch, const struct sv_http_answer *answer)
{
    char code[SV_KEY_ERROR_BYTES] = "", why[128];

    if (is_sts(fetch))
        sv_key_reply_sts_error(answer->body.data, answer->body.len, code);
    fetch->info.native = answer->status;
    if (is_sts(fetch) && sv_sts_learn_skew(&fetch->skew_ms, fetch->clock, code, answer->date))
        return sv_fetch_wrong(fetch, SV_ECLOCK,
                              "our clock is off; the difference is taken into "
                              "account from now");
    if (step_of(fetch) == STEP_SSO && answer->status == 401)
        return sv_fetch_wrong(fetch, SV_EDENIED,
                              "the sign-in was refused (HTTP 401); run: aws sso "
                              "login");
    (void)snprintf(why, sizeof why, "HTTP %ld %s", answer->status, code);
    if (answer->status == 429 || strcmp(code, "Throttling") == 0)
        return sv_fetch_wrong(fetch, SV_ETHROTTLED, why);
    if (answer->status >= 500 || strcmp(code, "IDPCommunicationError") == 0)
        return sv_fetch_wrong(fetch, SV_EUNAVAILABLE, why);
    return sv_fetch_wrong(fetch, SV_EDENIED, why);
}

static enum sv_err take_one_line(struct sv_fetch *fetch, const struct sv_http_answer *answer,
                                 char *out, size_t bytes)
{
    size_t len = answer->body.len;
    const char *text = sv_buf_str(&answer->body);

    len = strcspn(text, "\r\n") < len ? strcspn(text, "\r\n") : len;
    if (len == 0 || len >= bytes)
        return sv_fetch_wrong(fetch, SV_EMALFORMED, "the answer is empty or too long");
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] >= 0x7f)
            return sv_fetch_wrong(fetch, SV_EMALFORMED, "the answer holds unprintable characters");
    }
    memcpy(out, text, len);
    out[len] = '\0';
    return SV_OK;
}

static enum sv_err on_imds_token(struct sv_fetch *fetch, const struct sv_http_answer *answer)
{
    bool only_v1 = answer->status == 403 || answer->status == 404 || answer->status == 405;
    enum sv_err err = SV_OK;

    fetch->imds_token[0] = '\0';
    if (only_v1 && fetch->plan->no_imds_v1)
        return sv_fetch_wrong(fetch, SV_EDENIED,
                              "no token, and AWS_EC2_METADATA_V1_DISABLED is set");
    if (answer->status == 200)
        err = take_one_line(fetch, answer, fetch->imds_token, sizeof fetch->imds_token);
    else if (!only_v1)
        err = refused(fetch, answer);
    fetch->step = STEP_IMDS_ROLE;
    return err;
}

static enum sv_err read_keys(struct sv_fetch *fetch, const struct sv_buf *body,
                             struct sv_errinfo *info)
{
    const char *bytes = sv_buf_str(body);

    switch (step_of(fetch)) {
    case STEP_ROLE:
    case STEP_WEB_IDENTITY:
        return sv_key_reply_sts(bytes, body->len, &fetch->keys, info);
    case STEP_PROCESS:
        return sv_key_reply_process(bytes, body->len, &fetch->keys, info);
    case STEP_SSO:
        return sv_key_reply_sso(bytes, body->len, &fetch->keys, info);
    case STEP_CONTAINER:
    case STEP_IMDS_KEYS:
        return sv_key_reply_json(bytes, body->len, &fetch->keys, info);
    case STEP_IMDS_TOKEN:
    case STEP_IMDS_ROLE:
    case STEP_BASE:
    case STEP_DONE:
        break;
    }
    SV_REQUIRE(false);
    return SV_EINVALID;
}

static enum sv_err take_keys(struct sv_fetch *fetch, const struct sv_buf *body)
{
    sv_ms now = sv_fetch_now(fetch);
    struct sv_errinfo info;
    enum sv_err err = read_keys(fetch, body, &info);

    if (err != SV_OK)
        return sv_fetch_wrong(fetch, err, info.text);
    /* An instance whose metadata is stale still works, and AWS's own tools go on with it. */
    if (fetch->keys.expires_at <= now && step_of(fetch) == STEP_IMDS_KEYS)
        fetch->keys.expires_at = now + imds_expired_ms + 2 * SV_MINUTE +
                                 (sv_ms)sv_rand_below(fetch->rand, 8 * SV_MINUTE);
    if (fetch->keys.expires_at != 0 && fetch->keys.expires_at <= now)
        return sv_fetch_wrong(fetch, SV_EDENIED, "the keys have expired already");
    if (step_of(fetch) == STEP_ROLE)
        fetch->roles_left--;
    fetch->step = after_keys(fetch);
    return SV_OK;
}

static enum sv_err take_answer(struct sv_fetch *fetch, const struct sv_http_answer *answer)
{
    bool is_imds = step_of(fetch) == STEP_IMDS_ROLE || step_of(fetch) == STEP_IMDS_KEYS;
    enum sv_err err;

    if (step_of(fetch) == STEP_IMDS_TOKEN)
        return on_imds_token(fetch, answer);
    if (is_imds && answer->status == 401 && !fetch->renewed_token) {
        fetch->renewed_token = true;
        fetch->step = STEP_IMDS_TOKEN;
        return SV_OK;
    }
    if (answer->status == 404 && step_of(fetch) == STEP_IMDS_ROLE)
        return sv_fetch_wrong(fetch, SV_ENOTFOUND, "the instance has no role");
    if (answer->status != 200)
        return refused(fetch, answer);
    if (step_of(fetch) != STEP_IMDS_ROLE)
        return take_keys(fetch, &answer->body);
    err = take_one_line(fetch, answer, fetch->imds_role, sizeof fetch->imds_role);
    if (err == SV_OK && strpbrk(fetch->imds_role, "/?#%") != NULL)
        return sv_fetch_wrong(fetch, SV_EMALFORMED, "the name of the role holds odd characters");
    fetch->step = STEP_IMDS_KEYS;
    return err;
}

static void fail_or_again(struct sv_fetch *fetch, enum sv_err err)
{
    bool is_imds = fetch->plan->base == SV_PLAN_IMDS && step_of(fetch) != STEP_ROLE;
    unsigned attempts = is_imds ? fetch->plan->attempts : ATTEMPTS;

    if (sv_err_is_temporary(err) && ++fetch->attempt < attempts)
        (void)uv_timer_start(&fetch->timer, on_timer, (uint64_t)again_ms, 0);
    else
        finish(fetch, err);
}

static enum sv_err no_answer(struct sv_fetch *fetch, enum sv_err err)
{
    if (step_of(fetch) == STEP_IMDS_TOKEN && err == SV_ETIMEOUT)
        return sv_fetch_wrong(fetch, err,
                              "no answer in time; in a container the instance's hop limit must "
                              "be 2");
    return sv_fetch_wrong(fetch, err, fetch->request.info.text);
}

static void on_http(struct sv_http_request *request, enum sv_err err,
                    const struct sv_http_answer *answer)
{
    struct sv_fetch *fetch = request->owner;

    fetch->asking = false;
    if (fetch->canceled || err == SV_ECANCELED) {
        (void)sv_err_set(&fetch->info, SV_ECANCELED, "credentials", 0, "canceled by its owner");
        finish(fetch, SV_ECANCELED);
        return;
    }
    err = err == SV_OK ? take_answer(fetch, answer) : no_answer(fetch, err);
    if (err != SV_OK) {
        fail_or_again(fetch, err);
        return;
    }
    fetch->attempt = 0;
    go(fetch);
}

static void on_process(struct sv_process *process, enum sv_err err)
{
    struct sv_fetch *fetch = process->owner;

    fetch->running = false;
    if (fetch->canceled || err == SV_ECANCELED) {
        (void)sv_err_set(&fetch->info, SV_ECANCELED, "credentials", 0, "canceled by its owner");
        finish(fetch, SV_ECANCELED);
        return;
    }
    if (err == SV_OK)
        err = take_keys(fetch, &process->out);
    else
        err = sv_fetch_wrong(fetch, err, process->info.text);
    if (err != SV_OK)
        finish(fetch, err); /* a program that fails is not run again at once */
    else
        go(fetch);
}

static enum sv_err run_process(struct sv_fetch *fetch)
{
    enum sv_err err;

    fetch->process.owner = fetch;
    err = sv_process_start(&fetch->process, sv_http_loop(fetch->http), fetch->plan->command,
                           process_ms, on_process);
    fetch->running = err == SV_OK;
    return err == SV_OK ? SV_OK : sv_fetch_wrong(fetch, err, fetch->process.info.text);
}

/* Steps. */

static enum step first_step(struct sv_fetch *fetch)
{
    switch (fetch->plan->base) {
    case SV_PLAN_KEYS:
        fetch->keys = fetch->plan->keys;
        return after_keys(fetch);
    case SV_PLAN_CONTAINER:
        return STEP_CONTAINER;
    case SV_PLAN_IMDS:
        return STEP_IMDS_TOKEN;
    case SV_PLAN_WEB_IDENTITY:
        return STEP_WEB_IDENTITY;
    case SV_PLAN_PROCESS:
        return STEP_PROCESS;
    case SV_PLAN_SSO:
        return STEP_SSO;
    case SV_PLAN_NOTHING:
        break;
    }
    SV_REQUIRE(false);
    return STEP_DONE;
}

static void go(struct sv_fetch *fetch)
{
    enum sv_err err;

    if (step_of(fetch) == STEP_BASE)
        fetch->step = first_step(fetch);
    if (step_of(fetch) == STEP_DONE) {
        if (fetch->keys.expires_at != 0 && fetch->keys.expires_at <= sv_fetch_now(fetch)) {
            finish(fetch, sv_err_set(&fetch->info, SV_EDENIED, "credentials", 0,
                                     "%.60s: the keys have expired already", fetch->plan->source));
            return;
        }
        (void)snprintf(fetch->keys.source, sizeof fetch->keys.source, "%.40s%s",
                       fetch->plan->source, fetch->plan->roles_count > 0 ? ", assumed role" : "");
        finish(fetch, SV_OK);
        return;
    }
    err = step_of(fetch) == STEP_PROCESS ? run_process(fetch) : sv_fetch_ask(fetch, on_http);
    if (err != SV_OK)
        finish(fetch, err);
}

static void on_timer(uv_timer_t *timer)
{
    struct sv_fetch *fetch = timer->data;

    if (!fetch->canceled) {
        go(fetch);
        return;
    }
    (void)sv_err_set(&fetch->info, SV_ECANCELED, "credentials", 0, "canceled by its owner");
    finish(fetch, SV_ECANCELED);
}

void sv_fetch_init(struct sv_fetch *fetch, struct sv_http *http, const struct sv_clock *clock,
                   struct sv_rand *rand)
{
    *fetch = (struct sv_fetch){.http = http, .clock = clock, .rand = rand};
    SV_REQUIRE(uv_timer_init(sv_http_loop(http), &fetch->timer) == 0);
    fetch->timer.data = fetch;
}

void sv_fetch_start(struct sv_fetch *fetch, const struct sv_plan *plan, sv_fetch_done_fn *done)
{
    SV_REQUIRE(!fetch->busy);
    fetch->plan = plan;
    fetch->done = done;
    fetch->step = STEP_BASE;
    fetch->attempt = 0;
    fetch->roles_left = plan->roles_count;
    fetch->busy = true;
    fetch->canceled = fetch->renewed_token = fetch->running = false;
    fetch->info = (struct sv_errinfo){.code = SV_OK};
    SV_REQUIRE(uv_timer_start(&fetch->timer, on_timer, 0, 0) == 0);
}

void sv_fetch_cancel(struct sv_fetch *fetch)
{
    if (!fetch->busy || fetch->canceled)
        return;
    fetch->canceled = true;
    if (fetch->asking)
        sv_http_cancel(&fetch->request);
    else if (fetch->running)
        sv_process_cancel(&fetch->process);
    else
        SV_REQUIRE(uv_timer_start(&fetch->timer, on_timer, 0, 0) == 0);
}

void sv_fetch_close(struct sv_fetch *fetch, uv_close_cb closed)
{
    SV_REQUIRE(!fetch->busy);
    uv_close((uv_handle_t *)&fetch->timer, closed);
}
