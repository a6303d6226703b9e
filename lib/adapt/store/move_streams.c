#include <stdio.h>
#include <string.h>

#include "move.h"
#include "sv/json.h"

/* Entries of the outbox and of the inbox, a page at a time and in their order. All entries of a
 * page for one shard go in one call, so that none can overtake another; there they get ids of that
 * stream. A job without an id of its own is given its entry's, as its answer names it. */

enum { ENTRIES_MAX = 30, WORDS_MAX = 16, DEPTH_MAX = 16, OUTCOMES = 4 };

static const char *const outcomes[OUTCOMES] = {"done", "coalesced", "rejected", "dead"};

struct entry {
    const char *id, *outcome; /* "" = it answers no job */
    unsigned home;
    struct sv_move_bytes packed; /* <bytes>:<word> ... */
};

struct page {
    char after[SV_STORE_ENTRY_ID_BYTES];
    int gaps; /* entries were deleted in front of what is here */
    bool too_big;
    size_t count; /* that have to go */
    struct entry entries[ENTRIES_MAX];
};

static bool is_jobs(const struct sv_store_work *work)
{
    return work->call->u.move.what == SV_STORE_MOVE_JOBS;
}

static const char *name_of(const struct sv_store_work *work)
{
    return is_jobs(work) ? "jobs" : "events";
}

/* --- what an entry is --- */

static const redisReply *word_of(const redisReply *entry, const char *name)
{
    for (size_t i = 1; i + 1 < entry->elements; i += 2) {
        if (sv_reply_is(entry->element[i], name) &&
            entry->element[i + 1]->type == REDIS_REPLY_STRING)
            return entry->element[i + 1];
    }
    return NULL;
}

static const char *outcome_of(const redisReply *event)
{
    json_t *tree =
        sv_json_parse(event->str, (size_t)event->len, SV_STORE_MOVE_BYTES_MAX, DEPTH_MAX, NULL);
    const char *type = sv_json_str(tree, "type"), *found = "";
    const json_t *outcome = sv_json_path(tree, "data.outcome");

    for (size_t i = 0; i < OUTCOMES && type != NULL && json_is_string(outcome); i++) {
        if (strcmp(type, "io.sesverify.job.finished.v1") == 0 &&
            strcmp(json_string_value(outcome), outcomes[i]) == 0)
            found = outcomes[i];
    }
    json_decref(tree);
    return found;
}

/* The job with the id that it has had by its place; as it is, where that would make it too big. */
static struct sv_move_bytes with_id(struct sv_store_work *work, const redisReply *job,
                                    const char *id)
{
    struct sv_move_bytes result = {.at = job->str, .len = (size_t)job->len};
    json_t *tree =
        sv_json_parse(job->str, (size_t)job->len, SV_STORE_JOB_BYTES_MAX, DEPTH_MAX, NULL);
    struct sv_buf text;

    sv_buf_init(&text, SV_STORE_JOB_BYTES_MAX);
    if (json_is_object(tree) && json_object_get(tree, "id") == NULL) {
        sv_json_set_str(tree, "id", id);
        if (sv_json_write(tree, &text)) {
            result.at = sv_store_arena_strndup(&work->arena, sv_buf_str(&text), text.len);
            result.len = text.len;
        }
    }
    sv_buf_fini(&text);
    json_decref(tree);
    return result;
}

static void pack(struct sv_store_work *work, const redisReply *reply, struct entry *entry)
{
    const redisReply *job = is_jobs(work) ? word_of(reply, "job") : NULL;
    struct sv_move_bytes words[2 * WORDS_MAX];
    size_t total = 0, count = reply->elements - 1;
    char *out;

    for (size_t i = 0; i < count; i++) {
        const redisReply *word = reply->element[i + 1];

        words[i] = job != NULL && word == job
                       ? with_id(work, job, entry->id)
                       : (struct sv_move_bytes){.at = word->str, .len = (size_t)word->len};
        total += words[i].len + 24;
    }
    out = sv_store_arena_alloc(&work->arena, total + 1, 1);
    entry->packed.at = out;
    for (size_t i = 0; i < count; i++) {
        out += sprintf(out, "%zu:", words[i].len);
        memcpy(out, words[i].at, words[i].len);
        out += words[i].len;
    }
    entry->packed.len = (size_t)(out - entry->packed.at);
}

static void take(struct sv_store_work *work, const redisReply *reply)
{
    struct page *page = work->state;
    const redisReply *text = word_of(reply, is_jobs(work) ? "job" : "event");
    enum sv_store_move_kind kind = is_jobs(work) ? SV_STORE_MOVED_JOBS : SV_STORE_MOVED_EVENTS;
    struct entry *entry = &page->entries[page->count];
    const char *client = NULL;

    if (text != NULL)
        client = sv_move_client_of(work, text->str, (size_t)text->len,
                                   is_jobs(work) ? "client_id" : "data.client_id");
    entry->home = sv_move_home(work, client);
    entry->id = sv_reply_text(work, reply->element[0]);
    if (!sv_move_count(work, kind, entry->home))
        return;
    if (reply->elements < 3 || reply->elements > (size_t)2 * WORDS_MAX) {
        page->too_big = true; /* or more fields than anybody writes */
        return;
    }
    entry->outcome = !is_jobs(work) && text != NULL ? outcome_of(text) : "";
    pack(work, reply, entry);
    page->count++;
}

/* --- deleting here, writing there --- */

