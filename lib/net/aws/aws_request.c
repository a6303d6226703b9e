#include "sv/aws_request.h"

#include <string.h>

#include "canonical.h"
#include "sv/require.h"
#include "sv/sigv4.h"

/* The offset from which AWS's own tools blame the clock; services refuse at 5 to 15 minutes. */
#define SKEW_MIN_MS (4 * SV_MINUTE)

enum { URL_BYTES_MAX = 12 * 1024, HEADERS_MAX = 6 };

static sv_ms server_time(const struct sv_aws_signer *signer)
{
    return signer->clock->wall(signer->clock->context) + signer->skew_ms;
}

/* One request on its way out; everything it holds dies with it, since the HTTP client copies. */
struct outgoing {
    struct sv_buf path, url;
    struct sv_http_header headers[HEADERS_MAX];
    size_t headers_count;
    struct sv_sigv4_signature signature;
};

static void add_header(struct outgoing *out, const char *name, const char *value)
{
    SV_REQUIRE(out->headers_count < HEADERS_MAX);
    out->headers[out->headers_count++] = (struct sv_http_header){.name = name, .value = value};
}

static enum sv_err address(const struct sv_aws_signer *signer, const struct sv_aws_ask *ask,
                           struct outgoing *out, struct sv_errinfo *info)
{
    if (!sv_buf_add_str(&out->path, ask->endpoint->prefix) ||
        !sv_buf_add_str(&out->path, ask->path) ||
        !sv_buf_add_str(&out->url, ask->endpoint->origin) ||
        !sv_buf_add_str(&out->url, sv_buf_str(&out->path)) ||
        (ask->query[0] != '\0' && !sv_buf_printf(&out->url, "?%s", ask->query)))
        return sv_err_set(info, SV_EINVALID, signer->service, 0, "the URL is over its limit");
    return SV_OK;
}

/* What cannot be signed was never a valid request; the signer's text says why. */
static enum sv_err refuse(struct sv_errinfo *info)
{
    if (info != NULL)
        info->code = SV_EINVALID;
    return SV_EINVALID;
}

/* What stands in `headers` so far is signed; date, token and signature are added behind it. */
static enum sv_err sign(const struct sv_aws_signer *signer, const struct sv_aws_ask *ask,
                        struct outgoing *out, struct sv_errinfo *info)
{
    struct sv_sigv4_request request = {
        .method = ask->method,
        .path = sv_buf_str(&out->path),
        .query = ask->query,
        .headers = out->headers,
        .headers_count = out->headers_count,
        .body = ask->body != NULL ? ask->body : "",
        .body_bytes = ask->body_bytes,
        .region = signer->region,
        .service = signer->service,
        .now = server_time(signer),
    };

    if (sv_sigv4_sign(&request, signer->credentials, &out->signature, info) != SV_OK)
        return refuse(info);
    add_header(out, "X-Amz-Date", out->signature.date);
    if (signer->credentials->session_token[0] != '\0')
        add_header(out, "X-Amz-Security-Token", signer->credentials->session_token);
    add_header(out, "Authorization", out->signature.authorization);
    return SV_OK;
}

enum sv_err sv_aws_request_start(const struct sv_aws_signer *signer,
                                 struct sv_http_request *request, const struct sv_aws_ask *ask,
                                 sv_http_done_fn *done, struct sv_errinfo *info)
{
    struct outgoing out = {.headers_count = 0};
    enum sv_err err;

    sv_buf_init(&out.path, URL_BYTES_MAX);
    sv_buf_init(&out.url, URL_BYTES_MAX);
    err = address(signer, ask, &out, info);
    add_header(&out, "Host", ask->endpoint->host);
    if (ask->content_type != NULL)
        add_header(&out, "Content-Type", ask->content_type);
    if (ask->target != NULL)
        add_header(&out, "X-Amz-Target", ask->target);
    if (err == SV_OK)
        err = sign(signer, ask, &out, info);
    if (err == SV_OK)
        err = sv_http_start(signer->http, request,
                            &(struct sv_http_ask){.method = ask->method,
                                                  .url = sv_buf_str(&out.url),
                                                  .headers = out.headers,
                                                  .headers_count = out.headers_count,
                                                  .body = ask->body,
                                                  .body_bytes = ask->body_bytes,
                                                  .total_ms = signer->total_ms,
                                                  .allow_plain = ask->endpoint->plain},
                            done, info);
    sv_buf_fini(&out.path);
    sv_buf_fini(&out.url);
    return err;
}

bool sv_aws_skew_learn(struct sv_aws_signer *signer, const char *date)
{
    sv_ms theirs, off;

    if (sv_time_parse_http(date, strlen(date), &theirs) != SV_OK)
        return false;
    off = theirs - server_time(signer);
    if (off > -SKEW_MIN_MS && off < SKEW_MIN_MS)
        return false;
    signer->skew_ms += off;
    return true;
}

bool sv_aws_form_add(struct sv_buf *form, const char *name, const char *value, size_t value_bytes)
{
    return (form->len == 0 || sv_buf_add(form, "&", 1)) && sv_buf_add_str(form, name) &&
           sv_buf_add(form, "=", 1) && sv_canonical_encode(form, value, value_bytes, "");
}
