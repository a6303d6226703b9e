/* Delivers events to one sink and prints one JSON object for each answer:
 *
 *   sink_probe KIND [--NAME VALUE]...        events: JSON lines {id, type, group, client_id, body}
 *
 * All are delivered at once; one that is LATER is delivered again, --attempts times in all. It
 * watches the rules of sv/sink.h and ends with 3 where one is broken. AWS keys come from the
 * environment. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/aws_sink.h"
#include "sv/exec_sink.h"
#include "sv/json.h"
#include "sv/redis_sink.h"
#include "sv/redis_tls.h"
#include "sv/require.h"
#include "sv/stdout_sink.h"

enum { EVENTS_MAX = 256, OPTIONS_MAX = 16, LINE_BYTES_MAX = 256 * 1024 };

struct probe;

struct item {
    struct sv_sink_parcel parcel;
    struct probe *probe;
    json_t *json;
    uv_timer_t timer;
    unsigned attempts;
    bool is_under_way;
};

struct probe {
    uv_loop_t loop;
    struct sv_http *http;
    struct sv_credentials keys;
    struct sv_log *log;
    struct sv_rand rand;
    struct sv_sink *sink;
    struct item items[EVENTS_MAX];
    size_t items_count, open;
    unsigned attempts_max;
    const char *names[OPTIONS_MAX], *values[OPTIONS_MAX];
    size_t options_count;
    uv_timer_t end;
    FILE *answers; /* standard error's neighbour: stdout may be the sink's */
    bool is_delivering, is_closing, is_closed;
};

static const char *option(const struct probe *probe, const char *name)
{
    for (size_t i = 0; i < probe->options_count; i++) {
        if (strcmp(probe->names[i], name) == 0)
            return probe->values[i];
    }
    return NULL;
}

static long long number(const struct probe *probe, const char *name)
{
    const char *value = option(probe, name);

    return value != NULL ? strtoll(value, NULL, 10) : 0;
}

static void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "sink_probe: %s: %s\n", what, why);
    exit(2);
}

static void broken(const char *rule)
{
    (void)fprintf(stderr, "sink_probe: rule broken: %s\n", rule);
    exit(3);
}

static const char *variable(void *context, const char *name)
{
    (void)context;
    return getenv(name);
}

static void on_http_closed(void *context)
{
    ((struct probe *)context)->http = NULL;
}

static void on_closed(void *context)
{
    struct probe *probe = context;

    for (size_t i = 0; i < probe->items_count; i++) {
        if (probe->items[i].is_under_way)
            broken("closed while a parcel is under way");
    }
    probe->is_closed = true;
    if (probe->http != NULL)
        sv_http_close(probe->http, on_http_closed, probe);
}

static void close_sink(struct probe *probe)
{
    if (probe->is_closing)
        return;
    probe->is_closing = true;
    uv_close((uv_handle_t *)&probe->end, NULL);
    for (size_t i = 0; i < probe->items_count; i++)
        uv_close((uv_handle_t *)&probe->items[i].timer, NULL);
    probe->sink->kind->close(probe->sink, on_closed, probe);
    if (probe->is_closed)
        broken("closed from inside close");
}

static void tell(const struct probe *probe, const struct item *item)
{
    static const char *const words[] = {"delivered", "later", "refused", "gone"};
    static const char *const blames[] = {"unknown", "target", "event"};
    const struct sv_sink_parcel *parcel = &item->parcel;
    json_t *out = sv_json_object();
    struct sv_buf text;

    sv_json_set_str(out, "id", parcel->id);
    sv_json_set_int(out, "attempt", item->attempts);
    sv_json_set_str(out, "outcome", words[parcel->outcome]);
    sv_json_set_int(out, "retry_after_ms", parcel->retry_after_ms);
    sv_json_set_str(out, "blame", blames[parcel->blame]);
    if (parcel->outcome != SV_SINK_DELIVERED) {
        sv_json_set_str(out, "err", sv_err_name(parcel->info.code));
        sv_json_set_str(out, "text", parcel->info.text);
    }
    sv_buf_init(&text, 64 * 1024);
    SV_REQUIRE(sv_json_write(out, &text));
    (void)fprintf(probe->answers, "%s\n", sv_buf_str(&text));
    (void)fflush(probe->answers);
    sv_buf_fini(&text);
    json_decref(out);
}

static void deliver(struct item *item);

static void on_again(uv_timer_t *timer)
{
    deliver(timer->data);
}

static void on_done(struct sv_sink_parcel *parcel)
{
    struct item *item = parcel->owner;
    struct probe *probe = item->probe;

    if (probe->is_delivering)
        broken("done from inside deliver");
    if (!item->is_under_way)
        broken("done twice");
    item->is_under_way = false;
    tell(probe, item);
    if (parcel->outcome == SV_SINK_LATER && item->attempts < probe->attempts_max &&
        !probe->is_closing) {
        uint64_t wait = parcel->retry_after_ms > 20 ? (uint64_t)parcel->retry_after_ms : 20;

        SV_REQUIRE(uv_timer_start(&item->timer, on_again, wait, 0) == 0);
        return;
    }
    if (--probe->open == 0)
        close_sink(probe);
}

static void deliver(struct item *item)
{
    struct probe *probe = item->probe;

    item->attempts++;
    item->is_under_way = true;
    probe->is_delivering = true;
    probe->sink->kind->deliver(probe->sink, &item->parcel, on_done);
    probe->is_delivering = false;
}

static void on_end(uv_timer_t *timer)
{
    close_sink(timer->data);
}

