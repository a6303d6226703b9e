/* /events and /domains: the newest transitions, and a page of domains. */
#include <stdlib.h>
#include <string.h>

#include "kept.h"
#include "page_question.h"
#include "setup.h"
#include "show.h"
#include "sv/alloc.h"
#include "sv/cloudevent.h"
#include "sv/json.h"
#include "text.h"

enum {
    EVENTS_READ = 4, /* of which only one in so many may be a domain's */
    EVENT_DEPTH_MAX = 16,
    WALKS_MAX = 10,  /* pages of the keyspace, or of a client, for one answer */
    WALK_KEYS = 200, /* looked at in one of them */
    CURSOR_BYTES = 64,
    SHARD_DIGITS = 8,
};

/* ---- /events: the newest transitions ---- */

static void add_event(struct question *question, const struct sv_store_entry *entry)
{
    static const char *const words[] = {"domain", "client_id", "account",   "from",
                                        "to",     "reason",    "conclusion"};
    struct sv_errinfo info;
    json_t *event = sv_json_parse(entry->payload, entry->payload_bytes, SV_STORE_EVENT_BYTES_MAX,
                                  EVENT_DEPTH_MAX, &info);
    const json_t *data = json_object_get(event, "data");
    json_t *out;

    if (event != NULL && strncmp(sv_text_of(event, "type"), "io.sesverify.domain.", 20) == 0) {
        out = sv_json_object();
        sv_json_set_str(out, "time", sv_json_str(event, "time"));
        sv_json_set_str(out, "type", sv_json_str(event, "type"));
        sv_json_set_str(out, "sequence", sv_json_str(event, "sequence"));
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
            sv_json_set_str(out, words[i], sv_json_str(data, words[i]));
        sv_json_append(question->list, out);
    }
    json_decref(event);
}

/* Times of one width: as texts they stand in their order. */
static int compare_events(const void *a, const void *b)
{
    return strcmp(sv_text_of(*(json_t *const *)b, "time"), sv_text_of(*(json_t *const *)a, "time"));
}

/* The newest of all shards: each gave its own, the newest first. */
static void sort_events(struct question *question)
{
    size_t count = json_array_size(question->list);
    json_t **items = sv_alloc(count + 1, sizeof(json_t *));

    for (size_t i = 0; i < count; i++)
        items[i] = json_incref(json_array_get(question->list, i));
    qsort(items, count, sizeof(json_t *), compare_events);
    (void)json_array_clear(question->list);
    for (size_t i = 0; i < count; i++) {
        if (i < question->limit)
            sv_json_append(question->list, items[i]);
        else
            json_decref(items[i]);
    }
    free(items);
}

static void ask_events(struct question *question, unsigned shard);

static void on_events(struct question *question)
{
    const struct sv_store_events *events = &question->call.u.events;
    unsigned shard = question->call.shard;
    size_t before = json_array_size(question->list);

    for (size_t i = 0; i < events->count; i++) {
        if (json_array_size(question->list) - before < question->limit)
            add_event(question, &events->entries[i]);
    }
    if (shard + 1 < question_config(question)->redis.shards) {
        ask_events(question, shard + 1);
        return;
    }
    sort_events(question);
    question_finish(question);
}

static void ask_events(struct question *question, unsigned shard)
{
    question->call = (struct sv_store_call){.op = SV_STORE_EVENTS, .shard = shard};
    question->call.u.events.after = "0";
    question->call.u.events.newest = true;
    question->call.u.events.entries_max = question->limit * EVENTS_READ;
    question_ask(question, on_events);
}

void page_events_start(struct question *question)
{
    sv_json_set_str(question->out, "schema", "sesverify.page-events.v1");
    question->list = sv_json_array();
    sv_json_set(question->out, "events", question->list);
    ask_events(question, 0);
}

/* ---- /domains: a page of them ---- */

static json_t *row_json(const struct sv_kept *kept)
{
    const struct sv_domain *domain = &kept->sheet.domain;
    const json_t *findings = json_object_get(kept->detail, "findings");
    int primary = sv_show_primary(findings);
    json_t *out = sv_json_object();

    sv_json_set_str(out, "domain", kept->sheet.registration.domain);
    sv_json_set_str(out, "client_id", kept->client_id);
    sv_json_set_str(out, "account", kept->sheet.registration.account);
    sv_json_set_str(out, "status", sv_status_name(domain->status));
    sv_json_set(out, "status_since", sv_json_time(domain->status_since));
    sv_json_set_str(out, "conclusion", sv_conclusion_name(domain->conclusion));
    sv_json_set_str(out, "primary",
                    primary >= 0 ? sv_text_of(json_array_get(findings, (size_t)primary), "code")
                                 : NULL);
    sv_json_set_bool(out, "checking", kept->running);
    sv_json_set(out, "next_check_at", sv_json_time(kept->due_at));
    return out;
}

static void next_row(struct question *question);
static void walk(struct question *question);

static void on_row(struct question *question)
{
    struct sv_kept kept = {.found = false};

    sv_kept_fill(&kept, &question->call.u.read);
    if (kept.found && !kept.damaged &&
        (question->status == SV_STATUS_COUNT || kept.sheet.domain.status == question->status))
        sv_json_append(question->list, row_json(&kept));
    sv_kept_fini(&kept);
    next_row(question);
}

