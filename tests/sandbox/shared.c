#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "call.h"
#include "sv/alloc.h"
#include "sv/require.h"

const char *sb_call_member(const struct sb_call *call, size_t i)
{
    char name[48];

    if (call->api != SB_API_V1)
        return i == 0 ? call->name : NULL;
    (void)snprintf(name, sizeof name, "Identities.member.%zu", i + 1);
    return sb_form_get(&call->form, name);
}

bool sb_call_names(const void *owner, const char *identity)
{
    const struct sb_call *call = owner;
    const char *one;

    if (call->name != NULL)
        return strcasecmp(call->name, identity) == 0;
    for (size_t i = 0; (one = sb_call_member(call, i)) != NULL; i++) {
        if (strcasecmp(one, identity) == 0)
            return true;
    }
    return false;
}

void sb_call_start_address(struct sb_call *call, struct sb_identity *identity)
{
    sb_axis_start(&identity->identity, sb_clock_virtual(&call->sandbox->clock));
    sb_looker_wake(call->sandbox->looker, identity);
}

void sb_call_start_dkim(struct sb_call *call, struct sb_identity *identity)
{
    sv_ms now = sb_clock_virtual(&call->sandbox->clock);

    if (identity->dkim.status == SB_NOT_STARTED) {
        identity->signing_enabled = true;
        identity->key_made_at = now;
    }
    sb_axis_start(&identity->dkim, now);
    sb_axis_start(&identity->identity, now);
    sb_looker_wake(call->sandbox->looker, identity);
}

void sb_call_set_mail_from(struct sb_call *call, struct sb_identity *identity, const char *domain,
                           bool reject_on_mx_failure)
{
    sv_ms now = sb_clock_virtual(&call->sandbox->clock);

    identity->reject_on_mx_failure = reject_on_mx_failure;
    if (strcasecmp(identity->mail_from_domain, domain) != 0) {
        (void)snprintf(identity->mail_from_domain, sizeof identity->mail_from_domain, "%s", domain);
        identity->mail_from = (struct sb_axis){0};
    }
    if (domain[0] != 0)
        sb_axis_start(&identity->mail_from, now);
    sb_looker_wake(call->sandbox->looker, identity);
}

void sb_call_delete(struct sb_call *call, struct sb_identity *identity)
{
    if (sb_identity_has_replica(identity)) {
        sb_call_refuse(call, 400,
                       call->api == SB_API_V2 ? "BadRequestException" : "InvalidParameterValue",
                       "Email identity %.300s is the parent of DKIM replicas in other regions.",
                       identity->name);
        return;
    }
    sb_sandbox_drop(call->sandbox, identity);
}

/* Tokens hold '+', '/' and '=' on purpose: a client that does not escape them fails here. */
static const char token_start[] = "AQ+/";

char *sb_token_make(char kind, const char *name)
{
    char text[SB_IDENTITY_BYTES + 2];
    int len = snprintf(text, sizeof text, "%c%s", kind, name);
    char *token = sv_alloc(2 * sizeof text + sizeof token_start + 2, 1);

    memcpy(token, token_start, sizeof token_start);
    (void)EVP_EncodeBlock((unsigned char *)token + sizeof token_start - 1,
                          (const unsigned char *)text, len);
    return token;
}

bool sb_token_read(const char *token, char kind, char name[SB_TOKEN_NAME_BYTES])
{
    size_t start = sizeof token_start - 1;
    size_t len = strlen(token);
    char again_kind;
    char *again;
    bool same;

    if (strncmp(token, token_start, start) != 0 || len - start > SB_IDENTITY_BYTES ||
        (len - start) % 4 != 0)
        return false;
    memset(name, 0, SB_TOKEN_NAME_BYTES);
    if (EVP_DecodeBlock((unsigned char *)name, (const unsigned char *)token + start,
                        (int)(len - start)) < 2)
        return false;
    again_kind = name[0];
    memmove(name, name + 1, SB_TOKEN_NAME_BYTES - 1);
    if (strlen(name) >= SB_IDENTITY_BYTES)
        return false;
    again = sb_token_make(again_kind, name);
    same = strcmp(again, token) == 0 && again_kind == kind;
    free(again);
    return same;
}

bool sb_page_make(struct sb_page *page, const struct sb_store *store, char kind, const char *token,
                  size_t size)
{
    char after[SB_TOKEN_NAME_BYTES] = "";
    const struct sb_map *map = &store->identities;

    *page = (struct sb_page){0};
    if (token != NULL && !sb_token_read(token, kind, after))
        return false;
    page->list = sv_alloc(size + 1, sizeof *page->list);
    for (size_t i = sb_map_place(map, after); i < map->count; i++) {
        const struct sb_identity *identity = map->entries[i].value;

        if (strcmp(identity->name, after) == 0 || (kind == 'd' && !identity->is_domain) ||
            (kind == 'e' && identity->is_domain))
            continue;
        if (page->count == size) {
            page->next = sb_token_make(kind, page->list[size - 1]->name);
            break;
        }
        page->list[page->count++] = identity;
    }
    return true;
}

void sb_page_fini(struct sb_page *page)
{
    free(page->list);
    free(page->next);
    *page = (struct sb_page){0};
}
