#include "sv/redis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connection.h"
#include "errors.h"
#include "sv/require.h"
#include "sv/vault.h"

/* The story: wait (jitter) -> connect (with TLS where asked for) -> AUTH -> CLIENT SETNAME ->
 * SELECT -> ROLE -> PING -> ready. Commands gather in `out` and leave in one write a turn; replies
 * come back in the same order.
 *
 * Whatever goes wrong with the connection (refused, lost, garbage, a deadline, a former primary)
 * ends in sv_redis_lose(): everything in flight ends, the stream is closed, and when it is gone the
 * wait begins anew. A deadline cannot spare the connection: the reply may still come, and nothing
 * in RESP says whose it is.
 *
 * Only a reply runs a callback right away. All other endings, and every change of state, are told
 * by on_turn, which runs once a turn before the loop waits: so no callback ever runs inside a call
 * of the user. */

enum {
    CONNECT_MS = 5000,
    COMMAND_MS = 5000,
    RECONNECT_FIRST_MS = 100,
    RECONNECT_CAP_MS = 10000,
    REPLY_BYTES_MAX = 32 << 20,
    LAST_LOOK_MS = 1, /* see on_deadline */
    HANDLES = 4,
};

static void finish_close(struct sv_redis *redis);

bool sv_redis_is_talking(const struct sv_redis *redis)
{
    return redis->closed == NULL && redis->step >= SV_REDIS_STEP_AUTH &&
           redis->step <= SV_REDIS_STEP_LOADING;
}

sv_ms sv_redis_now(const struct sv_redis *redis)
{
    return (sv_ms)uv_now(redis->loop);
}

void sv_redis_describe(const struct sv_redis *redis, char *out, size_t bytes)
{
    const struct sv_redis_address *address = &redis->options.address;

    if (address->is_unix)
        (void)snprintf(out, bytes, "%s", address->host);
    else
        (void)snprintf(out, bytes, "%s:%u", address->host, address->port);
}

/* A prepare handle started from inside another one runs in the next turn only; the idle handle
 * then keeps the loop from sleeping before that. */
static void on_hurry(uv_idle_t *handle)
{
    (void)handle;
}

static void on_turn(uv_prepare_t *handle);

void sv_redis_kick(struct sv_redis *redis)
{
    (void)uv_prepare_start(&redis->turn, on_turn);
    (void)uv_idle_start(&redis->hurry, on_hurry);
}

void sv_redis_explain(struct sv_redis *redis, const struct sv_errinfo *why)
{
    const char *event = redis->step == SV_REDIS_STEP_READY ? "redis_lost" : "redis_unreachable";
    char where[SV_REDIS_HOST_BYTES + 8];

    redis->why = *why;
    redis->owes_reason = true;
    sv_redis_describe(redis, where, sizeof(where));
    sv_log_line(redis->options.log, SV_LOG_WARN, event, why->text, SV_LOG_STR("address", where),
                SV_LOG_STR("error_code", sv_err_name(why->code)));
    sv_redis_kick(redis);
}

/* --- deadlines --- */

static void on_deadline(uv_timer_t *timer);

static void arm(struct sv_redis *redis, sv_ms deadline)
{
    if (deadline >= redis->deadline_due)
        return;
    redis->deadline_due = deadline;
    (void)uv_timer_start(
        &redis->deadline_timer, on_deadline,
        deadline > sv_redis_now(redis) ? (uint64_t)(deadline - sv_redis_now(redis)) : 1, 0);
}

/* Set to the earliest deadline known when it was started; that command may be answered by now. A
 * process that was stopped or busy finds timers due before it reads what has long arrived, so a
 * passed deadline gets one more look at the socket. Time alone does not tell that there was one:
 * with UV_RUN_ONCE timers run twice between two looks. */
static void on_deadline(uv_timer_t *timer)
{
    struct sv_redis *redis = timer->data;
    sv_ms earliest = sv_redis_queue_earliest(&redis->queue);
    struct sv_errinfo why;

    redis->deadline_due = INT64_MAX;
    if (earliest > sv_redis_now(redis)) {
        arm(redis, earliest);
    } else if (earliest > redis->looked_at || !redis->has_looked) {
        redis->looked_at = sv_redis_now(redis);
        redis->has_looked = false;
        arm(redis, redis->looked_at + LAST_LOOK_MS);
        sv_redis_kick(redis);
    } else {
        (void)sv_err_set(&why, SV_ETIMEOUT, "redis", 0,
                         "no reply within a command's deadline; the connection is given up");
        sv_redis_lose(redis, &why);
    }
}

/* --- commands --- */

