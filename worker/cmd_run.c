/* `sesverify run`: the worker. Starting, running, draining, closing; each step is left by one
 * event, and the loop ends by itself when the last handle is closed. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "account_setup.h"
#include "commands.h"
#include "dump.h"
#include "exit.h"
#include "monitor.h"
#include "notify.h"
#include "sandbox.h"
#include "setup.h"
#include "sv/alloc.h"
#include "sv/require.h"
#include "sv/vault.h"
#include "wire.h"

enum phase { PHASE_STARTING, PHASE_RUNNING, PHASE_DRAINING, PHASE_CLOSING };
enum { SIGNALS = 6, FILES_OF_DNS = 1100, FILES_SPARE = 128 };

static const sv_ms beat_ms = SV_SECOND;              /* how often we look after ourselves */
static const sv_ms status_every_ms = 10 * SV_SECOND; /* M2 */
static const sv_ms stuck_after_ms = SV_MINUTE;       /* no answer of Redis, nothing committed */
static const sv_ms debug_for_ms = 5 * SV_MINUTE;     /* E5 */

static const int signal_numbers[SIGNALS] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGQUIT};

struct run {
    const struct sv_args *args;
    struct sv_config *config;
    struct sv_log *log;
    const struct sv_clock *clock;
    struct sv_rand rand;
    struct sv_notify notify;
    uv_loop_t loop;
    uv_signal_t signals[SIGNALS];
    uv_timer_t startup, beat, debug_end;
    struct sv_wire wire;
    struct sv_sandbox sandbox;
    struct sv_metrics *metrics;
    struct sv_monitor *monitor; /* NULL before the wire is open */
    enum phase phase;
    bool was_connected; /* to Redis, once */
    int code;
    sv_ms last_progress_at, progress_mono, status_mono, watchdog_mono;
};

static sv_ms monotonic(const struct run *run)
{
    return run->clock->monotonic(run->clock->context);
}

/* The end. */

static void on_wire_closed(void *context)
{
    struct run *run = context;

    sv_log_line(run->log, SV_LOG_INFO, "stopped", "everything is closed",
                SV_LOG_INT("exit_code", run->code));
}

static void close_wire(void *context)
{
    struct run *run = context;

    sv_wire_close(&run->wire, on_wire_closed, run);
}

/* The monitor looks at the parts of the wire: it goes first. */
static void close_all(struct run *run, int code)
{
    if (run->phase == PHASE_CLOSING)
        return;
    run->phase = PHASE_CLOSING;
    run->code = code;
    for (int i = 0; i < SIGNALS; i++)
        uv_close((uv_handle_t *)&run->signals[i], NULL);
    uv_close((uv_handle_t *)&run->startup, NULL);
    uv_close((uv_handle_t *)&run->beat, NULL);
    uv_close((uv_handle_t *)&run->debug_end, NULL);
    if (run->monitor != NULL)
        sv_monitor_close(run->monitor, close_wire, run);
    else
        close_wire(run);
}

static void on_drained(void *context, unsigned left)
{
    struct run *run = context;

    sv_log_line(run->log, left > 0 ? SV_LOG_WARN : SV_LOG_INFO, "drained",
                left > 0 ? "work could not be handed back; leases will expire"
                         : "nothing is under way any more",
                SV_LOG_INT("left", left));
    close_all(run, left > 0 ? SV_EXIT_TEMPORARY : SV_EXIT_OK);
}

/* The first signal drains, the second hands back now, later ones change nothing (E5). */
static void on_stop(struct run *run, int number)
{
    sv_ms drain_ms = run->phase == PHASE_RUNNING ? run->config->worker.drain_timeout_ms : 0;

    sv_log_line(run->log, SV_LOG_INFO, "stopping",
                run->phase == PHASE_RUNNING ? "draining" : "leaving now",
                SV_LOG_STR("signal", number == SIGINT ? "SIGINT" : "SIGTERM"),
                SV_LOG_INT("drain_ms", drain_ms));
    sv_notify_send(&run->notify, "STOPPING=1\nSTATUS=Draining");
    switch (run->phase) {
    case PHASE_STARTING:
        close_all(run, SV_EXIT_OK); /* nothing was taken yet */
        return;
    case PHASE_RUNNING:
    case PHASE_DRAINING:
        run->phase = PHASE_DRAINING;
        sv_monitor_set_phase(run->monitor, SV_MONITOR_DRAINING);
        sv_drive_drain(run->wire.drive, drain_ms, on_drained, run);
        return;
    case PHASE_CLOSING:
        return;
    }
}

