/* Amazon SES over HTTP, one account in one region.
 *
 * The happy path: start builds the request (ses_request.c), signs it with the keys and the time of
 * this moment, and hands it to the HTTP client; the complete answer is read (ses_reply.c) into the
 * caller's results; done.
 *
 * What can fail: no complete answer (the HTTP client says why); an error document or an HTTP error
 * status (ses_errors.c says what it means for us); a reply we do not understand (SV_EMALFORMED). A
 * refused signature is first suspected of a wrong clock: the reply's Date tells the difference,
 * which is kept for all later calls, and the caller, who holds the permits, calls again.
 */
#include "sv/aws_ses.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "ses_private.h"
#include "sv/alloc.h"
#include "sv/require.h"
#include "sv/sigv4.h"

/* The offset from which AWS's own tools blame the clock; SES refuses at 15 minutes. */
#define SKEW_MIN_MS (4 * SV_MINUTE)

enum { URL_BYTES_MAX = 12 * 1024, HEADERS_MAX = 5 };

struct sv_aws_ses {
    struct sv_ses ses;
    struct sv_http *http;
    const struct sv_clock *clock;
    struct sv_log *log;
    const struct sv_credentials *credentials;
    struct sv_ses_endpoint v1, v2;
    char *region;
    sv_ms total_ms;
    sv_ms skew_ms; /* to add to our clock */
    uint64_t requests[SV_SES_OP_COUNT];
    struct sv_ses_call *live;
    uv_idle_t anchor; /* never started: closing it is how `closed` gets a later turn */
    bool closing;
    sv_ses_closed_fn *closed;
    void *closed_context;
};

struct transfer {
    struct sv_http_request request;
    struct sv_ses_call *call;
};

static void on_http(struct sv_http_request *request, enum sv_err err,
                    const struct sv_http_answer *answer);

static struct sv_aws_ses *self(struct sv_ses *ses)
{
    return (struct sv_aws_ses *)ses;
}

static sv_ms server_time(const struct sv_aws_ses *aws)
{
    return aws->clock->wall(aws->clock->context) + aws->skew_ms;
}

/* --- start --- */

/* One request on its way out; everything it holds dies with it, since the HTTP client copies. */
struct outgoing {
    struct sv_ses_ask ask;
    const struct sv_ses_endpoint *endpoint;
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

static enum sv_err address(const struct sv_aws_ses *aws, const struct sv_ses_call *call,
                           struct outgoing *out, struct sv_errinfo *info)
{
    enum sv_err err = sv_ses_ask_build(call, &out->ask, info);

    if (err != SV_OK)
        return err;
    out->endpoint = out->ask.is_v1 ? &aws->v1 : &aws->v2;
    if (!sv_buf_add_str(&out->path, out->endpoint->prefix) ||
        !sv_buf_add_str(&out->path, sv_buf_str(&out->ask.path)) ||
        !sv_buf_add_str(&out->url, out->endpoint->origin) ||
        !sv_buf_add_str(&out->url, sv_buf_str(&out->path)) ||
        (out->ask.query.len > 0 && !sv_buf_printf(&out->url, "?%s", sv_buf_str(&out->ask.query))))
        return sv_err_set(info, SV_EINVALID, "ses", 0, "the URL is over its limit");
    return SV_OK;
}

/* What cannot be signed was never a valid request; the signer's text says why. */
static enum sv_err refuse(struct sv_errinfo *info)
{
    if (info != NULL)
        info->code = SV_EINVALID;
    return SV_EINVALID;
}

/* Host and Content-Type are signed as given; date, token and signature are added behind them. */
static enum sv_err sign(const struct sv_aws_ses *aws, struct outgoing *out, struct sv_errinfo *info)
{
    const struct sv_credentials *keys = aws->credentials;
    struct sv_sigv4_request request;
    enum sv_err err;

