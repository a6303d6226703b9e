#include "identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/json.h"
#include "sv/require.h"

struct sb_store *sb_stores_get(struct sb_stores *stores, const char *account, const char *region)
{
    char key[SB_KEY_ID_BYTES + SB_REGION_BYTES];
    struct sb_store *store;

    (void)snprintf(key, sizeof key, "%s/%s", account, region);
    store = sb_map_get(&stores->map, key);
    if (store != NULL)
        return store;
    store = sv_alloc(1, sizeof *store);
    (void)snprintf(store->account, sizeof store->account, "%s", account);
    (void)snprintf(store->region, sizeof store->region, "%s", region);
    if (stores->hosted_zone != NULL)
        (void)snprintf(store->zone, sizeof store->zone, "%s", stores->hosted_zone);
    else
        sb_dkim_zone(region, store->zone);
    store->stores = stores;
    sb_account_init(&store->about);
    sb_map_put(&stores->map, key, store);
    return store;
}

void sb_store_reset(struct sb_store *store)
{
    sb_account_fini(&store->about);
    sb_account_init(&store->about);
}

void sb_store_free(struct sb_store *store)
{
    while (store->identities.count > 0)
        sb_identity_free(store->identities.entries[0].value);
    sb_map_fini(&store->identities, NULL);
    sb_account_fini(&store->about);
    free(store);
}

static void drop_store(void *store)
{
    sb_store_free(store);
}

void sb_stores_fini(struct sb_stores *stores)
{
    sb_map_fini(&stores->map, drop_store);
    for (size_t i = 0; i < SB_HOLDERS; i++)
        sb_map_fini(&stores->holders[i], NULL);
}

static bool label_is_valid(const char *label, size_t len)
{
    if (len == 0 || len > SV_LABEL_MAX || label[0] == '-' || label[len - 1] == '-')
        return false;
    return strspn(label, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") >= len;
}

bool sb_domain_is_valid(const char *name)
{
    const char *at = name;
    size_t labels = 0;

    if (strlen(name) > SV_NAME_MAX)
        return false;
    for (;;) {
        size_t len = strcspn(at, ".");

        if (!label_is_valid(at, len))
            return false;
        labels++;
        if (at[len] == 0)
            break;
        at += len + 1;
    }
    return labels >= 2 && strspn(at, "0123456789") != strlen(at);
}

bool sb_identity_is_valid(const char *name)
{
    const char *at = strrchr(name, '@');

    if (at == NULL)
        return sb_domain_is_valid(name);
    return at > name && at - name <= 64 && strpbrk(name, " \t\r\n<>,;") == NULL &&
           sb_domain_is_valid(at + 1);
}

static void lower(char out[SB_IDENTITY_BYTES], const char *name)
{
    size_t i = 0;

    for (; i + 1 < SB_IDENTITY_BYTES && name[i] != 0; i++)
        out[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] - 'A' + 'a') : name[i];
    out[i] = 0;
}

struct sb_identity *sb_identity_find(const struct sb_store *store, const char *name)
{
    char key[SB_IDENTITY_BYTES];

    lower(key, name);
    return sb_map_get(&store->identities, key);
}

/* Tokens are letters and the digits 2 to 7. */
static size_t holders_place(const char *token)
{
    size_t place = 0;

    for (size_t i = 0; i < 2; i++)
        place = 32 * place + (size_t)(token[i] <= '7' ? token[i] - '2' + 26 : token[i] - 'a') % 32;
    return place;
}

/* Its tokens are those of its name and generation: a replica shows its parent's instead. */
static void own_token(const struct sb_identity *identity, unsigned which, char out[SB_TOKEN_BYTES])
{
    sb_dkim_token(identity->store->account, identity->store->region, identity->name,
                  identity->generation, which, out);
}

static void note_tokens(struct sb_identity *identity, bool hold)
{
    struct sb_map *holders = identity->store->stores->holders;
    char token[SB_TOKEN_BYTES];

    for (unsigned i = 0; i < SB_TOKENS; i++) {
        own_token(identity, i, token);
        if (hold)
            sb_map_put(&holders[holders_place(token)], token, identity);
        else
            (void)sb_map_remove(&holders[holders_place(token)], token);
    }
}

struct sb_identity *sb_identity_add(struct sb_store *store, const char *name)
{
    struct sb_identity *identity;

