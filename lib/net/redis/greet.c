#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "connection.h"
#include "errors.h"

/* The story: AUTH if there are credentials, CLIENT SETNAME, SELECT, ROLE, PING; one at a time,
 * since each answer decides whether the next is worth asking. A refused step gives the connection
 * up; only a server that is LOADING is worth staying with. */

enum { LOADING_MS = 200 /* cheap for the server, and we are back soon after it has loaded */ };

static void on_greeting(struct sv_redis_command *command, enum sv_err err, const redisReply *reply);

static void send_greeting(struct sv_redis *redis, size_t count, const char *const *argv)
{
    struct sv_redis_words words = {.count = count, .argv = argv};
    struct sv_errinfo why;

    redis->greeting.owner = redis;
    redis->greeting.done = on_greeting;
    /* step_timer watches over the handshake as a whole. */
    if (sv_redis_send(redis, &redis->greeting, &words, INT64_MAX, &why) != SV_OK)
        sv_redis_lose(redis, &why);
}

/* Sends what the step asks for; false when there is nothing to send. */
static bool send_step(struct sv_redis *redis)
{
    const struct sv_redis_options *options = &redis->options;
    const struct sv_redis_address *address = &options->address;
    const struct sv_redis_login *login = &redis->login;
    char database[16];

    switch (redis->step) {
    case SV_REDIS_STEP_AUTH:
        if (login->user[0] != '\0')
            send_greeting(redis, 3, (const char *[]){"AUTH", login->user, login->password});
        else if (login->password[0] != '\0')
            send_greeting(redis, 2, (const char *[]){"AUTH", login->password});
        else
            return false;
        return true;
    case SV_REDIS_STEP_NAME:
        if (options->client_name[0] == '\0')
            return false;
        send_greeting(redis, 3, (const char *[]){"CLIENT", "SETNAME", options->client_name});
        return true;
    case SV_REDIS_STEP_SELECT:
        if (address->database == 0)
            return false;
        (void)snprintf(database, sizeof(database), "%u", address->database);
        send_greeting(redis, 2, (const char *[]){"SELECT", database});
        return true;
    case SV_REDIS_STEP_ROLE:
        if (options->any_role)
            return false;
        send_greeting(redis, 1, (const char *[]){"ROLE"});
        return true;
    case SV_REDIS_STEP_PING:
        send_greeting(redis, 1, (const char *[]){"PING"});
        return true;
    case SV_REDIS_STEP_WAIT:
    case SV_REDIS_STEP_CONNECT:
    case SV_REDIS_STEP_READY:
    case SV_REDIS_STEP_LOADING:
    case SV_REDIS_STEP_LEAVE:
        break;
    }
    return false;
}

static void become_ready(struct sv_redis *redis)
{
    char where[SV_REDIS_HOST_BYTES + 8];

    (void)uv_timer_stop(&redis->step_timer);
    redis->ready_since = sv_redis_now(redis);
    redis->attempts = 0;
    sv_redis_describe(redis, where, sizeof(where));
    sv_log_line(redis->options.log, SV_LOG_INFO, "redis_ready", "connected to redis",
                SV_LOG_STR("address", where), SV_LOG_INT("db", redis->options.address.database));
    sv_redis_kick(redis);
}

void sv_redis_greet_advance(struct sv_redis *redis)
{
    do
        redis->step = (enum sv_redis_step)(redis->step + 1);
    while (redis->step != SV_REDIS_STEP_READY && !send_step(redis));
    if (redis->step == SV_REDIS_STEP_READY)
        become_ready(redis);
}

static enum sv_err check_role(const redisReply *reply, struct sv_errinfo *why)
{
    const redisReply *role = NULL;

    if (reply->type == REDIS_REPLY_ARRAY && reply->elements > 0)
        role = reply->element[0];
    if (role == NULL || role->type != REDIS_REPLY_STRING)
        return sv_err_set(why, SV_EMALFORMED, "redis", 0, "ROLE is answered with no role");
    if (role->len != strlen("master") || memcmp(role->str, "master", role->len) != 0)
        return sv_err_set(why, SV_EUNAVAILABLE, "redis", 0, "ROLE answers %.20s, not master",
                          role->str);
    return SV_OK;
}

static bool is_unknown(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ERROR && strncasecmp(reply->str, "ERR unknown ", 12) == 0;
}

/* What a refusal means depends on what was asked; SV_OK = go on all the same. */
static enum sv_err judge_greeting(const struct sv_redis *redis, enum sv_err err,
                                  const redisReply *reply, struct sv_errinfo *why)
{
    *why = redis->greeting.info;
    if (redis->step == SV_REDIS_STEP_AUTH && err != SV_OK) {
        (void)sv_redis_error_discreet(reply->str, reply->len, why);
        if (!sv_err_is_temporary(err))
            why->code = SV_EDENIED; /* also when the server knows no passwords at all */
        return why->code;
    }
    /* The name is a courtesy to people who read CLIENT LIST: a proxy or an ACL without it is fine.
     */
    if (redis->step == SV_REDIS_STEP_NAME && (err == SV_EDENIED || is_unknown(reply)))
        return SV_OK;
    if (redis->step == SV_REDIS_STEP_ROLE && err == SV_OK)
        return check_role(reply, why);
    return err;
}

/* The server is there and will serve us soon; told once, not every time it says so. */
static void wait_for_loading(struct sv_redis *redis, const struct sv_errinfo *why)
{
    redis->step = SV_REDIS_STEP_LOADING;
    sv_redis_start_step_timer(redis, LOADING_MS);
    if (redis->is_loading)
        return;
    redis->is_loading = true;
    sv_redis_explain(redis, why);
}

void sv_redis_greet_again(struct sv_redis *redis)
{
    redis->step = SV_REDIS_STEP_PING;
    sv_redis_start_step_timer(redis, redis->options.connect_ms);
    (void)send_step(redis);
}

/* The password went out through this buffer; its bytes shall not lie around for years. */
static void wipe(struct sv_redis *redis)
{
    struct sv_buf *out = &redis->out;

    explicit_bzero(&redis->login, sizeof(redis->login));
    if (out->data != NULL && out->len == 0)
        explicit_bzero(out->data, out->cap);
}

static void on_greeting(struct sv_redis_command *command, enum sv_err err, const redisReply *reply)
{
    struct sv_redis *redis = command->owner;
    struct sv_errinfo why;

    if (reply == NULL || !sv_redis_is_talking(redis)) /* lost or closed meanwhile, and told so */
        return;
    if (redis->step == SV_REDIS_STEP_AUTH)
        wipe(redis);
    err = judge_greeting(redis, err, reply, &why);
    if (err == SV_OK) {
        sv_redis_greet_advance(redis);
    } else if (redis->step == SV_REDIS_STEP_PING && err == SV_EUNAVAILABLE) {
        wait_for_loading(redis, &why);
    } else {
        sv_redis_lose(redis, &why);
    }
}