enum sv_err sv_redis_send(struct sv_redis *redis, struct sv_redis_command *command,
                          const struct sv_redis_words *words, sv_ms deadline,
                          struct sv_errinfo *info)
{
    size_t waiting = redis->out.len + (redis->stream->is_writing ? redis->stream->writing_left : 0);
    size_t room = waiting < SV_REDIS_WRITE_BYTES_MAX ? SV_REDIS_WRITE_BYTES_MAX - waiting : 0;
    enum sv_err err;

    if (sv_redis_queue_is_full(&redis->queue))
        return sv_err_set(info, SV_EBUSY, "redis", 0, "%d commands are in flight already",
                          SV_REDIS_INFLIGHT_MAX);
    err = sv_redis_codec_write(&redis->out, room, words, info);
    if (err != SV_OK)
        return err;
    command->redis = redis;
    command->info = (struct sv_errinfo){.code = SV_OK};
    sv_redis_queue_push(&redis->queue, command, deadline);
    sv_redis_kick(redis);
    return SV_OK;
}

enum sv_err sv_redis_start(struct sv_redis *redis, struct sv_redis_command *command,
                           const struct sv_redis_words *words, sv_redis_done_fn *done,
                           struct sv_errinfo *info)
{
    sv_ms wait_ms = words->deadline_ms > 0 ? words->deadline_ms : redis->options.command_ms;
    enum sv_err err;

    if (redis->closed != NULL)
        return sv_err_set(info, SV_ECANCELED, "redis", 0, "the connection is being closed");
    if (redis->step != SV_REDIS_STEP_READY)
        return sv_err_set(info, SV_ECONNECT, "redis", 0, "not connected");
    if (redis->out.len == 0)
        uv_update_time(redis->loop); /* a long callback before us must not eat the deadline */
    command->done = done;
    err = sv_redis_send(redis, command, words, sv_redis_now(redis) + wait_ms, info);
    if (err == SV_OK)
        arm(redis, sv_redis_now(redis) + wait_ms);
    return err;
}

void sv_redis_cancel(struct sv_redis_command *command)
{
    struct sv_redis *redis = command->redis;

    if (redis == NULL)
        return;
    sv_redis_queue_cancel(&redis->queue, command);
    sv_redis_kick(redis);
}

static void flush(struct sv_redis *redis)
{
    struct sv_errinfo why;

    if (!sv_redis_is_talking(redis) || redis->stream->is_writing || redis->out.len == 0)
        return;
    if (redis->stream->ops->write(redis->stream, &redis->out, &why) != SV_OK)
        sv_redis_lose(redis, &why);
}

/* --- replies --- */

static void on_reply(struct sv_redis *redis, const redisReply *reply)
{
    struct sv_redis_slot slot;
    struct sv_errinfo info;
    enum sv_err err = SV_OK;

    if (!sv_redis_queue_pop(&redis->queue, &slot)) {
        (void)sv_err_set(&info, SV_EMALFORMED, "redis", 0, "a reply that nobody asked for");
        sv_redis_lose(redis, &info);
        return;
    }
    if (slot.command != NULL)
        slot.command->redis = NULL;
    if (reply->type == REDIS_REPLY_ERROR)
        err = sv_redis_error(reply->str, reply->len, &info);
    if (err == SV_ECONNECT)
        sv_redis_lose(redis,
                      &info); /* a former primary; first, so that the callback sees us not ready */
    if (slot.command == NULL)
        return;
    if (err != SV_OK)
        slot.command->info = info;
    slot.command->done(slot.command, err, reply);
}

static void on_bytes(void *context, const char *bytes, size_t len)
{
    struct sv_redis *redis = context;
    struct sv_errinfo why;

    while (len > 0 && sv_redis_is_talking(redis)) {
        redisReply *reply = NULL;
        size_t used = 0;

        if (sv_redis_codec_read(&redis->codec, bytes, len, &used, &reply, &why) != SV_OK) {
            sv_redis_lose(redis, &why);
            return;
        }
        bytes += used;
        len -= used;
        if (reply != NULL) {
            on_reply(redis, reply);
            freeReplyObject(reply);
        }
    }
}

static void on_written(void *context)
{
    flush(context);
}

static void on_lost(void *context, const struct sv_errinfo *why)
{
    sv_redis_lose(context, why);
}

/* --- connecting --- */

static void on_step_timer(uv_timer_t *timer);

void sv_redis_start_step_timer(struct sv_redis *redis, sv_ms wait_ms)
{
    /* Never 0: libuv would run it again within the same walk over its timers. */
    (void)uv_timer_start(&redis->step_timer, on_step_timer, wait_ms > 0 ? (uint64_t)wait_ms : 1, 0);
}

static void on_connected(void *context)
{
    struct sv_redis *redis = context;

    if (redis->step != SV_REDIS_STEP_CONNECT)
        return;
    sv_redis_codec_init(&redis->codec, redis->options.reply_bytes_max);
    sv_redis_greet_advance(redis);
}

