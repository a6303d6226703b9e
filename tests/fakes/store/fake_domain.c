#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_inner.h"
#include "sv/alloc.h"
#include "sv/require.h"

/* --- texts, counters, streams --- */

void fake_set(char **text, const char *value)
{
    char *copy = value != NULL ? sv_strdup(value) : NULL;

    free(*text);
    *text = copy;
}

void fake_count(struct fake_shard *shard, const char *name, int64_t by)
{
    size_t i = 0;

    while (i < shard->counters_count && strcmp(shard->counters[i].name, name) != 0)
        i++;
    SV_REQUIRE(i < SV_STORE_COUNTERS_MAX - 6);
    if (i == shard->counters_count)
        (void)snprintf(shard->counters[shard->counters_count++].name,
                       sizeof(shard->counters[i].name), "%s", name);
    shard->counters[i].value += by;
}

struct fake_entry *fake_stream_add(struct fake_store *store, struct fake_stream *stream,
                                   const char *payload, size_t bytes)
{
    struct fake_entry *entry;
    sv_ms now = fake_now(store);

    if (store->last_id_ms < now)
        store->last_id_ms = now; /* as Redis does it: ids grow even while the clock goes back */
    if (stream->count == stream->cap) {
        stream->cap = stream->cap > 0 ? 2 * stream->cap : 64;
        stream->entries = sv_realloc(stream->entries, stream->cap * sizeof(*stream->entries));
    }
    entry = &stream->entries[stream->count++];
    *entry = (struct fake_entry){.payload = sv_strndup(payload, bytes), .payload_bytes = bytes};
    (void)snprintf(entry->id, sizeof(entry->id), "%" PRId64 "-%" PRIu64, store->last_id_ms,
                   store->entries++);
    return entry;
}

struct fake_entry *fake_stream_find(const struct fake_stream *stream, const char *id)
{
    for (size_t i = stream->count; i > stream->first; i--) {
        if (strcmp(stream->entries[i - 1].id, id) == 0)
            return &stream->entries[i - 1];
    }
    return NULL;
}

enum { RECEIPT_BYTES = SV_STORE_CLIENT_BYTES + 80 };

static struct fake_known *receipt_find(const struct fake_shard *shard, const char *key)
{
    struct fake_known *found = NULL;

    HASH_FIND_STR(shard->receipts, key, found);
    return found;
}

bool fake_receipt_known(const struct fake_shard *shard, const char *client, const char *job_id)
{
    char key[RECEIPT_BYTES];

    (void)snprintf(key, sizeof(key), "%s\n%s", client, job_id);
    return receipt_find(shard, key) != NULL;
}

void fake_receipt_add(struct fake_shard *shard, const char *client, const char *job_id)
{
    struct fake_known *known = sv_alloc(1, sizeof(*known));
    char key[RECEIPT_BYTES];

    (void)snprintf(key, sizeof(key), "%s\n%s", client, job_id);
    known->key = sv_strdup(key);
    HASH_ADD_KEYPTR(hh, shard->receipts, known->key, strlen(known->key), known);
}

/* --- domains --- */

struct fake_domain *fake_domain_find(const struct fake_shard *shard, const char *uid)
{
    struct fake_domain *found = NULL;

    HASH_FIND_STR(shard->domains, uid, found);
    return found;
}

struct fake_domain *fake_domain_add(struct fake_shard *shard, const char *uid, const char *client)
{
    struct fake_domain *domain = sv_alloc(1, sizeof(*domain));

    SV_REQUIRE(strlen(uid) < sizeof(domain->uid));
    (void)snprintf(domain->uid, sizeof(domain->uid), "%s", uid);
    fake_set(&domain->client, client);
    HASH_ADD_STR(shard->domains, uid, domain);
    return domain;
}

static void drop_fields(struct fake_domain *domain)
{
    while (domain->texts_count > 0) {
        struct fake_text *text = &domain->texts[--domain->texts_count];

        fake_set(&text->name, NULL);
        fake_set(&text->value, NULL);
    }
}

void fake_domain_reset(struct fake_domain *domain)
{
    drop_fields(domain);
    domain->attempts = domain->reclaims = domain->todo = domain->promised = 0;
    domain->withdrawn = 0;
    domain->again = false;
    domain->attempted_at = 0;
}

static bool is_ours(const char *name)
{
    static const char *const ours[] = {"cl",    "st",  "seq", "f",  "cf", "cb", "own", "att", "la",
                                       "again", "job", "jid", "jt", "nx", "rc", "ver", "wd",  "lw"};

    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        if (strcmp(ours[i], name) == 0)
            return true;
    }
    return false;
}

void fake_domain_set_field(struct fake_domain *domain, const char *name, const char *value)
{
    size_t i = 0;

    if (is_ours(name))
        return;
    if (strcmp(name, "todo") == 0) {
        domain->todo = value != NULL ? (uint32_t)strtoul(value, NULL, 10) : 0;
        return;
    }
    while (i < domain->texts_count && strcmp(domain->texts[i].name, name) != 0)
        i++;
    if (value == NULL && i == domain->texts_count)
        return;
    if (i == domain->texts_count) {
        SV_REQUIRE(i < FAKE_FIELDS_MAX - 16);
        domain->texts[domain->texts_count++] = (struct fake_text){.name = sv_strdup(name)};
    }
    fake_set(&domain->texts[i].value, value);
    if (value == NULL) {
        fake_set(&domain->texts[i].name, NULL);
        domain->texts[i] = domain->texts[--domain->texts_count];
    }
}