/* A page of the store is read whole: its cursor stands behind all of it. */
static void next_row(struct question *question)
{
    char cursor[CURSOR_BYTES];

    if (question->uid < question->uids_count) {
        question->call = (struct sv_store_call){.op = SV_STORE_READ, .shard = question->call.shard};
        question->call.u.read.uid = question->uids[question->uid++];
        question_ask(question, on_row);
        return;
    }
    if (!question->ended && question->walks < WALKS_MAX &&
        json_array_size(question->list) < question->limit) {
        walk(question);
        return;
    }
    (void)snprintf(cursor, sizeof(cursor), "%u-%s", question->call.shard, question->cursor);
    sv_json_set_str(question->out, "next", question->ended ? NULL : cursor);
    question_finish(question);
}

static void take_page(struct question *question, const char *next_cursor)
{
    unsigned shards = question_config(question)->redis.shards;
    bool over = strcmp(next_cursor, "0") == 0;

    (void)snprintf(question->cursor, sizeof(question->cursor), "%s", next_cursor);
    question->uid = 0;
    question->ended =
        over && (question->client_id[0] != '\0' || question->call.shard + 1 >= shards);
}

/* Which shard comes next is decided when its rows are read: they are of the old one. */
static void on_listed(struct question *question)
{
    const struct sv_store_list *list = &question->call.u.list;

    question->uids_count = 0;
    for (size_t i = 0; i < list->count; i++)
        question_keep_uid(question, list->uids[i]);
    take_page(question, list->next_cursor);
    next_row(question);
}

static void on_looked(struct question *question)
{
    const struct sv_store_look *look = &question->call.u.look;

    question->uids_count = 0;
    for (size_t i = 0; i < look->count; i++)
        question_keep_uid(question, look->items[i].name);
    take_page(question, look->next_cursor);
    next_row(question);
}

static void walk(struct question *question)
{
    unsigned shard = question->call.shard;

    if (question->walks++ > 0 && strcmp(question->cursor, "0") == 0)
        shard++;
    question->call = (struct sv_store_call){.shard = shard};
    if (question->client_id[0] != '\0') {
        question->call.op = SV_STORE_LOOK;
        question->call.u.look = (struct sv_store_look){
            .what = SV_STORE_LOOK_FIELDS, .key = question->key, .cursor = question->cursor};
        question_ask(question, on_looked);
        return;
    }
    question->call.op = SV_STORE_LIST;
    question->call.u.list.cursor = question->cursor;
    question->call.u.list.count_hint = WALK_KEYS;
    question_ask(question, on_listed);
}

/* "<shard>-<cursor>", as `next` told it. */
static bool read_cursor(struct question *question, const char *text)
{
    const char *dash = text == NULL ? NULL : strchr(text, '-');
    unsigned shards = question_config(question)->redis.shards;
    unsigned long shard;

    (void)snprintf(question->cursor, sizeof(question->cursor), "0");
    if (text == NULL)
        return true;
    if (dash == NULL || dash == text || dash - text > SHARD_DIGITS ||
        strspn(text, "0123456789") != (size_t)(dash - text) || dash[1] == '\0' ||
        strspn(dash + 1, "0123456789") != strlen(dash + 1) || strlen(dash + 1) > 20)
        return false;
    shard = strtoul(text, NULL, 10);
    if (shard >= shards || (shard + 1 == shards && strcmp(dash + 1, "0") == 0))
        return false; /* the second would be behind the end */
    question->call.shard = (unsigned)shard;
    (void)snprintf(question->cursor, sizeof(question->cursor), "%s", dash + 1);
    return true;
}

void page_domains_start(struct question *question)
{
    const char *client_id = sv_status_request_query(question->request, "client");
    const char *status = sv_status_request_query(question->request, "status");
    const char *after = sv_status_request_query(question->request, "after");

    question->status = SV_STATUS_COUNT;
    if (status != NULL && *status != '\0')
        question->status = sv_status_parse(status);
    if (status != NULL && *status != '\0' && question->status == SV_STATUS_COUNT) {
        question_fail(question, 400, "status is none of the product's words");
        return;
    }
    if (client_id != NULL && strlen(client_id) >= SV_CLIENT_BYTES) {
        question_fail(question, 400, "a client's id has at most 128 bytes");
        return;
    }
    if (!read_cursor(question, after)) {
        question_fail(question, 400, "after is what `next` of the page before said");
        return;
    }
    if (client_id != NULL && *client_id != '\0') {
        (void)snprintf(question->client_id, sizeof(question->client_id), "%s", client_id);
        (void)snprintf(question->key, sizeof(question->key), "c:%s", client_id);
        question->call.shard = sv_setup_shard(question_config(question), client_id);
    }
    /* A page that ended its shard goes on with the next one. */
    question->walks = after != NULL && question->client_id[0] == '\0' ? 1 : 0;
    sv_json_set_str(question->out, "schema", "sesverify.page-domains.v1");
    question->list = sv_json_array();
    sv_json_set(question->out, "domains", question->list);
    walk(question);
}
