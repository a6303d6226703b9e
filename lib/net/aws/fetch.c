/* The story: the plan's base gives keys (a file at once, a container with one question, an instance
 * with three: token, name of the role, keys), then each role is assumed with the keys before it.
 * A question that gets no answer, or 5xx, is asked again as often as its source allows. Anything
 * else ends the fetch with an error that names the source. A token that the metadata service no
 * longer likes (401) is replaced once. */
#include "fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "reply.h"
#include "sv/require.h"
#include "sv/sigv4.h"

enum step {
    STEP_BASE,
    STEP_CONTAINER,
    STEP_IMDS_TOKEN,
    STEP_IMDS_ROLE,
    STEP_IMDS_KEYS,
    STEP_WEB_IDENTITY,
    STEP_ROLE,
    STEP_DONE
};

enum { TOKEN_BYTES = 20 * 1024, BODY_BYTES_MAX = 96 * 1024, ATTEMPTS = 3, HEADERS = 8 };

static const sv_ms again_ms = SV_SECOND;
static const sv_ms container_ms = 2 * SV_SECOND;
static const sv_ms sts_ms = 10 * SV_SECOND;
static const sv_ms imds_expired_ms = 15 * SV_MINUTE;

static void go(struct sv_fetch *fetch);
static void on_timer(uv_timer_t *timer);
static void on_http(struct sv_http_request *request, enum sv_err err,
                    const struct sv_http_answer *answer);

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

static const char *name_of_step(enum step step)
{
    switch (step) {
    case STEP_CONTAINER:
        return "container";
    case STEP_IMDS_TOKEN:
        return "instance metadata (token)";
    case STEP_IMDS_ROLE:
        return "instance metadata (name of the role)";
    case STEP_IMDS_KEYS:
        return "instance metadata (keys)";
    case STEP_WEB_IDENTITY:
        return "STS AssumeRoleWithWebIdentity";
    case STEP_ROLE:
        return "STS AssumeRole";
    case STEP_BASE:
    case STEP_DONE:
        break;
    }
    return "keys";
}

static enum sv_err wrong(struct sv_fetch *fetch, enum sv_err err, const char *why)
{
    const struct sv_plan *plan = fetch->plan;
    const char *arn = "";

    if (step_of(fetch) == STEP_ROLE)
        arn = plan->roles[fetch->roles_left - 1].arn;
    if (step_of(fetch) == STEP_WEB_IDENTITY)
        arn = plan->web_role.arn;
    return sv_err_set(&fetch->info, err, "credentials", fetch->info.native, "%s%s%.80s: %.130s",
                      name_of_step(step_of(fetch)), arn[0] != '\0' ? " " : "", arn, why);
}

/* Files that hold a token; read anew each time, since others replace them. */
static enum sv_err read_token(struct sv_fetch *fetch, const char *path, char out[TOKEN_BYTES])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t got = fd < 0 ? -1 : read(fd, out, TOKEN_BYTES);
    int code = errno;
    char why[160];

    if (fd >= 0)
        (void)close(fd);
    if (got < 0) {
        (void)snprintf(why, sizeof why, "cannot read %.90s: %.50s", path, strerror(code));
        return wrong(fetch, SV_EDENIED, why);
    }
    while (got > 0 && (out[got - 1] == '\n' || out[got - 1] == '\r'))
        got--;
    (void)snprintf(why, sizeof why, "%.90s holds no token of one line", path);
    if (got == 0 || got == TOKEN_BYTES)
        return wrong(fetch, SV_EMALFORMED, why);
    for (ssize_t i = 0; i < got; i++) {
        if (out[i] < ' ' || out[i] >= 0x7f)
            return wrong(fetch, SV_EMALFORMED, why);
    }
    out[got] = '\0';
    return SV_OK;
}

/* Questions. */

static enum sv_err send_ask(struct sv_fetch *fetch, struct sv_http_ask *ask)
{
    struct sv_errinfo info = {0};
    enum sv_err err;

    ask->answer_bytes_max = SV_KEY_REPLY_BYTES_MAX;
    ask->connect_ms = ask->total_ms;
    fetch->request.owner = fetch;
    err = sv_http_start(fetch->http, &fetch->request, ask, on_http, &info);
    fetch->asking = err == SV_OK;
    return err == SV_OK ? SV_OK : wrong(fetch, err, info.text);
}

