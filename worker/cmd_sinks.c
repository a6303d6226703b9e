/* `sesverify sinks list | enable | dead | replay`: how the sinks stand, and what an operator may do
 * about it. A sink has a place of its own in each shard: every command goes through all of them. */
#include <string.h>

#include "client.h"
#include "commands.h"
#include "confirm.h"
#include "exit.h"
#include "setup.h"
#include "sv/cloudevent.h"
#include "sv/json.h"
#include "table.h"
#include "text.h"
#include "wire_sinks.h"

enum { PAGE = 100, QUESTION_BYTES = 160 };

struct order {
    const struct sv_args *args;
    bool json, colour;
    sv_ms now;
    const char *name; /* of the sink in hand */
    struct sv_table table;
    /* What the calls of all shards told together. */
    struct sv_store_sink sum;
    unsigned shards_served;
    size_t replayed, missing, counted;
    bool found, more;
    char next[SV_STORE_ENTRY_ID_BYTES];
};

static struct order new_order(const struct sv_args *args)
{
    return (struct order){
        .args = args,
        .json = sv_args_has(args, "json"),
        .colour = sv_term_wants_colour(stdout, args->environment),
        .now = sv_clock_system()->wall(sv_clock_system()->context),
        .name = args->operands_count > 0 ? args->operands[0] : NULL,
    };
}

static int need_sink(struct sv_client *client, const struct order *order)
{
    if (sv_config_sink_find(client->config, order->name) != NULL)
        return SV_EXIT_OK;
    sv_setup_complain(order->args, "no sink %.40s is configured", order->name);
    return SV_EXIT_DATA;
}

/* --- all shards --- */

static void add_up(void *context, const struct sv_store_call *call)
{
    const struct sv_store_sink *told = &call->u.sink;
    struct order *order = context;
    struct sv_store_sink *sum = &order->sum;

    sum->open += told->open;
    sum->unread += told->unread;
    sum->dead += told->dead;
    order->shards_served += told->wait_ms > 0;
    if (told->disabled_at > 0 && (sum->disabled_at == 0 || told->disabled_at < sum->disabled_at)) {
        sum->disabled_at = told->disabled_at;
        (void)snprintf(sum->why, sizeof(sum->why), "%s", told->why);
    }
}

static int ask_all(struct sv_client *client, struct order *order, const char *name,
                   enum sv_store_sink_verb verb)
{
    int code = SV_EXIT_OK;

    order->sum = (struct sv_store_sink){.open = 0};
    order->shards_served = 0;
    for (unsigned i = 0; code == SV_EXIT_OK && i < client->config->redis.shards; i++) {
        struct sv_store_call call = {
            .op = SV_STORE_SINK, .shard = i, .u.sink = {.verb = verb, .sink = name}};

        code = sv_client_call(client, &call, add_up, order);
    }
    return code;
}

/* --- list --- */

static json_t *sink_json(const struct order *order, const struct sv_config_sink *sink,
                         unsigned shards)
{
    const struct sv_store_sink *sum = &order->sum;
    json_t *object = sv_json_object();

    sv_json_set_str(object, "schema", "sesverify.sink.v1");
    sv_json_set_str(object, "sink", sink->name);
    sv_json_set_str(object, "kind", sv_sink_kinds[sink->kind]);
    sv_json_set_int(object, "shards", shards);
    sv_json_set_int(object, "shards_served", order->shards_served);
    sv_json_set_int(object, "open", (long long)sum->open);
    sv_json_set_int(object, "unread", (long long)sum->unread);
    sv_json_set_int(object, "dead", (long long)sum->dead);
    sv_json_set(object, "disabled_at", sv_json_time(sum->disabled_at));
    sv_json_set_str(object, "disabled_why", sum->disabled_at > 0 ? sum->why : NULL);
    return object;
}

static void set_number(struct sv_table *table, size_t column, uint64_t number)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
    sv_table_set(table, column, SV_PLAIN, text);
}

