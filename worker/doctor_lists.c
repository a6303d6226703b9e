#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor_walk.h"
#include "exit.h"

/* What names domains from elsewhere: queues, client counts, the running, receipts, dead letters. */

enum { IDLE_MS = 5 * 60 * 1000, REREADS = 3 };

/* --- clients --- */

struct members {
    struct sv_doctor_walk *walk;
    const char *client_id; /* NULL: the running, which are of many */
    struct sv_names strays;
};

/* Those that the rows know as this client's need no second look. */
static void on_members(void *context, const struct sv_store_call *call)
{
    const struct sv_store_look *look = &call->u.look;
    struct members *members = context;

    for (size_t i = 0; i < look->count; i++) {
        const struct sv_doctor_row *row =
            sv_doctor_rows_find(members->walk->doctor, look->items[i].name);
        const char *client = members->client_id;

        if (row == NULL || !row->seen ||
            (client != NULL && row->client_hash != sv_fnv1a(SV_FNV_START, client, strlen(client))))
            sv_names_add(&members->strays, look->items[i].name);
    }
}

struct stray {
    struct sv_doctor_walk *walk;
    const char *client_id;
};

static void on_stray(void *context, const struct sv_store_call *call)
{
    const struct stray *stray = context;

    sv_doctor_stray(stray->walk->doctor, stray->client_id, &call->u.places);
}

static int look_at_strays(struct sv_doctor_walk *walk, const char *client_id,
                          struct members *members)
{
    struct stray stray = {.walk = walk, .client_id = client_id != NULL ? client_id : ""};
    int code = SV_EXIT_OK;

    sv_names_sort(&members->strays);
    for (size_t i = 0; code == SV_EXIT_OK && i < members->strays.count; i++)
        code = sv_doctor_places(walk, members->strays.items[i], stray.client_id, on_stray, &stray);
    sv_names_fini(&members->strays);
    return code;
}

static void on_client(void *context, const struct sv_store_call *call)
{
    const struct stray *client = context;

    sv_doctor_client(client->walk->doctor, client->client_id, &call->u.places);
}

static int check_client(struct sv_doctor_walk *walk, const char *client_id)
{
    static const struct {
        const char *head;
        enum sv_store_look_what what;
    } keys[] = {{"due:hi:", SV_STORE_LOOK_SCORES},
                {"due:lo:", SV_STORE_LOOK_SCORES},
                {"c:", SV_STORE_LOOK_FIELDS}};
    struct members members = {.walk = walk, .client_id = client_id};
    struct stray whose = {.walk = walk, .client_id = client_id};
    int code = SV_EXIT_OK;

    for (size_t i = 0; code == SV_EXIT_OK && i < sizeof(keys) / sizeof(keys[0]); i++) {
        char key[SV_STORE_CLIENT_BYTES + 512];

        (void)snprintf(key, sizeof(key), "%s%s", keys[i].head, client_id);
        code = sv_doctor_pages(walk, keys[i].what, key, on_members, &members);
    }
    if (code == SV_EXIT_OK)
        code = look_at_strays(walk, client_id, &members);
    sv_names_fini(&members.strays);
    return code == SV_EXIT_OK ? sv_doctor_places(walk, "", client_id, on_client, &whose) : code;
}

static void on_ring(void *context, const struct sv_store_call *call)
{
    for (size_t i = 0; i < call->u.look.count; i++)
        sv_names_add(context, call->u.look.items[i].name);
}

int sv_doctor_read_clients(struct sv_doctor_walk *walk)
{
    struct members running = {.walk = walk};
    int code = sv_doctor_pages(walk, SV_STORE_LOOK_SCORES, "ring", on_ring, &walk->clients);

    if (code == SV_EXIT_OK)
        code = sv_doctor_pages(walk, SV_STORE_LOOK_SCORES, "ring:hi", on_ring, &walk->clients);
    sv_names_sort(&walk->clients);
    for (size_t i = 0; code == SV_EXIT_OK && i < walk->clients.count; i++)
        code = check_client(walk, walk->clients.items[i]);
    if (code == SV_EXIT_OK)
        code = sv_doctor_pages(walk, SV_STORE_LOOK_SCORES, "run", on_members, &running);
    if (code == SV_EXIT_OK)
        code = look_at_strays(walk, NULL, &running);
    sv_names_fini(&running.strays);
    return code;
}

/* --- receipts --- */

struct text {
    bool found;
    char type[16], value[SV_STORE_LOOK_CURSOR_BYTES + 32];
    sv_ms ttl_ms;
};

static void on_text(void *context, const struct sv_store_call *call)
{
    const struct sv_store_look *look = &call->u.look;
    struct text *text = context;

    *text = (struct text){.found = look->count > 0};
    if (!text->found)
        return;
    (void)snprintf(text->type, sizeof(text->type), "%s", look->items[0].type);
    (void)snprintf(text->value, sizeof(text->value), "%s", look->items[0].value);
    text->ttl_ms = look->items[0].ttl_ms;
}

