#include "sv/webhook.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/http.h"
#include "sv/http_url.h"
#include "sv/require.h"
#include "sv/vault.h"

/* The story: an attempt is one POST over a connection of its own, so that the address is looked up
 * and judged each time (W1): between a check and its use a name may come to lead elsewhere. What
 * cannot even be started ends from a timer: `done` never comes from inside deliver. Secrets are in
 * this struct only, and wiped with it. */

enum {
    HEADERS = 4,
    SIGNATURES_BYTES = SV_WEBHOOK_KEYS_MAX * (SV_WEBHOOK_SIGNATURE_BYTES + 1),
};

struct webhook {
    struct sv_sink base; /* first */
    struct sv_webhook_options options;
    char *url;
    struct sv_http *http;
    uv_timer_t timer;
    struct attempt *ended; /* without a request */
    sv_sink_closed_fn *closed;
    void *closed_context;
};

struct attempt { /* parcel->transfer */
    struct sv_http_request request;
    struct webhook *webhook;
    struct sv_sink_parcel *parcel;
    struct attempt *next;
};

/* --- the address --- */

/* A url that only the HTTP client refused would be taken for the fault of every event; one that it
 * reads otherwise than a person does (encoded names, backslashes) was not meant so. */
bool sv_webhook_url_is_fine(const char *url, const uint16_t *ports, size_t ports_count)
{
    static const char scheme[] = "https://", names[] = "abcdefghijklmnopqrstuvwxyz"
                                                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
    const char *authority = url + sizeof(scheme) - 1;
    struct sv_http_url read;

    if (strncmp(url, scheme, sizeof(scheme) - 1) != 0 || strchr(url, '\\') != NULL ||
        authority[strcspn(authority, "%/?")] == '%' || sv_http_url_read(url, &read, NULL) != SV_OK)
        return false;
    if (read.host[0] != '[' && read.host[strspn(read.host, names)] != '\0')
        return false;
    for (size_t i = 0; i < ports_count; i++) {
        if (ports[i] == read.port)
            return true;
    }
    return false;
}

/* Asked at each connect, with what the name leads to now. */
static bool may_connect(void *context, const struct sockaddr *address)
{
    const struct webhook *webhook = context;

    for (size_t i = 0; i < webhook->options.allowed_count; i++) {
        if (sv_network_has(&webhook->options.allowed[i], address))
            return true;
    }
    return sv_sockaddr_is_public(address);
}

/* --- how it went --- */

static void end(struct attempt *attempt)
{
    struct sv_sink_parcel *parcel = attempt->parcel;

    parcel->transfer = NULL;
    free(attempt);
    parcel->done(parcel);
}

static void on_timer(uv_timer_t *timer)
{
    struct webhook *webhook = timer->data;

    while (webhook->ended != NULL) {
        struct attempt *attempt = webhook->ended;

        webhook->ended = attempt->next;
        end(attempt);
    }
}

/* Seconds, or a date (RFC 9110 section 10.2.3); 0 for anything else. */
static sv_ms read_retry_after(const struct webhook *webhook, const char *text)
{
    size_t len = strlen(text);
    sv_ms at, now;

    if (len > 0 && len <= 9 && strspn(text, "0123456789") == len)
        return strtoll(text, NULL, 10) * SV_SECOND;
    now = webhook->options.clock->wall(webhook->options.clock->context);
    return sv_time_parse_http(text, len, &at) == SV_OK && at > now ? at - now : 0;
}

/* The target has more than it can take, whatever the event. */
static bool is_overload(long status)
{
    return status == 429 || status == 502 || status == 503 || status == 504;
}

static void judge(const struct webhook *webhook, struct sv_sink_parcel *parcel,
                  const struct sv_http_answer *answer)
{
    const char *said = answer->status == 410 ? "it is gone: it wants nothing any more"
                       : answer->status >= 300 && answer->status < 400
                           ? "a redirect, which is not followed"
                           : "not 2xx";

    if (answer->status >= 200 && answer->status < 300) {
        parcel->outcome = SV_SINK_DELIVERED;
        return;
    }
    parcel->outcome = answer->status == 410 ? SV_SINK_GONE : SV_SINK_LATER;
    parcel->retry_after_ms = read_retry_after(webhook, answer->retry_after);
    if (is_overload(answer->status))
        parcel->blame = SV_SINK_BLAME_TARGET;
    (void)sv_err_set(&parcel->info, SV_EUNAVAILABLE, "webhook", answer->status, "answered %ld: %s",
                     answer->status, said);
}

static void on_answer(struct sv_http_request *request, enum sv_err err,
                      const struct sv_http_answer *answer)
{
    struct attempt *attempt = request->owner;

    if (err == SV_OK) {
        judge(attempt->webhook, attempt->parcel, answer);
    } else {
        attempt->parcel->outcome = SV_SINK_LATER;
        attempt->parcel->info = request->info;
        attempt->parcel->info.code = err;
    }
    end(attempt);
}

/* --- the attempt --- */

