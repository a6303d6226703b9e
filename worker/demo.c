/* The demonstration's story: a private Redis, the SES sandbox with its DNS server, and the worker
 * are started on loopback; jobs are pushed; the outbox is followed; when an event comes that a
 * client waits for, the client changes its zone. When everyone is where the story ends, or the
 * deadline passes, everything is stopped and the table, folded from the outbox, is printed. SES's
 * 72 hours pass in thirteen seconds; the worker follows through its ordinary [schedule] settings.
 */
#include "demo.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "demo_procs.h"
#include "sv/alloc.h"
#include "sv/json.h"
#include "sv/rand.h"
#include "sv/redis_store.h"
#include "sv/require.h"

enum { POLL_MS = 100, EVENTS_MAX = 64, READY_BYTES_MAX = 4096, STOP_MS = 10000 };
#define DEADLINE_MS (100 * SV_SECOND)
#define SPEED       "20000" /* virtual seconds a second: 72 h in 13 s */

enum { PROC_REDIS, PROC_SANDBOX, PROC_WORKER, PROC_COUNT };

struct demo;

struct cue { /* a beat whose time is coming */
    struct demo *demo;
    size_t role;
    const struct demo_beat *beat;
    uv_timer_t timer;
};

struct actor {
    size_t beats_done;
    bool cued;
    json_t *records; /* dns_records of its registered event */
};

struct demo {
    const struct demo_options *options;
    uv_loop_t loop;
    char folder[64], zone_path[96], redis_url[128];
    char ses_url[128], dns_address[64], control_url[128];
    struct demo_proc procs[PROC_COUNT];
    uv_pipe_t ready_pipe;
    struct sv_buf ready_line;
    uv_timer_t poll, deadline;
    uv_signal_t interrupt, terminate;
    struct sv_rand rand;
    struct sv_store *store;
    bool store_ready, sandbox_ready, calling;
    struct sv_store_call call;
    size_t jobs_sent;
    char job[512];
    char after[SV_STORE_ENTRY_ID_BYTES];
    struct demo_zone zone;
    struct demo_table table;
    struct actor actors[DEMO_CAST_MAX];
    bool ending, summed, right;
};

static void end(struct demo *demo, const char *why);
static void poll_events(struct demo *demo);

static sv_ms now(void)
{
    const struct sv_clock *clock = sv_clock_system();

    return clock->monotonic(clock->context);
}

static const char *file(const struct demo *demo, const char *name, char out[DEMO_PATH_BYTES])
{
    (void)snprintf(out, DEMO_PATH_BYTES, "%s/%s", demo->folder, name);
    return out;
}

static void close_if_open(uv_handle_t *handle)
{
    if (handle->loop != NULL && !uv_is_closing(handle))
        uv_close(handle, NULL);
}

/* ---- the clients act ---- */

static void act(struct demo *demo, size_t role, const struct demo_beat *beat)
{
    struct sv_errinfo info;

    if (beat->act == DEMO_REMOVE_ONE)
        demo_zone_remove_one(&demo->zone, role);
    else
        demo_zone_publish(&demo->zone, role, demo->actors[role].records, beat->act);
    if (demo_zone_write(&demo->zone, &info) != SV_OK) {
        end(demo, info.text);
        return;
    }
    (void)uv_process_kill(&demo->procs[PROC_SANDBOX].handle, SIGHUP);
    demo_table_say(&demo->table, role, beat->says, now());
}

