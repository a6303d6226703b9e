#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor_walk.h"
#include "exit.h"

/* Every key of a shard, by its name: what it is, of which type it must be, and that it stays. */

enum kind { DOMAIN, COUNTED, DUE_HI, DUE_LO, RECEIPT, DETAIL, LETTER };

struct shape {
    const char *head; /* what the name begins with */
    const char *type;
    enum kind kind;
};

static const struct shape shapes[] = {
    {"d:", "hash", DOMAIN},      {"c:", "hash", COUNTED},     {"due:hi:", "zset", DUE_HI},
    {"due:lo:", "zset", DUE_LO}, {"job:", "string", RECEIPT}, {"x:", "string", DETAIL},
    {"dead:", "hash", LETTER},
};

static const struct {
    const char *name, *type;
} singles[] = {
    {"jobs", "stream"},  {"events", "stream"}, {"dead", "zset"},
    {"n", "hash"},       {"meta", "hash"},     {"ring", "zset"},
    {"ring:hi", "zset"}, {"run", "zset"},      {"reshard", "hash"},
};

static const struct shape *shape_of(const char *name)
{
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        size_t len = strlen(shapes[i].head);

        if (strncmp(name, shapes[i].head, len) == 0 && name[len] != '\0')
            return &shapes[i];
    }
    return NULL;
}

static const char *type_of_single(const char *name)
{
    for (size_t i = 0; i < sizeof(singles) / sizeof(singles[0]); i++) {
        if (strcmp(name, singles[i].name) == 0)
            return singles[i].type;
    }
    return NULL;
}

/* What is kept of a sink: sink:<name>, sink:<name>:wait, sink:<name>:dead. */
static const char *type_of_sink(const char *name)
{
    const char *rest = strncmp(name, "sink:", 5) == 0 ? name + 5 : "";
    size_t len = strcspn(rest, ":");

    if (len == 0)
        return NULL;
    if (strcmp(rest + len, ":dead") == 0)
        return "stream";
    return rest[len] == '\0' || strcmp(rest + len, ":wait") == 0 ? "hash" : NULL;
}

static bool is_sink(const char *key)
{
    return type_of_sink(key) != NULL && strchr(key + 5, ':') == NULL;
}

static void sort_in(struct sv_doctor_walk *walk, const struct shape *shape,
                    const struct sv_store_look_item *item)
{
    const char *rest = item->name + strlen(shape->head);

    switch (shape->kind) {
    case DOMAIN:
        if (!sv_doctor_rows_add(walk->doctor, rest))
            sv_doctor_find(walk->doctor, SV_ILL_UNKNOWN_KEY, item->name, "it names no domain");
        break;
    case COUNTED:
    case DUE_HI:
    case DUE_LO:
        sv_names_add(&walk->clients, rest);
        break;
    case RECEIPT:
        walk->doctor->receipts++;
        if (item->ttl_ms < 0 || strncmp(item->value, "open:", 5) == 0)
            sv_names_add(&walk->receipts, rest);
        break;
    case LETTER:
        sv_names_add(&walk->letters, rest);
        break;
    case DETAIL:
        sv_names_add(&walk->details, rest);
        break;
    }
}

static void on_key(struct sv_doctor_walk *walk, const struct sv_store_look_item *item)
{
    const struct shape *shape = shape_of(item->name);
    const char *wanted = type_of_single(item->name);

    if (strcmp(item->type, "none") == 0)
        return; /* gone meanwhile */
    walk->doctor->keys++;
    if (wanted == NULL && shape != NULL)
        wanted = shape->type;
    if (wanted == NULL)
        wanted = type_of_sink(item->name);
    if (wanted == NULL) {
        sv_doctor_find(walk->doctor, SV_ILL_UNKNOWN_KEY, item->name, "nobody knows this key");
        return;
    }
    if (strcmp(wanted, item->type) != 0) {
        sv_doctor_find(walk->doctor, SV_ILL_WRONG_TYPE, item->name, "it holds a %s, not a %s",
                       item->type, wanted);
        return;
    }
    if (item->ttl_ms >= 0 && (shape == NULL || shape->kind != RECEIPT))
        sv_doctor_find(walk->doctor, SV_ILL_WORK_EXPIRES, item->name,
                       "it vanishes in %lld ms, and with it what it holds",
                       (long long)item->ttl_ms);
    if (strcmp(item->name, "jobs") == 0)
        walk->has_jobs = true;
    if (is_sink(item->name))
        sv_names_add(&walk->sinks, item->name);
    if (type_of_single(item->name) == NULL && shape != NULL)
        sort_in(walk, shape, item);
}

