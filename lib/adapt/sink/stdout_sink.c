/* Lines to a descriptor that is not ours.
 *
 * The happy path: when it takes something (poll), at most as much of the line is written as a pipe
 * takes without blocking; when the whole line is out, DELIVERED. A file is always ready and is not
 * polled.
 *
 * What can fail: nobody reads (nothing happens until somebody does), the reader is gone, the disk
 * is full: LATER with what the system said. */
#include "sv/stdout_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "desk.h"
#include "sv/alloc.h"
#include "sv/require.h"

struct line {
    struct sv_sink_parcel *parcel;
    struct line *prev, *next;
};

struct stdout_sink {
    struct sv_sink sink;
    struct sv_sink_desk desk;
    int fd;
    bool is_polled; /* a pipe, a terminal, a socket */
    bool is_broken; /* the last line stands there in part */
    uv_poll_t poll;
    struct line *live; /* the first one is being written */
    size_t written;    /* of it, the newline counts */
};

static struct stdout_sink *self(struct sv_sink *sink)
{
    return (struct stdout_sink *)sink;
}

/* SV_EBUSY: it takes nothing now. */
static enum sv_err put(struct stdout_sink *out, const char *bytes, size_t len, size_t *put_bytes,
                       struct sv_errinfo *info)
{
    size_t most = out->is_polled && len > PIPE_BUF ? PIPE_BUF : len;
    ssize_t done = send(out->fd, bytes, most, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (done < 0 && errno == ENOTSOCK)
        done = write(out->fd, bytes, most);
    *put_bytes = done > 0 ? (size_t)done : 0;
    if (done >= 0)
        return SV_OK;
    if (errno == EAGAIN || errno == EINTR)
        return SV_EBUSY;
    return sv_err_set(info, errno == ENOSPC ? SV_EFULL : SV_ECONNECT, "stdout", errno, "write: %s",
                      strerror(errno));
}

/* One piece of the first line. SV_OK: go on; SV_EBUSY: wait. */
static enum sv_err put_piece(struct stdout_sink *out, struct sv_sink_parcel *parcel)
{
    size_t done = 0, len = parcel->body_bytes;
    enum sv_err err;

    if (out->is_broken) {
        err = put(out, "\n", 1, &done, &parcel->info);
        out->is_broken = done == 0;
        return err;
    }
    if (out->written < len)
        err = put(out, parcel->body + out->written, len - out->written, &done, &parcel->info);
    else
        err = put(out, "\n", 1, &done, &parcel->info);
    out->written += done;
    return err;
}

static void end_first(struct stdout_sink *out, enum sv_sink_outcome outcome)
{
    struct line *line = out->live;
    struct sv_sink_parcel *parcel = line->parcel;

    if (outcome != SV_SINK_DELIVERED && out->written > 0)
        out->is_broken = true;
    out->written = 0;
    DL_DELETE(out->live, line);
    free(line);
    sv_sink_desk_answer_later(&out->desk, parcel, outcome);
}

/* False when it has to wait. A polled one writes one piece each time it is ready. */
static bool put_some(struct stdout_sink *out)
{
    struct sv_sink_parcel *parcel = out->live->parcel;
    enum sv_err err = put_piece(out, parcel);

    if (err == SV_OK && out->written == parcel->body_bytes + 1)
        end_first(out, SV_SINK_DELIVERED);
    else if (err != SV_OK && err != SV_EBUSY)
        end_first(out, SV_SINK_LATER);
    return err != SV_EBUSY;
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct stdout_sink *out = poll->data;

    (void)status; /* the write tells what is wrong */
    (void)events;
    if (out->live != NULL)
        (void)put_some(out);
    if (out->live == NULL)
        (void)uv_poll_stop(poll);
}

static void deliver(struct sv_sink *sink, struct sv_sink_parcel *parcel, sv_sink_done_fn *done)
{
    struct stdout_sink *out = self(sink);
    struct line *line = sv_alloc(1, sizeof *line);

    sv_sink_desk_take(&out->desk, parcel, done);
    line->parcel = parcel;
    DL_APPEND(out->live, line);
    if (out->is_polled) {
        SV_REQUIRE(uv_poll_start(&out->poll, UV_WRITABLE, on_ready) == 0);
        return;
    }
    while (out->live != NULL)
        (void)put_some(out);
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct stdout_sink *out = handle->data;

    sv_sink_desk_let_go(&out->desk);
}

static void release(struct sv_sink *sink)
{
    free(self(sink));
}

static void close_sink(struct sv_sink *sink, sv_sink_closed_fn *closed, void *context)
{
    struct stdout_sink *out = self(sink);
    struct line *line, *next;

    DL_FOREACH_SAFE(out->live, line, next)
    {
        sv_sink_desk_cancel(&out->desk, line->parcel);
        free(line);
    }
    out->live = NULL;
    if (out->is_polled)
        uv_close((uv_handle_t *)&out->poll, on_poll_closed);
    sv_sink_desk_close(&out->desk, closed, context);
}

static const struct sv_sink_kind kind = {.name = "stdout", .deliver = deliver, .close = close_sink};

struct sv_sink *sv_stdout_sink_new(const struct sv_stdout_sink_options *options)
{
    struct stdout_sink *out = sv_alloc(1, sizeof *out);
    int flags = fcntl(options->fd, F_GETFL);

    out->sink.kind = &kind;
    out->fd = options->fd;
    (void)snprintf(out->sink.name, sizeof out->sink.name, "%s", options->name);
    sv_sink_desk_init(&out->desk, options->loop, &out->sink, release);
    out->is_polled = uv_poll_init(options->loop, &out->poll, options->fd) == 0;
    if (out->is_polled) {
        (void)fcntl(options->fd, F_SETFL, flags); /* libuv took it out of blocking mode */
        out->poll.data = out;
        sv_sink_desk_hold(&out->desk);
    }
    return &out->sink;
}
