#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sandbox.h"
#include "sv/alloc.h"
#include "sv/require.h"

/* Start: options, zone, DNS, looker, HTTP, ready line. End: SIGTERM, SIGINT or the end of standard
 * input close every handle; the loop then has nothing left to do. */

enum { EXIT_USAGE = 64, EXIT_START = 1 };

struct program {
    struct sandbox sandbox;
    uv_signal_t on_term, on_int, on_hup;
    uv_poll_t on_stdin;
    bool watches_stdin;
};

static void stop(struct program *program)
{
    struct sandbox *sandbox = &program->sandbox;

    if (uv_is_closing((uv_handle_t *)&program->on_term))
        return;
    uv_close((uv_handle_t *)&program->on_term, NULL);
    uv_close((uv_handle_t *)&program->on_int, NULL);
    uv_close((uv_handle_t *)&program->on_hup, NULL);
    if (program->watches_stdin)
        uv_close((uv_handle_t *)&program->on_stdin, NULL);
    sb_http_close(sandbox->ses);
    sb_http_close(sandbox->control);
    sb_looker_close(sandbox->looker);
    sb_dns_server_close(sandbox->dns);
}

static void on_stop_signal(uv_signal_t *signal, int number)
{
    (void)number;
    stop(signal->data);
}

static void on_hup_signal(uv_signal_t *signal, int number)
{
    struct program *program = signal->data;
    struct sv_errinfo info = {0};

    (void)number;
    if (sb_sandbox_reload(&program->sandbox, &info) != SV_OK)
        (void)fprintf(stderr, "sesverify-sandbox: old records kept: %s\n", info.text);
}

static void on_stdin_ready(uv_poll_t *poll, int status, int events)
{
    char bytes[256];

    (void)events;
    if (status != 0 || read(STDIN_FILENO, bytes, sizeof bytes) <= 0)
        stop(poll->data);
}

static void watch_signals(struct program *program)
{
    uv_loop_t *loop = &program->sandbox.loop;

    SV_REQUIRE(uv_signal_init(loop, &program->on_term) == 0 &&
               uv_signal_init(loop, &program->on_int) == 0 &&
               uv_signal_init(loop, &program->on_hup) == 0);
    program->on_term.data = program->on_int.data = program->on_hup.data = program;
    SV_REQUIRE(uv_signal_start(&program->on_term, on_stop_signal, SIGTERM) == 0);
    SV_REQUIRE(uv_signal_start(&program->on_int, on_stop_signal, SIGINT) == 0);
    SV_REQUIRE(uv_signal_start(&program->on_hup, on_hup_signal, SIGHUP) == 0);
}

static enum sv_err watch_stdin(struct program *program, struct sv_errinfo *info)
{
    int err;

    if (!program->sandbox.options.exit_with_stdin)
        return SV_OK;
    err = uv_poll_init(&program->sandbox.loop, &program->on_stdin, STDIN_FILENO);
    if (err != 0)
        return sv_err_set(info, SV_EINVALID, "main", err,
                          "--exit-with-stdin needs a pipe or terminal: %s", uv_strerror(err));
    program->watches_stdin = true;
    program->on_stdin.data = program;
    SV_REQUIRE(uv_poll_start(&program->on_stdin, UV_READABLE | UV_DISCONNECT, on_stdin_ready) == 0);
    return SV_OK;
}

static enum sv_err start_dns(struct sandbox *sandbox, struct sv_errinfo *info)
{
    struct sb_options *options = &sandbox->options;

    if (sb_sandbox_reload(sandbox, info) != SV_OK)
        return info->code;
    if (options->has_dns_listen || !options->has_dns) {
        sandbox->dns = sb_dns_server_new(&sandbox->loop, (struct sockaddr *)&options->dns_listen,
                                         (struct sb_dns_data){&sandbox->zone, &sandbox->others},
                                         &sandbox->dns_faults, &sandbox->clock, info);
        if (sandbox->dns == NULL)
            return info->code;
    }
    if (!options->has_dns)
        return sb_address_parse(sb_dns_server_address(sandbox->dns), &options->dns, info);
    return SV_OK;
}

