/* The story: a plan is made anew for each search, fetched, and its keys put in force. A timer
 * starts the next search well before they expire. When it fails, the old keys stay in force and the
 * search is repeated, slowly while there is time and every minute when there is none. */
#include "sv/keeper.h"

#include <stdlib.h>
#include <string.h>

#include "fetch.h"
#include "sv/alloc.h"
#include "sv/require.h"
#include "sv/vault.h"

static const sv_ms ahead_ms = 15 * SV_MINUTE; /* botocore and the SDKs */
static const sv_ms jitter_ms = SV_MINUTE;
static const sv_ms again_max_ms = SV_MINUTE;

enum told { TOLD_NOTHING, TOLD_KEPT, TOLD_EXPIRED };

struct sv_keeper {
    struct sv_keeper_options options;
    sv_keeper_found_fn *found; /* NULL once it was called */
    void *found_context;
    struct sv_credentials
        *keys; /* in the vault: they stay; what a search holds is wiped at its end */
    struct sv_plan plan;
    struct sv_fetch fetch;
    uv_timer_t timer;
    sv_ms skew_told_ms;
    enum told told; /* a problem is told once, until it changes or is over */
    bool searching, again, closing;
    unsigned handles;
    sv_keeper_closed_fn *closed;
    void *closed_context;
};

/* As STS knows the time, once it told us: the expiry of keys is its time, too. */
static sv_ms wall(const struct sv_keeper *keeper)
{
    return keeper->options.clock->wall(keeper->options.clock->context) + keeper->fetch.skew_ms;
}

static void on_timer(uv_timer_t *timer);

static void search_in(struct sv_keeper *keeper, sv_ms delay)
{
    SV_REQUIRE(uv_timer_start(&keeper->timer, on_timer, (uint64_t)delay, 0) == 0);
}

static sv_ms at_least(sv_ms value, sv_ms least)
{
    return value > least ? value : least;
}

static sv_ms at_most(sv_ms value, sv_ms most)
{
    return value < most ? value : most;
}

/* Keys that live for less than the usual head start are renewed at half of their life. */
static void plan_renewal(struct sv_keeper *keeper)
{
    sv_ms left = keeper->keys->expires_at - wall(keeper);
    sv_ms early = ahead_ms + (sv_ms)sv_rand_below(keeper->options.rand, (uint64_t)jitter_ms);

    if (keeper->keys->expires_at == 0)
        return;
    search_in(keeper, at_least(left > early + again_max_ms ? left - early : left / 2, SV_SECOND));
}

static void plan_repetition(struct sv_keeper *keeper)
{
    sv_ms left = keeper->keys->expires_at - wall(keeper);
    sv_ms delay = left > 0 ? at_most(left / 4, again_max_ms) : again_max_ms / 2;

    delay = at_least(delay, SV_SECOND);
    search_in(keeper, delay + (sv_ms)sv_rand_below(keeper->options.rand, (uint64_t)delay / 2 + 1));
}

static void put_in_force(struct sv_keeper *keeper, const struct sv_credentials *fresh)
{
    char until[SV_TIME_TEXT_BYTES] = "never";

    if (fresh->expires_at != 0)
        (void)sv_time_format(fresh->expires_at, until);
    /* Who gives keys may give the same ones until it renews them itself: nothing to tell. */
    if (keeper->found == NULL &&
        (strcmp(keeper->keys->access_key_id, fresh->access_key_id) != 0 ||
         keeper->keys->expires_at != fresh->expires_at || keeper->told != TOLD_NOTHING))
        sv_log_line(keeper->options.log, SV_LOG_INFO, "credentials_refreshed", "fresh keys",
                    SV_LOG_STR("account", keeper->options.account),
                    SV_LOG_STR("source", fresh->source), SV_LOG_STR("expires_at", until));
    *keeper->keys = *fresh;
    keeper->told = TOLD_NOTHING;
    plan_renewal(keeper);
}

static void tell(struct sv_keeper *keeper, const struct sv_errinfo *info)
{
    bool expired = keeper->keys->expires_at != 0 && keeper->keys->expires_at <= wall(keeper);
    enum told news = expired ? TOLD_EXPIRED : TOLD_KEPT;

    if (keeper->told == news)
        return;
    keeper->told = news;
    sv_log_line(keeper->options.log, expired ? SV_LOG_ERROR : SV_LOG_WARN,
                expired ? "credentials_expired" : "credentials_kept",
                expired ? "no fresh keys, and the old ones have expired"
                        : "no fresh keys; the old ones stay in force",
                SV_LOG_STR("account", keeper->options.account),
                SV_LOG_STR("error_code", sv_err_name(info->code)), SV_LOG_STR("error", info->text));
}

static void end_search(struct sv_keeper *keeper, enum sv_err err,
                       const struct sv_credentials *fresh, const struct sv_errinfo *info)
{
    sv_keeper_found_fn *found = keeper->found;

    keeper->searching = false;
    if (err == SV_OK) {
        put_in_force(keeper, fresh);
    } else if (found == NULL && err != SV_ECANCELED) {
        tell(keeper, info);
        plan_repetition(keeper);
    }
    keeper->found = NULL;
    if (keeper->again && !keeper->closing) {
        keeper->again = false;
        search_in(keeper, 0);
    }
    if (found != NULL)
        found(keeper->found_context, err, info);
}

static void on_handle_closed(uv_handle_t *handle);
static void on_fetch_closed(uv_handle_t *handle);

static void close_handles(struct sv_keeper *keeper)
{
    keeper->handles = 2;
    sv_fetch_close(&keeper->fetch, on_fetch_closed);
    uv_close((uv_handle_t *)&keeper->timer, on_handle_closed);
}

