/* The status machine of one domain: an event goes in, the new state and its effects come out. Pure:
 * no I/O, no clock, no allocation, no log; the time and the dice come with the event. Every
 * transition the product makes is decided here. */
#ifndef SV_DOMAIN_H
#define SV_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sv/axis.h"
#include "sv/policy.h"
#include "sv/reputation.h"
#include "sv/time.h"
#include "sv/untold.h"

enum sv_status {
    SV_STATUS_NEW, /* admitted, SES not asked yet; shown as null in events */
    SV_STATUS_PENDING,
    SV_STATUS_VERIFIED,
    SV_STATUS_AT_RISK,
    SV_STATUS_FAILED,
    SV_STATUS_REMOVED,
    SV_STATUS_COUNT
};

/* "new", "pending_verification", "verified", "at_risk", "failed", "removed". */
const char *sv_status_name(enum sv_status status);
enum sv_status sv_status_parse(const char *text); /* SV_STATUS_COUNT for an unknown word */

/* SES's verdict and DNS's side by side, as one stable word (design section 1). The stored word
 * stays while nobody can tell; only a move that comes without DNS's answer resets it to NONE,
 * because a word drawn in another status would be a lie. */
enum sv_conclusion {
    SV_CONCLUSION_NONE,                  /* "not_looked_yet" */
    SV_CONCLUSION_ALL_GOOD,              /* "all_good" */
    SV_CONCLUSION_DNS_RIGHT_SES_WAITING, /* "dns_right_ses_not_looked_yet" */
    SV_CONCLUSION_DNS_SPREADING,         /* "dns_right_not_yet_everywhere" */
    SV_CONCLUSION_DNS_WRONG,             /* "dns_wrong" */
    SV_CONCLUSION_RECORD_GONE,           /* "ses_success_but_dns_wrong" */
    SV_CONCLUSION_SES_TROUBLE,           /* "ses_temporary_failure" */
    SV_CONCLUSION_SES_GAVE_UP,           /* "ses_gave_up_dns_wrong" */
    SV_CONCLUSION_RESTART_DUE,           /* "ses_gave_up_restart_due" */
    SV_CONCLUSION_IDENTITY_GONE,         /* "identity_gone" */
    SV_CONCLUSION_SIGNING_DISABLED,      /* "dkim_signing_disabled" */
    SV_CONCLUSION_OPERATOR_NEEDED, /* "ses_gave_up_operator_needed": no call of ours restarts it */
    SV_CONCLUSION_CANNOT_TELL, /* "cannot_tell"; shown, but never stored: unknown changes nothing */
    SV_CONCLUSION_COUNT
};

const char *sv_conclusion_name(enum sv_conclusion conclusion);

/* Why a status moved, for the event's `reason`. */
enum sv_reason {
    SV_REASON_NONE,
    SV_REASON_REGISTERED,
    SV_REASON_SES_VERIFIED,     /* "ses_verified" */
    SV_REASON_HEALED,           /* "healed" */
    SV_REASON_RECORDS_WRONG,    /* "required_records_wrong" */
    SV_REASON_SES_TEMPORARY,    /* "ses_temporary_failure" */
    SV_REASON_SIGNING_DISABLED, /* "dkim_signing_disabled" */
    SV_REASON_SES_FAILED,       /* "ses_failed" */
    SV_REASON_IDENTITY_GONE,    /* "identity_gone" */
    SV_REASON_REMOVED,          /* "removed_by_client" */
    SV_REASON_NEVER_VERIFIED,   /* "never_verified": its claim has run out */
    SV_REASON_CHANGED,          /* "changed": an axis, a flag, findings or the conclusion */
    SV_REASON_RECORDS_CHANGED,  /* "dns_records_changed": others have to be published */
    SV_REASON_DRIFTED,          /* "settings_drifted": somebody else changed them at SES */
    SV_REASON_DRIFT_ENDED,      /* "settings_restored" */
    SV_REASON_COUNT
};

const char *sv_reason_name(enum sv_reason reason);

