/* Commands per second and CPU per command of our Redis connection, beside hiredis's own blocking
 * client with the same pipeline in the same run.
 *
 *   bench_redis [URL [COMMANDS]]
 *
 * Without a URL it starts a redis-server of its own on a unix socket and ends it afterwards. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include <hiredis/hiredis.h>

#include "sv/alloc.h"
#include "sv/rand.h"
#include "sv/redis.h"
#include "sv/require.h"

enum { COMMANDS = 200000, WINDOW_MAX = SV_REDIS_INFLIGHT_MAX };

static const char *const argv_set[] = {"SET", "bench:key", "thirty bytes of a value, or so"};

struct bench {
    uv_loop_t loop;
    struct sv_redis *redis;
    struct sv_redis_command *commands; /* WINDOW_MAX, reused */
    unsigned started, ended, wanted;
};

struct mark {
    double wall_s, cpu_s;
};

static double seconds(const struct timeval *t)
{
    return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

static struct mark now(void)
{
    struct rusage usage;
    struct timespec wall;

    SV_REQUIRE(getrusage(RUSAGE_SELF, &usage) == 0);
    SV_REQUIRE(clock_gettime(CLOCK_MONOTONIC, &wall) == 0);
    return (struct mark){.wall_s = (double)wall.tv_sec + (double)wall.tv_nsec / 1e9,
                         .cpu_s = seconds(&usage.ru_utime) + seconds(&usage.ru_stime)};
}

static void start(struct bench *bench, struct sv_redis_command *command);

static void on_done(struct sv_redis_command *command, enum sv_err err, const redisReply *reply)
{
    struct bench *bench = command->owner;

    SV_REQUIRE(err == SV_OK && reply->type == REDIS_REPLY_STATUS);
    bench->ended++;
    if (bench->started < bench->wanted)
        start(bench, command);
    else if (bench->ended == bench->wanted)
        uv_stop(&bench->loop);
}

static void start(struct bench *bench, struct sv_redis_command *command)
{
    static const struct sv_redis_words words = {.count = 3, .argv = argv_set};

    command->owner = bench;
    SV_REQUIRE(sv_redis_start(bench->redis, command, &words, on_done, NULL) == SV_OK);
    bench->started++;
}

static void run_ours(struct bench *bench, unsigned count, unsigned window)
{
    bench->started = bench->ended = 0;
    bench->wanted = count;
    for (unsigned i = 0; i < window && i < count; i++)
        start(bench, &bench->commands[i]);
    (void)uv_run(&bench->loop, UV_RUN_DEFAULT);
    SV_REQUIRE(bench->ended == count);
}

static void run_hiredis(redisContext *context, unsigned count, unsigned window)
{
    const char *argv[] = {argv_set[0], argv_set[1], argv_set[2]};
    unsigned sent = 0;

    for (unsigned got = 0; got < count; got++) {
        void *reply = NULL;

        if (sent == got) { /* the window is empty: fill it, then read it */
            for (; sent < got + window && sent < count; sent++)
                SV_REQUIRE(redisAppendCommandArgv(context, 3, argv, NULL) == REDIS_OK);
        }
        SV_REQUIRE(redisGetReply(context, &reply) == REDIS_OK);
        freeReplyObject(reply);
    }
}

static void on_state(void *context, bool ready, const struct sv_errinfo *why)
{
    struct bench *bench = context;

    if (ready)
        uv_stop(&bench->loop);
    else
        (void)fprintf(stderr, "bench_redis: %s\n", why->text);
}

static void report(const char *who, unsigned window, unsigned count, struct mark from)
{
    struct mark to = now();
    double wall_s = to.wall_s - from.wall_s;

    printf("%-8s %9u %12.0f %14.2f\n", who, window, count / wall_s,
           (to.cpu_s - from.cpu_s) * 1e6 / count);
}

static void compare(struct bench *bench, redisContext *context, unsigned commands)
{
    static const unsigned windows[] = {1, 16, 128, 1024, WINDOW_MAX};

    printf("%-8s %9s %12s %14s\n", "client", "in flight", "commands/s", "CPU us/command");
    for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
        unsigned count = windows[i] == 1 ? commands / 10 : commands;
        struct mark from;

        run_ours(bench, count / 10, windows[i]); /* warm */
        from = now();
        run_ours(bench, count, windows[i]);
        report("sesverify", windows[i], count, from);
        from = now();
        run_hiredis(context, count, windows[i]);
        report("hiredis", windows[i], count, from);
    }
}

/* --- a server of our own --- */

static pid_t spawn_server(char *folder)
{
    pid_t pid;

    SV_REQUIRE(mkdtemp(folder) != NULL);
    pid = fork();
    SV_REQUIRE(pid >= 0);
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (chdir(folder) != 0 || null < 0 || dup2(null, 1) < 0)
            _exit(127);
        (void)execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", "redis.sock",
                     "--save", "", "--appendonly", "no", (char *)NULL);
        _exit(127);
    }
    return pid;
}

static void end_server(pid_t pid, const char *folder)
{
    char path[128];

    (void)kill(pid, SIGTERM);
    (void)waitpid(pid, NULL, 0);
    (void)snprintf(path, sizeof(path), "%s/redis.sock", folder);
    (void)unlink(path);
    (void)rmdir(folder);
}

static redisContext *connect_hiredis(const struct sv_redis_address *address)
{
    redisContext *context = address->is_unix ? redisConnectUnix(address->host)
                                             : redisConnect(address->host, (int)address->port);

    SV_REQUIRE(context != NULL && context->err == 0 && "hiredis connects, without a password");
    return context;
}

static void on_closed(void *context)
{
    (void)context;
}

static void bench_at(const char *url, unsigned commands)
{
    struct bench bench = {.commands = sv_alloc(WINDOW_MAX, sizeof(struct sv_redis_command))};
    struct sv_redis_options options = {.client_name = "bench_redis"};
    struct sv_errinfo info;
    struct sv_rand rand;
    redisContext *context;

    if (sv_redis_address_parse(url, &options.address, &info) != SV_OK) {
        (void)fprintf(stderr, "bench_redis: %s\n", info.text);
        exit(64);
    }
    (void)signal(SIGPIPE, SIG_IGN);
    sv_rand_system_init(&rand);
    options.rand = &rand;
    SV_REQUIRE(uv_loop_init(&bench.loop) == 0);
    bench.redis = sv_redis_new(&bench.loop, &options, on_state, &bench);
    while (!sv_redis_is_ready(bench.redis)) /* a server just started needs a moment */
        (void)uv_run(&bench.loop, UV_RUN_ONCE);
    (void)uv_run(&bench.loop, UV_RUN_NOWAIT); /* takes the uv_stop of on_state */
    context = connect_hiredis(&options.address);
    compare(&bench, context, commands);
    redisFree(context);
    sv_redis_close(bench.redis, on_closed, NULL);
    (void)uv_run(&bench.loop, UV_RUN_DEFAULT);
    SV_REQUIRE(uv_loop_close(&bench.loop) == 0);
    free(bench.commands);
}

int main(int argc, char **argv)
{
    unsigned commands = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : COMMANDS;
    char folder[] = "/tmp/sv-bench-redis-XXXXXX";
    char url[128];
    pid_t pid;

    if (argc > 1) {
        bench_at(argv[1], commands);
        return 0;
    }
    pid = spawn_server(folder);
    (void)snprintf(url, sizeof(url), "unix://%s/redis.sock", folder);
    bench_at(url, commands);
    end_server(pid, folder);
    return 0;
}
