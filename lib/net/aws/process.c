/* The story: the program is started with two pipes; what it prints is kept, what it complains is
 * kept to its first 4 KiB and then thrown away. When it has ended and closed its output, every
 * handle is closed, and then the owner is told.
 *
 * What can fail: it cannot be started; it ends with an exit code or by a signal; it prints too
 * much, or does not end in time: then its whole session is killed, and whatever still holds the
 * pipes is not waited for. */
#include "process.h"

#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "sv/require.h"

enum { WORD_TOLD_MAX = 15 }; /* an access key has 20 characters, everything secret has more */

static enum sv_err judge(struct sv_process *process)
{
    char complaint[101];
    const char *colon;

    if (process->err != SV_OK)
        return process->err;
    sv_process_tame(sv_buf_str(&process->complaint), process->complaint.len, complaint);
    colon = complaint[0] != '\0' ? ": " : "";
    if (process->signal != 0)
        return sv_err_set(&process->info, SV_EDENIED, "process", process->signal,
                          "ended by signal %d%s%s", process->signal, colon, complaint);
    if (process->exit_code != 0)
        return sv_err_set(&process->info, SV_EDENIED, "process", (long)process->exit_code,
                          "exit code %d%s%s", (int)process->exit_code, colon, complaint);
    return SV_OK;
}

static void wipe(struct sv_buf *buf)
{
    if (buf->data != NULL)
        OPENSSL_cleanse(buf->data, buf->cap);
    sv_buf_fini(buf);
}

static void on_closed(uv_handle_t *handle)
{
    struct sv_process *process = handle->data;
    struct sv_buf out;

    if (--process->handles > 0)
        return;
    out = process->out;
    wipe(&process->complaint);
    OPENSSL_cleanse(process->chunk, sizeof process->chunk);
    OPENSSL_cleanse(&process->argv, sizeof process->argv);
    process->done(process, process->err); /* may free the process */
    wipe(&out);
}

static void close_all(struct sv_process *process)
{
    uv_handle_t *const handles[] = {
        (uv_handle_t *)&process->process, (uv_handle_t *)&process->out_pipe,
        (uv_handle_t *)&process->err_pipe, (uv_handle_t *)&process->deadline};

    if (process->closing)
        return;
    process->closing = true;
    process->err = judge(process);
    process->handles = sizeof handles / sizeof handles[0];
    for (size_t i = 0; i < sizeof handles / sizeof handles[0]; i++)
        uv_close(handles[i], on_closed);
}

/* The session goes with its leader. The handle is closed only once the leader is reaped, so that
 * no zombie stays. */
static void give_up(struct sv_process *process, enum sv_err err, const char *why)
{
    if (process->err == SV_OK)
        process->err = sv_err_set(&process->info, err, "process", 0, "%s", why);
    if (process->spawned && !process->ended)
        (void)kill(-uv_process_get_pid(&process->process), SIGKILL);
    else
        close_all(process);
}

static void on_exit_of(uv_process_t *handle, int64_t exit_code, int signal)
{
    struct sv_process *process = handle->data;

    process->ended = true;
    process->exit_code = exit_code;
    process->signal = signal;
    if (process->out_ended || process->err != SV_OK)
        close_all(process);
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *out)
{
    struct sv_process *process = handle->data;

    (void)wanted;
    *out = uv_buf_init(process->chunk, sizeof process->chunk);
}

static void on_out(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
    struct sv_process *process = stream->data;

    if (got > 0 && !sv_buf_add(&process->out, buf->base, (size_t)got)) {
        (void)uv_read_stop(stream);
        give_up(process, SV_ETOOBIG, "it prints more than 64 KiB");
    } else if (got < 0) {
        (void)uv_read_stop(stream);
        process->out_ended = true;
        if (process->ended)
            close_all(process);
    }
}

static void on_complaint(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
    struct sv_process *process = stream->data;
    size_t room = process->complaint.bytes_max - process->complaint.len;

    if (got < 0)
        (void)uv_read_stop(stream);
    else
        SV_REQUIRE(
            sv_buf_add(&process->complaint, buf->base, (size_t)got < room ? (size_t)got : room));
}

