/* The identities of one account in one region: what v1 and v2 both see. */
#ifndef SB_IDENTITY_H
#define SB_IDENTITY_H

#include <jansson.h>

#include "account.h"
#include "auth.h"
#include "dkim.h"
#include "map.h"
#include "status.h"
#include "sv/heap.h"

enum {
    SB_IDENTITY_BYTES = 321, /* an address: 64 + 1 + 255, and the 0 byte */
    SB_TOPIC_BYTES = 257,
    SB_TOPICS = 3, /* bounce, complaint, delivery */
    SB_HOLDERS = 32 * 32,
};

enum sb_origin { SB_ORIGIN_AWS_SES, SB_ORIGIN_EXTERNAL, SB_ORIGIN_REPLICA };

struct sb_soa {
    char primary[SV_NAME_BYTES]; /* "" until SES has seen one */
    char admin[SV_NAME_BYTES];
    uint32_t serial;
};

struct sb_store;
struct sb_look;

struct sb_identity {
    struct sb_store *store;
    char name[SB_IDENTITY_BYTES]; /* lower case */
    bool is_domain;
    struct sb_axis identity, dkim, mail_from;
    bool ownership_wanted; /* VerifyDomainIdentity was called: the TXT record counts too */
    bool signing_enabled;
    enum sb_origin origin;
    char parent_region[SB_REGION_BYTES];    /* of a replica */
    unsigned generation;                    /* raised whenever its tokens change */
    unsigned rotation;                      /* raised whenever the key behind its aliases does */
    char tokens[SB_TOKENS][SB_TOKEN_BYTES]; /* those of now: sb_identity_renew_tokens */
    unsigned key_bits;
    sv_ms key_made_at, key_changed_at;    /* virtual; changed_at 0: never */
    bool was_downgraded;                  /* its one free step down to 1024 bits is taken */
    char selector[SB_SELECTOR_BYTES];     /* of a key of the domain's own */
    char *public_key;                     /* its public half; owned */
    char mail_from_domain[SV_NAME_BYTES]; /* "" without a custom one */
    bool reject_on_mx_failure;
    char topics[SB_TOPICS][SB_TOPIC_BYTES];
    bool forwarding_enabled;
    char configuration_set[65];
    json_t *tags;                     /* owned array */
    sv_ms last_checked, last_success; /* virtual; 0: never */
    const char *error_type;           /* a constant; NULL without one */
    struct sb_soa soa;
    struct sv_heap_node due; /* of the looker */
    struct sb_look *look;    /* the look in progress, or NULL */
};

struct sb_store {
    char account[SB_KEY_ID_BYTES];
    char region[SB_REGION_BYTES];
    char zone[SV_NAME_BYTES]; /* SigningHostedZone of new identities */
    struct sb_stores *stores;
    struct sb_map identities;
    struct sb_account about;
};

/* The stores of every account and region that somebody called. */
struct sb_stores {
    struct sb_map map;
    const char *hosted_zone; /* overrides the table of zones when not NULL */
    /* Token -> the identity it was made for, by the token's first two letters: a DNS server that
     * has to find them among 100,000 identities. */
    struct sb_map holders[SB_HOLDERS];
};

/* Frees it with all stores. Their looks must be over. */
void sb_stores_fini(struct sb_stores *stores);

/* The store of that account (access key id) and region; made when it is not there yet. */
struct sb_store *sb_stores_get(struct sb_stores *stores, const char *account, const char *region);

/* A domain name as SES takes it: A-labels, at least two, letters, digits, inner hyphens; any case.
 */
bool sb_domain_is_valid(const char *name);

/* Such a domain, or something@ such a domain. */
bool sb_identity_is_valid(const char *name);

/* Found without regard to case; NULL when unknown. */
struct sb_identity *sb_identity_find(const struct sb_store *store, const char *name);

/* Empties a store of all but its identities. */
void sb_store_reset(struct sb_store *store);

/* Frees a store and its identities. Their looks must be over. */
void sb_store_free(struct sb_store *store);

/* Adds one; NULL when the account is full. The name must be valid and unknown. */
struct sb_identity *sb_identity_add(struct sb_store *store, const char *name);

/* Takes it out of its store and frees it. The caller has seen to its due node and its look. */
void sb_identity_free(struct sb_identity *identity);

/* The identity whose DKIM keys a replica shares; NULL for one that is no replica, or has no parent.
 */
const struct sb_identity *sb_identity_parent(const struct sb_identity *identity);

/* True while another region's identity shares its DKIM keys. */
bool sb_identity_has_replica(const struct sb_identity *identity);

/* Token `which` of its present generation; of its parent when it is a replica. */
void sb_identity_token(const struct sb_identity *identity, unsigned which,
                       char out[SB_TOKEN_BYTES]);

/* Must follow every change of what its tokens are made from. */
void sb_identity_renew_tokens(struct sb_identity *identity);

/* Gives it new tokens with new keys behind them, which have to be verified anew. */
void sb_identity_change_tokens(struct sb_identity *identity, sv_ms now);

/* Puts a new key behind the aliases that it has. */
void sb_identity_rotate_key(struct sb_identity *identity, sv_ms now);

/* Whose token that is, if SES publishes a key behind it: not a replica's, whose are its parent's,
 * and not that of a domain with a key of its own. NULL for nobody's. */
const struct sb_identity *sb_identity_of_token(const struct sb_stores *stores, const char *token);

/* The zone its aliases point into. */
void sb_identity_zone(const struct sb_identity *identity, char out[SV_NAME_BYTES]);

/* True when mail from it would be sent: verified, or an address of a verified domain. */
bool sb_identity_may_send(const struct sb_identity *identity);

/* True when SES has anything to look for, or waits for somebody to follow the link in its mail. */
bool sb_identity_is_watched(const struct sb_identity *identity);

#endif