static void on_page(void *context, const struct sv_store_call *call)
{
    for (size_t i = 0; i < call->u.look.count; i++)
        on_key(context, &call->u.look.items[i]);
}

/* --- sinks --- */

struct sink {
    char why[SV_STORE_SINK_WHY_BYTES];
    bool is_disabled;
};

static void on_sink(void *context, const struct sv_store_call *call)
{
    const struct sv_store_look *look = &call->u.look;
    struct sink *sink = context;

    for (size_t i = 0; i < look->count; i++) {
        if (strcmp(look->items[i].name, "off") == 0)
            sink->is_disabled = true;
        if (strcmp(look->items[i].name, "why") == 0)
            (void)snprintf(sink->why, sizeof(sink->why), "%s", look->items[i].value);
    }
}

int sv_doctor_read_sinks(struct sv_doctor_walk *walk)
{
    int code = SV_EXIT_OK;

    for (size_t i = 0; code == SV_EXIT_OK && i < walk->sinks.count; i++) {
        const char *key = walk->sinks.items[i];
        struct sink sink = {.is_disabled = false};

        code = sv_doctor_pages(walk, SV_STORE_LOOK_FIELDS, key, on_sink, &sink);
        if (sink.is_disabled)
            sv_doctor_find(walk->doctor, SV_ILL_SINK_DISABLED, key,
                           "its events wait until `sesverify sinks enable %s`: %.100s", key + 5,
                           sink.why);
    }
    return code;
}

/* --- meta --- */

struct meta {
    long long schema, shards; /* -1 = not there */
    char reshard[16];         /* "<from> <to> ..."; "" = none is under way */
};

static void on_meta(void *context, const struct sv_store_call *call)
{
    const struct sv_store_look *look = &call->u.look;
    struct meta *meta = context;

    for (size_t i = 0; i < look->count; i++) {
        if (strcmp(look->items[i].name, "schema") == 0)
            meta->schema = strtoll(look->items[i].value, NULL, 10);
        if (strcmp(look->items[i].name, "shards") == 0)
            meta->shards = strtoll(look->items[i].value, NULL, 10);
        if (strcmp(look->items[i].name, "reshard") == 0)
            (void)snprintf(meta->reshard, sizeof(meta->reshard), "%s", look->items[i].value);
    }
}

static int check_meta(struct sv_doctor_walk *walk)
{
    struct sv_doctor *doctor = walk->doctor;
    struct meta meta = {.schema = -1, .shards = -1};
    int code = sv_doctor_pages(walk, SV_STORE_LOOK_FIELDS, "meta", on_meta, &meta);

    if (code != SV_EXIT_OK)
        return code;
    if (meta.shards != (long long)doctor->shards)
        sv_doctor_find(doctor, SV_ILL_SCHEMA_DIFFERS, "meta",
                       "it was made for %lld shards (-1: not said), redis.shards is %u",
                       meta.shards, doctor->shards);
    if (meta.reshard[0] != '\0')
        sv_doctor_find(doctor, SV_ILL_SCHEMA_DIFFERS, "meta",
                       "the shards are being changed (from and to: %.15s) and it is half done: run "
                       "`sesverify reshard` to its end",
                       meta.reshard);
    if (meta.schema < 1)
        sv_doctor_find(doctor, SV_ILL_SCHEMA_DIFFERS, "meta", "schema %lld (-1: not said)",
                       meta.schema);
    return code;
}

int sv_doctor_read_keys(struct sv_doctor_walk *walk)
{
    size_t before = walk->doctor->keys;
    int code = sv_doctor_pages(walk, SV_STORE_LOOK_KEYS, NULL, on_page, walk);

    sv_doctor_rows_sort(walk->doctor);
    sv_names_sort(&walk->receipts);
    sv_names_sort(&walk->letters);
    if (code == SV_EXIT_OK && walk->doctor->keys > before)
        code = check_meta(walk);
    return code;
}
