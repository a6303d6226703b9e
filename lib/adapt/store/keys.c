#include <stdio.h>
#include <string.h>

#include "inner.h"

/* Everything of a shard has the shard's number as its hash tag, so that it stays in one slot. */
const char *sv_store_key_at(struct sv_store_work *work, unsigned shard, const char *name)
{
    return sv_store_arena_printf(&work->arena, "%s:{%u}:%s", work->store->prefix, shard, name);
}

const char *sv_store_key_of_at(struct sv_store_work *work, unsigned shard, const char *name,
                               const char *id)
{
    return sv_store_arena_printf(&work->arena, "%s:{%u}:%s:%s", work->store->prefix, shard, name,
                                 id);
}

const char *sv_store_key(struct sv_store_work *work, const char *name)
{
    return sv_store_key_at(work, work->call->shard, name);
}

const char *sv_store_key_of(struct sv_store_work *work, const char *name, const char *id)
{
    return sv_store_key_of_at(work, work->call->shard, name, id);
}

/* A colon in the client's name would make the receipts of two clients one: it is written %3A, and
 * the percent sign %25. */
const char *sv_store_key_receipt(struct sv_store_work *work, const char *client, const char *job)
{
    char *escaped = sv_store_arena_alloc(&work->arena, 3 * strlen(client) + 1, 1);
    char *out = escaped;

    for (; *client != '\0'; client++) {
        if (*client == ':' || *client == '%') {
            memcpy(out, *client == ':' ? "%3A" : "%25", 3);
            out += 3;
        } else {
            *out++ = *client;
        }
    }
    *out = '\0';
    return sv_store_arena_printf(&work->arena, "%s:{%u}:job:%s:%s", work->store->prefix,
                                 work->call->shard, escaped, job);
}

const char *sv_store_key_owner(struct sv_store_work *work, const char *registrable)
{
    return sv_store_arena_printf(&work->arena, "%s:{o:%s}", work->store->prefix, registrable);
}

const char *sv_store_key_limiter(struct sv_store_work *work, const char *account,
                                 const char *region, const char *action)
{
    return sv_store_arena_printf(&work->arena, "%s:{q:%s:%s:%s}", work->store->prefix, account,
                                 region, action);
}

const char *sv_store_key_pauses(struct sv_store_work *work)
{
    return sv_store_arena_printf(&work->arena, "%s:{pause}", work->store->prefix);
}

const char *sv_store_key_sweep(struct sv_store_work *work, const char *account, const char *region)
{
    return sv_store_arena_printf(&work->arena, "%s:{w:%s:%s}", work->store->prefix, account,
                                 region);
}

const char *sv_store_key_beats(struct sv_store_work *work)
{
    return sv_store_arena_printf(&work->arena, "%s:{w}:hb", work->store->prefix);
}

const char *sv_store_key_line(struct sv_store_work *work, const char *limiter)
{
    return sv_store_arena_printf(&work->arena, "%s:line", limiter);
}

/* What is special in a pattern is escaped. */
static const char *escaped_prefix(struct sv_store_work *work)
{
    const char *prefix = work->store->prefix;
    char *escaped = sv_store_arena_alloc(&work->arena, 2 * strlen(prefix) + 1, 1);
    char *out = escaped;

    for (; *prefix != '\0'; prefix++) {
        if (strchr("*?[]\\", *prefix) != NULL)
            *out++ = '\\';
        *out++ = *prefix;
    }
    *out = '\0';
    return escaped;
}

const char *sv_store_key_pattern(struct sv_store_work *work, const char *name)
{
    return sv_store_arena_printf(&work->arena, "%s:{%u}:%s:*", escaped_prefix(work),
                                 work->call->shard, name);
}

const char *sv_store_key_pattern_owners(struct sv_store_work *work)
{
    return sv_store_arena_printf(&work->arena, "%s:{o:*", escaped_prefix(work));
}

const char *sv_store_key_pattern_all(struct sv_store_work *work)
{
    return sv_store_arena_printf(&work->arena, "%s:{%u}:*", escaped_prefix(work),
                                 work->call->shard);
}