/* The other signals. */

static void dump(struct run *run)
{
    struct sv_drive_stats stats;

    sv_drive_get_stats(run->wire.drive, &stats);
    sv_dump_state(run->log, &stats);
}

/* All or nothing: what is odd is told and ignored. */
static void reload(struct run *run)
{
    struct sv_problems problems;
    struct sv_config *fresh = NULL;
    int code;

    sv_notify_send(&run->notify, "RELOADING=1");
    sv_problems_init(&problems);
    code = sv_setup_config(run->args, &fresh, &problems);
    if (fresh != NULL)
        sv_config_check_run(fresh, &problems, false);
    for (size_t i = 0; i < problems.count; i++)
        sv_log_line(run->log, problems.items[i].warning ? SV_LOG_WARN : SV_LOG_ERROR,
                    "config_problem", problems.items[i].text,
                    SV_LOG_STR("where", problems.items[i].where));
    if (code == SV_EXIT_OK && fresh != NULL && problems.errors == 0) {
        run->config->log.level = fresh->log.level;
        sv_log_set_level(run->log, (enum sv_log_level)fresh->log.level);
        sv_wire_renew_credentials(&run->wire);
        sv_log_line(run->log, SV_LOG_INFO, "reloaded",
                    "log.level and credentials are in force; everything else needs a restart");
    } else {
        sv_log_line(run->log, SV_LOG_ERROR, "reload_refused", "the old configuration stays");
    }
    sv_problems_fini(&problems);
    sv_config_free(fresh);
    sv_notify_send(&run->notify, "READY=1");
}

static void on_debug_end(uv_timer_t *timer)
{
    struct run *run = timer->data;

    sv_log_set_level(run->log, (enum sv_log_level)run->config->log.level);
    sv_log_line(run->log, SV_LOG_INFO, "debug_off", "back to the configured level");
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct run *run = handle->data;

    if (number == SIGTERM || number == SIGINT) {
        on_stop(run, number);
    } else if (number == SIGHUP) {
        if (run->phase == PHASE_RUNNING)
            reload(run);
    } else if (number == SIGUSR2) {
        sv_log_set_level(run->log, SV_LOG_DEBUG);
        sv_log_line(run->log, SV_LOG_INFO, "debug_on", "debug level for five minutes");
        (void)uv_timer_start(&run->debug_end, on_debug_end, (uint64_t)debug_for_ms, 0);
    } else {
        dump(run);
        if (number == SIGQUIT)
            abort(); /* an operator wants a core file */
    }
}

/* Looking after ourselves. */

/* Stuck is: Redis is there, yet for a minute it gave no answer and nothing was committed. A worker
 * without Redis waits legitimately: a restart would not bring Redis back. */
static bool is_alive(struct run *run, const struct sv_drive_stats *stats)
{
    if (stats->last_progress_at != run->last_progress_at || !sv_store_is_ready(run->wire.store)) {
        run->last_progress_at = stats->last_progress_at;
        run->progress_mono = monotonic(run);
    }
    return monotonic(run) - run->progress_mono < stuck_after_ms;
}

static void tell_status(struct run *run, const struct sv_drive_stats *stats)
{
    run->status_mono = monotonic(run);
    sv_notify_send(&run->notify, "STATUS=%s: %u in flight, %llu checks, %llu jobs%s",
                   run->phase == PHASE_DRAINING ? "Draining" : "Working", stats->inflight,
                   (unsigned long long)stats->checks_committed,
                   (unsigned long long)stats->jobs_taken,
                   sv_store_is_ready(run->wire.store) ? "" : ", Redis is away");
}

