#include "monitor.h"

#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "figures.h"
#include "pages.h"
#include "status_json.h"
#include "sv/alloc.h"
#include "sv/json.h"
#include "sv/require.h"
#include "sv/status_port.h"

static const sv_ms turn_ms = 500; /* how often the loop's lateness is measured, and such */
static const sv_ms redis_gone_after_ms = 10 * SV_SECOND; /* M1 */

struct sv_monitor {
    struct sv_monitor_options options;
    enum sv_monitor_phase phase;
    struct sv_status_port *port; /* NULL = none */
    struct sv_pages *pages;
    uv_timer_t turn;
    sv_ms started_at;       /* wall clock */
    sv_ms due_mono;         /* when `turn` should ring */
    sv_ms redis_ready_mono; /* Redis was last seen ready; 0 = never */
    unsigned open;          /* parts not yet closed */
    sv_monitor_closed_fn *closed;
    void *closed_context;
};

static sv_ms monotonic(const struct sv_monitor *monitor)
{
    return monitor->options.clock->monotonic(monitor->options.clock->context);
}

static bool is_redis_there(struct sv_monitor *monitor)
{
    const struct sv_wire *wire = monitor->options.wire;

    if (wire->store != NULL && sv_store_is_ready(wire->store))
        monitor->redis_ready_mono = monotonic(monitor);
    return monitor->redis_ready_mono != 0 &&
           monotonic(monitor) - monitor->redis_ready_mono < redis_gone_after_ms;
}

static void on_turn(uv_timer_t *timer)
{
    struct sv_monitor *monitor = timer->data;
    sv_ms now = monotonic(monitor), late_ms = now - monitor->due_mono;

    sv_metrics_observe(monitor->options.metrics, SV_METRIC_LOOP_LAG, (double)late_ms / 1000,
                       SV_LABELS());
    (void)is_redis_there(monitor);
    sv_log_settle(monitor->options.log);
    monitor->due_mono = now + turn_ms;
    (void)uv_timer_start(timer, on_turn, (uint64_t)turn_ms, 0);
}

/* ---- pages ---- */

static const char type_of_text[] = "text/plain; charset=utf-8";
static const char type_of_json[] = "application/json";

struct page {
    struct sv_status_request *request;
    struct sv_monitor *monitor;
    unsigned code;
    const char *type;
    struct sv_buf body;
};

static const char *phase_name(enum sv_monitor_phase phase)
{
    switch (phase) {
    case SV_MONITOR_STARTING:
        return "starting";
    case SV_MONITOR_RUNNING:
        return "running";
    case SV_MONITOR_DRAINING:
        return "draining";
    }
    return "starting";
}

/* Whoever reads this was answered by the loop: it turns. */
static bool show_livez(struct page *page)
{
    return sv_buf_add_str(&page->body, "ok\n");
}

static bool show_readyz(struct page *page)
{
    struct sv_monitor *monitor = page->monitor;
    bool is_started = monitor->phase != SV_MONITOR_STARTING;
    bool is_staying = monitor->phase != SV_MONITOR_DRAINING;
    bool is_redis = is_redis_there(monitor);

    if (!is_started || !is_staying || !is_redis)
        page->code = 503;
    return sv_buf_printf(&page->body, "%s started%s\n%s not draining\n%s redis %s\n",
                         is_started ? "[+]" : "[-]", is_started ? "" : ": still preparing",
                         is_staying ? "[+]" : "[-]", is_redis ? "[+]" : "[-]",
                         is_redis ? "answers" : monitor->options.wire->redis_address);
}

static void set_dns(struct sv_monitor *monitor)
{
    struct sv_dns_stats stats;

    if (monitor->options.wire->dns == NULL)
        return;
    sv_dns_stats(monitor->options.wire->dns, &stats);
    sv_metrics_set(monitor->options.metrics, SV_METRIC_DNS_REJECTED, (double)stats.mismatches,
                   SV_LABELS("mismatch"));
    sv_metrics_set(monitor->options.metrics, SV_METRIC_DNS_REJECTED, (double)stats.malformed,
                   SV_LABELS("malformed"));
}

static bool show_metrics(struct page *page)
{
    struct sv_monitor *monitor = page->monitor;
    struct sv_metrics *metrics = monitor->options.metrics;

    sv_metrics_set(metrics, SV_METRIC_BUILD_INFO, 1, SV_LABELS(SV_VERSION, sv_commit));
    sv_metrics_set(metrics, SV_METRIC_LOG_DROPPED, (double)sv_log_dropped(monitor->options.log),
                   SV_LABELS());
    sv_figures_set(metrics);
    set_dns(monitor);
    if (monitor->options.wire->drive != NULL)
        sv_drive_measure(monitor->options.wire->drive);
    page->type = "text/plain; version=0.0.4; charset=utf-8";
    return sv_metrics_render(metrics, &page->body);
}

