/* sesverify-crash: the worker with a transport that ends the process at a chosen command, so that a
 * test can die between any two commands. Linked with --wrap of the two functions that make a
 * stream; the worker itself knows nothing of it. Over TLS the outer stream is listened to, whose
 * bytes are clear.
 *
 * SV_TEST_END_BEFORE=N ends the process before its Nth Redis command is written, what came before
 * it being written; SV_TEST_END_AFTER=N right after the Nth was written, so that its reply finds
 * nobody. With SV_TEST_END_WORD=word only commands with that second word (of a script: its SHA-1)
 * are counted. Commands are counted over all connections of the process, in the order of writing.
 * The end is _exit(86): nothing is closed, freed or told, but for the command's first words on
 * standard error. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../lib/net/redis/stream.h"
#include "sv/require.h"

enum { EXIT_AT_COMMAND = 86, WORDS_TOLD = 2, WORD_BYTES_TOLD = 64 };

struct sv_redis_stream *__real_sv_redis_stream_plain_new(
    uv_loop_t *loop, const struct sv_redis_stream_events *events, void *context);
struct sv_redis_stream *__wrap_sv_redis_stream_plain_new(
    uv_loop_t *loop, const struct sv_redis_stream_events *events, void *context);
struct sv_redis_stream *__real_sv_redis_stream_tls_new(uv_loop_t *loop, struct sv_redis_tls *tls,
                                                       const struct sv_redis_stream_events *events,
                                                       void *context);
struct sv_redis_stream *__wrap_sv_redis_stream_tls_new(uv_loop_t *loop, struct sv_redis_tls *tls,
                                                       const struct sv_redis_stream_events *events,
                                                       void *context);

/* What is counted, and the operations that are decorated: one process, one of each. */
static struct {
    const struct sv_redis_stream_ops *real;
    struct sv_redis_stream_ops ours;
    const char *word; /* NULL = every command */
    uint64_t before, after, count;
    bool is_within_tls; /* the plain stream that is made belongs to a TLS stream */
} end_at;

static uint64_t number_of(const char *name)
{
    const char *text = getenv(name);

    return text == NULL ? UINT64_MAX : strtoull(text, NULL, 10);
}

/* Reads `*count\r\n` or `$len\r\n`; we wrote it ourselves, so it is right. */
static size_t read_head(const char **at, char kind)
{
    char *end;
    size_t number;

    SV_REQUIRE(**at == kind);
    number = strtoull(*at + 1, &end, 10);
    SV_REQUIRE(end[0] == '\r' && end[1] == '\n');
    *at = end + 2;
    return number;
}

static const char *skip_command(const char *at, bool tell)
{
    size_t words = read_head(&at, '*');

    for (size_t i = 0; i < words; i++) {
        size_t len = read_head(&at, '$');

        if (tell && i < WORDS_TOLD)
            (void)fprintf(stderr, " %.*s", len < WORD_BYTES_TOLD ? (int)len : WORD_BYTES_TOLD, at);
        at += len + 2;
    }
    return at;
}

static bool is_counted(const char *at)
{
    size_t words = read_head(&at, '*'), len;

    if (end_at.word == NULL || words < 2)
        return end_at.word == NULL;
    len = read_head(&at, '$');
    at += len + 2;
    len = read_head(&at, '$');
    return len == strlen(end_at.word) && memcmp(at, end_at.word, len) == 0;
}

static void end_here(struct sv_redis_stream *stream, const struct sv_buf *out, size_t len)
{
    struct sv_errinfo info;
    struct sv_buf head;

    sv_buf_init(&head, out->bytes_max);
    if (len > 0 && sv_buf_add(&head, out->data, len))
        (void)end_at.real->write(stream, &head, &info);
    _exit(EXIT_AT_COMMAND);
}

static enum sv_err counting_write(struct sv_redis_stream *stream, struct sv_buf *out,
                                  struct sv_errinfo *info)
{
    const char *at = out->data;

    while (at < out->data + out->len) {
        const char *next;
        bool is_last =
            is_counted(at) && (++end_at.count == end_at.before || end_at.count == end_at.after);

        if (is_last)
            (void)fprintf(stderr, "ends %s command %" PRIu64 ":",
                          end_at.count == end_at.before ? "before" : "after", end_at.count);
        next = skip_command(at, is_last);
        if (is_last)
            end_here(stream, out,
                     (size_t)((end_at.count == end_at.before ? at : next) - out->data));
        at = next;
    }
    return end_at.real->write(stream, out, info);
}

static struct sv_redis_stream *decorate(struct sv_redis_stream *stream)
{
    SV_REQUIRE(end_at.real == NULL || end_at.real == stream->ops);
    end_at.real = stream->ops;
    end_at.ours = *stream->ops;
    end_at.ours.write = counting_write;
    end_at.before = number_of("SV_TEST_END_BEFORE");
    end_at.after = number_of("SV_TEST_END_AFTER");
    end_at.word = getenv("SV_TEST_END_WORD");
    stream->ops = &end_at.ours;
    return stream;
}

struct sv_redis_stream *__wrap_sv_redis_stream_plain_new(
    uv_loop_t *loop, const struct sv_redis_stream_events *events, void *context)
{
    struct sv_redis_stream *stream = __real_sv_redis_stream_plain_new(loop, events, context);

    return end_at.is_within_tls ? stream : decorate(stream);
}

struct sv_redis_stream *__wrap_sv_redis_stream_tls_new(uv_loop_t *loop, struct sv_redis_tls *tls,
                                                       const struct sv_redis_stream_events *events,
                                                       void *context)
{
    struct sv_redis_stream *stream;

    end_at.is_within_tls = true;
    stream = __real_sv_redis_stream_tls_new(loop, tls, events, context);
    end_at.is_within_tls = false;
    return decorate(stream);
}