static enum sv_err start(struct program *program, struct sv_errinfo *info)
{
    struct sandbox *sandbox = &program->sandbox;
    struct sb_options *options = &sandbox->options;

    if (sb_record_open(&sandbox->record, info) != SV_OK || watch_stdin(program, info) != SV_OK ||
        start_dns(sandbox, info) != SV_OK)
        return info->code;
    sandbox->looker =
        sb_looker_new(&sandbox->loop, &sandbox->clock, &sandbox->stores, &sandbox->permissions,
                      (struct sockaddr *)&options->dns, options->look_every_ms);
    sandbox->ses = sb_http_new(&sandbox->loop, (struct sockaddr *)&options->listen, sb_api_handle,
                               sandbox, info);
    if (sandbox->ses == NULL)
        return info->code;
    sandbox->control = sb_http_new(&sandbox->loop, (struct sockaddr *)&options->control,
                                   sb_control_handle, sandbox, info);
    return sandbox->control == NULL ? info->code : SV_OK;
}

static void announce(const struct sandbox *sandbox)
{
    char dns[SB_ADDRESS_BYTES];

    sb_address_format((const struct sockaddr *)&sandbox->options.dns, dns);
    (void)printf("{\"schema\":\"sesverify.sandbox.ready.v1\",\"ses\":\"http://%s\",\"dns\":\"%s\","
                 "\"control\":\"http://%s\",\"pid\":%ld}\n",
                 sb_http_address(sandbox->ses),
                 sandbox->dns == NULL ? dns : sb_dns_server_address(sandbox->dns),
                 sb_http_address(sandbox->control), (long)getpid());
    (void)fflush(stdout);
}

static void program_fini(struct program *program)
{
    struct sandbox *sandbox = &program->sandbox;

    sb_stores_fini(&sandbox->stores);
    sb_zone_fini(&sandbox->zone);
    sb_others_fini(&sandbox->others);
    sb_faults_clear(&sandbox->faults);
    sb_permissions_fini(&sandbox->permissions);
    sb_givers_fini(&sandbox->givers);
    sb_journal_free(sandbox->journal);
    sb_record_close(&sandbox->record);
    sb_options_fini(&sandbox->options);
    free(program);
}

int main(int argc, char **argv)
{
    struct program *program = sv_alloc(1, sizeof *program);
    struct sandbox *sandbox = &program->sandbox;
    enum sb_options_end end = sb_options_parse(&sandbox->options, argc, argv);
    struct sv_errinfo info = {0};
    bool started;

    sb_permissions_init(&sandbox->permissions);
    sb_givers_init(&sandbox->givers);
    if (end != SB_OPTIONS_RUN) {
        program_fini(program);
        return end == SB_OPTIONS_DONE ? 0 : EXIT_USAGE;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    SV_REQUIRE(uv_loop_init(&sandbox->loop) == 0);
    sb_clock_init(&sandbox->clock, sandbox->options.speed);
    sandbox->stores.hosted_zone = sandbox->options.hosted_zone;
    sb_others_init(&sandbox->others, &sandbox->stores);
    sandbox->journal =
        sb_journal_new(&sandbox->clock, sandbox->options.rate, sandbox->options.burst);
    watch_signals(program);
    started = start(program, &info) == SV_OK;
    if (started) {
        announce(sandbox);
    } else {
        (void)fprintf(stderr, "sesverify-sandbox: %s\n", info.text);
        stop(program);
    }
    (void)uv_run(&sandbox->loop, UV_RUN_DEFAULT);
    SV_REQUIRE(uv_loop_close(&sandbox->loop) == 0);
    program_fini(program);
    return started ? 0 : EXIT_START;
}
