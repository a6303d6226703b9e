/* The interface to Amazon SES that the driver sees: one account in one region, one call = one
 * request object. It reports what SES said and judges nothing. Implementations: sv_aws_ses_new, and
 * a fake for tests. */
#ifndef SV_SES_H
#define SV_SES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sv/axis.h"
#include "sv/err.h"
#include "sv/name.h"
#include "sv/ses_setup.h"
#include "sv/time.h"

enum sv_ses_op {
    SV_SES_CREATE, /* v2 CreateEmailIdentity as the setup says; SV_EEXISTS, SV_ECONFLICT: go on with
                      GET; SV_ENOTFOUND: no such configuration set; SV_EQUOTA: the account is full
                    */
    SV_SES_GET,    /* v2 GetEmailIdentity; SV_ENOTFOUND */
    SV_SES_PUT_SIGNING, /* v2 PutEmailIdentityDkimSigningAttributes: the setup's method (not DEED)
                           and key; also restarts its verification; gives the tokens */
    SV_SES_PUT_CONFIGURATION_SET, /* v2 PutEmailIdentityConfigurationSetAttributes; SV_ENOTFOUND:
                                     no such identity, or no such set */
    SV_SES_PUT_MAIL_FROM,   /* v2 PutEmailIdentityMailFromAttributes; also restarts its verification
                             */
    SV_SES_DELETE,          /* v2 DeleteEmailIdentity; an unknown identity is SV_OK: it is gone */
    SV_SES_VERIFY_DOMAIN,   /* v1 VerifyDomainIdentity: the legacy TXT token; also restarts its
                               verification */
    SV_SES_VERIFY_DKIM,     /* v1 VerifyDomainDkim: restarts DKIM verification; gives the tokens */
    SV_SES_READ_IDENTITIES, /* v1 GetIdentityVerificationAttributes, up to 100 domains */
    SV_SES_READ_DKIM,       /* v1 GetIdentityDkimAttributes, up to 100 domains */
    SV_SES_READ_MAIL_FROM,  /* v1 GetIdentityMailFromDomainAttributes, up to 100 domains */
    SV_SES_LIST, /* v2 ListEmailIdentities, one page of up to 1,000; SV_ENOTFOUND: SES does not know
                    the token (any more): begin again */
    SV_SES_ACCOUNT, /* v2 GetAccount: what the account may do; names no domain */
    SV_SES_OP_COUNT
};

enum {
    SV_SES_BATCH_MAX = 100,
    SV_SES_PAGE_MAX = 1000,
    SV_SES_PAGE_TOKEN_BYTES = 2049, /* a NextToken is opaque; a longer one is not believed */
    SV_SES_LISTED_BYTES = 321,      /* of a name in a list; an e-mail address may stand there */
    SV_SES_TAG_BYTES = 257,         /* of a tag's value */
    SV_SES_TOKENS_MAX = 3,
    SV_SES_TOKEN_BYTES = 65,
    SV_SES_DOMAIN_TOKEN_BYTES = 129
};

/* The AWS operation, e.g. "GetIdentityDkimAttributes": limiter key, metric label, log value.
 * Inline, because the driver and every implementation need it and none of them owns the others. */
static inline const char *sv_ses_op_name(enum sv_ses_op op)
{
    switch (op) {
    case SV_SES_CREATE:
        return "CreateEmailIdentity";
    case SV_SES_GET:
        return "GetEmailIdentity";
    case SV_SES_PUT_SIGNING:
        return "PutEmailIdentityDkimSigningAttributes";
    case SV_SES_PUT_CONFIGURATION_SET:
        return "PutEmailIdentityConfigurationSetAttributes";
    case SV_SES_PUT_MAIL_FROM:
        return "PutEmailIdentityMailFromAttributes";
    case SV_SES_DELETE:
        return "DeleteEmailIdentity";
    case SV_SES_VERIFY_DOMAIN:
        return "VerifyDomainIdentity";
    case SV_SES_VERIFY_DKIM:
        return "VerifyDomainDkim";
    case SV_SES_READ_IDENTITIES:
        return "GetIdentityVerificationAttributes";
    case SV_SES_READ_DKIM:
        return "GetIdentityDkimAttributes";
    case SV_SES_READ_MAIL_FROM:
        return "GetIdentityMailFromDomainAttributes";
    case SV_SES_LIST:
        return "ListEmailIdentities";
    case SV_SES_ACCOUNT:
        return "GetAccount";
    case SV_SES_OP_COUNT:
        break;
    }
    return "unknown";
}

/* What one reply said of one domain. Fields the operation does not speak of stay zero ("nothing
 * known"). */
struct sv_ses_identity {
    bool listed; /* the reply holds this domain; a batch read that succeeded without it says "not
                    registered" */
    enum sv_axis identity, dkim, mail_from;
    enum sv_tri signing_enabled;
    enum sv_dkim_method dkim_method;          /* GET, CREATE */
    char dkim_parent[SV_SES_REGION_BYTES];    /* of a replica (DEED) */
    sv_ms dkim_key_made_at;                   /* of Easy DKIM; 0 = not said */
    char configuration_set[SV_SES_SET_BYTES]; /* GET; "" = none */
    enum sv_tri rejects_on_mx_failure;        /* MAIL FROM's BehaviorOnMxFailure */
    size_t tokens_count; /* of a key of the operator's own: the selector alone, or nothing */
    char tokens[SV_SES_TOKENS_MAX][SV_SES_TOKEN_BYTES];
    char hosted_zone[SV_NAME_BYTES]; /* SigningHostedZone, or the region's documented one where the
                                        reply lacks it */
    char mail_from_domain[SV_NAME_BYTES];
    char verification_token[SV_SES_DOMAIN_TOKEN_BYTES];
    enum sv_ses_reason reason;
    sv_ms last_checked_at, last_success_at; /* 0 = not said */
};

