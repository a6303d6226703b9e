#include "look.h"

#include <stdlib.h>

#include <uv.h>

#include "dns_options.h"
#include "sv/alloc.h"
#include "sv/require.h"

struct look;

struct asking {
    struct look *look;
    struct sv_lookup lookup;
};

struct look {
    uv_loop_t loop;
    uv_timer_t timer;
    struct sv_rand rand;
    struct sv_dns *dns;
    struct sv_resolver *resolver;
    struct sv_judge *judge;
    bool late, resolver_closed, dns_closed;
    size_t asked, open;
    struct asking asks[SV_JUDGE_QUESTIONS_MAX];
};

static void on_views(struct sv_lookup *lookup, enum sv_err err, const struct sv_dns_views *views)
{
    struct asking *asking = lookup->owner;
    struct look *look = asking->look;

    look->open--;
    sv_judge_views(look->judge, &lookup->question, err == SV_OK ? views : NULL);
}

static void ask_all(struct look *look)
{
    struct sv_dns_question question;

    while (!look->late && sv_judge_next(look->judge, &question)) {
        struct asking *asking = &look->asks[look->asked];
        struct sv_errinfo info;

        SV_REQUIRE(look->asked < SV_JUDGE_QUESTIONS_MAX);
        *asking = (struct asking){.look = look};
        asking->lookup.owner = asking;
        asking->lookup.question = question;
        look->asked++;
        if (sv_lookup_start(look->resolver, &asking->lookup, on_views, &info) == SV_OK)
            look->open++;
        else
            sv_judge_answer(look->judge, &question, NULL);
    }
}

static void on_late(uv_timer_t *timer)
{
    struct look *look = timer->data;

    look->late = true;
}

static void on_resolver_closed(void *context)
{
    ((struct look *)context)->resolver_closed = true;
}

static void on_dns_closed(void *context)
{
    ((struct look *)context)->dns_closed = true;
}

static void close_all(struct look *look)
{
    uv_close((uv_handle_t *)&look->timer, NULL);
    sv_resolver_close(look->resolver, on_resolver_closed, look);
    while (!look->resolver_closed)
        (void)uv_run(&look->loop, UV_RUN_ONCE);
    sv_dns_close(look->dns, on_dns_closed, look);
    (void)uv_run(&look->loop, UV_RUN_DEFAULT);
    SV_REQUIRE(look->dns_closed && uv_loop_close(&look->loop) == 0);
}

static void open_all(struct look *look, const struct sv_look_options *options)
{
    struct sv_dns_settings settings;

    sv_rand_system_init(&look->rand);
    SV_REQUIRE(uv_timer_init(&look->loop, &look->timer) == 0);
    look->timer.data = look;
    SV_REQUIRE(uv_timer_start(&look->timer, on_late, (uint64_t)options->patience_ms, 0) == 0);
    sv_dns_settings_read(options->config, options->servers, options->servers_count, &settings);
    settings.resolver.former = options->former;
    settings.resolver.former_count = options->former_count;
    settings.dns.rand = &look->rand;
    settings.dns.clock = sv_clock_system();
    look->dns = sv_dns_new(&look->loop, &settings.dns);
    settings.resolver.dns = look->dns;
    look->resolver = sv_dns_resolver_new(&look->loop, &settings.resolver);
}

enum sv_err sv_look(struct sv_judge *judge, const struct sv_look_options *options,
                    struct sv_errinfo *info)
{
    struct look *look = sv_alloc(1, sizeof(*look));

    if (uv_loop_init(&look->loop) != 0) {
        free(look);
        return sv_err_set(info, SV_ESYSTEM, "look", 0, "the operating system gives no event loop");
    }
    look->judge = judge;
    open_all(look, options);
    ask_all(look);
    while (!look->late && look->open > 0) {
        (void)uv_run(&look->loop, UV_RUN_ONCE);
        ask_all(look);
    }
    close_all(look);
    free(look);
    return SV_OK;
}