static enum sv_err ask_container(struct sv_fetch *fetch)
{
    const struct sv_plan *plan = fetch->plan;
    char token[TOKEN_BYTES] = "";
    struct sv_http_header headers[] = {{"Accept", "application/json"}, {"Authorization", token}};
    struct sv_http_ask ask = {
        .method = "GET",
        .url = plan->url,
        .headers = headers,
        .headers_count = 1,
        .total_ms = container_ms,
        .allow_plain = strncmp(plan->url, "http://", 7) == 0,
    };
    enum sv_err err = SV_OK;

    if (plan->token_file[0] != '\0')
        err = read_token(fetch, plan->token_file, token);
    else
        (void)snprintf(token, sizeof token, "%s", plan->token);
    if (token[0] != '\0')
        ask.headers_count = 2;
    if (err == SV_OK)
        err = send_ask(fetch, &ask);
    OPENSSL_cleanse(token, sizeof token);
    return err;
}

static enum sv_err ask_imds(struct sv_fetch *fetch)
{
    static const char keys_path[] = "/latest/meta-data/iam/security-credentials/";
    bool is_token = step_of(fetch) == STEP_IMDS_TOKEN;
    char url[SV_PLAN_URL_BYTES + sizeof keys_path + sizeof fetch->imds_role];
    struct sv_http_header header = {"X-aws-ec2-metadata-token", fetch->imds_token};
    struct sv_http_ask ask = {
        .method = is_token ? "PUT" : "GET",
        .url = url,
        .headers = &header,
        .headers_count = is_token || fetch->imds_token[0] != '\0',
        .total_ms = fetch->plan->timeout_ms,
        .allow_plain = true,
    };

    if (is_token)
        header = (struct sv_http_header){"X-aws-ec2-metadata-token-ttl-seconds", "21600"};
    (void)snprintf(url, sizeof url, "%s%s%s", fetch->plan->url,
                   is_token ? "/latest/api/token" : keys_path,
                   step_of(fetch) == STEP_IMDS_KEYS ? fetch->imds_role : "");
    return send_ask(fetch, &ask);
}

static bool add_value(struct sv_buf *body, const char *name, const char *value)
{
    bool fits = sv_buf_printf(body, "&%s=", name);

    for (; fits && *value != '\0'; value++) {
        if (strchr("-._~", *value) != NULL || (*value >= '0' && *value <= '9') ||
            (*value >= 'A' && *value <= 'Z') || (*value >= 'a' && *value <= 'z'))
            fits = sv_buf_add(body, value, 1);
        else
            fits = sv_buf_printf(body, "%%%02X", (unsigned)(unsigned char)*value);
    }
    return fits;
}

static bool add_role(struct sv_buf *body, const struct sv_plan_role *role, const char *action)
{
    const char *session = role->session_name[0] != '\0' ? role->session_name : "sesverify";
    unsigned seconds = role->duration_s != 0 ? role->duration_s : 3600;

    return sv_buf_printf(body, "Action=%s&Version=2011-06-15&DurationSeconds=%u", action,
                         seconds) &&
           add_value(body, "RoleArn", role->arn) && add_value(body, "RoleSessionName", session) &&
           (role->external_id[0] == '\0' || add_value(body, "ExternalId", role->external_id));
}

/* Splits the endpoint: what stands in Host, and the path. */
static void split_sts(const struct sv_plan *plan, char host[256], char url[SV_PLAN_URL_BYTES + 2],
                      const char **path)
{
    const char *at = strstr(plan->sts_url, "://");
    size_t len;

    at = at != NULL ? at + 3 : plan->sts_url;
    len = strcspn(at, "/?#");
    (void)snprintf(host, 256, "%.*s", (int)(len < 255 ? len : 255), at);
    (void)snprintf(url, SV_PLAN_URL_BYTES + 2, "%s%s", plan->sts_url, at[len] == '\0' ? "/" : "");
    *path = url + (at - plan->sts_url) + len;
}