enum { SV_SES_ENFORCEMENT_BYTES = 32 };

/* What v2 GetAccount says. Zero: not said. */
struct sv_ses_account {
    enum sv_tri production; /* NO: in SES's sandbox, mail goes to verified addresses only */
    enum sv_tri sending;    /* NO: paused, by SES or by the owner */
    char enforcement[SV_SES_ENFORCEMENT_BYTES]; /* "HEALTHY", "PROBATION", "SHUTDOWN", ... */
    bool quota_known;
    int64_t mails_per_day_max, mails_last_day; /* the first -1: without limit */
    int64_t mails_per_1000_s_max;
};

/* One line of a list. `name` is as SES writes it, not in normal form. */
struct sv_ses_listed {
    char name[SV_SES_LISTED_BYTES];
    bool is_domain; /* false: an e-mail address, or a kind that we do not know */
    enum sv_axis identity;
    enum sv_tri sending_enabled;
};

/* A page of a list, 350 kB: allocated by who walks, once for the whole walk. */
struct sv_ses_page {
    size_t count;
    struct sv_ses_listed listed[SV_SES_PAGE_MAX];
    char next_token[SV_SES_PAGE_TOKEN_BYTES]; /* "" = this was the last page */
};

/* Whose matter SV_EDENIED is. */
enum sv_ses_denial {
    SV_SES_DENIAL_NONE,       /* not said: a proxy, TLS */
    SV_SES_DENIAL_KEYS,       /* they are unknown, expired, or sign wrongly: fresh ones may help */
    SV_SES_DENIAL_PERMISSION, /* IAM does not allow this operation */
    SV_SES_DENIAL_ACCOUNT,    /* AWS holds the account: suspended, paused, not subscribed */
};

struct sv_ses;
struct sv_ses_call;

/* err SV_OK: results hold one entry per domain asked, in their order; a list's page is filled.
 * Everything else: no result is to be believed; call->info has the AWS code in its text and the
 * HTTP status in `native`. SV_ETHROTTLED, SV_EUNAVAILABLE, SV_ETIMEOUT, SV_ECONNECT, SV_ECLOCK (the
 * skew was learned: calling again may work), SV_ECONFLICT, SV_EDENIED, SV_EQUOTA, SV_ENOTFOUND,
 * SV_EEXISTS, SV_EREFUSED, SV_EMALFORMED (an answer we do not understand), SV_ECANCELED. */
typedef void sv_ses_done_fn(struct sv_ses_call *call, enum sv_err err);
typedef void sv_ses_closed_fn(void *context);

struct sv_ses_call { /* embed it in your own struct */
    void *owner;     /* yours, untouched */
    /* in: borrowed until done */
    enum sv_ses_op op;
    const char *const *domains; /* normal form */
    size_t domains_count;      /* 1, or up to SV_SES_BATCH_MAX for the reads; 0 for LIST, ACCOUNT */
    const char *mail_from;     /* PUT_MAIL_FROM: NULL or "" switches the custom domain off */
    bool reject_on_mx_failure; /* PUT_MAIL_FROM */
    const char *page_token;    /* LIST: where the page before ended; NULL or "" = the first page */
    const char *tag_key;       /* GET: the tag whose value is wanted; NULL = none */
    const struct sv_ses_setup *setup; /* CREATE, PUT_SIGNING, PUT_CONFIGURATION_SET: NULL = Easy
                                         DKIM, no configuration set */
    const struct sv_ses_tag *tags;    /* CREATE: filled in; those of the setup are not looked at */
    size_t tags_count;
    /* out: room for domains_count entries, the caller's; filled before done */
    struct sv_ses_identity *results;
    struct sv_ses_page *page; /* LIST: the caller's; its token may be the one that was asked with */
    char
        *tag_value; /* with tag_key: room for SV_SES_TAG_BYTES; "" = no such tag, or not one line */
    struct sv_ses_account *account; /* ACCOUNT: the caller's, filled before done */
    enum sv_ses_denial denial;      /* SV_EDENIED only */
    sv_ms retry_after_ms;           /* SES wants to be left alone for so long; 0 = not said */
    struct sv_errinfo info;
    char request_id[96];
    /* private to the adapter from here on */
    sv_ses_done_fn *done;
    struct sv_ses *ses;
    void *transfer;
    struct sv_ses_call *next, *previous;
};

struct sv_ses_ops {
    enum sv_err (*start)(struct sv_ses *ses, struct sv_ses_call *call, sv_ses_done_fn *done,
                         struct sv_errinfo *info);
    void (*cancel)(struct sv_ses_call *call);
    void (*close)(struct sv_ses *ses, sv_ses_closed_fn *closed, void *context);
};

/* An implementation begins with this struct. */
struct sv_ses {
    const struct sv_ses_ops *ops;
};

/* One attempt, one HTTP request, never a hidden retry: retries and the rate are the driver's, who
 * holds the permits. SV_EINVALID (bad arguments), SV_EBUSY, SV_ECANCELED (closing). */
static inline enum sv_err sv_ses_start(struct sv_ses *ses, struct sv_ses_call *call,
                                       sv_ses_done_fn *done, struct sv_errinfo *info)
{
    return ses->ops->start(ses, call, done, info);
}

static inline void sv_ses_cancel(struct sv_ses_call *call)
{
    call->ses->ops->cancel(call);
}

static inline void sv_ses_close(struct sv_ses *ses, sv_ses_closed_fn *closed, void *context)
{
    ses->ops->close(ses, closed, context);
}

#endif
