#include "codec.h"

#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/digits.h"
#include "sv/require.h"

void sv_redis_codec_init(struct sv_redis_codec *codec, size_t reply_bytes_max)
{
    sv_redis_scan_init(&codec->scan, reply_bytes_max);
    codec->reader = redisReaderCreate();
    if (codec->reader == NULL)
        sv_out_of_memory("redisReaderCreate");
}

void sv_redis_codec_fini(struct sv_redis_codec *codec)
{
    if (codec->reader != NULL)
        redisReaderFree(codec->reader);
    codec->reader = NULL;
}

/* Only whole replies are parsed: hiredis looks at each byte once, however small the pieces are. */
enum sv_err sv_redis_codec_read(struct sv_redis_codec *codec, const char *bytes, size_t len,
                                size_t *used, redisReply **reply, struct sv_errinfo *info)
{
    bool whole = false;
    void *object = NULL;
    enum sv_err err = sv_redis_scan_feed(&codec->scan, bytes, len, used, &whole, info);

    *reply = NULL;
    if (err != SV_OK)
        return err;
    if (redisReaderFeed(codec->reader, bytes, *used) != REDIS_OK)
        sv_out_of_memory("redisReaderFeed");
    if (!whole)
        return SV_OK;
    if (redisReaderGetReply(codec->reader, &object) != REDIS_OK) {
        if (codec->reader->err == REDIS_ERR_OOM)
            sv_out_of_memory("redisReaderGetReply");
        return sv_err_set(info, SV_EMALFORMED, "redis", codec->reader->err, "%s",
                          codec->reader->errstr);
    }
    if (object == NULL)
        return sv_err_set(info, SV_EMALFORMED, "redis", 0, "hiredis wants more than a whole reply");
    *reply = object;
    return SV_OK;
}

/* What a line that tells a number takes: its first character, the digits, the end. */
static size_t line_bytes(size_t number)
{
    return 1 + sv_digits_count(number) + 2;
}

static bool add_line(struct sv_buf *out, char first, size_t number)
{
    char line[1 + SV_DIGITS_MAX + 2] = {first};
    char *end = sv_digits_write(line + 1, number, sv_digits_count(number));

    *end++ = '\r';
    *end++ = '\n';
    return sv_buf_add(out, line, (size_t)(end - line));
}

/* Bytes of the whole command; 0 = more than `bytes_max`. */
static size_t command_bytes(const struct sv_redis_words *words, const size_t *lens,
                            size_t bytes_max)
{
    size_t bytes = line_bytes(words->count);

    for (size_t i = 0; i < words->count; i++) {
        if (lens[i] > bytes_max)
            return 0;
        bytes += line_bytes(lens[i]) + lens[i] + 2;
        if (bytes > bytes_max)
            return 0;
    }
    return bytes;
}

/* hiredis' own formatter builds each command in a string of its own and took a thirtieth of a
 * check's CPU time. */
enum sv_err sv_redis_codec_write(struct sv_buf *out, size_t room,
                                 const struct sv_redis_words *words, struct sv_errinfo *info)
{
    size_t lens[SV_REDIS_ARGS_MAX];
    size_t bytes;
    bool fits;

    if (words->count == 0 || words->count > SV_REDIS_ARGS_MAX)
        return sv_err_set(info, SV_EINVALID, "redis", 0, "a command of %zu words (1 to %d)",
                          words->count, SV_REDIS_ARGS_MAX);
    for (size_t i = 0; i < words->count; i++)
        lens[i] = words->argv_bytes == NULL ? strlen(words->argv[i]) : words->argv_bytes[i];
    bytes = command_bytes(words, lens, out->bytes_max);
    if (bytes == 0)
        return sv_err_set(info, SV_ETOOBIG, "redis", 0, "a command of more than %zu bytes",
                          out->bytes_max);
    if (bytes > room || bytes > out->bytes_max - out->len)
        return sv_err_set(info, SV_EBUSY, "redis", 0,
                          "no room for %zu bytes: too many wait to be written already", bytes);
    fits = add_line(out, '*', words->count);
    for (size_t i = 0; i < words->count && fits; i++)
        fits = add_line(out, '$', lens[i]) && sv_buf_add(out, words->argv[i], lens[i]) &&
               sv_buf_add(out, "\r\n", 2);
    SV_REQUIRE(fits);
    return SV_OK;
}
