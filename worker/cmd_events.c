/* `sesverify events tail`: the outbox, one event per line. One call per shard is always under way,
 * so that no event slips between two calls. */
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "commands.h"
#include "exit.h"
#include "setup.h"
#include "sv/alloc.h"
#include "sv/json.h"
#include "text.h"

enum { EVENT_DEPTH_MAX = 16, PAGE = 100, COUNT_DIGITS_MAX = 9 };

struct tail;

struct shard {
    struct tail *tail;
    struct sv_store_call call;
    char after[SV_STORE_ENTRY_ID_BYTES];
    bool busy, finished;
};

struct tail {
    struct sv_client *client;
    const struct sv_args *args;
    const char *from; /* a position */
    bool json, follow, colour;
    uint64_t left; /* events still to be shown */
    int code;
    struct shard shards[SV_SHARDS_MAX];
};

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

/* "io.sesverify.domain.verified.v1" is "domain.verified" to people. */
static void short_type(const char *type, char *out, size_t bytes)
{
    static const char start[] = "io.sesverify.";
    size_t len;

    if (strncmp(type, start, sizeof(start) - 1) == 0)
        type += sizeof(start) - 1;
    len = strlen(type);
    if (len > 3 && strcmp(type + len - 3, ".v1") == 0)
        len -= 3;
    (void)snprintf(out, bytes, "%.*s", (int)len, type);
}

static void print_text(const struct tail *tail, const json_t *event)
{
    const json_t *data = json_object_get(event, "data");
    const char *from = sv_json_str(data, "from");
    const char *to = sv_json_str(data, "to");
    const char *outcome = sv_json_str(data, "outcome");
    const char *reason = sv_json_str(data, "reason");
    const char *domain = or_empty(sv_json_str(data, "domain"));
    enum sv_status status = sv_status_parse(or_empty(to));
    bool painted = tail->colour && to != NULL && status != SV_STATUS_COUNT;
    char kind[64];
    char move[128];
    char line[1024];

    short_type(or_empty(sv_json_str(event, "type")), kind, sizeof(kind));
    if (to != NULL)
        (void)snprintf(move, sizeof(move), "%.40s -> %.40s", from != NULL ? from : "new", to);
    else
        (void)snprintf(move, sizeof(move), "%.40s", or_empty(outcome));
    (void)snprintf(line, sizeof(line), "%.30s  %-19s  %s  %s  %s%s%s%s",
                   or_empty(sv_json_str(event, "time")), kind,
                   or_empty(sv_json_str(data, "client_id")), domain, move,
                   reason != NULL ? "  (" : "", or_empty(reason), reason != NULL ? ")" : "");
    sv_term_make_safe(line);
    (void)printf("%s%s%s\n", painted ? sv_term_start(sv_text_colour_of_status(status)) : "", line,
                 painted ? sv_term_reset : "");
}

static void print_json_line(unsigned shard, const char *id, json_t *event)
{
    json_t *object = sv_json_object();

    sv_json_set_str(object, "schema", "sesverify.event.v1");
    sv_json_set_int(object, "shard", (long long)shard);
    sv_json_set_str(object, "position", id);
    sv_json_set(object, "event", json_incref(event));
    sv_text_print_json(object);
}

static void print_entry(struct tail *tail, unsigned shard, const struct sv_store_entry *entry)
{
    struct sv_errinfo info;
    json_t *event = sv_json_parse(entry->payload, entry->payload_bytes, SV_STORE_EVENT_BYTES_MAX,
                                  EVENT_DEPTH_MAX, &info);

    if (event == NULL) {
        sv_setup_complain(tail->args, "entry %s is no event: %s", entry->id, info.text);
        return;
    }
    if (tail->json)
        print_json_line(shard, entry->id, event);
    else
        print_text(tail, event);
    json_decref(event);
}

static void on_events(struct sv_store_call *call, enum sv_err err)
{
    struct shard *shard = call->owner;
    struct tail *tail = shard->tail;
    const struct sv_store_events *events = &call->u.events;

    shard->busy = false;
    if (err == SV_ECANCELED)
        return;
    if (err != SV_OK) {
        call->info.code = err;
        tail->code = sv_client_complain(tail->client, &call->info);
        return;
    }
    for (size_t i = 0; i < events->count && tail->left > 0; i++) {
        print_entry(tail, call->shard, &events->entries[i]);
        (void)snprintf(shard->after, sizeof(shard->after), "%s", events->entries[i].id);
        tail->left--;
    }
    shard->finished = !tail->follow && events->count == 0;
    if (fflush(stdout) != 0)
        tail->left = 0; /* nobody reads any more */
}

