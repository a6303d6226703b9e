#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "move.h"

/* Dead letters, the oldest first. They are named by the entries that they were, and two shards can
 * have had entries of one name: a letter whose name is taken there gets the next one. */

enum { LETTERS_MAX = 20, FIELDS_MAX = 32, NAMES_MAX = 1000 };

struct letter {
    const char *id, *score;
    const char *name; /* there */
    unsigned home, tries;
    bool moves, is_there;
    bool is_large; /* and was not read: it stays, where it can */
    size_t words_count;
    struct sv_move_bytes words[2 * FIELDS_MAX];
};

struct page {
    size_t count, staying;
    bool too_big;
    struct letter letters[LETTERS_MAX];
};

static struct letter *letter_of(struct sv_store_request *request)
{
    struct page *page = request->work->state;

    return &page->letters[request->index];
}

static struct sv_move_bytes field_of(const struct letter *letter, const char *name)
{
    for (size_t i = 0; i + 1 < letter->words_count; i += 2) {
        if (strcmp(letter->words[i].at, name) == 0)
            return letter->words[i + 1];
    }
    return (struct sv_move_bytes){.at = NULL};
}

/* --- deleting here --- */

static void on_number(struct sv_store_request *request, const redisReply *reply)
{
    int64_t number;

    if (!sv_reply_number(reply, &number))
        sv_store_work_malformed(request->work, "drop answers no number");
}

static void drop(struct sv_store_work *work)
{
    const struct page *page = work->state;

    for (size_t i = 0; i < page->count; i++) {
        const struct letter *letter = &page->letters[i];
        struct sv_store_request *r;

        if (!letter->moves)
            continue;
        r = sv_store_request_script(work, SV_SCRIPT_DROP, 2, 1, on_number);
        sv_store_request_add(r, sv_store_key(work, "dead"));
        sv_store_request_add(r, sv_store_key_of(work, "dead", letter->id));
        sv_store_request_add(r, letter->id);
        sv_store_request_send(r);
    }
}

/* --- writing there --- */

/* "<ms>-<number>" -> "<ms>-<number + tries>" */
static const char *next_name(struct sv_store_work *work, const struct letter *letter)
{
    const char *dash = strchr(letter->id, '-');
    uint64_t number = dash != NULL ? strtoull(dash + 1, NULL, 10) : 0;
    int head = (int)(dash != NULL ? (size_t)(dash - letter->id) : strlen(letter->id));

    return sv_store_arena_printf(&work->arena, "%.*s-%" PRIu64, head, letter->id,
                                 number + letter->tries);
}

static void lay(struct sv_store_work *work);

static void on_laid(struct sv_store_request *request, const redisReply *reply)
{
    struct letter *letter = letter_of(request);
    int64_t verdict;

    if (!sv_reply_number(reply, &verdict) || letter->tries == NAMES_MAX) {
        sv_store_work_malformed(request->work, "a dead letter found no name");
        return;
    }
    letter->is_there = verdict >= 0;
    if (letter->is_there)
        return;
    letter->tries++;
    letter->name = next_name(request->work, letter);
    request->work->step = lay;
}

static void lay_one(struct sv_store_work *work, size_t index)
{
    struct page *page = work->state;
    struct letter *letter = &page->letters[index];
    struct sv_store_request *r =
        sv_store_request_script(work, SV_SCRIPT_LAY, 3, 3 + letter->words_count, on_laid);

    r->index = index;
    sv_store_request_add(r, sv_store_key_at(work, letter->home, "dead"));
    sv_store_request_add(r, sv_store_key_of_at(work, letter->home, "dead", letter->name));
    sv_store_request_add(r, sv_store_key_at(work, letter->home, "reshard"));
    sv_store_request_add(
        r, sv_store_arena_printf(&work->arena, "dead:%u:%s", work->call->shard, letter->id));
    sv_store_request_add(r, letter->name);
    sv_store_request_add(r, letter->score);
    for (size_t i = 0; i < letter->words_count; i++)
        sv_move_add(r, letter->words[i]);
    sv_store_request_send(r);
}

/* Comes again while a name was taken. */
static void lay(struct sv_store_work *work)
{
    struct page *page = work->state;

    work->step = drop;
    for (size_t i = 0; i < page->count; i++) {
        if (page->letters[i].moves && !page->letters[i].is_there)
            lay_one(work, i);
    }
}

/* --- reading --- */