/* It answered, so it is there, and may be well again soon. */
static bool is_ill(enum sv_err err)
{
    return err == SV_EUNAVAILABLE || err == SV_ETHROTTLED;
}

static void tell_skew(struct sv_keeper *keeper)
{
    if (keeper->fetch.skew_ms == keeper->skew_told_ms)
        return;
    keeper->skew_told_ms = keeper->fetch.skew_ms;
    sv_log_line(keeper->options.log, SV_LOG_WARN, "sts_clock_skew",
                "our clock differs from that of STS", SV_LOG_INT("skew_ms", keeper->skew_told_ms),
                SV_LOG_STR("account", keeper->options.account));
}

static void on_fetched(struct sv_fetch *fetch, enum sv_err err)
{
    struct sv_keeper *keeper = fetch->owner;

    /* A machine outside EC2 has no such service: then nothing was found at all. */
    if (err != SV_OK && err != SV_ECANCELED && !is_ill(err) && keeper->plan.last_resort &&
        keeper->found != NULL)
        err = sv_err_set(&fetch->info, SV_ENOTFOUND, "credentials", fetch->info.native,
                         "nothing found; tried: AWS_ACCESS_KEY_ID, AWS_WEB_IDENTITY_TOKEN_FILE, "
                         "profile, AWS_CONTAINER_CREDENTIALS_*, then %.110s",
                         fetch->info.text);
    sv_plan_wipe(&keeper->plan);
    tell_skew(keeper);
    end_search(keeper, keeper->closing ? SV_ECANCELED : err, &fetch->keys, &fetch->info);
    sv_credentials_wipe(&fetch->keys);
    if (keeper->closing)
        close_handles(keeper);
}

static struct sv_plan_wish wish_of(const struct sv_keeper_options *options)
{
    return (struct sv_plan_wish){.profile = options->profile,
                                 .role_arn = options->role_arn,
                                 .external_id = options->external_id,
                                 .role_session_name = options->role_session_name,
                                 .region = options->region};
}

bool sv_keeper_needs_program(const struct sv_keeper_options *options)
{
    struct sv_plan *plan = sv_alloc(1, sizeof *plan);
    struct sv_plan_wish wish = wish_of(options);
    bool needs = sv_plan_make(&wish, options->env, options->env_context, plan, NULL) == SV_OK &&
                 plan->base == SV_PLAN_PROCESS;

    sv_plan_wipe(plan);
    free(plan);
    return needs;
}

static void on_timer(uv_timer_t *timer)
{
    struct sv_keeper *keeper = timer->data;
    const struct sv_keeper_options *options = &keeper->options;
    struct sv_plan_wish wish = wish_of(options);
    struct sv_errinfo info;
    enum sv_err err;

    keeper->searching = true;
    err = sv_plan_make(&wish, options->env, options->env_context, &keeper->plan, &info);
    if (err == SV_OK)
        sv_fetch_start(&keeper->fetch, &keeper->plan, on_fetched);
    else
        end_search(keeper, err, NULL, &info);
}

struct sv_keeper *sv_keeper_new(const struct sv_keeper_options *options, sv_keeper_found_fn *found,
                                void *context)
{
    struct sv_keeper *keeper = sv_alloc(1, sizeof *keeper);

    keeper->keys = sv_vault_alloc(sizeof *keeper->keys);
    keeper->options = *options;
    keeper->found = found;
    keeper->found_context = context;
    sv_fetch_init(&keeper->fetch, options->http, options->clock, options->rand);
    keeper->fetch.owner = keeper;
    SV_REQUIRE(uv_timer_init(sv_http_loop(options->http), &keeper->timer) == 0);
    keeper->timer.data = keeper;
    search_in(keeper, 0);
    return keeper;
}

const struct sv_credentials *sv_keeper_keys(const struct sv_keeper *keeper)
{
    return keeper->keys;
}

sv_ms sv_keeper_skew_ms(const struct sv_keeper *keeper)
{
    return keeper->fetch.skew_ms;
}

void sv_keeper_renew(struct sv_keeper *keeper)
{
    if (keeper->searching)
        keeper->again = true;
    else
        search_in(keeper, 0);
}

static void count_closed(struct sv_keeper *keeper)
{
    sv_keeper_closed_fn *closed;
    void *context;

    if (--keeper->handles > 0)
        return;
    if (keeper->found != NULL) /* closed before the first search began */
        end_search(keeper, SV_ECANCELED, NULL, &(struct sv_errinfo){.code = SV_ECANCELED});
    closed = keeper->closed;
    context = keeper->closed_context;
    sv_plan_wipe(&keeper->plan);
    sv_vault_free(keeper->keys, sizeof *keeper->keys);
    sv_credentials_wipe(&keeper->fetch.keys);
    free(keeper);
    closed(context);
}

static void on_handle_closed(uv_handle_t *handle)
{
    count_closed(handle->data);
}

static void on_fetch_closed(uv_handle_t *handle)
{
    struct sv_fetch *fetch = handle->data;

    count_closed(fetch->owner);
}

void sv_keeper_close(struct sv_keeper *keeper, sv_keeper_closed_fn *closed, void *context)
{
    SV_REQUIRE(!keeper->closing);
    keeper->closing = true;
    keeper->closed = closed;
    keeper->closed_context = context;
    (void)uv_timer_stop(&keeper->timer);
    if (keeper->fetch.busy) {
        sv_fetch_cancel(&keeper->fetch);
        return;
    }
    close_handles(keeper);
}
