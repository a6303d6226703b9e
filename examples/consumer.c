/* Reads sesverify's events and keeps the last one of every domain in a Redis hash of its own.
 *
 *     cc -o consumer consumer.c $(pkg-config --cflags --libs hiredis jansson)
 *     ./consumer HOST:PORT | /path/of/a/socket [GROUP [NAME]] [--until-empty]
 *
 * An event is remembered before it is acknowledged: whatever is killed, none is lost, and one that
 * comes again is recognised. */
#include <hiredis.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char stream[] = "sv:{0}:events";  /* one for each shard */
static const char answers_kept_s[] = "691200"; /* longer than events.retention */
static const char no_sequence[] = "0000000000";

struct reader {
    redisContext *redis;
    const char *group, *name;
};

static void die(const char *why)
{
    (void)fprintf(stderr, "consumer: %s\n", why);
    exit(1);
}

/* The reply of one command; the caller frees it. `may_fail`: an error is the caller's business. */
static redisReply *ask(struct reader *reader, bool may_fail, int argc, const char **argv)
{
    redisReply *reply = redisCommandArgv(reader->redis, argc, argv, NULL);

    if (reply == NULL)
        die(reader->redis->errstr);
    if (reply->type == REDIS_REPLY_ERROR && !may_fail)
        die(reply->str);
    return reply;
}

#define ASK(reader, may_fail, ...)                                                                 \
    ask(reader, may_fail, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *),                  \
        (const char *[]){__VA_ARGS__})

static const char *text(const json_t *object, const char *key, const char *otherwise)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value != NULL ? value : otherwise;
}

static void tell(const char *what, const json_t *event)
{
    (void)printf("{\"what\": \"%s\", \"source\": \"%s\", \"id\": \"%s\"}\n", what,
                 text(event, "source", ""), text(event, "id", ""));
    (void)fflush(stdout);
}

static void take_answer(struct reader *reader, const json_t *event)
{
    const char *outcome = text(json_object_get(event, "data"), "outcome", "");
    char key[512];
    redisReply *reply;

    (void)snprintf(key, sizeof key, "%.64s:answer:%.200s:%.200s", reader->group,
                   text(event, "source", ""), text(event, "id", ""));
    reply = ASK(reader, false, "SET", key, outcome, "NX", "EX", answers_kept_s);
    tell(reply->type == REDIS_REPLY_NIL ? "repeated" : "applied", event);
    freeReplyObject(reply);
}

/* What to do with a change, given the last one that was applied. NULL = apply it. */
static const char *why_not(const json_t *event, const json_t *last)
{
    int epochs = strcmp(text(event, "epoch", ""), text(last, "epoch", ""));

    if (epochs < 0) /* of a history that Redis lost; the higher epoch is the one that counts */
        return "outdated";
    if (epochs == 0 &&
        strcmp(text(event, "sequence", no_sequence), text(last, "sequence", no_sequence)) <= 0)
        return "repeated";
    return NULL;
}

static void keep(struct reader *reader, const char *key, const json_t *event)
{
    const json_t *data = json_object_get(event, "data");
    json_t *state = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "sequence", text(event, "sequence", no_sequence),
        "epoch", text(event, "epoch", ""), "id", text(event, "id", ""), "client_id",
        text(data, "client_id", ""), "domain", text(data, "domain", ""), "status",
        text(data, "to", ""), "may_send", json_is_true(json_object_get(data, "sending_enabled")));
    char *value = json_dumps(state, JSON_COMPACT);

    freeReplyObject(ASK(reader, false, "HSET", key, text(event, "source", ""), value));
    free(value);
    json_decref(state);
}

static void take_change(struct reader *reader, const json_t *event)
{
    unsigned long long number = strtoull(text(event, "sequence", no_sequence), NULL, 10);
    char key[128];
    redisReply *known;
    const char *reason;
    json_t *last;

    (void)snprintf(key, sizeof key, "%.64s:domains", reader->group);
    known = ASK(reader, false, "HGET", key, text(event, "source", ""));
    last = known->type == REDIS_REPLY_STRING ? json_loadb(known->str, known->len, 0, NULL) : NULL;
    reason = why_not(event, last);
    /* With a gap: what it says is whole all the same; look up what you missed if you need it. */
    if (reason == NULL && number > strtoull(text(last, "sequence", no_sequence), NULL, 10) + 1)
        tell("gap", event);
    if (reason == NULL)
        keep(reader, key, event);
    tell(reason == NULL ? "applied" : reason, event);
    json_decref(last);
    freeReplyObject(known);
}

/* One entry of the stream: [id, [field, value, ...]]. */
static void take_entry(struct reader *reader, const redisReply *entry)
{
    const redisReply *fields = entry->element[1];

    for (size_t i = 0; fields->type == REDIS_REPLY_ARRAY && i + 1 < fields->elements; i += 2) {
        const redisReply *value = fields->element[i + 1];
        json_t *event = NULL;

        if (strcmp(fields->element[i]->str, "event") == 0)
            event = json_loadb(value->str, value->len, 0, NULL);
        if (strstr(text(event, "type", ""), ".domain.") != NULL)
            take_change(reader, event);
        else if (strcmp(text(event, "type", ""), "io.sesverify.job.finished.v1") == 0)
            take_answer(reader, event);
        json_decref(event);
    }
    freeReplyObject(ASK(reader, false, "XACK", stream, reader->group, entry->element[0]->str));
}

/* What this reader was given and had not acknowledged ("0"), or what is new (">"); how many. */
static size_t take_some(struct reader *reader, const char *position, const char *block_ms)
{
    redisReply *reply = ASK(reader, false, "XREADGROUP", "GROUP", reader->group, reader->name,
                            "COUNT", "100", "BLOCK", block_ms, "STREAMS", stream, position);
    size_t count = 0;

    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 1) {
        const redisReply *entries = reply->element[0]->element[1];

        for (count = 0; count < entries->elements; count++)
            take_entry(reader, entries->element[count]);
    }
    freeReplyObject(reply);
    return count;
}

int main(int argc, char **argv)
{
    bool until_empty = argc > 2 && strcmp(argv[argc - 1], "--until-empty") == 0;
    int words = argc - (until_empty ? 1 : 0);
    struct reader reader = {.group = words > 2 ? argv[2] : "billing",
                            .name = words > 3 ? argv[3] : "one"};
    char host[256];
    const char *port;
    redisReply *made;

    if (words < 2)
        die("where is Redis? HOST:PORT, or the path of a socket");
    port = strrchr(argv[1], ':');
    (void)snprintf(host, sizeof host, "%.*s", port != NULL ? (int)(port - argv[1]) : 0, argv[1]);
    reader.redis = argv[1][0] == '/' ? redisConnectUnix(argv[1])
                                     : redisConnect(host, port != NULL ? atoi(port + 1) : 6379);
    if (reader.redis == NULL || reader.redis->err != 0)
        die(reader.redis != NULL ? reader.redis->errstr : "no memory");
    made = ASK(&reader, true, "XGROUP", "CREATE", stream, reader.group, "0", "MKSTREAM");
    if (made->type == REDIS_REPLY_ERROR && strncmp(made->str, "BUSYGROUP", 9) != 0)
        die(made->str);
    freeReplyObject(made);
    while (take_some(&reader, "0", "1") > 0)
        continue;
    while (take_some(&reader, ">", until_empty ? "1" : "5000") > 0 || !until_empty)
        continue;
    redisFree(reader.redis);
    return 0;
}
