#include <stdlib.h>
#include <string.h>

#include "inner.h"

bool sv_reply_is_array(const redisReply *reply, size_t elements_min)
{
    return reply != NULL && reply->type == REDIS_REPLY_ARRAY && reply->elements >= elements_min;
}

bool sv_reply_number(const redisReply *reply, int64_t *out)
{
    char text[24], *end;
    size_t len;

    if (reply->type == REDIS_REPLY_INTEGER) {
        *out = reply->integer;
        return true;
    }
    len = reply->type == REDIS_REPLY_STRING ? (size_t)reply->len : 0;
    if (len == 0 || len >= sizeof(text))
        return false;
    memcpy(text, reply->str, len);
    text[len] = '\0';
    *out = strtoll(text, &end, 10);
    return *end == '\0';
}

char *sv_reply_text(struct sv_store_work *work, const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_STRING && reply->type != REDIS_REPLY_STATUS)
        return NULL;
    return sv_store_arena_strndup(&work->arena, reply->str, (size_t)reply->len);
}

bool sv_reply_is(const redisReply *reply, const char *word)
{
    return (reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS) &&
           strcmp(reply->str, word) == 0;
}

struct sv_field *sv_reply_fields(struct sv_store_work *work, const redisReply *reply, size_t *count)
{
    struct sv_field *fields;

    if (!sv_reply_is_array(reply, 0) || reply->elements % 2 != 0 ||
        reply->elements / 2 > SV_STORE_FIELDS_MAX)
        return NULL;
    *count = reply->elements / 2;
    fields = sv_store_arena_alloc(&work->arena, *count + 1, sizeof(*fields));
    for (size_t i = 0; i < *count; i++) {
        fields[i].name = sv_reply_text(work, reply->element[2 * i]);
        fields[i].value = sv_reply_text(work, reply->element[2 * i + 1]);
        if (fields[i].name == NULL || fields[i].value == NULL)
            return NULL;
    }
    return fields;
}

bool sv_reply_time(const redisReply *reply, sv_ms *out)
{
    int64_t seconds, micros;

    if (!sv_reply_is_array(reply, 2) || !sv_reply_number(reply->element[0], &seconds) ||
        !sv_reply_number(reply->element[1], &micros))
        return false;
    *out = seconds * SV_SECOND + micros / 1000;
    return true;
}