static void on_beat(uv_timer_t *timer)
{
    struct run *run = timer->data;
    sv_ms now = monotonic(run);
    struct sv_drive_stats stats;

    sv_drive_get_stats(run->wire.drive, &stats);
    if (run->notify.watchdog_ms > 0 && now - run->watchdog_mono >= run->notify.watchdog_ms / 2 &&
        (run->phase == PHASE_STARTING || is_alive(run, &stats))) {
        run->watchdog_mono = now;
        sv_notify_send(&run->notify, "WATCHDOG=1");
    }
    if (run->phase != PHASE_STARTING && now - run->status_mono >= status_every_ms)
        tell_status(run, &stats);
}

/* The beginning. */

static void give_up(struct run *run, int code, const char *event, const struct sv_errinfo *why)
{
    sv_log_line(run->log, SV_LOG_ERROR, event, why->text,
                SV_LOG_STR("redis", run->wire.redis_address),
                SV_LOG_STR("error_code", sv_err_name(why->code)), SV_LOG_INT("exit_code", code));
    close_all(run, code);
}

static void on_startup_timeout(uv_timer_t *timer)
{
    struct run *run = timer->data;
    struct sv_errinfo info;

    (void)sv_err_set(&info, SV_ETIMEOUT, "run", 0, "Redis at %s did not get ready within %lld ms",
                     run->wire.redis_address, (long long)run->config->worker.startup_timeout_ms);
    give_up(run, SV_EXIT_UNAVAILABLE, "startup_timeout", &info);
}

/* A refused password or certificate will not become right by waiting (F15, F16). */
static void on_redis(void *context, bool ready, const struct sv_errinfo *why)
{
    struct run *run = context;

    if (ready && run->was_connected)
        sv_metrics_add(run->metrics, SV_METRIC_REDIS_RECONNECTS, 1, SV_LABELS());
    run->was_connected = run->was_connected || ready;
    if (run->phase == PHASE_STARTING && !ready && why != NULL &&
        (why->code == SV_EDENIED || why->code == SV_EINVALID))
        give_up(run, sv_setup_exit_of(why->code), "redis_refused", why);
}

static void on_prepared(void *context, enum sv_err err, const struct sv_errinfo *info)
{
    struct run *run = context;
    struct sv_errinfo why = {0};

    if (run->phase != PHASE_STARTING)
        return;
    if (err != SV_OK) {
        if (info != NULL)
            why = *info;
        why.code = err;
        give_up(run, sv_setup_exit_of(err), "prepare_failed", &why);
        return;
    }
    if (!sv_sandbox_enter(&run->sandbox)) {
        close_all(run, SV_EXIT_CONFIG);
        return;
    }
    run->phase = PHASE_RUNNING;
    sv_monitor_set_phase(run->monitor, SV_MONITOR_RUNNING);
    run->progress_mono = monotonic(run);
    (void)uv_timer_stop(&run->startup);
    sv_wire_ask_principals(&run->wire);
    sv_notify_send(&run->notify, "READY=1\nSTATUS=Working");
    sv_log_line(run->log, SV_LOG_INFO, "ready", "taking jobs", SV_LOG_STR("version", SV_VERSION),
                SV_LOG_STR("commit", sv_commit), SV_LOG_STR("worker", run->wire.worker),
                SV_LOG_STR("redis", run->wire.redis_address),
                SV_LOG_INT("shards", run->config->redis.shards),
                SV_LOG_INT("accounts", run->config->accounts_count));
}

/* Sockets for DNS, SES and Redis must not run out under load. */
static void check_limits(struct run *run)
{
    rlim_t wanted = FILES_OF_DNS + FILES_SPARE + run->config->worker.inflight_max;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
            (void)getrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur < wanted)
        sv_log_line(run->log, SV_LOG_WARN, "open_files_low",
                    "the limit of open files is low for worker.inflight_max",
                    SV_LOG_INT("limit", limit.rlim_cur), SV_LOG_INT("wanted", wanted));
}

