/* The list sweep: a cheap first look at a large account. v2 ListEmailIdentities tells the identity
 * status of 1,000 identities per call. A sweep changes no state: it brings forward the look at
 * domains whose listed status contradicts what is known, so that a loss is noticed within a sweep's
 * interval instead of a day. The list tells the identity's own status and whether it may send; what
 * befalls DKIM or MAIL FROM alone is for the ordinary reads. Pure; lib/drive executes it: the store
 * holds the position and decides which worker walks. */
#ifndef SV_SWEEP_H
#define SV_SWEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sv/domain.h"

enum {
    SV_SWEEP_PAGE_MAX = 1000,   /* ListEmailIdentities' own limit */
    SV_SWEEP_DOMAINS_MIN = 200, /* below that the ordinary reads are as cheap */
    SV_SWEEP_PAGES_MAX = 100,   /* of one sweep: ten times SES's quota of identities */
};

/* One entry of the list, or the lack of one. */
struct sv_listed {
    bool missing;          /* a complete walk did not name it */
    enum sv_axis identity; /* VerificationStatus */
    enum sv_tri sending;   /* SendingEnabled */
    sv_ms asked_at;        /* when the page was asked for; `missing`: when the walk began */
};

enum sv_sweep_advice {
    SV_SWEEP_LEAVE, /* nothing new, or nothing that can be told */
    SV_SWEEP_HURRY, /* look at it now */
};

/* What an entry means for a domain we keep: HURRY when it contradicts what is known. The hurried
 * look asks SES even where DNS alone would not call for it, or the next sweep would hurry it again.
 * A domain that SES was asked about after the page was asked for is left: what is known is newer.
 * So is one with work owed at SES, and an entry whose words we do not understand. */
enum sv_sweep_advice sv_sweep_judge(const struct sv_domain *known, const struct sv_listed *listed);

/* Where an account's sweep is, as the store keeps it. All zero: never swept. */
struct sv_sweep {
    sv_ms started_at;  /* the sweep under way, or the last one; 0 = never */
    sv_ms finished_at; /* 0 = under way (or never) */
    unsigned pages;    /* read so far */
};

struct sv_sweep_plan {
    sv_ms every_ms;     /* schedule.sweep_every; 0 = off */
    size_t domains;     /* this account holds (what the store counts, or the last sweep found) */
    size_t domains_min; /* 0 = SV_SWEEP_DOMAINS_MIN */
    uint64_t spread;    /* any digest of the account: accounts begin at different moments */
};

/* How long until the next page is asked for: 0 = now, -1 = not at all. A sweep under way goes on at
 * once (the limiter sets its pace) up to SV_SWEEP_PAGES_MAX pages; the next begins every_ms after
 * the last began. An account that was never swept begins within a tenth of every_ms of `since` (the
 * worker's start). */
sv_ms sv_sweep_wait_ms(const struct sv_sweep *sweep, const struct sv_sweep_plan *plan, sv_ms since,
                       sv_ms now);

#endif