static void on_number(struct sv_store_request *request, const redisReply *reply)
{
    int64_t number;

    if (!sv_reply_number(reply, &number))
        sv_store_work_malformed(request->work, "entries of a stream were not counted");
}

static void drain(struct sv_store_work *work)
{
    const struct page *page = work->state;
    struct sv_store_request *r =
        sv_store_request_script(work, SV_SCRIPT_DRAIN, 2, 1 + 2 * page->count, on_number);

    sv_store_request_add(r, sv_store_key(work, name_of(work)));
    sv_store_request_add(r, sv_store_key(work, "n"));
    sv_store_request_add(r, is_jobs(work) ? SV_STORE_GROUP : "");
    for (size_t i = 0; i < page->count; i++) {
        sv_store_request_add(r, page->entries[i].id);
        sv_store_request_add(r, page->entries[i].outcome);
    }
    sv_store_request_send(r);
}

static void pour(struct sv_store_work *work, unsigned home)
{
    const struct page *page = work->state;
    struct sv_store_request *r =
        sv_store_request_script(work, SV_SCRIPT_POUR, 3, 2 + 3 * page->count, on_number);

    sv_store_request_add(r, sv_store_key_at(work, home, name_of(work)));
    sv_store_request_add(r, sv_store_key_at(work, home, "reshard"));
    sv_store_request_add(r, sv_store_key_at(work, home, "n"));
    sv_store_request_add(
        r, sv_store_arena_printf(&work->arena, "%s:%u", name_of(work), work->call->shard));
    sv_store_request_add(r, page->gaps != 0 && !is_jobs(work) ? "1" : "0");
    for (size_t i = 0; i < page->count; i++) {
        if (page->entries[i].home != home)
            continue;
        sv_store_request_add(r, page->entries[i].id);
        sv_store_request_add(r, page->entries[i].outcome);
        sv_move_add(r, page->entries[i].packed);
    }
    sv_store_request_send(r);
}

/* Shards that get something of this page. Domains whose events are gone get none, and go all the
 * same: so a gap goes everywhere, with the first page. */
static uint64_t homes_of(const struct sv_store_work *work)
{
    const struct sv_store_move *move = &work->call->u.move;
    const struct page *page = work->state;
    uint64_t homes = 0;

    for (size_t i = 0; i < page->count; i++)
        homes |= UINT64_C(1) << page->entries[i].home;
    if (page->gaps == 0 || is_jobs(work) || strcmp(move->cursor, "0") != 0)
        return homes;
    for (unsigned home = 0; home < move->shards_to; home++) {
        if (home != work->call->shard)
            homes |= UINT64_C(1) << home;
    }
    return homes;
}

static void put(struct sv_store_work *work)
{
    const struct page *page = work->state;
    uint64_t homes = homes_of(work);
    struct sv_errinfo info;

    if (page->too_big) {
        (void)sv_err_set(&info, SV_ETOOBIG, "store", 0,
                         "an entry of %.60s that has to be moved is larger than 1 MiB, or has more "
                         "than 15 fields: take it out",
                         sv_store_key(work, name_of(work)));
        sv_store_work_fail(work, SV_ETOOBIG, &info);
        return;
    }
    if (work->call->u.move.dry_run)
        return;
    for (unsigned home = 0; home < SV_STORE_SHARDS_MAX; home++) {
        if ((homes >> home & 1) != 0)
            pour(work, home);
    }
    if (page->count > 0)
        work->step = drain;
}

/* --- reading --- */

static void on_page(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    struct page *page = work->state;
    char cursor[SV_STORE_MOVE_CURSOR_BYTES];
    int64_t gaps;

    if (!sv_reply_is_array(reply, 1) || !sv_reply_number(reply->element[0], &gaps) ||
        reply->elements > ENTRIES_MAX + 1) {
        sv_store_work_malformed(work, "peel answers no page");
        return;
    }
    if (strcmp(work->call->u.move.cursor, "0") == 0)
        page->gaps = (int)gaps; /* later ones are our own */
    for (size_t i = 1; i < reply->elements; i++) {
        const redisReply *entry = reply->element[i];
        const char *id =
            sv_reply_is_array(entry, 2) ? sv_reply_text(work, entry->element[0]) : NULL;

        if (id == NULL || strlen(id) >= sizeof(page->after)) {
            sv_store_work_malformed(work, "an entry of a stream has no id");
            return;
        }
        take(work, entry);
        (void)snprintf(page->after, sizeof(page->after), "%s", id);
    }
    (void)snprintf(cursor, sizeof(cursor), "%s %d", page->after, page->gaps);
    sv_move_set_cursor(work, reply->elements > 1 ? cursor : "0");
}

void sv_move_streams(struct sv_store_work *work)
{
    struct page *page = sv_store_arena_alloc(&work->arena, 1, sizeof(*page));
    struct sv_store_request *r = sv_store_request_script(work, SV_SCRIPT_PEEL, 1, 4, on_page);

    work->state = page;
    if (sscanf(work->call->u.move.cursor, "%43s %d", page->after, &page->gaps) != 2)
        (void)snprintf(page->after, sizeof(page->after), "0-0");
    sv_store_request_add(r, sv_store_key(work, name_of(work)));
    sv_store_request_add(r, page->after);
    sv_store_request_add_number(r, ENTRIES_MAX);
    sv_store_request_add_number(r, SV_STORE_MOVE_BYTES_MAX);
    sv_store_request_add_number(r, SV_MOVE_PAGE_BYTES_MAX);
    sv_store_request_send(r);
    work->step = put;
}