/* The figures of the shards are asked for; they are told the next time. */
static json_t *measure_status(const struct page *page)
{
    struct sv_monitor *monitor = page->monitor;
    const struct sv_monitor_options *options = &monitor->options;
    struct sv_status_source source = {.config = options->config,
                                      .wire = options->wire,
                                      .metrics = options->metrics,
                                      .phase = phase_name(monitor->phase),
                                      .redis_ready = is_redis_there(monitor),
                                      .names = sv_pages_may_name(options->config, page->request),
                                      .now = options->clock->wall(options->clock->context),
                                      .started_at = monitor->started_at};

    if (options->wire->drive != NULL)
        sv_drive_measure(options->wire->drive);
    return sv_status_json(&source);
}

static bool show_status(struct page *page)
{
    json_t *out = measure_status(page);
    bool fits = sv_json_write(out, &page->body) && sv_buf_add_str(&page->body, "\n");

    page->type = type_of_json;
    json_decref(out);
    return fits;
}

static bool show_front(struct page *page)
{
    json_t *status = measure_status(page);
    bool fits = sv_pages_front(status, &page->body);

    page->type = "text/html; charset=utf-8";
    json_decref(status);
    return fits;
}

static bool show_nothing(struct page *page)
{
    page->code = 404;
    return sv_buf_add_str(&page->body,
                          "no such page; there are / /livez /readyz /status /metrics /events "
                          "/domains\n");
}

static void on_ask(void *context, struct sv_status_request *request)
{
    static const struct {
        const char *path;
        bool (*show)(struct page *page);
    } pages[] = {{"/", show_front},
                 {"/livez", show_livez},
                 {"/readyz", show_readyz},
                 {"/status", show_status},
                 {"/metrics", show_metrics}};
    struct page page = {.request = request, .monitor = context, .code = 200, .type = type_of_text};
    bool (*show)(struct page *) = show_nothing;

    if (sv_pages_ask(page.monitor->pages, request))
        return;
    sv_buf_init(&page.body, SV_STATUS_BODY_BYTES_MAX);
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        if (strcmp(sv_status_request_path(request), pages[i].path) == 0)
            show = pages[i].show;
    }
    if (!show(&page)) {
        page.code = 500;
        sv_buf_clear(&page.body);
    }
    sv_status_answer(request, page.code, page.type, &page.body);
    sv_buf_fini(&page.body);
}

/* ---- life ---- */

static void open_port(struct sv_monitor *monitor)
{
    struct sv_status_port_options options = {.loop = monitor->options.loop,
                                             .listen = monitor->options.config->status.listen,
                                             .on_ask = on_ask,
                                             .context = monitor};
    struct sv_errinfo info;

    if (strcmp(options.listen, "off") == 0)
        return;
    if (sv_status_port_new(&options, &monitor->port, &info) != SV_OK) {
        sv_log_failure(monitor->options.log, SV_LOG_ERROR, "status_port_failed", NULL, &info);
        return;
    }
    monitor->open++;
    sv_log_line(monitor->options.log, SV_LOG_INFO, "status_port", "listening",
                SV_LOG_STR("address", sv_status_port_address(monitor->port)));
}

struct sv_monitor *sv_monitor_new(const struct sv_monitor_options *options)
{
    struct sv_monitor *monitor = sv_alloc(1, sizeof *monitor);
    const struct sv_pages_options pages = {
        .config = options->config, .clock = options->clock, .wire = options->wire};

    monitor->options = *options;
    SV_REQUIRE(uv_timer_init(options->loop, &monitor->turn) == 0);
    monitor->turn.data = monitor;
    monitor->open = 1;
    monitor->started_at = options->clock->wall(options->clock->context);
    monitor->due_mono = monotonic(monitor) + turn_ms;
    SV_REQUIRE(uv_timer_start(&monitor->turn, on_turn, (uint64_t)turn_ms, 0) == 0);
    monitor->pages = sv_pages_new(&pages);
    open_port(monitor);
    return monitor;
}

void sv_monitor_set_phase(struct sv_monitor *monitor, enum sv_monitor_phase phase)
{
    monitor->phase = phase;
}

static void on_part_closed(struct sv_monitor *monitor)
{
    sv_monitor_closed_fn *closed = monitor->closed;
    void *context = monitor->closed_context;

    if (--monitor->open > 0)
        return;
    sv_pages_free(monitor->pages);
    free(monitor);
    closed(context);
}

static void on_turn_closed(uv_handle_t *handle)
{
    on_part_closed(handle->data);
}

static void on_port_closed(void *context)
{
    on_part_closed(context);
}

void sv_monitor_close(struct sv_monitor *monitor, sv_monitor_closed_fn *closed, void *context)
{
    monitor->closed = closed;
    monitor->closed_context = context;
    sv_pages_stop(monitor->pages);
    if (monitor->port != NULL)
        sv_status_port_close(monitor->port, on_port_closed, monitor);
    uv_close((uv_handle_t *)&monitor->turn, on_turn_closed);
}
