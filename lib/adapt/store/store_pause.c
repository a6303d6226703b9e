#include <stdlib.h>
#include <string.h>

#include "inner.h"

/* PAUSE and PAUSES: one hash for all shards, so that one short question tells a worker
 * everything: "all", "account <name>" or "client <id>" -> when, by whom,
 * why, a line each. */

static const char *const scopes[] = {
    [SV_STORE_PAUSE_ALL] = "all",
    [SV_STORE_PAUSE_ACCOUNT] = "account ",
    [SV_STORE_PAUSE_CLIENT] = "client ",
};

static void on_paused(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_pause *out = &request->work->call->u.pause;
    int64_t answer = 0;

    if (!sv_reply_number(reply, &answer))
        sv_store_work_malformed(request->work, "pause answers no number");
    out->changed = answer == 1;
    out->full = answer < 0;
}

void sv_store_pause(struct sv_store_work *work)
{
    const struct sv_store_pause *in = &work->call->u.pause;
    struct sv_store_request *r = sv_store_request_script(work, SV_SCRIPT_PAUSE, 1, 5, on_paused);

    sv_store_request_add(r, sv_store_key_pauses(work));
    sv_store_request_add(r, in->resume ? "resume" : "pause");
    sv_store_request_add(r, sv_store_arena_printf(&work->arena, "%s%s", scopes[in->scope],
                                                  in->scope == SV_STORE_PAUSE_ALL ? "" : in->name));
    sv_store_request_add(r, in->by != NULL ? in->by : "");
    sv_store_request_add(r, in->why != NULL ? in->why : "");
    sv_store_request_add_number(r, SV_STORE_PAUSES_MAX);
    sv_store_request_send(r);
}

/* The text up to the next line end, which is cut off; "" at the end. */
static const char *next_line(char **rest)
{
    char *line = *rest, *end = strchr(line, '\n');

    *rest = end != NULL ? end + 1 : line + strlen(line);
    if (end != NULL)
        *end = '\0';
    return line;
}

static bool read_note(struct sv_store_work *work, const redisReply *field, const redisReply *value,
                      struct sv_store_paused *out)
{
    const char *name = sv_reply_text(work, field);
    char *rest = sv_reply_text(work, value);

    if (name == NULL || rest == NULL)
        return false;
    for (int scope = SV_STORE_PAUSE_CLIENT; scope >= SV_STORE_PAUSE_ALL; scope--) {
        size_t len = strlen(scopes[scope]);

        if (strncmp(name, scopes[scope], len) != 0)
            continue;
        *out =
            (struct sv_store_paused){.scope = (enum sv_store_pause_scope)scope, .name = name + len};
        out->since = strtoll(next_line(&rest), NULL, 10);
        out->by = next_line(&rest);
        out->why = next_line(&rest);
        return true;
    }
    return false;
}

static void on_notes(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    struct sv_store_pauses *out = &work->call->u.pauses;
    struct sv_store_paused *items;

    if (!sv_reply_is_array(reply, 0)) {
        sv_store_work_malformed(work, "the pauses are no hash");
        return;
    }
    items = sv_store_arena_alloc(&work->arena, SV_STORE_PAUSES_MAX, sizeof(*items));
    for (size_t i = 0; i + 1 < reply->elements && out->count < SV_STORE_PAUSES_MAX; i += 2) {
        if (read_note(work, reply->element[i], reply->element[i + 1], &items[out->count]))
            out->count++;
    }
    out->items = items;
}

void sv_store_pauses(struct sv_store_work *work)
{
    struct sv_store_request *r = sv_store_request_new(work, 2, on_notes);

    work->call->u.pauses = (struct sv_store_pauses){.count = 0};
    sv_store_request_add(r, "HGETALL");
    sv_store_request_add(r, sv_store_key_pauses(work));
    sv_store_request_send(r);
}
