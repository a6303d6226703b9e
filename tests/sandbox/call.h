/* One call to the SES port on its way through: who, what, about which identities, and what came of
 * it. */
#ifndef SB_CALL_H
#define SB_CALL_H

#include "form.h"
#include "sandbox.h"

enum sb_api { SB_API_V1, SB_API_V2, SB_API_STS, SB_API_GIVER };

enum {
    SB_REPLY_BYTES_MAX = 16 * 1024 * 1024,
    SB_INPUT_BYTES_MAX = 1024 * 1024,
    SB_IDENTITIES_PER_READ = 100
};

struct sb_call {
    struct sandbox *sandbox;
    const struct sb_request *request;
    enum sb_api api;
    const char *action;                    /* a constant, or points into the form; "Unknown" */
    void (*perform)(struct sb_call *call); /* NULL: no such operation */
    bool anonymous;                        /* asked without a signature: whoever gives keys */
    struct sb_caller caller;
    struct sb_store *store; /* set once the caller is known */
    struct sb_form form;    /* Query parameters, or the query string of v2 */
    json_t *input;          /* the body of v2, an object */
    char *name;             /* v2: the identity in the path, decoded; owned; NULL without */
    struct sv_buf xml;      /* the result's members (v1, STS) */
    json_t *output;         /* the result (v2) */
    unsigned status;        /* 0 while it goes well */
    char code[SB_CODE_BYTES];
    char text[SB_WHY_BYTES + 128];
    char request_id[37];
};

/* Ends the call with an error. */
void sb_call_refuse(struct sb_call *call, unsigned status, const char *code, const char *format,
                    ...) __attribute__((format(printf, 4, 5)));

/* Finds the operation of the call and reads its input. A refusal may already be the result. */
void sb_query_read(struct sb_call *call);
void sb_rest_read(struct sb_call *call);

/* Writes the reply, or the error, into `answer`. */
void sb_query_render(struct sb_call *call, struct sb_answer *answer);
void sb_rest_render(struct sb_call *call, struct sb_answer *answer);

/* The operation of that name: v1, and STS. NULL when there is none. */
typedef void sb_perform_fn(struct sb_call *call);
sb_perform_fn *sb_v1_find(const char *action);
sb_perform_fn *sb_v1_read_find(const char *action);
sb_perform_fn *sb_v1_account_find(const char *action);
sb_perform_fn *sb_sts_find(const char *action);

/* True when the call is about that identity. */
bool sb_call_names(const void *call, const char *identity);

/* Identity number `i` of a list parameter, from 0; NULL behind the last. */
const char *sb_call_member(const struct sb_call *call, size_t i);

/* What both APIs do the same way. */
void sb_call_start_address(struct sb_call *call, struct sb_identity *identity);
void sb_call_start_dkim(struct sb_call *call, struct sb_identity *identity);
void sb_call_set_mail_from(struct sb_call *call, struct sb_identity *identity, const char *domain,
                           bool reject_on_mx_failure);

/* Takes an identity out for good; refused while another region shares its DKIM keys. */
void sb_call_delete(struct sb_call *call, struct sb_identity *identity);

/* Tokens of a listing's pages: opaque, with bytes that need escaping. `kind` tells listings apart,
 * `name` is where the page begins; the caller frees a new one. False for a token not made for that
 * kind. */
enum { SB_TOKEN_NAME_BYTES = 2 * SB_IDENTITY_BYTES };
char *sb_token_make(char kind, const char *name);
bool sb_token_read(const char *token, char kind, char name[SB_TOKEN_NAME_BYTES]);

/* One page of a listing, in the order of the names. */
struct sb_page {
    const struct sb_identity **list; /* owned */
    size_t count;
    char *next; /* token of the next page, owned; NULL on the last */
};

/* `kind` is 'a' for all, 'd' for domains, 'e' for addresses; a token (NULL: the first page) is good
 * only for the kind of listing it came from. False for a token that is not ours. */
bool sb_page_make(struct sb_page *page, const struct sb_store *store, char kind, const char *token,
                  size_t size);
void sb_page_fini(struct sb_page *page);

#endif
