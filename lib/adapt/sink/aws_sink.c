/* Topics, queues and buses of AWS.
 *
 * The happy path: deliver writes the request (aws_dialect.c), signs it with the keys of this moment
 * and hands it to the HTTP client; the receipt in the answer says DELIVERED.
 *
 * What can fail: no complete answer, a page that is no receipt, throttling, trouble at AWS, refused
 * keys or permission: LATER, the courier's schedule decides when. A refused signature is first
 * suspected of a wrong clock, as SES's is. What is wrong with the event itself: REFUSED. No such
 * topic, queue or bus: GONE. An event whose answer was lost comes again under the same id. */
#include "sv/aws_sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "aws_parts.h"
#include "desk.h"
#include "sv/alloc.h"
#include "sv/require.h"

struct transfer {
    struct sv_http_request request;
    struct sv_sink_parcel *parcel;
    struct aws_sink *sink;
    struct transfer *prev, *next;
};

struct aws_sink {
    struct sv_sink sink;
    struct sv_sink_desk desk;
    const struct sv_aws_dialect *dialect;
    struct sv_aws_signer signer;
    struct sv_aws_endpoint endpoint;
    struct sv_aws_target target;
    struct sv_log *log;
    struct transfer *live;
};

static struct aws_sink *self(struct sv_sink *sink)
{
    return (struct aws_sink *)sink;
}

static void blame_clock(struct aws_sink *aws, struct sv_sink_parcel *parcel,
                        const struct sv_http_answer *answer)
{
    if (!sv_aws_skew_learn(&aws->signer, answer->date))
        return;
    sv_log_line(aws->log, SV_LOG_WARN, "sink_clock_skew", "our clock differs from that of AWS",
                SV_LOG_STR("sink", aws->sink.name), SV_LOG_INT("skew_ms", aws->signer.skew_ms));
    (void)sv_err_set(&parcel->info, SV_ECLOCK, aws->dialect->service, answer->status,
                     "our clock is %lld s off, the difference is taken into account from now",
                     (long long)(aws->signer.skew_ms / SV_SECOND));
}

static void on_http(struct sv_http_request *request, enum sv_err err,
                    const struct sv_http_answer *answer)
{
    struct transfer *transfer = request->owner;
    struct sv_sink_parcel *parcel = transfer->parcel;
    struct aws_sink *aws = transfer->sink;
    enum sv_sink_outcome outcome = SV_SINK_LATER;
    bool is_signature = false;

    if (err != SV_OK)
        parcel->info = request->info;
    else
        outcome = sv_aws_dialect_read(aws->dialect, answer, parcel, &is_signature);
    if (is_signature)
        blame_clock(aws, parcel, answer);
    DL_DELETE(aws->live, transfer);
    free(transfer);
    sv_sink_desk_answer(&aws->desk, parcel, outcome);
}

static enum sv_err start(struct aws_sink *aws, struct sv_sink_parcel *parcel)
{
    struct transfer *transfer = sv_alloc(1, sizeof *transfer);
    struct sv_aws_ask ask = {.endpoint = &aws->endpoint,
                             .method = "POST",
                             .path = aws->target.path,
                             .query = "",
                             .content_type = aws->dialect->content_type,
                             .target = aws->dialect->header};
    struct sv_buf body;
    enum sv_err err = SV_ETOOBIG;

    *transfer = (struct transfer){.request.owner = transfer, .parcel = parcel, .sink = aws};
    sv_buf_init(&body, SV_AWS_SINK_BODY_BYTES_MAX);
    if (aws->dialect->write(aws->target.text, parcel, &body)) {
        ask.body = body.data;
        ask.body_bytes = body.len;
        err = sv_aws_request_start(&aws->signer, &transfer->request, &ask, on_http, &parcel->info);
    } else {
        (void)sv_err_set(&parcel->info, err, aws->dialect->service, 0,
                         "the event is over the limit of a message");
    }
    sv_buf_fini(&body);
    if (err == SV_OK)
        DL_APPEND(aws->live, transfer);
    else
        free(transfer);
    return err;
}

