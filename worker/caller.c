#include "caller.h"

#include "exit.h"
#include "setup.h"
#include "sv/gcra.h"
#include "sv/require.h"

/* The pauses double: 1, 2, 4 s and up to half as much again. */
enum { ATTEMPTS_MAX = 4, PAUSE_FIRST_MS = 1000 };

/* Waiting goes turn by turn; each callback that ends a wait stops its turn, which would otherwise
 * go on to sleep until something else happens. */

static void on_timer(uv_timer_t *timer)
{
    struct sv_caller *caller = timer->data;

    caller->rang = true;
    uv_stop(timer->loop);
}

static void pause_for(struct sv_caller *caller, sv_ms wait_ms)
{
    caller->rang = false;
    SV_REQUIRE(uv_timer_start(&caller->timer, on_timer, (uint64_t)wait_ms, 0) == 0);
    while (!caller->rang)
        (void)uv_run(&caller->client->loop, UV_RUN_ONCE);
}

struct closing {
    uv_loop_t *loop;
    bool done;
};

static void on_closed(void *context)
{
    struct closing *closing = context;

    closing->done = true;
    uv_stop(closing->loop);
}

void sv_caller_close(struct sv_caller *caller)
{
    struct closing closing = {.loop = &caller->client->loop};

    sv_wire_close(&caller->wire, on_closed, &closing);
    while (!closing.done)
        (void)uv_run(&caller->client->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&caller->timer, NULL);
    (void)uv_run(&caller->client->loop, UV_RUN_NOWAIT);
    sv_log_free(caller->log);
}

int sv_caller_open(struct sv_caller *caller, struct sv_client *client, const char *account)
{
    const struct sv_config *config = client->config;
    struct sv_wire_options options = {
        .loop = &client->loop,
        .config = config,
        .environment = client->args->environment,
        .rand = &caller->rand,
        .clock = sv_clock_system(),
        .only_account = account,
    };
    int code;

    *caller = (struct sv_caller){.client = client};
    if (sv_config_account_find(config, account) == NULL) {
        sv_setup_complain(client->args, "account '%.64s' is not in the configuration", account);
        return SV_EXIT_CONFIG;
    }
    sv_rand_system_init(&caller->rand);
    caller->log = sv_log_new(2, (enum sv_log_format)config->log.format, SV_LOG_WARN, options.clock);
    options.log = caller->log;
    SV_REQUIRE(uv_timer_init(&client->loop, &caller->timer) == 0);
    caller->timer.data = caller;
    code = sv_wire_open(&caller->wire, &options);
    if (code == SV_EXIT_OK)
        caller->account = &caller->wire.accounts[0];
    else
        sv_caller_close(caller);
    return code;
}

static void on_permit(void *context, const struct sv_store_call *call)
{
    struct sv_store_permit *told = context;

    *told = call->u.permit;
}

/* Age and verdict as a worker has them at its gate. */
static bool let_go_if_late(struct sv_caller *caller, sv_ms age_ms, sv_ms interval_ms)
{
    caller->let_go = !caller->let_go && sv_gcra_is_late(age_ms, interval_ms);
    caller->throttled = caller->let_go;
    return caller->let_go;
}

static int wait_for_permit(struct sv_caller *caller, enum sv_ses_op op)
{
    for (;;) {
        struct sv_store_call call = {.op = SV_STORE_PERMIT};
        struct sv_store_permit told = {0};
        const struct sv_clock *clock = sv_clock_system();
        sv_ms asked_mono = clock->monotonic(clock->context);
        int code;

        call.u.permit = (struct sv_store_permit){
            .account = caller->account->name,
            .region = caller->account->region,
            .action = sv_ses_op_name(op),
            .worker = caller->wire.worker,
            .throttled = caller->throttled,
            .interval_us = sv_gcra_interval_us(caller->account->rate_millihertz),
        };
        caller->throttled = false;
        code = sv_client_call(caller->client, &call, on_permit, &told);
        if (code != SV_EXIT_OK)
            return code;
        if (told.wait_ms > 0)
            pause_for(caller, told.wait_ms);
        else if (!let_go_if_late(caller, clock->monotonic(clock->context) - asked_mono,
                                 told.interval_ms))
            return SV_EXIT_OK;
    }
}

struct pending {
    uv_loop_t *loop;
    bool done;
    enum sv_err err;
};

static void on_done(struct sv_ses_call *call, enum sv_err err)
{
    struct pending *pending = call->owner;

    pending->err = err;
    pending->done = true;
    uv_stop(pending->loop);
}

static enum sv_err call_once(struct sv_caller *caller, struct sv_ses_call *call)
{
    struct pending pending = {.loop = &caller->client->loop};
    enum sv_err err;

    call->owner = &pending;
    err = sv_ses_start(caller->account->ses, call, on_done, &call->info);
    if (err != SV_OK)
        return err;
    caller->calls[call->op]++;
    while (!pending.done)
        (void)uv_run(&caller->client->loop, UV_RUN_ONCE);
    return pending.err;
}

int sv_caller_call(struct sv_caller *caller, struct sv_ses_call *call, enum sv_err *answer)
{
    sv_ms pause_ms = PAUSE_FIRST_MS;

    for (int attempt = 1;; attempt++) {
        int code = wait_for_permit(caller, call->op);

        if (code != SV_EXIT_OK)
            return code;
        *answer = call_once(caller, call);
        caller->throttled = *answer == SV_ETHROTTLED;
        if (*answer == SV_OK || *answer == SV_ENOTFOUND)
            return SV_EXIT_OK;
        if (!sv_err_is_temporary(*answer) || attempt == ATTEMPTS_MAX)
            break;
        pause_for(caller,
                  pause_ms + (sv_ms)sv_rand_below(&caller->rand, (uint64_t)pause_ms / 2 + 1));
        pause_ms *= 2;
    }
    sv_setup_complain(caller->client->args, "SES, account %s: %s", caller->account->name,
                      call->info.text);
    return sv_setup_exit_of(*answer);
}