static void choose_one(struct sv_store_work *work, struct letter *letter)
{
    struct sv_move_bytes client = field_of(letter, "client_id");
    struct sv_move_bytes payload = field_of(letter, "payload");
    struct page *page = work->state;

    if (client.len == 0 && payload.len > 0)
        client.at = sv_move_client_of(work, payload.at, payload.len, "client_id");
    letter->home = sv_move_home(work, client.at);
    letter->moves = sv_move_count(work, SV_STORE_MOVED_LETTERS, letter->home);
    page->staying += !letter->moves;
    if (letter->moves && letter->words_count == 0)
        page->too_big = true;
}

static void choose(struct sv_store_work *work)
{
    struct page *page = work->state;
    unsigned long long skipped = strtoull(work->call->u.move.cursor, NULL, 10);
    bool dry_run = work->call->u.move.dry_run;
    struct sv_errinfo info;

    for (size_t i = 0; i < page->count; i++)
        choose_one(work, &page->letters[i]);
    if (page->count > 0)
        sv_move_set_cursor(
            work, sv_store_arena_printf(&work->arena, "%llu.",
                                        skipped + (dry_run ? page->count : page->staying)));
    if (page->too_big) {
        (void)sv_err_set(
            &info, SV_ETOOBIG, "store", 0,
            "shard %u has a dead letter that has to be moved and is larger than 1 MiB, "
            "or not whole: `sesverify dead list`, then `dead drop`",
            work->call->shard);
        sv_store_work_fail(work, SV_ETOOBIG, &info);
    } else if (!dry_run) {
        lay(work);
    }
}

static void on_fields(struct sv_store_request *request, const redisReply *reply)
{
    struct letter *letter = letter_of(request);

    if (!sv_reply_is_array(reply, 0) || reply->elements > (size_t)2 * FIELDS_MAX) {
        sv_store_work_malformed(request->work, "a dead letter is no hash, or has too many fields");
        return;
    }
    letter->words_count = reply->elements;
    for (size_t i = 0; i < reply->elements; i++)
        letter->words[i] = sv_move_copy(request->work, reply->element[i]);
}

static void on_length(struct sv_store_request *request, const redisReply *reply)
{
    int64_t bytes = 0;

    if (sv_reply_number(reply, &bytes) && bytes > SV_STORE_MOVE_BYTES_MAX)
        letter_of(request)->is_large = true;
}

static struct sv_store_request *ask_letter(struct sv_store_work *work, size_t index,
                                           const char *command, sv_store_reply_fn *on_reply)
{
    const struct page *page = work->state;
    struct sv_store_request *r = sv_store_request_new(work, 3, on_reply);

    r->index = index;
    sv_store_request_add(r, command);
    sv_store_request_add(r, sv_store_key_of(work, "dead", page->letters[index].id));
    return r;
}

static void ask_fields(struct sv_store_work *work)
{
    const struct page *page = work->state;

    for (size_t i = 0; i < page->count; i++) {
        if (!page->letters[i].is_large)
            sv_store_request_send(ask_letter(work, i, "HGETALL", on_fields));
    }
    work->step = choose;
}

static void ask_lengths(struct sv_store_work *work)
{
    const struct page *page = work->state;

    for (size_t i = 0; i < page->count; i++) {
        struct sv_store_request *r = ask_letter(work, i, "HSTRLEN", on_length);

        sv_store_request_add(r, "payload");
        sv_store_request_send(r);
    }
    work->step = ask_fields;
}

static void on_ids(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    struct page *page = work->state;

    if (!sv_reply_is_array(reply, 0) || reply->elements > (size_t)2 * LETTERS_MAX) {
        sv_store_work_malformed(work, "ZRANGE answers no list");
        return;
    }
    for (size_t i = 0; i + 1 < reply->elements; i += 2) {
        struct letter *letter = &page->letters[page->count++];

        letter->id = letter->name = sv_reply_text(work, reply->element[i]);
        letter->score = sv_reply_text(work, reply->element[i + 1]);
        if (letter->id == NULL || letter->score == NULL)
            sv_store_work_malformed(work, "a dead letter has no name");
    }
}

void sv_move_letters(struct sv_store_work *work)
{
    long long from = strtoll(work->call->u.move.cursor, NULL, 10);
    struct sv_store_request *r = sv_store_request_new(work, 5, on_ids);

    work->state = sv_store_arena_alloc(&work->arena, 1, sizeof(struct page));
    sv_store_request_add(r, "ZRANGE");
    sv_store_request_add(r, sv_store_key(work, "dead"));
    sv_store_request_add_number(r, from);
    sv_store_request_add_number(r, from + LETTERS_MAX - 1);
    sv_store_request_add(r, "WITHSCORES");
    sv_store_request_send(r);
    work->step = ask_lengths;
}
