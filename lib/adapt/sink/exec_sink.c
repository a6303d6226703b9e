/* A program that takes events.
 *
 * The happy path: the first event starts it; each event is a line to its standard input, and the
 * answer with the event's id says how it went.
 *
 * What can fail: it cannot be started, it ends, it closes its output, it does not answer in time
 * (then it is killed with its whole session), it prints a line without end. Then every event that
 * has no answer is LATER, and it is started again by the first event after a pause that grows. A
 * program that reads slowly slows itself down only: what it has not read waits with us, and the
 * courier has a bound for that. An answer that nobody waits for, and a line that is none, are told
 * and dropped. */
#include "sv/exec_sink.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "desk.h"
#include "exec_line.h"
#include "sv/alloc.h"
#include "sv/argv.h"
#include "sv/require.h"

enum {
    HANDLES = 4,
    CHUNK_BYTES = 4096,
    REST_MS = 1000,       /* for what an ended program has left in its output */
    TERM_MS = 1000,       /* from SIGTERM to SIGKILL when we stop */
    PAUSE_CAP_MS = 60000, /* between two starts of the program */
};

/* One event on its way: answered when the program has said so and our write is over, whichever
 * comes last, since the write borrows the event's bytes. */
struct send {
    uv_write_t write;
    struct sv_sink_parcel *parcel;
    struct exec_sink *sink;
    uint64_t due; /* uv_now */
    bool is_written, is_answered;
    enum sv_sink_outcome outcome;
    struct send *prev, *next;
};

/* The program as it runs now. All zero = it does not. */
struct run {
    uv_process_t process;
    uv_pipe_t in, out;
    uv_timer_t deadline;
    struct sv_buf line;
    char chunk[CHUNK_BYTES];
    unsigned handles; /* still open */
    bool is_spawned, has_exited, is_out_over, is_closing;
    bool is_condemned; /* killed: it is only waited for */
    struct sv_errinfo why;
};

struct exec_sink {
    struct sv_sink sink;
    struct sv_sink_desk desk;
    uv_loop_t *loop;
    struct sv_log *log;
    struct sv_argv argv;
    uint64_t answer_ms, pause_ms, pause_first_ms;
    uint64_t not_before; /* uv_now; when it may be started */
    struct run run;
    struct send *live; /* the oldest first */
    struct sv_errinfo last_why;
    bool is_stopping;
};

static struct exec_sink *self(struct sv_sink *sink)
{
    return (struct exec_sink *)sink;
}

static void finish(struct exec_sink *exec, struct send *send)
{
    struct sv_sink_parcel *parcel = send->parcel;
    enum sv_sink_outcome outcome = send->outcome;

    DL_DELETE(exec->live, send);
    free(send);
    sv_sink_desk_answer(&exec->desk, parcel, outcome);
}

/* --- the end of a run --- */

static void on_deadline(uv_timer_t *timer);

/* It may be sent again now: nothing of ours borrows it any more. */
static void give_back(struct exec_sink *exec, struct send *send)
{
    struct sv_sink_parcel *parcel = send->parcel;

    DL_DELETE(exec->live, send);
    if (!send->is_answered) {
        parcel->info = exec->last_why;
        parcel->retry_after_ms = (sv_ms)(exec->not_before - uv_now(exec->loop));
        parcel->blame = SV_SINK_BLAME_TARGET;
    }
    if (send->is_answered) /* it had said so before it ended */
        sv_sink_desk_answer_later(&exec->desk, parcel, send->outcome);
    else if (exec->is_stopping)
        sv_sink_desk_cancel(&exec->desk, parcel);
    else
        sv_sink_desk_answer_later(&exec->desk, parcel, SV_SINK_LATER);
    free(send);
}

static void on_closed(uv_handle_t *handle)
{
    struct exec_sink *exec = handle->data;
    struct send *send, *next;

    if (--exec->run.handles > 0)
        return;
    exec->last_why = exec->run.why;
    sv_buf_fini(&exec->run.line);
    exec->run = (struct run){.handles = 0};
    exec->not_before = uv_now(exec->loop) + exec->pause_ms;
    exec->pause_ms = exec->pause_ms * 2 < PAUSE_CAP_MS ? exec->pause_ms * 2 : PAUSE_CAP_MS;
    DL_FOREACH_SAFE(exec->live, send, next)
    {
        give_back(exec, send);
    }
    sv_sink_desk_let_go(&exec->desk);
}

