#include "visit.h"

#include <stdlib.h>
#include <string.h>

#include "exit.h"
#include "setup.h"
#include "sv/require.h"

const sv_ms sv_visit_patience_ms = 3 * SV_SECOND;

/* "ADDR:PORT" or "[ADDR]:PORT": what could not stand in a URL is no address. */
static bool is_address(const char *text)
{
    const char *colon = strrchr(text, ':');
    size_t host = colon == NULL ? 0 : (size_t)(colon - text);
    char *end;
    long port;

    if (host == 0 || strlen(text) > 100 ||
        strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:[]") !=
            strlen(text) ||
        (memchr(text, ':', host) != NULL && (text[0] != '[' || colon[-1] != ']')))
        return false;
    port = strtol(colon + 1, &end, 10);
    return end > colon + 1 && *end == '\0' && port >= 0 && port <= 65535;
}

int sv_visit_url(const struct sv_args *args, const struct sv_config *config, const char *path,
                 char out[SV_VISIT_URL_BYTES])
{
    const char *given = sv_args_value(args, "port", NULL);
    const char *address = given != NULL ? given : config->status.listen;
    const char *colon = strrchr(address, ':');
    size_t host;

    if (given == NULL && strcmp(address, "off") == 0) {
        sv_setup_complain(args, "the worker has no status port: status.listen is off");
        return SV_EXIT_CONFIG;
    }
    if (!is_address(address)) {
        sv_setup_complain(args, "%s '%.60s' is neither ADDR:PORT nor [ADDR]:PORT",
                          given != NULL ? "--port" : "status.listen", address);
        return given != NULL ? SV_EXIT_USAGE : SV_EXIT_CONFIG;
    }
    if (strcmp(colon, ":0") == 0) {
        sv_setup_complain(args,
                          "the system picks the status port (%s): see the worker's log, and "
                          "say --port",
                          address);
        return given != NULL ? SV_EXIT_USAGE : SV_EXIT_CONFIG;
    }
    host = (size_t)(colon - address);
    if (host == strlen("0.0.0.0") && strncmp(address, "0.0.0.0", host) == 0)
        (void)snprintf(out, SV_VISIT_URL_BYTES, "http://127.0.0.1%s%s", colon, path);
    else if (host == strlen("[::]") && strncmp(address, "[::]", host) == 0)
        (void)snprintf(out, SV_VISIT_URL_BYTES, "http://[::1]%s%s", colon, path);
    else
        (void)snprintf(out, SV_VISIT_URL_BYTES, "http://%s%s", address, path);
    return SV_EXIT_OK;
}

void sv_visit_ask(const char *url, struct sv_http_ask *out)
{
    *out = (struct sv_http_ask){
        .method = "GET",
        .url = url,
        .answer_bytes_max = SV_VISIT_BYTES_MAX,
        .connect_ms = sv_visit_patience_ms,
        .total_ms = sv_visit_patience_ms,
        .allow_plain = true,
    };
}

struct visit {
    bool done;
    long status;
    struct sv_buf *body;
    enum sv_err err;
    struct sv_errinfo *info;
};

static void on_done(struct sv_http_request *request, enum sv_err err,
                    const struct sv_http_answer *answer)
{
    struct visit *visit = request->owner;

    visit->done = true;
    visit->err = err;
    *visit->info = request->info;
    visit->info->code = err;
    if (err != SV_OK)
        return;
    visit->status = answer->status;
    SV_REQUIRE(sv_buf_add(visit->body, sv_buf_str(&answer->body), answer->body.len));
}

static void on_closed(void *context)
{
    (void)context;
}

enum sv_err sv_visit(const char *url, long *status, struct sv_buf *body, struct sv_errinfo *info)
{
    const struct sv_http_options options = {.connections_max = 1};
    struct visit visit = {.body = body, .info = info};
    struct sv_http_request request = {.owner = &visit};
    struct sv_http_ask ask;
    struct sv_http *http;
    uv_loop_t loop;

    *info = (struct sv_errinfo){0};
    sv_buf_init(body, SV_VISIT_BYTES_MAX);
    if (uv_loop_init(&loop) != 0)
        return sv_err_set(info, SV_ESYSTEM, "visit", 0, "the operating system gives no event loop");
    http = sv_http_new(&loop, &options);
    sv_visit_ask(url, &ask);
    visit.err = sv_http_start(http, &request, &ask, on_done, info);
    while (visit.err == SV_OK && !visit.done)
        (void)uv_run(&loop, UV_RUN_ONCE);
    sv_http_close(http, on_closed, NULL);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    SV_REQUIRE(uv_loop_close(&loop) == 0);
    *status = visit.status;
    return visit.err;
}
