#include "doctor_walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exit.h"
#include "sv/alloc.h"

/* The story, shard by shard: the counters; all keys by name; each domain with its places at one
 * instant; the counters again, and when nothing moved meanwhile, the sums must agree. Then what
 * names domains (queues, clients, receipts), and last the events, which are at least as far as
 * every record read before. Whatever looks wrong because it may have moved is read once more. */

enum { RESUMS_MAX = 3, PROGRESS_EVERY = 1000 };

/* --- lists of names --- */

void sv_names_add(struct sv_names *names, const char *name)
{
    if (names->count == names->cap) {
        names->cap = names->cap == 0 ? 64 : 2 * names->cap;
        names->items = sv_realloc(names->items, names->cap * sizeof(*names->items));
    }
    names->items[names->count++] = sv_strdup(name);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void sv_names_sort(struct sv_names *names)
{
    size_t kept = 0;

    if (names->count > 1)
        qsort(names->items, names->count, sizeof(*names->items), compare);
    for (size_t i = 0; i < names->count; i++) {
        if (kept > 0 && strcmp(names->items[kept - 1], names->items[i]) == 0)
            free(names->items[i]);
        else
            names->items[kept++] = names->items[i];
    }
    names->count = kept;
}

bool sv_names_have(const struct sv_names *names, const char *name)
{
    return names->count > 0 &&
           bsearch(&name, names->items, names->count, sizeof(*names->items), compare) != NULL;
}

void sv_names_fini(struct sv_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i]);
    free(names->items);
    *names = (struct sv_names){.count = 0};
}

/* --- reading --- */

struct page {
    sv_client_use_fn *use;
    void *context;
    char cursor[SV_STORE_LOOK_CURSOR_BYTES];
};

static void on_page(void *context, const struct sv_store_call *call)
{
    struct page *page = context;

    memcpy(page->cursor, call->u.look.next_cursor, sizeof(page->cursor));
    page->use(page->context, call);
}

int sv_doctor_pages(struct sv_doctor_walk *walk, enum sv_store_look_what what, const char *key,
                    sv_client_use_fn *use, void *context)
{
    struct page page = {.use = use, .context = context, .cursor = "0"};

    do {
        struct sv_store_call call = {.op = SV_STORE_LOOK, .shard = walk->shard};
        char cursor[sizeof(page.cursor)];
        int code;

        memcpy(cursor, page.cursor, sizeof(cursor));
        call.u.look = (struct sv_store_look){.what = what, .key = key, .cursor = cursor};
        code = sv_client_call(walk->client, &call, on_page, &page);
        if (code != SV_EXIT_OK)
            return code;
    } while (strcmp(page.cursor, "0") != 0);
    return SV_EXIT_OK;
}

int sv_doctor_places(struct sv_doctor_walk *walk, const char *uid, const char *client_id,
                     sv_client_use_fn *use, void *context)
{
    struct sv_store_call call = {.op = SV_STORE_PLACES, .shard = walk->shard};

    call.u.places = (struct sv_store_places){.uid = uid, .client_id = client_id};
    return sv_client_call(walk->client, &call, use, context);
}

static void on_counters(void *context, const struct sv_store_call *call)
{
    const struct sv_store_look *look = &call->u.look;
    struct sv_doctor_counters *out = context;

    for (size_t i = 0; i < look->count && out->count < SV_DOCTOR_COUNTERS_MAX; i++) {
        struct sv_doctor_counter *counter = &out->items[out->count++];

        (void)snprintf(counter->name, sizeof(counter->name), "%s", look->items[i].name);
        (void)snprintf(counter->value, sizeof(counter->value), "%s", look->items[i].value);
    }
}

int sv_doctor_read_counters(struct sv_doctor_walk *walk, struct sv_doctor_counters *out)
{
    out->count = 0;
    return sv_doctor_pages(walk, SV_STORE_LOOK_FIELDS, "n", on_counters, out);
}

/* --- the domains of a shard --- */

static void show_progress(const struct sv_doctor_walk *walk, size_t done)
{
    if (walk->progress && done % PROGRESS_EVERY == 0)
        (void)fprintf(stderr, "\rshard %u: %zu of %zu domains ", walk->shard, done,
                      walk->doctor->rows_count);
}

struct domain { /* the one in hand */
    struct sv_doctor *doctor;
    struct sv_doctor_row *row;
    struct sv_doctor_record record;
};

static void on_domain(void *context, const struct sv_store_call *call)
{
    struct domain *domain = context;

    sv_doctor_domain(domain->doctor, &call->u.places, domain->row);
    sv_doctor_record_read(&call->u.places, &domain->record);
    if (call->u.places.moving)
        domain->doctor->undecided[3] = true;
}

