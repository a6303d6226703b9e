/* A Redis connection on strings: commands on standard input, what happens on standard output.
 *
 *   redis_probe URL COMMAND_MS [ca=FILE] [cert=FILE] [key=FILE] [name=NAME] [connect_ms=N]
 * [cap_ms=N] [password_file=FILE]
 *
 * Lines in:   ID DEADLINE_MS WORD...    one command; DEADLINE_MS 0 = COMMAND_MS
 *             incr KEY COUNT            so many INCRs, as many in flight as the connection takes
 * Lines out:  state ready | state down ERROR TEXT
 *             ID ERROR REPLY            arrays in brackets, nil for nothing
 *             incr ERROR COUNT          how many answers came in order before the first error
 * The end of the input closes everything; then "closed" and exit 0 if the loop is clean. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "sv/alloc.h"
#include "sv/buf.h"
#include "sv/rand.h"
#include "sv/redis.h"
#include "sv/require.h"

enum { LINE_BYTES_MAX = 1 << 20, WORDS_MAX = 32 };

struct probe {
    struct sv_redis *redis;
    struct sv_buf in;
    uv_pipe_t input;
    char chunk[65536];
    /* the incr line */
    const char *key;
    unsigned started, answered, in_order, wanted;
    enum sv_err err;
};

struct call {
    struct sv_redis_command command;
    char id[32];
};

struct step { /* one INCR */
    struct sv_redis_command command;
    unsigned number;
};

static void print_reply(const redisReply *reply)
{
    if (reply == NULL || reply->type == REDIS_REPLY_NIL) {
        (void)fputs("nil", stdout);
    } else if (reply->type == REDIS_REPLY_INTEGER) {
        printf("%lld", reply->integer);
    } else if (reply->type == REDIS_REPLY_ARRAY) {
        (void)putchar('[');
        for (size_t i = 0; i < reply->elements; i++) {
            (void)fputs(i > 0 ? " " : "", stdout);
            print_reply(reply->element[i]);
        }
        (void)putchar(']');
    } else {
        (void)fwrite(reply->str, 1, reply->len, stdout);
    }
}

static void on_done(struct sv_redis_command *command, enum sv_err err, const redisReply *reply)
{
    struct call *call = command->owner;

    printf("%s %s ", call->id, sv_err_name(err));
    print_reply(reply);
    (void)putchar('\n');
    (void)fflush(stdout);
    free(call);
}

static void on_state(void *context, bool ready, const struct sv_errinfo *why)
{
    (void)context;
    if (ready)
        printf("state ready\n");
    else
        printf("state down %s %s\n", sv_err_name(why->code), why->text);
    (void)fflush(stdout);
}

static void start_one(struct probe *probe, char *id, const char *deadline, size_t count,
                      const char *const *argv)
{
    struct call *call = sv_alloc(1, sizeof(*call));
    struct sv_redis_words words = {
        .count = count, .argv = argv, .deadline_ms = strtoll(deadline, NULL, 10)};
    enum sv_err err;

    (void)snprintf(call->id, sizeof(call->id), "%s", id);
    call->command.owner = call;
    err = sv_redis_start(probe->redis, &call->command, &words, on_done, NULL);
    if (err == SV_OK)
        return;
    printf("%s %s not started\n", id, sv_err_name(err));
    (void)fflush(stdout);
    free(call);
}

static void pump(struct probe *probe);

static void on_step(struct sv_redis_command *command, enum sv_err err, const redisReply *reply)
{
    struct step *step = (struct step *)command;
    struct probe *probe = command->owner;

    probe->answered++;
    if (err == SV_OK && probe->err == SV_OK && reply->integer == (long long)step->number + 1)
        probe->in_order++;
    else if (err != SV_OK && probe->err == SV_OK)
        probe->err = err;
    free(step);
    pump(probe);
}

/* Starts as many as the connection takes; the rest follows from the callbacks. */
static void pump(struct probe *probe)
{
    const char *argv[] = {"INCR", probe->key};
    struct sv_redis_words words = {.count = 2, .argv = argv};

    while (probe->started < probe->wanted && probe->err == SV_OK) {
        struct step *step = sv_alloc(1, sizeof(*step));
        enum sv_err err;

        step->command.owner = probe;
        step->number = probe->started;
        err = sv_redis_start(probe->redis, &step->command, &words, on_step, NULL);
        if (err != SV_OK) {
            free(step);
            if (err != SV_EBUSY)
                probe->err = err;
            break;
        }
        probe->started++;
    }
    if (probe->answered == probe->started && probe->wanted > 0) {
        printf("incr %s %u\n", sv_err_name(probe->err), probe->in_order);
        (void)fflush(stdout);
        probe->wanted = 0;
    }
}