static enum sv_err post_sts(struct sv_fetch *fetch, const struct sv_buf *body, bool is_signed)
{
    const struct sv_plan *plan = fetch->plan;
    struct sv_sigv4_signature signature;
    struct sv_http_header headers[HEADERS] = {
        {"Host", NULL}, {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
    char host[256], url[SV_PLAN_URL_BYTES + 2];
    size_t count = 2;
    struct sv_sigv4_request request = {.method = "POST",
                                       .query = "",
                                       .headers = headers,
                                       .headers_count = count,
                                       .body = sv_buf_str(body),
                                       .body_bytes = body->len,
                                       .region = plan->region,
                                       .service = "sts",
                                       .now = fetch->clock->wall(fetch->clock->context)};

    split_sts(plan, host, url, &request.path);
    headers[0].value = host;
    if (is_signed) {
        struct sv_errinfo info;

        if (sv_sigv4_sign(&request, &fetch->keys, &signature, &info) != SV_OK)
            return wrong(fetch, info.code, info.text);
        headers[count++] = (struct sv_http_header){"X-Amz-Date", signature.date};
        headers[count++] = (struct sv_http_header){"Authorization", signature.authorization};
        if (fetch->keys.session_token[0] != '\0')
            headers[count++] =
                (struct sv_http_header){"X-Amz-Security-Token", fetch->keys.session_token};
    }
    return send_ask(fetch, &(struct sv_http_ask){.method = "POST",
                                                 .url = url,
                                                 .headers = headers,
                                                 .headers_count = count,
                                                 .body = sv_buf_str(body),
                                                 .body_bytes = body->len,
                                                 .total_ms = sts_ms,
                                                 .allow_plain = plan->sts_plain});
}

static enum sv_err ask_sts(struct sv_fetch *fetch)
{
    const struct sv_plan *plan = fetch->plan;
    bool is_web = step_of(fetch) == STEP_WEB_IDENTITY;
    char token[TOKEN_BYTES] = "";
    enum sv_err err = SV_OK;
    struct sv_buf body;
    bool fits;

    sv_buf_init(&body, BODY_BYTES_MAX);
    if (is_web)
        err = read_token(fetch, plan->token_file, token);
    if (is_web)
        fits = add_role(&body, &plan->web_role, "AssumeRoleWithWebIdentity") &&
               add_value(&body, "WebIdentityToken", token);
    else
        fits = add_role(&body, &plan->roles[fetch->roles_left - 1], "AssumeRole");
    if (err == SV_OK && !fits)
        err = wrong(fetch, SV_ETOOBIG, "the question is too long");
    if (err == SV_OK)
        err = post_sts(fetch, &body, !is_web);
    OPENSSL_cleanse(token, sizeof token);
    if (body.data != NULL)
        OPENSSL_cleanse(body.data, body.cap);
    sv_buf_fini(&body);
    return err;
}

/* Answers: each sets the next step, or fails. */

static enum step after_keys(const struct sv_fetch *fetch)
{
    return fetch->roles_left > 0 ? STEP_ROLE : STEP_DONE;
}

static enum sv_err refused(struct sv_fetch *fetch, const struct sv_http_answer *answer)
{
    char code[SV_KEY_ERROR_BYTES] = "", why[128];

    if (step_of(fetch) == STEP_ROLE || step_of(fetch) == STEP_WEB_IDENTITY)
        sv_key_reply_sts_error(answer->body.data, answer->body.len, code);
    fetch->info.native = answer->status;
    (void)snprintf(why, sizeof why, "HTTP %ld %s", answer->status, code);
    if (answer->status == 429 || strcmp(code, "Throttling") == 0)
        return wrong(fetch, SV_ETHROTTLED, why);
    if (answer->status >= 500 || strcmp(code, "IDPCommunicationError") == 0)
        return wrong(fetch, SV_EUNAVAILABLE, why);
    return wrong(fetch, SV_EDENIED, why);
}

static enum sv_err take_one_line(struct sv_fetch *fetch, const struct sv_http_answer *answer,
                                 char *out, size_t bytes)
{
    size_t len = answer->body.len;
    const char *text = sv_buf_str(&answer->body);

    len = strcspn(text, "\r\n") < len ? strcspn(text, "\r\n") : len;
    if (len == 0 || len >= bytes)
        return wrong(fetch, SV_EMALFORMED, "the answer is empty or too long");
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] >= 0x7f)
            return wrong(fetch, SV_EMALFORMED, "the answer holds unprintable characters");
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
        return wrong(fetch, SV_EDENIED, "no token, and AWS_EC2_METADATA_V1_DISABLED is set");
    if (answer->status == 200)
        err = take_one_line(fetch, answer, fetch->imds_token, sizeof fetch->imds_token);
    else if (!only_v1)
        err = refused(fetch, answer);
    fetch->step = STEP_IMDS_ROLE;
    return err;
}

