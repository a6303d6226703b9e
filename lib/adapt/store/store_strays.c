#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inner.h"

/* STRAYS: a page of the keys that hold owners (SCAN), and what each of them says is only claimed.
 * What is no hash, or no claim that anybody can read, is left to `sesverify doctor`. */

enum { KEYS_HINT = 500 };

static const char claiming[] = "claiming ";

struct page {
    size_t count;
    char **registrables;
    struct sv_store_stray *strays;
};

/* "<domain> <account>" -> "claiming <uid> <time> <client>"; see lua/own.lua. */
static bool read_stray(struct sv_store_work *work, const redisReply *field, const redisReply *value,
                       struct sv_store_stray *out)
{
    char *domain = sv_reply_text(work, field), *claim = sv_reply_text(work, value);
    char *account = domain != NULL ? strchr(domain, ' ') : NULL;
    char *uid =
        claim != NULL && strlen(claim) >= sizeof(claiming) ? claim + sizeof(claiming) - 1 : NULL;
    char *at = uid != NULL ? strchr(uid, ' ') : NULL, *client;

    if (account == NULL || at == NULL)
        return false;
    out->claimed_at = strtoll(at + 1, &client, 10);
    if (client == at + 1 || *client != ' ')
        return false;
    *account = *at = '\0';
    out->domain = domain;
    out->account = account + 1;
    out->uid = uid;
    out->client_id = client + 1;
    return true;
}

static bool is_claim(const redisReply *value)
{
    return value->type == REDIS_REPLY_STRING && (size_t)value->len >= sizeof(claiming) &&
           memcmp(value->str, claiming, sizeof(claiming) - 1) == 0;
}

static void on_names(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_strays *out = &request->work->call->u.strays;
    struct page *page = request->work->state;

    for (size_t i = 0; sv_reply_is_array(reply, 2 * i + 2) && out->count < SV_STORE_STRAYS_MAX;
         i++) {
        struct sv_store_stray *stray = &page->strays[out->count];

        if (!is_claim(reply->element[2 * i + 1]) ||
            !read_stray(request->work, reply->element[2 * i], reply->element[2 * i + 1], stray))
            continue;
        stray->registrable = page->registrables[request->index];
        out->count++;
    }
}

static void ask_names(struct sv_store_work *work)
{
    const struct page *page = work->state;

    for (size_t i = 0; i < page->count; i++) {
        struct sv_store_request *r = sv_store_request_new(work, 2, on_names);

        r->index = i;
        r->may_fail = true; /* an error: it is no hash */
        sv_store_request_add(r, "HGETALL");
        sv_store_request_add(r, sv_store_key_owner(work, page->registrables[i]));
        sv_store_request_send(r);
    }
}

/* The name between "sv:{o:" and "}". */
static void take_key(struct sv_store_work *work, const redisReply *reply)
{
    struct page *page = work->state;
    char *key = sv_reply_text(work, reply);
    size_t skip = strlen(sv_store_key_owner(work, "")) - 1, len = key != NULL ? strlen(key) : 0;

    if (len < skip + 2 || key[len - 1] != '}')
        return;
    key[len - 1] = '\0';
    page->registrables[page->count++] = key + skip;
}

static void on_keys(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    struct sv_store_strays *out = &work->call->u.strays;
    struct page *page = work->state;
    const char *cursor = sv_store_request_cursor(request, reply);

    if (cursor == NULL || strlen(cursor) >= sizeof(out->next_cursor)) {
        sv_store_work_malformed(work, "SCAN answers no page");
        return;
    }
    (void)snprintf(out->next_cursor, sizeof(out->next_cursor), "%s", cursor);
    page->registrables = sv_store_arena_alloc(&work->arena, reply->element[1]->elements + 1,
                                              sizeof(*page->registrables));
    for (size_t i = 0; i < reply->element[1]->elements; i++)
        take_key(work, reply->element[1]->element[i]);
}

void sv_store_strays(struct sv_store_work *work)
{
    struct sv_store_strays *out = &work->call->u.strays;
    struct page *page = sv_store_arena_alloc(&work->arena, 1, sizeof(*page));

    page->strays = sv_store_arena_alloc(&work->arena, SV_STORE_STRAYS_MAX, sizeof(*page->strays));
    work->state = page;
    *out =
        (struct sv_store_strays){.cursor = out->cursor, .strays = page->strays, .next_cursor = "0"};
    sv_store_request_scan_owners(work, out->cursor, KEYS_HINT, on_keys);
    work->step = ask_names;
}