static void run_line(struct probe *probe, char *line)
{
    char *words[WORDS_MAX];
    size_t count = 0;

    for (char *word = strsep(&line, " "); word != NULL; word = strsep(&line, " ")) {
        SV_REQUIRE(count < WORDS_MAX);
        words[count++] = word;
    }
    SV_REQUIRE(count >= 3);
    if (strcmp(words[0], "incr") == 0) {
        static char key[64];

        (void)snprintf(key, sizeof(key), "%s", words[1]);
        probe->key = key;
        probe->started = probe->answered = probe->in_order = 0;
        probe->err = SV_OK;
        probe->wanted = (unsigned)strtoul(words[2], NULL, 10);
        pump(probe);
        return;
    }
    start_one(probe, words[0], words[1], count - 2, (const char *const *)words + 2);
}

static void on_closed(void *context)
{
    (void)context;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct probe *probe = handle->data;

    (void)suggested;
    *buf = uv_buf_init(probe->chunk, sizeof(probe->chunk));
}

static void on_input(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    struct probe *probe = stream->data;

    if (count < 0) {
        uv_close((uv_handle_t *)stream, NULL);
        sv_redis_close(probe->redis, on_closed, NULL);
        return;
    }
    SV_REQUIRE(sv_buf_add(&probe->in, buf->base, (size_t)count));
    for (;;) {
        char *end = probe->in.len == 0 ? NULL : memchr(probe->in.data, '\n', probe->in.len);

        if (end == NULL)
            return;
        *end = '\0';
        run_line(probe, probe->in.data);
        sv_buf_consume(&probe->in, (size_t)(end - probe->in.data) + 1);
    }
}

/* What stands behind NAME= among the arguments; NULL = it is not there. */
static const char *argument(int argc, char **argv, const char *name)
{
    size_t len = strlen(name);

    for (int i = 3; i < argc; i++) {
        if (strncmp(argv[i], name, len) == 0 && argv[i][len] == '=')
            return argv[i] + len + 1;
    }
    return NULL;
}

/* The context is a file with the password. */
static enum sv_err read_login(void *context, struct sv_redis_login *out, struct sv_errinfo *info)
{
    FILE *file = fopen(context, "re");
    bool is_read = file != NULL && fgets(out->password, sizeof(out->password), file) != NULL;

    if (file != NULL)
        (void)fclose(file);
    return is_read ? SV_OK : sv_err_set(info, SV_ENOTFOUND, "probe", 0, "no password");
}

static void take_arguments(int argc, char **argv, struct sv_redis_options *options)
{
    const char *connect_ms = argument(argc, argv, "connect_ms");
    const char *cap_ms = argument(argc, argv, "cap_ms");
    const char *password_file = argument(argc, argv, "password_file");

    options->command_ms = strtoll(argv[2], NULL, 10);
    options->connect_ms = connect_ms != NULL ? strtoll(connect_ms, NULL, 10) : 0;
    options->reconnect_cap_ms = cap_ms != NULL ? strtoll(cap_ms, NULL, 10) : 0;
    options->tls = sv_redis_tls_new(&(struct sv_redis_tls_settings){
        .ca_file = argument(argc, argv, "ca"),
        .cert_file = argument(argc, argv, "cert"),
        .key_file = argument(argc, argv, "key"),
        .server_name = argument(argc, argv, "name"),
    });
    if (password_file != NULL) {
        static char path[1024];

        (void)snprintf(path, sizeof(path), "%s", password_file);
        options->login = read_login;
        options->login_context = path;
    }
}

int main(int argc, char **argv)
{
    struct sv_redis_options options = {.client_name = "redis_probe"};
    struct probe *probe = sv_alloc(1, sizeof(*probe));
    struct sv_errinfo info;
    struct sv_rand rand;
    uv_loop_t loop;

    SV_REQUIRE(argc >= 3);
    (void)signal(SIGPIPE, SIG_IGN);
    if (sv_redis_address_parse(argv[1], &options.address, &info) != SV_OK) {
        (void)fprintf(stderr, "redis_probe: %s\n", info.text);
        return 64;
    }
    sv_rand_system_init(&rand);
    options.rand = &rand;
    take_arguments(argc, argv, &options);
    SV_REQUIRE(uv_loop_init(&loop) == 0);
    sv_buf_init(&probe->in, LINE_BYTES_MAX);
    probe->redis = sv_redis_new(&loop, &options, on_state, NULL);
    SV_REQUIRE(uv_pipe_init(&loop, &probe->input, 0) == 0);
    probe->input.data = probe;
    SV_REQUIRE(uv_pipe_open(&probe->input, 0) == 0);
    SV_REQUIRE(uv_read_start((uv_stream_t *)&probe->input, on_alloc, on_input) == 0);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    SV_REQUIRE(uv_loop_close(&loop) == 0);
    sv_buf_fini(&probe->in);
    free(probe);
    sv_redis_tls_free(options.tls);
    printf("closed\n");
    return 0;
}