static void sign(const struct webhook *webhook, const struct sv_sink_parcel *parcel,
                 int64_t timestamp_s, char out[SIGNATURES_BYTES])
{
    size_t at = 0;

    out[0] = '\0';
    for (size_t i = 0; i < webhook->options.keys_count; i++) {
        if (i > 0)
            out[at++] = ' ';
        sv_webhook_sign(&webhook->options.keys[i], parcel->id, timestamp_s, parcel->body,
                        parcel->body_bytes, out + at);
        at += strlen(out + at);
    }
}

static enum sv_err post_it(struct attempt *attempt, struct sv_errinfo *info)
{
    struct webhook *webhook = attempt->webhook;
    const struct sv_sink_parcel *parcel = attempt->parcel;
    const struct sv_clock *clock = webhook->options.clock;
    int64_t timestamp_s = clock->wall(clock->context) / SV_SECOND;
    char timestamp[24], signatures[SIGNATURES_BYTES];
    struct sv_http_header headers[HEADERS] = {
        {"content-type", parcel->content_type},
        {"webhook-id", parcel->id},
        {"webhook-timestamp", timestamp},
        {"webhook-signature", signatures},
    };
    struct sv_http_ask ask = {
        .method = "POST",
        .url = webhook->url,
        .headers = headers,
        .headers_count = webhook->options.keys_count > 0 ? HEADERS : HEADERS - 1,
        .body = parcel->body,
        .body_bytes = parcel->body_bytes,
        .total_ms = webhook->options.timeout_ms,
        .address_allowed = may_connect,
        .address_context = webhook,
    };

    (void)snprintf(timestamp, sizeof(timestamp), "%" PRId64, timestamp_s);
    sign(webhook, parcel, timestamp_s, signatures);
    attempt->request.owner = attempt;
    return sv_http_start(webhook->http, &attempt->request, &ask, on_answer, info);
}

static void deliver(struct sv_sink *sink, struct sv_sink_parcel *parcel, sv_sink_done_fn *done)
{
    struct webhook *webhook = (struct webhook *)sink;
    struct attempt *attempt = sv_alloc(1, sizeof(*attempt));
    enum sv_err err;

    SV_REQUIRE(webhook->closed == NULL);
    attempt->webhook = webhook;
    attempt->parcel = parcel;
    parcel->transfer = attempt;
    parcel->done = done;
    parcel->retry_after_ms = 0;
    parcel->blame = SV_SINK_BLAME_UNKNOWN;
    parcel->info = (struct sv_errinfo){.code = SV_OK};
    err = post_it(attempt, &parcel->info);
    if (err == SV_OK)
        return;
    /* The url was checked at the start: it can only be the event's id, which fits no header. */
    parcel->outcome = err == SV_EINVALID ? SV_SINK_REFUSED : SV_SINK_LATER;
    attempt->next = webhook->ended;
    webhook->ended = attempt;
    (void)uv_timer_start(&webhook->timer, on_timer, 0, 0);
}

/* --- life --- */

static void on_timer_closed(uv_handle_t *handle)
{
    struct webhook *webhook = handle->data;
    sv_sink_closed_fn *closed = webhook->closed;
    void *context = webhook->closed_context;

    sv_vault_free(webhook->url, strlen(webhook->url) + 1);
    sv_vault_free(webhook, sizeof(*webhook));
    closed(context);
}

static void on_http_closed(void *context)
{
    struct webhook *webhook = context;

    on_timer(&webhook->timer);
    uv_close((uv_handle_t *)&webhook->timer, on_timer_closed);
}

static void close_webhook(struct sv_sink *sink, sv_sink_closed_fn *closed, void *context)
{
    struct webhook *webhook = (struct webhook *)sink;

    SV_REQUIRE(webhook->closed == NULL && closed != NULL);
    webhook->closed = closed;
    webhook->closed_context = context;
    sv_http_close(webhook->http, on_http_closed, webhook);
}

enum sv_err sv_webhook_new(const struct sv_webhook_options *options, struct sv_sink **out,
                           struct sv_errinfo *info)
{
    static const struct sv_sink_kind kind = {
        .name = "webhook", .deliver = deliver, .close = close_webhook};
    struct sv_http_options http = {
        .ca_file = options->ca_file != NULL && *options->ca_file != '\0' ? options->ca_file : NULL,
        .connections_max = options->parallel,
        .requests_max = options->parallel,
    };
    struct webhook *webhook;

    if (!sv_webhook_url_is_fine(options->url, options->ports, options->ports_count))
        return sv_err_set(info, SV_EINVALID, "webhook", 0,
                          "sink %s: url must be https://host[:port]/..., without a user, and the "
                          "port one of `ports`",
                          options->name);
    webhook = sv_vault_alloc(sizeof(*webhook)); /* with the keys that sign */
    webhook->base.kind = &kind;
    (void)snprintf(webhook->base.name, sizeof(webhook->base.name), "%s", options->name);
    webhook->options = *options;
    webhook->options.name = webhook->base.name;
    webhook->url = sv_vault_alloc(strlen(options->url) + 1); /* it may be a secret, too */
    memcpy(webhook->url, options->url, strlen(options->url));
    webhook->http = sv_http_new(options->loop, &http);
    (void)uv_timer_init(options->loop, &webhook->timer); /* cannot fail */
    webhook->timer.data = webhook;
    *out = &webhook->base;
    return SV_OK;
}