    add_header(out, "Host", out->endpoint->host);
    if (out->ask.content_type != NULL)
        add_header(out, "Content-Type", out->ask.content_type);
    request = (struct sv_sigv4_request){
        .method = out->ask.method,
        .path = sv_buf_str(&out->path),
        .query = sv_buf_str(&out->ask.query),
        .headers = out->headers,
        .headers_count = out->headers_count,
        .body = sv_buf_str(&out->ask.body),
        .body_bytes = out->ask.body.len,
        .region = aws->region,
        .service = "ses",
        .now = server_time(aws),
    };
    err = sv_sigv4_sign(&request, keys, &out->signature, info);
    if (err != SV_OK)
        return refuse(info);
    add_header(out, "X-Amz-Date", out->signature.date);
    if (keys->session_token[0] != '\0')
        add_header(out, "X-Amz-Security-Token", keys->session_token);
    add_header(out, "Authorization", out->signature.authorization);
    return SV_OK;
}

static enum sv_err hand_over(struct sv_aws_ses *aws, struct sv_ses_call *call,
                             const struct outgoing *out, struct sv_errinfo *info)
{
    struct transfer *transfer = sv_alloc(1, sizeof *transfer);
    struct sv_http_ask ask = {
        .method = out->ask.method,
        .url = sv_buf_str(&out->url),
        .headers = out->headers,
        .headers_count = out->headers_count,
        .body = out->ask.body.data,
        .body_bytes = out->ask.body.len,
        .total_ms = aws->total_ms,
        .allow_plain = out->endpoint->plain,
    };
    enum sv_err err;

    transfer->call = call;
    err = sv_http_start(aws->http, &transfer->request, &ask, on_http, info);
    if (err != SV_OK) {
        free(transfer);
        return err;
    }
    call->transfer = transfer;
    DL_APPEND2(aws->live, call, previous, next);
    aws->requests[call->op]++;
    return SV_OK;
}

static enum sv_err start(struct sv_ses *ses, struct sv_ses_call *call, sv_ses_done_fn *done,
                         struct sv_errinfo *info)
{
    struct sv_aws_ses *aws = self(ses);
    struct outgoing out = {.headers_count = 0};
    enum sv_err err;