static int read_domains(struct sv_doctor_walk *walk)
{
    struct sv_doctor *doctor = walk->doctor;
    int code = SV_EXIT_OK;

    for (size_t i = 0; code == SV_EXIT_OK && i < doctor->rows_count; i++) {
        struct domain domain = {.doctor = doctor, .row = &doctor->rows[i]};

        show_progress(walk, i);
        code = sv_doctor_places(walk, doctor->rows[i].uid, NULL, on_domain, &domain);
        if (code == SV_EXIT_OK && domain.record.client_id[0] != '\0')
            sv_names_add(&walk->clients, domain.record.client_id);
        if (code == SV_EXIT_OK && !walk->rows_only)
            code = sv_doctor_read_owner_of(walk, doctor->rows[i].uid, &domain.record);
    }
    sv_names_sort(&walk->clients);
    return code;
}

static void clear(struct sv_doctor_walk *walk)
{
    sv_names_fini(&walk->clients);
    sv_names_fini(&walk->receipts);
    sv_names_fini(&walk->letters);
    sv_names_fini(&walk->details);
    sv_names_fini(&walk->sinks);
    walk->has_jobs = false;
}

/* The sums, from rows that were read while no counter moved. What else this reading finds was found
 * before, so that it goes into a doctor that is thrown away. */
static int sum_again(struct sv_doctor_walk *walk, bool *still)
{
    struct sv_doctor_walk other = {.client = walk->client, .shard = walk->shard, .rows_only = true};
    struct sv_doctor *scratch = sv_doctor_new();
    struct sv_doctor_counters after;
    int code;

    scratch->shards = walk->doctor->shards;
    scratch->shard = walk->doctor->shard;
    other.doctor = scratch;
    code = sv_doctor_read_counters(&other, &other.before);
    if (code == SV_EXIT_OK)
        code = sv_doctor_read_keys(&other);
    if (code == SV_EXIT_OK)
        code = read_domains(&other);
    if (code == SV_EXIT_OK)
        code = sv_doctor_read_counters(&other, &after);
    *still = code == SV_EXIT_OK && sv_doctor_counters_equal(&other.before, &after);
    if (*still) {
        struct sv_doctor_row *rows = walk->doctor->rows;
        size_t count = walk->doctor->rows_count;

        walk->doctor->rows = scratch->rows;
        walk->doctor->rows_count = scratch->rows_count;
        sv_doctor_sums(walk->doctor, &after);
        walk->doctor->rows = rows;
        walk->doctor->rows_count = count;
    }
    clear(&other);
    sv_doctor_free(scratch);
    return code;
}

static int check_sums(struct sv_doctor_walk *walk)
{
    struct sv_doctor_counters after;
    bool still;
    int code = sv_doctor_read_counters(walk, &after);

    if (code != SV_EXIT_OK)
        return code;
    still = sv_doctor_counters_equal(&walk->before, &after);
    if (still)
        sv_doctor_sums(walk->doctor, &after);
    for (int i = 0; code == SV_EXIT_OK && !still && i < RESUMS_MAX; i++)
        code = sum_again(walk, &still);
    if (!still)
        walk->doctor->undecided[1] = walk->doctor->undecided[5] = true;
    return code;
}

/* --- a shard, and all --- */

static int read_shard(struct sv_doctor_walk *walk)
{
    static int (*const steps[])(struct sv_doctor_walk *) = {
        sv_doctor_read_keys,
        read_domains,
        check_sums,
        sv_doctor_read_clients,
        sv_doctor_read_receipts,
        sv_doctor_read_letters,
        sv_doctor_read_inbox,
        sv_doctor_read_events,
        sv_doctor_read_sinks,
    };
    int code = sv_doctor_read_counters(walk, &walk->before);

    if (code == SV_EXIT_OK)
        sv_doctor_counters_check(walk->doctor, &walk->before);
    for (size_t i = 0; code == SV_EXIT_OK && i < sizeof(steps) / sizeof(steps[0]); i++)
        code = steps[i](walk);
    walk->doctor->domains += walk->doctor->rows_count;
    sv_doctor_rows_clear(walk->doctor);
    clear(walk);
    return code;
}

int sv_doctor_walk_all(struct sv_client *client, struct sv_doctor *doctor, long only)
{
    struct sv_doctor_walk walk = {
        .client = client, .doctor = doctor, .progress = isatty(STDERR_FILENO) == 1};
    int code = SV_EXIT_OK;

    for (; code == SV_EXIT_OK && walk.shard < client->config->redis.shards; walk.shard++) {
        doctor->shard = walk.shard;
        if (only < 0 || only == (long)walk.shard)
            code = read_shard(&walk);
    }
    doctor->shard = -1;
    walk.shard = 0;
    if (code == SV_EXIT_OK && only < 0)
        code = sv_doctor_read_owners(&walk);
    if (walk.progress)
        (void)fprintf(stderr, "\r\033[K");
    return code;
}