void fake_domain_set_status(struct fake_shard *shard, struct fake_domain *domain,
                            const char *status)
{
    char name[40];

    if (domain->status[0] != '\0') {
        (void)snprintf(name, sizeof(name), "status_%s", domain->status);
        fake_count(shard, name, -1);
    }
    (void)snprintf(name, sizeof(name), "status_%s", status);
    fake_count(shard, name, 1);
    (void)snprintf(domain->status, sizeof(domain->status), "%s", status);
}

void fake_domain_move_up(struct fake_domain *domain, sv_ms now)
{
    if (domain->place == FAKE_NOWHERE || domain->at > now)
        domain->at = now;
    domain->place = FAKE_DUE_HI;
}

/* Whoever looks next does what was owed and what was promised for after this look. */
void fake_domain_hand_back(struct fake_domain *domain, sv_ms due)
{
    domain->place = domain->job.entry != NULL || domain->again ? FAKE_DUE_HI : FAKE_DUE_LO;
    domain->at = due;
    domain->todo = (domain->todo & ~domain->withdrawn) | domain->promised;
    domain->promised = domain->withdrawn = 0;
    domain->again = false;
    fake_set(&domain->own, NULL);
}

void fake_job_open(struct fake_domain *domain, const char *entry, const char *id, const char *type)
{
    fake_set(&domain->job.entry, entry);
    fake_set(&domain->job.id, id);
    fake_set(&domain->job.type, type);
}

void fake_job_close(struct fake_shard *shard, struct fake_domain *domain, const char *outcome)
{
    fake_count(shard, outcome, 1);
    fake_count(shard, "open", -1);
    fake_job_open(domain, NULL, NULL, NULL);
}

void fake_give_back(struct fake_domain *domain)
{
    if (domain->attempts > 0)
        domain->attempts--;
    if (domain->attempts == 0)
        domain->attempted_at = 0;
}

/* --- fields --- */

struct list {
    struct sv_store_arena *arena;
    struct sv_field *fields;
    size_t count;
};

static void add_text(struct list *list, const char *name, const char *value)
{
    if (value != NULL)
        list->fields[list->count++] = (struct sv_field){name, value};
}

static void add_number(struct list *list, const char *name, uint64_t value, bool always)
{
    if (value != 0 || always)
        add_text(list, name, sv_store_arena_printf(list->arena, "%" PRIu64, value));
}

const struct sv_field *fake_domain_fields(const struct fake_domain *domain,
                                          struct sv_store_arena *arena, size_t *count)
{
    struct list list = {.arena = arena};

    list.fields = sv_store_arena_alloc(arena, FAKE_FIELDS_MAX + 1, sizeof(*list.fields));
    add_text(&list, "cl", domain->client);
    add_text(&list, "st", domain->status);
    add_number(&list, "seq", domain->sequence, true);
    add_number(&list, "f", domain->fence, true);
    add_number(&list, "cf", domain->committed, false);
    add_number(&list, "cb", domain->committer % 65536, false);
    add_text(&list, "own", domain->own);
    add_number(&list, "att", domain->attempts, false);
    add_number(&list, "la", (uint64_t)domain->attempted_at, false);
    if (domain->again)
        add_number(&list, "again", (uint64_t)domain->promised * 2 + 1, true);
    add_number(&list, "wd", domain->withdrawn, false);
    add_text(&list, "job", domain->job.entry);
    add_text(&list, "jid", domain->job.id);
    add_text(&list, "jt", domain->job.type);
    add_text(&list, "lw", domain->last_word);
    add_number(&list, "todo", domain->todo, false);
    if (domain->place == FAKE_DUE_HI || domain->place == FAKE_DUE_LO)
        add_number(&list, "nx", (uint64_t)domain->at, true);
    add_number(&list, "rc", domain->reclaims, false);
    add_text(&list, "ver", "2");
    for (size_t i = 0; i < domain->texts_count; i++)
        add_text(&list, sv_store_arena_printf(arena, "%s", domain->texts[i].name),
                 sv_store_arena_printf(arena, "%s", domain->texts[i].value));
    *count = list.count;
    return list.fields;
}

/* --- the end --- */

static void stream_fini(struct fake_stream *stream)
{
    for (size_t i = 0; i < stream->count; i++)
        free(stream->entries[i].payload);
    free(stream->entries);
}

void fake_shard_fini(struct fake_shard *shard)
{
    struct fake_domain *domain, *next_domain;
    struct fake_known *known, *next_known;

    HASH_ITER(hh, shard->domains, domain, next_domain)
    {
        HASH_DEL(shard->domains, domain);
        fake_domain_reset(domain);
        fake_job_open(domain, NULL, NULL, NULL);
        fake_set(&domain->client, NULL);
        fake_set(&domain->email, NULL);
        fake_set(&domain->detail, NULL);
        fake_set(&domain->own, NULL);
        fake_set(&domain->last_word, NULL);
        free(domain);
    }
    HASH_ITER(hh, shard->receipts, known, next_known)
    {
        HASH_DEL(shard->receipts, known);
        free(known->key);
        free(known);
    }
    fake_letters_fini(shard);
    fake_sinks_fini(shard);
    stream_fini(&shard->inbox);
    stream_fini(&shard->outbox);
}