static void close_run(struct exec_sink *exec)
{
    struct run *run = &exec->run;
    uv_handle_t *const handles[HANDLES] = {(uv_handle_t *)&run->process, (uv_handle_t *)&run->in,
                                           (uv_handle_t *)&run->out, (uv_handle_t *)&run->deadline};

    if (run->is_closing)
        return;
    run->is_closing = true;
    run->handles = HANDLES;
    if (!exec->is_stopping)
        sv_log_line(exec->log, SV_LOG_WARN, "sink_program_ended", run->why.text,
                    SV_LOG_STR("sink", exec->sink.name),
                    SV_LOG_INT("restart_in_ms", exec->pause_ms));
    for (size_t i = 0; i < HANDLES; i++)
        uv_close(handles[i], on_closed);
}

/* The session goes with its leader; the handles are closed once the leader is reaped, so that no
 * zombie stays. */
static void condemn(struct exec_sink *exec, const char *why)
{
    struct run *run = &exec->run;

    if (run->why.code == SV_OK)
        (void)sv_err_set(&run->why, SV_EUNAVAILABLE, "exec", 0, "%s", why);
    run->is_condemned = true;
    if (run->is_spawned && !run->has_exited)
        (void)kill(-uv_process_get_pid(&run->process), SIGKILL);
    else
        close_run(exec);
}

static void on_exit_of(uv_process_t *process, int64_t code, int signal_number)
{
    struct exec_sink *exec = process->data;
    struct run *run = &exec->run;

    run->has_exited = true;
    if (run->why.code == SV_OK && signal_number != 0)
        (void)sv_err_set(&run->why, SV_EUNAVAILABLE, "exec", signal_number,
                         "the program was ended by signal %d", signal_number);
    else if (run->why.code == SV_OK)
        (void)sv_err_set(&run->why, SV_EUNAVAILABLE, "exec", (long)code,
                         "the program ended with exit code %lld", (long long)code);
    if (run->is_out_over || run->is_condemned)
        close_run(exec);
    else /* its last answers are still read, but a child of it may hold the pipe for ever */
        SV_REQUIRE(uv_timer_start(&run->deadline, on_deadline, REST_MS, 0) == 0);
}

/* --- what it says --- */

static struct send *find(struct exec_sink *exec, const char *id)
{
    struct send *send;

    DL_FOREACH(exec->live, send)
    {
        if (!send->is_answered && strcmp(send->parcel->id, id) == 0)
            return send;
    }
    return NULL;
}

static void take_line(struct exec_sink *exec, const char *text, size_t len)
{
    struct sv_exec_line line;
    bool is_answer = sv_exec_line_read(text, len, &line);
    struct send *send = is_answer ? find(exec, line.id) : NULL;

    if (send == NULL) {
        sv_log_line(exec->log, is_answer ? SV_LOG_DEBUG : SV_LOG_WARN, "sink_program_said",
                    is_answer ? "an answer that nobody waits for" : "a line that is no answer",
                    SV_LOG_STR("sink", exec->sink.name));
        return;
    }
    send->is_answered = true;
    send->outcome = line.outcome;
    send->parcel->retry_after_ms = line.retry_after_ms;
    send->parcel->blame = SV_SINK_BLAME_EVENT;
    if (line.outcome == SV_SINK_DELIVERED)
        exec->pause_ms = exec->pause_first_ms;
    else
        (void)sv_err_set(&send->parcel->info,
                         line.outcome == SV_SINK_LATER ? SV_EUNAVAILABLE : SV_EREFUSED, "exec", 0,
                         "the program says: %s",
                         line.reason[0] != '\0'          ? line.reason
                         : line.outcome == SV_SINK_LATER ? "later"
                                                         : "refused");
    if (send->is_written)
        finish(exec, send);
}