/* From the first step until the loop takes them, signals wait: what comes before is neither lost
 * nor ends the process in its default way. */
static void hold_signals(int how)
{
    sigset_t held;

    (void)sigemptyset(&held);
    for (int i = 0; i < SIGNALS; i++)
        (void)sigaddset(&held, signal_numbers[i]);
    (void)sigprocmask(how, &held, NULL);
}

static void open_handles(struct run *run)
{
    uv_timer_t *const timers[] = {&run->startup, &run->beat, &run->debug_end};

    for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++) {
        SV_REQUIRE(uv_timer_init(&run->loop, timers[i]) == 0);
        timers[i]->data = run;
    }
    for (int i = 0; i < SIGNALS; i++) {
        SV_REQUIRE(uv_signal_init(&run->loop, &run->signals[i]) == 0);
        run->signals[i].data = run;
    }
    for (int i = 0; i < SIGNALS; i++)
        SV_REQUIRE(uv_signal_start(&run->signals[i], on_signal, signal_numbers[i]) == 0);
    hold_signals(SIG_UNBLOCK);
}

static void open_monitor(struct run *run)
{
    struct sv_monitor_options options = {.loop = &run->loop,
                                         .config = run->config,
                                         .log = run->log,
                                         .clock = run->clock,
                                         .metrics = run->metrics,
                                         .wire = &run->wire};

    run->monitor = sv_monitor_new(&options);
}

static struct sv_wire_options wire_options(struct run *run)
{
    return (struct sv_wire_options){
        .loop = &run->loop,
        .config = run->config,
        .environment = run->args->environment,
        .log = run->log,
        .metrics = run->metrics,
        .rand = &run->rand,
        .clock = run->clock,
        .on_redis = on_redis,
        .context = run,
    };
}

/* False when the settings demand what this machine cannot do. */
static bool begin_sandbox(struct run *run)
{
    const char *listen = run->config->status.listen, *port = strrchr(listen, ':');
    struct sv_wire_options options = wire_options(run);

    run->sandbox = (struct sv_sandbox){
        .mode = run->config->worker.sandbox,
        .options = {.programs = sv_wire_needs_programs(&options),
                    .written = run->config->worker.plan_trace,
                    .bound_port = port == NULL ? -1 : (int)strtol(port + 1, NULL, 10)},
        .log = run->log,
    };
    return sv_sandbox_begin(&run->sandbox);
}

static void start(struct run *run)
{
    struct sv_wire_options options = wire_options(run);
    int code = sv_wire_open(&run->wire, &options);

    open_handles(run);
    if (code != SV_EXIT_OK) {
        close_all(run, code);
        return;
    }
    open_monitor(run);
    SV_REQUIRE(uv_timer_start(&run->startup, on_startup_timeout,
                              (uint64_t)run->config->worker.startup_timeout_ms, 0) == 0);
    SV_REQUIRE(uv_timer_start(&run->beat, on_beat, (uint64_t)beat_ms, (uint64_t)beat_ms) == 0);
    sv_drive_start(run->wire.drive, on_prepared, run);
}

static void log_warnings(struct run *run, const struct sv_problems *problems)
{
    for (size_t i = 0; i < problems->count; i++)
        sv_log_line(run->log, SV_LOG_WARN, "config_problem", problems->items[i].text,
                    SV_LOG_STR("where", problems->items[i].where));
}

static int load(struct run *run, struct sv_problems *problems)
{
    int code = sv_setup_config(run->args, &run->config, problems);

    if (code == SV_EXIT_OK) {
        sv_config_check_run(run->config, problems, false);
        sv_account_keys_read(run->config, problems, false);
        code = problems->errors > 0 ? SV_EXIT_CONFIG : SV_EXIT_OK;
    }
    if (code != SV_EXIT_OK)
        sv_problems_print(problems, stderr);
    return code;
}

