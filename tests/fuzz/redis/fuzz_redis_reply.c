/* A Redis reply stream, split at random places: any split gives the same replies, or the same
 * refusal, as the stream in one piece (and the scanner never lets through what hiredis chokes on).
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "codec.h"
#include "sv/buf.h"
#include "sv/rand.h"
#include "sv/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum {
    REPLY_BYTES_MAX = 64 * 1024, /* small, so that the fuzzer finds the limit */
    SPLITS = 3,
    STORY_BYTES_MAX = 64 << 20,
};

/* Everything that can be seen of a reply, as text. */
static void tell(struct sv_buf *story, const redisReply *reply)
{
    SV_REQUIRE(sv_buf_printf(story, "%d,%lld,%zu,%zu:", reply->type, reply->integer, reply->len,
                             reply->elements));
    if (reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS ||
        reply->type == REDIS_REPLY_ERROR)
        SV_REQUIRE(sv_buf_add(story, reply->str, reply->len));
    for (size_t i = 0; i < reply->elements; i++)
        tell(story, reply->element[i]);
}

static void run(const char *bytes, size_t len, struct sv_rand *rand, struct sv_buf *story)
{
    struct sv_redis_codec codec;
    struct sv_errinfo info = {.text = ""};
    enum sv_err err = SV_OK;

    sv_redis_codec_init(&codec, REPLY_BYTES_MAX);
    for (size_t at = 0; at < len && err == SV_OK;) {
        size_t some = rand == NULL ? len - at : 1 + (size_t)sv_rand_below(rand, 16);
        redisReply *reply = NULL;
        size_t used = 0;
        char piece[16];

        if (rand != NULL) { /* of its own, so that the sanitizer sees a look behind its end */
            some = some < len - at ? some : len - at;
            memcpy(piece, bytes + at, some);
        }
        err = sv_redis_codec_read(&codec, rand == NULL ? bytes + at : piece, some, &used, &reply,
                                  &info);
        SV_REQUIRE(used > 0 && used <= some && (err == SV_OK || reply == NULL));
        at += used;
        if (reply != NULL) {
            SV_REQUIRE(sv_buf_add_str(story, "\nreply "));
            tell(story, reply);
            freeReplyObject(reply);
        }
    }
    SV_REQUIRE(err == SV_OK || err == SV_EMALFORMED || err == SV_ETOOBIG);
    /* Our words tell that the scanner refused; hiredis would have set its own error number. */
    SV_REQUIRE(info.native == 0);
    SV_REQUIRE(sv_buf_printf(story, "\nend %d %s", (int)err, info.text));
    sv_redis_codec_fini(&codec);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct sv_rand rand;
    struct sv_buf whole;
    uint64_t seed = len;

    for (size_t i = 0; i < len; i++) /* the splits follow from the input: a crash repeats */
        seed = seed * 31 + bytes[i];
    sv_rand_seeded_init(&rand, seed);
    sv_buf_init(&whole, STORY_BYTES_MAX);
    run((const char *)bytes, len, NULL, &whole);
    for (unsigned i = 0; i < SPLITS; i++) {
        struct sv_buf split;

        sv_buf_init(&split, STORY_BYTES_MAX);
        run((const char *)bytes, len, &rand, &split);
        SV_REQUIRE(split.len == whole.len && memcmp(split.data, whole.data, whole.len) == 0);
        sv_buf_fini(&split);
    }
    sv_buf_fini(&whole);
    return 0;
}