    SV_REQUIRE(sb_identity_is_valid(name));
    if (store->identities.count >= store->about.identities_max)
        return NULL;
    identity = sv_alloc(1, sizeof *identity);
    identity->store = store;
    identity->due.owner = identity;
    lower(identity->name, name);
    identity->is_domain = strchr(name, '@') == NULL;
    identity->key_bits = 2048;
    identity->forwarding_enabled = true;
    identity->tags = sv_json_array();
    sb_identity_renew_tokens(identity);
    note_tokens(identity, true);
    sb_map_put(&store->identities, identity->name, identity);
    return identity;
}

void sb_identity_free(struct sb_identity *identity)
{
    SV_REQUIRE(identity->look == NULL && !sv_heap_has(&identity->due));
    (void)sb_map_remove(&identity->store->identities, identity->name);
    note_tokens(identity, false);
    free(identity->public_key);
    json_decref(identity->tags);
    free(identity);
}

const struct sb_identity *sb_identity_parent(const struct sb_identity *identity)
{
    char key[SB_KEY_ID_BYTES + SB_REGION_BYTES];
    const struct sb_store *store;

    if (identity->origin != SB_ORIGIN_REPLICA)
        return NULL;
    (void)snprintf(key, sizeof key, "%s/%s", identity->store->account, identity->parent_region);
    store = sb_map_get(&identity->store->stores->map, key);
    return store == NULL ? NULL : sb_identity_find(store, identity->name);
}

bool sb_identity_has_replica(const struct sb_identity *identity)
{
    const struct sb_map *map = &identity->store->stores->map;

    for (size_t i = 0; i < map->count; i++) {
        const struct sb_store *store = map->entries[i].value;
        const struct sb_identity *other = sb_identity_find(store, identity->name);

        if (other != NULL && sb_identity_parent(other) == identity)
            return true;
    }
    return false;
}

void sb_identity_token(const struct sb_identity *identity, unsigned which, char out[SB_TOKEN_BYTES])
{
    const struct sb_identity *parent = sb_identity_parent(identity);
    bool orphan = identity->origin == SB_ORIGIN_REPLICA && parent == NULL;

    if (parent != NULL && parent->origin == SB_ORIGIN_AWS_SES)
        identity = parent;
    sb_dkim_token(identity->store->account,
                  orphan ? identity->parent_region : identity->store->region, identity->name,
                  orphan ? 0 : identity->generation, which, out);
}

void sb_identity_renew_tokens(struct sb_identity *identity)
{
    for (unsigned i = 0; i < SB_TOKENS; i++)
        sb_identity_token(identity, i, identity->tokens[i]);
}

void sb_identity_change_tokens(struct sb_identity *identity, sv_ms now)
{
    note_tokens(identity, false);
    identity->generation++;
    note_tokens(identity, true);
    sb_identity_rotate_key(identity, now);
    sb_identity_renew_tokens(identity);
    identity->dkim = (struct sb_axis){.pinned = identity->dkim.pinned};
}

void sb_identity_rotate_key(struct sb_identity *identity, sv_ms now)
{
    identity->rotation++;
    identity->key_made_at = now;
}

const struct sb_identity *sb_identity_of_token(const struct sb_stores *stores, const char *token)
{
    const struct sb_identity *identity = sb_map_get(&stores->holders[holders_place(token)], token);
    bool has_key = identity != NULL && identity->is_domain && identity->origin == SB_ORIGIN_AWS_SES;

    return has_key ? identity : NULL;
}

void sb_identity_zone(const struct sb_identity *identity, char out[SV_NAME_BYTES])
{
    const char *override = identity->store->stores->hosted_zone;

    if (identity->origin == SB_ORIGIN_REPLICA && override == NULL)
        sb_dkim_zone(identity->parent_region, out);
    else
        (void)snprintf(out, SV_NAME_BYTES, "%s", identity->store->zone);
}

static bool sends(const struct sb_identity *identity)
{
    return identity != NULL && (identity->identity.status == SB_SUCCESS ||
                                identity->identity.status == SB_TEMPORARY_FAILURE);
}

bool sb_identity_may_send(const struct sb_identity *identity)
{
    const char *at = strrchr(identity->name, '@');

    return sends(identity) || (at != NULL && sends(sb_identity_find(identity->store, at + 1)));
}

bool sb_identity_is_watched(const struct sb_identity *identity)
{
    if (!identity->is_domain)
        return identity->identity.status == SB_PENDING && !identity->identity.pinned;
    return (sb_axis_is_watched(&identity->identity) || sb_axis_is_watched(&identity->dkim) ||
            sb_axis_is_watched(&identity->mail_from));
}
