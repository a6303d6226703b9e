/* `sesverify stats`: every counter once, from Redis, and what the worker's status port adds. */
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "commands.h"
#include "exit.h"
#include "setup.h"
#include "sv/alloc.h"
#include "sv/json.h"
#include "table.h"
#include "text.h"
#include "visit.h"

enum { NAME_BYTES = 48, STATUS_DEPTH_MAX = 16, SHARD_COLUMNS_MAX = 6, NUMBER_BYTES = 24 };

struct counter {
    char name[NAME_BYTES];
    int64_t *values; /* one per shard */
};

struct stats {
    const struct sv_args *args;
    unsigned shards, shard; /* the one being read */
    size_t count;
    struct counter counters[SV_STORE_COUNTERS_MAX];
    json_t *worker; /* NULL = its port does not answer */
};

/* In this order, and before what else there is. */
static const char *const known[] = {
    "inbox",           "pending",        "oldest_job_ms",
    "waiting",         "running",        "clients_due",
    "oldest_due_ms",   "events",         "dead_letters",
    "accepted",        "open",           "done",
    "coalesced",       "rejected",       "dead",
    "duplicate",       "vanished",       "status_pending_verification",
    "status_verified", "status_at_risk", "status_failed",
    "status_removed",
};

/* What is no sum over the shards. */
static bool is_greatest(const char *name)
{
    return strncmp(name, "oldest_", strlen("oldest_")) == 0;
}

static struct counter *counter_of(struct stats *stats, const char *name)
{
    struct counter *counter;

    for (size_t i = 0; i < stats->count; i++) {
        if (strcmp(stats->counters[i].name, name) == 0)
            return &stats->counters[i];
    }
    if (stats->count == SV_STORE_COUNTERS_MAX || strlen(name) >= NAME_BYTES)
        return NULL;
    counter = &stats->counters[stats->count++];
    (void)snprintf(counter->name, NAME_BYTES, "%s", name);
    counter->values = sv_alloc(stats->shards, sizeof(*counter->values));
    return counter;
}

static void on_counters(void *context, const struct sv_store_call *call)
{
    const struct sv_store_counters *counters = &call->u.counters;
    struct stats *stats = context;

    for (size_t i = 0; i < counters->count; i++) {
        struct counter *counter = counter_of(stats, counters->items[i].name);

        if (counter != NULL)
            counter->values[stats->shard] = counters->items[i].value;
    }
}

static int64_t total_of(const struct stats *stats, const struct counter *counter)
{
    int64_t total = 0;

    for (unsigned i = 0; i < stats->shards; i++) {
        if (!is_greatest(counter->name))
            total += counter->values[i];
        else if (counter->values[i] > total)
            total = counter->values[i];
    }
    return total;
}

/* The worker is a guest here: without it the counters are as good. */
static json_t *ask_worker(const struct sv_args *args, const struct sv_config *config)
{
    char url[SV_VISIT_URL_BYTES];
    struct sv_errinfo info;
    struct sv_buf body;
    json_t *tree = NULL;
    long status = 0;

    if (!sv_args_has(args, "port") &&
        (strcmp(config->status.listen, "off") == 0 || strstr(config->status.listen, ":0") != NULL))
        return NULL;
    if (sv_visit_url(args, config, "/status", url) != SV_EXIT_OK)
        return NULL;
    if (sv_visit(url, &status, &body, &info) == SV_OK && status == 200)
        tree =
            sv_json_parse(sv_buf_str(&body), body.len, SV_VISIT_BYTES_MAX, STATUS_DEPTH_MAX, &info);
    sv_buf_fini(&body);
    return tree;
}

/* --- as JSON --- */

static void print_json(const struct stats *stats)
{
    json_t *out = sv_json_object(), *shards = sv_json_array(), *totals = sv_json_object();

    for (unsigned s = 0; s < stats->shards; s++) {
        json_t *shard = sv_json_object(), *counters = sv_json_object();

        for (size_t i = 0; i < stats->count; i++)
            sv_json_set_int(counters, stats->counters[i].name, stats->counters[i].values[s]);
        sv_json_set_int(shard, "shard", s);
        sv_json_set(shard, "counters", counters);
        sv_json_append(shards, shard);
    }
    for (size_t i = 0; i < stats->count; i++)
        sv_json_set_int(totals, stats->counters[i].name, total_of(stats, &stats->counters[i]));
    sv_json_set_str(out, "schema", "sesverify.stats.v1");
    sv_json_set(out, "totals", totals);
    sv_json_set(out, "shards", shards);
    sv_json_set(out, "worker", stats->worker != NULL ? json_incref(stats->worker) : json_null());
    sv_text_print_json(out);
}