static void take_lines(struct exec_sink *exec)
{
    struct sv_buf *line = &exec->run.line;
    const char *end;

    while (line->len > 0 && (end = memchr(line->data, '\n', line->len)) != NULL) {
        size_t len = (size_t)(end - line->data);

        take_line(exec, line->data, len);
        sv_buf_consume(line, len + 1);
    }
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *out)
{
    struct exec_sink *exec = handle->data;

    (void)wanted;
    *out = uv_buf_init(exec->run.chunk, sizeof exec->run.chunk);
}

static void on_out(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
    struct exec_sink *exec = stream->data;
    struct run *run = &exec->run;

    if (run->is_closing)
        return;
    if (got >= 0) {
        SV_REQUIRE(sv_buf_add(&run->line, buf->base, (size_t)got)); /* a chunk fits, see below */
        take_lines(exec);
        if (run->line.len > SV_EXEC_LINE_BYTES_MAX)
            condemn(exec, "the program printed a line without end");
        return;
    }
    run->is_out_over = true;
    (void)uv_read_stop(stream);
    if (run->has_exited)
        close_run(exec);
    else if (!run->is_condemned) /* its exit is told after the end of its output, mostly */
        SV_REQUIRE(uv_timer_start(&run->deadline, on_deadline, REST_MS, 0) == 0);
}

/* --- time --- */

static void on_deadline(uv_timer_t *timer)
{
    struct exec_sink *exec = timer->data;
    struct run *run = &exec->run;
    const struct send *oldest = exec->live;

    if (exec->is_stopping || run->has_exited)
        condemn(exec, "the program did not end in time");
    else if (run->is_out_over)
        condemn(exec, "the program closed its standard output");
    else if (oldest != NULL && uv_now(exec->loop) >= oldest->due)
        condemn(exec, "the program did not answer in time");
}

/* Every so often is enough: an answer that is a tenth late is no harm. */
static void watch(struct exec_sink *exec)
{
    uint64_t every = exec->answer_ms / 10 > 0 ? exec->answer_ms / 10 : 1;

    SV_REQUIRE(uv_timer_start(&exec->run.deadline, on_deadline, every, every) == 0);
}

/* --- start --- */

static int spawn(struct exec_sink *exec)
{
    struct run *run = &exec->run;
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&run->in},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&run->out},
        {.flags = UV_INHERIT_FD, .data.fd = 2}};
    uv_process_options_t options = {.exit_cb = on_exit_of,
                                    .file = exec->argv.words[0],
                                    .args = exec->argv.words,
                                    .flags = UV_PROCESS_DETACHED,
                                    .stdio_count = 3,
                                    .stdio = stdio};
    int code = uv_spawn(exec->loop, &run->process, &options);

    run->is_spawned = code == 0;
    return code == 0 ? uv_read_start((uv_stream_t *)&run->out, on_alloc, on_out) : code;
}

static void begin(struct exec_sink *exec)
{
    struct run *run = &exec->run;
    int code;

    *run = (struct run){.handles = HANDLES};
    sv_buf_init(&run->line, SV_EXEC_LINE_BYTES_MAX + CHUNK_BYTES);
    SV_REQUIRE(uv_pipe_init(exec->loop, &run->in, 0) == 0 &&
               uv_pipe_init(exec->loop, &run->out, 0) == 0 &&
               uv_timer_init(exec->loop, &run->deadline) == 0);
    run->process.data = run->in.data = run->out.data = run->deadline.data = exec;
    sv_sink_desk_hold(&exec->desk);
    code = spawn(exec);
    if (code == 0) {
        watch(exec);
        return;
    }
    (void)sv_err_set(&run->why, SV_EUNAVAILABLE, "exec", code, "the program cannot be started: %s",
                     uv_strerror(code));
    condemn(exec, "");
}

static void on_written(uv_write_t *write, int status)
{
    struct send *send = (struct send *)write; /* its first member */

    (void)status; /* a pipe that is gone ends the run, which answers for all */
    send->is_written = true;
    if (send->is_answered && !send->sink->run.is_closing)
        finish(send->sink, send);
}

