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

struct sv_aws_ses {
    struct sv_ses ses;
    struct sv_aws_signer signer;
    struct sv_log *log;
    struct sv_aws_endpoint v1, v2;
    char *region;
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

/* --- start --- */

static enum sv_err hand_over(struct sv_aws_ses *aws, struct sv_ses_call *call,
                             const struct sv_ses_ask *built, struct sv_errinfo *info)
{
    struct transfer *transfer = sv_alloc(1, sizeof *transfer);
    struct sv_aws_ask ask = {
        .endpoint = built->is_v1 ? &aws->v1 : &aws->v2,
        .method = built->method,
        .path = sv_buf_str(&built->path),
        .query = sv_buf_str(&built->query),
        .content_type = built->content_type,
        .body = built->body.data,
        .body_bytes = built->body.len,
    };
    enum sv_err err;

    transfer->call = call;
    err = sv_aws_request_start(&aws->signer, &transfer->request, &ask, on_http, info);
    if (err != SV_OK) {
        free(transfer);
        return err;
    }
    call->transfer = transfer;
    DL_APPEND2(aws->live, call, previous, next);
    return SV_OK;
}

static enum sv_err start(struct sv_ses *ses, struct sv_ses_call *call, sv_ses_done_fn *done,
                         struct sv_errinfo *info)
{
    struct sv_aws_ses *aws = self(ses);
    struct sv_ses_ask ask;
    enum sv_err err;

    if (aws->closing)
        return sv_err_set(info, SV_ECANCELED, "ses", 0, "the adapter is closing");
    call->done = done;
    call->ses = ses;
    call->info = (struct sv_errinfo){.code = SV_OK};
    call->request_id[0] = '\0';
    err = sv_ses_ask_build(call, &ask, info);
    if (err == SV_OK)
        err = hand_over(aws, call, &ask, info);
    sv_ses_ask_fini(&ask);
    return err;
}

/* --- finish --- */

/* A refused signature with a Date far from ours is a matter of clocks; otherwise of keys. */
static enum sv_err blame_clock(struct sv_aws_ses *aws, struct sv_ses_call *call,
                               const struct sv_http_answer *answer, enum sv_err err)
{
    if (!sv_aws_skew_learn(&aws->signer, answer->date))
        return err;
    sv_log_line(aws->log, SV_LOG_WARN, "ses_clock_skew", "our clock differs from that of SES",
                SV_LOG_INT("skew_ms", aws->signer.skew_ms), SV_LOG_STR("region", aws->region));
    return sv_err_set(&call->info, SV_ECLOCK, "ses", answer->status,
                      "%s: our clock is %lld s off, the difference is taken into account from now",
                      sv_ses_op_name(call->op), (long long)(aws->signer.skew_ms / SV_SECOND));
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
    struct sv_aws_endpoint v1, v2;
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
    aws->region = sv_strdup(options->region);
    aws->signer = (struct sv_aws_signer){.http = options->http,
                                         .clock = options->clock,
                                         .credentials = options->credentials,
                                         .region = aws->region,
                                         .service = "ses",
                                         .total_ms = options->total_ms};
    aws->log = options->log;
    aws->v1 = v1;
    aws->v2 = v2;
    SV_REQUIRE(uv_idle_init(sv_http_loop(options->http), &aws->anchor) == 0);
    aws->anchor.data = aws;
    *out = &aws->ses;
    return SV_OK;
}