/* Settings at SES that are not as they were set up. Bits. */
enum {
    SV_DRIFT_MAIL_FROM = 1u << 0,         /* the custom MAIL FROM is another, or switched off */
    SV_DRIFT_CONFIGURATION_SET = 1u << 1, /* the default configuration set is not the account's */
    SV_DRIFT_DKIM_METHOD = 1u << 2,       /* it signs by another method than the account's */
    SV_DRIFT_COUNT = 3,
    SV_DRIFT_ALL = (1u << SV_DRIFT_COUNT) - 1,
};

/* "mail_from", "configuration_set", "dkim_method" for bit 0 .. SV_DRIFT_COUNT - 1. */
const char *sv_drift_name(unsigned index);

/* How often a setting is put back before it is left to whoever changes it; registering anew starts
 * the count again. */
enum { SV_RESTORES_MAX = 3 };

/* Findings are compared per group, so that one group that could not be looked at leaves the others
 * comparable. */
enum sv_group {
    SV_GROUP_DKIM,
    SV_GROUP_OWNERSHIP,
    SV_GROUP_MAIL_FROM,
    SV_GROUP_SPF,
    SV_GROUP_DMARC,
    SV_GROUP_DNS,
    SV_GROUP_COUNT
};

/* Work at SES that is owed: kept in the state until it is done, so that a crash repeats it instead
 * of losing it. */
enum {
    SV_TODO_PROVISION = 1u << 0,    /* create the identity, MAIL FROM, legacy token */
    SV_TODO_RESTART_DKIM = 1u << 1, /* SES gave up: ask it to look again */
    SV_TODO_RESTART_MAIL_FROM = 1u << 2,
    SV_TODO_REMOVE = 1u << 3,      /* the client gave the domain back */
    SV_TODO_DELETE = 1u << 4,      /* with REMOVE: delete the identity at SES first */
    SV_TODO_RESTORE_SET = 1u << 5, /* put the account's configuration set back */
    SV_TODO_ALL = (1u << 6) - 1,
};

struct sv_domain { /* kept in Redis whole; every field survives the process */
    enum sv_status status;
    enum sv_axis identity, dkim, mail_from; /* last known: unknown never overwrites */
    enum sv_tri signing, spf, dmarc, bulk;  /* likewise */
    enum sv_conclusion conclusion;
    bool mail_from_wanted; /* a custom MAIL FROM was asked for */
    bool adopted;          /* existed at SES before us: never gated by DNS */
    bool was_verified;
    bool dns_wrong; /* confirmed by two looks more than the TTL apart; cleared by a look that is
                       right */
    uint32_t findings[SV_GROUP_COUNT]; /* digest of each group's findings, 0 = none */
    uint32_t records;  /* digest of the DNS records that are asked for; 0 = not known */
    uint32_t drift;    /* SV_DRIFT_ bits, last known */
    uint32_t restores; /* of drifted settings since it was registered */
    uint32_t todo;     /* SV_TODO_ bits */
    uint64_t sequence; /* number of the last event */
    uint32_t tries;    /* looks in this round: drives the pace */
    uint32_t faults;   /* looks in a row that found nothing out */
    uint32_t restarts; /* since restarts_from */
    sv_ms status_since, looking_since; /* looking_since: when SES's own patience began */
    sv_ms wrong_at;                    /* first look of an unconfirmed wrong; 0 = none */
    uint32_t wrong_ttl_s;
    /* When the last cache forgets what the zone does not say any more: until then a new record is
     * not seen everywhere, or one that was removed still is. 0 = there is none such, or it is not
     * known when. May lie ahead. */
    sv_ms caches_until;
    sv_ms temporary_at; /* first read that said TemporaryFailure; 0 = none */
    sv_ms bad_at;       /* first read that said failed or gone, unconfirmed; 0 = none; of a failed
                           domain: gone */
    sv_ms ses_asked_at, restarted_at, restarts_from;
    sv_ms next_check_at;
    enum sv_reputation reputation; /* last known, while it is asked for */
    struct sv_mail mail;           /* what it was judged by */
    sv_ms mail_at;                 /* when SES told that; 0 = never */
    sv_ms reputation_at;           /* SES was asked last, whatever came of it; 0 = never */
    sv_ms detailed_at; /* when SES was last asked for details; 0 = not in the last ses_floor */
    enum sv_ses_reason ses_reason; /* why SES's look failed, as it said then; not news by itself */
    sv_ms ses_checked_at;          /* and when SES had looked; 0 = not said */
};