static void add_row(struct order *order, const struct sv_config_sink *sink, unsigned shards)
{
    const struct sv_store_sink *sum = &order->sum;
    char state[SV_STORE_SINK_WHY_BYTES + SV_TEXT_WHEN_BYTES + 32], when[SV_TEXT_WHEN_BYTES];
    enum sv_colour colour = SV_GREEN;

    (void)snprintf(state, sizeof(state), "served");
    if (sum->disabled_at > 0)
        (void)snprintf(state, sizeof(state), "disabled %s: %s",
                       sv_text_when(sum->disabled_at, order->now, when), sum->why);
    else if (order->shards_served < shards)
        (void)snprintf(state, sizeof(state), "served in %u of %u shards", order->shards_served,
                       shards);
    if (sum->disabled_at > 0 || order->shards_served == 0)
        colour = SV_RED;
    else if (order->shards_served < shards)
        colour = SV_YELLOW;
    sv_table_row(&order->table);
    sv_table_set(&order->table, 0, SV_PLAIN, sink->name);
    sv_table_set(&order->table, 1, SV_PLAIN, sv_sink_kinds[sink->kind]);
    set_number(&order->table, 2, sum->open);
    set_number(&order->table, 3, sum->unread);
    set_number(&order->table, 4, sum->dead);
    sv_table_set(&order->table, 5, colour, state);
}

static int list(struct sv_client *client, void *context)
{
    static const char *const heads[] = {"SINK", "KIND", "OPEN", "UNREAD", "DEAD", "STATE"};
    const struct sv_config *config = client->config;
    struct order *order = context;
    int code = SV_EXIT_OK;

    sv_table_init(&order->table, sizeof(heads) / sizeof(heads[0]), heads);
    for (size_t i = 0; code == SV_EXIT_OK && i < config->sinks_count; i++) {
        const struct sv_config_sink *sink = &config->sinks[i];

        code = ask_all(client, order, sink->name, SV_STORE_SINK_LOOK);
        if (code == SV_EXIT_OK && order->json)
            sv_text_print_json(sink_json(order, sink, config->redis.shards));
        else if (code == SV_EXIT_OK)
            add_row(order, sink, config->redis.shards);
    }
    if (code == SV_EXIT_OK && !order->json && config->sinks_count > 0)
        sv_table_print(&order->table, order->colour, stdout);
    else if (code == SV_EXIT_OK && !order->json)
        (void)printf("no sink is configured\n");
    sv_table_fini(&order->table);
    return code;
}

/* --- enable --- */

static void print_action(const struct order *order, const char *action, bool changed)
{
    json_t *object = sv_json_object();

    sv_json_set_str(object, "schema", "sesverify.sink_action.v1");
    sv_json_set_str(object, "action", action);
    sv_json_set_str(object, "sink", order->name);
    sv_json_set_bool(object, "changed", changed);
    sv_json_set_int(object, "events", (long long)order->replayed);
    sv_json_set_int(object, "missing", (long long)order->missing);
    sv_text_print_json(object);
}

static int enable(struct sv_client *client, void *context)
{
    struct order *order = context;
    bool was_disabled;
    int code = need_sink(client, order);

    if (code == SV_EXIT_OK)
        code = ask_all(client, order, order->name, SV_STORE_SINK_LOOK);
    was_disabled = order->sum.disabled_at > 0;
    if (code == SV_EXIT_OK && was_disabled)
        code = ask_all(client, order, order->name, SV_STORE_SINK_ENABLE);
    if (code != SV_EXIT_OK)
        return code;
    if (order->json)
        print_action(order, "enable", was_disabled);
    else
        (void)printf("sink %s: %s\n", order->name,
                     was_disabled ? "enabled; what waits is sent within seconds"
                                  : "it was not disabled");
    return SV_EXIT_OK;
}

/* --- dead --- */

static json_t *letter_json(const struct order *order, unsigned shard,
                           const struct sv_store_sink_letter *letter)
{
    json_t *object = sv_json_object();

    sv_json_set_str(object, "schema", "sesverify.sink_letter.v1");
    sv_json_set_str(object, "sink", order->name);
    sv_json_set_int(object, "shard", shard);
    sv_json_set_str(object, "entry", letter->entry_id);
    sv_json_set_str(object, "event_id", letter->event_id);
    sv_json_set_str(object, "type", letter->type);
    sv_json_set_str(object, "subject", *letter->subject != '\0' ? letter->subject : NULL);
    sv_json_set_int(object, "attempts", letter->attempts);
    sv_json_set_str(object, "error", letter->error);
    sv_json_set(object, "at", sv_json_time(letter->at));
    return object;
}

static void on_letters(void *context, const struct sv_store_call *call)
{
    const struct sv_store_sink_dead *dead = &call->u.sink_dead;
    struct order *order = context;

    order->more = dead->count == dead->count_max;
    for (size_t i = 0; i < dead->count; i++) {
        const struct sv_store_sink_letter *letter = &dead->letters[i];
        char when[SV_TEXT_WHEN_BYTES];

        (void)snprintf(order->next, sizeof(order->next), "%s", letter->id);
        if (order->json) {
            sv_text_print_json(letter_json(order, call->shard, letter));
            continue;
        }
        sv_table_row(&order->table);
        sv_table_set(&order->table, 0, SV_PLAIN, sv_text_when(letter->at, order->now, when));
        sv_table_set(&order->table, 1, SV_PLAIN, letter->event_id);
        sv_table_set(&order->table, 2, SV_PLAIN, letter->subject);
        set_number(&order->table, 3, letter->attempts);
        sv_table_set(&order->table, 4, SV_RED, letter->error);
    }
}

