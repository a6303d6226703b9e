#include "wire_sinks.h"

#include "config_sinks.h"
#include "exit.h"
#include "sv/require.h"
#include "wire_sink_kinds.h"
#include "wire_webhook.h"

const char *const sv_sink_kinds[] = {
    "webhook", "sns", "sqs", "eventbridge", "redis", "exec", "stdout", NULL,
};

/* How each is made, in the order of sv_sink_kinds. */
static sv_sink_open_fn *const open_kind[] = {
    sv_webhook_open,    sv_aws_sink_open, /* sns */
    sv_aws_sink_open,                     /* sqs */
    sv_aws_sink_open,                     /* eventbridge */
    sv_redis_sink_open, sv_exec_sink_open, sv_stdout_sink_open,
};

_Static_assert(sizeof(sv_sink_kinds) / sizeof(sv_sink_kinds[0]) ==
                   sizeof(open_kind) / sizeof(open_kind[0]) + 1,
               "one for each kind");

/* What the messages of sink number `index` are made by; NULL = the event is sent as it is. */
static const struct sv_sink_recipe *recipe_of(const struct sv_wire *wire, size_t index)
{
    const struct sv_sink_recipe *recipe = &wire->messages[index].recipe;

    return recipe->render != NULL ? recipe : NULL;
}

int sv_wire_sinks_open(struct sv_wire *wire)
{
    const struct sv_config *config = wire->options.config;

    for (size_t i = 0; i < config->sinks_count; i++) {
        struct sv_errinfo info = {0};
        enum sv_err err = sv_sink_messages_open(wire, i, &info);

        if (err == SV_OK)
            err = open_kind[config->sinks[i].kind](wire, &config->sinks[i], &wire->sinks[i], &info);
        if (err != SV_OK) {
            sv_log_failure(wire->options.log, SV_LOG_ERROR, "sink_invalid", NULL, &info);
            return err == SV_EINVALID ? SV_EXIT_CONFIG : SV_EXIT_DENIED;
        }
        wire->routes[i] = (struct sv_route){
            .sink = wire->sinks[i],
            .plan = sv_config_sink_plan(&config->sinks[i]),
            .filter = sv_config_sink_filter(&config->sinks[i]),
            .recipe = recipe_of(wire, i),
            .flapping = {.changes = config->sinks[i].flapping_changes,
                         .window_ms = config->sinks[i].flapping_window_ms,
                         .quiet_ms = config->sinks[i].flapping_quiet_ms},
            .parallel = config->sinks[i].parallel,
        };
        wire->sinks_count = i + 1;
    }
    return SV_EXIT_OK;
}

static void on_closed(void *context)
{
    struct sv_wire *wire = context;

    if (++wire->sinks_gone == wire->sinks_count)
        wire->sinks_closed(wire);
}

void sv_wire_sinks_close(struct sv_wire *wire, sv_wire_closed_fn *closed)
{
    size_t count = wire->sinks_count;

    wire->sinks_closed = closed;
    for (size_t i = 0; i < count; i++)
        wire->sinks[i]->kind->close(wire->sinks[i], on_closed, wire);
    if (count == 0)
        closed(wire);
}