static enum sv_err take_keys(struct sv_fetch *fetch, const struct sv_http_answer *answer)
{
    bool is_sts = step_of(fetch) == STEP_ROLE || step_of(fetch) == STEP_WEB_IDENTITY;
    sv_ms now = fetch->clock->wall(fetch->clock->context);
    struct sv_errinfo info;
    enum sv_err err;

    if (is_sts)
        err = sv_key_reply_sts(answer->body.data, answer->body.len, &fetch->keys, &info);
    else
        err = sv_key_reply_json(sv_buf_str(&answer->body), answer->body.len, &fetch->keys, &info);
    if (err != SV_OK)
        return wrong(fetch, err, info.text);
    /* An instance whose metadata is stale still works, and AWS's own tools go on with it. */
    if (fetch->keys.expires_at <= now && step_of(fetch) == STEP_IMDS_KEYS)
        fetch->keys.expires_at = now + imds_expired_ms + 2 * SV_MINUTE +
                                 (sv_ms)sv_rand_below(fetch->rand, 8 * SV_MINUTE);
    if (fetch->keys.expires_at <= now)
        return wrong(fetch, SV_EDENIED, "the keys have expired already");
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
        return wrong(fetch, SV_ENOTFOUND, "the instance has no role");
    if (answer->status != 200)
        return refused(fetch, answer);
    if (step_of(fetch) != STEP_IMDS_ROLE)
        return take_keys(fetch, answer);
    err = take_one_line(fetch, answer, fetch->imds_role, sizeof fetch->imds_role);
    if (err == SV_OK && strpbrk(fetch->imds_role, "/?#%") != NULL)
        return wrong(fetch, SV_EMALFORMED, "the name of the role holds odd characters");
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
        return wrong(fetch, err,
                     "no answer in time; in a container the instance's hop limit must "
                     "be 2");
    return wrong(fetch, err, fetch->request.info.text);
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
    case SV_PLAN_NOTHING:
        break;
    }
    SV_REQUIRE(false);
    return STEP_DONE;
}

static enum sv_err ask(struct sv_fetch *fetch)
{
    switch (step_of(fetch)) {
    case STEP_CONTAINER:
        return ask_container(fetch);
    case STEP_IMDS_TOKEN:
    case STEP_IMDS_ROLE:
    case STEP_IMDS_KEYS:
        return ask_imds(fetch);
    case STEP_WEB_IDENTITY:
    case STEP_ROLE:
        return ask_sts(fetch);
    case STEP_BASE:
    case STEP_DONE:
        break;
    }
    return SV_OK;
}

static void go(struct sv_fetch *fetch)
{
    enum sv_err err;

    if (step_of(fetch) == STEP_BASE)
        fetch->step = first_step(fetch);
    if (step_of(fetch) == STEP_DONE) {
        if (fetch->keys.expires_at != 0 &&
            fetch->keys.expires_at <= fetch->clock->wall(fetch->clock->context)) {
            finish(fetch, sv_err_set(&fetch->info, SV_EDENIED, "credentials", 0,
                                     "%.60s: the keys have expired already", fetch->plan->source));
            return;
        }
        (void)snprintf(fetch->keys.source, sizeof fetch->keys.source, "%.40s%s",
                       fetch->plan->source, fetch->plan->roles_count > 0 ? ", assumed role" : "");
        finish(fetch, SV_OK);
        return;
    }
    err = ask(fetch);
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
    fetch->canceled = fetch->renewed_token = false;
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
    else
        SV_REQUIRE(uv_timer_start(&fetch->timer, on_timer, 0, 0) == 0);
}

void sv_fetch_close(struct sv_fetch *fetch, uv_close_cb closed)
{
    SV_REQUIRE(!fetch->busy);
    uv_close((uv_handle_t *)&fetch->timer, closed);
}
