#include "client.h"

#include <openssl/crypto.h>

#include "exit.h"
#include "setup.h"
#include "sv/redis_store.h"
#include "sv/require.h"

/* The story: the first report of the connection decides. Either it is ready and calls follow, or
 * the reason it is not is told at once: somebody waits in front of the terminal, and a worker that
 * retries is another program. */

struct pending {
    struct sv_client *client;
    sv_client_use_fn *use;
    void *context;
    bool done;
    enum sv_err err;
};

static void on_state(void *context, bool ready, const struct sv_errinfo *why)
{
    struct sv_client *client = context;

    client->ready = ready;
    if (!ready && why != NULL)
        client->trouble = *why;
}

static void on_late(uv_timer_t *timer)
{
    struct sv_client *client = timer->data;

    client->late = true;
}

int sv_client_complain(const struct sv_client *client, const struct sv_errinfo *info)
{
    sv_setup_complain(client->args, "Redis at %s: %s", client->address,
                      info->text[0] != '\0' ? info->text : sv_err_text(info->code));
    return sv_setup_exit_of(info->code == SV_OK ? SV_ETIMEOUT : info->code);
}

static int wait_until_ready(struct sv_client *client)
{
    int code = uv_timer_start(&client->timer, on_late,
                              (uint64_t)client->config->redis.connect_timeout_ms, 0);

    SV_REQUIRE(code == 0);
    while (!client->ready && !client->late && client->trouble.code == SV_OK)
        (void)uv_run(&client->loop, UV_RUN_ONCE);
    (void)uv_timer_stop(&client->timer);
    if (client->ready)
        return SV_EXIT_OK;
    if (client->trouble.code == SV_OK)
        (void)sv_err_set(&client->trouble, SV_ETIMEOUT, "redis", 0, "no connection within %lld ms",
                         (long long)client->config->redis.connect_timeout_ms);
    code = sv_client_complain(client, &client->trouble);
    sv_client_close(client);
    return code;
}

int sv_client_open(struct sv_client *client, const struct sv_args *args,
                   const struct sv_config *config)
{
    struct sv_redis_store_options options = {
        .prefix = config->redis.prefix,
        .shards = config->redis.shards,
        .consumer = "sesverify-command",
        .read_only = true,
    };
    int code;

    *client = (struct sv_client){.args = args, .config = config};
    code = sv_redis_access_open(&client->access, config, args->environment, &options.redis,
                                &options.place);
    if (code != SV_EXIT_OK) {
        sv_redis_access_close(&client->access);
        return code;
    }
    sv_rand_system_init(&client->rand);
    options.redis.rand = &client->rand;
    sv_redis_place_describe(&options.redis.address, &options.place, client->address,
                            sizeof(client->address));
    if (uv_loop_init(&client->loop) != 0) {
        sv_setup_complain(args, "the operating system gives no event loop");
        sv_redis_access_close(&client->access);
        return SV_EXIT_OS;
    }
    SV_REQUIRE(uv_timer_init(&client->loop, &client->timer) == 0);
    client->timer.data = client;
    client->store = sv_redis_store_new(&client->loop, &options, on_state, client);
    OPENSSL_cleanse(&options.redis.address, sizeof(options.redis.address));
    return wait_until_ready(client);
}

static void on_done(struct sv_store_call *call, enum sv_err err)
{
    struct pending *pending = call->owner;

    pending->err = err;
    pending->done = true;
    if (err == SV_OK && pending->use != NULL)
        pending->use(pending->context, call);
}

int sv_client_call(struct sv_client *client, struct sv_store_call *call, sv_client_use_fn *use,
                   void *context)
{
    struct pending pending = {.client = client, .use = use, .context = context};
    struct sv_errinfo info = {0};

    call->owner = &pending;
    if (sv_store_start(client->store, call, on_done, &info) != SV_OK)
        return sv_client_complain(client, &info);
    while (!pending.done)
        (void)uv_run(&client->loop, UV_RUN_ONCE);
    if (pending.err == SV_OK)
        return SV_EXIT_OK;
    info = call->info;
    info.code = pending.err;
    return sv_client_complain(client, &info);
}

static void on_closed(void *context)
{
    struct sv_client *client = context;

    client->store = NULL;
}

void sv_client_close(struct sv_client *client)
{
    uv_close((uv_handle_t *)&client->timer, NULL);
    sv_store_close(client->store, on_closed, client);
    (void)uv_run(&client->loop, UV_RUN_DEFAULT);
    SV_REQUIRE(client->store == NULL && uv_loop_close(&client->loop) == 0);
    sv_redis_access_close(&client->access);
}

int sv_client_run(const struct sv_args *args, sv_client_body_fn *body, void *context)
{
    struct sv_config *config = NULL;
    struct sv_client client;
    int code = sv_setup_config(args, &config, NULL);

    if (code == SV_EXIT_OK)
        code = sv_client_open(&client, args, config);
    if (code == SV_EXIT_OK) {
        code = body(&client, context);
        sv_client_close(&client);
    }
    sv_config_free(config);
    return code;
}