    if (aws->closing)
        return sv_err_set(info, SV_ECANCELED, "ses", 0, "the adapter is closing");
    sv_buf_init(&out.path, URL_BYTES_MAX);
    sv_buf_init(&out.url, URL_BYTES_MAX);
    call->done = done;
    call->ses = ses;
    call->info = (struct sv_errinfo){.code = SV_OK};
    call->request_id[0] = '\0';
    err = address(aws, call, &out, info);
    if (err == SV_OK)
        err = sign(aws, &out, info);
    if (err == SV_OK)
        err = hand_over(aws, call, &out, info);
    sv_ses_ask_fini(&out.ask);
    sv_buf_fini(&out.path);
    sv_buf_fini(&out.url);
    return err;
}

/* --- finish --- */

/* A refused signature with a Date far from ours is a matter of clocks; otherwise of keys. */
static enum sv_err blame_clock(struct sv_aws_ses *aws, struct sv_ses_call *call,
                               const struct sv_http_answer *answer, enum sv_err err)
{
    sv_ms theirs, off;

    if (sv_time_parse_http(answer->date, strlen(answer->date), &theirs) != SV_OK)
        return err;
    off = theirs - server_time(aws);
    if (off > -SKEW_MIN_MS && off < SKEW_MIN_MS)
        return err;
    aws->skew_ms += off;
    sv_log_line(aws->log, SV_LOG_WARN, "ses_clock_skew", "our clock differs from that of SES",
                SV_LOG_INT("skew_ms", aws->skew_ms), SV_LOG_STR("region", aws->region));
    return sv_err_set(&call->info, SV_ECLOCK, "ses", answer->status,
                      "%s: our clock is %lld s off, the difference is taken into account from now",
                      sv_ses_op_name(call->op), (long long)(aws->skew_ms / SV_SECOND));
}

/* What the HTTP client says, in the words of sv/ses.h: an answer beyond its limits is not one. */
static enum sv_err no_answer(struct sv_ses_call *call, const struct sv_http_request *request,
                             enum sv_err err)
{
    sv_ses_results_forget(call);
    call->denial = SV_SES_DENIAL_NONE;
    call->retry_after_ms = 0;
    call->info = request->info;
    if (err != SV_ETOOBIG)
        return err;
    call->info.code = SV_EMALFORMED;
    return SV_EMALFORMED;
}

static void log_request(const struct sv_aws_ses *aws, const struct sv_ses_call *call,
                        enum sv_err err, const struct sv_http_answer *answer)
{
    sv_log_line(aws->log, SV_LOG_DEBUG, "ses_request", sv_ses_op_name(call->op),
                SV_LOG_STR("domain", call->domains_count == 1 ? call->domains[0] : NULL),
                SV_LOG_INT("domains", call->domains_count), SV_LOG_INT("status", answer->status),
                SV_LOG_INT("duration_ms", answer->duration_ms),
                SV_LOG_STR("request_id", call->request_id),
                SV_LOG_STR("error_code", err != SV_OK ? sv_err_name(err) : NULL));
}

static void on_anchor_closed(uv_handle_t *handle)
{
    struct sv_aws_ses *aws = handle->data;
    sv_ses_closed_fn *closed = aws->closed;
    void *context = aws->closed_context;

    free(aws->region);
    free(aws);
    closed(context);
}

static void close_if_idle(struct sv_aws_ses *aws)
{
    if (aws->closing && aws->live == NULL && !uv_is_closing((uv_handle_t *)&aws->anchor))
        uv_close((uv_handle_t *)&aws->anchor, on_anchor_closed);
}

static void on_http(struct sv_http_request *request, enum sv_err err,
                    const struct sv_http_answer *answer)
{
    struct transfer *transfer = (struct transfer *)request;
    struct sv_ses_call *call = transfer->call;
    struct sv_aws_ses *aws = self(call->ses);
    bool is_signature = false;

    if (err != SV_OK)
        err = no_answer(call, request, err);
    else
        err = sv_ses_reply_read(call, answer, sv_aws_ses_dkim_zone(aws->region), &is_signature);
    if (is_signature)
        err = blame_clock(aws, call, answer, err);
    log_request(aws, call, err, answer);
    DL_DELETE2(aws->live, call, previous, next);
    call->transfer = NULL;
    free(transfer);
    call->done(call, err); /* the call may be gone behind this line */
    close_if_idle(aws);
}

/* --- cancel, close --- */

static void cancel(struct sv_ses_call *call)
{
    struct transfer *transfer = call->transfer;

    if (transfer != NULL) /* NULL: its callback is running right now */
        sv_http_cancel(&transfer->request);
}

static void close_all(struct sv_ses *ses, sv_ses_closed_fn *closed, void *context)
{
    struct sv_aws_ses *aws = self(ses);
    struct sv_ses_call *call;

    SV_REQUIRE(!aws->closing);
    aws->closing = true;
    aws->closed = closed;
    aws->closed_context = context;
    DL_FOREACH2(aws->live, call, next)
    cancel(call);
    close_if_idle(aws);
}

static const struct sv_ses_ops ops = {.start = start, .cancel = cancel, .close = close_all};

enum sv_err sv_aws_ses_new(const struct sv_aws_ses_options *options, struct sv_ses **out,
                           struct sv_errinfo *info)
{
    struct sv_ses_endpoint v1, v2;
    struct sv_aws_ses *aws;
    struct sv_ses_place place = {.url = options->endpoint_v1,
                                 .region = options->region,
                                 .use_fips = options->use_fips,
                                 .use_dual_stack = options->use_dual_stack};
    enum sv_err err = sv_ses_endpoint_read(&place, &v1, info);

    place.url = options->endpoint_v2;
    if (err == SV_OK)
        err = sv_ses_endpoint_read(&place, &v2, info);
    if (err != SV_OK)
        return err;
    aws = sv_alloc(1, sizeof *aws);
    aws->ses.ops = &ops;
    aws->http = options->http;
    aws->clock = options->clock;
    aws->log = options->log;
    aws->credentials = options->credentials;
    aws->total_ms = options->total_ms;
    aws->v1 = v1;
    aws->v2 = v2;
    aws->region = sv_strdup(options->region);
    SV_REQUIRE(uv_idle_init(sv_http_loop(options->http), &aws->anchor) == 0);
    aws->anchor.data = aws;
    *out = &aws->ses;
    return SV_OK;
}

uint64_t sv_aws_ses_requests(const struct sv_ses *ses, enum sv_ses_op op)
{
    SV_REQUIRE((unsigned)op < SV_SES_OP_COUNT);
    return ((const struct sv_aws_ses *)ses)->requests[op];
}
