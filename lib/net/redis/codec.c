#include "codec.h"

#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"

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

enum {
    COUNT_BYTES_MAX = 16, /* "*128\r\n" */
    WORD_BYTES_MAX = 32,  /* "$16777216\r\n" and the final "\r\n" */
};

/* hiredis adds up in int; so the sum is looked at before, and an upper bound of it is enough. */
static enum sv_err check_size(const struct sv_buf *out, const struct sv_redis_words *words,
                              const size_t *lens, struct sv_errinfo *info)
{
    size_t sum = COUNT_BYTES_MAX;

    for (size_t i = 0; i < words->count; i++) {
        if (lens[i] > out->bytes_max || sum > out->bytes_max)
            break;
        sum += lens[i] + WORD_BYTES_MAX;
        if (i + 1 == words->count && sum <= out->bytes_max)
            return SV_OK;
    }
    return sv_err_set(info, SV_ETOOBIG, "redis", 0, "a command of more than %zu bytes",
                      out->bytes_max);
}

enum sv_err sv_redis_codec_write(struct sv_buf *out, size_t room,
                                 const struct sv_redis_words *words, struct sv_errinfo *info)
{
    const char *argv[SV_REDIS_ARGS_MAX];
    size_t lens[SV_REDIS_ARGS_MAX];
    char *text = NULL;
    enum sv_err err;
    int len;

    if (words->count == 0 || words->count > SV_REDIS_ARGS_MAX)
        return sv_err_set(info, SV_EINVALID, "redis", 0, "a command of %zu words (1 to %d)",
                          words->count, SV_REDIS_ARGS_MAX);
    for (size_t i = 0; i < words->count; i++) {
        argv[i] = words->argv[i];
        lens[i] = words->argv_bytes == NULL ? strlen(words->argv[i]) : words->argv_bytes[i];
    }
    err = check_size(out, words, lens, info);
    if (err != SV_OK)
        return err;
    len = redisFormatCommandArgv(&text, (int)words->count, argv, lens);
    if (len < 0)
        sv_out_of_memory("redisFormatCommandArgv");
    if ((size_t)len > room || !sv_buf_add(out, text, (size_t)len))
        err = sv_err_set(info, SV_EBUSY, "redis", 0,
                         "no room for %d bytes: too many wait to be written already", len);
    explicit_bzero(text, (size_t)len); /* it may be AUTH, and is short otherwise */
    redisFreeCommand(text);
    return err;
}