static void on_deadline(uv_timer_t *timer)
{
    struct sv_process *process = timer->data;
    char why[64];

    if (!process->spawned || process->err != SV_OK) { /* told below, or killed already */
        close_all(process);
        return;
    }
    (void)snprintf(why, sizeof why, "it did not end within %lld ms", (long long)process->limit_ms);
    give_up(process, SV_ETIMEOUT, why);
}

static void init_handles(struct sv_process *process, uv_loop_t *loop)
{
    SV_REQUIRE(uv_pipe_init(loop, &process->out_pipe, 0) == 0 &&
               uv_pipe_init(loop, &process->err_pipe, 0) == 0 &&
               uv_timer_init(loop, &process->deadline) == 0);
    process->process.data = process->out_pipe.data = process->err_pipe.data = process;
    process->deadline.data = process;
}

static int spawn(struct sv_process *process, uv_loop_t *loop)
{
    uv_stdio_container_t stdio[3] = {{.flags = UV_IGNORE},
                                     {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
                                      .data.stream = (uv_stream_t *)&process->out_pipe},
                                     {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
                                      .data.stream = (uv_stream_t *)&process->err_pipe}};
    uv_process_options_t options = {.exit_cb = on_exit_of,
                                    .file = process->argv.words[0],
                                    .args = process->argv.words,
                                    .flags = UV_PROCESS_DETACHED,
                                    .stdio_count = 3,
                                    .stdio = stdio};
    int code = uv_spawn(loop, &process->process, &options);

    process->spawned = code == 0;
    if (code == 0)
        code = uv_read_start((uv_stream_t *)&process->out_pipe, on_alloc, on_out);
    if (code == 0)
        code = uv_read_start((uv_stream_t *)&process->err_pipe, on_alloc, on_complaint);
    return code;
}

enum sv_err sv_process_start(struct sv_process *process, uv_loop_t *loop, const char *command,
                             sv_ms limit_ms, sv_process_done_fn *done)
{
    void *owner = process->owner;
    enum sv_err err;
    int code;

    *process = (struct sv_process){.owner = owner, .done = done, .limit_ms = limit_ms};
    err = sv_argv_split(command, &process->argv, &process->info);
    if (err != SV_OK)
        return err;
    sv_buf_init(&process->out, SV_PROCESS_OUT_BYTES_MAX);
    sv_buf_init(&process->complaint, SV_PROCESS_ERR_BYTES_MAX);
    init_handles(process, loop);
    code = spawn(process, loop);
    if (code != 0)
        process->err = sv_err_set(&process->info, SV_EDENIED, "process", code,
                                  "cannot be started: %s", uv_strerror(code));
    SV_REQUIRE(uv_timer_start(&process->deadline, on_deadline,
                              process->spawned && code == 0 ? (uint64_t)limit_ms : 0, 0) == 0);
    return SV_OK;
}

void sv_process_cancel(struct sv_process *process)
{
    process->err = SV_OK;
    give_up(process, SV_ECANCELED, "canceled by its owner");
}

void sv_process_tame(const char *bytes, size_t len, char out[101])
{
    static const char ends[] = " \t\"'=:,;()[]{}<>";
    size_t kept = 0, line = 0;

    while (line < len && bytes[line] != '\n' && bytes[line] != '\r' && bytes[line] != '\0')
        line++;
    for (size_t at = 0; at < line && kept < 100;) {
        size_t word = at;

        while (word < line && strchr(ends, bytes[word]) == NULL)
            word++;
        if (word - at > WORD_TOLD_MAX) {
            kept += (size_t)snprintf(out + kept, 101 - kept, "...");
            kept = kept > 100 ? 100 : kept;
            at = word;
        }
        for (; at < word || (at == word && at < line); at++) {
            if (kept == 100)
                break;
            out[kept] = '?';
            if (bytes[at] >= ' ' && bytes[at] < 0x7f)
                out[kept] = bytes[at];
            kept++;
        }
        if (kept == 100)
            break;
    }
    out[kept] = '\0';
}