static void read_events(struct probe *probe)
{
    char *line = sv_alloc(1, LINE_BYTES_MAX);

    while (probe->items_count < EVENTS_MAX && fgets(line, LINE_BYTES_MAX, stdin) != NULL) {
        struct item *item = &probe->items[probe->items_count++];
        struct sv_errinfo info;

        item->probe = probe;
        item->json = sv_json_parse(line, strlen(line), LINE_BYTES_MAX, 8, &info);
        if (item->json == NULL)
            die("event", info.text);
        item->parcel = (struct sv_sink_parcel){
            .id = sv_json_str(item->json, "id"),
            .type = sv_json_str(item->json, "type"),
            .group = sv_json_str(item->json, "group"),
            .client_id = sv_json_str(item->json, "client_id"),
            .body = sv_json_str(item->json, "body"),
            .content_type = "application/json",
            .owner = item,
        };
        item->parcel.body_bytes = strlen(item->parcel.body);
        SV_REQUIRE(uv_timer_init(&probe->loop, &item->timer) == 0);
        item->timer.data = item;
    }
    free(line);
    probe->open = probe->items_count;
}

static enum sv_err make_aws(struct probe *probe, const char *kind, struct sv_errinfo *info)
{
    struct sv_aws_sink_options options = {
        .name = "probe",
        .kind = kind,
        .target = option(probe, "--target"),
        .region = option(probe, "--region"),
        .clock = sv_clock_system(),
        .log = probe->log,
        .credentials = &probe->keys,
        .endpoint_url = option(probe, "--endpoint"),
        .total_ms = number(probe, "--timeout-ms"),
    };

    if (sv_credentials_load(NULL, variable, NULL, &probe->keys, info) != SV_OK)
        return info->code;
    probe->http = sv_http_new(&probe->loop, &(struct sv_http_options){.ca_file = NULL});
    options.http = probe->http;
    return sv_aws_sink_new(&options, &probe->sink, info);
}

static enum sv_err make_redis(struct probe *probe, struct sv_errinfo *info)
{
    struct sv_redis_options redis = {.log = probe->log,
                                     .rand = &probe->rand,
                                     .command_ms = number(probe, "--timeout-ms"),
                                     .connect_ms = number(probe, "--timeout-ms")};
    struct sv_redis_sink_options options = {.name = "probe",
                                            .redis = &redis,
                                            .loop = &probe->loop,
                                            .stream = option(probe, "--stream"),
                                            .entries_max = (uint64_t)number(probe, "--maxlen")};
    enum sv_err err = sv_redis_address_parse(option(probe, "--url"), &redis.address, info);

    if (err == SV_OK && redis.address.tls)
        options.tls = sv_redis_tls_new(
            &(struct sv_redis_tls_settings){.ca_file = option(probe, "--ca-file")});
    if (err == SV_OK)
        probe->sink = sv_redis_sink_new(&options);
    return err;
}

static enum sv_err make_exec(struct probe *probe, struct sv_errinfo *info)
{
    struct sv_exec_sink_options options = {.name = "probe",
                                           .loop = &probe->loop,
                                           .log = probe->log,
                                           .command = option(probe, "--command"),
                                           .answer_ms = number(probe, "--timeout-ms"),
                                           .restart_first_ms = number(probe, "--restart-ms")};

    return sv_exec_sink_new(&options, &probe->sink, info);
}

static enum sv_err make(struct probe *probe, const char *kind, struct sv_errinfo *info)
{
    if (strcmp(kind, "redis") == 0)
        return make_redis(probe, info);
    if (strcmp(kind, "exec") == 0)
        return make_exec(probe, info);
    if (strcmp(kind, "stdout") != 0)
        return make_aws(probe, kind, info);
    probe->answers = stderr;
    probe->sink = sv_stdout_sink_new(
        &(struct sv_stdout_sink_options){.name = "probe", .loop = &probe->loop, .fd = 1});
    return SV_OK;
}

int main(int argc, char **argv)
{
    struct probe *probe = sv_alloc(1, sizeof *probe);
    struct sv_errinfo info = {.text = ""};
    int code;

    (void)signal(SIGPIPE, SIG_IGN);
    if (argc < 2)
        return 2;
    for (int i = 2; i + 1 < argc && probe->options_count < OPTIONS_MAX; i += 2) {
        probe->names[probe->options_count] = argv[i];
        probe->values[probe->options_count++] = argv[i + 1];
    }
    SV_REQUIRE(uv_loop_init(&probe->loop) == 0 && uv_timer_init(&probe->loop, &probe->end) == 0);
    probe->end.data = probe;
    probe->answers = stdout;
    probe->log = sv_log_new(2, SV_LOG_JSON, SV_LOG_WARN, sv_clock_system());
    sv_rand_seeded_init(&probe->rand, 1);
    probe->attempts_max = (unsigned)number(probe, "--attempts");
    if (make(probe, argv[1], &info) != SV_OK)
        die(sv_err_name(info.code), info.text);
    read_events(probe);
    if (option(probe, "--close-after-ms") != NULL)
        SV_REQUIRE(uv_timer_start(&probe->end, on_end, (uint64_t)number(probe, "--close-after-ms"),
                                  0) == 0);
    for (size_t i = 0; i < probe->items_count; i++)
        deliver(&probe->items[i]);
    if (probe->items_count == 0)
        close_sink(probe);
    (void)uv_run(&probe->loop, UV_RUN_DEFAULT);
    code = probe->is_closed && uv_loop_close(&probe->loop) == 0 ? 0 : 3;
    for (size_t i = 0; i < probe->items_count; i++)
        json_decref(probe->items[i].json);
    sv_credentials_wipe(&probe->keys);
    sv_log_free(probe->log);
    free(probe);
    return code;
}