static int dead(struct sv_client *client, void *context)
{
    static const char *const heads[] = {"AT", "EVENT", "SUBJECT", "ATTEMPTS", "ERROR"};
    struct order *order = context;
    int code = need_sink(client, order);

    sv_table_init(&order->table, sizeof(heads) / sizeof(heads[0]), heads);
    for (unsigned i = 0; code == SV_EXIT_OK && i < client->config->redis.shards; i++) {
        (void)snprintf(order->next, sizeof(order->next), "0");
        do {
            char after[SV_STORE_ENTRY_ID_BYTES];
            struct sv_store_call call = {
                .op = SV_STORE_SINK_DEAD,
                .shard = i,
                .u.sink_dead = {.sink = order->name, .after = after, .count_max = PAGE}};

            (void)snprintf(after, sizeof(after), "%s", order->next);
            order->more = false;
            code = sv_client_call(client, &call, on_letters, order);
        } while (code == SV_EXIT_OK && order->more);
    }
    if (code == SV_EXIT_OK && !order->json)
        sv_table_print(&order->table, order->colour, stdout);
    sv_table_fini(&order->table);
    return code;
}

/* --- replay --- */

static void on_events(void *context, const struct sv_store_call *call)
{
    const struct sv_store_events *events = &call->u.events;
    struct order *order = context;

    order->counted += events->count;
    order->more = events->count == events->entries_max;
    if (events->count > 0)
        (void)snprintf(order->next, sizeof(order->next), "%s",
                       events->entries[events->count - 1].id);
}

/* How many events of the outbox are behind `from`. */
static int count_events(struct sv_client *client, struct order *order, const char *from)
{
    int code = SV_EXIT_OK;

    for (unsigned i = 0; code == SV_EXIT_OK && i < client->config->redis.shards; i++) {
        (void)snprintf(order->next, sizeof(order->next), "%s", from);
        do {
            char after[SV_STORE_ENTRY_ID_BYTES];
            struct sv_store_call call = {.op = SV_STORE_EVENTS,
                                         .shard = i,
                                         .u.events = {.after = after, .entries_max = PAGE}};

            (void)snprintf(after, sizeof(after), "%s", order->next);
            order->more = false;
            code = sv_client_call(client, &call, on_events, order);
        } while (code == SV_EXIT_OK && order->more);
    }
    return code;
}

static void on_replayed(void *context, const struct sv_store_call *call)
{
    const struct sv_store_replay *told = &call->u.replay;
    struct order *order = context;

    order->found = order->found || told->found;
    order->replayed += told->replayed;
    order->missing += told->missing;
    (void)snprintf(order->next, sizeof(order->next), "%s", told->next);
}

static int replay_all(struct sv_client *client, struct order *order, const char *from)
{
    int code = SV_EXIT_OK;

    for (unsigned i = 0; code == SV_EXIT_OK && i < client->config->redis.shards; i++) {
        (void)snprintf(order->next, sizeof(order->next), "0");
        do {
            char after[SV_STORE_ENTRY_ID_BYTES];
            struct sv_store_call call = {
                .op = SV_STORE_REPLAY,
                .shard = i,
                .u.replay = {.sink = order->name, .from = from, .after = after}};

            (void)snprintf(after, sizeof(after), "%s", order->next);
            code = sv_client_call(client, &call, on_replayed, order);
        } while (code == SV_EXIT_OK && order->next[0] != '\0');
    }
    return code;
}

static int tell_replayed(const struct order *order, bool dry_run)
{
    if (!order->found && !dry_run) {
        sv_setup_complain(order->args, "no worker has served sink %s yet", order->name);
        return SV_EXIT_WRONG;
    }
    if (order->json)
        print_action(order, dry_run ? "replay_planned" : "replay", !dry_run && order->replayed > 0);
    else if (dry_run)
        (void)printf("sink %s: %zu events would be sent again\n", order->name, order->replayed);
    else
        (void)printf("sink %s: %zu events are sent again\n", order->name, order->replayed);
    if (order->missing > 0)
        (void)fprintf(stderr,
                      "%zu dead letters stay: their events are older than events.retention\n",
                      order->missing);
    return SV_EXIT_OK;
}