/* What DNS said of the records SES needs. */
enum sv_seen { SV_SEEN_UNKNOWN, SV_SEEN_RIGHT, SV_SEEN_WRONG, SV_SEEN_WAITING };

/* One look, SES and DNS together. Zero is "nothing known" everywhere. */
struct sv_observation {
    bool ses_known;   /* one complete read of every axis that was asked */
    bool ses_skipped; /* SES was rightly not asked: sv_domain_wants_ses said no */
    enum sv_axis identity, dkim, mail_from;
    enum sv_tri signing;
    bool detailed; /* SES was asked for details, and gave them: */
    enum sv_ses_reason ses_reason;
    sv_ms ses_checked_at;
    uint32_t drift, drift_told; /* SV_DRIFT_ bits: what drifted, of what this look told */
    bool restart_barred;    /* there is no call that restarts DKIM as it is: a replica (DEED), or a
                               key that is not ours */
    enum sv_seen required;  /* the DKIM records */
    bool required_absent;   /* provably not published at all */
    bool required_disputed; /* wrong, but some view still sees it right: confirms nothing */
    uint32_t required_ttl_s;
    sv_ms caches_until;    /* waiting, disputed: when the last cache has forgotten; 0 = not known */
    enum sv_untold untold; /* why `required` is unknown */
    bool authority_closed; /* only resolvers could be asked: port 53 is closed here */
    enum sv_seen mail_from_records; /* MX and SPF of the custom MAIL FROM */
    enum sv_tri spf, dmarc, bulk;
    bool group_known[SV_GROUP_COUNT];
    uint32_t group_digest[SV_GROUP_COUNT]; /* 0 = no finding that counts */
    struct sv_mail_seen mail;
};

enum sv_input_kind {
    SV_INPUT_PROVISIONED, /* the identity exists, tokens are known; clears SV_TODO_PROVISION */
    SV_INPUT_RESTARTED,   /* restart calls succeeded: clears those todo bits */
    SV_INPUT_LOOKED,      /* an observation */
    SV_INPUT_REMOVED,     /* everything owed for SV_TODO_REMOVE is done */
    SV_INPUT_FAULT, /* work owed at SES could not be done now: nothing is known, try again later */
    SV_INPUT_COUNT
};

/* `random` modulo 2 * SV_JITTER_STEPS + 1 is where in the spread a wait falls: 0 = the soonest. */
enum { SV_JITTER_STEPS = 100000 };

struct sv_input {
    enum sv_input_kind kind;
    sv_ms now;                  /* Unix ms, above 0; may be earlier than a time seen before */
    uint64_t random;            /* jitter; SV_JITTER_STEPS = none at all */
    bool hurry;                 /* a job asks: the fast pace starts anew */
    bool adopted;               /* PROVISIONED: the identity existed before */
    bool mail_from_wanted;      /* PROVISIONED */
    bool never_verified;        /* REMOVED: nobody asked for it, sv_domain_is_given_up says so */
    sv_ms reputation_every_ms;  /* 0 = not asked for: what was known of it is forgotten */
    uint32_t restarted;         /* RESTARTED: the SV_TODO_ bits that were done; 0 = all */
    uint32_t records;           /* digest of what is to be published from now on; 0 = not known */
    struct sv_observation seen; /* LOOKED; PROVISIONED: its drift */
};

/* Which event is to be written; NONE = the change set did not change. */
enum sv_news {
    SV_NEWS_NONE,
    SV_NEWS_REGISTERED,
    SV_NEWS_VERIFIED,
    SV_NEWS_AT_RISK,
    SV_NEWS_RESTORED,
    SV_NEWS_FAILED,
    SV_NEWS_REMOVED,
    SV_NEWS_UPDATED,
    SV_NEWS_COUNT
};