static void hand_over(struct exec_sink *exec, struct sv_sink_parcel *parcel)
{
    static const char newline[] = "\n";
    struct send *send = sv_alloc(1, sizeof *send);
    uv_buf_t pieces[2] = {{.base = (char *)(uintptr_t)parcel->body, .len = parcel->body_bytes},
                          {.base = (char *)(uintptr_t)newline, .len = 1}};

    *send =
        (struct send){.parcel = parcel, .sink = exec, .due = uv_now(exec->loop) + exec->answer_ms};
    DL_APPEND(exec->live, send);
    if (exec->run.is_closing || exec->run.is_condemned)
        return; /* the end of the run answers */
    if (uv_write(&send->write, (uv_stream_t *)&exec->run.in, pieces, 2, on_written) != 0)
        condemn(exec, "the program's standard input cannot be written to");
}

static void deliver(struct sv_sink *sink, struct sv_sink_parcel *parcel, sv_sink_done_fn *done)
{
    struct exec_sink *exec = self(sink);
    uint64_t now = uv_now(exec->loop);

    sv_sink_desk_take(&exec->desk, parcel, done);
    if (exec->is_stopping) {
        sv_sink_desk_cancel(&exec->desk, parcel);
        return;
    }
    if (memchr(parcel->body, '\n', parcel->body_bytes) != NULL) {
        (void)sv_err_set(&parcel->info, SV_EINVALID, "exec", 0, "the event is more than one line");
        sv_sink_desk_answer_later(&exec->desk, parcel, SV_SINK_REFUSED);
        return;
    }
    if (exec->run.handles == 0 && now < exec->not_before) {
        parcel->info = exec->last_why;
        parcel->retry_after_ms = (sv_ms)(exec->not_before - now);
        parcel->blame = SV_SINK_BLAME_TARGET;
        sv_sink_desk_answer_later(&exec->desk, parcel, SV_SINK_LATER);
        return;
    }
    if (exec->run.handles == 0)
        begin(exec);
    hand_over(exec, parcel);
}

/* --- close --- */

static void release(struct sv_sink *sink)
{
    free(self(sink));
}

static void stop(struct sv_sink *sink)
{
    struct exec_sink *exec = self(sink);
    struct run *run = &exec->run;

    exec->is_stopping = true;
    if (run->handles == 0 || run->is_closing || run->is_condemned)
        return;
    (void)sv_err_set(&run->why, SV_ECANCELED, "exec", 0, "the sink closes");
    run->is_condemned = true; /* what it says now is not waited for */
    if (run->has_exited)
        close_run(exec);
    else
        (void)kill(-uv_process_get_pid(&run->process), SIGTERM);
    if (!run->is_closing)
        SV_REQUIRE(uv_timer_start(&run->deadline, on_deadline, TERM_MS, 0) == 0);
}

static void close_sink(struct sv_sink *sink, sv_sink_closed_fn *closed, void *context)
{
    stop(sink);
    sv_sink_desk_close(&self(sink)->desk, closed, context);
}

static const struct sv_sink_kind kind = {
    .name = "exec", .deliver = deliver, .stop = stop, .close = close_sink};

enum sv_err sv_exec_sink_new(const struct sv_exec_sink_options *options, struct sv_sink **out,
                             struct sv_errinfo *info)
{
    struct exec_sink *exec = sv_alloc(1, sizeof *exec);
    enum sv_err err = sv_argv_split(options->command, &exec->argv, info);

    if (err != SV_OK) {
        free(exec);
        return err;
    }
    exec->sink.kind = &kind;
    exec->loop = options->loop;
    exec->log = options->log;
    exec->answer_ms = (uint64_t)(options->answer_ms > 0 ? options->answer_ms : 30 * SV_SECOND);
    exec->pause_first_ms =
        (uint64_t)(options->restart_first_ms > 0 ? options->restart_first_ms : SV_SECOND);
    exec->pause_ms = exec->pause_first_ms;
    (void)snprintf(exec->sink.name, sizeof exec->sink.name, "%s", options->name);
    sv_sink_desk_init(&exec->desk, options->loop, &exec->sink, release);
    *out = &exec->sink;
    return SV_OK;
}