/* Asked before there is a connection, since the server does not wait long for who we are. */
static enum sv_err find_login(struct sv_redis *redis, struct sv_errinfo *why)
{
    const struct sv_redis_options *options = &redis->options;

    memcpy(redis->login.user, options->address.user, sizeof(redis->login.user));
    memcpy(redis->login.password, options->address.password, sizeof(redis->login.password));
    return options->login != NULL ? options->login(options->login_context, &redis->login, why)
                                  : SV_OK;
}

static void connect_now(struct sv_redis *redis)
{
    static const struct sv_redis_stream_events events = {
        .connected = on_connected, .bytes = on_bytes, .written = on_written, .lost = on_lost};
    struct sv_errinfo why;

    redis->step = SV_REDIS_STEP_CONNECT;
    redis->is_loading = false;
    if (find_login(redis, &why) != SV_OK) {
        sv_redis_lose(redis, &why);
        return;
    }
    sv_redis_start_step_timer(redis, redis->options.connect_ms);
    redis->stream = redis->options.address.tls
                        ? sv_redis_stream_tls_new(redis->loop, redis->options.tls, &events, redis)
                        : sv_redis_stream_plain_new(redis->loop, &events, redis);
    if (redis->stream->ops->connect(redis->stream, &redis->options.address, redis->attempts,
                                    &why) != SV_OK)
        sv_redis_lose(redis, &why);
}

static void on_step_timer(uv_timer_t *timer)
{
    struct sv_redis *redis = timer->data;
    struct sv_errinfo why;

    if (redis->step == SV_REDIS_STEP_WAIT) {
        connect_now(redis);
    } else if (redis->step == SV_REDIS_STEP_LOADING) {
        sv_redis_greet_again(redis);
    } else {
        (void)sv_err_set(&why, SV_ETIMEOUT, "redis", 0, "%s took more than %lld ms",
                         redis->step == SV_REDIS_STEP_CONNECT ? "connecting" : "the handshake",
                         (long long)redis->options.connect_ms);
        sv_redis_lose(redis, &why);
    }
}

/* --- losing a connection --- */

static void wait_again(struct sv_redis *redis)
{
    bool is_hopeless = redis->why.code == SV_EDENIED || redis->why.code == SV_EINVALID;
    struct sv_rand *rand = redis->options.rand;

    redis->step = SV_REDIS_STEP_WAIT;
    sv_redis_start_step_timer(redis, is_hopeless ? sv_redis_backoff_slow(&redis->backoff, rand)
                                                 : sv_redis_backoff_next(&redis->backoff, rand));
}

static void on_stream_closed(void *context)
{
    struct sv_redis *redis = context;

    redis->stream = NULL;
    if (redis->closed != NULL)
        finish_close(redis);
    else
        wait_again(redis);
}

static void close_stream(struct sv_redis *redis)
{
    sv_redis_codec_fini(&redis->codec);
    if (redis->stream != NULL)
        redis->stream->ops->close(redis->stream, on_stream_closed);
    else
        on_stream_closed(redis);
}

/* Ends what is in flight; the callbacks follow in on_turn. */
static void drop_work(struct sv_redis *redis, const struct sv_errinfo *why)
{
    sv_redis_queue_fail(&redis->queue, sv_redis_now(redis), why);
    sv_buf_clear(&redis->out);
    (void)uv_timer_stop(&redis->step_timer);
    (void)uv_timer_stop(&redis->deadline_timer);
    redis->deadline_due = INT64_MAX;
    sv_redis_kick(redis);
}

void sv_redis_lose(struct sv_redis *redis, const struct sv_errinfo *why)
{
    bool was_ready = redis->step == SV_REDIS_STEP_READY;
    struct sv_errinfo lost = *why;

    if (redis->closed != NULL || redis->step == SV_REDIS_STEP_LEAVE ||
        redis->step == SV_REDIS_STEP_WAIT)
        return;
    sv_redis_explain(redis, &lost);
    if (was_ready)
        sv_redis_backoff_held(&redis->backoff, sv_redis_now(redis) - redis->ready_since);
    redis->attempts++;
    redis->step = SV_REDIS_STEP_LEAVE;
    lost.code = SV_ECONNECT; /* whatever happened to the connection, that is what it is to them */
    drop_work(redis, &lost);
    close_stream(redis);
}

void sv_redis_reconnect(struct sv_redis *redis, const char *why)
{
    struct sv_errinfo info;

    (void)sv_err_set(&info, SV_ECONNECT, "redis", 0, "%s", why);
    sv_redis_lose(redis, &info);
}

/* --- telling --- */