const char *sv_news_name(enum sv_news news); /* "registered" ... */

struct sv_effects {
    enum sv_news news;
    enum sv_status from, to;
    enum sv_reason reason;
    enum sv_conclusion shown; /* what people see now; may be CANNOT_TELL */
    enum sv_untold untold;    /* with CANNOT_TELL: why */
    sv_ms wait_ms;            /* until the next look; -1 = never (removed) */
    bool definitive;          /* the look found out everything it asked: an attempt is used up */
};

/* The nine booleans of the outside, derived from the state. */
struct sv_flags {
    enum sv_tri domain_verified, dkim_enabled, dkim_verified, mail_from_configured,
        mail_from_verified, spf_configured, dmarc_configured, sending_enabled,
        meets_bulk_sender_requirements;
};

/* Applies one input. `domain` has to be sane (check what comes from outside before). Late, repeated
 * and contradictory inputs are normal: they have no effect or the documented one. `domain` is
 * changed in place, `sequence` grows by one when news is not NONE. */
void sv_domain_step(struct sv_domain *domain, const struct sv_policy *policy,
                    const struct sv_input *input, struct sv_effects *effects);

/* True when this look should ask SES: always, but for a pending or failed domain whose records are
 * provably absent and which SES was asked about less than ses_floor_ms ago (design section 6, "DNS
 * before SES"). An adopted domain, and one whose first bad read waits to be confirmed, are always
 * asked about. When false, look without SES and set `ses_skipped`. */
bool sv_domain_wants_ses(const struct sv_domain *domain, const struct sv_policy *policy, sv_ms now,
                         const struct sv_observation *dns);

/* True when the claim of a domain has run out: it never verified in all of unverified_ms since it
 * was registered (0 = not known when), owes no work, and is not verified by this look either. A
 * look that found nothing out gives nothing up, nor does one that comes a day or more late: after
 * an outage, or a jump of the clock, its client gets one more. */
bool sv_domain_is_given_up(const struct sv_domain *domain, const struct sv_policy *policy,
                           const struct sv_observation *seen, sv_ms registered_at, sv_ms now);

/* When the mail of a sending domain is to be judged again, given how often; 0 = not at all. */
sv_ms sv_reputation_due_at(const struct sv_domain *domain, sv_ms every_ms);
/* True when this look should ask SES for details (v2 Get: one call for one domain): its read of
 * identity or DKIM failed, fails for the moment, or is not the success any more that it was; at
 * most once in ses_floor_ms. `domain` as it was before the look. */
bool sv_domain_wants_detail(const struct sv_domain *domain, const struct sv_policy *policy,
                            sv_ms now, const struct sv_observation *seen);

/* True when other DNS records have to be published than before; of a domain that is removed none
 * have. */
bool sv_change_is_records(const struct sv_domain *before, const struct sv_domain *after);

void sv_domain_flags(const struct sv_domain *domain, struct sv_flags *flags);

/* The forecast; 0 = not known, or nothing to expect. */

/* When mail stops if nothing is repaired: SES's patience after it lost sight of the records, which
 * is when it said so, or when the last cache has forgotten them. */
sv_ms sv_domain_stops_sending_at(const struct sv_domain *domain, const struct sv_policy *policy);

/* When records that are right at the source are seen everywhere. */
sv_ms sv_domain_dns_expected_by(const struct sv_domain *domain);

/* When SES, which gave up, is asked to look again: the budget of restarts says. */
sv_ms sv_domain_restart_due_at(const struct sv_domain *domain, const struct sv_policy *policy);

/* Until when SES keeps looking by itself; 0 = it is not looking. */
sv_ms sv_domain_ses_looks_until(const struct sv_domain *domain, const struct sv_policy *policy);

/* The invariant of the state; SV_REQUIREd at both ends of a step and checked on what Redis gives
 * back. */
bool sv_domain_is_sane(const struct sv_domain *domain);

#endif