static int read_key(struct sv_doctor_walk *walk, const char *head, const char *rest,
                    struct text *out)
{
    char key[1024];

    (void)snprintf(key, sizeof(key), "%s%s", head, rest);
    return sv_doctor_pages(walk, SV_STORE_LOOK_KEY, key, on_text, out);
}

/* A receipt is open once and never again: when it is still open now, it was when the rows were
 * read. Value and lifetime are read one after the other, so they are read until they stand still.
 */
static int check_receipt(struct sv_doctor_walk *walk, const char *job)
{
    struct text text = {.found = false}, before;
    int code = SV_EXIT_OK;

    for (int i = 0; code == SV_EXIT_OK && i < REREADS; i++) {
        before = text;
        code = read_key(walk, "job:", job, &text);
        if (!text.found || (before.found && strcmp(before.value, text.value) == 0))
            break;
    }
    if (code == SV_EXIT_OK && text.found)
        sv_doctor_receipt(walk->doctor, job, text.value, text.ttl_ms);
    return code;
}

int sv_doctor_read_receipts(struct sv_doctor_walk *walk)
{
    int code = SV_EXIT_OK;

    for (size_t i = 0; code == SV_EXIT_OK && i < walk->receipts.count; i++)
        code = check_receipt(walk, walk->receipts.items[i]);
    for (size_t i = 0; code == SV_EXIT_OK && i < walk->details.count; i++) {
        if (sv_doctor_rows_find(walk->doctor, walk->details.items[i]) == NULL) {
            struct text record;

            code = read_key(walk, "d:", walk->details.items[i], &record);
            if (code == SV_EXIT_OK && !record.found)
                sv_doctor_find(walk->doctor, SV_ILL_DETAIL_LEFT_OVER, walk->details.items[i],
                               "findings are kept of a domain that is not");
        }
    }
    return code;
}

/* --- dead letters --- */

static int check_letter(struct sv_doctor_walk *walk, const struct sv_names *listed, const char *id)
{
    struct text letter;
    int code = read_key(walk, "dead:", id, &letter);
    bool is_listed = sv_names_have(listed, id);

    if (code == SV_EXIT_OK && letter.found != is_listed)
        sv_doctor_find(walk->doctor, SV_ILL_LETTER_BY_HALF, id, "%s",
                       is_listed ? "it is listed, but not there" : "it is there, but not listed");
    return code;
}

/* Both parts come and go in one step: one that is still there by half on the second look is. */
int sv_doctor_read_letters(struct sv_doctor_walk *walk)
{
    struct sv_names listed = {.count = 0}, again = {.count = 0};
    int code = sv_doctor_pages(walk, SV_STORE_LOOK_SCORES, "dead", on_ring, &listed);

    sv_names_sort(&listed);
    if (code == SV_EXIT_OK)
        code = sv_doctor_pages(walk, SV_STORE_LOOK_SCORES, "dead", on_ring, &again);
    sv_names_sort(&again);
    walk->doctor->letters += listed.count;
    for (size_t i = 0; code == SV_EXIT_OK && i < listed.count; i++) {
        if (!sv_names_have(&walk->letters, listed.items[i]) &&
            sv_names_have(&again, listed.items[i]))
            code = check_letter(walk, &again, listed.items[i]);
    }
    for (size_t i = 0; code == SV_EXIT_OK && i < walk->letters.count; i++) {
        if (!sv_names_have(&listed, walk->letters.items[i]))
            code = check_letter(walk, &again, walk->letters.items[i]);
    }
    sv_names_fini(&listed);
    sv_names_fini(&again);
    return code;
}

/* --- the inbox --- */

static void on_pending(void *context, const struct sv_store_call *call)
{
    const struct sv_store_look *look = &call->u.look;

    for (size_t i = 0; i < look->count; i++) {
        long long idle_ms = strtoll(look->items[i].value, NULL, 10);

        if (idle_ms > IDLE_MS)
            sv_doctor_find(context, SV_ILL_PENDING_IDLE, look->items[i].name,
                           "it was read %lld s ago and not settled: does a worker run?",
                           idle_ms / 1000);
    }
}

static void on_groups(void *context, const struct sv_store_call *call)
{
    const struct sv_store_look *look = &call->u.look;

    for (size_t i = 0; i < look->count; i++) {
        if (strcmp(look->items[i].name, "groups") == 0)
            *(bool *)context = strcmp(look->items[i].value, "0") == 0;
    }
}

int sv_doctor_read_inbox(struct sv_doctor_walk *walk)
{
    bool missing = false;
    int code = SV_EXIT_OK;

    if (walk->has_jobs)
        code = sv_doctor_pages(walk, SV_STORE_LOOK_STREAM, "jobs", on_groups, &missing);
    if (missing)
        sv_doctor_find(walk->doctor, SV_ILL_GROUP_MISSING, "jobs",
                       "nobody reads the inbox: a worker makes the group when it starts");
    if (code == SV_EXIT_OK)
        code = sv_doctor_pages(walk, SV_STORE_LOOK_PENDING, NULL, on_pending, walk->doctor);
    return code;
}
