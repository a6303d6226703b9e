#include "letters.h"

#include <string.h>

#include "exit.h"
#include "numbers.h"
#include "setup.h"
#include "sv/cloudevent.h"
#include "sv/json.h"

enum { PAYLOAD_DEPTH_MAX = 8, PAGES_MAX = 1000000 };

/* --- which are meant --- */

int sv_letter_filter_read(const struct sv_args *args, const struct sv_config *config,
                          struct sv_letter_filter *out)
{
    size_t shard;

    *out = (struct sv_letter_filter){.reason = sv_args_value(args, "reason", NULL),
                                     .client_id = sv_args_value(args, "client", NULL),
                                     .shard = -1};
    if (!sv_args_has(args, "shard"))
        return SV_EXIT_OK;
    if (sv_number_option(args, "shard", 0, config->redis.shards - 1, 0, &shard) != SV_EXIT_OK)
        return SV_EXIT_USAGE;
    out->shard = (long)shard;
    return SV_EXIT_OK;
}

static bool matches(const struct sv_letter_filter *filter, const struct sv_letter_view *view)
{
    return (filter->reason == NULL || strcmp(filter->reason, view->letter->reason) == 0) &&
           (filter->client_id == NULL || strcmp(filter->client_id, view->client_id) == 0);
}

/* --- what can be told --- */

static void copy(char out[SV_LETTER_WORD_BYTES], const char *kept, const json_t *job,
                 const char *key)
{
    const char *told = job != NULL ? sv_json_str(job, key) : NULL;

    (void)snprintf(out, SV_LETTER_WORD_BYTES, "%s", *kept != '\0' || told == NULL ? kept : told);
}

static void view_of(unsigned shard, const struct sv_store_letter *letter,
                    struct sv_letter_view *out)
{
    json_t *job = NULL;

    if (letter->payload != NULL && letter->payload_bytes > 0)
        job = sv_json_parse(letter->payload, letter->payload_bytes, SV_STORE_LETTER_PAYLOAD_MAX,
                            PAYLOAD_DEPTH_MAX, NULL);
    *out = (struct sv_letter_view){.shard = shard, .letter = letter};
    copy(out->client_id, letter->client_id, job, "client_id");
    copy(out->domain, "", job, "domain");
    copy(out->type, letter->type, job, "type");
    copy(out->job_id, letter->job_id, job, "id");
    json_decref(job);
}

static const char *or_null(const char *text)
{
    return *text != '\0' ? text : NULL;
}

json_t *sv_letter_json(const struct sv_letter_view *view, bool whole)
{
    const struct sv_store_letter *letter = view->letter;
    json_t *object = sv_json_object();

    sv_json_set_str(object, "schema", "sesverify.dead_letter.v1");
    sv_json_set_int(object, "shard", view->shard);
    sv_json_set_str(object, "entry_id", letter->entry_id);
    sv_json_set(object, "at", sv_json_time(letter->at));
    sv_json_set_str(object, "reason", or_null(letter->reason));
    sv_json_set_str(object, "error", or_null(letter->error));
    sv_json_set_str(object, "type", or_null(view->type));
    sv_json_set_str(object, "client_id", or_null(view->client_id));
    sv_json_set_str(object, "domain", or_null(view->domain));
    sv_json_set_str(object, "domain_id", or_null(letter->domain_id));
    sv_json_set_str(object, "job_id", or_null(view->job_id));
    sv_json_set_int(object, "payload_bytes", (long long)letter->payload_bytes);
    if (whole)
        sv_json_set_str(object, "payload", letter->payload); /* up to its first 0 byte */
    return object;
}

/* --- walking --- */

struct page {
    const struct sv_letter_filter *filter;
    sv_letter_fn *call;
    void *context;
    unsigned shard;
    size_t count, total;
    bool stopped;
};

static void on_letters(void *context, const struct sv_store_call *call)
{
    const struct sv_store_letters *letters = &call->u.letters;
    struct page *page = context;

    page->count = letters->count;
    page->total = letters->total;
    for (size_t i = 0; i < letters->count && !page->stopped; i++) {
        struct sv_letter_view view;

        view_of(page->shard, &letters->letters[i], &view);
        if (matches(page->filter, &view))
            page->stopped = page->call(page->context, &view) == SV_LETTER_STOP;
    }
}

static bool is_meant(const struct sv_letter_filter *filter, unsigned shard)
{
    return filter->shard < 0 || (unsigned)filter->shard == shard;
}

static int walk_shard(struct sv_client *client, struct page *page)
{
    size_t skip = 0;

    do {
        struct sv_store_call call = {.op = SV_STORE_LETTERS, .shard = page->shard};
        int code;

        call.u.letters.skip = skip;
        call.u.letters.count_max = SV_STORE_LETTERS_MAX;
        code = sv_client_call(client, &call, on_letters, page);
        if (code != SV_EXIT_OK)
            return code;
        skip += page->count;
    } while (page->count > 0 && skip < page->total && !page->stopped &&
             skip < (size_t)PAGES_MAX * SV_STORE_LETTERS_MAX);
    return SV_EXIT_OK;
}

int sv_letters_each(struct sv_client *client, const struct sv_letter_filter *filter,
                    sv_letter_fn *call, void *context)
{
    struct page page = {.filter = filter, .call = call, .context = context};
    int code = SV_EXIT_OK;

    for (; code == SV_EXIT_OK && !page.stopped && page.shard < client->config->redis.shards;
         page.shard++) {
        if (is_meant(filter, page.shard))
            code = walk_shard(client, &page);
    }
    return code;
}

static enum sv_letter_walk note_it(void *context, const struct sv_letter_view *view)
{
    *(long *)context = view->shard;
    return SV_LETTER_NEXT;
}

/* Looks into one shard only; `call` may only note. */
static int look_up(struct sv_client *client, unsigned shard, const char *entry_id,
                   sv_letter_fn *call, void *context)
{
    static const struct sv_letter_filter all = {.shard = -1};
    struct page page = {.filter = &all, .call = call, .context = context, .shard = shard};
    struct sv_store_call read = {.op = SV_STORE_LETTERS, .shard = shard};

    read.u.letters.entry_id = entry_id;
    return sv_client_call(client, &read, on_letters, &page);
}

int sv_letters_one(struct sv_client *client, const struct sv_letter_filter *filter,
                   const char *entry_id, sv_letter_fn *call, void *context, bool *found)
{
    long where = -1;
    int code = SV_EXIT_OK;

    *found = false;
    for (unsigned s = 0; code == SV_EXIT_OK && s < client->config->redis.shards; s++) {
        long here = -1;

        if (!is_meant(filter, s))
            continue;
        code = look_up(client, s, entry_id, note_it, &here);
        if (here >= 0 && where >= 0) {
            sv_setup_complain(client->args, "shards %ld and %ld both have %.60s: give --shard",
                              where, here, entry_id);
            return SV_EXIT_USAGE;
        }
        where = here >= 0 ? here : where;
    }
    *found = code == SV_EXIT_OK && where >= 0;
    return *found ? look_up(client, (unsigned)where, entry_id, call, context) : code;
}
