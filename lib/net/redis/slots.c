#include "slots.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { POLYNOMIAL = 0x1021, PORT_MAX = 65535 };

static uint16_t crc16(const char *bytes, size_t len)
{
    uint16_t crc = 0;

    for (size_t i = 0; i < len; i++) {
        crc = (uint16_t)(crc ^ (unsigned char)bytes[i] << 8);
        for (int bit = 0; bit < 8; bit++)
            crc = (uint16_t)((crc & 0x8000) != 0 ? crc << 1 ^ POLYNOMIAL : crc << 1);
    }
    return crc;
}

unsigned sv_redis_slot_of(const char *key, size_t len)
{
    const char *open = memchr(key, '{', len);
    const char *close = NULL;

    if (open != NULL)
        close = memchr(open + 1, '}', len - (size_t)(open + 1 - key));
    if (close != NULL && close > open + 1)
        return crc16(open + 1, (size_t)(close - open - 1)) % SV_REDIS_SLOTS;
    return crc16(key, len) % SV_REDIS_SLOTS;
}

static bool host_set(struct sv_redis_host *out, const char *host, size_t len, long long port,
                     const struct sv_redis_host *fallback)
{
    if (port < 1 || port > PORT_MAX || len >= sizeof(out->host) || memchr(host, '\0', len) != NULL)
        return false;
    *out = (struct sv_redis_host){.port = (unsigned)port};
    if (len == 0)
        memcpy(out->host, fallback->host, sizeof(out->host));
    else
        memcpy(out->host, host, len);
    return true;
}

bool sv_redis_host_read(struct sv_redis_host *out, const char *host, size_t host_len,
                        const char *port, size_t port_len)
{
    long long number = 0;

    if (host_len == 0 || port_len == 0 || port_len > 5)
        return false;
    for (size_t i = 0; i < port_len; i++) {
        if (port[i] < '0' || port[i] > '9')
            return false;
        number = number * 10 + (port[i] - '0');
    }
    return host_set(out, host, host_len, number, out);
}

static bool is_number(const redisReply *reply, long long limit)
{
    return reply->type == REDIS_REPLY_INTEGER && reply->integer >= 0 && reply->integer <= limit;
}

static bool is_list(const redisReply *reply, size_t elements_min)
{
    return reply->type == REDIS_REPLY_ARRAY && reply->elements >= elements_min;
}

bool sv_redis_range_read(const redisReply *reply, size_t index, const struct sv_redis_host *asked,
                         struct sv_redis_range *out)
{
    const redisReply *item, *node, *name;

    if (!is_list(reply, index + 1) || !is_list(reply->element[index], 3))
        return false;
    item = reply->element[index];
    node = item->element[2];
    if (!is_number(item->element[0], SV_REDIS_SLOTS - 1) ||
        !is_number(item->element[1], SV_REDIS_SLOTS - 1) || !is_list(node, 2) ||
        !is_number(node->element[1], PORT_MAX))
        return false;
    out->first = (unsigned)item->element[0]->integer;
    out->last = (unsigned)item->element[1]->integer;
    name = node->element[0];
    if (out->first > out->last)
        return false;
    if (name->type == REDIS_REPLY_NIL)
        return host_set(&out->primary, "", 0, node->element[1]->integer, asked);
    return name->type == REDIS_REPLY_STRING &&
           host_set(&out->primary, name->str, (size_t)name->len, node->element[1]->integer, asked);
}

bool sv_redis_redirect_read(const char *text, const struct sv_redis_host *answered, bool *is_ask,
                            unsigned *slot, struct sv_redis_host *to)
{
    const char *colon = strrchr(text, ':');
    unsigned long number, port;
    char *end;

    *is_ask = strncmp(text, "ASK ", 4) == 0;
    if (colon == NULL || (!*is_ask && strncmp(text, "MOVED ", 6) != 0))
        return false;
    text = strchr(text, ' ') + 1;
    number = strtoul(text, &end, 10);
    if (end == text || *end != ' ' || end > colon || number >= SV_REDIS_SLOTS)
        return false;
    *slot = (unsigned)number;
    text = end + 1;
    port = strtoul(colon + 1, &end, 10);
    if (end == colon + 1 || *end != '\0' || text > colon)
        return false;
    return host_set(to, text, (size_t)(colon - text), (long long)port, answered);
}