bool sv_redis_is_ready(const struct sv_redis *redis)
{
    return redis->closed == NULL && redis->step == SV_REDIS_STEP_READY;
}

static void tell(struct sv_redis *redis)
{
    if (redis->closed == NULL && redis->owes_reason) {
        struct sv_errinfo why = redis->why;

        redis->owes_reason = false;
        redis->told_ready = false;
        if (redis->on_state != NULL)
            redis->on_state(redis->context, false, &why);
    }
    if (sv_redis_is_ready(redis) && !redis->told_ready) {
        redis->told_ready = true;
        if (redis->on_state != NULL)
            redis->on_state(redis->context, true, NULL);
    }
}

/* Tells first, so that what the callbacks start leaves in this turn. */
static void on_turn(uv_prepare_t *handle)
{
    struct sv_redis *redis = handle->data;

    (void)uv_prepare_stop(&redis->turn);
    (void)uv_idle_stop(&redis->hurry);
    redis->has_looked = true; /* right behind this */
    tell(redis);
    sv_redis_queue_deliver(&redis->queue);
    flush(redis);
    finish_close(redis);
}

/* --- making and closing --- */

static void set_default(sv_ms *value, sv_ms fallback)
{
    if (*value <= 0)
        *value = fallback;
}

struct sv_redis *sv_redis_new(uv_loop_t *loop, const struct sv_redis_options *options,
                              sv_redis_state_fn *on_state, void *context)
{
    struct sv_redis *redis = sv_vault_alloc(sizeof(*redis)); /* with its password */

    SV_REQUIRE(options->rand != NULL);
    SV_REQUIRE(!options->address.tls || options->tls != NULL);
    redis->loop = loop;
    redis->options = *options;
    redis->on_state = on_state;
    redis->context = context;
    set_default(&redis->options.connect_ms, CONNECT_MS);
    set_default(&redis->options.command_ms, COMMAND_MS);
    set_default(&redis->options.reconnect_first_ms, RECONNECT_FIRST_MS);
    set_default(&redis->options.reconnect_cap_ms, RECONNECT_CAP_MS);
    if (redis->options.reply_bytes_max == 0)
        redis->options.reply_bytes_max = REPLY_BYTES_MAX;
    redis->backoff = (struct sv_redis_backoff){.first_ms = redis->options.reconnect_first_ms,
                                               .cap_ms = redis->options.reconnect_cap_ms};
    redis->deadline_due = INT64_MAX;
    sv_buf_init(&redis->out, SV_REDIS_WRITE_BYTES_MAX);
    sv_redis_queue_init(&redis->queue);
    (void)uv_timer_init(loop, &redis->step_timer); /* none of these four can fail */
    (void)uv_timer_init(loop, &redis->deadline_timer);
    (void)uv_prepare_init(loop, &redis->turn);
    (void)uv_idle_init(loop, &redis->hurry);
    redis->step_timer.data = redis;
    redis->deadline_timer.data = redis;
    redis->turn.data = redis;
    redis->hurry.data = redis;
    redis->step = SV_REDIS_STEP_WAIT;
    sv_redis_start_step_timer(redis, 0);
    return redis;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct sv_redis *redis = handle->data;
    sv_redis_closed_fn *closed = redis->closed;
    void *context = redis->closed_context;

    if (--redis->handles_open > 0)
        return;
    sv_redis_queue_fini(&redis->queue);
    sv_buf_fini(&redis->out);
    sv_vault_free(redis, sizeof(*redis));
    closed(context);
}

/* Goes on when the stream is gone and every callback has run; called wherever that may be so. */
static void finish_close(struct sv_redis *redis)
{
    if (redis->closed == NULL || redis->stream != NULL || redis->queue.ended != NULL ||
        redis->handles_open > 0)
        return;
    redis->handles_open = HANDLES;
    uv_close((uv_handle_t *)&redis->step_timer, on_handle_closed);
    uv_close((uv_handle_t *)&redis->deadline_timer, on_handle_closed);
    uv_close((uv_handle_t *)&redis->turn, on_handle_closed);
    uv_close((uv_handle_t *)&redis->hurry, on_handle_closed);
}

void sv_redis_close(struct sv_redis *redis, sv_redis_closed_fn *closed, void *context)
{
    struct sv_errinfo why;

    SV_REQUIRE(redis->closed == NULL && closed != NULL);
    redis->closed = closed;
    redis->closed_context = context;
    (void)sv_err_set(&why, SV_ECANCELED, "redis", 0, "the connection is being closed");
    drop_work(redis, &why);
    if (redis->step != SV_REDIS_STEP_LEAVE) {
        redis->step = SV_REDIS_STEP_LEAVE;
        close_stream(redis);
    }
}
