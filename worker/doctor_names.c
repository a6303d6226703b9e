#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor_walk.h"
#include "exit.h"
#include "sv/job.h"
#include "sv/name.h"

/* Who holds which name. These keys are of no shard, so that nothing is one step with the records:
 * what is not there is looked for once more before it is told. */

enum { CLAIMING_MS = 60 * 60 * 1000, CLAIM_WORD_BYTES = SV_DOCTOR_WORD_BYTES };

/* --- the domain of a record is held by its client --- */

struct owner {
    const char *account, *client_id;
    bool held;
};

static void on_owners(void *context, const struct sv_store_call *call)
{
    const struct sv_store_owners *owners = &call->u.owners;
    struct owner *wanted = context;

    for (size_t i = 0; i < owners->count; i++) {
        if (strcmp(owners->owners[i].account, wanted->account) == 0 &&
            strcmp(owners->owners[i].client_id, wanted->client_id) == 0)
            wanted->held = true;
    }
}

static void copy(char *out, size_t bytes, const char *value)
{
    (void)snprintf(out, bytes, "%s", value);
}

void sv_doctor_record_read(const struct sv_store_places *places, struct sv_doctor_record *out)
{
    *out = (struct sv_doctor_record){.found = places->found, .account = SV_ACCOUNT_DEFAULT};
    for (size_t i = 0; i < places->fields_count; i++) {
        const char *name = places->fields[i].name, *value = places->fields[i].value;

        if (strcmp(name, "dom") == 0)
            copy(out->domain, sizeof(out->domain), value);
        else if (strcmp(name, "acct") == 0)
            copy(out->account, sizeof(out->account), value);
        else if (strcmp(name, "cl") == 0)
            copy(out->client_id, sizeof(out->client_id), value);
        else if (strcmp(name, "st") == 0) {
            out->removed = strcmp(value, "removed") == 0;
            out->young = strcmp(value, "new") == 0;
        }
    }
}

static void on_record(void *context, const struct sv_store_call *call)
{
    sv_doctor_record_read(&call->u.places, context);
}

static bool needs_owner(const struct sv_doctor_record *record)
{
    return record->found && !record->removed && !record->young && record->domain[0] != '\0' &&
           record->client_id[0] != '\0' && record->account[0] != '\0';
}

static int is_held(struct sv_doctor_walk *walk, const struct sv_doctor_record *record, bool *held)
{
    struct owner wanted = {.account = record->account, .client_id = record->client_id};
    struct sv_store_call call = {.op = SV_STORE_OWNERS};
    char registrable[SV_NAME_BYTES];
    int code;

    if (sv_name_registrable(record->domain, registrable) != SV_OK)
        (void)snprintf(registrable, sizeof(registrable), "%s", record->domain);
    call.u.owners = (struct sv_store_owners){.registrable = registrable, .domain = record->domain};
    code = sv_client_call(walk->client, &call, on_owners, &wanted);
    *held = wanted.held;
    return code;
}

int sv_doctor_read_owner_of(struct sv_doctor_walk *walk, const char *uid,
                            const struct sv_doctor_record *record)
{
    struct sv_doctor_record now = *record;
    bool held = true;
    int code;

    if (!needs_owner(record))
        return SV_EXIT_OK;
    code = is_held(walk, record, &held);
    if (code != SV_EXIT_OK || held)
        return code;
    code = sv_doctor_places(walk, uid, NULL, on_record, &now); /* removed in between? */
    if (code == SV_EXIT_OK && needs_owner(&now))
        code = is_held(walk, &now, &held);
    if (code == SV_EXIT_OK && needs_owner(&now) && !held)
        sv_doctor_find(walk->doctor, SV_ILL_NAME_UNOWNED, uid,
                       "nobody holds %.100s for its client: another one could register it",
                       now.domain);
    return code;
}

/* --- every name that is held has a domain --- */

struct claim {
    char field[SV_NAME_BYTES + CLAIM_WORD_BYTES]; /* "<domain> <account>" */
    char state[16], uid[SV_UID_BYTES], client_id[CLAIM_WORD_BYTES];
    long long at;
};

struct claims {
    struct sv_doctor_walk *walk;
    struct sv_names keys;    /* of owners */
    struct sv_names foreign; /* those that are no hashes */
    struct sv_names lines;   /* field, line end, value */
};

