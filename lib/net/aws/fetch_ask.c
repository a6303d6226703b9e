/* What a fetch asks, and how it says what went wrong. */
#include "fetch_ask.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reply.h"
#include "sso_token.h"
#include "sv/alloc.h"
#include "sv/require.h"

enum { TOKEN_BYTES = 20 * 1024, BODY_BYTES_MAX = 96 * 1024 };

static const sv_ms container_ms = 2 * SV_SECOND;
static const sv_ms sso_ms = 10 * SV_SECOND;

static enum step step_of(const struct sv_fetch *fetch)
{
    return (enum step)fetch->step;
}

sv_ms sv_fetch_now(const struct sv_fetch *fetch)
{
    return fetch->clock->wall(fetch->clock->context) + fetch->skew_ms;
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
    case STEP_PROCESS:
        return "credential_process";
    case STEP_SSO:
        return "SSO";
    case STEP_BASE:
    case STEP_DONE:
        break;
    }
    return "keys";
}

enum sv_err sv_fetch_wrong(struct sv_fetch *fetch, enum sv_err err, const char *why)
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
        return sv_fetch_wrong(fetch, SV_EDENIED, why);
    }
    while (got > 0 && (out[got - 1] == '\n' || out[got - 1] == '\r'))
        got--;
    (void)snprintf(why, sizeof why, "%.90s holds no token of one line", path);
    if (got == 0 || got == TOKEN_BYTES)
        return sv_fetch_wrong(fetch, SV_EMALFORMED, why);
    for (ssize_t i = 0; i < got; i++) {
        if (out[i] < ' ' || out[i] >= 0x7f)
            return sv_fetch_wrong(fetch, SV_EMALFORMED, why);
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
    err = sv_http_start(fetch->http, &fetch->request, ask, fetch->answered, &info);
    fetch->asking = err == SV_OK;
    return err == SV_OK ? SV_OK : sv_fetch_wrong(fetch, err, info.text);
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

static enum sv_err post_sts(struct sv_fetch *fetch, const struct sv_buf *body, bool is_signed)
{
    const struct sv_plan *plan = fetch->plan;
    struct sv_sts_ask ask = {.endpoint = plan->sts_url,
                             .is_plain = plan->sts_plain,
                             .region = plan->region,
                             .keys = is_signed ? &fetch->keys : NULL,
                             .now = sv_fetch_now(fetch),
                             .body = body};
    struct sv_errinfo info = {0};
    enum sv_err err;

    fetch->request.owner = fetch;
    err = sv_sts_start(fetch->http, &fetch->request, &ask, fetch->answered, &info);
    fetch->asking = err == SV_OK;
    return err == SV_OK ? SV_OK : sv_fetch_wrong(fetch, err, info.text);
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
        err = sv_fetch_wrong(fetch, SV_ETOOBIG, "the question is too long");
    if (err == SV_OK)
        err = post_sts(fetch, &body, !is_web);
    OPENSSL_cleanse(token, sizeof token);
    if (body.data != NULL)
        OPENSSL_cleanse(body.data, body.cap);
    sv_buf_fini(&body);
    return err;
}

static enum sv_err read_sso_token(struct sv_fetch *fetch, struct sv_sso_token *out)
{
    int fd = open(fetch->plan->token_file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char *bytes = sv_alloc(1, SV_SSO_FILE_BYTES_MAX + 1);
    ssize_t got = fd < 0 ? -1 : read(fd, bytes, SV_SSO_FILE_BYTES_MAX + 1);
    struct sv_errinfo info = {0};
    enum sv_err err = SV_OK;

    if (fd >= 0)
        (void)close(fd);
    if (got < 0)
        err = sv_fetch_wrong(fetch, SV_EDENIED, "nobody has signed in here; run: aws sso login");
    else if (sv_sso_token_read(bytes, (size_t)got, out, &info) != SV_OK)
        err = sv_fetch_wrong(fetch, info.code, info.text);
    else if (out->expires_at <= sv_fetch_now(fetch))
        err = sv_fetch_wrong(fetch, SV_EDENIED, "the sign-in has expired; run: aws sso login");
    OPENSSL_cleanse(bytes, SV_SSO_FILE_BYTES_MAX + 1);
    free(bytes);
    return err;
}

static enum sv_err ask_sso(struct sv_fetch *fetch)
{
    const struct sv_plan *plan = fetch->plan;
    struct sv_sso_token *token = sv_alloc(1, sizeof *token);
    struct sv_http_header headers[] = {{"Accept", "application/json"},
                                       {"x-amz-sso_bearer_token", token->access_token}};
    struct sv_buf url;
    enum sv_err err;
    bool fits;

    sv_buf_init(&url, sizeof plan->url + 512);
    fits = sv_buf_printf(&url, "%s/federation/credentials?account_id=%s", plan->url,
                         plan->sso_account) &&
           add_value(&url, "role_name", plan->sso_role);
    SV_REQUIRE(fits);
    err = read_sso_token(fetch, token);
    if (err == SV_OK)
        err = send_ask(fetch, &(struct sv_http_ask){.method = "GET",
                                                    .url = sv_buf_str(&url),
                                                    .headers = headers,
                                                    .headers_count = 2,
                                                    .total_ms = sso_ms,
                                                    .allow_plain = plan->url_plain});
    OPENSSL_cleanse(token, sizeof *token);
    free(token);
    sv_buf_fini(&url);
    return err;
}

enum sv_err sv_fetch_ask(struct sv_fetch *fetch, sv_http_done_fn *answered)
{
    fetch->answered = answered;
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
    case STEP_SSO:
        return ask_sso(fetch);
    case STEP_PROCESS:
    case STEP_BASE:
    case STEP_DONE:
        break;
    }
    SV_REQUIRE(false);
    return SV_EINVALID;
}