/* Workers that are started together, by a roll-out or when the power is back, do not come to Redis
 * all at once. False = a signal told us to stop before we began. */
static bool wait_for_turn(struct run *run)
{
    sv_ms spread_ms = run->config->worker.start_spread_ms;
    sv_ms wait_ms = spread_ms == 0 ? 0 : (sv_ms)sv_rand_below(&run->rand, (uint64_t)spread_ms + 1);
    struct timespec rest = {.tv_sec = wait_ms / SV_SECOND,
                            .tv_nsec = wait_ms % SV_SECOND * 1000000};
    sigset_t stops;
    int number = -1;

    if (wait_ms == 0)
        return true;
    (void)sigemptyset(&stops);
    (void)sigaddset(&stops, SIGTERM);
    (void)sigaddset(&stops, SIGINT);
    sv_log_line(run->log, SV_LOG_DEBUG, "start_waits", "others may start at the same time",
                SV_LOG_INT("wait_ms", wait_ms));
    do {
        number = sigtimedwait(&stops, NULL, &rest);
    } while (number < 0 && errno == EINTR);
    return number < 0;
}

static int work(struct run *run, const struct sv_problems *problems)
{
    run->log = sv_log_new(2, (enum sv_log_format)run->config->log.format,
                          (enum sv_log_level)run->config->log.level, run->clock);
    log_warnings(run, problems);
    if (!sv_vault_open())
        sv_log_line(run->log, SV_LOG_WARN, "secrets_not_locked",
                    "secrets may be swapped out: this process may lock no memory (RLIMIT_MEMLOCK)");
    run->metrics = sv_metrics_new();
    check_limits(run);
    sv_rand_system_init(&run->rand);
    sv_notify_init(&run->notify, run->args->environment);
    if (!wait_for_turn(run)) {
        sv_log_line(run->log, SV_LOG_INFO, "stopped", "a signal came before the start",
                    SV_LOG_INT("exit_code", SV_EXIT_OK));
    } else if (!begin_sandbox(run)) {
        run->code = SV_EXIT_CONFIG;
    } else if (uv_loop_init(&run->loop) == 0) {
        start(run);
        (void)uv_run(&run->loop, UV_RUN_DEFAULT);
        SV_REQUIRE(uv_loop_close(&run->loop) == 0);
    } else {
        sv_log_line(run->log, SV_LOG_ERROR, "no_loop", "the operating system gives no event loop");
        run->code = SV_EXIT_OS;
    }
    sv_notify_fini(&run->notify);
    sv_metrics_free(run->metrics);
    sv_log_free(run->log);
    return run->code;
}

static int run_worker(const struct sv_args *args)
{
    struct run *run = sv_alloc(1, sizeof(*run));
    struct sv_problems problems;
    int code;

    hold_signals(SIG_BLOCK);
    run->args = args;
    run->clock = sv_clock_system();
    sv_problems_init(&problems);
    code = load(run, &problems);
    if (code == SV_EXIT_OK)
        code = work(run, &problems);
    sv_problems_fini(&problems);
    sv_config_free(run->config);
    free(run);
    return code;
}

const struct sv_command sv_command_run = {
    .name = "run",
    .operands = "",
    .summary = "the worker: takes jobs, checks domains, writes events",
    .details =
        "Stays in the foreground and logs to stderr. SIGTERM or SIGINT: finish what is under way\n"
        "(worker.drain_timeout), then leave; a second one: hand it back now. SIGHUP: read the log\n"
        "level and the credentials again. SIGUSR1: state to the log. SIGUSR2: debug level for "
        "five\n"
        "minutes. Exit codes: 0 clean stop, 69 no Redis within worker.startup_timeout, 75 work "
        "was\n"
        "left, 77 credentials missing or refused, 78 configuration invalid.",
    .configured = true,
    .examples = {"sesverify run --config /etc/sesverify/sesverify.conf",
                 "AWS_REGION=eu-west-1 sesverify run --set log.format=text"},
    .run = run_worker,
};