static void deliver(struct sv_sink *sink, struct sv_sink_parcel *parcel, sv_sink_done_fn *done)
{
    struct aws_sink *aws = self(sink);
    enum sv_err err;

    sv_sink_desk_take(&aws->desk, parcel, done);
    err = start(aws, parcel);
    if (err != SV_OK)
        sv_sink_desk_answer_later(&aws->desk, parcel,
                                  err == SV_ETOOBIG ? SV_SINK_REFUSED : SV_SINK_LATER);
}

static void release(struct sv_sink *sink)
{
    free(self(sink));
}

static void close_sink(struct sv_sink *sink, sv_sink_closed_fn *closed, void *context)
{
    struct aws_sink *aws = self(sink);
    struct transfer *transfer;

    DL_FOREACH(aws->live, transfer)
    sv_http_cancel(&transfer->request);
    sv_sink_desk_close(&aws->desk, closed, context);
}

static const struct sv_sink_kind kinds[] = {
    {.name = "sns", .deliver = deliver, .close = close_sink},
    {.name = "sqs", .deliver = deliver, .close = close_sink},
    {.name = "eventbridge", .deliver = deliver, .close = close_sink},
};

static const struct sv_sink_kind *kind_of(const char *name)
{
    size_t i = 0;

    while (strcmp(kinds[i].name, name) != 0)
        i++; /* every dialect is one of them */
    return &kinds[i];
}

/* The hosts of the government's regions are validated ones already, under their plain name; only
 * those for both IP versions have a name of their own. */
static const char *host_of(const struct sv_aws_dialect *dialect, const char *region,
                           const struct sv_aws_sink_options *options)
{
    bool is_government = strncmp(region, "us-gov-", 7) == 0;

    if (!options->use_fips || (is_government && !options->use_dual_stack))
        return dialect->service;
    return dialect->fips_host;
}

/* An override wins over a queue's own host, and that over the region's. */
static enum sv_err find_endpoint(const struct sv_aws_dialect *dialect,
                                 const struct sv_aws_sink_options *options,
                                 const struct sv_aws_target *target, struct sv_aws_endpoint *out,
                                 struct sv_errinfo *info)
{
    bool is_given = options->endpoint_url != NULL && options->endpoint_url[0] != '\0';
    struct sv_aws_place place = {.url = is_given ? options->endpoint_url : target->origin,
                                 .region = target->region,
                                 .host = host_of(dialect, target->region, options),
                                 .use_dual_stack = options->use_dual_stack};

    if (!is_given && strncmp(target->origin, "http://", 7) == 0)
        return sv_err_set(info, SV_EINVALID, "sink", 0,
                          "queue_url is not encrypted: say so with endpoint_url");
    return sv_aws_endpoint_read(&place, out, info);
}

enum sv_err sv_aws_sink_new(const struct sv_aws_sink_options *options, struct sv_sink **out,
                            struct sv_errinfo *info)
{
    const struct sv_aws_dialect *dialect = sv_aws_dialect_find(options->kind);
    struct sv_aws_target target;
    struct sv_aws_endpoint endpoint;
    struct aws_sink *aws;
    enum sv_err err;

    SV_REQUIRE(dialect != NULL);
    err = sv_aws_target_read(options->kind, options->target, options->region, &target, info);
    if (err == SV_OK)
        err = find_endpoint(dialect, options, &target, &endpoint, info);
    if (err != SV_OK)
        return err;
    aws = sv_alloc(1, sizeof *aws);
    *aws = (struct aws_sink){.sink.kind = kind_of(options->kind),
                             .dialect = dialect,
                             .endpoint = endpoint,
                             .target = target,
                             .log = options->log};
    aws->signer = (struct sv_aws_signer){.http = options->http,
                                         .clock = options->clock,
                                         .credentials = options->credentials,
                                         .region = aws->target.region,
                                         .service = dialect->service,
                                         .total_ms = options->total_ms};
    (void)snprintf(aws->sink.name, sizeof aws->sink.name, "%s", options->name);
    sv_sink_desk_init(&aws->desk, sv_http_loop(options->http), &aws->sink, release);
    *out = &aws->sink;
    return SV_OK;
}