static int replay(struct sv_client *client, void *context)
{
    struct order *order = context;
    const char *from = sv_args_value(order->args, "from", NULL);
    bool dry_run = sv_args_has(order->args, "dry-run");
    char question[QUESTION_BYTES];
    int code = need_sink(client, order);

    if (code == SV_EXIT_OK)
        code = from != NULL ? count_events(client, order, from)
                            : ask_all(client, order, order->name, SV_STORE_SINK_LOOK);
    if (code != SV_EXIT_OK)
        return code;
    order->replayed = from != NULL ? order->counted : (size_t)order->sum.dead;
    (void)snprintf(question, sizeof(question), "Send %zu events to %s once more?", order->replayed,
                   order->name);
    if (dry_run)
        return tell_replayed(order, true);
    code = sv_confirm(order->args, question);
    if (code != SV_EXIT_OK)
        return code;
    if (from == NULL)
        order->replayed = 0;
    code = replay_all(client, order, from);
    return code == SV_EXIT_OK ? tell_replayed(order, false) : code;
}

/* --- the commands --- */

static bool is_entry_id(const char *text)
{
    size_t first = strspn(text, "0123456789"), second = 0;

    if (text[first] == '-')
        second = 1 + strspn(text + first + 1, "0123456789");
    return first > 0 && first <= 20 && second != 1 && second <= 21 && text[first + second] == '\0';
}

static int run_list(const struct sv_args *args)
{
    struct order order = new_order(args);

    return sv_client_run(args, list, &order);
}

static int run_enable(const struct sv_args *args)
{
    struct order order = new_order(args);

    return sv_client_run(args, enable, &order);
}

static int run_dead(const struct sv_args *args)
{
    struct order order = new_order(args);

    return sv_client_run(args, dead, &order);
}

static int run_replay(const struct sv_args *args)
{
    struct order order = new_order(args);
    const char *from = sv_args_value(args, "from", NULL);

    if ((from != NULL) == sv_args_has(args, "dead")) {
        sv_setup_complain(args, "name one of --from ID and --dead");
        return SV_EXIT_USAGE;
    }
    if (from != NULL && !is_entry_id(from)) {
        sv_setup_complain(args, "'%.60s' is no entry of the outbox (1764400000000-0, or 0)", from);
        return SV_EXIT_USAGE;
    }
    return sv_client_run(args, replay, &order);
}

const struct sv_command sv_command_sinks_list = {
    .name = "sinks list",
    .operands = "",
    .summary = "where events go, how much waits, what is disabled",
    .details = "OPEN: read and not settled, waiting for an attempt or under way. UNREAD: behind\n"
               "those (1001: or more, in each shard). DEAD: given up. With --json one object per\n"
               "line.",
    .configured = true,
    .facts = true,
    .examples = {"sesverify sinks list", "sesverify sinks list --json | jq .dead"},
    .run = run_list,
};

const struct sv_command sv_command_sinks_enable = {
    .name = "sinks enable",
    .operands = "NAME",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "send events again to a sink that its target switched off",
    .details =
        "A webhook that answers 410 is disabled; its events wait. From now on they are sent.",
    .configured = true,
    .facts = true,
    .examples = {"sesverify sinks enable billing", "sesverify sinks enable billing --json"},
    .run = run_enable,
};

const struct sv_command sv_command_sinks_dead = {
    .name = "sinks dead",
    .operands = "NAME",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "the events that a sink did not take after all attempts",
    .details = "At most 10,000 for each shard are kept. With --json one object per line.",
    .configured = true,
    .facts = true,
    .examples = {"sesverify sinks dead billing", "sesverify sinks dead billing --json"},
    .run = run_dead,
};

static const struct sv_option replay_options[] = {
    {"dead", NULL, false, "the dead letters"},
    {"from", "ID", false, "all events behind this entry of the outbox; 0: all that are kept"},
    {"dry-run", NULL, false, "only tell how many"},
    {"yes", NULL, false, "do not ask"},
    {.name = NULL},
};

const struct sv_command sv_command_sinks_replay = {
    .name = "sinks replay",
    .operands = "NAME",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "send events to a sink once more",
    .details = "They keep their ids: whoever drops what it has seen sees nothing new. Events are\n"
               "kept for events.retention; dead letters whose event is older stay dead.",
    .options = replay_options,
    .configured = true,
    .facts = true,
    .examples = {"sesverify sinks replay billing --dead --dry-run",
                 "sesverify sinks replay billing --from 1764400000000-0 --yes"},
    .run = run_replay,
};