static void on_keys(void *context, const struct sv_store_call *call)
{
    struct claims *claims = context;

    for (size_t i = 0; i < call->u.look.count; i++) {
        const struct sv_store_look_item *item = &call->u.look.items[i];

        if (strcmp(item->type, "hash") == 0)
            sv_names_add(&claims->keys, item->name);
        else if (strcmp(item->type, "none") != 0)
            sv_names_add(&claims->foreign, item->name);
    }
}

static void on_claims(void *context, const struct sv_store_call *call)
{
    struct claims *claims = context;

    for (size_t i = 0; i < call->u.look.count; i++) {
        const struct sv_store_look_item *item = &call->u.look.items[i];
        char line[2 * SV_NAME_BYTES + 4 * CLAIM_WORD_BYTES];

        (void)snprintf(line, sizeof(line), "%s\n%s", item->name, item->value);
        sv_names_add(&claims->lines, line);
    }
}

/* "<domain> <account>\n<state> <uid> <time ms> <client>" */
static bool read_claim(const char *line, struct claim *out)
{
    int used = 0;
    const char *end = strchr(line, '\n');

    *out = (struct claim){.at = 0};
    if (end == NULL || (size_t)(end - line) >= sizeof(out->field))
        return false;
    memcpy(out->field, line, (size_t)(end - line));
    if (sscanf(end + 1, "%15s %16s %lld %n", out->state, out->uid, &out->at, &used) != 3 ||
        used == 0)
        return false;
    (void)snprintf(out->client_id, sizeof(out->client_id), "%s", end + 1 + used);
    return out->client_id[0] != '\0';
}

struct seen {
    struct sv_doctor_record record;
    sv_ms now;
};

static void on_seen(void *context, const struct sv_store_call *call)
{
    struct seen *seen = context;

    sv_doctor_record_read(&call->u.places, &seen->record);
    seen->now = call->u.places.now;
}

static int check_claim(struct sv_doctor_walk *walk, const char *line)
{
    struct claim claim;
    struct seen seen = {.now = 0};
    int code;

    walk->doctor->owners++;
    if (!read_claim(line, &claim)) {
        sv_doctor_find(walk->doctor, SV_ILL_OWNER_LEFT_OVER, line, "nobody can read who holds it");
        return SV_EXIT_OK;
    }
    walk->shard =
        sv_crc32(claim.client_id, strlen(claim.client_id)) % walk->client->config->redis.shards;
    code = sv_doctor_places(walk, claim.uid, NULL, on_seen, &seen);
    if (code != SV_EXIT_OK || claim.at + CLAIMING_MS > seen.now)
        return code; /* on its way in, or just out */
    if (!seen.record.found || seen.record.removed)
        sv_doctor_find(walk->doctor, SV_ILL_OWNER_LEFT_OVER, claim.field,
                       "%s for client %.60s, whose domain %s is not here", claim.state,
                       claim.client_id, claim.uid);
    return code;
}

static int check_claims(struct claims *claims)
{
    struct sv_doctor_walk *walk = claims->walk;
    int code = sv_doctor_pages(walk, SV_STORE_LOOK_OWNERS, NULL, on_keys, claims);

    sv_names_sort(&claims->keys);
    sv_names_sort(&claims->foreign);
    for (size_t i = 0; i < claims->foreign.count; i++)
        sv_doctor_find(walk->doctor, SV_ILL_WRONG_TYPE, claims->foreign.items[i],
                       "it holds something else than a hash");
    for (size_t i = 0; code == SV_EXIT_OK && i < claims->keys.count; i++) {
        code =
            sv_doctor_pages(walk, SV_STORE_LOOK_FIELDS, claims->keys.items[i], on_claims, claims);
        sv_names_sort(&claims->lines);
        for (size_t k = 0; code == SV_EXIT_OK && k < claims->lines.count; k++)
            code = check_claim(walk, claims->lines.items[k]);
        sv_names_fini(&claims->lines);
    }
    return code;
}

int sv_doctor_read_owners(struct sv_doctor_walk *walk)
{
    struct claims claims = {.walk = walk};
    int code = check_claims(&claims);

    sv_names_fini(&claims.keys);
    sv_names_fini(&claims.foreign);
    sv_names_fini(&claims.lines);
    walk->shard = 0;
    return code;
}