/* --- as text --- */

static void set_number(struct sv_table *table, size_t column, int64_t value, enum sv_colour colour)
{
    char text[NUMBER_BYTES];

    (void)snprintf(text, sizeof(text), "%15lld", (long long)value);
    sv_table_set(table, column, colour, text);
}

static enum sv_colour colour_of(const char *name, int64_t value)
{
    if (value == 0)
        return SV_DIM;
    if (strcmp(name, "dead_letters") == 0 || strcmp(name, "conflict") == 0)
        return SV_RED;
    return SV_PLAIN;
}

static void print_counters(const struct stats *stats, bool colour)
{
    bool each = stats->shards > 1 && stats->shards <= SHARD_COLUMNS_MAX;
    const char *heads[2 + SHARD_COLUMNS_MAX] = {"COUNTER", "          TOTAL"};
    char names[SHARD_COLUMNS_MAX][NUMBER_BYTES];
    struct sv_table table;

    for (unsigned s = 0; each && s < stats->shards; s++) {
        (void)snprintf(names[s], NUMBER_BYTES, "        SHARD %u", s);
        heads[2 + s] = names[s];
    }
    sv_table_init(&table, each ? 2 + stats->shards : 2, heads);
    for (size_t i = 0; i < stats->count; i++) {
        const struct counter *counter = &stats->counters[i];
        int64_t total = total_of(stats, counter);

        sv_table_row(&table);
        sv_table_set(&table, 0, SV_PLAIN, counter->name);
        set_number(&table, 1, total, colour_of(counter->name, total));
        for (unsigned s = 0; each && s < stats->shards; s++)
            set_number(&table, 2 + s, counter->values[s],
                       colour_of(counter->name, counter->values[s]));
    }
    sv_table_print(&table, colour, stdout);
    sv_table_fini(&table);
}

static void print_worker(const struct stats *stats)
{
    char line[320];
    json_t *work = json_object_get(stats->worker, "work");

    if (stats->worker == NULL)
        return;
    (void)snprintf(line, sizeof(line),
                   "worker %.160s: %.20s, %lld checks done, %lld under way, %lld jobs taken",
                   sv_text_of(stats->worker, "worker"), sv_text_of(stats->worker, "phase"),
                   json_integer_value(json_object_get(work, "checks_committed")),
                   json_integer_value(json_object_get(work, "inflight")),
                   json_integer_value(json_object_get(work, "jobs_taken")));
    sv_term_make_safe(line);
    (void)printf("\n%s\n", line);
}

static int read_all(struct sv_client *client, void *context)
{
    struct stats *stats = context;
    int code = SV_EXIT_OK;

    stats->shards = client->config->redis.shards;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        (void)counter_of(stats, known[i]);
    for (unsigned s = 0; code == SV_EXIT_OK && s < stats->shards; s++) {
        struct sv_store_call call = {.op = SV_STORE_COUNTERS, .shard = s};

        stats->shard = s;
        code = sv_client_call(client, &call, on_counters, stats);
    }
    if (code != SV_EXIT_OK)
        return code;
    stats->worker = ask_worker(stats->args, client->config);
    if (sv_args_has(stats->args, "json")) {
        print_json(stats);
        return SV_EXIT_OK;
    }
    print_counters(stats, sv_term_wants_colour(stdout, stats->args->environment));
    print_worker(stats);
    return SV_EXIT_OK;
}

static int run(const struct sv_args *args)
{
    struct stats *stats = sv_alloc(1, sizeof(*stats));
    int code;

    stats->args = args;
    code = sv_client_run(args, read_all, stats);
    for (size_t i = 0; i < stats->count; i++)
        free(stats->counters[i].values);
    json_decref(stats->worker);
    free(stats);
    return code;
}

static const struct sv_option options[] = {
    SV_VISIT_OPTION,
    {.name = NULL},
};

const struct sv_command sv_command_stats = {
    .name = "stats",
    .operands = "",
    .summary = "every counter once: jobs, queues, domains, events",
    .details = "The counters are those of Redis, so they are the whole installation's. A worker\n"
               "whose status port answers adds a line (with --json, all it tells). What the\n"
               "counters mean: docs/running.md.",
    .options = options,
    .configured = true,
    .facts = true,
    .examples = {"sesverify stats", "sesverify stats --json | jq .totals.open"},
    .run = run,
};
