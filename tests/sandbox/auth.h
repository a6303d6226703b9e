/* Checks AWS Signature Version 4 the way the service does, independently of any signing code of
 * ours. */
#ifndef SB_AUTH_H
#define SB_AUTH_H

#include <stddef.h>

#include "http.h"

enum {
    SB_KEYS_MAX = 64,
    SB_KEY_ID_BYTES = 129,
    SB_REGION_BYTES = 33,
    SB_SKEW_MAX_MS =
        5 * 60 * 1000, /* what most AWS services allow; the strictest a client will meet */
};

struct sb_key {
    char *id;
    char *secret;
    char *session_token; /* NULL for a long-lived key */
    char *account;    /* whose identities it sees; NULL: an account of its own, named as the key */
    sv_ms expires_at; /* 0 = never */
};

struct sb_keys {
    struct sb_key list[SB_KEYS_MAX];
    size_t count;
};

enum sb_auth {
    SB_AUTH_UNKNOWN,
    SB_AUTH_OK,
    SB_AUTH_MISSING,       /* no Authorization header */
    SB_AUTH_INCOMPLETE,    /* it lacks a part, or a header that must be signed is not */
    SB_AUTH_UNKNOWN_KEY,   /* nobody has that access key, or its session token is wrong */
    SB_AUTH_EXPIRED_TOKEN, /* of a temporary key */
    SB_AUTH_EXPIRED,       /* the clocks differ by more than SB_SKEW_MAX_MS */
    SB_AUTH_MISMATCH,      /* wrong scope or wrong signature */
};

struct sb_caller {
    char key_id[SB_KEY_ID_BYTES];
    char account[SB_KEY_ID_BYTES];
    char region[SB_REGION_BYTES];
};

enum { SB_WHY_BYTES = 2048 };

/* The key of that id; NULL when nobody has it. */
const struct sb_key *sb_keys_find(const struct sb_keys *keys, const char *id);

/* Judges `request` to `service` ("ses", "sts") at the server's time `now_ms`. Fills `caller` as far
 * as the request says who it is, and `why` with a sentence for the error message (with both
 * canonical texts on a mismatch, as AWS does). */
enum sb_auth sb_auth_check(const struct sb_request *request, const char *service,
                           const struct sb_keys *keys, sv_ms now_ms, struct sb_caller *caller,
                           char why[SB_WHY_BYTES]);

#endif