/* Waits for a day: the store looks often enough, and "$" means the moment this call began. */
static void ask(struct tail *tail, unsigned number)
{
    struct shard *shard = &tail->shards[number];
    struct sv_errinfo info = {0};

    shard->call = (struct sv_store_call){.owner = shard, .op = SV_STORE_EVENTS, .shard = number};
    shard->call.u.events.after = shard->after;
    shard->call.u.events.block_ms = tail->follow ? SV_DAY : 0;
    shard->call.u.events.entries_max = PAGE;
    if (sv_store_start(tail->client->store, &shard->call, on_events, &info) == SV_OK)
        shard->busy = true;
    else
        tail->code = sv_client_complain(tail->client, &info);
}

static int follow(struct tail *tail)
{
    unsigned shards = tail->client->config->redis.shards;
    bool working = true;

    for (unsigned i = 0; i < shards; i++) {
        tail->shards[i].tail = tail;
        (void)snprintf(tail->shards[i].after, SV_STORE_ENTRY_ID_BYTES, "%s", tail->from);
    }
    while (working && tail->left > 0 && tail->code == SV_EXIT_OK) {
        working = false;
        for (unsigned i = 0; i < shards && tail->code == SV_EXIT_OK; i++) {
            if (!tail->shards[i].busy && !tail->shards[i].finished)
                ask(tail, i);
            working = working || tail->shards[i].busy;
        }
        if (working && tail->code == SV_EXIT_OK)
            (void)uv_run(&tail->client->loop, UV_RUN_ONCE);
    }
    return tail->code;
}

static bool read_count(const struct sv_args *args, uint64_t *out)
{
    const char *text = sv_args_value(args, "count", NULL);

    *out = UINT64_MAX;
    if (text == NULL)
        return true;
    if (*text == '\0' || strspn(text, "0123456789") != strlen(text) ||
        strlen(text) > COUNT_DIGITS_MAX)
        return false;
    *out = 0;
    for (; *text != '\0'; text++)
        *out = *out * 10 + (uint64_t)(*text - '0');
    return *out > 0;
}

/* "0", "$", or an entry's id such as 1700000000000-0. */
static bool is_position(const char *text)
{
    size_t len = strspn(text, "0123456789");

    if (strcmp(text, "$") == 0)
        return true;
    if (len == 0 || len > 20 || strlen(text) >= SV_STORE_ENTRY_ID_BYTES)
        return false;
    return text[len] == '\0' || (text[len] == '-' && text[len + 1] != '\0' &&
                                 strspn(text + len + 1, "0123456789") == strlen(text + len + 1));
}

static int start(struct sv_client *client, void *context)
{
    struct tail *tail = context;

    tail->client = client;
    return follow(tail);
}

static int run(const struct sv_args *args)
{
    struct tail *tail = sv_alloc(1, sizeof(*tail));
    int code;

    tail->args = args;
    tail->json = sv_args_has(args, "json");
    tail->follow = !sv_args_has(args, "no-follow");
    tail->colour = sv_term_wants_colour(stdout, args->environment);
    tail->from = sv_args_value(args, "from", tail->follow ? "$" : "0");
    if (sv_args_has(args, "follow") && !tail->follow) {
        sv_setup_complain(args, "--follow and --no-follow exclude each other");
        code = SV_EXIT_USAGE;
    } else if (!read_count(args, &tail->left)) {
        sv_setup_complain(args, "--count is a number from 1 to 999999999");
        code = SV_EXIT_USAGE;
    } else if (!is_position(tail->from)) {
        sv_setup_complain(args, "--from is 0, $ or the position of an event, such as "
                                "1700000000000-0");
        code = SV_EXIT_USAGE;
    } else {
        code = sv_client_run(args, start, tail);
    }
    free(tail);
    return code;
}

static const struct sv_option options[] = {
    {"from", "ID", false, "behind this position; 0 = from the start, $ = only new ones"},
    {"count", "N", false, "leave after N events"},
    {"follow", NULL, false, "wait for new events (the default)"},
    {"no-follow", NULL, false, "show what is there, then leave"},
    {.name = NULL},
};

const struct sv_command sv_command_events_tail = {
    .name = "events tail",
    .operands = "",
    .summary = "follow the events that the worker writes",
    .details = "Reading moves no position: consumers and sinks keep their own.",
    .options = options,
    .configured = true,
    .facts = true,
    .examples = {"sesverify events tail", "sesverify events tail --from 0 --no-follow --json"},
    .run = run,
};