static void free_cue(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_cue(uv_timer_t *timer)
{
    struct cue *cue = timer->data;
    struct actor *actor = &cue->demo->actors[cue->role];

    actor->cued = false;
    actor->beats_done++;
    if (!cue->demo->ending)
        act(cue->demo, cue->role, cue->beat);
    uv_close((uv_handle_t *)timer, free_cue);
}

static bool tells(const json_t *data, const char *finding)
{
    const json_t *findings = json_object_get(data, "findings");

    for (size_t i = 0; i < json_array_size(findings); i++) {
        const char *code = sv_json_str(json_array_get(findings, i), "code");

        if (code != NULL && strcmp(code, finding) == 0)
            return true;
    }
    return false;
}

static void cue(struct demo *demo, size_t role, const char *kind, const json_t *data)
{
    struct actor *actor = &demo->actors[role];
    const struct demo_beat *beat = &demo_cast[role].beats[actor->beats_done];
    struct cue *next;

    if (actor->cued || actor->beats_done == DEMO_BEATS_MAX || beat->kind == NULL ||
        (beat->kind[0] != '\0' && strcmp(beat->kind, kind) != 0) ||
        (beat->finding != NULL && !tells(data, beat->finding)))
        return;
    next = sv_alloc(1, sizeof *next);
    *next = (struct cue){.demo = demo, .role = role, .beat = beat};
    actor->cued = true;
    SV_REQUIRE(uv_timer_init(&demo->loop, &next->timer) == 0);
    next->timer.data = next;
    (void)uv_timer_start(&next->timer, on_cue, (uint64_t)beat->wait_ms, 0);
}

static bool is_over(const struct demo *demo)
{
    for (size_t i = 0; i < demo_cast_count; i++) {
        size_t done = demo->actors[i].beats_done;

        if (!demo_table_is_right(&demo->table, i) ||
            (done < DEMO_BEATS_MAX && demo_cast[i].beats[done].kind != NULL))
            return false;
    }
    return true;
}

/* ---- the outbox is followed ---- */

static void take_event(struct demo *demo, const struct sv_store_entry *entry)
{
    struct sv_errinfo info;
    json_t *event =
        sv_json_parse(entry->payload, entry->payload_bytes, (size_t)64 * 1024, 16, &info);
    const json_t *data = json_object_get(event, "data");
    char kind[32];
    size_t role;

    (void)snprintf(demo->after, sizeof demo->after, "%s", entry->id);
    if (event == NULL)
        return;
    role = demo_table_take(&demo->table, event, now(), kind);
    if (role < demo_cast_count && kind[0] != '\0') {
        if (strcmp(kind, "registered") == 0) {
            json_decref(demo->actors[role].records);
            demo->actors[role].records = json_incref(json_object_get(data, "dns_records"));
        }
        cue(demo, role, kind, data);
    }
    json_decref(event);
}

static void on_events(struct sv_store_call *call, enum sv_err err)
{
    struct demo *demo = call->owner;

    demo->calling = false;
    if (demo->ending)
        return;
    for (size_t i = 0; err == SV_OK && i < call->u.events.count; i++)
        take_event(demo, &call->u.events.entries[i]);
    if (is_over(demo))
        end(demo, NULL);
}

static void poll_events(struct demo *demo)
{
    demo->call = (struct sv_store_call){.op = SV_STORE_EVENTS, .owner = demo};
    demo->call.u.events.after = demo->after;
    demo->call.u.events.entries_max = EVENTS_MAX;
    demo->calling = sv_store_start(demo->store, &demo->call, on_events, &demo->call.info) == SV_OK;
}

/* ---- jobs are pushed ---- */

static void on_sent(struct sv_store_call *call, enum sv_err err)
{
    struct demo *demo = call->owner;

    demo->calling = false;
    if (err == SV_OK)
        demo->jobs_sent++;
}

static void send_job(struct demo *demo)
{
    const struct demo_role *role = &demo_cast[demo->jobs_sent];
    const char *mail_from = role->mail_from;

    (void)snprintf(demo->job, sizeof demo->job,
                   "{\"type\":\"register\",\"client_id\":\"%s\",\"domain\":\"%s\","
                   "\"contact_email\":\"postmaster@%s\"%s%s%s}",
                   role->client_id, role->domain, role->domain,
                   mail_from == NULL ? "" : ",\"mail_from\":\"", mail_from == NULL ? "" : mail_from,
                   mail_from == NULL ? "" : "\"");
    demo->call = (struct sv_store_call){.op = SV_STORE_ENQUEUE, .owner = demo};
    demo->call.u.enqueue.job = demo->job;
    demo->call.u.enqueue.job_bytes = strlen(demo->job);
    demo->calling = sv_store_start(demo->store, &demo->call, on_sent, &demo->call.info) == SV_OK;
}

static void on_poll(uv_timer_t *timer)
{
    struct demo *demo = timer->data;

    if (demo->ending || demo->calling || !demo->store_ready || !demo->sandbox_ready)
        return;
    if (demo->jobs_sent < demo_cast_count)
        send_job(demo);
    else
        poll_events(demo);
}

/* ---- programs are started ---- */

static void on_proc_ended(struct demo_proc *proc)
{
    struct demo *demo = proc->owner;
    char why[256];

    if (!proc->wanted_gone) {
        (void)snprintf(why, sizeof why, "%s ended by itself (status %d, signal %d): see %s",
                       proc->name, (int)proc->exit_status, proc->signal, demo->folder);
        end(demo, why);
    }
    if (demo->ending && !demo->procs[PROC_WORKER].running) { /* first the worker, then its world */
        demo_proc_stop(&demo->procs[PROC_SANDBOX]);
        demo_proc_stop(&demo->procs[PROC_REDIS]);
    }
}

static bool start_proc(struct demo *demo, int which, const struct demo_spawn *spawn)
{
    static const char *const names[PROC_COUNT] = {"redis-server", "sesverify-sandbox", "worker"};
    struct demo_proc *proc = &demo->procs[which];
    struct sv_errinfo info;

    proc->name = names[which];
    proc->owner = demo;
    proc->ended = on_proc_ended;
    if (demo_proc_start(&demo->loop, proc, spawn, &info) == SV_OK)
        return true;
    end(demo, info.text);
    return false;
}

static bool start_redis(struct demo *demo)
{
    const char *given = demo->options->redis_server;
    char log[DEMO_PATH_BYTES], socket[DEMO_PATH_BYTES];
    const char *const argv[] = {given == NULL ? "redis-server" : given,
                                "--port",
                                "0",
                                "--unixsocket",
                                file(demo, "redis.sock", socket),
                                "--save",
                                "",
                                "--appendonly",
                                "no",
                                "--dir",
                                demo->folder,
                                NULL};

    return start_proc(demo, PROC_REDIS,
                      &(struct demo_spawn){.argv = argv, .log = file(demo, "redis.log", log)});
}

static bool start_sandbox(struct demo *demo)
{
    char log[DEMO_PATH_BYTES], path[DEMO_PATH_BYTES];
    const char *const argv[] = {
        path,        "--listen",     "127.0.0.1:0", "--dns-listen",  "127.0.0.1:0",
        "--control", "127.0.0.1:0",  "--zone",      demo->zone_path, "--speed",
        SPEED,       "--look-every", "1h",          "--rate",        "10",
        NULL};

    demo_proc_find("sesverify-sandbox", demo->options->sandbox, path);
    return start_proc(demo, PROC_SANDBOX,
                      &(struct demo_spawn){.argv = argv,
                                           .log = file(demo, "sandbox.log", log),
                                           .out = &demo->ready_pipe});
}

static bool start_worker(struct demo *demo)
{
    char log[DEMO_PATH_BYTES], ses[192], ses_v2[192], redis[192], dns[96];
    const char *more[] = {ses,
                          ses_v2,
                          redis,
                          dns,
                          "AWS_REGION=eu-west-1",
                          "AWS_ACCESS_KEY_ID=AKIDSANDBOX",
                          "AWS_SECRET_ACCESS_KEY=sandbox-secret",
                          "SESVERIFY_DOMAINS_ALLOW_SPECIAL_USE=true",
                          "SESVERIFY_SCHEDULE_FIRST_LOOK=500ms",
                          "SESVERIFY_SCHEDULE_FLOOR=500ms",
                          "SESVERIFY_SCHEDULE_CAP=1s",
                          "SESVERIFY_SCHEDULE_VERIFIED_EVERY=1s",
                          "SESVERIFY_SCHEDULE_CONFIRM_AFTER=1s",
                          "SESVERIFY_SCHEDULE_SES_FLOOR=2s",
                          "SESVERIFY_SCHEDULE_RESTART_COOLDOWN=5s",
                          "SESVERIFY_SCHEDULE_PATIENCE=13s",
                          "SESVERIFY_SCHEDULE_DAILY=2s",
                          "SESVERIFY_WORKER_POLL=200ms",
                          "SESVERIFY_WORKER_START_SPREAD=0s",
                          "SESVERIFY_ACCOUNT_DEFAULT_RATE=10",
                          "SESVERIFY_LOG_FORMAT=json",
                          NULL};
    /* No file of this machine's: what is installed here has its own Redis and its own SES. */
    const char *const argv[] = {"/proc/self/exe", "run", "--config", "/dev/null", NULL};
    char **env;
    bool started;

    (void)snprintf(ses, sizeof ses, "AWS_ENDPOINT_URL_SES=%s", demo->ses_url);
    (void)snprintf(ses_v2, sizeof ses_v2, "AWS_ENDPOINT_URL_SESV2=%s", demo->ses_url);
    (void)snprintf(redis, sizeof redis, "SESVERIFY_REDIS_URL=%s", demo->redis_url);
    (void)snprintf(dns, sizeof dns, "SESVERIFY_DNS_SERVERS=%s", demo->dns_address);
    env = demo_proc_env(more);
    started = start_proc(
        demo, PROC_WORKER,
        &(struct demo_spawn){.argv = argv, .env = env, .log = file(demo, "worker.log", log)});
    free(env);
    return started;
}

static void copy_member(const json_t *ready, const char *key, char *out, size_t bytes)
{
    const char *text = sv_json_str(ready, key);

    (void)snprintf(out, bytes, "%s", text == NULL ? "" : text);
}

static void take_ready(struct demo *demo)
{
    struct sv_errinfo info;
    json_t *ready = sv_json_parse(sv_buf_str(&demo->ready_line), demo->ready_line.len,
                                  READY_BYTES_MAX, 4, &info);

    if (ready == NULL) {
        end(demo, "the sandbox printed no address");
        return;
    }
    copy_member(ready, "ses", demo->ses_url, sizeof demo->ses_url);
    copy_member(ready, "dns", demo->dns_address, sizeof demo->dns_address);
    copy_member(ready, "control", demo->control_url, sizeof demo->control_url);
    json_decref(ready);
    demo->sandbox_ready = true;
    if (!demo->options->json)
        (void)printf("Redis %s · SES %s · DNS %s · control %s\n\n", demo->redis_url, demo->ses_url,
                     demo->dns_address, demo->control_url);
    (void)fflush(stdout);
    (void)start_worker(demo);
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *out)
{
    (void)handle;
    (void)wanted;
    out->base = sv_alloc(1, READY_BYTES_MAX);
    out->len = READY_BYTES_MAX;
}

static void on_ready_bytes(uv_stream_t *stream, ssize_t count, const uv_buf_t *bytes)
{
    struct demo *demo = stream->data;

    if (count > 0 && !demo->sandbox_ready && !demo->ending) {
        if (!sv_buf_add(&demo->ready_line, bytes->base, (size_t)count))
            end(demo, "the sandbox printed too much");
        else if (memchr(sv_buf_str(&demo->ready_line), '\n', demo->ready_line.len) != NULL)
            take_ready(demo);
    }
    free(bytes->base);
    if (count < 0)
        close_if_open((uv_handle_t *)stream);
}

static void on_store_state(void *context, bool ready, const struct sv_errinfo *why)
{
    struct demo *demo = context;

    (void)why;
    demo->store_ready = ready;
}

/* ---- the end ---- */

static void remove_folder(struct demo *demo)
{
    static const char *const names[] = {"redis.sock", "redis.log", "sandbox.log",
                                        "worker.log", "zone",      "zone.new"};
    char path[DEMO_PATH_BYTES];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        (void)unlink(file(demo, names[i], path));
    (void)rmdir(demo->folder);
}

static void on_store_closed(void *context)
{
    (void)context;
}

static void sum_up(struct demo *demo)
{
    if (demo->summed)
        return;
    demo->summed = true;
    demo->right = demo_table_print(&demo->table, stdout);
    (void)fflush(stdout);
}

static void on_stop_too_long(uv_timer_t *timer)
{
    struct demo *demo = timer->data;

    for (int i = 0; i < PROC_COUNT; i++) {
        if (demo->procs[i].running)
            (void)uv_process_kill(&demo->procs[i].handle, SIGKILL);
    }
    uv_close((uv_handle_t *)timer, NULL);
}

/* Sums up, then stops everything; with --keep and nothing wrong it stays up until a signal comes.
 */
static void end(struct demo *demo, const char *why)
{
    if (demo->ending || (demo->summed && why == NULL))
        return;
    if (why != NULL && !demo->summed)
        (void)fprintf(stderr, "sesverify demo: %s\n", why);
    sum_up(demo);
    if (why == NULL && demo->options->keep) {
        (void)uv_timer_stop(&demo->deadline);
        (void)printf("\nStill up, logs in %s. Stop with Ctrl-C. From another terminal:\n"
                     "  sesverify status --set redis.url=%s\n"
                     "  sesverify explain %s --set redis.url=%s\n",
                     demo->folder, demo->redis_url, demo_cast[demo_cast_count - 1].domain,
                     demo->redis_url);
        (void)fflush(stdout);
        return;
    }
    demo->ending = true;
    close_if_open((uv_handle_t *)&demo->poll);
    close_if_open((uv_handle_t *)&demo->interrupt);
    close_if_open((uv_handle_t *)&demo->terminate);
    close_if_open((uv_handle_t *)&demo->ready_pipe);
    if (demo->store != NULL)
        sv_store_close(demo->store, on_store_closed, demo);
    demo->store = NULL;
    if (demo->procs[PROC_WORKER].running) {
        demo_proc_stop(&demo->procs[PROC_WORKER]);
    } else {
        demo_proc_stop(&demo->procs[PROC_SANDBOX]);
        demo_proc_stop(&demo->procs[PROC_REDIS]);
    }
    (void)uv_timer_start(&demo->deadline, on_stop_too_long, STOP_MS, 0);
    uv_unref((uv_handle_t *)&demo->deadline);
}

static void on_deadline(uv_timer_t *timer)
{
    end(timer->data, "the deadline passed");
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct demo *demo = handle->data;

    (void)number;
    end(demo, "interrupted");
}

static bool prepare(struct demo *demo)
{
    struct sv_redis_store_options store = {.shards = 1, .consumer = "demo", .read_only = true};
    struct sv_errinfo info;

    (void)snprintf(demo->folder, sizeof demo->folder, "/tmp/sesverify-demo-XXXXXX");
    if (mkdtemp(demo->folder) == NULL)
        return false;
    (void)snprintf(demo->zone_path, sizeof demo->zone_path, "%s/zone", demo->folder);
    (void)snprintf(demo->redis_url, sizeof demo->redis_url, "unix://%s/redis.sock", demo->folder);
    (void)snprintf(demo->after, sizeof demo->after, "0");
    demo->zone.path = demo->zone_path;
    if (demo_zone_write(&demo->zone, &info) != SV_OK ||
        sv_redis_address_parse(demo->redis_url, &store.redis.address, &info) != SV_OK) {
        (void)fprintf(stderr, "sesverify demo: %s\n", info.text);
        return false;
    }
    store.redis.rand = &demo->rand;
    store.redis.reconnect_cap_ms = 200;
    demo->store = sv_redis_store_new(&demo->loop, &store, on_store_state, demo);
    return true;
}

static void init_handles(struct demo *demo)
{
    sv_ms deadline_ms = demo->options->deadline_ms;

    SV_REQUIRE(uv_loop_init(&demo->loop) == 0);
    SV_REQUIRE(uv_timer_init(&demo->loop, &demo->poll) == 0);
    SV_REQUIRE(uv_timer_init(&demo->loop, &demo->deadline) == 0);
    SV_REQUIRE(uv_signal_init(&demo->loop, &demo->interrupt) == 0);
    SV_REQUIRE(uv_signal_init(&demo->loop, &demo->terminate) == 0);
    SV_REQUIRE(uv_pipe_init(&demo->loop, &demo->ready_pipe, 0) == 0);
    demo->poll.data = demo->deadline.data = demo;
    demo->interrupt.data = demo->terminate.data = demo;
    demo->ready_pipe.data = demo;
    (void)uv_timer_start(&demo->poll, on_poll, 0, POLL_MS);
    (void)uv_timer_start(&demo->deadline, on_deadline,
                         (uint64_t)(deadline_ms == 0 ? DEADLINE_MS : deadline_ms), 0);
    (void)uv_signal_start(&demo->interrupt, on_signal, SIGINT);
    (void)uv_signal_start(&demo->terminate, on_signal, SIGTERM);
}

int demo_run(const struct demo_options *options)
{
    struct demo *demo = sv_alloc(1, sizeof *demo);
    int code;

    demo->options = options;
    demo->table =
        (struct demo_table){.started = now(), .json = options->json, .colour = options->colour};
    sv_rand_system_init(&demo->rand);
    sv_buf_init(&demo->ready_line, READY_BYTES_MAX);
    init_handles(demo);
    if (prepare(demo) && start_redis(demo) && start_sandbox(demo))
        (void)uv_read_start((uv_stream_t *)&demo->ready_pipe, on_alloc, on_ready_bytes);
    else
        end(demo, "could not start");
    (void)uv_run(&demo->loop, UV_RUN_DEFAULT);
    close_if_open((uv_handle_t *)&demo->deadline);
    (void)uv_run(&demo->loop, UV_RUN_DEFAULT);
    SV_REQUIRE(uv_loop_close(&demo->loop) == 0);
    code = demo->right ? 0 : 1;
    if (demo->right || demo->folder[0] == '\0')
        remove_folder(demo);
    else
        (void)fprintf(stderr, "sesverify demo: the logs are in %s\n", demo->folder);
    for (size_t i = 0; i < demo_cast_count; i++)
        json_decref(demo->actors[i].records);
    demo_zone_fini(&demo->zone);
    sv_buf_fini(&demo->ready_line);
    free(demo);
    return code;
}
